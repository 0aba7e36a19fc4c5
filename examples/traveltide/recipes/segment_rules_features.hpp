// segment_rules_features.hpp: what the segment rules look at, one row a customer.
#pragma once

#include <cstdint>
#include <optional>

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"

namespace traveltide {

namespace tables {

using segment_rules_features = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"f", std::optional<double>>,                      // mean base fare of booked flights
    sk::field<"h", std::optional<double>>,                      // mean price of a booked stay, rooms not counted
    sk::field<"age", std::int64_t>,                             // in years of 365 days
    sk::field<"clicks", std::int64_t>,
    sk::field<"rows", std::int64_t>,
    sk::field<"flights", std::int64_t>,
    sk::field<"hotels", std::int64_t>,
    sk::field<"joint", std::int64_t>,
    sk::field<"mean_seats", std::optional<double>>,
    sk::field<"mean_bags", std::optional<double>>,
    sk::field<"mean_nights", std::optional<double>>,
    sk::field<"weekday_ratio", std::optional<double>>,
    sk::field<"cancellations", std::int64_t>,
    sk::field<"bookings", std::int64_t>,
    sk::field<"cancellation_ratio", std::optional<double>>,
    sk::field<"engaged", bool>,
    sk::field<"core", bool>,
    sk::field<"business", bool>,
    sk::field<"family", bool>>;

}  // namespace tables

sk::table<tables::segment_rules_features> segment_rules_features(const cohort& c, sk::date reference_date, sk::executor_ref executor);

}  // namespace traveltide
