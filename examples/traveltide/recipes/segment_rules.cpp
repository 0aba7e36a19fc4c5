// segment-rules: spend groups and segments by ordered rules, exactly as they were published, with what they cover.
//
// Everything here keeps to that analysis: rows with negative stored nights are dropped, nights are started days, a null
// comparison counts as false, Saturday is a weekday. The coverage report shows what the rules miss.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>

#include "../recipe.hpp"
#include "../rule_report.hpp"
#include "../segments.hpp"
#include "segment_rules_features.hpp"

namespace traveltide {

namespace {

constexpr sk::date published_on(2025, 11, 30);

// f: mean base fare of booked flights; h: mean price of a stay. Either may be null.
const auto spend_rules = sk::rules("spend_segment"_c,
    sk::rule("Budget",    "f"_c <= 500.0 && "h"_c <= 500.0),
    sk::rule("Mid-Range", ("f"_c > 500.0 && "f"_c <= 1000.0) || ("h"_c > 500.0 && "h"_c <= 1000.0)),
    sk::otherwise("Premium"));

const auto premium = "spend_segment"_c == "Premium";
const auto middle = "spend_segment"_c == "Mid-Range";
const auto budget = "spend_segment"_c == "Budget";

const auto segment_rules = sk::rules("segment"_c,
    sk::rule("Premium High Engaged Core",     premium && "core"_c && "engaged"_c),
    sk::rule("Premium High Engaged Other",    premium && !"core"_c && "engaged"_c),
    sk::rule("Premium Core",                  premium && "core"_c),
    sk::rule("Premium Other",                 premium),
    sk::rule("Family Market",                 "family"_c == true),
    sk::rule("Mid-Ranged High Engaged Core",  middle && "core"_c && "engaged"_c),
    sk::rule("Mid-Ranged Core",               middle && "core"_c),
    sk::rule("Mid-Ranged High Engaged Other", middle && !"core"_c && "engaged"_c),
    sk::rule("Mid-Ranged Other",              middle),
    sk::rule("Price Sensitive Buyer",         budget && "engaged"_c),
    sk::rule("Dormant",                       budget),
    sk::rule("At Risk",                       "cancellation_ratio"_c > 0.10),
    sk::otherwise("Unclassified"));

// Who ended up in Premium because a comparison was unknown.
nlohmann::ordered_json count_premium(const auto& labelled) {
    const auto neither = sk::is_null("f"_c) && sk::is_null("h"_c);
    const auto one = (sk::is_null("f"_c) || sk::is_null("h"_c)) && !neither;
    const auto other = sk::coalesce("f"_c, "h"_c);
    const auto counted = labelled
        | sk::filter("spend_segment"_c == "Premium")
        | sk::aggregate(
              "all"_c       = sk::count(),
              "neither"_c   = sk::count_if(neither),
              "one_low"_c   = sk::count_if(one && other <= 500.0),
              "one_high"_c  = sk::count_if(one && other > 1000.0),
              "none_null"_c = sk::count_if(sk::is_not_null("f"_c) && sk::is_not_null("h"_c)))
        | sk::collect();
    return {{"taken", counted["all"_c][0]},
            {"neither_value", counted["neither"_c][0]},
            {"one_null_other_at_most_500", counted["one_low"_c][0]},
            {"one_null_other_above_1000", counted["one_high"_c][0]},
            {"no_null", counted["none_null"_c][0]}};
}

outcome run(const recipe_input& input) {
    const auto features = segment_rules_features(*input.rows, input.reference_date, input.executor);
    const auto spend = sk::coverage(spend_rules, features, input.executor);
    const auto segment = sk::coverage(segment_rules, features | spend_rules, input.executor);
    const auto labelled = features | spend_rules | segment_rules | sk::collect(input.executor);

    const auto no_perk = sk::apply([](std::int64_t) { return std::optional<std::string>(); }, "user_id"_c);
    const auto assigned = labelled | sk::derive("perk"_c = no_perk) | sk::select("user_id"_c, "perk"_c, "segment"_c) | sk::collect();
    const auto trips = collect_trips(*input.rows, input.options, input.executor);
    const auto customers = describe_customers(*input.rows, trips, input.reference_date, input.executor);
    segment_profiles profiles = profile_segments(assigned, customers, input.executor);

    outcome o;
    o.assignments = sk::to_csv(labelled
        | sk::derive("perk"_c = no_perk)
        | sk::select("user_id"_c, "perk"_c, "segment"_c, "spend_segment"_c, "f"_c, "h"_c, "age"_c, "clicks"_c, "rows"_c, "flights"_c, "hotels"_c, "joint"_c, "mean_seats"_c,
                     "mean_bags"_c, "mean_nights"_c, "weekday_ratio"_c, "cancellations"_c, "bookings"_c, "cancellation_ratio"_c, "engaged"_c, "core"_c, "business"_c, "family"_c)
        | sk::sort_by("user_id"_c)
        | sk::collect());
    o.segments = std::move(profiles.csv);
    o.rules = nlohmann::ordered_json{{"rows", segment.rows}, {"rules", to_json(segment)}, {"spend_rules", to_json(spend)}, {"premium", count_premium(labelled)}};
    o.results = {{"segments", sizes_of(segment)}, {"spend_segments", sizes_of(spend)}};

    o.report.title = "Which segment for which customer?";
    o.report.recipe_in_words = "Customers are put into spend groups by their mean fare and mean hotel bill, and then into segments by ordered rules: the first rule that is true decides.";
    o.report.customers = labelled.rows();
    o.report.segments = std::move(profiles.section);
    o.report.segments.lead = "Segments by the published rules. They give no perk; see the recipe perk-fit for that.";
    o.report.rules = rules_for_report(segment, "The segment rules in order. A rule takes only customers whom no earlier rule has taken.");
    o.report.more.push_back(rules_as_table(spend, "Spend groups", "A customer without flights or without hotels has a null there; a comparison with it is unknown, and an unknown "
                                                                   "condition does not fire. Such customers fall through to Premium."));
    o.report.method = {{"What is kept as published", "Session rows with negative stored nights are dropped; nights are started days; ages are counted on 30 November 2025 in years of 365 days; "
                                                     "the weekday ratio counts Saturdays."}};
    for (const sk::rule_counts& r : segment.rules)
        if (r.status != sk::rule_status::live) o.warnings.push_back(fmt::format("rule '{}' takes nobody: {}", r.name, to_string(r.status)));
    return o;
}

}  // namespace

extern const recipe segment_rules_recipe;
const recipe segment_rules_recipe{.name = "segment-rules",
                                  .summary = "Spend groups and segments by published rules, with what each rule covers",
                                  .reference_date = published_on,
                                  .nights = nights_policy::started_days,
                                  .run = run};

}  // namespace traveltide
