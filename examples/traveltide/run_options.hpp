// run_options.hpp: what `traveltide run` was asked to do, and the words of its options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <segkit/table/types.hpp>

#include "cohort.hpp"

namespace traveltide {

// What a hotel stay counts as.
enum class nights_policy {
    calendar,        // days from the date of check-in to that of check-out, swapped when inverted, at least 1
    stored,          // the column as it is: one less than the calendar in most rows, zero or negative in some
    started_days,    // floor((check-out - check-in) / 24 h) + 1
};

enum class distance_formula {
    haversine,      // great circle, R = 6371 km
    company_sql,    // what the company's own SQL function computes: 111.19 km a degree on a flat map
};

constexpr std::string_view to_string(nights_policy policy) {
    switch (policy) {
        case nights_policy::calendar: return "calendar";
        case nights_policy::stored: return "stored";
        case nights_policy::started_days: return "started-days";
    }
    return "calendar";
}
constexpr std::string_view to_string(distance_formula formula) { return formula == distance_formula::haversine ? "haversine" : "company-sql"; }

inline std::string to_string(sk::date day) { return fmt::format("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()); }

struct run_options {
    std::string data;          // SOURCE, or
    std::string user_table;    // a published user table
    std::string out;
    std::string recipe = "perk-fit";
    cohort_options cohort;
    std::optional<sk::date> reference_date;    // absent: the recipe's own, else the day of the last session
    nights_policy nights = nights_policy::calendar;
    distance_formula distance = distance_formula::haversine;
    std::optional<std::size_t> n_clusters;     // absent: chosen, or the recipe's own
    std::uint64_t seed = 42;
    unsigned threads = 0;                      // 0: as many as the machine runs at once
};

}  // namespace traveltide
