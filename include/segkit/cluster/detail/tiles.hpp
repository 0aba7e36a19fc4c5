// segkit/cluster/detail/tiles.hpp: points in tiles of 64 rows, feature-major inside a tile: what the distance kernels read.
//
// A whole matrix is packed once and read in every pass. The last tile is padded with zeros, so kernels have no tails.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

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

// Throws for the first row that holds NaN or an infinity.
template <class T>
[[noreturn]] void throw_first_not_finite(std::string_view stage, matrix_view<const T> rows) {
    for (std::size_t i = 0;; ++i) {
        for (std::size_t j = 0; j < rows.columns; ++j) {
            if (!is_finite(static_cast<double>(rows(i, j)))) throw_not_finite(stage, static_cast<double>(rows(i, j)), j, i);
        }
    }
}

// A whole matrix in tiles. Throws for NaN and infinities, naming `stage`.
template <class T>
class tiled_matrix {
public:
    tiled_matrix(std::string_view stage, matrix_view<const T> rows, executor_ref executor)
        : rows_(rows.rows), columns_(rows.columns), values_(take_memory<T>((rows.rows + tile_rows - 1) / tile_rows * tile_rows * rows.columns)) {
        const row_blocks blocks(rows_);
        std::vector<char> finite(blocks.count());
        executor.run(blocks.count(), [&](std::size_t b) {
            const std::size_t end = blocks.first(b) + blocks.length(b);
            bool good = true;
            for (std::size_t i = blocks.first(b); i < end; i += tile_rows) {
                T* const tile = values_.get() + i * columns_;
                pack_tile(rows.row_range(i, std::min(tile_rows, rows_ - i)), tile);
                good = good && all_finite(tile, tile_rows * columns_);
            }
            finite[b] = good;
        });
        if (std::find(finite.begin(), finite.end(), char{0}) != finite.end()) throw_first_not_finite(stage, rows);
    }

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    // The tile that begins at this row, a multiple of 64.
    const T* tile(std::size_t first_row) const { return values_.get() + first_row * columns_; }
    std::size_t tile_length(std::size_t first_row) const { return std::min(tile_rows, rows_ - first_row); }
    T operator()(std::size_t i, std::size_t j) const { return values_[i / tile_rows * tile_rows * columns_ + j * tile_rows + i % tile_rows]; }

    template <class U>
    void copy_row(std::size_t i, U* to) const {
        for (std::size_t j = 0; j < columns_; ++j) to[j] = static_cast<U>((*this)(i, j));
    }

    bool same_point(std::size_t a, std::size_t b) const {
        for (std::size_t j = 0; j < columns_; ++j) {
            if ((*this)(a, j) != (*this)(b, j)) return false;
        }
        return true;
    }

private:
    std::size_t rows_;
    std::size_t columns_;
    owned_memory<T> values_;
};

// Distances are summed in 64 lanes, by place in the tile: as many vectors as an instruction set likes.
inline double sum_of_lanes(const double (&lanes)[tile_rows]) {
    double sum = 0;
    for (double lane : lanes) sum += lane;
    return sum;
}

// The numbers 0 .. count-1 in the lexicographic order of the centres: the order in which equally near ones win, so that an
// assignment does not depend on how clusters are numbered.
inline std::vector<std::size_t> lexicographic_order(const std::vector<double>& centres, std::size_t count, std::size_t columns) {
    std::vector<std::size_t> order(count);
    for (std::size_t c = 0; c < count; ++c) order[c] = c;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const double *first = centres.data() + a * columns, *second = centres.data() + b * columns;
        for (std::size_t j = 0; j < columns; ++j) {
            if (first[j] != second[j]) return first[j] < second[j];
        }
        return a < b;
    });
    return order;
}

inline std::vector<double> permuted(const std::vector<double>& centres, const std::vector<std::size_t>& order, std::size_t columns) {
    std::vector<double> out;
    out.reserve(centres.size());
    for (std::size_t c : order) {
        const double* centre = centres.data() + c * columns;
        out.insert(out.end(), centre, centre + columns);
    }
    return out;
}

// Finds the nearest of some centres for the points of tiles; of equally near ones the lexicographically least. Points of type float
// are compared with centres rounded to float.
template <class T>
class nearest_centre {
public:
    nearest_centre(const std::vector<double>& centres, std::size_t count, std::size_t columns)
        : kernels_(&distance_kernels_for<T>(simd_level())), columns_(columns), centres_(centres.size()), ids_(count) {
        const auto order = lexicographic_order(centres, count, columns);
        for (std::size_t c = 0; c < count; ++c) {
            ids_[c] = static_cast<std::int32_t>(order[c]);
            for (std::size_t j = 0; j < columns; ++j) centres_[c * columns + j] = static_cast<T>(centres[order[c] * columns + j]);
        }
    }

    const distance_kernels<T>& kernels() const { return *kernels_; }

    // Beyond `length` the distance is 0 and the centre 0.
    void find(const T* tile, std::size_t length, nearest_in_tile<T>& out) const {
        kernels_->nearest(tile, columns_, centres_.data(), ids_.data(), ids_.size(), out);
        for (std::size_t i = length; i < tile_rows; ++i) {
            out.which[i] = 0;
            out.distance[i] = 0;
        }
    }

    // Squared distances of the points of a tile to all centres, one after the other in the order of `id`.
    void squares(const T* tile, T* out) const { kernels_->squares(tile, columns_, centres_.data(), ids_.size(), out); }
    std::int32_t id(std::size_t place) const { return ids_[place]; }

private:
    const distance_kernels<T>* kernels_;
    std::size_t columns_;
    std::vector<T> centres_;            // in lexicographic order
    std::vector<std::int32_t> ids_;     // place in centres_ -> number of the centre
};

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
