// segkit/cluster/detail/kmeans_core.hpp: k-means on a matrix.
//
//     auto fit = segkit::fit_kmeans(matrix, {.n_clusters = 5, .seed = 42}, segkit::threads(2));
//     fit.model.predict(matrix), fit.model.inertia, fit.report.inertia_per_restart, ...
//
// n_init runs of Lloyd's iteration; the least inertia wins, the earlier run on a tie. Labels, centres and inertia are the same bits for
// any executor. One more copy of the points in memory, and a double a row for each run at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/lloyd.hpp>
#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/cluster/seeding.hpp>
#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/statistics/column_moments.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class kmeans_init {
    k_means_plus_plus,    // spread out at random: the default
    random,               // distinct points at random
    given,                // the option `centres`
};

enum class kmeans_labels {
    by_size,     // 0 is the largest cluster; equal sizes in the lexicographic order of their centres
    as_given,    // in the order of the initial centres
};

// What the n_init runs begin with.
enum class kmeans_search {
    swaps,       // half of them (at most 5 + a quarter) afresh, the others with the best centres so far, one of which is moved: at equal
                 // cost the least inertia is found far more often (Fränti, "Efficiency of random swap clustering", 2018)
    restarts,    // all of them afresh
};

struct kmeans_options {
    std::size_t n_clusters = 8;
    std::size_t n_init = 10;         // runs; one when the centres are given
    std::size_t max_iter = 300;      // per run
    double tol = 1e-4;               // stop when the squared moves of all centres sum to at most tol * mean variance of the features; 0: when nothing moves
    std::uint64_t seed = 0;
    kmeans_init init = kmeans_init::k_means_plus_plus;
    kmeans_search search = kmeans_search::swaps;
    kmeans_labels labels = kmeans_labels::by_size;
    std::vector<double> centres{};   // for kmeans_init::given: n_clusters points, one after the other
};

// Labels with the distances (not squared) to the nearest and to the second nearest centre; their gap says how clear a label is.
struct kmeans_assignment {
    std::vector<std::int32_t> labels;
    std::vector<double> distance;
    std::vector<double> second_distance;    // infinite with one cluster
};

struct kmeans_model {
    std::size_t n_clusters = 0;
    std::size_t n_features = 0;
    std::vector<double> centres;       // n_clusters x n_features
    std::vector<std::size_t> sizes;    // rows of the fit in each cluster
    double inertia = 0;                // sum over the rows of the fit of the squared distance to their centre

    double centre(std::size_t cluster, std::size_t feature) const { return centres[cluster * n_features + feature]; }

    // The nearest centre of every row; of equally near ones the lexicographically least. On the rows of the fit: its labels.
    std::vector<std::int32_t> predict(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const {
        std::vector<std::int32_t> labels(rows.rows);
        predict_into(rows, labels, executor);
        return labels;
    }

    // The same, into one label per row.
    void predict_into(matrix_view<const double> rows, std::span<std::int32_t> labels, executor_ref executor = detail::default_executor) const {
        SEGKIT_ASSERT(labels.size() == rows.rows);
        for_tiles(rows, executor, [&](const double* tile, std::size_t first, std::size_t length, const auto& order, const auto& sorted) {
            detail::nearest_in_tile nearest;
            detail::find_nearest(tile, n_features, sorted.data(), n_clusters, nearest);
            for (std::size_t i = 0; i < length; ++i) labels[first + i] = static_cast<std::int32_t>(order[static_cast<std::size_t>(nearest.which[i])]);
        });
    }

    kmeans_assignment predict_with_distances(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const {
        kmeans_assignment out{std::vector<std::int32_t>(rows.rows), std::vector<double>(rows.rows), std::vector<double>(rows.rows)};
        for_tiles(rows, executor, [&](const double* tile, std::size_t first, std::size_t length, const auto& order, const auto& sorted) {
            detail::nearest_in_tile nearest;
            detail::find_nearest(tile, n_features, sorted.data(), n_clusters, nearest);
            double second[detail::tile_rows], distance[detail::tile_rows];
            std::fill(second, second + detail::tile_rows, std::numeric_limits<double>::infinity());
            for (std::size_t c = 0; c < n_clusters; ++c) {
                detail::squared_distances(tile, n_features, sorted.data() + c * n_features, distance);
                for (std::size_t i = 0; i < length; ++i) {
                    if (nearest.which[i] != static_cast<std::int32_t>(c)) second[i] = std::min(second[i], distance[i]);
                }
            }
            for (std::size_t i = 0; i < length; ++i) {
                out.labels[first + i] = static_cast<std::int32_t>(order[static_cast<std::size_t>(nearest.which[i])]);
                out.distance[first + i] = std::sqrt(nearest.distance[i]);
                out.second_distance[first + i] = std::sqrt(second[i]);
            }
        });
        return out;
    }

    friend bool operator==(const kmeans_model&, const kmeans_model&) = default;

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n_clusters", n_clusters);
        archive.field("n_features", n_features);
        archive.field("centres", centres);
        archive.field("sizes", sizes);
        archive.field("inertia", inertia);
        detail::require_one_model("kmeans", (sizes.empty() || sizes.size() == n_clusters) &&
                                                (n_features == 0 ? n_clusters == 0 && centres.empty()
                                                                 : n_clusters > 0 && centres.size() % n_features == 0 && centres.size() / n_features == n_clusters));
    }

private:
    template <class F>
    void for_tiles(matrix_view<const double> rows, executor_ref executor, F f) const {
        detail::require_width("kmeans", rows.columns, n_features);
        const auto order = detail::lexicographic_order(centres, n_clusters, n_features);
        const auto sorted = detail::permuted(centres, order, n_features);
        const detail::row_blocks blocks(rows.rows);
        executor.run(blocks.count(), [&](std::size_t b) {
            std::vector<double> tile(n_features * detail::tile_rows);
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t first = blocks.first(b); first < end; first += detail::tile_rows) {
                const std::size_t length = std::min(detail::tile_rows, end - first);
                detail::pack_tile(rows.row_range(first, length), tile.data());
                f(static_cast<const double*>(tile.data()), first, length, order, sorted);
            }
        });
    }
};

