// facts.hpp: the cohort in numbers: what `facts` of run.json says, and what was found wrong with the rows.
//
//     const cohort_facts f = count_facts(cohort, executor);
#pragma once

#include <cstdint>
#include <optional>

#include <segkit/exec/executor.hpp>

#include "cohort.hpp"

namespace traveltide {

// Names as in run.json. A median or mean over no sessions is absent.
struct cohort_facts {
    std::int64_t users = 0, sessions = 0, browsing = 0, booking = 0, cancellation = 0;
    std::int64_t trips = 0, trips_both = 0, trips_flight_only = 0, trips_hotel_only = 0, trips_not_cancelled = 0;
    std::int64_t users_with_cancellation = 0, users_without_trip = 0, users_without_uncancelled_trip = 0;
    std::optional<double> median_clicks_booking, median_clicks_browsing, median_clicks_cancellation, mean_clicks;
    std::int64_t users_with_children = 0, gender_f = 0, gender_m = 0, gender_o = 0;
};

cohort_facts count_facts(const cohort& c, sk::executor_ref executor);

// Dirt that the analysis has to live with, counted.
struct data_quality {
    std::int64_t hotels = 0, flights = 0;
    std::int64_t nights_not_positive = 0;            // stored nights of zero or less
    std::int64_t nights_one_short = 0;               // stored nights one less than the calendar's
    std::int64_t check_out_before_check_in = 0;
    std::int64_t flights_without_return = 0;
    std::int64_t cancellations_without_booking = 0;  // trips booked before the window
    std::int64_t flags_without_flight = 0;           // flight_booked, but no such flight
    std::int64_t flags_without_hotel = 0;
    std::int64_t sessions_ending_before_start = 0;
};

data_quality find_dirt(const cohort& c, sk::executor_ref executor);

}  // namespace traveltide
