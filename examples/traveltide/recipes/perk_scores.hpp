// perk_scores.hpp: for every customer a score for each perk, from behaviour alone, and the perk that wins.
//
//     const auto scored = score_perks(customers, executor);      // scored.customers: one row a customer
//
// A part of a score is a percentile rank among those who show that behaviour; who does not show it earns nothing, so a zero
// never outranks interest. A perk's score is its weighted parts, ranked among those who have any. Age, gender, marriage and
// children are not used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/exec/executor.hpp>

#include "../customers.hpp"
#include "../report_data.hpp"

namespace traveltide {

namespace tables {

using perk_scores = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"perk", std::optional<sk::text>>,          // never null
    sk::field<"score", double>,                          // of that perk, 0 to 1; 0 without any signal
    sk::field<"margin", double>,                         // ahead of the runner-up
    sk::field<"runner_up", std::optional<sk::text>>,     // null where no second perk scores
    sk::field<"rule", sk::text>,                         // "highest score" or the fallback
    sk::field<"hotel_meal", double>,
    sk::field<"checked_bag", double>,
    sk::field<"cancellation", double>,
    sk::field<"discounts", double>,
    sk::field<"free_night", double>>;

}  // namespace tables

// Customers without any signal get this one: it is the only perk that asks for no particular kind of trip.
inline constexpr std::string_view fallback_perk = "exclusive discounts";
inline constexpr std::string_view highest_score_rule = "highest score", fallback_rule = "fallback: no signal";

// A perk is shown where, at 95 % confidence, at least this share of customers shows any of its behaviours.
inline constexpr double least_share_shown = 0.05;

struct perk_scoring {
    sk::table<tables::perk_scores> customers;
    std::vector<perk_result> perks;     // in the order of perk_names: who gets it, who shows it, what it is made of
    std::size_t without_signal = 0;     // got the fallback
};

perk_scoring score_perks(const sk::table<tables::customers>& customers, sk::executor_ref executor);

}  // namespace traveltide
