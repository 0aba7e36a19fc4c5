// segkit/cluster/detail/pack_tile.hpp: up to 64 points in a tile, feature by feature: what the distance kernels read.
//
// Padded with zeros, so that kernels have no tails.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

#if defined(__GNUC__) || defined(__clang__)
template <class T>
inline constexpr std::size_t square_side = 16 / sizeof(T);

// Two points by two features in double, four by four in float, in registers.
template <class T>
[[gnu::always_inline]] inline void pack_square(const T* from, std::size_t stride, T* tile) {
    using values [[gnu::vector_size(16)]] = T;
    values in[square_side<T>], out[square_side<T>];
    for (std::size_t i = 0; i < square_side<T>; ++i) std::memcpy(&in[i], from + i * stride, 16);
    if constexpr (sizeof(T) == 8) {
        out[0] = __builtin_shufflevector(in[0], in[1], 0, 2);
        out[1] = __builtin_shufflevector(in[0], in[1], 1, 3);
    } else {
        const values first = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5), second = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5);
        const values third = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7), fourth = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
        out[0] = __builtin_shufflevector(first, second, 0, 1, 4, 5);
        out[1] = __builtin_shufflevector(first, second, 2, 3, 6, 7);
        out[2] = __builtin_shufflevector(third, fourth, 0, 1, 4, 5);
        out[3] = __builtin_shufflevector(third, fourth, 2, 3, 6, 7);
    }
    for (std::size_t j = 0; j < square_side<T>; ++j) std::memcpy(tile + j * tile_rows, &out[j], 16);
}

// The features of 64 points that fill squares, where a point's features stand one after the other. How many these are.
template <class T>
std::size_t pack_squares(matrix_view<const T> rows, T* tile) {
    if (rows.rows != tile_rows || rows.column_stride != 1) return 0;
    const std::size_t columns = rows.columns / square_side<T> * square_side<T>;
    for (std::size_t i = 0; i < tile_rows; i += square_side<T>) {
        const T* const from = rows.values + i * rows.row_stride;
        // One tile ahead; an address beyond the last row is never read.
        for (std::size_t ahead = 0; ahead < square_side<T>; ++ahead)
            for (std::size_t j = 0; j < rows.columns; j += 64 / sizeof(T))
                __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from + j) + (tile_rows + ahead) * rows.row_stride * sizeof(T)));
        for (std::size_t j = 0; j < columns; j += square_side<T>) pack_square(from + j, rows.row_stride, tile + j * tile_rows + i);
    }
    return columns;
}
#else
template <class T>
std::size_t pack_squares(matrix_view<const T>, T*) {
    return 0;
}
#endif

// Copies up to 64 points into a tile: feature j of point i at tile[j * 64 + i].
template <class T>
void pack_tile(matrix_view<const T> rows, T* tile) {
    for (std::size_t j = pack_squares(rows, tile); j < rows.columns; ++j) {
        T* feature = tile + j * tile_rows;
        const T* from = rows.values + j * rows.column_stride;
        if (rows.rows == tile_rows) {
            for (std::size_t i = 0; i < tile_rows; ++i) feature[i] = from[i * rows.row_stride];
        } else {
            for (std::size_t i = 0; i < rows.rows; ++i) feature[i] = from[i * rows.row_stride];
            std::fill(feature + rows.rows, feature + tile_rows, T{0});
        }
    }
}

// Adding one to an exponent of ones carries into the sign's place.
template <class T>
bool all_finite(const T* values, std::size_t n) {
    using bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    constexpr bits exponent = std::bit_cast<bits>(std::numeric_limits<T>::infinity()), least = exponent & (~exponent + 1);
    bits found = 0;
    for (std::size_t i = 0; i < n; ++i) found |= (std::bit_cast<bits>(values[i]) & exponent) + least;
    return !(found >> (8 * sizeof(bits) - 1));
}

}  // namespace SEGKIT_NAMESPACE::detail