struct kmeans_report {
    std::size_t n_rows = 0;
    std::size_t clusters_asked = 0;
    std::size_t clusters_used = 0;                // fewer when there are fewer distinct points
    std::uint64_t seed = 0;
    std::size_t restarts = 0;                     // runs in all
    std::size_t fresh_restarts = 0;               // the first so many began afresh, the others from the best so far
    std::size_t best_restart = 0;
    std::vector<double> inertia_per_restart;
    std::size_t iterations = 0;                   // this and what follows: of the best restart
    std::vector<double> inertia_per_iteration;    // of every assignment, the first with the initial centres, the last with the final ones
    std::size_t repaired_clusters = 0;            // clusters that came out empty and took the farthest point
    kmeans_stop stopped = kmeans_stop::converged;

    bool clusters_lowered() const { return clusters_used < clusters_asked; }
    bool converged() const { return stopped != kmeans_stop::max_iterations; }
};

struct kmeans_fit {
    kmeans_model model;
    kmeans_report report;
    std::vector<std::int32_t> labels;    // of the rows of the fit
};

namespace detail {

inline void check_kmeans_options(const kmeans_options& options, std::size_t n_features) {
    constexpr std::string_view stage = "kmeans";
    if (options.n_clusters == 0) throw_invalid_option(stage, "n_clusters", "0", "at least 1");
    if (options.n_clusters > 0x7FFFFFFF) throw_invalid_option(stage, "n_clusters", std::to_string(options.n_clusters), "a number that a 32-bit label holds");
    if (options.n_init == 0) throw_invalid_option(stage, "n_init", "0", "at least 1", "10 is usual");
    if (options.max_iter == 0) throw_invalid_option(stage, "max_iter", "0", "at least 1", "300 is usual");
    if (!(options.tol >= 0) || !is_finite(options.tol)) {
        throw_invalid_option(stage, "tol", std::to_string(options.tol), "a finite number of at least 0", "1e-4 is usual; 0 goes on until nothing moves");
    }
    if (options.init != kmeans_init::given) {
        if (!options.centres.empty()) {
            throw_invalid_option(stage, "centres", std::to_string(options.centres.size()) + " values with another init", "none", "set init to kmeans_init::given");
        }
        return;
    }
    if (options.centres.size() != options.n_clusters * n_features) {
        throw_invalid_option(stage, "centres", std::to_string(options.centres.size()) + " values",
                             std::to_string(options.n_clusters) + " centres of " + std::to_string(n_features) + " features");
    }
    for (std::size_t i = 0; i < options.centres.size(); ++i) {
        if (!is_finite(options.centres[i])) throw_invalid_option(stage, "centres", "a value that is not finite in centre " + std::to_string(i / n_features), "finite numbers");
    }
}

// The rows of the first distinct points, at most `most` of them.
inline std::vector<std::size_t> distinct_rows(const tiled_matrix& points, std::size_t most) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < points.rows() && found.size() < most; ++i) {
        bool known = false;
        for (std::size_t other : found) known = known || points.same_point(i, other);
        if (!known) found.push_back(i);
    }
    return found;
}

// The centres without number `out`, and another drawn in its place by k-means++.
inline std::vector<double> with_one_moved(const tiled_matrix& points, std::vector<double> centres, std::size_t k, std::size_t out, counter_random random,
                                          executor_ref executor) {
    const auto first = centres.begin() + static_cast<std::ptrdiff_t>(out * points.columns());
    centres.erase(first, first + static_cast<std::ptrdiff_t>(points.columns()));
    return k_means_plus_plus(points, k, random, executor, std::move(centres));
}

