// perk_evidence.hpp: does the favour for a perk last? Each customer's sessions are cut in two by time, both halves are scored
// on their own, and the scores are compared.
//
//     const auto lasting = find_persistence(cohort, options, reference_date, executor);     // in the order of perk_names
//
// Spearman's rank correlation over the customers with the trips to show it in both halves (a flight for bags and nights, a
// stay for meals, a booking for the others); interval by Fisher's transformation with Bonett and Wright's variance (2000).
#pragma once

#include <optional>
#include <vector>

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"
#include "../report_data.hpp"
#include "../run_options.hpp"

namespace traveltide {

// A perk is persistent where the whole interval lies above this.
inline constexpr double least_persistence = 0.10;

// Absent where fewer than ten customers can show it in both halves.
std::vector<std::optional<persistent_evidence>> find_persistence(const cohort& c, const run_options& options, sk::date reference_date, sk::executor_ref executor);

}  // namespace traveltide
