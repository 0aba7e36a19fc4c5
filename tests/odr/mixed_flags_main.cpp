// Files compiled for different instruction sets, in one program: each must use its own instantiations, whichever the
// linker meets first, and they must agree on results that do not depend on the instruction set.
#include "mixed_flags_unit.hpp"

#include <cstdio>

int main() {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        std::puts("SKIPPED: mixed flags (this processor has no AVX2)");
        return 0;
    }
    const unit_facts plain = facts_of_plain();
    const unit_facts avx2 = facts_of_avx2();
    if (plain.error_type == avx2.error_type) {
        std::printf("both files see %s: code compiled for AVX2 can reach a program without it\n", plain.error_type.c_str());
        return 1;
    }
    if (avx2.error_type.find("avx2") == std::string::npos) {
        std::printf("%s does not name its instruction set\n", avx2.error_type.c_str());
        return 1;
    }
    if (plain.result != avx2.result) {
        std::printf("results differ: %.17g and %.17g\n", plain.result, avx2.result);
        return 1;
    }
}
