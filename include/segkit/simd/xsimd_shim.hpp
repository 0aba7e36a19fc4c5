// segkit/simd/xsimd_shim.hpp: the kernels' vectors by xsimd, for those who compile for one known architecture.
//
//     g++ -DSEGKIT_SIMD_BACKEND_XSIMD -march=x86-64-v3 ...    // kernels are those of xsimd::default_arch
//
// Works with xsimd 8.1 and with 13 and 14: only what they have in common is used, and the differences end here. Portable (Arm, and
// compilers without vector extensions); there is one level, that of the flags, and SEGKIT_SIMD chooses nothing.
#pragma once

#include <segkit/config.hpp>

#if defined(SEGKIT_SIMD_BACKEND_XSIMD)

#include <cstddef>
#include <cstdint>

#include <xsimd/xsimd.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Ids travel as numbers of type T: exact below 2^24 in float, which is more than there are centres.
template <class T>
struct xsimd_lanes {
    using value_type = T;
    using real = xsimd::batch<T>;
    struct index {
        real ids;
    };
    static constexpr std::size_t width = real::size;

    static void load(real& to, const T* from) { to = real::load_unaligned(from); }
    static void store(T* to, const real& from) { from.store_unaligned(to); }
    // Floats into a vector of doubles.
    static void load(real& to, const float* from)
        requires(sizeof(T) == 8)
    {
        T wide[width];
        for (std::size_t i = 0; i < width; ++i) wide[i] = static_cast<T>(from[i]);
        to = real::load_unaligned(wide);
    }
    static void fill(real& to, T value) { to = real(value); }
    static void clear(real& to) { to = real(T{0}); }
    static void clear(index& to) { to.ids = real(T{0}); }
    static void take_less(real& best, index& which, const real& distance, std::int32_t id) {
        const auto less = distance < best;
        best = xsimd::select(less, distance, best);
        which.ids = xsimd::select(less, real(static_cast<T>(id)), which.ids);
    }
    static void take_less(real& best, const real& distance) { best = xsimd::select(distance < best, distance, best); }
    static void store(std::int32_t* to, const index& from) {
        T ids[width];
        from.ids.store_unaligned(ids);
        for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::int32_t>(ids[i]);
    }
    static void add(double* sums, const T* values) {
        for (std::size_t i = 0; i < width; ++i) sums[i] += static_cast<double>(values[i]);
    }
    static void square_root(T* values) { xsimd::sqrt(real::load_unaligned(values)).store_unaligned(values); }
};

}  // namespace SEGKIT_NAMESPACE::detail

#endif
