#include "customers.hpp"

#include <segkit/query.hpp>

namespace traveltide {

sk::table<tables::customers> describe_customers(const cohort& c, const sk::table<tables::trips>& trips, sk::date reference_date, sk::executor_ref executor) {
    const auto visits = c.sessions
        | sk::group_by("user_id"_c).aggregate(
              "sessions"_c      = sk::count(),
              "cancellations"_c = sk::count_if("cancellation"_c),
              "page_clicks"_c   = sk::mean("page_clicks"_c),
              "minutes"_c       = sk::mean(sk::in_minutes("session_end"_c - "session_start"_c)).where("session_end"_c >= "session_start"_c));
    const auto outcomes = trips
        | sk::group_by("user_id"_c).aggregate(
              "all_trips"_c       = sk::count(),
              "completed_trips"_c = sk::count_if(sk::is_not_null("booked_at"_c) && sk::is_null("cancelled_at"_c)),
              "cancelled_trips"_c = sk::count_if(sk::is_not_null("cancelled_at"_c)),
              "revenue_usd"_c     = sk::sum("revenue_usd"_c).where(sk::is_not_null("booked_at"_c) && sk::is_null("cancelled_at"_c)));
    const auto bookings = trips
        | booked()
        | sk::group_by("user_id"_c).aggregate(
              "booked_trips"_c         = sk::count(),
              "flights"_c              = sk::count_if("with_flight"_c),
              "stays"_c                = sk::count_if("with_hotel"_c),
              "discount_share"_c       = sk::share("discounted"_c),
              "flight_only_share"_c    = sk::share(!"with_hotel"_c).where("with_flight"_c),
              "lead_days"_c            = sk::mean("lead_days"_c),
              "bags_per_flight"_c      = sk::mean("bags"_c),
              "more_bags_than_seats"_c = sk::share("bags"_c > "seats"_c),
              "seats"_c                = sk::mean("seats"_c),
              "km"_c                   = sk::mean("km"_c),
              "days_away"_c            = sk::mean("days_away"_c),
              "fare_usd"_c             = sk::mean("fare_usd"_c),
              "saved_usd"_c            = sk::sum("saved_usd"_c),
              "km_flown"_c             = sk::sum("km"_c),
              "nights"_c               = sk::mean("nights"_c),
              "rooms"_c                = sk::mean("rooms"_c),
              "stay_usd"_c             = sk::mean("stay_usd"_c));
    return c.users
        | sk::inner_join(visits, "user_id"_c, sk::one_match)
        | sk::left_join(outcomes, "user_id"_c, sk::one_match).otherwise("completed_trips"_c = 0, "cancelled_trips"_c = 0)
        | sk::left_join(bookings, "user_id"_c, sk::one_match).otherwise("booked_trips"_c = 0, "flights"_c = 0, "stays"_c = 0)
        | sk::replace("revenue_usd"_c = sk::coalesce("revenue_usd"_c, 0.0))    // also of those who completed no trip
        | sk::derive(
              "age"_c             = sk::completed_years("birthdate"_c, reference_date),
              "conversion"_c      = sk::coalesce("booked_trips"_c / sk::null_if_zero("sessions"_c - "cancellations"_c), 0.0),
              "cancelled_share"_c = "cancelled_trips"_c / "all_trips"_c,
              "saved_per_km"_c    = sk::coalesce("saved_usd"_c, 0.0) / sk::null_if_zero("km_flown"_c))
        | sk::select("user_id"_c, "age"_c, "gender"_c, "married"_c, "has_children"_c, "home_country"_c, "home_city"_c, "sessions"_c, "page_clicks"_c, "minutes"_c,
                     "booked_trips"_c, "completed_trips"_c, "cancelled_trips"_c, "flights"_c, "stays"_c, "conversion"_c, "cancelled_share"_c, "discount_share"_c,
                     "flight_only_share"_c, "lead_days"_c, "bags_per_flight"_c, "more_bags_than_seats"_c, "seats"_c, "km"_c, "days_away"_c, "fare_usd"_c,
                     "saved_per_km"_c, "nights"_c, "rooms"_c, "stay_usd"_c, "revenue_usd"_c)
        | sk::collect(executor);
}

}  // namespace traveltide
