// segkit/cluster/detail/tiles.hpp: points in tiles of 64 rows, feature-major inside a tile, and the distance kernels on a tile.
//
// Lanes are rows: every loop runs over a whole tile (the last one padded with zeros), without tails or horizontal sums, so any
// instruction set gives a row the same operations in the same order. Squared distances are sums of squared differences: no cancellation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {
namespace detail {

inline constexpr std::size_t tile_rows = 64;

// Copies up to 64 points into a tile: feature j of point i at tile[j * 64 + i].
inline void pack_tile(matrix_view<const double> rows, double* tile) {
    for (std::size_t j = 0; j < rows.columns; ++j) {
        double* feature = tile + j * tile_rows;
        for (std::size_t i = 0; i < rows.rows; ++i) feature[i] = rows(i, j);
        std::fill(feature + rows.rows, feature + tile_rows, 0.0);
    }
}

// A whole matrix in tiles: packed once, read in every pass.
class tiled_matrix {
public:
    tiled_matrix(matrix_view<const double> rows, executor_ref executor)
        : rows_(rows.rows), columns_(rows.columns), values_((rows.rows + tile_rows - 1) / tile_rows * tile_rows * rows.columns) {
        const row_blocks blocks(rows_);
        executor.run(blocks.count(), [&](std::size_t b) {
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t i = blocks.first(b); i < end; i += tile_rows) {
                pack_tile(rows.row_range(i, std::min(tile_rows, rows_ - i)), values_.data() + i * columns_);
            }
        });
    }

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    // The tile that begins at this row, a multiple of 64.
    const double* tile(std::size_t first_row) const { return values_.data() + first_row * columns_; }
    std::size_t tile_length(std::size_t first_row) const { return std::min(tile_rows, rows_ - first_row); }
    double operator()(std::size_t i, std::size_t j) const { return values_[i / tile_rows * tile_rows * columns_ + j * tile_rows + i % tile_rows]; }

    void copy_row(std::size_t i, double* to) const {
        for (std::size_t j = 0; j < columns_; ++j) to[j] = (*this)(i, j);
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
    std::vector<double> values_;
};

// Squared distance of every point of the tile to one centre.
inline void squared_distances(const double* tile, std::size_t columns, const double* centre, double (&out)[tile_rows]) {
    std::fill(out, out + tile_rows, 0.0);
    for (std::size_t j = 0; j < columns; ++j) {
        const double* feature = tile + j * tile_rows;
        const double at = centre[j];
        for (std::size_t i = 0; i < tile_rows; ++i) {
            const double gap = feature[i] - at;
            out[i] += gap * gap;
        }
    }
}

// Per point of a tile the nearest centre and its squared distance.
struct nearest_in_tile {
    std::int32_t which[tile_rows];
    double distance[tile_rows];
};

// `count` centres of `columns` values each. Of equally near ones the first wins.
inline void find_nearest(const double* tile, std::size_t columns, const double* centres, std::size_t count, nearest_in_tile& nearest) {
    squared_distances(tile, columns, centres, nearest.distance);
    std::fill(nearest.which, nearest.which + tile_rows, 0);
    double distance[tile_rows];
    for (std::size_t c = 1; c < count; ++c) {
        squared_distances(tile, columns, centres + c * columns, distance);
        const std::int32_t id = static_cast<std::int32_t>(c);
        for (std::size_t i = 0; i < tile_rows; ++i) {
            const bool nearer = distance[i] < nearest.distance[i];
            nearest.which[i] = nearer ? id : nearest.which[i];
            nearest.distance[i] = nearer ? distance[i] : nearest.distance[i];
        }
    }
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

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
