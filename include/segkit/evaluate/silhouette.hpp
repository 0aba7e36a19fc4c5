// segkit/evaluate/silhouette.hpp: how well points lie within their clusters (Rousseeuw, "Silhouettes", 1987), exactly.
//
//     auto s = segkit::silhouette(matrix, labels, segkit::threads(2));    // s.mean, s.samples, s.clusters
//
// Every distance is computed once, for both of its points: n^2 / 2 of them, by the kernels of simd/distances.hpp. Two sums per point
// and cluster are held (where they would be too many, every distance is computed twice); never n x n. The same bits for any executor.
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
#include <segkit/simd/distances.hpp>
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

// Points sorted by group, each group in tiles of its own, feature-major; the last tile of a group is padded. A place is a tile and a lane.
class silhouette_tiles {
public:
    silhouette_tiles(matrix_view<const double> rows, const label_groups& groups)
        : kernels_(distance_kernels_for<double>(simd_level())), columns_(rows.columns), groups_(groups.count()), place_(rows.rows) {
        std::vector<std::size_t> first_tile(groups_);
        for (std::size_t g = 0; g < groups_; ++g) {
            first_tile[g] = tiles_.size();
            for (std::size_t i = 0; i < groups.sizes[g]; i += tile_rows) tiles_.push_back({g, std::min(tile_rows, groups.sizes[g] - i)});
        }
        values_.resize(tiles_.size() * tile_rows * columns_);
        std::vector<std::size_t> used(groups_);
        for (std::size_t i = 0; i < rows.rows; ++i) {
            const std::size_t g = groups.group[i], nth = used[g]++;
            place_[i] = first_tile[g] * tile_rows + nth;
            double* const to = values_.data() + place_[i] / tile_rows * tile_rows * columns_ + nth % tile_rows;
            for (std::size_t j = 0; j < columns_; ++j) to[j * tile_rows] = rows(i, j);
        }
    }

    std::size_t tiles() const { return tiles_.size(); }
    std::size_t groups() const { return groups_; }
    std::size_t group(std::size_t t) const { return tiles_[t].group; }
    std::size_t place(std::size_t row) const { return place_[row]; }

    // Distances between the points of tile a and those of tiles [first, last): sums_of_a[place in a][group of the other] += each, and
    // where given sums_of_others[place][group of a] += each.
    void add_distances(std::size_t a, std::size_t first, std::size_t last, double* sums_of_a, double* sums_of_others) const {
        constexpr std::size_t at_once = 16;
        std::vector<double> points(tile_rows * columns_), rows(tile_rows * row_lanes);
        for (std::size_t j = 0; j < columns_; ++j)
            for (std::size_t i = 0; i < tile_rows; ++i) points[i * columns_ + j] = tile(a)[j * tile_rows + i];
        alignas(64) double distances[at_once * tile_rows];
        for (std::size_t b = first; b < last; ++b) {
            alignas(64) double columns[tile_rows] = {};
            for (std::size_t i = 0; i < tiles_[a].length; i += at_once) {
                const std::size_t count = std::min(at_once, tiles_[a].length - i);
                kernels_.squares(tile(b), columns_, points.data() + i * columns_, count, distances);
                kernels_.square_roots(distances, count);
                for (std::size_t c = 0; c < count && tiles_[b].length < tile_rows; ++c) std::fill(distances + c * tile_rows + tiles_[b].length, distances + (c + 1) * tile_rows, 0.0);
                kernels_.sum_both_ways(distances, count, rows.data() + i * row_lanes, columns);
            }
            if (sums_of_others) {
                for (std::size_t i = 0; i < tiles_[b].length; ++i) sums_of_others[(b * tile_rows + i) * groups_ + tiles_[a].group] += columns[i];
            }
            if (b + 1 < last && tiles_[b + 1].group == tiles_[b].group) continue;
            for (std::size_t i = 0; i < tiles_[a].length; ++i) {
                double sum = 0;
                for (std::size_t lane = 0; lane < row_lanes; ++lane) sum += rows[i * row_lanes + lane];
                sums_of_a[i * groups_ + tiles_[b].group] += sum;
            }
            std::fill(rows.begin(), rows.end(), 0.0);
        }
    }

private:
    struct extent {
        std::size_t group;
        std::size_t length;
    };

