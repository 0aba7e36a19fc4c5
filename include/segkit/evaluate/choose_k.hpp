// segkit/evaluate/choose_k.hpp: k-means with the number of clusters that a criterion chooses, as a label column, and a report of all.
//
//     const auto fitted = fit(standard_scale(habits) | choose_k(habits, "cluster"_c, {.k_min = 2, .k_max = 8, .seed = 42}), customers, threads(2));
//     const auto& report = fitted.report.get<choose_k_report>();
//     std::puts(format_table(trials_table(report)).c_str());
//
// What is fitted is the model of kmeans(), whose columns and weights it takes. Options, criteria and cost: evaluate/detail/choose_k_core.hpp, where choose_k of a matrix is.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/config.hpp>
#include <segkit/evaluate/detail/choose_k_core.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/table/parse.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

template <class Columns, class Added, class Weight>
struct choose_k_stage : stage_base {
    static constexpr std::string_view stage_name = "choose_k";
    using must_be_fitted = void;
    using model_type = fitted_kmeans<Columns, Added>;
    choose_k_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        return detail::fit_weighted_stage<model_type, Columns, Weight, choose_k_report>(rows, stage_name, executor, [&](auto matrix, const row_weights* weights, const auto& names) {
            return detail::choose_k_to(matrix, weights, options, executor, names);
        });
    }
};

template <detail::names_columns Columns, class Added>
auto choose_k(Columns features, Added added, choose_k_options options = {}) {
    return detail::make_cluster_stage<choose_k_stage>(features, added, no_weight{}, std::move(options));
}
template <detail::names_columns Columns, class Added, fixed_string Weight>
auto choose_k(Columns features, Added added, weight_column<Weight> weight, choose_k_options options = {}) {
    return detail::make_cluster_stage<choose_k_stage>(features, added, weight, std::move(options));
}

// One row per number of clusters tried: what a program prints or writes.
using trials_schema = schema<field<"clusters", std::int64_t>, field<"inertia", double>, field<"elbow_depth", std::optional<double>>, field<"silhouette", std::optional<double>>,
                             field<"standard_error", std::optional<double>>, field<"calinski_harabasz", std::optional<double>>, field<"davies_bouldin", std::optional<double>>,
                             field<"seed_agreement", std::optional<double>>, field<"largest", std::int64_t>, field<"smallest", std::int64_t>>;

inline table<trials_schema> trials_table(const choose_k_report& report) {
    table<trials_schema> t;
    for (const k_trial& trial : report.trials) {
        const auto agreement = trial.seed_agreement ? std::optional(trial.seed_agreement->mean) : std::nullopt;
        t.append(static_cast<std::int64_t>(trial.n_clusters), trial.inertia, trial.elbow_depth, trial.silhouette, trial.silhouette_standard_error, trial.calinski_harabasz,
                 trial.davies_bouldin, agreement, static_cast<std::int64_t>(trial.sizes.front()), static_cast<std::int64_t>(trial.sizes.back()));
    }
    return t;
}

inline stage_summary summarise(const choose_k_report& report) {
    stage_summary s{.stage = "choose_k"};
    s.facts.emplace_back("rows", std::to_string(report.n_rows));
    s.facts.emplace_back("clusters", std::to_string(report.n_clusters));
    s.facts.emplace_back("tried", std::to_string(report.trials.front().n_clusters) + " to " + std::to_string(report.trials.back().n_clusters));
    s.facts.emplace_back("chosen by", std::string(to_string(report.criterion)));
    s.facts.emplace_back("agreeing", std::to_string(report.agreeing) + " of " + std::to_string(report.choosing) + " criteria");
    const k_trial& chosen = report.chosen();
    s.facts.emplace_back("inertia", to_text(chosen.inertia));
    if (chosen.silhouette) s.facts.emplace_back("silhouette", to_text(*chosen.silhouette));
    s.facts.emplace_back("seed", std::to_string(report.seed));
    if (report.cancelled) s.notes.push_back("ended by the callback before every number of clusters was tried");
    for (const cluster_warning& w : report.warnings) s.notes.push_back(w.text);
    for (std::string& note : summarise(report.kmeans).notes) s.notes.push_back(std::move(note));
    return s;
}

}  // namespace SEGKIT_NAMESPACE
