// segkit/simd/distances.hpp: the distance kernels on tiles of 64 points, feature-major, that clustering and its measures share.
//
//     const distance_kernels<double>& kernels = distance_kernels_for<double>(simd_level());
//     kernels.nearest(tile, columns, centres, ids, count, nearest);    // per point the nearest centre: fused distance and arg-min
//
// Lanes are points: no tails, no horizontal sums; a register tile of centres x points is summed feature by feature. Distances are sums
// of squared differences, never |x|^2 - 2xc + |c|^2, which cancels; a subtraction and a multiply-add per feature, centre and point.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <segkit/config.hpp>
#include <segkit/simd/lanes.hpp>
#include <segkit/simd/level.hpp>

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t tile_rows = 64;

// Labels of a tile lie in the order of the bytes of sixteen words, the first byte of each first: vectors of any width make such
// bytes without a shuffle.
constexpr std::size_t place_in_tile(std::size_t row) { return row % 16 * 4 + row / 16; }
constexpr std::size_t row_at_place(std::size_t place) { return place % 4 * 16 + place / 4; }

// Per point of a tile the id of the nearest centre and its squared distance.
template <class T>
struct nearest_in_tile {
    alignas(64) std::int32_t which[tile_rows];
    alignas(64) T distance[tile_rows];
};

template <class T>
struct distance_kernels {
    // Of equally near centres the first wins; `ids` are what `which` says of them. The tile after this one is fetched meanwhile.
    void (*nearest)(const T* tile, std::size_t columns, const T* centres, const std::int32_t* ids, std::size_t count, nearest_in_tile<T>& out);
    // Squared distances to each of `count` centres: out[c * 64 + i].
    void (*squares)(const T* tile, std::size_t columns, const T* centres, std::size_t count, T* out);
    // values[i] = min(values[i], other[i]) for a tile; sums[i] += the result, in double. `other` may be `values`.
    void (*least)(T* values, const T* other, double* sums);
    // sums[i] += values[i] for the 64 values of a tile, in double.
    void (*add)(double* sums, const T* values);
    // values[i] = sqrt(values[i]) for `count` tiles, correctly rounded.
    void (*square_roots)(T* values, std::size_t count);
    // For `count` tiles of values: rows[c * 16 + i % 16] += values[c * 64 + i], and columns[i] += the same.
    void (*sum_both_ways)(const T* values, std::size_t count, T* rows, T* columns);
};

inline constexpr std::size_t row_lanes = 16;

// ---- one source for every instruction set

// Squared distances of Vectors * width points to Centres centres, in registers.
template <class Lanes, std::size_t Vectors, std::size_t Centres, bool Prefetch, class T>
[[gnu::always_inline]] inline void register_tile(const T* points, std::size_t columns, const T* centres, typename Lanes::real (&sum)[Centres][Vectors]) {
#pragma GCC unroll 16
    for (std::size_t c = 0; c < Centres; ++c) {
#pragma GCC unroll 16
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::clear(sum[c][v]);
    }
    for (std::size_t j = 0; j < columns; ++j) {
        const T* const feature = points + j * tile_rows;
        typename Lanes::real x[Vectors];
#pragma GCC unroll 16
        for (std::size_t v = 0; v < Vectors; ++v) {
            Lanes::load(x[v], feature + v * Lanes::width);
            // One tile ahead; an address beyond the last tile is never read.
            if constexpr (Prefetch) {
                if (v * Lanes::width * sizeof(T) % 64 == 0)
                    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(feature + v * Lanes::width) + columns * tile_rows * sizeof(T)));
            }
        }
#pragma GCC unroll 16
        for (std::size_t c = 0; c < Centres; ++c) {
            const T at = centres[c * columns + j];
#pragma GCC unroll 16
            for (std::size_t v = 0; v < Vectors; ++v) {
                const typename Lanes::real gap = x[v] - at;
                sum[c][v] += gap * gap;
            }
        }
    }
}

