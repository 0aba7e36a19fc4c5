// segkit/cluster/detail/lloyd.hpp: Lloyd's iteration (Lloyd, "Least squares quantization in PCM", 1982) as an iterative estimator.
//
//     auto iterate = lloyd::init({.centres = first, .n_clusters = k});
//     while (!iterate.done) iterate = lloyd::step(iterate, estimate_state(lloyd::pass(iterate), rows));
//
// One pass assigns every row and sums the clusters: k d multiplications a row. When clusters came out empty, the next pass looks for
// the farthest points instead, which then move to them. The last pass only assigns: inertia and sizes are those of the final centres.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/config.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class kmeans_stop : std::int64_t {
    converged,         // no row changed its cluster
    tolerance,         // the centres moved by less than the tolerance
    max_iterations,    // told to stop
    all_distinct,      // every distinct point has a cluster of its own: nothing to iterate
};

constexpr std::string_view to_string(kmeans_stop reason) {
    switch (reason) {
        case kmeans_stop::converged: return "converged: no row changed its cluster";
        case kmeans_stop::tolerance: return "converged: the centres moved by less than the tolerance";
        case kmeans_stop::max_iterations: return "stopped at the greatest number of iterations";
        case kmeans_stop::all_distinct: return "every distinct point has a cluster of its own";
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
    std::vector<double> values;

    friend bool operator==(const far_point&, const far_point&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("distance", distance);
        archive.field("cluster", cluster);
        archive.field("values", values);
    }
};

struct lloyd_state {
    std::size_t rows = 0;
    double inertia = 0;
    std::vector<std::size_t> counts;
    std::vector<double> sums;          // n_clusters x n_features
    std::vector<far_point> farthest;   // of a repair pass: distinct points, by descending distance, earlier rows first

    friend bool operator==(const lloyd_state&, const lloyd_state&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("rows", rows);
        archive.field("inertia", inertia);
        archive.field("counts", counts);
        archive.field("sums", sums);
        archive.field("farthest", farthest);
    }
};

struct lloyd_iterate {
    lloyd_spec spec;                        // its centres are the current ones
    std::size_t n_features = 0;
    std::size_t iteration = 0;              // assignments that an update of the centres followed
    std::vector<double> inertia_history;    // of every assignment, the first with the initial centres
    std::vector<std::size_t> counts;        // of the last assignment
    std::size_t repaired = 0;               // clusters that were empty and took a point
    bool repairing = false;                 // the next pass looks for points for empty clusters
    bool gave_up = false;                   // an empty cluster found no point to take: all that is left are copies
    bool final_pass = false;                // the next assignment is the last
    bool done = false;
    kmeans_stop reason = kmeans_stop::max_iterations;

    double inertia() const { return inertia_history.back(); }
};

// The estimator of one pass.
class lloyd_pass {
public:
    using state = lloyd_state;

    explicit lloyd_pass(const lloyd_iterate& iterate)
        : k_(iterate.spec.n_clusters),
          d_(iterate.n_features),
          repairing_(iterate.repairing),
          order_(lexicographic_order(iterate.spec.centres, k_, d_)),
          centres_(permuted(iterate.spec.centres, order_, d_)) {}

    state start() const { return {0, 0, std::vector<std::size_t>(k_), std::vector<double>(k_ * d_), {}}; }

    void update(state& s, matrix_view<const double> block) const {
        require_width("kmeans", block.columns, d_);
        require_finite("kmeans", block, s.rows);
        std::vector<double> tile(d_ * tile_rows);
        for (std::size_t first = 0; first < block.rows; first += tile_rows) {
            const std::size_t length = std::min(tile_rows, block.rows - first);
            pack_tile(block.row_range(first, length), tile.data());
            update_tile(s, tile.data(), length);
        }
    }

    // For points that are in tiles already, and known to be finite.
    void update_tile(state& s, const double* tile, std::size_t length) const {
        nearest_in_tile nearest;
        find_nearest(tile, d_, centres_.data(), k_, nearest);
        s.rows += length;
        for (std::size_t i = 0; i < length; ++i) {
            const std::size_t cluster = order_[static_cast<std::size_t>(nearest.which[i])];
            s.inertia += nearest.distance[i];
            ++s.counts[cluster];
            double* sum = s.sums.data() + cluster * d_;
            for (std::size_t j = 0; j < d_; ++j) sum[j] += tile[j * tile_rows + i];
            if (repairing_) offer(s, tile + i, nearest.distance[i], cluster);
        }
    }

    void merge(state& s, const state& other) const {
        s.rows += other.rows;
        s.inertia += other.inertia;
        for (std::size_t c = 0; c < k_; ++c) s.counts[c] += other.counts[c];
        for (std::size_t i = 0; i < s.sums.size(); ++i) s.sums[i] += other.sums[i];
        for (const far_point& point : other.farthest) insert(s, point);
    }

    const state& finish(const state& s) const { return s; }

private:
    void offer(state& s, const double* feature, double distance, std::size_t cluster) const {
        if (distance <= 0 || (s.farthest.size() == k_ && distance <= s.farthest.back().distance)) return;
        far_point point{distance, cluster, std::vector<double>(d_)};
        for (std::size_t j = 0; j < d_; ++j) point.values[j] = feature[j * tile_rows];
        insert(s, point);
    }

    // k points are enough: every cluster but the empty ones can withhold one, its last, and there are k clusters.
    void insert(state& s, const far_point& point) const {
        auto at = s.farthest.begin();
        for (; at != s.farthest.end() && at->distance >= point.distance; ++at) {
            if (at->values == point.values) return;
        }
        s.farthest.insert(at, point);
        if (s.farthest.size() > k_) s.farthest.pop_back();
    }

    std::size_t k_;
    std::size_t d_;
    bool repairing_;
    std::vector<std::size_t> order_;    // place in centres_ -> cluster
    std::vector<double> centres_;       // in lexicographic order: the first of equally near ones wins
};

struct lloyd {
    static lloyd_iterate init(lloyd_spec spec) {
        lloyd_iterate iterate;
        iterate.n_features = spec.centres.size() / spec.n_clusters;
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

private:
    // Centres become the means of their clusters; that of an empty one stays. Whether any changed.
    static bool move(lloyd_iterate& now, const lloyd_state& merged) {
        const std::size_t d = now.n_features;
        double moved = 0;
        bool changed = false;
        for (std::size_t c = 0; c < now.spec.n_clusters; ++c) {
            if (merged.counts[c] == 0) continue;
            for (std::size_t j = 0; j < d; ++j) {
                double& centre = now.spec.centres[c * d + j];
                const double mean = merged.sums[c * d + j] / static_cast<double>(merged.counts[c]);
                moved += (mean - centre) * (mean - centre);
                changed = changed || mean != centre;
                centre = mean;
            }
        }
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
                for (std::size_t j = 0; j < d; ++j) {
                    s.sums[point.cluster * d + j] -= point.values[j];
                    s.sums[c * d + j] = point.values[j];
                }
                ++taken;
                break;
            }
        }
        return taken;
    }
};

// One pass over points in tiles; the same blocks, and so the same bits, as estimate_state over the matrix they came from.
inline lloyd_state lloyd_pass_over(const tiled_matrix& points, const lloyd_pass& pass, executor_ref executor) {
    const row_blocks blocks(points.rows());
    auto fill = [&](lloyd_state& s, std::size_t b) {
        const std::size_t end = blocks.first(b) + blocks.length(b);
        for (std::size_t first = blocks.first(b); first < end; first += tile_rows) pass.update_tile(s, points.tile(first), points.tile_length(first));
    };
    std::vector<lloyd_state> states(blocks.count(), pass.start());
    executor.run(blocks.count(), [&](std::size_t b) { fill(states[b], b); });
    for (std::size_t b = 1; b < states.size(); ++b) pass.merge(states[0], states[b]);
    return std::move(states[0]);
}

inline lloyd_iterate lloyd_to_end(const tiled_matrix& points, lloyd_spec spec, executor_ref executor) {
    lloyd_iterate iterate = lloyd::init(std::move(spec));
    while (!iterate.done) {
        const lloyd_state merged = lloyd_pass_over(points, lloyd::pass(iterate), executor);
        iterate = lloyd::step(std::move(iterate), merged);
    }
    return iterate;
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
