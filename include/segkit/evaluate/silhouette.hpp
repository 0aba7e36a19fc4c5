// segkit/evaluate/silhouette.hpp: how well points lie within their clusters (Rousseeuw, "Silhouettes", 1987), exactly or of a sample.
//
//     auto s = segkit::silhouette(matrix, labels, segkit::threads(2));              // s.mean, s.samples, s.clusters
//     auto e = segkit::sampled_silhouette(matrix, labels, {.n = 2'000, .seed = 7});   // e.mean, e.standard_error
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
#include <string>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/evaluate/detail/groups.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/simd/distances.hpp>
#include <segkit/statistics/moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

struct silhouette_cluster {
    std::int32_t label = 0;
    std::size_t size = 0;
    double mean = 0;

    friend bool operator==(const silhouette_cluster&, const silhouette_cluster&) = default;
};

struct silhouette_result {
    double mean = 0;                             // over all points
    std::vector<double> samples;                 // per point (b - a) / max(a, b), from -1 to 1; 0 in a cluster of one
    std::vector<silhouette_cluster> clusters;    // by ascending label
};

struct silhouette_sample_options {
    std::size_t n = 2'000;    // points, drawn without repetition; at most as many as there are
    std::uint64_t seed = 0;
};

// The silhouettes of some points among all points. The mean is an unbiased estimate of the exact one: it lies within two standard
// errors of it in about 95 of 100 samples (simple random sampling: Cochran, "Sampling Techniques", 1977).
struct silhouette_estimate {
    double mean = 0;
    double standard_error = 0;                   // 0 when all points were drawn, without weights
    std::vector<std::size_t> rows;               // the points drawn, ascending; with weights the same may be drawn again
    std::vector<double> samples;                 // of each its exact silhouette
    std::vector<silhouette_cluster> clusters;    // by ascending label: how many points were drawn of each, and their mean; NaN where none was
};

namespace detail {

// Points sorted by group, each group in tiles of its own, feature-major; the last tile of a group is padded. A place is a tile and a lane.
template <class T>
class silhouette_tiles {
public:
    silhouette_tiles(matrix_view<const T> rows, const label_groups& groups)
        : kernels_(distance_kernels_for<T>(simd_level())), columns_(rows.columns), groups_(groups.count()), place_(rows.rows) {
        T most = 0;
        for (std::size_t i = 0; i < rows.rows; ++i)
            for (std::size_t j = 0; j < columns_; ++j) most = std::max(most, std::abs(rows(i, j)));
        constexpr int safe = sizeof(T) == 8 ? 400 : 40;    // powers of two whose squares are numbers, and so are sums of these
        if (most > 0 && std::abs(std::ilogb(most)) > safe) power_ = std::ilogb(most);
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
            T* const to = values_.data() + place_[i] / tile_rows * tile_rows * columns_ + nth % tile_rows;
            for (std::size_t j = 0; j < columns_; ++j) to[j * tile_rows] = scaled(rows(i, j));
        }
        if (!groups.weights) return;
        weights_.resize(tiles_.size() * tile_rows);
        for (std::size_t i = 0; i < rows.rows; ++i) weights_[place_[i]] = static_cast<T>(groups.weights[i]);
    }

    std::size_t tiles() const { return tiles_.size(); }
    std::size_t groups() const { return groups_; }
    std::size_t group(std::size_t t) const { return tiles_[t].group; }
    std::size_t place(std::size_t row) const { return place_[row]; }
    // Very large and very small values are divided by a power of two, which silhouettes do not depend on and squares of distances do.
    T scaled(T value) const { return power_ == 0 ? value : std::ldexp(value, -power_); }

