#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query.hpp>

#include "../sample_size.hpp"
#include "perk_evidence.hpp"

namespace traveltide {

namespace {

constexpr std::size_t fewest_customers = 10;

// Figures of customers with a booking, and whether they show the behaviour behind one perk. Counts of trips are left out: who
// travels more has more chances to show anything.
using shown_figures = sk::schema<
    sk::field<"shows", bool>,
    sk::field<"page_clicks", double>,
    sk::field<"minutes", std::optional<double>>,
    sk::field<"fare_usd", std::optional<double>>,
    sk::field<"km", std::optional<double>>,
    sk::field<"seats", std::optional<double>>>;

enum figure : unsigned { page_clicks = 1, minutes = 2, fare = 4, distance = 8, seats = 16 };
constexpr std::string_view figure_names[] = {"page clicks per session", "minutes per session", "base fare", "distance flown", "seats per flight"};

// What follows from a score by itself tells nothing: cancelling takes clicks and time; bags and rooms come with seats, and
// seats with the fare.
constexpr unsigned compared[] = {page_clicks | minutes | distance, page_clicks | minutes | distance, fare | distance | seats,
                                 page_clicks | minutes | fare | distance | seats, page_clicks | minutes | fare | distance | seats};

constexpr std::size_t comparisons() {    // of all perks
    std::size_t n = 0;
    for (const unsigned figures : compared) n += static_cast<std::size_t>(std::popcount(figures));
    return n;
}

struct difference {
    double delta;
    interval range;
};

// From the mean percentile rank of those who show it, among all: Mann and Whitney's probability, as Cliff's delta.
std::optional<difference> delta_of(std::int64_t all, std::int64_t showing, std::optional<double> mean_rank) {
    const double n = static_cast<double>(all), n1 = static_cast<double>(showing), n0 = n - n1;
    if (n1 < fewest_customers || n0 < fewest_customers || !mean_rank) return std::nullopt;
    const double a = (n * *mean_rank - n1 / 2) / n0;
    const double q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
    const double variance = (a * (1 - a) + (n1 - 1) * (q1 - a * a) + (n0 - 1) * (q2 - a * a)) / (n1 * n0);
    const double half_width = 2 * normal_quantile(1 - 0.025 / static_cast<double>(comparisons())) * std::sqrt(std::max(variance, 0.0));
    const double delta = 2 * a - 1;
    return difference{delta, {std::max(-1.0, delta - half_width), std::min(1.0, delta + half_width)}};
}

std::optional<distinct_evidence> strongest_difference(const sk::table<shown_figures>& customers, unsigned figures, sk::executor_ref executor) {
    constexpr auto all = sk::columns("page_clicks"_c, "minutes"_c, "fare_usd"_c, "km"_c, "seats"_c);
    const auto ranks = customers
        | sk::fit(sk::percentile_rank(all), customers, executor).model
        | sk::aggregate(
              "clicks"_c       = sk::count("page_clicks"_c),
              "clicks_shows"_c = sk::count("page_clicks"_c).where("shows"_c),
              "clicks_rank"_c  = sk::mean("page_clicks"_c).where("shows"_c),
              "time"_c         = sk::count("minutes"_c),
              "time_shows"_c   = sk::count("minutes"_c).where("shows"_c),
              "time_rank"_c    = sk::mean("minutes"_c).where("shows"_c),
              "fares"_c        = sk::count("fare_usd"_c),
              "fares_shows"_c  = sk::count("fare_usd"_c).where("shows"_c),
              "fares_rank"_c   = sk::mean("fare_usd"_c).where("shows"_c),
              "kms"_c          = sk::count("km"_c),
              "kms_shows"_c    = sk::count("km"_c).where("shows"_c),
              "kms_rank"_c     = sk::mean("km"_c).where("shows"_c),
              "places"_c       = sk::count("seats"_c),
              "places_shows"_c = sk::count("seats"_c).where("shows"_c),
              "places_rank"_c  = sk::mean("seats"_c).where("shows"_c))
        | sk::collect(executor);
    const std::optional<difference> found[] = {delta_of(ranks["clicks"_c][0], ranks["clicks_shows"_c][0], ranks["clicks_rank"_c][0]),
                                               delta_of(ranks["time"_c][0], ranks["time_shows"_c][0], ranks["time_rank"_c][0]),
                                               delta_of(ranks["fares"_c][0], ranks["fares_shows"_c][0], ranks["fares_rank"_c][0]),
                                               delta_of(ranks["kms"_c][0], ranks["kms_shows"_c][0], ranks["kms_rank"_c][0]),
                                               delta_of(ranks["places"_c][0], ranks["places_shows"_c][0], ranks["places_rank"_c][0])};
    std::optional<distinct_evidence> strongest;
    for (std::size_t f = 0; f < std::size(found); ++f) {
        if (!(figures & (1u << f)) || !found[f] || (strongest && std::abs(found[f]->delta) <= std::abs(strongest->effect))) continue;
        const interval range = found[f]->range;
        strongest = distinct_evidence{std::string(figure_names[f]), "Cliff's delta", found[f]->delta, range, static_cast<std::size_t>(std::popcount(figures)), range.low > least_difference || range.high < -least_difference};
    }
    return strongest;
}

}  // namespace

std::size_t distinction_comparisons() { return comparisons(); }

std::vector<std::optional<distinct_evidence>> find_distinction(const sk::table<tables::customers>& customers, const sk::table<tables::perk_scores>& scores,
                                                               sk::executor_ref executor) {
    const auto active = customers
        | sk::filter("booked_trips"_c > 0)
        | sk::select("user_id"_c, "page_clicks"_c, "minutes"_c, "fare_usd"_c, "km"_c, "seats"_c)
        | sk::inner_join(scores | sk::select("user_id"_c, "hotel_meal"_c, "checked_bag"_c, "cancellation"_c, "discounts"_c, "free_night"_c), "user_id"_c, sk::one_match)
        | sk::collect(executor);
    std::vector<std::optional<distinct_evidence>> evidence;
    const auto compare = [&](auto score) {
        const sk::table<shown_figures> rows = active | sk::derive("shows"_c = score > 0.0) | sk::select("shows"_c, "page_clicks"_c, "minutes"_c, "fare_usd"_c, "km"_c, "seats"_c)
            | sk::collect(executor);
        evidence.push_back(strongest_difference(rows, compared[evidence.size()], executor));
    };
    compare("hotel_meal"_c);
    compare("checked_bag"_c);
    compare("cancellation"_c);
    compare("discounts"_c);
    compare("free_night"_c);
    return evidence;
}

}  // namespace traveltide