template <class Lanes, std::size_t Vectors, std::size_t Centres, bool Prefetch, class T>
[[gnu::always_inline]] inline void nearest_of(const T* points, std::size_t columns, const T* centres, const std::int32_t* ids,
                                              typename Lanes::real (&best)[Vectors], typename Lanes::index (&which)[Vectors]) {
    typename Lanes::real sum[Centres][Vectors];
    register_tile<Lanes, Vectors, Centres, Prefetch>(points, columns, centres, sum);
#pragma GCC unroll 16
    for (std::size_t c = 0; c < Centres; ++c) {
#pragma GCC unroll 16
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::take_less(best[v], which[v], sum[c][v], ids[c]);
    }
}

template <class Lanes, std::size_t Vectors, std::size_t Centres, class T>
[[gnu::always_inline]] inline void nearest_body(const T* tile, std::size_t columns, const T* centres, const std::int32_t* ids, std::size_t count,
                                                nearest_in_tile<T>& out) {
    for (std::size_t first = 0; first < tile_rows; first += Vectors * Lanes::width) {
        const T* const points = tile + first;
        typename Lanes::real best[Vectors];
        typename Lanes::index which[Vectors];
        for (std::size_t v = 0; v < Vectors; ++v) {
            Lanes::fill(best[v], std::numeric_limits<T>::infinity());
            Lanes::clear(which[v]);
        }
        std::size_t c = 0;
        if (count >= Centres) {
            nearest_of<Lanes, Vectors, Centres, true>(points, columns, centres, ids, best, which);
            for (c = Centres; c + Centres <= count; c += Centres) nearest_of<Lanes, Vectors, Centres, false>(points, columns, centres + c * columns, ids + c, best, which);
        }
        const T* const rest = centres + c * columns;
        switch (count - c) {    // as many at once as are left
            case 5: if constexpr (Centres > 5) nearest_of<Lanes, Vectors, 5, true>(points, columns, rest, ids + c, best, which); break;
            case 4: if constexpr (Centres > 4) nearest_of<Lanes, Vectors, 4, true>(points, columns, rest, ids + c, best, which); break;
            case 3: if constexpr (Centres > 3) nearest_of<Lanes, Vectors, 3, true>(points, columns, rest, ids + c, best, which); break;
            case 2: if constexpr (Centres > 2) nearest_of<Lanes, Vectors, 2, true>(points, columns, rest, ids + c, best, which); break;
            case 1: if constexpr (Centres > 1) nearest_of<Lanes, Vectors, 1, true>(points, columns, rest, ids + c, best, which); break;
            default: break;
        }
        for (std::size_t v = 0; v < Vectors; ++v) {
            Lanes::store(out.distance + first + v * Lanes::width, best[v]);
            Lanes::store(out.which + first + v * Lanes::width, which[v]);
        }
    }
}

template <class Lanes, std::size_t Vectors, std::size_t Centres, class T>
[[gnu::always_inline]] inline void squares_of(const T* points, std::size_t columns, const T* centres, T* out) {
    typename Lanes::real sum[Centres][Vectors];
    register_tile<Lanes, Vectors, Centres, false>(points, columns, centres, sum);
#pragma GCC unroll 16
    for (std::size_t c = 0; c < Centres; ++c) {
#pragma GCC unroll 16
        for (std::size_t v = 0; v < Vectors; ++v) Lanes::store(out + c * tile_rows + v * Lanes::width, sum[c][v]);
    }
}

template <class Lanes, std::size_t Vectors, std::size_t Centres, class T>
[[gnu::always_inline]] inline void squares_body(const T* tile, std::size_t columns, const T* centres, std::size_t count, T* out) {
    for (std::size_t first = 0; first < tile_rows; first += Vectors * Lanes::width) {
        std::size_t c = 0;
        for (; c + Centres <= count; c += Centres) squares_of<Lanes, Vectors, Centres>(tile + first, columns, centres + c * columns, out + c * tile_rows + first);
        for (; c < count; ++c) squares_of<Lanes, Vectors, 1>(tile + first, columns, centres + c * columns, out + c * tile_rows + first);
    }
}

