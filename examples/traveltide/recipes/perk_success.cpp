#include "perk_success.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <segkit/query.hpp>

namespace traveltide {

namespace {

constexpr int observed_days = 60;
constexpr double relative_gain = 0.20;    // the gain that the test is sized for: a plan's assumption, not a finding

}  // namespace

void plan_success(report_data& report, const cohort& c, const sk::table<tables::trips>& trips, const sk::table<tables::assignments>& assigned, sk::executor_ref executor) {
    const sk::timestamp since = sk::timestamp::from_microseconds(c.last_session.microseconds_since_1970() - observed_days * sk::microseconds_per_day);
    const auto recent = trips
        | booked()
        | sk::filter("booked_at"_c >= since)
        | sk::group_by("user_id"_c).aggregate(
              "bookings"_c = sk::count(),
              "revenue"_c  = sk::sum("revenue_usd"_c).where(sk::is_null("cancelled_at"_c)));
    const auto people = assigned | sk::left_join(recent, "user_id"_c, sk::one_match) | sk::collect(executor);
    const auto rates = people
        | sk::group_by("perk"_c).aggregate("customers"_c = sk::count(), "rate"_c = sk::share(sk::is_not_null("bookings"_c)))
        | sk::sort_by(sk::descending("customers"_c))
        | sk::collect();
    const auto overall = people
        | sk::aggregate("rate"_c = sk::share(sk::is_not_null("bookings"_c)), "revenue"_c = sk::mean(sk::coalesce("revenue"_c, 0.0)))
        | sk::collect();

    report.success = {
        {"Booking rate", fmt::format("Share of the customers invited with the perk who book within {} days, against those invited without it.", observed_days),
         labelled_number{fmt::format("in the last {} days", observed_days), overall["rate"_c][0].value_or(0), number_style::percent}},
        {"Revenue per customer", fmt::format("Fares and stays of trips booked within {} days and not cancelled, less discounts and the cost of the perk.", observed_days),
         labelled_number{fmt::format("in the last {} days", observed_days), overall["revenue"_c][0].value_or(0), number_style::money}},
        {"Use of the perk", "Share of the bookings of customers invited with the perk in which it is used. A perk that is booked but not used is not the favourite.", {}}};

    ab_plan plan;
    plan.lead = fmt::format("For each perk, draw lots: half of its customers are invited with the perk, half without it. The sizes are those for {:.0f}% more customers who book within {} days.",
                            100 * relative_gain, observed_days);
    plan.comparisons = std::max<std::size_t>(1, rates.rows());
    for (std::size_t i = 0; i < rates.rows(); ++i) {
        const double rate = rates["rate"_c][i];
        const double target = rate * (1 + relative_gain);
        if (rate <= 0 || target >= 1) continue;    // nobody books now, or nearly everybody does: no such gain can be measured
        plan.cases.push_back({std::string(rates["perk"_c][i].value_or("")), rate, target, static_cast<std::size_t>(rates["customers"_c][i])});
    }
    if (!plan.cases.empty()) report.ab_test = std::move(plan);
}

}  // namespace traveltide
