#include "perk_evidence.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <segkit/pipeline/matrix.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/query.hpp>
#include <segkit/statistics/co_moments.hpp>

#include "../customers.hpp"
#include "../sample_size.hpp"
#include "perk_scores.hpp"

namespace traveltide {

namespace {

constexpr std::size_t fewest_customers = 10;

using half_scores = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"hotel_meal", double>,
    sk::field<"checked_bag", double>,
    sk::field<"cancellation", double>,
    sk::field<"discounts", double>,
    sk::field<"free_night", double>,
    sk::field<"flights", std::int64_t>,
    sk::field<"stays", std::int64_t>,
    sk::field<"booked_trips", std::int64_t>>;

using score_pairs = sk::schema<sk::field<"first", double>, sk::field<"second", double>>;

enum class half { first, second };

// Sessions up to the middle one of their customer, or those after it. A cancellation goes with its booking, wherever it stands:
// a trip that is seen by both halves would make them alike by itself.
cohort sessions_of(const cohort& c, half which, sk::executor_ref executor) {
    const auto trips = c.sessions | sk::filter(sk::is_not_null("trip_id"_c)) | sk::group_by("trip_id"_c).aggregate("trip_start"_c = sk::min("session_start"_c));
    const auto timed = c.sessions
        | sk::left_join(trips, "trip_id"_c, sk::one_match)
        | sk::derive("seconds"_c = sk::in_seconds(sk::coalesce("trip_start"_c, "session_start"_c) - sk::timestamp()))
        | sk::drop("trip_start"_c);
    const auto middles = timed | sk::group_by("user_id"_c).aggregate("middle"_c = sk::median("seconds"_c));
    const auto halved = timed | sk::inner_join(middles, "user_id"_c, sk::one_match);
    cohort part = c;
    part.sessions = which == half::first ? halved | sk::filter("seconds"_c <= "middle"_c) | sk::drop("seconds"_c, "middle"_c) | sk::collect(executor)
                                         : halved | sk::filter("seconds"_c > "middle"_c) | sk::drop("seconds"_c, "middle"_c) | sk::collect(executor);
    return part;
}

sk::table<half_scores> score_half(const cohort& part, const run_options& options, sk::date reference_date, sk::executor_ref executor) {
    const auto customers = describe_customers(part, collect_trips(part, options, executor), reference_date, executor);
    return score_perks(customers, executor).customers
        | sk::select("user_id"_c, "hotel_meal"_c, "checked_bag"_c, "cancellation"_c, "discounts"_c, "free_night"_c)
        | sk::inner_join(customers | sk::select("user_id"_c, "flights"_c, "stays"_c, "booked_trips"_c), "user_id"_c, sk::one_match)
        | sk::collect(executor);
}

std::optional<persistent_evidence> correlate(const sk::table<score_pairs>& pairs, sk::executor_ref executor) {
    if (pairs.rows() < fewest_customers) return std::nullopt;
    constexpr auto both = sk::columns("first"_c, "second"_c);
    const auto ranked = pairs | sk::fit(sk::percentile_rank(both), pairs, executor).model;
    const auto moments = sk::estimate(sk::co_moments{}, sk::matrix_of(ranked, both, executor).view(), executor);
    const double spread = std::sqrt(moments.product(0, 0) * moments.product(1, 1));
    const double r = spread > 0 ? moments.product(0, 1) / spread : 0.0;
    const double n = static_cast<double>(pairs.rows());
    const double half_width = normal_quantile(0.975) * std::sqrt((1 + r * r / 2) / (n - 3));
    persistent_evidence e;
    e.rank_correlation = r;
    e.correlation_interval = r < 1 ? interval{std::tanh(std::atanh(r) - half_width), std::tanh(std::atanh(r) + half_width)} : interval{1, 1};
    e.customers = pairs.rows();
    e.passed = e.correlation_interval.low > least_persistence;
    return e;
}

}  // namespace

std::vector<std::optional<persistent_evidence>> find_persistence(const cohort& c, const run_options& options, sk::date reference_date, sk::executor_ref executor) {
    const auto earlier = score_half(sessions_of(c, half::first, executor), options, reference_date, executor);
    const auto later = score_half(sessions_of(c, half::second, executor), options, reference_date, executor);
    const auto halves = earlier
        | sk::inner_join(later | sk::rename("later_meal"_c = "hotel_meal"_c, "later_bag"_c = "checked_bag"_c, "later_cancellation"_c = "cancellation"_c,
                                            "later_discounts"_c = "discounts"_c, "later_night"_c = "free_night"_c, "later_flights"_c = "flights"_c,
                                            "later_stays"_c = "stays"_c, "later_trips"_c = "booked_trips"_c),
                         "user_id"_c, sk::one_match)
        | sk::collect(executor);
    const auto compare = [&](const auto& observable, const auto& first, const auto& second) {
        const sk::table<score_pairs> pairs = halves | sk::filter(observable) | sk::derive("first"_c = first, "second"_c = second) | sk::select("first"_c, "second"_c) | sk::collect(executor);
        return correlate(pairs, executor);
    };
    const auto flew = "flights"_c > 0 && "later_flights"_c > 0;
    const auto stayed = "stays"_c > 0 && "later_stays"_c > 0;
    const auto booked = "booked_trips"_c > 0 && "later_trips"_c > 0;
    return {compare(stayed, "hotel_meal"_c, "later_meal"_c), compare(flew, "checked_bag"_c, "later_bag"_c), compare(booked, "cancellation"_c, "later_cancellation"_c),
            compare(booked, "discounts"_c, "later_discounts"_c), compare(flew, "free_night"_c, "later_night"_c)};
}

}  // namespace traveltide
