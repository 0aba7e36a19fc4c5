// segkit/cluster/detail/pack_tile.hpp: up to 64 points in a tile, feature by feature: what the distance kernels read.
//
// Padded with zeros, so that kernels have no tails.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Copies up to 64 points into a tile: feature j of point i at tile[j * 64 + i].
template <class T>
void pack_tile(matrix_view<const T> rows, T* tile) {
    for (std::size_t j = 0; j < rows.columns; ++j) {
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