template <class Lanes, class T>
[[gnu::always_inline]] inline void least_body(T* values, const T* other, double* sums) {
    for (std::size_t i = 0; i < tile_rows; i += Lanes::width) {
        typename Lanes::real value, more;
        Lanes::load(value, values + i);
        Lanes::load(more, other + i);
        Lanes::take_less(value, more);
        Lanes::store(values + i, value);
        Lanes::add(sums + i, values + i);
    }
}

template <class Lanes, class T>
[[gnu::always_inline]] inline void add_body(double* sums, const T* values) {
    for (std::size_t i = 0; i < tile_rows; i += Lanes::width) Lanes::add(sums + i, values + i);
}

template <class Lanes, class T>
[[gnu::always_inline]] inline void sum_both_ways_body(const T* values, std::size_t count, T* rows, T* columns) {
    constexpr std::size_t vectors = row_lanes / Lanes::width;
    for (std::size_t c = 0; c < count; ++c) {
        typename Lanes::real sum[vectors];
        for (std::size_t v = 0; v < vectors; ++v) Lanes::load(sum[v], rows + c * row_lanes + v * Lanes::width);
        for (std::size_t i = 0; i < tile_rows; i += row_lanes) {
#pragma GCC unroll 16
            for (std::size_t v = 0; v < vectors; ++v) {
                typename Lanes::real value, column;
                Lanes::load(value, values + c * tile_rows + i + v * Lanes::width);
                Lanes::load(column, columns + i + v * Lanes::width);
                sum[v] += value;
                column += value;
                Lanes::store(columns + i + v * Lanes::width, column);
            }
        }
        for (std::size_t v = 0; v < vectors; ++v) Lanes::store(rows + c * row_lanes + v * Lanes::width, sum[v]);
    }
}

// ---- the forms; register tiles by the number of registers: 16 of 16 or 32 bytes, 32 of 64

#if defined(SEGKIT_SIMD_BACKEND_XSIMD)
template <class T>
using base_lanes = xsimd_lanes<T>;
#else
template <class T>
using base_lanes = vector_lanes<T, 16>;
#endif

template <class T>
void nearest_base(const T* tile, std::size_t columns, const T* centres, const std::int32_t* ids, std::size_t count, nearest_in_tile<T>& out) {
    nearest_body<base_lanes<T>, 2, 4>(tile, columns, centres, ids, count, out);
}
template <class T>
void squares_base(const T* tile, std::size_t columns, const T* centres, std::size_t count, T* out) {
    squares_body<base_lanes<T>, 2, 4>(tile, columns, centres, count, out);
}
template <class T>
void least_base(T* values, const T* other, double* sums) {
    least_body<base_lanes<T>>(values, other, sums);
}
template <class T>
void sum_both_ways_base(const T* values, std::size_t count, T* rows, T* columns) {
    sum_both_ways_body<base_lanes<T>>(values, count, rows, columns);
}
template <class T>
void add_base(double* sums, const T* values) {
    add_body<base_lanes<T>>(sums, values);
}

#if SEGKIT_SIMD_LEVELS
// An instruction spelled out: the compilers have no portable square root of a vector, and their own wait for errno. One operand
// serves both spellings of assembly.
template <class T>
void square_roots_base(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count * tile_rows; i += vector_lanes<T, 16>::width) {
        typename vector_lanes<T, 16>::real value;
        vector_lanes<T, 16>::load(value, values + i);
        if constexpr (sizeof(T) == 8) asm("sqrtpd %0, %0" : "+x"(value));
        else asm("sqrtps %0, %0" : "+x"(value));
        vector_lanes<T, 16>::store(values + i, value);
    }
}
template <class T>
SEGKIT_TARGET_AVX2 void square_roots_avx2(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count * tile_rows; i += vector_lanes<T, 32>::width) {
        typename vector_lanes<T, 32>::real value;
        vector_lanes<T, 32>::load(value, values + i);
        if constexpr (sizeof(T) == 8) asm("vsqrtpd %0, %0" : "+x"(value));
        else asm("vsqrtps %0, %0" : "+x"(value));
        vector_lanes<T, 32>::store(values + i, value);
    }
}
template <class T>
SEGKIT_TARGET_AVX512 void square_roots_avx512(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count * tile_rows; i += vector_lanes<T, 64>::width) {
        typename vector_lanes<T, 64>::real value;
        vector_lanes<T, 64>::load(value, values + i);
        if constexpr (sizeof(T) == 8) asm("vsqrtpd %0, %0" : "+v"(value));
        else asm("vsqrtps %0, %0" : "+v"(value));
        vector_lanes<T, 64>::store(values + i, value);
    }
}
#elif defined(SEGKIT_SIMD_BACKEND_XSIMD)
template <class T>
void square_roots_base(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count * tile_rows; i += xsimd_lanes<T>::width) xsimd_lanes<T>::square_root(values + i);
}
#else
template <class T>
void square_roots_base(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count * tile_rows; ++i) values[i] = std::sqrt(values[i]);
}
#endif

