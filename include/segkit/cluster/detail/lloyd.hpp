// segkit/cluster/detail/lloyd.hpp: Lloyd's iteration (Lloyd, "Least squares quantization in PCM", 1982) as an iterative estimator.
//
//     auto iterate = lloyd::init({.centres = first, .n_clusters = k});
//     while (!iterate.done) iterate = lloyd::step(iterate, estimate_state(lloyd::pass(iterate), rows));
//
// One pass assigns every row and sums the clusters: k d multiplications a row. When clusters came out empty, the next pass looks for
// the farthest points instead, which then move to them. The last pass only assigns: inertia and sizes are those of the final centres.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/config.hpp>
#include <segkit/detail/aligned.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/simd/row_sums.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class kmeans_stop : std::int64_t {
    converged,         // no row changed its cluster
    tolerance,         // the centres moved by less than the tolerance
    max_iterations,    // the most that were allowed
    all_distinct,      // every distinct point has a cluster of its own: nothing to iterate
    cancelled,         // the callback said so
    no_improvement,    // of mini batches: the inertia has not improved for some batches
};

constexpr std::string_view to_string(kmeans_stop reason) {
    switch (reason) {
        case kmeans_stop::converged: return "converged: no row changed its cluster";
        case kmeans_stop::tolerance: return "converged: the centres moved by less than the tolerance";
        case kmeans_stop::max_iterations: return "stopped at the greatest number of iterations";
        case kmeans_stop::all_distinct: return "every distinct point has a cluster of its own";
        case kmeans_stop::cancelled: return "stopped by the callback";
        case kmeans_stop::no_improvement: return "converged: the inertia of batches improved no more";
    }
    return "converged";
}

namespace detail {

struct lloyd_spec {
    std::vector<double> centres;    // n_clusters points, one after the other
    std::size_t n_clusters = 0;
    std::size_t max_iter = 300;
    double tolerance = 0;           // on the sum of squared moves of the centres
};

// A point that may move to an empty cluster.
struct far_point {
    double distance = 0;    // squared, to the centre of its cluster
    std::size_t cluster = 0;
    double weight = 1;
    std::vector<double> values;    // differences from the origin

    friend bool operator==(const far_point&, const far_point&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("distance", distance);
        archive.field("cluster", cluster);
        archive.field("weight", weight);
        archive.field("values", values);
    }
};

struct lloyd_state {
    std::size_t rows = 0;
    double inertia = 0;
    std::vector<std::size_t> counts;
    std::vector<double> weights;       // of the rows of each cluster together; their number where rows have none
    aligned_doubles sums;              // n_clusters x n_features, of differences from the origin, weighted
    std::vector<far_point> farthest;   // of a repair pass: distinct points, by descending distance, earlier rows first

    friend bool operator==(const lloyd_state&, const lloyd_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("rows", rows);
        archive.field("inertia", inertia);
        archive.field("counts", counts);
        archive.field("weights", weights);
        archive.field("sums", sums);
        archive.field("farthest", farthest);
    }
};

struct lloyd_iterate {
    lloyd_spec spec;                        // its centres are the current ones
    std::size_t n_features = 0;
    aligned_doubles origin;                 // what sums are relative to: near the mean of the initial centres
    std::size_t iteration = 0;              // assignments that an update of the centres followed
    std::vector<double> inertia_history;    // of every assignment, the first with the initial centres
    std::vector<std::size_t> moved_history; // of every assignment, where the rows are in memory: how many changed their cluster
    std::vector<double> shift_history;      // of every update: the root of the squared moves of all centres
    std::vector<std::size_t> counts;        // of the last assignment
    std::vector<double> weights;            // of the last assignment
    std::size_t repaired = 0;               // clusters that were empty and took a point
    bool repairing = false;                 // the next pass looks for points for empty clusters
    bool gave_up = false;                   // an empty cluster found no point to take: all that is left are copies
    bool final_pass = false;                // the next assignment is the last
    bool done = false;
    kmeans_stop reason = kmeans_stop::max_iterations;

