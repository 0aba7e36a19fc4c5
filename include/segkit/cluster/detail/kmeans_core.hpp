// segkit/cluster/detail/kmeans_core.hpp: k-means on a matrix.
//
//     auto fit = segkit::fit_kmeans(matrix, {.n_clusters = 5, .seed = 42}, segkit::threads(2));
//     fit.model.predict(matrix), fit.model.inertia, fit.report.inertia_per_restart, ...
//
// n_init runs of Lloyd's iteration; the least inertia wins, the earlier run on a tie. Points are double or float; the centres of float
// points are sums in double, rounded to float to be compared with. Labels, centres and inertia are the same bits for any executor.
// One more copy of the points in memory, and at most a value and a label a row for each run at a time.
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
#include <segkit/cluster/detail/resident_lloyd.hpp>
#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/cluster/row_weights.hpp>
#include <segkit/cluster/seeding.hpp>
#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/progress.hpp>
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

// How far a fit has come: after every assignment of every run.
struct kmeans_progress {
    std::size_t restart = 0;
    std::size_t restarts = 0;
    std::size_t iteration = 0;
    double inertia = 0;
    std::size_t moved_rows = 0;    // that changed their cluster
    double shift = 0;              // the root of the squared moves of all centres
    std::size_t n_clusters = 0;    // of this fit: choose_k has one after the other
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
    // Told of every assignment; one that returns false ends the fit with the best centres so far, which are assigned once more. With it,
    // runs follow one another where they would stand side by side (small data).
    progress_callback<kmeans_progress> progress{};
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

