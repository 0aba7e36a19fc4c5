// generator.hpp: a generated company with TravelTide's four tables, distributions and dirt, so that everything runs
// with nothing downloaded. generate_company({.customers = 6000}, "data") writes users.csv, sessions.csv, flights.csv
// and hotels.csv into the folder. Same options, same bytes; 0.05 s for 6,000 customers, 3 s for the whole company (one core).
#pragma once

#include <cstdint>
#include <string>

namespace traveltide {

struct generator_options {
    // Active customers: those with at least 8 sessions since 2023-01-04, which is exactly the usual cohort. Half as
    // many less active users come on top (at most 7 sessions since then, some before), so that the cohort filter
    // has something to drop. From 1 to 10,000,000.
    std::uint64_t customers = 6000;
    std::uint64_t seed = 42;
    // Instead of half as many, 169 less active users per active customer: 6,000 customers then give the size of the
    // whole company (1.02 M users, 5.4 M sessions, 1.9 M flights, 1.9 M hotels; 1.55 GB, 1.3 GB without quotes).
    bool whole_company = false;
    // Gives most customers one stable habit (bags, cancelling, hotel stays with family, discounts, or flying without
    // a hotel), so that a customer's first sessions tell of the later ones. The published rows show no such thing.
    bool plant_persistence = false;
    // Every field in double quotes, as in the published files.
    bool quote_fields = true;
};

struct generated_company {
    std::uint64_t users = 0;
    std::uint64_t sessions = 0;
    std::uint64_t flights = 0;
    std::uint64_t hotels = 0;
    std::uint64_t active_customers = 0;
    std::uint64_t bytes = 0;             // of the four files together
};

// Creates the folder if need be. The four files get their names only when all are written: a folder or disk that
// refuses a write gives segkit::error (cannot_write) and leaves none of them half-written.
// Rows: users by user_id; sessions by session_start up to 100,000 customers (not for the whole company), else by
// user; flights and hotels by user. Times O(sessions); memory only for sessions that are to be sorted, 80 bytes each.
generated_company generate_company(const generator_options& options, const std::string& folder);

}  // namespace traveltide
