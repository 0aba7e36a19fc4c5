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
#include <cstring>
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

// Sums of the points of clusters, tile by tile, and how many there are. For few clusters in lanes by the kernel, else row by row: that
// costs more per row, but no more for more clusters.
template <class T>
class cluster_sums {
public:
    cluster_sums(const distance_kernels<T>& kernels, std::size_t clusters, std::size_t columns)
        : kernels_(kernels), clusters_(clusters), columns_(columns), lanes_(clusters <= few ? clusters * columns * sum_lanes : 0) {}

    // Points beyond `length` are zeros, whatever their cluster.
    void add(lloyd_state& s, const T* tile, std::size_t length, const std::int32_t* clusters) {
        if (!lanes_.empty()) kernels_.add_to_clusters(lanes_.data(), tile, columns_, clusters, clusters_);
        for (std::size_t i = 0; i < length; ++i) {
            const auto cluster = static_cast<std::size_t>(clusters[i]);
            ++s.counts[cluster];
            if (!lanes_.empty()) continue;
            double* sum = s.sums.data() + cluster * columns_;
            for (std::size_t j = 0; j < columns_; ++j) sum[j] += static_cast<double>(tile[j * tile_rows + i]);
        }
    }

    // To be called once, after the last tile.
    void finish(lloyd_state& s) const {
        for (std::size_t at = 0; at < lanes_.size() / sum_lanes; ++at) {
            double sum = 0;
            for (std::size_t lane = 0; lane < sum_lanes; ++lane) sum += lanes_[at * sum_lanes + lane];
            s.sums[at] += sum;
        }
    }

private:
    static constexpr std::size_t few = 16;

    const distance_kernels<T>& kernels_;
    std::size_t clusters_;
    std::size_t columns_;
    std::vector<double> lanes_;
};

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
void keep_far_points(lloyd_state& s, const T* tile, std::size_t columns, std::size_t length, const nearest_in_tile<T>& nearest) {
    for (std::size_t i = 0; i < length; ++i) {
        const double distance = static_cast<double>(nearest.distance[i]);
        if (distance <= 0 || (s.farthest.size() == s.counts.size() && distance <= s.farthest.back().distance)) continue;
        far_point point{distance, static_cast<std::size_t>(nearest.which[i]), std::vector<double>(columns)};
        for (std::size_t j = 0; j < columns; ++j) point.values[j] = static_cast<double>(tile[j * tile_rows + i]);
        keep_far_point(s, point);
    }
}

inline void add_lloyd_state(lloyd_state& s, const lloyd_state& other) {
    s.rows += other.rows;
    s.inertia += other.inertia;
    for (std::size_t c = 0; c < s.counts.size(); ++c) s.counts[c] += other.counts[c];
    for (std::size_t i = 0; i < s.sums.size(); ++i) s.sums[i] += other.sums[i];
    for (const far_point& point : other.farthest) keep_far_point(s, point);
}

// The estimator of one pass.
class lloyd_pass {
public:
    using state = lloyd_state;

    explicit lloyd_pass(const lloyd_iterate& iterate)
        : k_(iterate.spec.n_clusters), d_(iterate.n_features), repairing_(iterate.repairing), centres_(iterate.spec.centres, k_, d_) {}

    state start() const { return {0, 0, std::vector<std::size_t>(k_), std::vector<double>(k_ * d_), {}}; }

    void update(state& s, matrix_view<const double> block) const {
        require_width("kmeans", block.columns, d_);
        require_finite("kmeans", block, s.rows);
        std::vector<double> tile(d_ * tile_rows);
        alignas(64) double lanes[tile_rows] = {};
        cluster_sums<double> sums(centres_.kernels(), k_, d_);
        for (std::size_t first = 0; first < block.rows; first += tile_rows) {
            const std::size_t length = std::min(tile_rows, block.rows - first);
            pack_tile(block.row_range(first, length), tile.data());
            nearest_in_tile<double> nearest;
            centres_.find(tile.data(), length, nearest);
            centres_.kernels().add(lanes, nearest.distance);
            sums.add(s, tile.data(), length, nearest.which);
            if (repairing_) keep_far_points(s, tile.data(), d_, length, nearest);
        }
        sums.finish(s);
        s.rows += block.rows;
        s.inertia += sum_of_lanes(lanes);
    }

    void merge(state& s, const state& other) const { add_lloyd_state(s, other); }

    const state& finish(const state& s) const { return s; }

private:
    std::size_t k_;
    std::size_t d_;
    bool repairing_;
    nearest_centre<double> centres_;
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