    double inertia() const { return inertia_history.back(); }
};

inline lloyd_state empty_lloyd_state(std::size_t clusters, std::size_t columns) {
    return {0, 0, std::vector<std::size_t>(clusters), std::vector<double>(clusters), aligned_doubles(clusters * columns), {}};
}

// Calls f(values, stride, first, count) for rows whose features stand one after the other: those of the matrix where they do, else copies.
template <class T, class F>
void with_whole_rows(matrix_view<const T> rows, F f) {
    if (rows.column_stride == 1) {
        f(rows.values, rows.row_stride, std::size_t{0}, rows.rows);
        return;
    }
    std::vector<T> copies(tile_rows * rows.columns);
    for (std::size_t first = 0; first < rows.rows; first += tile_rows) {
        const std::size_t count = std::min(tile_rows, rows.rows - first);
        for (std::size_t j = 0; j < rows.columns; ++j)
            for (std::size_t i = 0; i < count; ++i) copies[i * rows.columns + j] = rows(first + i, j);
        f(static_cast<const T*>(copies.data()), rows.columns, first, count);
    }
}

// Adds rows to the counts and sums of their clusters, and their squared distances from the origin, by feature, to `squares` where given.
template <class T>
void add_rows(lloyd_state& s, matrix_view<const T> rows, const std::int32_t* clusters, const double* weights, const aligned_doubles& origin, double* squares) {
    const row_kernels<T>& kernels = row_kernels_for<T>(simd_level());
    with_whole_rows(rows, [&](const T* values, std::size_t stride, std::size_t first, std::size_t count) {
        kernels.add(s.sums.data(), values, stride, rows.columns, origin.data(), clusters + first, weights ? weights + first : nullptr, count, squares);
    });
    const std::vector<std::size_t> before = s.counts;
    for (std::size_t i = 0; i < rows.rows; ++i) ++s.counts[static_cast<std::size_t>(clusters[i])];
    if (weights) {
        for (std::size_t i = 0; i < rows.rows; ++i) s.weights[static_cast<std::size_t>(clusters[i])] += weights[i];
    } else {
        for (std::size_t c = 0; c < before.size(); ++c) s.weights[c] += static_cast<double>(s.counts[c] - before[c]);
    }
}

// Keeps a point that may be among the farthest. k points are enough: every cluster but the empty ones can withhold one, its last,
// and there are k clusters.
inline void keep_far_point(lloyd_state& s, const far_point& point) {
    auto at = s.farthest.begin();
    for (; at != s.farthest.end() && at->distance >= point.distance; ++at) {
        if (at->values == point.values) return;
    }
    s.farthest.insert(at, point);
    if (s.farthest.size() > s.counts.size()) s.farthest.pop_back();
}

template <class T>
void keep_far_points(lloyd_state& s, const T* tile, const aligned_doubles& origin, std::size_t length, const double* weights, const nearest_in_tile<T>& nearest) {
    const std::size_t columns = origin.size();
    for (std::size_t i = 0; i < length; ++i) {
        const double distance = static_cast<double>(nearest.distance[i]);
        if (distance <= 0 || (s.farthest.size() == s.counts.size() && distance <= s.farthest.back().distance)) continue;
        far_point point{distance, static_cast<std::size_t>(nearest.which[i]), weights ? weights[i] : 1.0, std::vector<double>(columns)};
        for (std::size_t j = 0; j < columns; ++j) point.values[j] = static_cast<double>(tile[j * tile_rows + i]) - origin[j];
        keep_far_point(s, point);
    }
}

inline void add_lloyd_state(lloyd_state& s, const lloyd_state& other) {
    s.rows += other.rows;
    s.inertia += other.inertia;
    for (std::size_t c = 0; c < s.counts.size(); ++c) {
        s.counts[c] += other.counts[c];
        s.weights[c] += other.weights[c];
    }
    for (std::size_t i = 0; i < s.sums.size(); ++i) s.sums[i] += other.sums[i];
    for (const far_point& point : other.farthest) keep_far_point(s, point);
}

// The estimator of one pass.
class lloyd_pass {
public:
    using state = lloyd_state;

    explicit lloyd_pass(const lloyd_iterate& iterate)
        : k_(iterate.spec.n_clusters), d_(iterate.n_features), repairing_(iterate.repairing), origin_(iterate.origin), centres_(iterate.spec.centres, k_, d_) {}

    state start() const { return empty_lloyd_state(k_, d_); }

    void update(state& s, matrix_view<const double> block) const {
        require_width("kmeans", block.columns, d_);
        require_finite("kmeans", block, s.rows);
        std::vector<double> tile(d_ * tile_rows);
        std::vector<std::int32_t> clusters(block.rows);
        alignas(64) double lanes[tile_rows] = {};
        for (std::size_t first = 0; first < block.rows; first += tile_rows) {
            const std::size_t length = std::min(tile_rows, block.rows - first);
            pack_tile(block.row_range(first, length), tile.data());
            nearest_in_tile<double> nearest;
            centres_.find(tile.data(), length, nearest);
            centres_.kernels().add(lanes, nearest.distance);
            std::copy_n(nearest.which, length, clusters.begin() + static_cast<std::ptrdiff_t>(first));
            if (repairing_) keep_far_points(s, tile.data(), origin_, length, nullptr, nearest);
        }
        add_rows(s, block, clusters.data(), nullptr, origin_, nullptr);
        s.rows += block.rows;
        s.inertia += sum_of_lanes(lanes);
    }

    void merge(state& s, const state& other) const { add_lloyd_state(s, other); }

