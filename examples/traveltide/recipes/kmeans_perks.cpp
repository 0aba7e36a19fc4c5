// kmeans-perks: k-means on five figures, each z-scored with the population deviation: conversion, children, cancelled
// trips, age, bags. Five clusters, as published, unless --clusters says otherwise.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/decompose/pca.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/pipeline/matrix.hpp>
#include <segkit/prepare.hpp>
#include <segkit/query.hpp>

#include "../cluster_quality.hpp"
#include "../recipe.hpp"
#include "../segments.hpp"
#include "kmeans_perks_features.hpp"

namespace traveltide {

namespace {

constexpr sk::date published_on(2023, 9, 25);
constexpr std::size_t published_clusters = 5, least_clusters = 2, most_clusters = 8;
constexpr std::size_t starts = 100;

constexpr auto figures = sk::columns("conversion"_c, "has_children"_c, "cancelled"_c, "age"_c, "bags"_c);
constexpr std::string_view figure_names[] = {"Conversion", "Has children", "Trips cancelled", "Age", "Bags"};

const auto cluster_name = sk::apply([](std::int32_t cluster) { return fmt::format("Cluster {}", cluster + 1); }, "cluster"_c);
const auto no_perk = sk::apply([](std::int64_t) { return std::optional<std::string>(); }, "user_id"_c);

outcome run(const recipe_input& input) {
    const auto features = input.rows ? kmeans_perks_features(*input.rows, input.reference_date, input.executor)
                                     : read_kmeans_perks_features(input.options.user_table, input.executor);
    const std::size_t k = input.options.n_clusters.value_or(published_clusters);

    const auto prepared = sk::fit(sk::standard_scale(figures) | sk::pca(figures, "pc"_c), features, input.executor);
    const auto scaled = features | prepared.model | sk::collect(input.executor);
    sk::choose_k_options options{.k_min = least_clusters, .k_max = std::max(most_clusters, k), .seed = input.options.seed, .kmeans = {.n_init = starts, .tol = 0}};
    const sk::choose_k_report tried = try_clusters(sk::matrix_of(scaled, figures, input.executor).view(), options, input.executor).report;
    const sk::k_trial& chosen = trial_of(tried, k);

    options.kmeans.n_clusters = chosen.n_clusters;
    options.kmeans.seed = chosen.seed;
    const auto clustered = sk::fit(sk::kmeans(figures, "cluster"_c, options.kmeans), scaled, input.executor);
    const auto labelled = scaled | clustered.model | sk::derive("perk"_c = no_perk, "segment"_c = cluster_name) | sk::collect(input.executor);

    outcome o;
    o.assignments = sk::to_csv(features
        | sk::left_join(labelled | sk::select("user_id"_c, "perk"_c, "segment"_c, "cluster"_c), "user_id"_c, sk::one_match)
        | sk::select("user_id"_c, "perk"_c, "segment"_c, "cluster"_c, "conversion"_c, "has_children"_c, "cancelled"_c, "age"_c, "bags"_c)
        | sk::sort_by("user_id"_c)
        | sk::collect(input.executor));

    const auto assigned = labelled | sk::select("user_id"_c, "perk"_c, "segment"_c) | sk::collect();
    if (input.rows) {
        const auto trips = collect_trips(*input.rows, input.options, input.executor);
        segment_profiles profiles = profile_segments(assigned, describe_customers(*input.rows, trips, input.reference_date, input.executor), input.executor);
        o.segments = std::move(profiles.csv);
        o.report.segments = std::move(profiles.section);
    } else {
        o.segments = sk::to_csv(profile_kmeans_perks(features, assigned, input.executor));
    }

    const auto& components = prepared.report.get<sk::pca_report>().model;
    const auto& clusters = clustered.report.get<sk::kmeans_report>();
    o.results = to_json(quality_of(chosen));
    o.results["sizes"] = chosen.sizes;
    o.results["explained_variance_ratio"] = components.explained_variance_ratio;
    o.results["trials"] = nlohmann::ordered_json::array();
    for (const cluster_trial& t : trials_of(tried)) o.results["trials"].push_back(to_json(t));
    for (const auto& summary : {prepared.report.summary(), clustered.report.summary()})
        for (const sk::stage_summary& stage : summary)
            for (const std::string& note : stage.notes) o.warnings.push_back(stage.stage + ": " + note);

    report_data& r = o.report;
    r.title = "Groups of customers by five figures";
    r.recipe_in_words = "Customers are grouped by conversion, children, cancelled trips, age and bags, each put on one scale. The groups carry no perk.";
    r.customers = features.rows();
    r.segments.lead = "Groups found by k-means, the largest first.";
    model_quality& quality = r.model.emplace();
    quality.lead = "Each figure has mean 0 and deviation 1 before customers are compared.";
    for (std::size_t c = 0; c < components.n_components; ++c) {
        std::size_t largest = 0;
        for (std::size_t j = 1; j < components.n_features; ++j)
            if (std::abs(components.component(c, j)) > std::abs(components.component(c, largest))) largest = j;
        quality.components.push_back({fmt::format("Direction {}", c + 1), components.explained_variance_ratio[c], fmt::format("Mostly {}", figure_names[largest])});
    }
    quality.trials = trials_of(tried);
    quality.n_clusters = clusters.clusters_used;
    quality.choice_reason = input.options.n_clusters ? "As asked for." : "Five, as published.";
    quality.inertia = chosen.inertia;
    quality.silhouette = chosen.silhouette;
    quality.silhouette_rows = silhouette_rows(chosen, options);
    for (std::size_t c = 0; c < chosen.sizes.size(); ++c)
        quality.cluster_sizes.push_back({fmt::format("Cluster {}", c + 1), static_cast<double>(chosen.sizes[c]), number_style::count});
    r.method = {{"Search", fmt::format("k-means++ with {} starts, the least inertia wins; seed {}.", starts, input.options.seed)}};
    return o;
}

}  // namespace

extern const recipe kmeans_perks_recipe;
const recipe kmeans_perks_recipe{.name = "kmeans-perks",
                                 .summary = "k-means on conversion, children, cancellations, age and bags",
                                 .user_table = "metrics with user_id, Conversion rate, Has kids?, % of Trips Cancelled, User Age, Bag count",
                                 .reference_date = published_on,
                                 .has_clusters = true,
                                 .run = run};

}  // namespace traveltide
