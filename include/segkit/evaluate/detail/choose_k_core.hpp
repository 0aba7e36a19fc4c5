// segkit/evaluate/detail/choose_k_core.hpp: k-means for a range of numbers of clusters on a matrix, every criterion, and a choice.
//
//     const auto chosen = segkit::choose_k(matrix, {.k_min = 2, .k_max = 8, .seed = 42}, segkit::threads(2));
//     chosen.model, chosen.labels, chosen.report.trials, chosen.report.choices, chosen.report.warnings
//
// The points, double or float, are checked and packed once. A trial depends on (seed, k) alone, not on the range it stands in. Costs the
// fits, and per k a silhouette: exact up to 20,000 rows, of 2,000 sampled ones above. With weights
// every measure is that of rows repeated so often, but for sampled points, which are then drawn by weight, with repetition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/config.hpp>
#include <segkit/evaluate/calinski_harabasz.hpp>
#include <segkit/evaluate/davies_bouldin.hpp>
#include <segkit/evaluate/elbow.hpp>
#include <segkit/evaluate/silhouette.hpp>
#include <segkit/evaluate/stability.hpp>
#include <segkit/evaluate/warnings.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/exec/random.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

enum class k_criterion {
    silhouette,           // the greatest
    calinski_harabasz,    // the greatest
    davies_bouldin,       // the least
    elbow,                // the greatest bend of the inertia (elbow.hpp); needs three numbers of clusters
};
inline constexpr k_criterion all_k_criteria[] = {k_criterion::silhouette, k_criterion::calinski_harabasz, k_criterion::davies_bouldin, k_criterion::elbow};

constexpr std::string_view to_string(k_criterion criterion) {
    switch (criterion) {
        case k_criterion::silhouette: return "silhouette";
        case k_criterion::calinski_harabasz: return "Calinski-Harabasz";
        case k_criterion::davies_bouldin: return "Davies-Bouldin";
        case k_criterion::elbow: return "elbow";
    }
    return "silhouette";
}

// How the silhouette of a trial is measured.
struct choose_k_silhouette {
    std::size_t exact_rows = 20'000;    // of more rows it is estimated
    std::size_t n = 2'000;              // from so many, as by sampled_silhouette
};

struct choose_k_options {
    std::size_t k_min = 2;                                 // from 1 on, which has an inertia only
    std::size_t k_max = 10;                                // at most the rows
    k_criterion criterion = k_criterion::silhouette;       // whose choice becomes the model
    std::uint64_t seed = 0;
    choose_k_silhouette silhouette{};
    std::size_t seeds = 0;                                 // fits per k whose agreement is reported: 0, or at least 2
    kmeans_options kmeans{};                               // of all fits, but for n_clusters, seed and centres; its callback is told of every
                                                           // assignment of each, and the first false ends the range
    warning_limits limits{};
};

// k-means with one number of clusters. Measures that it has no value for are empty: of one cluster, and of as many as rows.
struct k_trial {
    std::size_t n_clusters = 0;
    std::uint64_t seed = 0;                               // that k-means was given: with it and `options.kmeans` it gives the same clusters
    double inertia = 0;
    std::optional<double> elbow_depth{};                  // how far the inertia is below the line between the ends of the range
    std::optional<double> silhouette{};
    std::optional<double> silhouette_standard_error{};    // where the silhouette is that of a sample
    std::optional<double> calinski_harabasz{};
    std::optional<double> davies_bouldin{};
    std::optional<label_stability> seed_agreement{};      // where asked for
    std::vector<std::size_t> sizes{};                     // of the clusters, in rows (whatever these weigh), descending

    friend bool operator==(const k_trial&, const k_trial&) = default;
};

struct k_choice {
    k_criterion criterion{};
    std::optional<std::size_t> n_clusters{};    // nothing where no trial has a value
    std::optional<std::size_t> runner_up{};
    bool near_tie = false;                      // between the two: less apart than the limit, or than two standard errors

    friend bool operator==(const k_choice&, const k_choice&) = default;
};