#if SEGKIT_SIMD_LEVELS
template <class T>
SEGKIT_TARGET_AVX2 void nearest_avx2(const T* tile, std::size_t columns, const T* centres, const std::int32_t* ids, std::size_t count, nearest_in_tile<T>& out) {
    nearest_body<vector_lanes<T, 32>, 2, 4>(tile, columns, centres, ids, count, out);
}
template <class T>
SEGKIT_TARGET_AVX2 void squares_avx2(const T* tile, std::size_t columns, const T* centres, std::size_t count, T* out) {
    squares_body<vector_lanes<T, 32>, 2, 4>(tile, columns, centres, count, out);
}
template <class T>
SEGKIT_TARGET_AVX2 void least_avx2(T* values, const T* other, double* sums) {
    least_body<vector_lanes<T, 32>>(values, other, sums);
}
template <class T>
SEGKIT_TARGET_AVX2 void sum_both_ways_avx2(const T* values, std::size_t count, T* rows, T* columns) {
    sum_both_ways_body<vector_lanes<T, 32>>(values, count, rows, columns);
}
template <class T>
SEGKIT_TARGET_AVX2 void add_avx2(double* sums, const T* values) {
    add_body<vector_lanes<T, 32>>(sums, values);
}

template <class T>
SEGKIT_TARGET_AVX512 void nearest_avx512(const T* tile, std::size_t columns, const T* centres, const std::int32_t* ids, std::size_t count, nearest_in_tile<T>& out) {
    nearest_body<vector_lanes<T, 64>, 4, 6>(tile, columns, centres, ids, count, out);
}
template <class T>
SEGKIT_TARGET_AVX512 void squares_avx512(const T* tile, std::size_t columns, const T* centres, std::size_t count, T* out) {
    squares_body<vector_lanes<T, 64>, 4, 4>(tile, columns, centres, count, out);
}
template <class T>
SEGKIT_TARGET_AVX512 void least_avx512(T* values, const T* other, double* sums) {
    least_body<vector_lanes<T, 64>>(values, other, sums);
}
template <class T>
SEGKIT_TARGET_AVX512 void sum_both_ways_avx512(const T* values, std::size_t count, T* rows, T* columns) {
    sum_both_ways_body<vector_lanes<T, 64>>(values, count, rows, columns);
}
template <class T>
SEGKIT_TARGET_AVX512 void add_avx512(double* sums, const T* values) {
    add_body<vector_lanes<T, 64>>(sums, values);
}
#endif

template <class T>
const distance_kernels<T>& distance_kernels_for([[maybe_unused]] instruction_set level) {
    static constexpr distance_kernels<T> base{nearest_base<T>, squares_base<T>, least_base<T>, add_base<T>, square_roots_base<T>, sum_both_ways_base<T>};
#if SEGKIT_SIMD_LEVELS
    static constexpr distance_kernels<T> avx2{nearest_avx2<T>, squares_avx2<T>, least_avx2<T>, add_avx2<T>, square_roots_avx2<T>, sum_both_ways_avx2<T>};
    static constexpr distance_kernels<T> avx512{nearest_avx512<T>, squares_avx512<T>, least_avx512<T>, add_avx512<T>, square_roots_avx512<T>, sum_both_ways_avx512<T>};
    if (level == instruction_set::avx512) return avx512;
    if (level == instruction_set::avx2) return avx2;
#endif
    return base;
}

}  // namespace SEGKIT_NAMESPACE::detail
