// segkit/evaluate/silhouette.hpp: how well points lie within their clusters (Rousseeuw, "Silhouettes", 1987), exactly.
//
//     auto s = segkit::silhouette(matrix, labels, segkit::threads(2));    // s.mean, s.samples, s.clusters
//
// n^2 distances, in tiles of 64 points: memory grows with n, never n x n. The same bits for any executor.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct silhouette_cluster {
    std::int32_t label = 0;
    std::size_t size = 0;
    double mean = 0;
};

struct silhouette_result {
    double mean = 0;                             // over all points
    std::vector<double> samples;                 // per point (b - a) / max(a, b), from -1 to 1; 0 in a cluster of one
    std::vector<silhouette_cluster> clusters;    // by ascending label
};

namespace detail {

// Points sorted by group, each group in tiles of its own, feature-major; the last tile of a group is padded.
class silhouette_tiles {
public:
    static constexpr std::size_t size = 64;

    silhouette_tiles(matrix_view<const double> rows, const label_groups& groups) : columns_(rows.columns), first_tile_(groups.count() + 1) {
        for (std::size_t g = 0; g < groups.count(); ++g) first_tile_[g + 1] = first_tile_[g] + (groups.sizes[g] + size - 1) / size;
        values_.resize(first_tile_.back() * size * columns_);
        std::vector<std::size_t> used(groups.count());
        for (std::size_t i = 0; i < rows.rows; ++i) {
            const std::size_t g = groups.group[i], place = used[g]++;
            double* tile = values_.data() + (first_tile_[g] + place / size) * size * columns_;
            for (std::size_t j = 0; j < columns_; ++j) tile[j * size + place % size] = rows(i, j);
        }
    }

    // Sum of the distances from a point to all points of group g.
    double distance_sum(const double* point, std::size_t g, std::size_t group_size) const {
        double lanes[size] = {}, squares[size];
        for (std::size_t t = first_tile_[g]; t < first_tile_[g + 1]; ++t) {
            const double* tile = values_.data() + t * size * columns_;
            std::fill(squares, squares + size, 0.0);
            for (std::size_t j = 0; j < columns_; ++j) {
                const double at = point[j];
                for (std::size_t i = 0; i < size; ++i) {
                    const double gap = tile[j * size + i] - at;
                    squares[i] += gap * gap;
                }
            }
            const std::size_t length = std::min(size, group_size - (t - first_tile_[g]) * size);
            if (length == size) {
                for (std::size_t i = 0; i < size; ++i) lanes[i] += std::sqrt(squares[i]);
            } else {
                for (std::size_t i = 0; i < length; ++i) lanes[i] += std::sqrt(squares[i]);
            }
        }
        double sum = 0;
        for (double lane : lanes) sum += lane;
        return sum;
    }

private:
    std::size_t columns_;
    std::vector<std::size_t> first_tile_;
    std::vector<double> values_;
};

}  // namespace detail

// At least two clusters; labels may be any numbers.
inline silhouette_result silhouette(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    const detail::label_groups groups = detail::checked_groups("silhouette", rows, labels);
    const detail::silhouette_tiles tiles(rows, groups);
    silhouette_result result;
    result.samples.resize(rows.rows);
    constexpr std::size_t rows_per_task = 64;
    executor.run((rows.rows + rows_per_task - 1) / rows_per_task, [&](std::size_t task) {
        std::vector<double> point(rows.columns);
        const std::size_t end = std::min(rows.rows, (task + 1) * rows_per_task);
        for (std::size_t i = task * rows_per_task; i < end; ++i) {
            const std::size_t own = groups.group[i];
            if (groups.sizes[own] < 2) continue;    // 0, by definition
            for (std::size_t j = 0; j < rows.columns; ++j) point[j] = rows(i, j);
            double within = 0, nearest = std::numeric_limits<double>::infinity();
            for (std::size_t g = 0; g < groups.count(); ++g) {
                const double sum = tiles.distance_sum(point.data(), g, groups.sizes[g]);
                if (g == own) within = sum / static_cast<double>(groups.sizes[g] - 1);
                else nearest = std::min(nearest, sum / static_cast<double>(groups.sizes[g]));
            }
            const double greater = std::max(within, nearest);
            result.samples[i] = greater > 0 ? (nearest - within) / greater : 0;
        }
    });
    std::vector<double> sums(groups.count());
    for (std::size_t i = 0; i < rows.rows; ++i) sums[groups.group[i]] += result.samples[i];
    double total = 0;
    for (std::size_t g = 0; g < groups.count(); ++g) {
        total += sums[g];
        result.clusters.push_back({groups.labels[g], groups.sizes[g], sums[g] / static_cast<double>(groups.sizes[g])});
    }
    result.mean = total / static_cast<double>(rows.rows);
    return result;
}

}  // namespace SEGKIT_NAMESPACE
