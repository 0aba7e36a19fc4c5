// segkit/cluster/mini_batch_kmeans.hpp: k-means that learns from small random batches of the rows.
//
//     mini_batch_kmeans(columns("a"_c, "b"_c), "cluster"_c, {.n_clusters = 8, .batch_size = 4096})
//     mini_batch_state state(centres, n_features);  state.update(some_rows);  state.update(more_rows);    // rows as they come
//
// Sculley, "Web-scale k-means clustering", 2010: every batch is assigned to the present centres, and each centre becomes the mean of all
// rows it was ever given. Costs batch_size distances to every centre a batch, and one pass over all rows at the end; the inertia is a few
// percent above that of kmeans.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

// Centres on the way. States that began with the same centres merge cluster by cluster, each centre the mean of the rows of both; what
// each side assigned by centres that the other had not yet seen stays as it was assigned.
struct mini_batch_state {
    std::size_t n_features = 0;
    std::vector<double> centres;    // one after the other
    std::vector<double> weights;    // of the rows that each was given so far

    mini_batch_state() = default;
    mini_batch_state(std::vector<double> first, std::size_t features) : n_features(features), centres(std::move(first)) {
        if (features == 0 || centres.empty() || centres.size() % features != 0)
            detail::throw_invalid_option("mini_batch_kmeans", "centres", std::to_string(centres.size()) + " values", "whole centres of " + std::to_string(features) + " features");
        detail::require_finite_centres("mini_batch_kmeans", centres, features);
        weights.resize(centres.size() / features);
    }

    std::size_t n_clusters() const { return weights.size(); }

    // Learns from one batch, of any number of rows; its inertia, by the centres before. A centre that was never given a row takes the farthest one.
    double update(matrix_view<const double> rows, executor_ref executor = detail::default_executor) { return learn(detail::tiled_matrix<double>("mini_batch_kmeans", rows, executor, detail::tiling::exact), executor); }
    double update(matrix_view<const float> rows, executor_ref executor = detail::default_executor) { return learn(detail::tiled_matrix<float>("mini_batch_kmeans", rows, executor, detail::tiling::exact), executor); }

    void merge(const mini_batch_state& other) {
        detail::require_width("mini_batch_kmeans", other.n_features, n_features);
        detail::require_one_model("mini_batch_kmeans", other.weights.size() == weights.size());
        for (std::size_t c = 0; c < weights.size(); ++c) give(c, other.weights[c], [&](std::size_t j) { return other.centres[c * n_features + j]; });
    }

    // The centres as a model, without the sizes and inertia of any rows.
    kmeans_model model() const { return {n_clusters(), n_features, centres, {}, 0}; }

    friend bool operator==(const mini_batch_state&, const mini_batch_state&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n_features", n_features);
        archive.field("centres", centres);
        archive.field("weights", weights);
        detail::require_one_model("mini_batch_kmeans", centres.size() == weights.size() * n_features);
        for (const auto* numbers : {&centres, &weights}) detail::require_finite_model("mini_batch_kmeans", *numbers);
    }

    // Of rows in tiles.
    template <class T>
    double learn(const detail::tiled_matrix<T>& rows, executor_ref executor) {
        detail::require_width("mini_batch_kmeans", rows.columns(), n_features);
        if (rows.rows() == 0) return 0;
        detail::lloyd_iterate now = detail::lloyd::init({centres, n_clusters(), 1, 0});
        now.origin = detail::near_rows(rows);
        const detail::lloyd_state found = detail::one_assignment(rows, now, std::find(weights.begin(), weights.end(), 0.0) != weights.end(), executor);
        detail::lloyd_state taken = found;
        for (std::size_t c = 0; c < weights.size(); ++c) taken.counts[c] += weights[c] > 0;    // only those without any rows ever are empty
        detail::lloyd::repair(taken, n_features);
        for (std::size_t c = 0; c < weights.size(); ++c) {
            if (taken.weights[c] <= 0) continue;
            give(c, taken.weights[c], [&](std::size_t j) { return now.origin[j] + taken.sums[c * n_features + j] / taken.weights[c]; });
        }
        return found.inertia;
    }

private:
    // Rows of this weight and mean. The first of a centre are all that it is of, however far from them it began.
    template <class Mean>
    void give(std::size_t c, double weight, Mean mean) {
        if (weight <= 0) return;
        const bool first = weights[c] == 0;
        weights[c] += weight;
        for (std::size_t j = 0; j < n_features; ++j) {
            double& centre = centres[c * n_features + j];
            centre = first ? mean(j) : centre + (mean(j) - centre) * (weight / weights[c]);
        }
    }
};

