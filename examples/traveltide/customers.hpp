// customers.hpp: one row a customer: who they are and what they did.
//
//     const auto customers = describe_customers(cohort, trips, reference_date, executor);
//
// A figure that needs a behaviour is null where there was none: no flight, no bags per flight. Counts are never null.
#pragma once

#include <cstdint>
#include <optional>

#include <segkit/exec/executor.hpp>

#include "cohort.hpp"
#include "trips.hpp"

namespace traveltide {

namespace tables {

using customers = sk::schema<
    sk::field<"user_id", std::int64_t>,
    // who
    sk::field<"age", std::int32_t>,                                  // completed years on the reference date
    sk::field<"gender", sk::text>,
    sk::field<"married", bool>,
    sk::field<"has_children", bool>,
    sk::field<"home_country", sk::text>,
    sk::field<"home_city", sk::text>,
    // sessions
    sk::field<"sessions", std::int64_t>,
    sk::field<"page_clicks", double>,                                // per session
    sk::field<"minutes", std::optional<double>>,                     // per session
    // trips: of those booked in the window, unless said otherwise
    sk::field<"booked_trips", std::int64_t>,
    sk::field<"completed_trips", std::int64_t>,
    sk::field<"cancelled_trips", std::int64_t>,                      // including those booked before the window
    sk::field<"flights", std::int64_t>,
    sk::field<"stays", std::int64_t>,
    sk::field<"conversion", double>,                                 // booked trips per session that is no cancellation
    sk::field<"cancelled_share", std::optional<double>>,             // of all trips
    sk::field<"discount_share", std::optional<double>>,              // of booked trips
    sk::field<"flight_only_share", std::optional<double>>,           // of booked trips with a flight
    sk::field<"lead_days", std::optional<double>>,
    // flights booked
    sk::field<"bags_per_flight", std::optional<double>>,
    sk::field<"more_bags_than_seats", std::optional<double>>,        // share of flights
    sk::field<"seats", std::optional<double>>,
    sk::field<"km", std::optional<double>>,
    sk::field<"days_away", std::optional<double>>,
    sk::field<"fare_usd", std::optional<double>>,
    sk::field<"saved_per_km", std::optional<double>>,                // dollars of flight discounts per kilometre flown
    // hotels booked
    sk::field<"nights", std::optional<double>>,
    sk::field<"rooms", std::optional<double>>,
    sk::field<"stay_usd", std::optional<double>>,
    // completed trips
    sk::field<"revenue_usd", double>>;

}  // namespace tables

// In the order of the users table.
sk::table<tables::customers> describe_customers(const cohort& c, const sk::table<tables::trips>& trips, sk::date reference_date, sk::executor_ref executor);

}  // namespace traveltide