    // Distances between `length` points, one after the other, and those of tiles [first, last): sums[point][group of the other] += each, and
    // where given sums_of_others[place][group of the points] += each. In either sum a distance counts as often as its other end weighs;
    // `weights` are those of the points, for the sums of the others.
    void add_distances(const T* points, const T* weights, std::size_t length, std::size_t first, std::size_t last, double* sums, double* sums_of_others, std::size_t group_of_points) const {
        constexpr std::size_t at_once = 16, most_tiles = sizeof(T) == 8 ? static_cast<std::size_t>(-1) : 16;    // sums of floats must stay short
        const bool weighted = !weights_.empty();
        std::vector<T> rows(tile_rows * row_lanes), unused_rows(weighted ? at_once * row_lanes : 0);
        alignas(64) T distances[at_once * tile_rows], weighed[at_once * tile_rows], unused_columns[tile_rows] = {};
        for (std::size_t b = first, summed = 1; b < last; ++b, ++summed) {
            alignas(64) T columns[tile_rows] = {};
            for (std::size_t i = 0; i < length; i += at_once) {
                const std::size_t count = std::min(at_once, length - i);
                kernels_.squares(tile(b), columns_, points + i * columns_, count, distances);
                kernels_.square_roots(distances, count);
                for (std::size_t c = 0; c < count && tiles_[b].length < tile_rows; ++c) std::fill(distances + c * tile_rows + tiles_[b].length, distances + (c + 1) * tile_rows, T{0});
                if (!weighted) {
                    kernels_.sum_both_ways(distances, count, rows.data() + i * row_lanes, columns);
                    continue;
                }
                if (sums_of_others) {
                    for (std::size_t c = 0; c < count; ++c)
                        for (std::size_t lane = 0; lane < tile_rows; ++lane) weighed[c * tile_rows + lane] = distances[c * tile_rows + lane] * weights[i + c];
                    kernels_.sum_both_ways(weighed, count, unused_rows.data(), columns);
                }
                for (std::size_t c = 0; c < count; ++c)
                    for (std::size_t lane = 0; lane < tile_rows; ++lane) distances[c * tile_rows + lane] *= weights_[b * tile_rows + lane];
                kernels_.sum_both_ways(distances, count, rows.data() + i * row_lanes, unused_columns);
            }
            if (sums_of_others) {
                for (std::size_t i = 0; i < tiles_[b].length; ++i) sums_of_others[(b * tile_rows + i) * groups_ + group_of_points] += static_cast<double>(columns[i]);
            }
            if (b + 1 < last && tiles_[b + 1].group == tiles_[b].group && summed < most_tiles) continue;
            for (std::size_t i = 0; i < length; ++i) {
                double sum = 0;
                for (std::size_t lane = 0; lane < row_lanes; ++lane) sum += static_cast<double>(rows[i * row_lanes + lane]);
                sums[i * groups_ + tiles_[b].group] += sum;
            }
            std::fill(rows.begin(), rows.end(), T{0});
            summed = 0;
        }
    }

    // The same for the points of tile a.
    void add_distances(std::size_t a, std::size_t first, std::size_t last, double* sums_of_a, double* sums_of_others) const {
        std::vector<T> points(tile_rows * columns_);
        for (std::size_t j = 0; j < columns_; ++j)
            for (std::size_t i = 0; i < tile_rows; ++i) points[i * columns_ + j] = tile(a)[j * tile_rows + i];
        add_distances(points.data(), weights_.empty() ? nullptr : weights_.data() + a * tile_rows, tiles_[a].length, first, last, sums_of_a, sums_of_others, tiles_[a].group);
    }

private:
    struct extent {
        std::size_t group;
        std::size_t length;
    };

    const T* tile(std::size_t t) const { return values_.data() + t * tile_rows * columns_; }

    const distance_kernels<T>& kernels_;
    std::size_t columns_;
    std::size_t groups_;
    int power_ = 0;
    std::vector<std::size_t> place_;    // of every row
    std::vector<extent> tiles_;
    std::vector<T> values_;
    std::vector<T> weights_;            // by place; empty: every point counts once
};

// For every place and group the sum of the distances from its point to the points of the group. Blocks of tiles meet as teams do in a
// tournament: in a round every block is at most once the first and once the second of a pair, and each has sums of its own for either
// part, so that the blocks of a round run beside each other and every sum grows in the order of the rounds.
template <class T>
std::vector<double> all_distance_sums(const silhouette_tiles<T>& tiles, executor_ref executor) {
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

// (b - a) / max(a, b) of a point, from the sums of its distances to the points of all groups.
inline double silhouette_of(const label_groups& groups, std::size_t own, const double* sums) {
    if (groups.weight_of(own) <= 1) return 0.0;    // by definition: a single row
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t g = 0; g < groups.count(); ++g) {
        if (g != own) nearest = std::min(nearest, sums[g] / groups.weight_of(g));
    }
    const double within = sums[own] / (groups.weight_of(own) - 1), greater = std::max(within, nearest);
    return greater > 0 ? (nearest - within) / greater : 0;
}