    const state& finish(const state& s) const { return s; }

private:
    std::size_t k_;
    std::size_t d_;
    bool repairing_;
    aligned_doubles origin_;
    nearest_centre<double> centres_;
};

// A point by which a large offset of the centres can be taken from the rows without a rounding: their mean in steps of a power of two,
// which is zero where they lie about zero.
inline aligned_doubles near_mean(const std::vector<double>& centres, std::size_t columns) {
    aligned_doubles out(columns);
    for (std::size_t j = 0; j < columns; ++j) {
        double mean = 0, low = centres[j], high = centres[j];
        for (std::size_t at = j; at < centres.size(); at += columns) {
            mean += centres[at] / static_cast<double>(centres.size() / columns);
            low = std::min(low, centres[at]);
            high = std::max(high, centres[at]);
        }
        int exponent = 0;
        (void)std::frexp(std::max(4 * (high - low), std::fabs(mean) * 0x1p-20), &exponent);
        const double step = std::ldexp(1.0, exponent);
        out[j] = std::floor(mean / step + 0.5) * step;
    }
    return out;
}

struct lloyd {
    static lloyd_iterate init(lloyd_spec spec) {
        lloyd_iterate iterate;
        iterate.n_features = spec.centres.size() / spec.n_clusters;
        iterate.origin = near_mean(spec.centres, iterate.n_features);
        iterate.spec = std::move(spec);
        return iterate;
    }

    static lloyd_pass pass(const lloyd_iterate& iterate) { return lloyd_pass(iterate); }

    // The iterate after this pass; `done` when it was the last.
    static lloyd_iterate step(lloyd_iterate now, const lloyd_state& merged) {
        if (now.repairing) {
            lloyd_state repaired = merged;
            const std::size_t taken = repair(repaired, now.n_features);
            now.repairing = false;
            now.repaired += taken;
            now.gave_up = taken == 0;
            move(now, repaired);
            return now;
        }
        now.inertia_history.push_back(merged.inertia);
        now.counts = merged.counts;
        now.weights = merged.weights;
        const bool empty = std::find(merged.counts.begin(), merged.counts.end(), std::size_t{0}) != merged.counts.end();
        // After the last allowed iteration a repair may still follow, but only so often.
        if (empty && !now.gave_up && now.iteration < now.spec.max_iter + now.spec.n_clusters) {
            now.repairing = true;
            now.final_pass = false;
        } else if (now.final_pass || !move(now, merged)) {
            now.done = true;
        }
        return now;
    }

    // Centres that are the means of these sums, and nothing else changed. Whether any centre did.
    static bool recentre(lloyd_iterate& now, const lloyd_state& merged) {
        const std::vector<double> before = now.spec.centres;
        for (std::size_t c = 0; c < now.spec.n_clusters; ++c) {
            for (std::size_t j = 0; merged.counts[c] > 0 && j < now.n_features; ++j) now.spec.centres[c * now.n_features + j] = mean(now, merged, c, j);
        }
        return now.spec.centres != before;
    }

    // Whether every centre is the mean of its cluster.
    static bool is_settled(lloyd_iterate now, const lloyd_state& merged) { return !recentre(now, merged); }

private:
    static double mean(const lloyd_iterate& now, const lloyd_state& merged, std::size_t c, std::size_t j) {
        return now.origin[j] + merged.sums[c * now.n_features + j] / merged.weights[c];
    }

    // Centres become the means of their clusters; that of an empty one stays. Whether any changed.
    static bool move(lloyd_iterate& now, const lloyd_state& merged) {
        const std::vector<double> before = now.spec.centres;
        const bool changed = recentre(now, merged);
        double moved = 0;
        for (std::size_t i = 0; i < before.size(); ++i) moved += (now.spec.centres[i] - before[i]) * (now.spec.centres[i] - before[i]);
        now.shift_history.push_back(std::sqrt(moved));
        ++now.iteration;
        now.final_pass = true;
        if (!changed) {
            now.reason = kmeans_stop::converged;
        } else if (moved <= now.spec.tolerance) {
            now.reason = kmeans_stop::tolerance;
        } else if (now.iteration >= now.spec.max_iter) {
            now.reason = kmeans_stop::max_iterations;
        } else {
            now.final_pass = false;
        }
        return changed;
    }

public:
    // Every empty cluster takes the farthest point that is not the last of its cluster.
    static std::size_t repair(lloyd_state& s, std::size_t d) {
        std::size_t taken = 0;
        std::vector<bool> used(s.farthest.size());
        for (std::size_t c = 0; c < s.counts.size(); ++c) {
            if (s.counts[c] > 0) continue;
            for (std::size_t p = 0; p < s.farthest.size(); ++p) {
                const far_point& point = s.farthest[p];
                if (used[p] || s.counts[point.cluster] < 2) continue;
                used[p] = true;
                --s.counts[point.cluster];
                s.counts[c] = 1;
                s.weights[point.cluster] -= point.weight;
                s.weights[c] = point.weight;
                for (std::size_t j = 0; j < d; ++j) {
                    s.sums[point.cluster * d + j] -= point.weight * point.values[j];
                    s.sums[c * d + j] = point.weight * point.values[j];
                }
                ++taken;
                break;
            }
        }
        return taken;
    }
};

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
