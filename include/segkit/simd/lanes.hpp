// segkit/simd/lanes.hpp: what a kernel is written over: a policy `Lanes` that names one native vector and its few operations.
//
// `vector_lanes<T, Bytes>` is a vector type of the compiler; `xsimd_lanes<T>` (xsimd_shim.hpp, with SEGKIT_SIMD_BACKEND_XSIMD) a batch
// of xsimd. A kernel is an always-inline template that holds a fixed block as an *array* of native vectors, and uses their operators
// - + * < between vectors or with a scalar. It is called from functions that carry `target` attributes, one per instruction set;
// SEGKIT_TARGET_AVX2 and SEGKIT_TARGET_AVX512 spell these. Vectors go by reference: by value they would be a matter of the ABI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/level.hpp>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(SEGKIT_SIMD_BACKEND_XSIMD)
#define SEGKIT_SIMD_LEVELS 1
#define SEGKIT_TARGET_AVX2 [[gnu::target("avx2,fma")]]
#define SEGKIT_TARGET_AVX512 [[gnu::target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl,avx512cd")]]
#else
#define SEGKIT_SIMD_LEVELS 0
#endif

#if defined(SEGKIT_SIMD_BACKEND_XSIMD)
#include <segkit/simd/xsimd_shim.hpp>
#endif

namespace SEGKIT_NAMESPACE::detail {

template <class T>
using bits_of = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
// A number of which all of these are set is NaN or an infinity; a step more carries into the sign's place.
template <class T>
inline constexpr bits_of<T> exponent_bits = sizeof(T) == 8 ? static_cast<bits_of<T>>(0x7FF0000000000000) : static_cast<bits_of<T>>(0x7F800000);
template <class T>
inline constexpr bits_of<T> exponent_step = sizeof(T) == 8 ? static_cast<bits_of<T>>(0x0010000000000000) : static_cast<bits_of<T>>(0x00800000);

#if defined(__GNUC__) || defined(__clang__)

template <class T, std::size_t Bytes>
struct vector_lanes {
    using value_type = T;
    using integer = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
    using real [[gnu::vector_size(Bytes)]] = T;
    using index [[gnu::vector_size(Bytes)]] = integer;
    using bits [[gnu::vector_size(Bytes)]] = bits_of<T>;
    static constexpr std::size_t width = Bytes / sizeof(T);

    [[gnu::always_inline]] static void load(real& to, const T* from) { std::memcpy(&to, from, Bytes); }
    [[gnu::always_inline]] static void store(T* to, const real& from) { std::memcpy(to, &from, Bytes); }
    // Floats into a vector of doubles.
    [[gnu::always_inline]] static void load(real& to, const float* from)
        requires(sizeof(T) == 8)
    {
        using part [[gnu::vector_size(Bytes / 2)]] = std::conditional_t<sizeof(T) == 8, float, T>;    // GCC 12 makes vectors of dependent types only
        part narrow;
        std::memcpy(&narrow, from, sizeof narrow);
        to = __builtin_convertvector(narrow, real);
    }
    [[gnu::always_inline]] static void fill(real& to, T value) { to = value - real{}; }
    [[gnu::always_inline]] static void clear(real& to) { to = real{}; }
    [[gnu::always_inline]] static void clear(index& to) { to = index{}; }
    // Lane i of `to` is lane i + Places of eight, in a circle.
    template <int Places>
    [[gnu::always_inline]] static void turn(real& to, const real& from)
        requires(width == 8)
    {
        constexpr int p = Places;
        to = __builtin_shufflevector(from, from, p % 8, (p + 1) % 8, (p + 2) % 8, (p + 3) % 8, (p + 4) % 8, (p + 5) % 8, (p + 6) % 8, (p + 7) % 8);
    }
    // Lanes where `distance` is less than `best` take it, and `id` beside it.
    [[gnu::always_inline]] static void take_less(real& best, index& which, const real& distance, std::int32_t id) {
        const index less = distance < best;
        best = less ? distance : best;
        which = (which & ~less) | (less & integer{id});
    }
    [[gnu::always_inline]] static void take_less(real& best, const real& distance) { best = distance < best ? distance : best; }
    [[gnu::always_inline]] static void store(std::int32_t* to, const index& from) {
        for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<std::int32_t>(from[i]);
    }
    using doubles [[gnu::vector_size(Bytes)]] = double;
    static constexpr std::size_t wide = Bytes / sizeof(double);
    using id_type = std::conditional_t<sizeof(T) == 8, std::int32_t, std::int32_t>;    // GCC 12 makes vectors of dependent types only
    // sums[i] += values[i], in double.
    [[gnu::always_inline]] static void add(double* sums, const T* values) {
        using part [[gnu::vector_size(wide * sizeof(T))]] = T;
        for (std::size_t i = 0; i < width; i += wide) {
            doubles sum;
            part more;
            std::memcpy(&sum, sums + i, sizeof sum);
            std::memcpy(&more, values + i, sizeof more);
            if constexpr (std::is_same_v<T, double>) sum += more;
            else sum += __builtin_convertvector(more, doubles);
            std::memcpy(sums + i, &sum, sizeof sum);
        }
    }
};

#endif

}  // namespace SEGKIT_NAMESPACE::detail