// Gives clusters their final numbers.
inline kmeans_model numbered_model(const lloyd_iterate& iterate, kmeans_labels labels) {
    const std::size_t k = iterate.spec.n_clusters, d = iterate.n_features;
    std::vector<std::size_t> order(k);
    for (std::size_t c = 0; c < k; ++c) order[c] = c;
    if (labels == kmeans_labels::by_size) {
        const auto by_centre = lexicographic_order(iterate.spec.centres, k, d);
        std::vector<std::size_t> place(k);
        for (std::size_t i = 0; i < k; ++i) place[by_centre[i]] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return iterate.counts[a] != iterate.counts[b] ? iterate.counts[a] > iterate.counts[b] : place[a] < place[b];
        });
    }
    kmeans_model model{k, d, permuted(iterate.spec.centres, order, d), {}, iterate.inertia()};
    for (std::size_t c : order) model.sizes.push_back(iterate.counts[c]);
    return model;
}

}  // namespace detail

inline kmeans_fit fit_kmeans(matrix_view<const double> rows, const kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    constexpr std::string_view stage = "kmeans";
    if (rows.rows == 0) detail::throw_empty(stage);
    if (rows.columns == 0) detail::throw_empty(stage, "features");
    detail::check_kmeans_options(options, rows.columns);
    double tolerance = 0;
    for (const moments& m : estimate(column_moments{.stage = stage}, rows, executor).columns) tolerance += m.variance(0);
    tolerance *= options.tol / static_cast<double>(rows.columns);

    const detail::tiled_matrix points(rows, executor);
    const std::vector<std::size_t> distinct = detail::distinct_rows(points, options.n_clusters);
    const std::size_t k = distinct.size();
    kmeans_fit fit;
    fit.report.n_rows = rows.rows;
    fit.report.clusters_asked = options.n_clusters;
    fit.report.clusters_used = k;
    fit.report.seed = options.seed;
    const bool single = options.init == kmeans_init::given || k < options.n_clusters;
    const std::size_t restarts = single ? 1 : options.n_init;
    const std::size_t fresh = options.search == kmeans_search::restarts ? restarts : std::min(restarts - restarts / 2, 5 + restarts / 4);
    fit.report.restarts = restarts;
    fit.report.fresh_restarts = fresh;

    std::vector<detail::lloyd_iterate> runs(restarts);
    std::size_t& best_run = fit.report.best_restart;
    auto run = [&](std::size_t r, executor_ref inner) {
        detail::lloyd_spec spec{{}, k, options.max_iter, tolerance};
        const counter_random random = detail::restart_random(options.seed, r);
        if (k < options.n_clusters) {
            spec.centres.resize(k * rows.columns);
            for (std::size_t c = 0; c < k; ++c) points.copy_row(distinct[c], spec.centres.data() + c * rows.columns);
        } else if (options.init == kmeans_init::given) {
            spec.centres = options.centres;
        } else if (r >= fresh) {
            spec.centres = detail::with_one_moved(points, runs[best_run].spec.centres, k, r % k, random, inner);
        } else if (options.init == kmeans_init::random) {
            spec.centres = detail::random_points(points, k, random);
        } else {
            spec.centres = detail::k_means_plus_plus(points, k, random, inner);
        }
        runs[r] = detail::lloyd_to_end(points, std::move(spec), inner);
    };
    // Small data: every thread has a run of its own. Large data: the threads share one, so that the points are read once for all.
    constexpr std::size_t small = std::size_t{1} << 19;    // values that a core's own cache holds
    auto run_range = [&](std::size_t first, std::size_t last) {
        if (rows.rows * rows.columns <= small && last - first > 1) {
            executor.run(last - first, [&](std::size_t i) { run(first + i, detail::default_executor); });
        } else {
            for (std::size_t r = first; r < last; ++r) run(r, executor);
        }
        for (std::size_t r = first; r < last; ++r) {
            fit.report.inertia_per_restart.push_back(runs[r].inertia());
            if (runs[r].inertia() < runs[best_run].inertia()) best_run = r;
        }
    };
    run_range(0, fresh);
    constexpr std::size_t batch = 5;    // runs that start from the same best and may run at the same time; more learn less from each other
    for (std::size_t first = fresh; first < restarts; first += batch) run_range(first, std::min(first + batch, restarts));
    const detail::lloyd_iterate& best = runs[best_run];
    fit.report.iterations = best.iteration;
    fit.report.inertia_per_iteration = best.inertia_history;
    fit.report.repaired_clusters = best.repaired;
    fit.report.stopped = k < options.n_clusters ? kmeans_stop::all_distinct : best.reason;
    fit.model = detail::numbered_model(best, options.labels);
    fit.labels = fit.model.predict(rows, executor);
    return fit;
}

}  // namespace SEGKIT_NAMESPACE