    // The nearest centre of every row; of equally near ones the lexicographically least. On the rows of the fit: its labels. Here and below
    // NaN, infinities and squares that overflow are errors, with row and feature; points in float are compared with centres rounded to float.
    std::vector<std::int32_t> predict(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const {
        std::vector<std::int32_t> labels(rows.rows);
        predict_into(rows, labels, executor);
        return labels;
    }
    std::vector<std::int32_t> predict(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const {
        std::vector<std::int32_t> labels(rows.rows);
        predict_into(rows, labels, executor);
        return labels;
    }

    // The same, into one label per row; after an error some of them are written.
    void predict_into(matrix_view<const double> rows, std::span<std::int32_t> labels, executor_ref executor = detail::default_executor) const {
        label_rows(rows, labels, executor);
    }
    void predict_into(matrix_view<const float> rows, std::span<std::int32_t> labels, executor_ref executor = detail::default_executor) const {
        label_rows(rows, labels, executor);
    }

    kmeans_assignment predict_with_distances(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return assignment_of(rows, executor); }
    kmeans_assignment predict_with_distances(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return assignment_of(rows, executor); }

    // Distances (not squared) to all centres: rows x n_clusters, row by row.
    std::vector<double> transform(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return distances_of(rows, executor); }
    std::vector<double> transform(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return distances_of(rows, executor); }

    // The inertia of these rows: the sum of their squared distances to the nearest centre.
    double score(matrix_view<const double> rows, executor_ref executor = detail::default_executor) const { return inertia_of(rows, executor); }
    double score(matrix_view<const float> rows, executor_ref executor = detail::default_executor) const { return inertia_of(rows, executor); }

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
        detail::require_finite_model("kmeans", centres);
    }

private:
    template <class T>
    void label_rows(matrix_view<const T> rows, std::span<std::int32_t> labels, executor_ref executor) const {
        SEGKIT_ASSERT(labels.size() == rows.rows);
        for_nearest(rows, executor, [&](const detail::nearest_centre<T>&, const T*, const detail::nearest_in_tile<T>& nearest, std::size_t first, std::size_t length) {
            std::copy_n(nearest.which, length, labels.begin() + static_cast<std::ptrdiff_t>(first));
        });
    }

    template <class T>
    kmeans_assignment assignment_of(matrix_view<const T> rows, executor_ref executor) const {
        kmeans_assignment out{std::vector<std::int32_t>(rows.rows), std::vector<double>(rows.rows), std::vector<double>(rows.rows)};
        for_nearest(rows, executor, [&](const detail::nearest_centre<T>& nearest_of, const T* tile, const detail::nearest_in_tile<T>& nearest, std::size_t first, std::size_t length) {
            std::vector<T> squares(n_clusters * detail::tile_rows);
            nearest_of.squares(tile, squares.data());
            T second[detail::tile_rows];
            std::fill(second, second + detail::tile_rows, std::numeric_limits<T>::infinity());
            for (std::size_t c = 0; c < n_clusters; ++c) {
                for (std::size_t i = 0; i < length; ++i) {
                    if (nearest.which[i] != nearest_of.id(c)) second[i] = std::min(second[i], squares[c * detail::tile_rows + i]);
                }
            }
            for (std::size_t i = 0; i < length; ++i) {
                out.labels[first + i] = nearest.which[i];
                out.distance[first + i] = std::sqrt(static_cast<double>(nearest.distance[i]));
                out.second_distance[first + i] = std::sqrt(static_cast<double>(second[i]));
            }
        });
        return out;
    }

    template <class T>
    std::vector<double> distances_of(matrix_view<const T> rows, executor_ref executor) const {
        std::vector<double> out(rows.rows * n_clusters);
        for_tiles(rows, executor, [&](const detail::nearest_centre<T>& nearest_of, const T* tile, std::size_t first, std::size_t length) {
            std::vector<T> squares(n_clusters * detail::tile_rows);
            nearest_of.squares(tile, squares.data());
            for (std::size_t c = 0; c < n_clusters; ++c) {
                const T* const to_centre = squares.data() + c * detail::tile_rows;
                require_distances(rows, to_centre, first, length);
                for (std::size_t i = 0; i < length; ++i) out[(first + i) * n_clusters + static_cast<std::size_t>(nearest_of.id(c))] = std::sqrt(static_cast<double>(to_centre[i]));
            }
        });
        return out;
    }

    template <class T>
    double inertia_of(matrix_view<const T> rows, executor_ref executor) const {
        std::vector<double> tiles((rows.rows + detail::tile_rows - 1) / detail::tile_rows);
        for_nearest(rows, executor, [&](const detail::nearest_centre<T>&, const T*, const detail::nearest_in_tile<T>& nearest, std::size_t first, std::size_t) {
            tiles[first / detail::tile_rows] = detail::sum_of_lanes(nearest.distance);
        });
        double sum = 0;
        for (double part : tiles) sum += part;
        detail::require_finite_distances("kmeans", sum);
        return sum;
    }

    // A row that is near to no centre holds NaN or an infinity, or values whose squares overflow.
    template <class T>
    static void require_distances(matrix_view<const T> rows, const T* squares, std::size_t first, std::size_t length) {
        for (std::size_t i = 0; i < length; ++i) {
            if (detail::is_finite(static_cast<double>(squares[i]))) continue;
            detail::require_finite("kmeans", rows.row_range(first + i, 1), first + i);
            detail::require_finite_distances("kmeans", std::numeric_limits<double>::infinity());
        }
    }

    template <class T, class F>
    void for_nearest(matrix_view<const T> rows, executor_ref executor, F f) const {
        for_tiles(rows, executor, [&](const detail::nearest_centre<T>& nearest_of, const T* tile, std::size_t first, std::size_t length) {
            detail::nearest_in_tile<T> nearest;
            nearest_of.find(tile, length, nearest);
            require_distances(rows, nearest.distance, first, length);
            f(nearest_of, tile, nearest, first, length);
        });
    }
    template <class T, class F>
    void for_tiles(matrix_view<const T> rows, executor_ref executor, F f) const {
        detail::require_width("kmeans", rows.columns, n_features);
        const detail::nearest_centre<T> nearest_of(centres, n_clusters, n_features);
        const detail::row_blocks blocks(rows.rows);
        executor.run(blocks.count(), [&](std::size_t b) {
            std::vector<T> tile(n_features * detail::tile_rows);
            const std::size_t end = blocks.first(b) + blocks.length(b);
            for (std::size_t first = blocks.first(b); first < end; first += detail::tile_rows) {
                const std::size_t length = std::min(detail::tile_rows, end - first);
                detail::pack_tile(rows.row_range(first, length), tile.data());
                f(nearest_of, static_cast<const T*>(tile.data()), first, length);
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
    std::vector<std::size_t> moved_rows_per_iteration;    // that changed their cluster, in the same assignments; all in the first
    std::vector<double> shift_per_iteration;      // of every update of the centres: the root of their squared moves
    std::vector<double> cluster_weights;          // the weights of the rows in each cluster together
    std::size_t repaired_clusters = 0;            // clusters that came out empty and took the farthest point
    kmeans_stop stopped = kmeans_stop::converged;

    bool clusters_lowered() const { return clusters_used < clusters_asked; }
    bool converged() const { return stopped != kmeans_stop::max_iterations && stopped != kmeans_stop::cancelled; }
};

struct kmeans_fit {
    kmeans_model model;
    kmeans_report report;
    std::vector<std::int32_t> labels;    // of the rows of the fit
};

namespace detail {

inline void require_finite_centres(std::string_view stage, const std::vector<double>& centres, std::size_t n_features) {
    for (std::size_t i = 0; i < centres.size(); ++i) {
        if (!is_finite(centres[i])) throw_invalid_option(stage, "centres", "a value that is not finite in centre " + std::to_string(i / n_features), "finite numbers");
    }
}

inline void check_kmeans_options(std::string_view stage, const kmeans_options& options, std::size_t n_features) {
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
    require_finite_centres(stage, options.centres, n_features);
}

// The mean over the features of their population variance.
template <class T>
double mean_variance(const tiled_matrix<T>& points, executor_ref executor) {
    const std::size_t n = points.rows(), d = points.columns();
    const row_blocks blocks(n);
    const distance_kernels<T>& kernels = distance_kernels_for<T>(simd_level());
    std::vector<double> per_block(blocks.count() * d), mean(d);
    auto sum_blocks = [&](auto add_feature) {
        executor.run(blocks.count(), [&](std::size_t b) {
            const std::size_t end = blocks.first(b) + blocks.length(b);
            std::vector<double> lanes(d * tile_rows);
            std::vector<T> scratch(d * tile_rows);
            for (std::size_t first = blocks.first(b); first < end; first += tile_rows) {
                const T* const tile = points.tile(first, scratch.data());
                for (std::size_t j = 0; j < d; ++j) add_feature(lanes.data() + j * tile_rows, tile + j * tile_rows, j, points.tile_length(first));
            }
            for (std::size_t j = 0; j < d; ++j) per_block[b * d + j] = sum_of_lanes(lanes.data() + j * tile_rows);
        });
    };
    sum_blocks([&](double* lanes, const T* feature, std::size_t, std::size_t) { kernels.add(lanes, feature); });
    for (std::size_t b = 0; b < blocks.count(); ++b)
        for (std::size_t j = 0; j < d; ++j) mean[j] += per_block[b * d + j] / static_cast<double>(n);
    sum_blocks([&](double* lanes, const T* feature, std::size_t j, std::size_t length) {
        const T at = static_cast<T>(mean[j]);
        alignas(64) T squares[tile_rows];
        kernels.squares(feature, 1, &at, 1, squares);
        std::fill(squares + length, squares + tile_rows, T{0});
        kernels.add(lanes, squares);
    });
    double sum = 0;
    for (double part : per_block) sum += part;
    return sum / static_cast<double>(n) / static_cast<double>(d);
}

// What sums are about where given centres may lie far from all rows, and sums about them would lose digits: near the mean of some rows.
template <class T>
aligned_doubles near_rows(const tiled_matrix<T>& points) {
    const std::size_t some = std::min(points.rows(), std::size_t{64});
    std::vector<double> values(some * points.columns());
    for (std::size_t i = 0; i < some; ++i) points.copy_row(i * points.rows() / some, values.data() + i * points.columns());
    return near_mean(values, points.columns());
}

// The rows of the first distinct points, at most `most` of them.
template <class T>
std::vector<std::size_t> distinct_rows(const tiled_matrix<T>& points, std::size_t most) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < points.rows() && found.size() < most; ++i) {
        bool known = false;
        for (std::size_t other : found) known = known || points.same_point(i, other);
        if (!known) found.push_back(i);
    }
    return found;
}

// The centres without number `out`, and another drawn in its place by k-means++.
template <class T>
std::vector<double> with_one_moved(const tiled_matrix<T>& points, std::vector<double> centres, std::size_t k, std::size_t out, counter_random random,
                                          executor_ref executor) {
    const auto first = centres.begin() + static_cast<std::ptrdiff_t>(out * points.columns());
    centres.erase(first, first + static_cast<std::ptrdiff_t>(points.columns()));
    return k_means_plus_plus(points, k, random, executor, std::move(centres));
}

// The clusters in the order of their final numbers.
inline std::vector<std::size_t> numbering(const lloyd_iterate& iterate, kmeans_labels labels) {
    const std::size_t k = iterate.spec.n_clusters, d = iterate.n_features;
    std::vector<std::size_t> order(k);
    for (std::size_t c = 0; c < k; ++c) order[c] = c;
    if (labels == kmeans_labels::by_size) {
        const auto by_centre = lexicographic_order(iterate.spec.centres, k, d);
        std::vector<std::size_t> place(k);
        for (std::size_t i = 0; i < k; ++i) place[by_centre[i]] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return iterate.weights[a] != iterate.weights[b] ? iterate.weights[a] > iterate.weights[b] : place[a] < place[b];
        });
    }
    return order;
}

// The model, labels and weights of clusters, numbered as asked.
inline void name_clusters(kmeans_fit& fit, const lloyd_iterate& best, std::vector<std::int32_t> labels, kmeans_labels how, std::string_view stage) {
    require_finite_distances(stage, best.inertia());
    const std::size_t k = best.spec.n_clusters;
    const std::vector<std::size_t> order = numbering(best, how);
    std::vector<std::int32_t> number(k);
    for (std::size_t c = 0; c < k; ++c) number[order[c]] = static_cast<std::int32_t>(c);
    fit.model = {k, best.n_features, permuted(best.spec.centres, order, best.n_features), {}, best.inertia()};
    for (std::size_t c : order) {
        fit.model.sizes.push_back(best.counts[c]);
        fit.report.cluster_weights.push_back(best.weights[c]);
    }
    for (std::int32_t& label : labels) label = number[static_cast<std::size_t>(label)];
    fit.labels = std::move(labels);
}

// What these centres are to the points, without a move: each row goes to the nearest; centres without rows are left out.
template <class T>
void fit_to_centres(kmeans_fit& fit, const tiled_matrix<T>& points, std::vector<double> centres, kmeans_labels how, std::string_view stage, executor_ref executor) {
    const std::size_t d = points.columns();
    for (;;) {
        lloyd_iterate start = lloyd::init({centres, centres.size() / d, 1, 0});
        start.final_pass = start.gave_up = true;
        std::vector<std::int32_t> labels;
        const lloyd_iterate only = lloyd_to_end(points, std::move(start), executor, &labels);
        centres.clear();
        for (std::size_t c = 0; c < only.spec.n_clusters; ++c) {
            const auto centre = only.spec.centres.begin() + static_cast<std::ptrdiff_t>(c * d);
            if (only.counts[c] > 0) centres.insert(centres.end(), centre, centre + static_cast<std::ptrdiff_t>(d));
        }
        if (centres.size() < only.spec.centres.size()) continue;
        name_clusters(fit, only, std::move(labels), how, stage);
        fit.report.clusters_used = only.spec.n_clusters;
        return;
    }
}

// Ends the fit of a variant of k-means: what its last centres are to all points.
template <class Fit, class T, class Options>
void finish_with_centres(Fit& fit, const tiled_matrix<T>& points, std::vector<double> centres, const Options& options, std::string_view stage, executor_ref executor) {
    kmeans_fit last;
    fit_to_centres(last, points, std::move(centres), options.labels, stage, executor);
    fit.report.n_rows = points.rows();
    fit.report.clusters_asked = options.n_clusters;
    fit.report.clusters_used = last.model.n_clusters;
    fit.report.seed = options.seed;
    fit.report.inertia = last.model.inertia;
    fit.report.cluster_weights = std::move(last.report.cluster_weights);
    fit.model = std::move(last.model);
    fit.labels = std::move(last.labels);
}

// Rows with repetition, by the random numbers from `first` on.
inline std::vector<std::size_t> drawn_rows(const counter_random& random, std::size_t first, std::size_t count, std::size_t rows) {
    std::vector<std::size_t> drawn(count);
    for (std::size_t i = 0; i < count; ++i) drawn[i] = static_cast<std::size_t>(random.below(first + i, rows));
    return drawn;
}

// Some rows of a matrix, one after the other, with their weights where the matrix has any.
template <class T>
struct chosen_points {
    std::vector<T> values;
    std::vector<double> weights;
    std::size_t columns;

    template <class Rows>
    chosen_points(const tiled_matrix<T>& points, const Rows& rows) : values(rows.size() * points.columns()), columns(points.columns()) {
        for (std::size_t i = 0; i < rows.size(); ++i) points.copy_row(rows[i], values.data() + i * columns);
        for (std::size_t i = 0; points.weights() && i < rows.size(); ++i) weights.push_back(points.weights()[rows[i]]);
    }
    matrix_view<const T> view() const { return row_major<const T>(values.data(), values.size() / columns, columns); }
    tiled_matrix<T> tiles(std::string_view stage, executor_ref executor, tiling how = tiling::resident) const {
        tiled_matrix<T> out(stage, view(), executor, how);
        if (!weights.empty()) out.weigh(weights.data());
        return out;
    }
};

// Tells the callback, and remembers that it wanted to stop.
class kmeans_watch final : public lloyd_observer {
public:
    kmeans_watch(const progress_callback<kmeans_progress>& tell, std::size_t restart, std::size_t restarts) : tell_(tell), restart_(restart), restarts_(restarts) {}
    bool after(const lloyd_iterate& now) override {
        const kmeans_progress progress{restart_, restarts_, now.iteration, now.inertia(), now.moved_history.back(), now.shift_history.empty() ? 0 : now.shift_history.back(), now.spec.n_clusters};
        cancelled_ = cancelled_ || !tell_(progress);
        return !cancelled_;
    }
    bool cancelled() const { return cancelled_; }

private:
    const progress_callback<kmeans_progress>& tell_;
    std::size_t restart_;
    std::size_t restarts_;
    bool cancelled_ = false;
};

// What a core's own cache holds.
inline constexpr std::size_t cached_values = std::size_t{1} << 19;

// Of at least one point and feature; the options have been checked. `stage` is whose errors they are.
template <class T>
kmeans_fit fit_kmeans_to(const tiled_matrix<T>& points, const kmeans_options& options, executor_ref executor, std::string_view stage = "kmeans") {
    const std::size_t n_rows = points.rows(), n_features = points.columns();
    const double tolerance = options.tol > 0 ? options.tol * mean_variance(points, executor) : 0;
    const std::vector<std::size_t> distinct = distinct_rows(points, options.n_clusters);
    const std::size_t k = distinct.size();
    kmeans_fit fit;
    fit.report.n_rows = n_rows;
    fit.report.clusters_asked = options.n_clusters;
    fit.report.clusters_used = k;
    fit.report.seed = options.seed;
    const bool single = options.init == kmeans_init::given || k < options.n_clusters;
    const std::size_t restarts = single ? 1 : options.n_init;
    const std::size_t fresh = options.search == kmeans_search::restarts ? restarts : std::min(restarts - restarts / 2, 5 + restarts / 4);
    fit.report.restarts = restarts;
    fit.report.fresh_restarts = fresh;

    std::vector<lloyd_iterate> runs(restarts);
    std::vector<std::vector<std::int32_t>> labels(restarts);    // of runs that may yet be the best
    std::size_t& best_run = fit.report.best_restart;
    auto run = [&](std::size_t r, executor_ref inner) {
        lloyd_spec spec{{}, k, options.max_iter, tolerance};
        const counter_random random = restart_random(options.seed, r);
        if (k < options.n_clusters) {
            spec.centres.resize(k * n_features);
            for (std::size_t c = 0; c < k; ++c) points.copy_row(distinct[c], spec.centres.data() + c * n_features);
        } else if (options.init == kmeans_init::given) {
            spec.centres = options.centres;
        } else if (r >= fresh) {
            spec.centres = with_one_moved(points, runs[best_run].spec.centres, k, r % k, random, inner);
        } else if (options.init == kmeans_init::random) {
            spec.centres = random_points(points, k, random);
        } else {
            spec.centres = k_means_plus_plus(points, k, random, inner);
        }
        kmeans_watch watch(options.progress, r, restarts);
        lloyd_iterate start = lloyd::init(std::move(spec));
        if (options.init == kmeans_init::given) start.origin = near_rows(points);
        runs[r] = lloyd_to_end(points, std::move(start), inner, &labels[r], options.progress ? &watch : nullptr);
        if (watch.cancelled()) fit.report.stopped = kmeans_stop::cancelled;
    };
    // Small data: every thread has a run of its own. Large data: the threads share one, so that the points are read once for all.
    auto run_range = [&](std::size_t first, std::size_t last) {
        if (n_rows * n_features <= cached_values && last - first > 1 && !options.progress) {
            executor.run(last - first, [&](std::size_t i) { run(first + i, default_executor); });
        } else {
            for (std::size_t r = first; r < last; ++r) {
                run(r, executor);
                if (fit.report.stopped == kmeans_stop::cancelled) last = r + 1;
            }
        }
        for (std::size_t r = first; r < last; ++r) {
            fit.report.inertia_per_restart.push_back(runs[r].inertia());
            if (r == best_run) continue;
            const bool better = runs[r].inertia() < runs[best_run].inertia();
            labels[better ? best_run : r] = {};
            if (better) best_run = r;
        }
    };
    run_range(0, fresh);
    constexpr std::size_t batch = 5;    // runs that start from the same best and may run at the same time; more learn less from each other
    for (std::size_t first = fresh; first < restarts && fit.report.stopped != kmeans_stop::cancelled; first += batch) run_range(first, std::min(first + batch, restarts));
    fit.report.restarts = fit.report.inertia_per_restart.size();
    const lloyd_iterate& best = runs[best_run];
    fit.report.iterations = best.iteration;
    fit.report.inertia_per_iteration = best.inertia_history;
    fit.report.moved_rows_per_iteration = best.moved_history;
    fit.report.shift_per_iteration = best.shift_history;
    fit.report.repaired_clusters = best.repaired;
    if (fit.report.stopped != kmeans_stop::cancelled) fit.report.stopped = k < options.n_clusters ? kmeans_stop::all_distinct : best.reason;
    // Different points so near each other that their squared distances are zero are one to every centre.
    if (best.inertia() == 0 && std::find(best.counts.begin(), best.counts.end(), std::size_t{0}) != best.counts.end())
        fit_to_centres(fit, points, best.spec.centres, options.labels, stage, executor);
    else name_clusters(fit, best, std::move(labels[best_run]), options.labels, stage);
    return fit;
}

template <class T>
tiled_matrix<T> checked_points(std::string_view stage, matrix_view<const T> rows, const row_weights* weights, tiling tiles, executor_ref executor) {
    if (weights) check_weights(stage, *weights, rows.rows);
    tiled_matrix<T> points(stage, rows, executor, tiles);
    if (weights) points.weigh(weights->values().data());
    return points;
}

template <class T>
kmeans_fit fit_kmeans_to(matrix_view<const T> rows, const row_weights* weights, const kmeans_options& options, executor_ref executor) {
    require_rows_and_features("kmeans", rows.rows, rows.columns);
    check_kmeans_options("kmeans", options, rows.columns);
    const tiling tiles = options.init == kmeans_init::given ? tiling::on_demand : tiling::resident;    // finding first centres reads all tiles
    return fit_kmeans_to(checked_points("kmeans", rows, weights, tiles, executor), options, executor);
}

}  // namespace detail

inline kmeans_fit fit_kmeans(matrix_view<const double> rows, const kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_kmeans_to(rows, nullptr, options, executor);
}
inline kmeans_fit fit_kmeans(matrix_view<const float> rows, const kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_kmeans_to(rows, nullptr, options, executor);
}

// The same with weights: inertia, centres and the order of clusters go by them, and so do the draws of k-means++.
inline kmeans_fit fit_kmeans(matrix_view<const double> rows, row_weights weights, const kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_kmeans_to(rows, &weights, options, executor);
}
inline kmeans_fit fit_kmeans(matrix_view<const float> rows, row_weights weights, const kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_kmeans_to(rows, &weights, options, executor);
}

}  // namespace SEGKIT_NAMESPACE
