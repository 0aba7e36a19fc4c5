// Runs a check at every level of instructions that the CPU has.
#pragma once

#include <segkit/simd/level.hpp>

namespace support {

template <class Check>
void at_every_simd_level(Check check) {
    for (segkit::instruction_set level : {segkit::instruction_set::base, segkit::instruction_set::avx2, segkit::instruction_set::avx512}) {
        if (level > segkit::cpu_simd_level()) continue;
        segkit::pin_simd_level(level);
        check(level);
    }
    segkit::unpin_simd_level();
}

}  // namespace support