struct mini_batch_kmeans_options {
    std::size_t n_clusters = 8;
    std::size_t batch_size = 1024;
    std::size_t max_iter = 100;      // as many batches as make so many times all rows
    std::size_t patience = 10;       // stop when the smoothed inertia has not improved for so many batches
    std::size_t n_init = 3;          // first centres to choose from, by their inertia on a sample
    std::uint64_t seed = 0;
    kmeans_init init = kmeans_init::k_means_plus_plus;
    kmeans_labels labels = kmeans_labels::by_size;
    std::vector<double> centres{};   // for kmeans_init::given
    progress_callback<kmeans_progress> progress{};    // told of every batch; false ends the learning
};

struct mini_batch_kmeans_report {
    std::size_t n_rows = 0;
    std::size_t clusters_asked = 0;
    std::size_t clusters_used = 0;           // fewer when there are fewer distinct points, or a centre is nearest to no row
    std::uint64_t seed = 0;
    std::size_t batches = 0;
    double inertia = 0;                      // of all rows
    std::vector<double> inertia_per_batch;   // per row of the batch (or unit of weight)
    std::vector<double> cluster_weights;
    kmeans_stop stopped = kmeans_stop::max_iterations;

    bool clusters_lowered() const { return clusters_used < clusters_asked; }
    bool converged() const { return stopped == kmeans_stop::no_improvement || stopped == kmeans_stop::all_distinct; }
};

struct mini_batch_kmeans_fit {
    kmeans_model model;
    mini_batch_kmeans_report report;
    std::vector<std::int32_t> labels;        // of the rows of the fit
};

namespace detail {

// The best of n_init first centres on a sample of the rows; fewer where there are fewer distinct points.
template <class T>
std::vector<double> mini_batch_start(const tiled_matrix<T>& points, const mini_batch_kmeans_options& options, executor_ref executor) {
    if (options.init == kmeans_init::given) return options.centres;
    const std::size_t n = points.rows(), wanted = 3 * std::min(n, std::max(options.batch_size, options.n_clusters));
    std::vector<std::size_t> rows(std::min(n, wanted));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
    if (n > wanted) rows = drawn_rows(counter_random(options.seed, 998), 0, wanted, n);
    const chosen_points<T> sample(points, rows);
    const tiled_matrix<T> tiles = sample.tiles("mini_batch_kmeans", executor);
    const std::size_t k = distinct_rows(tiles, options.n_clusters).size();
    std::vector<double> best;
    double best_inertia = 0;
    for (std::size_t r = 0; r < options.n_init; ++r) {
        const counter_random random = restart_random(options.seed, r);
        std::vector<double> centres = options.init == kmeans_init::random ? random_points(tiles, k, random) : k_means_plus_plus(tiles, k, random, executor);
        const double inertia = one_assignment(tiles, lloyd::init({centres, k, 1, 0}), false, executor).inertia;
        if (!best.empty() && !(inertia < best_inertia)) continue;
        best = std::move(centres);
        best_inertia = inertia;
    }
    return best;
}

template <class T>
mini_batch_kmeans_fit fit_mini_batch_to(matrix_view<const T> rows, const row_weights* weights, const mini_batch_kmeans_options& options, executor_ref executor) {
    constexpr std::string_view stage = "mini_batch_kmeans";
    require_rows_and_features(stage, rows.rows, rows.columns);
    if (options.batch_size == 0) throw_invalid_option(stage, "batch_size", "0", "at least 1", "1024 is usual");
    if (options.patience == 0) throw_invalid_option(stage, "patience", "0", "at least 1", "10 is usual");
    check_kmeans_options(stage, {.n_clusters = options.n_clusters, .n_init = options.n_init, .max_iter = options.max_iter, .init = options.init, .centres = options.centres}, rows.columns);
    const tiled_matrix<T> points = checked_points(stage, rows, weights, tiling::on_demand, executor);
    mini_batch_kmeans_fit out;
    mini_batch_kmeans_report& report = out.report;

    mini_batch_state state(mini_batch_start(points, options, executor), rows.columns);
    const std::size_t n = rows.rows, batch = std::min(options.batch_size, n);
    constexpr std::size_t endless = static_cast<std::size_t>(-1);
    const std::size_t most = options.max_iter > (endless - batch) / n ? endless : (options.max_iter * n + batch - 1) / batch;
    const counter_random random(options.seed, 997);
    const double share = std::min(1.0, 2.0 * static_cast<double>(batch) / static_cast<double>(n + 1));    // of a new batch in the smoothed inertia
    double smoothed = 0, least = 0;
    std::size_t since = 0;
    while (report.batches < most) {
        const chosen_points<T> own(points, drawn_rows(random, report.batches * batch, batch, n));
        const std::vector<double> before = state.centres;
        double weight = static_cast<double>(batch);
        if (!own.weights.empty()) {
            weight = 0;
            for (const double w : own.weights) weight += w;
        }
        const double inertia = state.learn(own.tiles(stage, executor, tiling::exact), executor) / weight;
        report.inertia_per_batch.push_back(inertia);
        ++report.batches;
        smoothed = report.batches == 1 ? inertia : smoothed + (inertia - smoothed) * share;
        since = report.batches == 1 || smoothed < least ? 0 : since + 1;
        least = since == 0 ? smoothed : least;
        if (options.progress) {
            double moved = 0;
            for (std::size_t i = 0; i < before.size(); ++i) moved += (state.centres[i] - before[i]) * (state.centres[i] - before[i]);
            if (!options.progress({0, 1, report.batches, inertia, 0, std::sqrt(moved), state.n_clusters()})) report.stopped = kmeans_stop::cancelled;
        }
        if (report.stopped == kmeans_stop::cancelled) break;
        if (since >= options.patience) {
            report.stopped = kmeans_stop::no_improvement;
            break;
        }
    }
    finish_with_centres(out, points, std::move(state.centres), options, stage, executor);
    return out;
}

}  // namespace detail