    // Centres that are the means of these sums, and nothing else changed. Whether any centre did.
    static bool recentre(lloyd_iterate& now, const lloyd_state& merged) {
        const std::vector<double> before = now.spec.centres;
        for (std::size_t c = 0; c < now.spec.n_clusters; ++c) {
            if (merged.counts[c] == 0) continue;
            for (std::size_t j = c * now.n_features; j < (c + 1) * now.n_features; ++j) now.spec.centres[j] = merged.sums[j] / static_cast<double>(merged.counts[c]);
        }
        return now.spec.centres != before;
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

// Lloyd's iteration over points in tiles. Between passes every block of rows keeps its labels and sums, and a pass moves only the rows
// whose label changed from one sum to the other. Such sums have roundings that depend on the way: the last centres come from sums
// made afresh, in one order, so that they are those of estimate_state over the matrix, and equal clusters have equal centres.
template <class T, class Label>
class resident_lloyd {
public:
    explicit resident_lloyd(const tiled_matrix<T>& points, std::size_t k)
        : points_(points),
          k_(k),
          d_(points.columns()),
          blocks_(points.rows()),
          labels_(take_memory<Label>((points.rows() + tile_rows - 1) / tile_rows * tile_rows)),
          states_(blocks_.count(), lloyd_state{0, 0, std::vector<std::size_t>(k_), std::vector<double>(k_ * d_), {}}),
          changed_(blocks_.count()) {}

    lloyd_iterate to_end(lloyd_spec spec, executor_ref executor) {
        lloyd_iterate iterate = lloyd::init(std::move(spec));
        while (!iterate.done) {
            if (iterate.repairing) {
                const lloyd_state far = farthest(iterate, executor);
                iterate = lloyd::step(std::move(iterate), far);
                continue;
            }
            const bool changed = assign(iterate, executor);
            if (sums_drifted_ && !iterate.final_pass) {
                if (!changed) {
                    sum_afresh(executor);
                    if (lloyd::recentre(iterate, merged())) continue;
                } else if (iterate.iteration + 1 >= iterate.spec.max_iter) {
                    sum_afresh(executor);
                }
            }
            iterate = lloyd::step(std::move(iterate), merged());
            if (sums_drifted_ && iterate.final_pass && !iterate.done) {
                sum_afresh(executor);
                lloyd::recentre(iterate, merged());
            }
        }
        return iterate;
    }

    Label label(std::size_t row) const { return labels_[row]; }

private:
    // Whether any row changed its cluster.
    bool assign(const lloyd_iterate& iterate, executor_ref executor) {
        const nearest_centre<T> centres(iterate.spec.centres, k_, d_);
        executor.run(blocks_.count(), [&](std::size_t b) { labelled_ ? assign_block(centres, b) : label_block(centres, b); });
        bool changed = !labelled_;
        for (std::size_t n : changed_) changed = changed || n > 0;
        sums_drifted_ = sums_drifted_ || (labelled_ && changed);
        labelled_ = true;
        return changed;
    }

    // The first labels of a block.
    void label_block(const nearest_centre<T>& centres, std::size_t b) {
        alignas(64) double lanes[tile_rows] = {};
        cluster_sums<T> sums(centres.kernels(), k_, d_);
        each_tile(b, [&](std::size_t first, const T* tile, std::size_t length) {
            nearest_in_tile<T> nearest;
            centres.find(tile, length, nearest);
            centres.kernels().add(lanes, nearest.distance);
            Label* const labels = labels_.get() + first;
            for (std::size_t i = 0; i < tile_rows; ++i) labels[i] = static_cast<Label>(nearest.which[i]);
            sums.add(states_[b], tile, length, nearest.which);
        });
        sums.finish(states_[b]);
        states_[b].rows = blocks_.length(b);
        states_[b].inertia = sum_of_lanes(lanes);
    }

    void assign_block(const nearest_centre<T>& centres, std::size_t b) {
        alignas(64) double lanes[tile_rows] = {};
        std::size_t changed = 0;
        bool lossy = false;
        each_tile(b, [&](std::size_t first, const T* tile, std::size_t length) {
            nearest_in_tile<T> nearest;
            centres.find(tile, length, nearest);
            centres.kernels().add(lanes, nearest.distance);
            alignas(64) Label now[tile_rows];
            for (std::size_t i = 0; i < tile_rows; ++i) now[i] = static_cast<Label>(nearest.which[i]);
            Label* const before = labels_.get() + first;
            constexpr std::size_t per_word = sizeof(std::uint64_t) / sizeof(Label);
            for (std::size_t i = 0; i < tile_rows; i += per_word) {
                std::uint64_t old_labels, new_labels;
                std::memcpy(&old_labels, before + i, sizeof old_labels);
                std::memcpy(&new_labels, now + i, sizeof new_labels);
                if (old_labels == new_labels) continue;
                for (std::size_t r = i; r < i + per_word; ++r) {
                    if (before[r] == now[r]) continue;
                    lossy |= move_row(states_[b], tile + r, static_cast<std::size_t>(before[r]), static_cast<std::size_t>(now[r]));
                    before[r] = now[r];
                    ++changed;
                }
            }
        });
        states_[b].inertia = sum_of_lanes(lanes);
        changed_[b] = changed;
        if (lossy) sum_block_afresh(b);
    }

    // Whether a value left that was so much larger than what stays that the roundings it left behind matter.
    bool move_row(lloyd_state& s, const T* feature, std::size_t from, std::size_t to) const {
        double *const less = s.sums.data() + from * d_, *const more = s.sums.data() + to * d_;
        --s.counts[from];
        ++s.counts[to];
        bool lossy = false;
        for (std::size_t j = 0; j < d_; ++j) {
            const double value = static_cast<double>(feature[j * tile_rows]);
            less[j] -= value;
            more[j] += value;
            lossy |= std::fabs(value) > 0x1p20 * std::fabs(less[j]);
        }
        if (s.counts[from] > 0) return lossy;
        std::fill(less, less + d_, 0.0);
        return false;
    }

    void sum_afresh(executor_ref executor) {
        executor.run(blocks_.count(), [&](std::size_t b) { sum_block_afresh(b); });
        sums_drifted_ = false;
    }

    void sum_block_afresh(std::size_t b) {
        lloyd_state& s = states_[b];
        std::fill(s.counts.begin(), s.counts.end(), std::size_t{0});
        std::fill(s.sums.begin(), s.sums.end(), 0.0);
        cluster_sums<T> sums(distance_kernels_for<T>(simd_level()), k_, d_);
        each_tile(b, [&](std::size_t first, const T* tile, std::size_t length) {
            alignas(64) std::int32_t clusters[tile_rows];
            for (std::size_t i = 0; i < tile_rows; ++i) clusters[i] = static_cast<std::int32_t>(labels_[first + i]);
            sums.add(s, tile, length, clusters);
        });
        sums.finish(s);
    }

    lloyd_state merged() const {
        lloyd_state sum = states_[0];
        for (std::size_t b = 1; b < states_.size(); ++b) add_lloyd_state(sum, states_[b]);
        return sum;
    }

    // The state of the last assignment with the points farthest from their centres.
    lloyd_state farthest(const lloyd_iterate& iterate, executor_ref executor) {
        const nearest_centre<T> centres(iterate.spec.centres, k_, d_);
        if (sums_drifted_) sum_afresh(executor);
        std::vector<lloyd_state> states = states_;
        executor.run(blocks_.count(), [&](std::size_t b) {
            each_tile(b, [&](std::size_t, const T* tile, std::size_t length) {
                nearest_in_tile<T> nearest;
                centres.find(tile, length, nearest);
                keep_far_points(states[b], tile, d_, length, nearest);
            });
        });
        for (std::size_t b = 1; b < states.size(); ++b) add_lloyd_state(states[0], states[b]);
        return std::move(states[0]);
    }

    template <class F>
    void each_tile(std::size_t b, F f) const {
        const std::size_t end = blocks_.first(b) + blocks_.length(b);
        for (std::size_t first = blocks_.first(b); first < end; first += tile_rows) f(first, points_.tile(first), points_.tile_length(first));
    }

    const tiled_matrix<T>& points_;
    std::size_t k_;
    std::size_t d_;
    row_blocks blocks_;
    owned_memory<Label> labels_;         // whole tiles
    std::vector<lloyd_state> states_;    // of every block, with its present labels
    std::vector<std::size_t> changed_;
    bool labelled_ = false;
    bool sums_drifted_ = false;          // some sums went by changed rows
};

// `labels`, where given, get the clusters of the last assignment, which was made with the final centres.
template <class T>
lloyd_iterate lloyd_to_end(const tiled_matrix<T>& points, lloyd_spec spec, executor_ref executor, std::vector<std::int32_t>* labels = nullptr) {
    auto run = [&](auto lloyd) {
        lloyd_iterate iterate = lloyd.to_end(std::move(spec), executor);
        if (labels) {
            labels->resize(points.rows());
            for (std::size_t i = 0; i < points.rows(); ++i) (*labels)[i] = static_cast<std::int32_t>(lloyd.label(i));
        }
        return iterate;
    };
    const std::size_t k = spec.n_clusters;
    if (k <= 256) return run(resident_lloyd<T, std::uint8_t>(points, k));
    return run(resident_lloyd<T, std::int32_t>(points, k));
}

}  // namespace detail
}  // namespace SEGKIT_NAMESPACE
