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
#include <utility>

#include <segkit/config.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/simd/level.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

#if defined(__GNUC__) || defined(__clang__)
// Four features of floats, two of doubles, fill 16 bytes: the side of a square that is turned in registers.
template <class T>
inline constexpr std::size_t square_side = 16 / sizeof(T);

// As many squares side by side as a vector of Bytes has 16 bytes.
template <std::size_t Bytes, class T>
struct squares {
    using element = std::conditional_t<sizeof(T) == 8, double, float>;    // GCC 12 makes vectors of dependent types only
    using values [[gnu::vector_size(Bytes)]] = element;
    static constexpr std::size_t points = Bytes / sizeof(T);

    // The 16 bytes of every square_side-th point, one after the other.
    [[gnu::always_inline]] static void gather(values& to, const T* from, std::size_t stride) {
        if constexpr (Bytes == 16) {
            std::memcpy(&to, from, 16);
        } else {
            using half = squares<Bytes / 2, T>;
            typename half::values low, high;
            half::gather(low, from, stride);
            half::gather(high, from + half::points * stride, stride);
            join(to, low, high, std::make_index_sequence<points>());
        }
    }
    template <class Half, std::size_t... I>
    [[gnu::always_inline]] static void join(values& to, const Half& low, const Half& high, std::index_sequence<I...>) {
        to = __builtin_shufflevector(low, high, static_cast<int>(I)...);
    }
    // In every 16 bytes, of the values from First on, one of a and one of b by turns.
    template <std::size_t First, std::size_t... I>
    [[gnu::always_inline]] static void zip(values& to, const values& a, const values& b, std::index_sequence<I...>) {
        to = __builtin_shufflevector(a, b, static_cast<int>(I / square_side<T> * square_side<T> + First + I % square_side<T> / 2 + I % 2 * points)...);
    }
    // In every 16 bytes two floats of a from First on, then two of b.
    template <std::size_t First, std::size_t... I>
    [[gnu::always_inline]] static void pair(values& to, const values& a, const values& b, std::index_sequence<I...>) {
        to = __builtin_shufflevector(a, b, static_cast<int>(I / 4 * 4 + First + I % 2 + I % 4 / 2 * points)...);
    }

    // `points` points by square_side features into a tile.
    [[gnu::always_inline]] static void turn(const T* from, std::size_t stride, T* tile) {
        constexpr auto lanes = std::make_index_sequence<points>();
        values in[square_side<T>], out[square_side<T>];
        for (std::size_t i = 0; i < square_side<T>; ++i) gather(in[i], from + i * stride, stride);
        if constexpr (sizeof(T) == 8) {
            zip<0>(out[0], in[0], in[1], lanes);
            zip<1>(out[1], in[0], in[1], lanes);
        } else {
            values zipped[4];
            zip<0>(zipped[0], in[0], in[1], lanes);
            zip<0>(zipped[1], in[2], in[3], lanes);
            zip<2>(zipped[2], in[0], in[1], lanes);
            zip<2>(zipped[3], in[2], in[3], lanes);
            pair<0>(out[0], zipped[0], zipped[1], lanes);
            pair<2>(out[1], zipped[0], zipped[1], lanes);
            pair<0>(out[2], zipped[2], zipped[3], lanes);
            pair<2>(out[3], zipped[2], zipped[3], lanes);
        }
        for (std::size_t j = 0; j < square_side<T>; ++j) std::memcpy(tile + j * tile_rows, &out[j], Bytes);
    }
};

// The first `columns` features, a multiple of the side, of 64 points.
template <std::size_t Bytes, class T>
[[gnu::always_inline]] inline void pack_squares_body(const T* rows, std::size_t stride, std::size_t columns, T* tile) {
    constexpr std::size_t points = squares<Bytes, T>::points;
    for (std::size_t i = 0; i < tile_rows; i += points) {
        const T* const from = rows + i * stride;
        // One tile ahead; an address beyond the last row is never read.
        for (std::size_t ahead = 0; ahead < points; ++ahead)
            for (std::size_t j = 0; j < columns; j += 64 / sizeof(T))
                __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from + j) + (tile_rows + ahead) * stride * sizeof(T)));
        for (std::size_t j = 0; j < columns; j += square_side<T>) squares<Bytes, T>::turn(from + j, stride, tile + j * tile_rows + i);
    }
}

template <class T>
void pack_squares_base(const T* rows, std::size_t stride, std::size_t columns, T* tile) {
    pack_squares_body<16>(rows, stride, columns, tile);
}
#if SEGKIT_SIMD_LEVELS
template <class T>
SEGKIT_TARGET_AVX2 void pack_squares_avx2(const T* rows, std::size_t stride, std::size_t columns, T* tile) {
    pack_squares_body<32>(rows, stride, columns, tile);
}
template <class T>
SEGKIT_TARGET_AVX512 void pack_squares_avx512(const T* rows, std::size_t stride, std::size_t columns, T* tile) {
    pack_squares_body<64>(rows, stride, columns, tile);
}
#endif

// Doubles, of which there are twice the bytes, wait for memory at any level.
template <class T>
auto pack_squares_for([[maybe_unused]] instruction_set level) {
#if SEGKIT_SIMD_LEVELS
    if constexpr (sizeof(T) == 4) {
        if (level == instruction_set::avx512) return pack_squares_avx512<T>;
        if (level == instruction_set::avx2) return pack_squares_avx2<T>;
    }
#endif
    return pack_squares_base<T>;
}

// The features of 64 points that fill squares, where a point's features stand one after the other. How many these are.
template <class T>
std::size_t pack_squares(matrix_view<const T> rows, T* tile) {
    if (rows.rows != tile_rows || rows.column_stride != 1) return 0;
    const std::size_t columns = rows.columns / square_side<T> * square_side<T>;
    if (columns > 0) pack_squares_for<T>(simd_level())(rows.values, rows.row_stride, columns, tile);
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
