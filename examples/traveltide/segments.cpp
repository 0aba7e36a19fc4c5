#include "segments.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <segkit/io/csv.hpp>
#include <segkit/query.hpp>

#include "text_format.hpp"

namespace traveltide {

namespace {

// A customer in the middle of each segment: the one nearest to its medians, in units of the spread over all customers.
auto typical_customers(const auto& people, const auto& profiles, sk::executor_ref executor) {
    const auto spread = people
        | sk::aggregate("trips_sd"_c = sk::stddev("booked_trips"_c), "clicks_sd"_c = sk::stddev("page_clicks"_c), "revenue_sd"_c = sk::stddev("revenue_usd"_c))
        | sk::collect(executor);
    const auto or_one = [](std::optional<double> deviation) { return deviation && *deviation > 0 ? *deviation : 1.0; };
    const double trips_sd = or_one(spread["trips_sd"_c][0]), clicks_sd = or_one(spread["clicks_sd"_c][0]), revenue_sd = or_one(spread["revenue_sd"_c][0]);
    const auto middle = profiles | sk::select("segment"_c, "booked_trips_median"_c, "page_clicks_median"_c, "revenue_usd_median"_c);
    const auto ordered = people
        | sk::inner_join(middle, "segment"_c, sk::one_match)
        | sk::derive("away"_c = sk::abs("booked_trips"_c - "booked_trips_median"_c) / trips_sd + sk::abs("page_clicks"_c - "page_clicks_median"_c) / clicks_sd +
                                sk::abs("revenue_usd"_c - "revenue_usd_median"_c) / revenue_sd)
        | sk::sort_by("away"_c, "user_id"_c);
    return ordered
        | sk::group_by("segment"_c).aggregate(
              "user_id"_c = sk::first("user_id"_c), "age"_c = sk::first("age"_c), "gender"_c = sk::first("gender"_c), "home_city"_c = sk::first("home_city"_c),
              "married"_c = sk::first("married"_c), "has_children"_c = sk::first("has_children"_c), "booked_trips"_c = sk::first("booked_trips"_c),
              "completed_trips"_c = sk::first("completed_trips"_c), "page_clicks"_c = sk::first("page_clicks"_c), "revenue_usd"_c = sk::first("revenue_usd"_c))
        | sk::collect(executor);
}

std::string persona_sentence(std::int32_t age, std::string_view gender, std::string_view city, bool married, bool children, std::int64_t trips) {
    const std::string_view who = gender == "F" ? "woman" : gender == "M" ? "man" : "person";
    std::string place(city);
    for (std::size_t i = 0; i < place.size(); ++i)
        if ((i == 0 || place[i - 1] == ' ') && place[i] >= 'a' && place[i] <= 'z') place[i] = static_cast<char>(place[i] - 'a' + 'A');
    const bool begins_with_vowel = age == 8 || age == 11 || age == 18 || (age >= 80 && age < 90);    // as it is spoken
    return fmt::format("{} {}-year-old {} from {}, {}{}, who booked {} {}.", begins_with_vowel ? "An" : "A", age, who, place, married ? "married" : "single", children ? " with children" : "",
                       trips == 0 ? "no" : fmt::to_string(trips), trips == 1 ? "trip" : "trips");
}

// The mean of a figure that so many of a segment have: of a handful it would say more about these than about the segment.
std::optional<double> mean_of(std::optional<double> mean, std::optional<std::int64_t> customers) {
    return customers.value_or(0) < fewest_customers_of_a_mean ? std::nullopt : mean;
}

// Every figure of every segment, the largest segment first: segments.csv.
auto figures_of_segments(const auto& people, sk::executor_ref executor) {
    const auto total = people | sk::aggregate("customers"_c = sk::count(), "revenue"_c = sk::sum("revenue_usd"_c)) | sk::collect();
    const double all_customers = static_cast<double>(total["customers"_c][0]);
    const double all_revenue = total["revenue"_c][0].value_or(0);
    return people
        | sk::group_by("segment"_c).aggregate(
              "customers"_c                   = sk::count(),
              "revenue_usd"_c                 = sk::sum("revenue_usd"_c),
              "free_hotel_meal"_c             = sk::count_if("perk"_c == "free hotel meal"),
              "free_checked_bag"_c            = sk::count_if("perk"_c == "free checked bag"),
              "no_cancellation_fees"_c        = sk::count_if("perk"_c == "no cancellation fees"),
              "exclusive_discounts"_c         = sk::count_if("perk"_c == "exclusive discounts"),
              "free_night_with_flight"_c      = sk::count_if("perk"_c == "free night with flight"),
              "age_mean"_c                    = sk::mean("age"_c),
              "age_median"_c                  = sk::median("age"_c),
              "has_children_share"_c          = sk::share("has_children"_c),
              "married_share"_c               = sk::share("married"_c),
              "sessions_mean"_c               = sk::mean("sessions"_c),
              "sessions_median"_c             = sk::median("sessions"_c),
              "page_clicks_mean"_c            = sk::mean("page_clicks"_c),
              "page_clicks_median"_c          = sk::median("page_clicks"_c),
              "booked_trips_mean"_c           = sk::mean("booked_trips"_c),
              "booked_trips_median"_c         = sk::median("booked_trips"_c),
              "conversion_mean"_c             = sk::mean("conversion"_c),
              "conversion_median"_c           = sk::median("conversion"_c),
              "cancelled_share_mean"_c        = sk::mean("cancelled_share"_c),
              "cancelled_share_median"_c      = sk::median("cancelled_share"_c),
              "discount_share_mean"_c         = sk::mean("discount_share"_c),
              "discount_share_median"_c       = sk::median("discount_share"_c),
              "flight_only_share_mean"_c      = sk::mean("flight_only_share"_c),
              "flight_only_share_median"_c    = sk::median("flight_only_share"_c),
              "lead_days_mean"_c              = sk::mean("lead_days"_c),
              "lead_days_median"_c            = sk::median("lead_days"_c),
              "bags_per_flight_mean"_c        = sk::mean("bags_per_flight"_c),
              "bags_per_flight_median"_c      = sk::median("bags_per_flight"_c),
              "seats_mean"_c                  = sk::mean("seats"_c),
              "seats_median"_c                = sk::median("seats"_c),
              "km_mean"_c                     = sk::mean("km"_c),
              "km_median"_c                   = sk::median("km"_c),
              "fare_usd_mean"_c               = sk::mean("fare_usd"_c),
              "fare_usd_median"_c             = sk::median("fare_usd"_c),
              "nights_mean"_c                 = sk::mean("nights"_c),
              "nights_median"_c               = sk::median("nights"_c),
              "rooms_mean"_c                  = sk::mean("rooms"_c),
              "rooms_median"_c                = sk::median("rooms"_c),
              "stay_usd_mean"_c               = sk::mean("stay_usd"_c),
              "stay_usd_median"_c             = sk::median("stay_usd"_c),
              "revenue_usd_mean"_c            = sk::mean("revenue_usd"_c),
              "revenue_usd_median"_c          = sk::median("revenue_usd"_c))
        | sk::derive("share"_c = "customers"_c / all_customers, "revenue_share"_c = "revenue_usd"_c / (all_revenue > 0 ? all_revenue : 1.0))
        | sk::sort_by(sk::descending("customers"_c), "segment"_c)
        | sk::collect(executor);
}

// How many customers of each segment, in the order of `profiles`, have the figures that not every customer has: who booked nothing has no
// share of cancelled trips.
auto customers_with_figures(const auto& people, const auto& profiles, sk::executor_ref executor) {
    return profiles
        | sk::select("segment"_c)
        | sk::left_join(people | sk::group_by("segment"_c).aggregate("bags"_c = sk::count_if(sk::is_not_null("bags_per_flight"_c)), "nights"_c = sk::count_if(sk::is_not_null("nights"_c)),
                                                                     "discounts"_c = sk::count_if(sk::is_not_null("discount_share"_c)), "cancelled"_c = sk::count_if(sk::is_not_null("cancelled_share"_c))),
                        "segment"_c, sk::one_match)
        | sk::collect(executor);
}

// What the report compares the segments by, with the means over all customers.
std::vector<metric_column> compared_metrics(const auto& people, sk::executor_ref executor) {
    const auto overall = people
        | sk::aggregate("sessions"_c = sk::mean("sessions"_c), "clicks"_c = sk::mean("page_clicks"_c), "trips"_c = sk::mean("booked_trips"_c),
                        "revenue"_c = sk::mean("revenue_usd"_c), "bags"_c = sk::mean("bags_per_flight"_c), "nights"_c = sk::mean("nights"_c),
                        "discounts"_c = sk::mean("discount_share"_c), "cancelled"_c = sk::mean("cancelled_share"_c))
        | sk::collect(executor);
    return {{"Sessions", number_style::decimal, overall["sessions"_c][0]},
            {"Page clicks per session", number_style::decimal, overall["clicks"_c][0]},
            {"Trips booked", number_style::decimal, overall["trips"_c][0]},
            {"Revenue per customer", number_style::money, overall["revenue"_c][0]},
            {"Bags per flight", number_style::decimal, overall["bags"_c][0]},
            {"Nights per stay", number_style::decimal, overall["nights"_c][0]},
            {"Discounted bookings", number_style::percent, overall["discounts"_c][0]},
            {"Trips cancelled", number_style::percent, overall["cancelled"_c][0]}};
}

// What the report shows of the segment in row i, beside its example.
segment_result result_of_segment(const auto& profiles, const auto& known, std::size_t i) {
    segment_result segment;
    segment.name = profiles["segment"_c][i];
    segment.customers = static_cast<std::size_t>(profiles["customers"_c][i]);
    segment.share = profiles["share"_c][i];
    segment.metrics = {profiles["sessions_mean"_c][i], profiles["page_clicks_mean"_c][i], profiles["booked_trips_mean"_c][i], profiles["revenue_usd_mean"_c][i],
                       mean_of(profiles["bags_per_flight_mean"_c][i], known["bags"_c][i]), mean_of(profiles["nights_mean"_c][i], known["nights"_c][i]),
                       mean_of(profiles["discount_share_mean"_c][i], known["discounts"_c][i]), mean_of(profiles["cancelled_share_mean"_c][i], known["cancelled"_c][i])};
    for (const std::int64_t n : {profiles["free_hotel_meal"_c][i], profiles["free_checked_bag"_c][i], profiles["no_cancellation_fees"_c][i],
                                 profiles["exclusive_discounts"_c][i], profiles["free_night_with_flight"_c][i]})
        segment.perk_customers.push_back(static_cast<std::size_t>(n));
    return segment;
}

// The customer of row i as the report introduces them.
persona persona_of(const auto& examples, std::size_t i) {
    persona p;
    p.user_id = fmt::format("{}", *examples["user_id"_c][i]);
    p.summary = persona_sentence(*examples["age"_c][i], *examples["gender"_c][i], *examples["home_city"_c][i], *examples["married"_c][i], *examples["has_children"_c][i],
                                 *examples["booked_trips"_c][i]);
    p.facts = {{"Trips completed", format_count(static_cast<std::size_t>(*examples["completed_trips"_c][i]))},
               {"Page clicks per session", format_value(*examples["page_clicks"_c][i], number_style::decimal)},
               {"Revenue", format_value(*examples["revenue_usd"_c][i], number_style::money)}};
    return p;
}

}  // namespace

segment_profiles profile_segments(const sk::table<tables::assignments>& assigned, const sk::table<tables::customers>& customers, sk::executor_ref executor) {
    const auto people = customers | sk::inner_join(assigned, "user_id"_c, sk::one_match) | sk::collect(executor);
    const auto profiles = figures_of_segments(people, executor);
    const auto known = customers_with_figures(people, profiles, executor);
    const auto examples = profiles
        | sk::select("segment"_c)
        | sk::left_join(typical_customers(people, profiles, executor), "segment"_c, sk::one_match)
        | sk::collect();

    segment_profiles result;
    result.csv = sk::to_csv(profiles);
    result.section.metrics = compared_metrics(people, executor);
    for (std::size_t i = 0; i < profiles.rows(); ++i) {
        segment_result& segment = result.section.segments.emplace_back(result_of_segment(profiles, known, i));
        segment.example = persona_of(examples, i);
    }
    return result;
}

}  // namespace traveltide
