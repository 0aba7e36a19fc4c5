#include "behaviour_segments.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/decompose/pca.hpp>
#include <segkit/pipeline/matrix.hpp>
#include <segkit/prepare/scale.hpp>
#include <segkit/query.hpp>

#include "../cluster_quality.hpp"

namespace traveltide {

namespace {

constexpr std::string_view without_booking = "No booking yet";
constexpr std::size_t least_clusters = 3, most_clusters = 8, compared_seeds = 5;

// A customer without flights has checked no bags and flown no kilometres: zero is what they did, not a guess.
const auto behaviour = sk::derive(
    "clicks"_c    = "page_clicks"_c,
    "trips"_c     = sk::to_double("booked_trips"_c),
    "cancels"_c   = sk::coalesce("cancelled_share"_c, 0.0),
    "discounts"_c = sk::coalesce("discount_share"_c, 0.0),
    "ahead"_c     = sk::log1p(sk::greatest(sk::coalesce("lead_days"_c, 0.0), 0.0)),
    "bags"_c      = sk::coalesce("bags_per_flight"_c, 0.0),
    "distance"_c  = sk::coalesce("km"_c, 0.0),
    "stay"_c      = sk::coalesce("nights"_c, 0.0));

constexpr auto figures = sk::columns("clicks"_c, "trips"_c, "cancels"_c, "discounts"_c, "ahead"_c, "bags"_c, "distance"_c, "stay"_c);

struct words {
    std::string_view figure, much, little;
};
constexpr words figure_words[] = {{"page clicks", "much browsing", "little browsing"},        {"trips", "many trips", "few trips"},
                                  {"cancelled trips", "cancelled trips", "no cancellations"}, {"discounts", "discounts", "full price"},
                                  {"days booked ahead", "early booking", "late booking"},     {"bags", "many bags", "few bags"},
                                  {"kilometres", "long distances", "short distances"},        {"nights", "long stays", "short stays"}};

// What a reader of the groups should know of the choice; directions mean nothing to them.
bool concerns_the_reader(const sk::cluster_warning& w) { return !w.feature && w.risk != sk::cluster_risk::disagreement; }

// "Many bags, long stays": the two figures whose mean is farthest from that of all customers.
std::string name_of_cluster(const std::vector<double>& means) {
    std::vector<std::size_t> order(means.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const double x = std::abs(means[a]), y = std::abs(means[b]);
        return x != y ? x > y : a < b;
    });
    const auto word = [&](std::size_t rank) { return means[order[rank]] > 0 ? figure_words[order[rank]].much : figure_words[order[rank]].little; };
    std::string name = fmt::format("{}, {}", word(0), word(1));
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    return name;
}

}  // namespace