    const double* tile(std::size_t t) const { return values_.data() + t * tile_rows * columns_; }

    const distance_kernels<double>& kernels_;
    std::size_t columns_;
    std::size_t groups_;
    std::vector<std::size_t> place_;    // of every row
    std::vector<extent> tiles_;
    std::vector<double> values_;
};

// For every place and group the sum of the distances from its point to the points of the group. Blocks of tiles meet as teams do in a
// tournament: in a round every block is at most once the first and once the second of a pair, and each has sums of its own for either
// part, so that the blocks of a round run beside each other and every sum grows in the order of the rounds.
inline std::vector<double> all_distance_sums(const silhouette_tiles& tiles, executor_ref executor) {
    constexpr std::size_t tiles_per_block = 4;
    const std::size_t per_tile = tile_rows * tiles.groups(), blocks = (tiles.tiles() + tiles_per_block - 1) / tiles_per_block;
    std::vector<double> as_first(tiles.tiles() * per_tile), as_second(tiles.tiles() * per_tile);
    for (std::size_t round = 0; round <= blocks / 2; ++round) {
        const bool twice = 2 * round == blocks;    // the second half of this round repeats the first
        executor.run(twice ? blocks / 2 : blocks, [&](std::size_t block) {
            const std::size_t first = (block + round) % blocks * tiles_per_block, last = std::min(first + tiles_per_block, tiles.tiles());
            for (std::size_t a = block * tiles_per_block; a < std::min((block + 1) * tiles_per_block, tiles.tiles()); ++a)
                tiles.add_distances(a, first, last, as_first.data() + a * per_tile, round == 0 ? nullptr : as_second.data());
        });
    }
    for (std::size_t i = 0; i < as_first.size(); ++i) as_first[i] += as_second[i];
    return as_first;
}

}  // namespace detail

// At least two clusters; labels may be any numbers.
inline silhouette_result silhouette(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    const detail::label_groups groups = detail::checked_groups("silhouette", rows, labels);
    const detail::silhouette_tiles tiles(rows, groups);
    silhouette_result result;
    result.samples.resize(rows.rows);
    auto value_of = [&](std::size_t own, const double* sums) {
        if (groups.sizes[own] < 2) return 0.0;    // by definition
        double nearest = std::numeric_limits<double>::infinity();
        for (std::size_t g = 0; g < groups.count(); ++g) {
            if (g != own) nearest = std::min(nearest, sums[g] / static_cast<double>(groups.sizes[g]));
        }
        const double within = sums[own] / static_cast<double>(groups.sizes[own] - 1), greater = std::max(within, nearest);
        return greater > 0 ? (nearest - within) / greater : 0;
    };
    constexpr std::size_t most_sums = std::size_t{1} << 24;    // twice 128 MiB
    if (tiles.tiles() * detail::tile_rows * tiles.groups() <= most_sums) {
        const std::vector<double> sums = detail::all_distance_sums(tiles, executor);
        for (std::size_t i = 0; i < rows.rows; ++i) result.samples[i] = value_of(groups.group[i], sums.data() + tiles.place(i) * groups.count());
    } else {
        std::vector<double> values(tiles.tiles() * detail::tile_rows);
        executor.run(tiles.tiles(), [&](std::size_t t) {
            std::vector<double> sums(detail::tile_rows * groups.count());
            tiles.add_distances(t, 0, tiles.tiles(), sums.data(), nullptr);
            for (std::size_t i = 0; i < detail::tile_rows; ++i) values[t * detail::tile_rows + i] = value_of(tiles.group(t), sums.data() + i * groups.count());
        });
        for (std::size_t i = 0; i < rows.rows; ++i) result.samples[i] = values[tiles.place(i)];
    }
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