// Means per group of the values of all points, or of some; NaN where a group has none. Weights count among all, some were drawn by theirs.
inline std::vector<silhouette_cluster> silhouettes_by_group(const label_groups& groups, const std::vector<double>& samples, const std::vector<std::size_t>* rows = nullptr) {
    std::vector<silhouette_cluster> clusters;
    for (std::int32_t label : groups.labels) clusters.push_back({label, 0, 0});
    for (std::size_t i = 0; i < samples.size(); ++i) {
        silhouette_cluster& c = clusters[groups.group[rows ? (*rows)[i] : i]];
        ++c.size;
        c.mean += rows ? samples[i] : groups.weight(i) * samples[i];
    }
    for (std::size_t g = 0; g < clusters.size(); ++g) {
        silhouette_cluster& c = clusters[g];
        c.mean = c.size > 0 ? c.mean / (rows ? static_cast<double>(c.size) : groups.weight_of(g)) : std::numeric_limits<double>::quiet_NaN();
    }
    return clusters;
}

template <class T>
silhouette_result silhouette_of_groups(matrix_view<const T> rows, const label_groups& groups, executor_ref executor) {
    const silhouette_tiles<T> tiles(rows, groups);
    silhouette_result result;
    result.samples.resize(rows.rows);
    constexpr std::size_t most_sums = std::size_t{1} << 24;    // twice 128 MiB
    if (tiles.tiles() * tile_rows * tiles.groups() <= most_sums) {
        const std::vector<double> sums = all_distance_sums(tiles, executor);
        for (std::size_t i = 0; i < rows.rows; ++i) result.samples[i] = silhouette_of(groups, groups.group[i], sums.data() + tiles.place(i) * groups.count());
    } else {
        std::vector<double> values(tiles.tiles() * tile_rows);
        executor.run(tiles.tiles(), [&](std::size_t t) {
            std::vector<double> sums(tile_rows * groups.count());
            tiles.add_distances(t, 0, tiles.tiles(), sums.data(), nullptr);
            for (std::size_t i = 0; i < tile_rows; ++i) values[t * tile_rows + i] = silhouette_of(groups, tiles.group(t), sums.data() + i * groups.count());
        });
        for (std::size_t i = 0; i < rows.rows; ++i) result.samples[i] = values[tiles.place(i)];
    }
    result.clusters = silhouettes_by_group(groups, result.samples);
    double total = 0;
    for (std::size_t g = 0; g < groups.count(); ++g) total += result.clusters[g].mean * groups.weight_of(g);
    result.mean = total / groups.total_weight();
    return result;
}

inline constexpr std::uint64_t silhouette_sampling_purpose = 2;

// `n` of the rows with repetition, each as likely as it weighs, ascending.
inline std::vector<std::size_t> rows_by_weight(const double* weights, std::size_t rows, std::size_t n, counter_random random) {
    std::vector<double> ends(rows);
    for (std::size_t i = 0; i < rows; ++i) ends[i] = weights[i] + (i > 0 ? ends[i - 1] : 0);
    std::vector<std::size_t> drawn(n);
    for (std::size_t i = 0; i < n; ++i)
        drawn[i] = std::min(static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), random.uniform(i) * ends.back()) - ends.begin()), rows - 1);
    std::sort(drawn.begin(), drawn.end());
    return drawn;
}

