// cohort.hpp: the customers that an analysis is about, and all rows that belong to them.
//
//     const cohort c = select_cohort(open_company("data"), {.since = sk::date(2023, 1, 4), .min_sessions = 8}, sk::threads(2));
//
// Two passes over the sessions, one over each other table; only the cohort's rows are kept in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segkit/exec/executor.hpp>

#include "sources.hpp"
#include "tables.hpp"

namespace traveltide {

struct cohort_options {
    sk::date since{2023, 1, 4};       // sessions that start on this day or later
    std::int64_t min_sessions = 8;    // customers with at least this many of them
};

// From all raw rows to the cohort.
struct cohort_funnel {
    std::int64_t sessions_in_file = 0;
    std::int64_t sessions_since = 0;
    std::int64_t sessions_kept = 0;
    std::int64_t customers_with_sessions = 0;    // users who have any session in the file
    std::int64_t customers_since = 0;            // with a session since the date
    std::int64_t customers_kept = 0;
};

struct cohort {
    sk::table<tables::users> users;
    sk::table<tables::sessions> sessions;    // of the cohort, since the date, in file order
    sk::table<tables::flights> flights;      // of the trips of those sessions
    sk::table<tables::hotels> hotels;

    cohort_funnel funnel;
    sk::timestamp first_session, last_session;
    std::vector<std::string> warnings;           // rows that had to be left out, and why
};

// Throws segkit::error: what the CSV reader says; unexpected_null and duplicate_key where a session_id or trip_id is empty or
// occurs twice in its table, or a user_id twice in its own; empty_input where no customer is left.
cohort select_cohort(const company_source& company, const cohort_options& options, sk::executor_ref executor);

}  // namespace traveltide
