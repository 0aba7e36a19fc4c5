// perk-fit: the application's own answer: one perk for every customer, from behaviour alone, and segments to understand them.
#include <cstddef>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "../recipe.hpp"
#include "../report.hpp"
#include "../segments.hpp"
#include "../text_format.hpp"
#include "behaviour_segments.hpp"
#include "perk_evidence.hpp"
#include "perk_scores.hpp"
#include "perk_success.hpp"

namespace traveltide {

namespace {

segment_map map_of(const segments_section& section, const sk::table<tables::behaviour_segments>& groups, const model_quality& quality) {
    segment_map map;
    if (quality.components.size() >= 2) {
        map.x_name = quality.components[0].reading;
        map.y_name = quality.components[1].reading;
    }
    for (std::size_t row = 0; row < groups.rows(); ++row) {
        if (!groups["pc_1"_c][row]) continue;
        for (std::size_t s = 0; s < section.segments.size(); ++s)
            if (section.segments[s].name == groups["segment"_c][row]) map.points.push_back({*groups["pc_1"_c][row], *groups["pc_2"_c][row], s});
    }
    return map;
}

nlohmann::ordered_json to_json(const perk_scoring& scoring) {
    auto perks = nlohmann::ordered_json::object();
    for (const perk_result& p : scoring.perks) {
        auto parts = nlohmann::ordered_json::array();
        for (const score_part& part : p.score_parts) parts.push_back({{"behaviour", part.behaviour}, {"weight", *part.weight}, {"gate", part.gate}, {"gate_share", *part.gate_share}});
        perks[p.name] = {{"customers", p.customers},
                         {"share", p.share},
                         {"shown", {{"customers", p.shown->customers}, {"low", p.shown->customers_interval.low}, {"high", p.shown->customers_interval.high}, {"passed", p.shown->passed}}},
                         {"distinct", nullptr},
                         {"persistent", nullptr},
                         {"verdict", verdict_words(verdict_of(p))},
                         {"parts", parts}};
        if (p.distinct)
            perks[p.name]["distinct"] = {{"metric", p.distinct->metric}, {"effect", p.distinct->effect}, {"low", p.distinct->effect_interval.low},
                                         {"high", p.distinct->effect_interval.high}, {"passed", p.distinct->passed}};
        if (p.persistent)
            perks[p.name]["persistent"] = {{"rank_correlation", p.persistent->rank_correlation}, {"low", p.persistent->correlation_interval.low},
                                           {"high", p.persistent->correlation_interval.high}, {"customers", *p.persistent->customers}, {"passed", p.persistent->passed}};
    }
    return perks;
}

outcome run(const recipe_input& input) {
    const auto trips = collect_trips(*input.rows, input.options, input.executor);
    const auto customers = describe_customers(*input.rows, trips, input.reference_date, input.executor);
    perk_scoring scoring = score_perks(customers, input.executor);
    const auto lasting = find_persistence(*input.rows, input.options, input.reference_date, input.executor);
    const auto different = find_distinction(customers, scoring.customers, input.executor);
    for (std::size_t p = 0; p < scoring.perks.size(); ++p) {
        scoring.perks[p].distinct = different[p];
        scoring.perks[p].persistent = lasting[p];
    }
    behaviour_grouping groups = group_by_behaviour(customers, input.options.n_clusters, input.options.seed, input.executor);

    const auto answers = scoring.customers
        | sk::inner_join(groups.customers | sk::select("user_id"_c, "segment"_c), "user_id"_c, sk::one_match)
        | sk::select("user_id"_c, "perk"_c, "segment"_c, "score"_c, "margin"_c, "runner_up"_c, "rule"_c, "hotel_meal"_c, "checked_bag"_c, "cancellation"_c, "discounts"_c,
                     "free_night"_c)
        | sk::sort_by("user_id"_c)
        | sk::collect(input.executor);
    const auto assigned = answers | sk::select("user_id"_c, "perk"_c, "segment"_c) | sk::collect();
    segment_profiles profiles = profile_segments(assigned, customers, input.executor);

    outcome o;
    o.assignments = sk::to_csv(answers);
    o.segments = std::move(profiles.csv);
    o.results = {{"perks", to_json(scoring)}, {"without_signal", scoring.without_signal}, {"fallback", fallback_perk}};
    o.warnings = std::move(groups.notes);

    report_data& r = o.report;
    r.recipe_in_words = "Each customer gets a score for each perk from what they did, ranked among those who did the same. The highest score wins.";
    r.customers = answers.rows();
    r.perks = std::move(scoring.perks);
    r.support = {.confidence_level = 0.95, .persistence_threshold = least_persistence, .distinction_threshold = least_difference,
                 .correction = different[0] ? fmt::format("the intervals of the differences are widened for the {} comparisons of all perks (Bonferroni)", distinction_comparisons())
                                            : std::string()};
    r.segments = std::move(profiles.section);
    r.segments.lead = "Groups found from what customers did, not from who they are.";
    r.segments.map = map_of(r.segments, groups.customers, groups.quality);
    r.model = std::move(groups.quality);
    r.method = {{"Who earns a rank", "A score is made of percentile ranks among the customers who show the behaviour. Who does not show it earns nothing for it, and no gate lets "
                                     "more than half of the customers through."},
                {"Customers without a signal", fmt::format("{} customers show none of the behaviours. They get {}, the one perk that asks for no particular kind of trip.",
                                                           format_count(scoring.without_signal), fallback_perk)},
                {"Shown", fmt::format("At 95% confidence, at least {} of all customers show one of the behaviours behind the perk.", format_percent(least_share_shown))},
                {"Distinct", fmt::format("Customers who show it are compared with the other customers who have a booking, on figures that are in no score: those of clicks, minutes, "
                                         "fare, distance and seats that do not follow from the behaviour itself. The strongest difference must lie beyond {:.2f} with its whole interval, on either side of zero. "
                                         "Cliff's delta: how much more often the larger value is that of the customer who shows it, of any two compared; 0 is as often as not, 1 always, \u22121 never.", least_difference)},
                {"Persistent", fmt::format("Each customer's sessions are cut in two by time and both halves are scored on their own. The rank correlation of the two scores must lie above "
                                           "{:.2f} with its whole interval: 1 is the same order of customers in both halves, 0 no relation.", least_persistence)},
                {"Margin", "The distance between the highest and the second score. It says how clear the choice is among scores, and is no probability."},
                {"What is left out", "Age, gender, marriage and children take no part in the scores."}};
    plan_success(r, *input.rows, trips, assigned, input.executor);
    r.limits = {"The data is synthetic: TravelTide is fictitious.", "Only customers with many recent sessions were analysed; others may behave differently.",
                "The window is cut at both ends: trips booked before it or after it are not seen."};
    return o;
}

}  // namespace

extern const recipe perk_fit_recipe;
const recipe perk_fit_recipe{.name = "perk-fit", .summary = "One perk for every customer, from behaviour alone, with segments (the default)", .has_clusters = true, .run = run};

}  // namespace traveltide