inline mini_batch_kmeans_fit fit_mini_batch_kmeans(matrix_view<const double> rows, const mini_batch_kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_mini_batch_to(rows, nullptr, options, executor);
}
inline mini_batch_kmeans_fit fit_mini_batch_kmeans(matrix_view<const float> rows, const mini_batch_kmeans_options& options = {}, executor_ref executor = detail::default_executor) {
    return detail::fit_mini_batch_to(rows, nullptr, options, executor);
}
inline mini_batch_kmeans_fit fit_mini_batch_kmeans(matrix_view<const double> rows, row_weights weights, const mini_batch_kmeans_options& options = {},
                                                   executor_ref executor = detail::default_executor) {
    return detail::fit_mini_batch_to(rows, &weights, options, executor);
}
inline mini_batch_kmeans_fit fit_mini_batch_kmeans(matrix_view<const float> rows, row_weights weights, const mini_batch_kmeans_options& options = {},
                                                   executor_ref executor = detail::default_executor) {
    return detail::fit_mini_batch_to(rows, &weights, options, executor);
}

// The stage; its fitted form is that of kmeans.
template <class Columns, class Added, class Weight>
struct mini_batch_kmeans_stage : stage_base {
    static constexpr std::string_view stage_name = "mini_batch_kmeans";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Added>;
    mini_batch_kmeans_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        return detail::fit_weighted_stage<model_type, Columns, Weight, mini_batch_kmeans_report>(
            rows, stage_name, executor, [&](auto matrix, const row_weights* weights, const auto&) { return detail::fit_mini_batch_to(matrix, weights, options, executor); });
    }
};

template <detail::names_columns Columns, class Added>
auto mini_batch_kmeans(Columns features, Added added, mini_batch_kmeans_options options = {}) {
    return detail::make_cluster_stage<mini_batch_kmeans_stage>(features, added, no_weight{}, std::move(options));
}
template <detail::names_columns Columns, class Added, fixed_string Weight>
auto mini_batch_kmeans(Columns features, Added added, weight_column<Weight> weight, mini_batch_kmeans_options options = {}) {
    return detail::make_cluster_stage<mini_batch_kmeans_stage>(features, added, weight, std::move(options));
}

inline stage_summary summarise(const mini_batch_kmeans_report& report) {
    stage_summary s{.stage = "mini_batch_kmeans"};
    detail::add_cluster_facts(s, report.n_rows, report.clusters_used, report.inertia);
    s.facts.emplace_back("seed", std::to_string(report.seed));
    s.facts.emplace_back("batches", std::to_string(report.batches));
    s.facts.emplace_back("stopped", std::string(to_string(report.stopped)));
    detail::note_lowered_clusters(s, report.clusters_asked, report.clusters_used, "no more distinct points, or centres that are nearest to no row");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
