// segkit/cluster/detail/tiles.hpp: a matrix as k-means reads it, in tiles of 64 rows, feature-major inside a tile, and in coarse points.
//
// Also the nearest of some centres, by the exact kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <segkit/cluster/detail/coarse_points.hpp>
#include <segkit/cluster/detail/pack_tile.hpp>
#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

enum class tiling {
    resident,     // the whole matrix is copied once, and read in every pass
    on_demand,    // tiles are made where they are asked for, and the rows must outlive the object; where coarse points do most of the work
    exact,        // resident, and no coarse points
};

// A whole matrix in tiles, and in coarse points where the CPU has kernels for these. Throws for NaN and infinities, naming `stage`.
template <class T>
class tiled_matrix {
public:
    tiled_matrix(std::string_view stage, matrix_view<const T> rows, executor_ref executor, [[maybe_unused]] tiling tiles = tiling::resident) : view_(rows) {
#if SEGKIT_SIMD_LEVELS
        if (tiles != tiling::exact) coarse_ = std::make_unique<const coarse_points<T>>(stage, rows, executor);
        if (coarse_ && !coarse_->useful()) coarse_.reset();
        if (coarse_ && tiles == tiling::on_demand) return;
#endif
        pack(stage, executor);
    }

    std::size_t rows() const { return view_.rows; }
    std::size_t columns() const { return view_.columns; }
    matrix_view<const T> view() const { return view_; }
    // The tile that begins at this row, a multiple of 64; of a resident matrix.
    const T* tile(std::size_t first_row) const {
        SEGKIT_ASSERT(values_ != nullptr);
        return values_.get() + first_row * view_.columns;
    }
    // The same of any matrix; `scratch` has room for a tile.
    const T* tile(std::size_t first_row, T* scratch) const {
        if (values_) return tile(first_row);
        pack_tile(view_.row_range(first_row, tile_length(first_row)), scratch);
        return scratch;
    }
    std::size_t tile_length(std::size_t first_row) const { return std::min(tile_rows, view_.rows - first_row); }
    T operator()(std::size_t i, std::size_t j) const { return view_(i, j); }

    template <class U>
    void copy_row(std::size_t i, U* to) const {
        for (std::size_t j = 0; j < columns(); ++j) to[j] = static_cast<U>(view_(i, j));
    }

    bool same_point(std::size_t a, std::size_t b) const {
        for (std::size_t j = 0; j < columns(); ++j) {
            if (view_(a, j) != view_(b, j)) return false;
        }
        return true;
    }

#if SEGKIT_SIMD_LEVELS
    const coarse_points<T>* coarse() const { return coarse_.get(); }
#endif

    // One weight a row, which must outlive the object; nullptr: every row counts once.
    const double* weights() const { return weights_; }
    void weigh(const double* weights) { weights_ = weights; }

private:
    void pack(std::string_view stage, executor_ref executor) {
        values_ = take_memory<T>((rows() + tile_rows - 1) / tile_rows * tile_rows * columns());
        const row_blocks blocks(rows());
        std::vector<char> finite(blocks.count());
        executor.run(blocks.count(), [&](std::size_t b) {
            const std::size_t end = blocks.first(b) + blocks.length(b);
            bool good = true;
            for (std::size_t i = blocks.first(b); i < end; i += tile_rows) {
                T* const tile = values_.get() + i * columns();
                pack_tile(view_.row_range(i, tile_length(i)), tile);
                good = good && all_finite(tile, tile_rows * columns());
            }
            finite[b] = good;
        });
        if (std::find(finite.begin(), finite.end(), char{0}) != finite.end()) require_finite(stage, view_);
    }

    matrix_view<const T> view_;
    owned_memory<T> values_;
    const double* weights_ = nullptr;
#if SEGKIT_SIMD_LEVELS
    std::unique_ptr<const coarse_points<T>> coarse_;
#endif
};

// Distances are summed in 64 lanes, by place in the tile: as many vectors as an instruction set likes.
template <class T>
double sum_of_lanes(const T* lanes) {
    double sum = 0;
    for (std::size_t i = 0; i < tile_rows; ++i) sum += static_cast<double>(lanes[i]);
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
