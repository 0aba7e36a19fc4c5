// segkit/simd/level.hpp: which instructions the kernels use, chosen once when the program runs.
//
//     segkit::simd_level()                                        // the best the CPU has, or what was pinned
//     segkit::pin_simd_level(segkit::instruction_set::base);      // for tests and support; SEGKIT_SIMD=base does the same from outside
//
// Kernels that have one exist in up to three forms in every program, whatever it was compiled for; results are the same.
// Asking costs an atomic read. CPUs other than x86-64 have `base` only, which is what the compiler makes of plain code.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>

namespace SEGKIT_NAMESPACE {

enum class instruction_set : std::uint8_t {
    base,      // what the compiler was told; on x86-64 at least SSE2
    avx2,      // with BMI, FMA and PCLMUL: Haswell and Zen, and later
    avx512,    // F, DQ, BW, VL and CD
};

constexpr std::string_view to_string(instruction_set level) {
    switch (level) {
        case instruction_set::base: return "base";
        case instruction_set::avx2: return "avx2";
        case instruction_set::avx512: return "avx512";
    }
    return "unknown";
}

// The best level of the CPU the program runs on.
inline instruction_set cpu_simd_level() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    static const instruction_set best = [] {
        __builtin_cpu_init();
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
            !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("popcnt"))
            return instruction_set::base;
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw") ||
            !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512cd"))
            return instruction_set::avx2;
        return instruction_set::avx512;
    }();
    return best;
#else
    return instruction_set::base;
#endif
}

namespace detail {

// AVX-512 of 2019 and later; a level of its own would be one too many.
inline bool cpu_has_vbmi2() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    static const bool has = [] {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512vbmi2") != 0;
    }();
    return has;
#else
    return false;
#endif
}

// The same of its products of 16 bits that add up.
inline bool cpu_has_vnni() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    static const bool has = [] {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512vnni") != 0;
    }();
    return has;
#else
    return false;
#endif
}

[[noreturn]] inline void refuse_simd_level(std::string found, std::string advice) {
    error_details details{.code = error_code::invalid_option, .stage = "simd_level"};
    details.found = std::move(found);
    details.expected = "base";
    for (const instruction_set level : {instruction_set::avx2, instruction_set::avx512})
        if (level <= cpu_simd_level()) (details.expected += ", ") += to_string(level);
    details.advice = std::move(advice);
    throw error(std::move(details));
}

inline instruction_set require_of_cpu(instruction_set level) {
    if (level > cpu_simd_level()) refuse_simd_level(std::string(to_string(level)) + ", which this CPU does not have", "choose a lower level");
    return level;
}

// What SEGKIT_SIMD says, or the best.
inline instruction_set initial_simd_level() {
    const char* const asked = std::getenv("SEGKIT_SIMD");
    if (!asked || !*asked) return cpu_simd_level();
    for (const instruction_set level : {instruction_set::base, instruction_set::avx2, instruction_set::avx512})
        if (to_string(level) == asked) return require_of_cpu(level);
    refuse_simd_level("SEGKIT_SIMD=" + std::string(asked), "set the environment variable to one of these, or remove it");
}

inline constexpr int no_simd_level = -1;
inline std::atomic<int>& chosen_simd_level() {
    static std::atomic<int> level{no_simd_level};
    return level;
}

}  // namespace detail

// The level in use. Throws segkit::error where SEGKIT_SIMD is no level, or one that the CPU lacks.
inline instruction_set simd_level() {
    std::atomic<int>& chosen = detail::chosen_simd_level();
    int level = chosen.load(std::memory_order_relaxed);
    if (level == detail::no_simd_level) {
        level = static_cast<int>(detail::initial_simd_level());
        int nobody = detail::no_simd_level;
        if (!chosen.compare_exchange_strong(nobody, level)) level = nobody;
    }
    return static_cast<instruction_set>(level);
}

// Work that begins from now on uses this level, in all threads. Throws segkit::error where the CPU lacks it.
inline void pin_simd_level(instruction_set level) { detail::chosen_simd_level().store(static_cast<int>(detail::require_of_cpu(level))); }

// Back to what SEGKIT_SIMD says, or the best.
inline void unpin_simd_level() { detail::chosen_simd_level().store(detail::no_simd_level); }

}  // namespace SEGKIT_NAMESPACE