struct choose_k_report {
    std::size_t n_rows = 0;
    std::size_t n_clusters = 0;                 // chosen
    k_criterion criterion{};                    // that decided; where it has no choice, the next of the list that has one, or none: the fewest clusters
    std::uint64_t seed = 0;
    std::vector<k_trial> trials;                // by ascending k
    std::vector<k_choice> choices;              // of every criterion
    std::size_t agreeing = 0;                   // criteria that choose this number,
    std::size_t choosing = 0;                   // of so many that choose at all
    std::vector<cluster_warning> warnings;      // of the features, of the chosen clusters, and of the choice
    bool cancelled = false;                     // the callback ended the range: the choice is among the trials that were complete, if any
    kmeans_report kmeans;                       // of the chosen fit

    const k_trial& chosen() const {
        std::size_t at = 0;
        while (trials[at].n_clusters != n_clusters) ++at;
        return trials[at];
    }
};

struct choose_k_fit {
    kmeans_model model;
    choose_k_report report;
    std::vector<std::int32_t> labels;
};

namespace detail {

inline constexpr std::uint64_t seed_of_k_purpose = 5;

inline void check_choose_k_options(const choose_k_options& options, std::size_t rows) {
    constexpr std::string_view stage = "choose_k";
    if (options.k_min == 0) throw_invalid_option(stage, "k_min", "0", "at least 1");
    if (options.k_max < options.k_min)
        throw_invalid_option(stage, "k_max", "no k from " + std::to_string(options.k_min) + " to " + std::to_string(options.k_max), "at least k_min");
    if (options.k_max > rows) throw_invalid_option(stage, "k_max", std::to_string(options.k_max), "at most the " + std::to_string(rows) + " rows there are");
    if (options.silhouette.n < 2) throw_invalid_option(stage, "silhouette.n", std::to_string(options.silhouette.n), "at least 2", "2000 is usual");
    if (options.seeds == 1) throw_invalid_option(stage, "seeds", "1", "0, or at least 2", "one fit has nothing to be compared with");
    if (options.kmeans.init == kmeans_init::given)
        throw_invalid_option(stage, "init", "given centres", "k_means_plus_plus or random", "centres belong to one number of clusters");
    check_limits(stage, options.limits);
}

// How good a trial is by a criterion: more is better; nothing where it has no value.
inline std::optional<double> score_of(const k_trial& t, k_criterion criterion) {
    switch (criterion) {
        case k_criterion::silhouette: return t.silhouette;
        case k_criterion::calinski_harabasz: return t.calinski_harabasz;
        case k_criterion::davies_bouldin: return t.davies_bouldin ? std::optional(-*t.davies_bouldin) : std::nullopt;
        case k_criterion::elbow: return t.elbow_depth && *t.elbow_depth > 0 ? t.elbow_depth : std::nullopt;
    }
    return std::nullopt;
}

inline bool near_tie(const k_trial& best, const k_trial& next, k_criterion criterion, double limit) {
    const double a = *score_of(best, criterion), b = *score_of(next, criterion);
    if (a == b) return true;
    double least = limit;
    if (criterion == k_criterion::calinski_harabasz || criterion == k_criterion::davies_bouldin) least *= std::fabs(a);
    if (criterion == k_criterion::silhouette && best.silhouette_standard_error && next.silhouette_standard_error)
        least = std::max(least, 2 * std::sqrt(*best.silhouette_standard_error * *best.silhouette_standard_error + *next.silhouette_standard_error * *next.silhouette_standard_error));
    return a - b < least;
}

// Of equally good trials the one with fewer clusters.
inline k_choice choice_of(const std::vector<k_trial>& trials, k_criterion criterion, const warning_limits& limits) {
    const k_trial *best = nullptr, *next = nullptr;
    for (const k_trial& t : trials) {
        const auto score = score_of(t, criterion);
        if (!score) continue;
        if (!best || *score > *score_of(*best, criterion)) next = std::exchange(best, &t);
        else if (!next || *score > *score_of(*next, criterion)) next = &t;
    }
    k_choice choice{criterion};
    if (best) choice.n_clusters = best->n_clusters;
    if (next) {
        choice.runner_up = next->n_clusters;
        choice.near_tie = near_tie(*best, *next, criterion, limits.near_tie);
    }
    return choice;
}

// The criteria of a trial, but for the elbow, which is one of the curve.
template <class T>
void measure_trial(k_trial& t, matrix_view<const T> rows, const double* weights, const std::vector<std::int32_t>& labels, const choose_k_options& options, executor_ref executor) {
    label_groups groups = group_labels(labels);
    groups.weigh(weights);
    if (groups.count() < 2 || groups.count() == rows.rows) return;
    const group_scatter scatter = scatter_of("choose_k", rows, groups, executor);
    t.calinski_harabasz = calinski_harabasz_of(groups, scatter);
    t.davies_bouldin = davies_bouldin_of(groups, scatter);
    if (rows.rows <= options.silhouette.exact_rows || rows.rows <= options.silhouette.n) {
        t.silhouette = silhouette_of_groups(rows, groups, executor).mean;
    } else {
        const silhouette_estimate estimate = silhouette_of_sample(rows, groups, {options.silhouette.n, options.seed}, executor);
        t.silhouette = estimate.mean;
        t.silhouette_standard_error = estimate.standard_error;
    }
}

inline void measure_elbow(std::vector<k_trial>& trials) {
    std::vector<std::size_t> ks;
    std::vector<double> inertias;
    for (const k_trial& t : trials) {
        ks.push_back(t.n_clusters);
        inertias.push_back(t.inertia);
    }
    const elbow_result curve = elbow(ks, inertias);
    if (!curve.k) return;
    for (std::size_t i = 0; i < trials.size(); ++i) trials[i].elbow_depth = curve.depth[i];
}

// What each criterion chooses, and which choice is the model's.
inline void decide(choose_k_report& report, const choose_k_options& options) {
    for (k_criterion criterion : all_k_criteria) report.choices.push_back(choice_of(report.trials, criterion, options.limits));
    const auto has_choice = [](const k_choice& c) { return c.n_clusters.has_value(); };
    auto decisive = std::find_if(report.choices.begin(), report.choices.end(), [&](const k_choice& c) { return c.criterion == options.criterion && has_choice(c); });
    if (decisive == report.choices.end()) decisive = std::find_if(report.choices.begin(), report.choices.end(), has_choice);
    report.criterion = decisive == report.choices.end() ? options.criterion : decisive->criterion;
    report.n_clusters = decisive == report.choices.end() ? report.trials.front().n_clusters : *decisive->n_clusters;
    for (const k_choice& c : report.choices) {
        report.choosing += has_choice(c);
        report.agreeing += c.n_clusters == report.n_clusters;
    }
}

inline void warn_of_choice(choose_k_report& report) {
    for (const k_choice& c : report.choices) {
        if (!c.near_tie) continue;
        report.warnings.push_back({cluster_risk::near_tie, {}, {}, static_cast<double>(*c.runner_up),
                                   std::to_string(*c.runner_up) + " clusters are nearly as good as " + std::to_string(*c.n_clusters) + " by the " + std::string(to_string(c.criterion))});
    }
    if (report.agreeing == report.choosing) return;
    std::string others;
    for (const k_choice& c : report.choices) {
        if (c.n_clusters && *c.n_clusters != report.n_clusters) others += (others.empty() ? "" : ", ") + std::string(to_string(c.criterion)) + " chooses " + std::to_string(*c.n_clusters);
    }
    report.warnings.push_back({cluster_risk::disagreement, {}, {}, static_cast<double>(report.agreeing) / static_cast<double>(report.choosing),
                               std::to_string(report.agreeing) + " of " + std::to_string(report.choosing) + " criteria choose " + std::to_string(report.n_clusters) + " clusters; " + others});
}

template <class T>
choose_k_fit choose_k_to(matrix_view<const T> rows, const row_weights* weights, const choose_k_options& options, executor_ref executor, std::span<const std::string> names) {
    constexpr std::string_view stage = "choose_k";
    require_rows_and_features(stage, rows.rows, rows.columns);
    if (!names.empty()) require_width(stage, names.size(), rows.columns);
    check_choose_k_options(options, rows.rows);
    choose_k_fit result;
    choose_k_report& report = result.report;
    kmeans_options kmeans = with_one_end(options.kmeans, report.cancelled);
    kmeans.n_clusters = options.k_max;
    check_kmeans_options("kmeans", kmeans, rows.columns);
    if (weights) check_counting_weights(stage, *weights, rows.rows);
    const tiled_matrix<T> points = checked_points(stage, rows, weights, tiling::resident, executor);
    const std::size_t distinct = distinct_rows(points, options.k_max).size();

    report.n_rows = rows.rows;
    report.seed = options.seed;
    report.warnings = warnings_of_features(rows, points.weights(), names, options.limits, executor);
    if (distinct < options.k_max)
        report.warnings.push_back({cluster_risk::fewer_clusters, {}, {}, static_cast<double>(distinct), "there are no more than " + std::to_string(distinct) + " distinct rows"});
    std::vector<kmeans_fit> fits;
    const counter_random seeds(options.seed, seed_of_k_purpose);
    for (std::size_t k = std::min(options.k_min, distinct); k <= std::min(options.k_max, distinct); ++k) {
        kmeans.n_clusters = k;
        kmeans.seed = seeds.bits(k);
        kmeans_fit fit = fit_kmeans_to(points, kmeans, executor);
        if (report.cancelled && !fits.empty()) break;
        k_trial& trial = report.trials.emplace_back(k_trial{.n_clusters = k, .seed = kmeans.seed, .inertia = fit.model.inertia});
        trial.sizes = fit.model.sizes;
        std::sort(trial.sizes.begin(), trial.sizes.end(), [](std::size_t a, std::size_t b) { return a > b; });
        measure_trial(trial, rows, points.weights(), fit.labels, options, executor);
        if (options.seeds > 0 && !report.cancelled) trial.seed_agreement = agreement_over_seeds(points, kmeans, fit.labels, options.seeds, executor);
        fits.push_back(std::move(fit));
        if (report.cancelled) break;
    }
    measure_elbow(report.trials);
    decide(report, options);
    kmeans_fit& chosen = fits[static_cast<std::size_t>(&report.chosen() - report.trials.data())];
    label_groups groups = group_labels(chosen.labels);
    groups.weigh(points.weights());
    for (cluster_warning& w : warnings_of_clusters(rows, groups, names, options.limits, executor)) report.warnings.push_back(std::move(w));
    warn_of_choice(report);
    report.kmeans = std::move(chosen.report);
    result.model = std::move(chosen.model);
    result.labels = std::move(chosen.labels);
    return result;
}

}  // namespace detail

