// perk_evidence.hpp: do the customers who show the behaviour behind a perk differ from the rest in other ways, and does it last?
//
//     const auto different = find_distinction(customers, scores, executor);                       // in the order of perk_names
//     const auto lasting = find_persistence(cohort, options, reference_date, executor);
//
// Distinct: Cliff's delta (1993) of figures that are in no score, among customers with a booking; intervals by Hanley and McNeil
// (1982), widened for all comparisons (Bonferroni). Persistent: sessions are cut in two by time and both halves scored on their
// own; Spearman's rank correlation over those who could show it in both, interval by Bonett and Wright (2000).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"
#include "../customers.hpp"
#include "../report_data.hpp"
#include "../run_options.hpp"
#include "perk_scores.hpp"

namespace traveltide {

// A perk is distinct where the whole interval of the strongest difference lies beyond this, on either side.
inline constexpr double least_difference = 0.10;

// Absent where there is nobody to compare.
std::vector<std::optional<distinct_evidence>> find_distinction(const sk::table<tables::customers>& customers, const sk::table<tables::perk_scores>& scores,
                                                               sk::executor_ref executor);

// Figures compared, of all perks together: what the intervals are widened for.
std::size_t distinction_comparisons();

// A perk is persistent where the whole interval lies above this.
inline constexpr double least_persistence = 0.10;

// Absent where fewer than ten customers can show it in both halves.
std::vector<std::optional<persistent_evidence>> find_persistence(const cohort& c, const run_options& options, sk::date reference_date, sk::executor_ref executor);

}  // namespace traveltide