template <class T>
silhouette_estimate silhouette_of_sample(matrix_view<const T> rows, const label_groups& groups, const silhouette_sample_options& options, executor_ref executor) {
    const silhouette_tiles<T> tiles(rows, groups);
    const std::size_t d = rows.columns, k = groups.count(), n = options.n;
    silhouette_estimate result;
    const counter_random random(options.seed, silhouette_sampling_purpose);
    result.rows = groups.weights ? rows_by_weight(groups.weights, rows.rows, n, random) : rows_by_chance(rows.rows, n, random);
    result.samples.resize(n);
    executor.run((n + tile_rows - 1) / tile_rows, [&](std::size_t t) {
        const std::size_t first = t * tile_rows, length = std::min(tile_rows, n - first);
        std::vector<T> points(length * d);
        for (std::size_t i = 0; i < length; ++i)
            for (std::size_t j = 0; j < d; ++j) points[i * d + j] = tiles.scaled(rows(result.rows[first + i], j));
        std::vector<double> sums(length * k);
        tiles.add_distances(points.data(), nullptr, length, 0, tiles.tiles(), sums.data(), nullptr, 0);
        for (std::size_t i = 0; i < length; ++i) result.samples[first + i] = silhouette_of(groups, groups.group[result.rows[first + i]], sums.data() + i * k);
    });
    result.clusters = silhouettes_by_group(groups, result.samples, &result.rows);
    shifted_moments moments;
    for (double value : result.samples) moments.update(value);
    result.mean = moments.mean();
    const double left = groups.weights ? 1 : 1 - static_cast<double>(n) / static_cast<double>(rows.rows);    // of the rows, where none is drawn twice
    result.standard_error = std::sqrt(moments.variance(1) / static_cast<double>(n) * left);
    return result;
}

template <class T>
silhouette_estimate checked_silhouette_of_sample(matrix_view<const T> rows, const label_groups& groups, const silhouette_sample_options& options, executor_ref executor) {
    constexpr std::string_view stage = "sampled_silhouette";
    if (options.n < 2) throw_invalid_option(stage, "n", std::to_string(options.n), "at least 2 points", "2000 is usual; a standard error needs two");
    if (options.n > rows.rows)
        throw_invalid_option(stage, "n", "a sample of " + std::to_string(options.n), "at most the " + std::to_string(rows.rows) + " rows there are", "silhouette() takes all of them");
    return silhouette_of_sample(rows, groups, options, executor);
}

}  // namespace detail

// At least two clusters, and more points than clusters; labels may be any numbers.
inline silhouette_result silhouette(matrix_view<const double> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::silhouette_of_groups(rows, detail::checked_groups("silhouette", rows, labels), executor);
}
// Distances in float, sums in double: within about 1e-6 of the above, in half the time.
inline silhouette_result silhouette(matrix_view<const float> rows, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::silhouette_of_groups(rows, detail::checked_groups("silhouette", rows, labels), executor);
}

// With weights of a mean of at least 1 the means are those of rows repeated so often, `samples` and sizes those of the rows given. Distances are
// computed once as well.
inline silhouette_result silhouette(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::silhouette_of_groups(rows, detail::checked_groups("silhouette", rows, weights, labels), executor);
}
inline silhouette_result silhouette(matrix_view<const float> rows, row_weights weights, std::span<const std::int32_t> labels, executor_ref executor = detail::default_executor) {
    return detail::silhouette_of_groups(rows, detail::checked_groups("silhouette", rows, weights, labels), executor);
}

// The sampled points against all points: n times as many distances as there are points. Groups too small to be drawn still count as
// neighbours.
inline silhouette_estimate sampled_silhouette(matrix_view<const double> rows, std::span<const std::int32_t> labels, const silhouette_sample_options& options = {},
                                              executor_ref executor = detail::default_executor) {
    return detail::checked_silhouette_of_sample(rows, detail::checked_groups("sampled_silhouette", rows, labels), options, executor);
}
inline silhouette_estimate sampled_silhouette(matrix_view<const float> rows, std::span<const std::int32_t> labels, const silhouette_sample_options& options = {},
                                              executor_ref executor = detail::default_executor) {
    return detail::checked_silhouette_of_sample(rows, detail::checked_groups("sampled_silhouette", rows, labels), options, executor);
}

// With weights of a mean of at least 1 points are drawn by weight, with repetition: the mean is an estimate of the weighted one.
inline silhouette_estimate sampled_silhouette(matrix_view<const double> rows, row_weights weights, std::span<const std::int32_t> labels,
                                              const silhouette_sample_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::checked_silhouette_of_sample(rows, detail::checked_groups("sampled_silhouette", rows, weights, labels), options, executor);
}
inline silhouette_estimate sampled_silhouette(matrix_view<const float> rows, row_weights weights, std::span<const std::int32_t> labels,
                                              const silhouette_sample_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::checked_silhouette_of_sample(rows, detail::checked_groups("sampled_silhouette", rows, weights, labels), options, executor);
}

}  // namespace SEGKIT_NAMESPACE