// `names` are those of the features, for the warnings. At least as many rows as k_max. Fewer distinct rows end the range, and the report says so.
inline choose_k_fit choose_k(matrix_view<const double> rows, const choose_k_options& options = {}, executor_ref executor = detail::default_executor,
                             std::span<const std::string> names = {}) {
    return detail::choose_k_to(rows, nullptr, options, executor, names);
}
inline choose_k_fit choose_k(matrix_view<const float> rows, const choose_k_options& options = {}, executor_ref executor = detail::default_executor,
                             std::span<const std::string> names = {}) {
    return detail::choose_k_to(rows, nullptr, options, executor, names);
}
// Weights have a mean of at least 1: what they measure is rows repeated so often.
inline choose_k_fit choose_k(matrix_view<const double> rows, row_weights weights, const choose_k_options& options = {}, executor_ref executor = detail::default_executor,
                             std::span<const std::string> names = {}) {
    return detail::choose_k_to(rows, &weights, options, executor, names);
}
inline choose_k_fit choose_k(matrix_view<const float> rows, row_weights weights, const choose_k_options& options = {}, executor_ref executor = detail::default_executor,
                             std::span<const std::string> names = {}) {
    return detail::choose_k_to(rows, &weights, options, executor, names);
}

}  // namespace SEGKIT_NAMESPACE