behaviour_grouping group_by_behaviour(const sk::table<tables::customers>& customers, std::optional<std::size_t> n_clusters, std::uint64_t seed, sk::executor_ref executor) {
    behaviour_grouping result;
    const auto active = customers | sk::filter("booked_trips"_c > 0) | behaviour | sk::collect(executor);
    const auto preparation = sk::standard_scale(figures) | sk::pca(figures, "pc"_c, {.variance_share = 0.9});
    if (active.rows() < 2) {
        result.customers = customers
            | sk::derive("segment"_c = without_booking, "pc_1"_c = "km"_c, "pc_2"_c = "km"_c)
            | sk::select("user_id"_c, "segment"_c, "pc_1"_c, "pc_2"_c)
            | sk::collect();
        return result;
    }
    const auto prepared = sk::fit(preparation, active, executor);
    const auto points = active | prepared.model | sk::collect(executor);

    const auto matrix = sk::matrix_of(points, "pc"_c, executor);
    const sk::choose_k_options options{.k_min = std::min(least_clusters, n_clusters.value_or(least_clusters)), .k_max = std::max(most_clusters, n_clusters.value_or(most_clusters)),
                                        .seed = seed, .seeds = compared_seeds};
    const sk::choose_k_report tried = try_clusters(matrix.view(), options, executor).report;
    const sk::k_trial& chosen = n_clusters ? trial_of(tried, *n_clusters) : tried.chosen();
    const auto clustered = sk::fit(sk::kmeans("pc"_c, "cluster"_c, {.n_clusters = chosen.n_clusters, .seed = chosen.seed}), points, executor);
    const auto labelled = points | clustered.model | sk::collect(executor);

    const auto means = labelled
        | sk::group_by("cluster"_c).aggregate(
              "customers"_c = sk::count(), "clicks"_c = sk::mean("clicks"_c), "trips"_c = sk::mean("trips"_c), "cancels"_c = sk::mean("cancels"_c),
              "discounts"_c = sk::mean("discounts"_c), "ahead"_c = sk::mean("ahead"_c), "bags"_c = sk::mean("bags"_c), "distance"_c = sk::mean("distance"_c),
              "stay"_c = sk::mean("stay"_c))
        | sk::sort_by("cluster"_c)
        | sk::collect();
    std::vector<std::string> names;
    std::set<std::string> taken;
    for (std::size_t c = 0; c < means.rows(); ++c) {
        std::string name = name_of_cluster({means["clicks"_c][c], means["trips"_c][c], means["cancels"_c][c], means["discounts"_c][c], means["ahead"_c][c],
                                            means["bags"_c][c], means["distance"_c][c], means["stay"_c][c]});
        if (!taken.insert(name).second) name += fmt::format(" ({})", c + 1);
        result.quality.cluster_sizes.push_back({name, static_cast<double>(means["customers"_c][c]), number_style::count});
        names.push_back(std::move(name));
    }

    const auto coordinate = [](std::size_t component) {
        return sk::apply([component](const auto& scores) { return component < scores.size() ? scores[component] : 0.0; }, "pc"_c);
    };
    const auto groups = labelled
        | sk::derive("segment"_c = sk::apply([&names](std::int32_t cluster) { return names[static_cast<std::size_t>(cluster)]; }, "cluster"_c), "pc_1"_c = coordinate(0),
                     "pc_2"_c = coordinate(1))
        | sk::select("user_id"_c, "segment"_c, "pc_1"_c, "pc_2"_c)
        | sk::collect(executor);
    result.customers = customers
        | sk::select("user_id"_c)
        | sk::left_join(groups, "user_id"_c, sk::one_match)
        | sk::replace("segment"_c = sk::coalesce("segment"_c, without_booking))
        | sk::select("user_id"_c, "segment"_c, "pc_1"_c, "pc_2"_c)
        | sk::collect(executor);

    const auto& components = prepared.report.get<sk::pca_report>().model;
    for (std::size_t c = 0; c < components.n_components; ++c) {
        std::size_t largest = 0;
        for (std::size_t j = 1; j < components.n_features; ++j)
            if (std::abs(components.component(c, j)) > std::abs(components.component(c, largest))) largest = j;
        result.quality.components.push_back({fmt::format("Direction {}", c + 1), components.explained_variance_ratio[c], fmt::format("Mostly {}", figure_words[largest].figure)});
    }
    result.quality.lead = "Eight figures of behaviour on one scale, reduced to the directions that hold 90% of the differences, then grouped by k-means.";
    result.quality.n_clusters = chosen.n_clusters;
    result.quality.choice_reason = n_clusters ? "As asked for." : "The highest silhouette of those tried.";
    result.quality.trials = trials_of(tried);
    result.quality.inertia = chosen.inertia;
    result.quality.silhouette = chosen.silhouette;
    result.quality.silhouette_rows = silhouette_rows(chosen, options);
    for (const sk::cluster_warning& w : tried.warnings)
        if (!n_clusters && concerns_the_reader(w)) result.notes.push_back("number of groups: " + w.text);
    for (const sk::stage_summary& stage : prepared.report.summary())
        for (const std::string& note : stage.notes) result.notes.push_back(stage.stage + ": " + note);
    for (const sk::stage_summary& stage : clustered.report.summary())
        for (const std::string& note : stage.notes) result.notes.push_back(stage.stage + ": " + note);
    return result;
}

}  // namespace traveltide
