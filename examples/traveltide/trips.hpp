// trips.hpp: one row a trip, and the three views that analyses confuse: booked, completed, cancelled.
//
//     const auto trips = collect_trips(cohort, options, executor);
//     trips | completed() | sk::group_by("user_id"_c).aggregate("nights"_c = sk::mean("nights"_c))
//
// A cancellation session repeats its trip with every flag set: here it is a date on the trip, and never a second trip.
#pragma once

#include <cstdint>
#include <optional>

#include <segkit/exec/executor.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/expr.hpp>

#include "cohort.hpp"
#include "run_options.hpp"

namespace traveltide {

namespace tables {

using trips = sk::schema<
    sk::field<"trip_id", std::optional<sk::text>>,
    sk::field<"user_id", std::int64_t>,
    sk::field<"booked_at", std::optional<sk::timestamp>>,       // null: booked before the window
    sk::field<"cancelled_at", std::optional<sk::timestamp>>,
    sk::field<"with_flight", bool>,
    sk::field<"with_hotel", bool>,
    sk::field<"discounted", bool>,                              // a flight or hotel discount when it was booked
    sk::field<"seats", std::optional<std::int32_t>>,
    sk::field<"bags", std::optional<std::int32_t>>,
    sk::field<"km", std::optional<double>>,                     // home airport to destination, one way
    sk::field<"days_away", std::optional<double>>,              // departure to return
    sk::field<"fare_usd", std::optional<double>>,
    sk::field<"saved_usd", std::optional<double>>,              // flight discount in dollars, null without one
    sk::field<"nights", std::optional<std::int64_t>>,           // by the nights policy
    sk::field<"rooms", std::optional<std::int32_t>>,
    sk::field<"stay_usd", std::optional<double>>,               // price of a room * nights * rooms
    sk::field<"lead_days", std::optional<double>>,              // booking to departure or check-in
    sk::field<"revenue_usd", std::optional<double>>>;           // fare and stay, less the discounts

}  // namespace tables

// What a hotel stay counts as; `stored` is the column of the hotels table.
std::int64_t count_nights(nights_policy policy, std::int32_t stored, sk::timestamp check_in, sk::timestamp check_out);

// Kilometres between two airports; degrees, north and east positive.
double kilometres(distance_formula formula, double latitude_1, double longitude_1, double latitude_2, double longitude_2);

// All trips of the cohort's sessions, in the order of their first session.
sk::table<tables::trips> collect_trips(const cohort& c, const run_options& options, sk::executor_ref executor);

// The three views. Booked is intent; a trip booked before the window and cancelled in it is cancelled, but not booked.
inline auto booked() { return sk::filter(sk::is_not_null("booked_at"_c)); }
inline auto completed() { return sk::filter(sk::is_not_null("booked_at"_c) && sk::is_null("cancelled_at"_c)); }
inline auto cancelled() { return sk::filter(sk::is_not_null("cancelled_at"_c)); }

}  // namespace traveltide
