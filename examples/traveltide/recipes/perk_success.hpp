// perk_success.hpp: how success would be measured: what customers do now, and how many an A/B test needs.
#pragma once

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"
#include "../report_data.hpp"
#include "../segments.hpp"
#include "../trips.hpp"

namespace traveltide {

// Fills `success` and `ab_test` from the bookings of the last 60 days of the window.
void plan_success(report_data& report, const cohort& c, const sk::table<tables::trips>& trips, const sk::table<tables::assignments>& assigned, sk::executor_ref executor);

}  // namespace traveltide
