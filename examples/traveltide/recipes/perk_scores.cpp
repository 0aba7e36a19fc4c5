#include "perk_scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query.hpp>

#include "../sample_size.hpp"
#include "../segments.hpp"

namespace traveltide {

namespace {

// The weights of the parts of each score, all in one place; each perk's sum to 1.
namespace weight {
constexpr double bags = 0.45, extra_bags = 0.35, long_flights = 0.20;
constexpr double cancels = 0.60, far_ahead = 0.40;
constexpr double long_stays = 0.55, party = 0.45;
constexpr double savings = 0.50, discounted = 0.50;
constexpr double flights_alone = 1.00;
}  // namespace weight

// What counts as much of something that nearly everybody does: the upper quarter, for lead time the upper tenth.
constexpr double upper_quarter = 0.75, upper_tenth = 0.90;

// The same trips in another order give a mean that differs in its last bits; that must not tell equal customers apart.
template <class Mean>
auto steady(Mean mean) {
    return sk::round(mean * 1e6) / 1e6;
}

const auto standing = sk::derive("lead_standing"_c = steady("lead_days"_c), "stay_standing"_c = steady("nights"_c), "away_standing"_c = steady("days_away"_c))
    | sk::percentile_rank(sk::columns("lead_standing"_c, "stay_standing"_c, "away_standing"_c));

// Gates: who shows the behaviour has a value, who does not has none. No gate passes more than half of the customers.
const auto gates = sk::derive(
    "bags"_c          = sk::when("bags_per_flight"_c >= 1.0, steady("bags_per_flight"_c)),
    "extra_bags"_c    = sk::when("more_bags_than_seats"_c > 0.0, steady("more_bags_than_seats"_c)),
    "long_flights"_c  = sk::when("away_standing"_c >= upper_quarter, steady("days_away"_c)),
    "cancels"_c       = sk::when("cancelled_share"_c > 0.0, steady("cancelled_share"_c)),
    "far_ahead"_c     = sk::when("lead_standing"_c >= upper_tenth, steady("lead_days"_c)),
    "long_stays"_c    = sk::when("stay_standing"_c >= upper_quarter, steady("nights"_c)),
    "party"_c         = sk::when("rooms"_c > 1.0, steady("rooms"_c)),
    "savings"_c       = sk::when("saved_per_km"_c > 0.0, steady("saved_per_km"_c)),
    "discounted"_c    = sk::when("discount_share"_c >= 0.5, steady("discount_share"_c)),
    "flights_alone"_c = sk::when("flight_only_share"_c > 0.0, steady("flight_only_share"_c)));

constexpr auto parts = sk::columns("bags"_c, "extra_bags"_c, "long_flights"_c, "cancels"_c, "far_ahead"_c, "long_stays"_c, "party"_c, "savings"_c, "discounted"_c,
                                   "flights_alone"_c);

template <class Part>
auto weighted(double weight, Part part) {
    return weight * sk::coalesce(part, 0.0);
}
// A sum that is zero is no signal, and is not ranked.
const auto sums = sk::derive(
    "hotel_meal"_c   = sk::null_if_zero(weighted(weight::long_stays, "long_stays"_c) + weighted(weight::party, "party"_c)),
    "checked_bag"_c  = sk::null_if_zero(weighted(weight::bags, "bags"_c) + weighted(weight::extra_bags, "extra_bags"_c) + weighted(weight::long_flights, "long_flights"_c)),
    "cancellation"_c = sk::null_if_zero(weighted(weight::cancels, "cancels"_c) + weighted(weight::far_ahead, "far_ahead"_c)),
    "discounts"_c    = sk::null_if_zero(weighted(weight::savings, "savings"_c) + weighted(weight::discounted, "discounted"_c)),
    "free_night"_c   = sk::null_if_zero(weighted(weight::flights_alone, "flights_alone"_c)));

constexpr auto scores = sk::columns("hotel_meal"_c, "checked_bag"_c, "cancellation"_c, "discounts"_c, "free_night"_c);

const auto scoring = standing | gates | sk::percentile_rank(parts) | sums | sk::percentile_rank(scores);

// The name of the perk whose score this is; of equal ones the first here that is not excluded.
auto perk_with(const auto& value, const auto& excluded) {
    return sk::when("hotel_meal"_c == value && excluded != "free hotel meal", "free hotel meal")
        .when("checked_bag"_c == value && excluded != "free checked bag", "free checked bag")
        .when("cancellation"_c == value && excluded != "no cancellation fees", "no cancellation fees")
        .when("discounts"_c == value && excluded != "exclusive discounts", "exclusive discounts")
        .when("free_night"_c == value && excluded != "free night with flight", "free night with flight");
}

double second_highest(double a, double b, double c, double d, double e) {
    double highest = 0, second = 0;
    for (const double score : {a, b, c, d, e}) {
        if (score > highest) second = std::exchange(highest, score);
        else second = std::max(second, score);
    }
    return second;
}

const auto winner = sk::derive(
        "best"_c      = sk::greatest(sk::coalesce("hotel_meal"_c, 0.0), sk::coalesce("checked_bag"_c, 0.0), sk::coalesce("cancellation"_c, 0.0),
                                     sk::coalesce("discounts"_c, 0.0), sk::coalesce("free_night"_c, 0.0)),
        "second"_c    = sk::apply(second_highest, sk::coalesce("hotel_meal"_c, 0.0), sk::coalesce("checked_bag"_c, 0.0), sk::coalesce("cancellation"_c, 0.0),
                                  sk::coalesce("discounts"_c, 0.0), sk::coalesce("free_night"_c, 0.0)),
        "nothing"_c   = std::string_view(),
        "winner"_c    = perk_with("best"_c, "nothing"_c),
        "perk"_c      = sk::when("best"_c > 0.0, "winner"_c).otherwise(fallback_perk),
        "runner_up"_c = perk_with("second"_c, "perk"_c),
        "score"_c     = "best"_c,
        "margin"_c    = "best"_c - "second"_c,
        "rule"_c      = sk::when("best"_c > 0.0, highest_score_rule).otherwise(fallback_rule));

// Wilson, "Probable inference", 1927: the interval of a share that stays within 0 and 1.
interval share_interval(double n, double of) {
    if (of <= 0) return {};
    const double z = normal_quantile(0.975), p = n / of, middle = p + z * z / (2 * of);
    const double half = z * std::sqrt(p * (1 - p) / of + z * z / (4 * of * of)), below = 1 + z * z / of;
    return {(middle - half) / below, (middle + half) / below};
}

perk_result describe_perk(std::string_view name, std::int64_t assigned, std::int64_t showing, double customers, std::string words, std::vector<score_part> made_of) {
    perk_result p;
    p.name = name;
    p.customers = static_cast<std::size_t>(assigned);
    p.share = customers > 0 ? static_cast<double>(assigned) / customers : 0;
    p.score_in_words = std::move(words);
    p.score_parts = std::move(made_of);
    const interval share = share_interval(static_cast<double>(showing), customers);
    p.shown = shown_evidence{static_cast<std::size_t>(showing), {share.low * customers, share.high * customers}, share.low >= least_share_shown};
    return p;
}

}  // namespace

perk_scoring score_perks(const sk::table<tables::customers>& customers, sk::executor_ref executor) {
    const auto fitted = sk::fit(scoring, customers, executor);
    const auto scored = customers | fitted.model | winner | sk::collect(executor);

    const auto counted = scored
        | sk::aggregate(
              "meal"_c          = sk::count_if("perk"_c == "free hotel meal"),
              "bag"_c           = sk::count_if("perk"_c == "free checked bag"),
              "fees"_c          = sk::count_if("perk"_c == "no cancellation fees"),
              "discount"_c      = sk::count_if("perk"_c == "exclusive discounts"),
              "night"_c         = sk::count_if("perk"_c == "free night with flight"),
              "meal_shown"_c    = sk::count("hotel_meal"_c),
              "bag_shown"_c     = sk::count("checked_bag"_c),
              "fees_shown"_c    = sk::count("cancellation"_c),
              "discount_shown"_c = sk::count("discounts"_c),
              "night_shown"_c   = sk::count("free_night"_c),
              "no_signal"_c     = sk::count_if("best"_c <= 0.0),
              "bags"_c          = sk::count("bags"_c),
              "extra_bags"_c    = sk::count("extra_bags"_c),
              "long_flights"_c  = sk::count("long_flights"_c),
              "cancels"_c       = sk::count("cancels"_c),
              "far_ahead"_c     = sk::count("far_ahead"_c),
              "long_stays"_c    = sk::count("long_stays"_c),
              "party"_c         = sk::count("party"_c),
              "savings"_c       = sk::count("savings"_c),
              "discounted"_c    = sk::count("discounted"_c),
              "flights_alone"_c = sk::count("flights_alone"_c))
        | sk::collect();
    const double n = static_cast<double>(scored.rows());
    const auto part = [&](std::string behaviour, double w, std::string gate, std::int64_t passing) {
        return score_part{std::move(behaviour), w, std::move(gate), static_cast<double>(passing) / n};
    };

    perk_scoring result;
    result.without_signal = static_cast<std::size_t>(counted["no_signal"_c][0]);
    result.perks = {
        describe_perk("free hotel meal", counted["meal"_c][0], counted["meal_shown"_c][0], n, "Stays in hotels for long, or with more than one room.",
                      {part("Nights per stay", weight::long_stays, "upper quarter of those who stay in hotels", counted["long_stays"_c][0]),
                       part("Rooms per stay", weight::party, "more than one room", counted["party"_c][0])}),
        describe_perk("free checked bag", counted["bag"_c][0], counted["bag_shown"_c][0], n, "Checks a bag on every flight, checks more bags than it has seats, or flies away for long.",
                      {part("Bags per flight", weight::bags, "at least one bag per flight", counted["bags"_c][0]),
                       part("Flights with more bags than seats", weight::extra_bags, "at least one such flight", counted["extra_bags"_c][0]),
                       part("Days away by air", weight::long_flights, "upper quarter of those who fly", counted["long_flights"_c][0])}),
        describe_perk("no cancellation fees", counted["fees"_c][0], counted["fees_shown"_c][0], n, "Has cancelled a trip, or books very far ahead.",
                      {part("Share of trips cancelled", weight::cancels, "at least one trip cancelled", counted["cancels"_c][0]),
                       part("Days booked ahead", weight::far_ahead, "upper tenth of those who book", counted["far_ahead"_c][0])}),
        describe_perk("exclusive discounts", counted["discount"_c][0], counted["discount_shown"_c][0], n, "Saves dollars per kilometre flown, or books at least every other trip at a discount.",
                      {part("Dollars saved per kilometre", weight::savings, "at least one discounted flight", counted["savings"_c][0]),
                       part("Share of booked trips with a discount", weight::discounted, "at least half of them", counted["discounted"_c][0])}),
        describe_perk("free night with flight", counted["night"_c][0], counted["night_shown"_c][0], n, "Flies without booking a hotel.",
                      {part("Share of flights without a hotel", weight::flights_alone, "at least one such flight", counted["flights_alone"_c][0])})};
    result.customers = scored
        | sk::select("user_id"_c, "perk"_c, "score"_c, "margin"_c, "runner_up"_c, "rule"_c, "hotel_meal"_c, "checked_bag"_c, "cancellation"_c, "discounts"_c, "free_night"_c)
        | sk::rename("meal"_c = "hotel_meal"_c, "bag"_c = "checked_bag"_c, "fees"_c = "cancellation"_c, "saving"_c = "discounts"_c, "night"_c = "free_night"_c)
        | sk::derive("hotel_meal"_c = sk::coalesce("meal"_c, 0.0), "checked_bag"_c = sk::coalesce("bag"_c, 0.0), "cancellation"_c = sk::coalesce("fees"_c, 0.0),
                     "discounts"_c = sk::coalesce("saving"_c, 0.0), "free_night"_c = sk::coalesce("night"_c, 0.0))
        | sk::drop("meal"_c, "bag"_c, "fees"_c, "saving"_c, "night"_c)
        | sk::collect(executor);
    return result;
}

}  // namespace traveltide
