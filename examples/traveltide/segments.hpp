// segments.hpp: what the segments of an assignment are like: size, share, mean and median of each figure, revenue, perks.
//
//     const auto profiles = profile_segments(assigned, customers, executor);     // one row a segment, the largest first
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <segkit/exec/executor.hpp>

#include "customers.hpp"
#include "report_data.hpp"

namespace traveltide {

namespace tables {

// What every recipe gives: the first three columns of assignments.csv.
using assignments = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"perk", std::optional<sk::text>>,
    sk::field<"segment", sk::text>>;

}  // namespace tables

inline constexpr std::string_view perk_names[] = {"free hotel meal", "free checked bag", "no cancellation fees", "exclusive discounts", "free night with flight"};

struct segment_profiles {
    std::string csv;              // segments.csv
    segments_section section;     // for the report, with a customer of each segment as an example
};

segment_profiles profile_segments(const sk::table<tables::assignments>& assigned, const sk::table<tables::customers>& customers, sk::executor_ref executor);

}  // namespace traveltide
