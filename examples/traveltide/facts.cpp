#include "facts.hpp"

#include <segkit/query.hpp>

namespace traveltide {

namespace {

// One row a trip: whose it is, whether it was cancelled, and what was booked.
auto trips_of(const cohort& c) {
    const auto flown = c.flights | sk::select("trip_id"_c) | sk::derive("flight"_c = true);
    const auto slept = c.hotels | sk::select("trip_id"_c) | sk::derive("hotel"_c = true);
    return c.sessions
        | sk::filter(sk::is_not_null("trip_id"_c))
        | sk::group_by("trip_id"_c).aggregate(
              "user_id"_c   = sk::first("user_id"_c),
              "bookings"_c  = sk::count_if(!"cancellation"_c),
              "cancelled"_c = sk::count_if("cancellation"_c))
        | sk::left_join(flown, "trip_id"_c, sk::one_match)
        | sk::left_join(slept, "trip_id"_c, sk::one_match);
}

}  // namespace

cohort_facts count_facts(const cohort& c, sk::executor_ref executor) {
    const auto browsing = sk::is_null("trip_id"_c);
    const auto booking = sk::is_not_null("trip_id"_c) && !"cancellation"_c;
    const auto cancellation = "cancellation"_c == true;
    const auto sessions = c.sessions
        | sk::aggregate(
              "browsing"_c             = sk::count_if(browsing),
              "booking"_c              = sk::count_if(booking),
              "cancellation"_c         = sk::count_if(cancellation),
              "clicks_browsing"_c      = sk::median("page_clicks"_c).where(browsing),
              "clicks_booking"_c       = sk::median("page_clicks"_c).where(booking),
              "clicks_cancellation"_c  = sk::median("page_clicks"_c).where(cancellation),
              "clicks"_c               = sk::mean("page_clicks"_c),
              "users_with_trip"_c      = sk::count_distinct("user_id"_c).where(sk::is_not_null("trip_id"_c)),
              "users_cancelling"_c     = sk::count_distinct("user_id"_c).where(cancellation))
        | sk::collect(executor);
    const auto trips = trips_of(c)
        | sk::aggregate(
              "all"_c                  = sk::count(),
              "both"_c                 = sk::count_if(sk::is_not_null("flight"_c) && sk::is_not_null("hotel"_c)),
              "flight_only"_c          = sk::count_if(sk::is_not_null("flight"_c) && sk::is_null("hotel"_c)),
              "hotel_only"_c           = sk::count_if(sk::is_null("flight"_c) && sk::is_not_null("hotel"_c)),
              "not_cancelled"_c        = sk::count_if("cancelled"_c == 0),
              "users_not_cancelling"_c = sk::count_distinct("user_id"_c).where("cancelled"_c == 0))
        | sk::collect(executor);
    const auto people = c.users
        | sk::aggregate(
              "users"_c    = sk::count(),
              "children"_c = sk::count_if("has_children"_c),
              "f"_c        = sk::count_if("gender"_c == "F"),
              "m"_c        = sk::count_if("gender"_c == "M"),
              "o"_c        = sk::count_if("gender"_c == "O"))
        | sk::collect();

    cohort_facts f;
    f.users = people["users"_c][0];
    f.sessions = static_cast<std::int64_t>(c.sessions.rows());
    f.browsing = sessions["browsing"_c][0];
    f.booking = sessions["booking"_c][0];
    f.cancellation = sessions["cancellation"_c][0];
    f.trips = trips["all"_c][0];
    f.trips_both = trips["both"_c][0];
    f.trips_flight_only = trips["flight_only"_c][0];
    f.trips_hotel_only = trips["hotel_only"_c][0];
    f.trips_not_cancelled = trips["not_cancelled"_c][0];
    f.users_with_cancellation = sessions["users_cancelling"_c][0];
    f.users_without_trip = f.users - sessions["users_with_trip"_c][0];
    f.users_without_uncancelled_trip = f.users - trips["users_not_cancelling"_c][0];
    f.median_clicks_booking = sessions["clicks_booking"_c][0];
    f.median_clicks_browsing = sessions["clicks_browsing"_c][0];
    f.median_clicks_cancellation = sessions["clicks_cancellation"_c][0];
    f.mean_clicks = sessions["clicks"_c][0];
    f.users_with_children = people["children"_c][0];
    f.gender_f = people["f"_c][0];
    f.gender_m = people["m"_c][0];
    f.gender_o = people["o"_c][0];
    return f;
}

data_quality find_dirt(const cohort& c, sk::executor_ref executor) {
    const auto stays = c.hotels
        | sk::derive("calendar_nights"_c = sk::date_of("check_out_time"_c) - sk::date_of("check_in_time"_c))
        | sk::aggregate(
              "not_positive"_c = sk::count_if("nights"_c <= 0),
              "one_short"_c    = sk::count_if("nights"_c == "calendar_nights"_c - 1),
              "inverted"_c     = sk::count_if("check_out_time"_c < "check_in_time"_c))
        | sk::collect(executor);
    const auto one_way = c.flights | sk::aggregate("flights"_c = sk::count_if(sk::is_null("return_time"_c))) | sk::collect(executor);
    const auto unbooked = trips_of(c) | sk::aggregate("trips"_c = sk::count_if("bookings"_c == 0)) | sk::collect(executor);
    const auto backwards = c.sessions | sk::aggregate("sessions"_c = sk::count_if("session_end"_c < "session_start"_c)) | sk::collect(executor);
    const auto flight_flags = c.sessions | sk::filter("flight_booked"_c) | sk::anti_join(c.flights, "trip_id"_c) | sk::aggregate("n"_c = sk::count()) | sk::collect(executor);
    const auto hotel_flags = c.sessions | sk::filter("hotel_booked"_c) | sk::anti_join(c.hotels, "trip_id"_c) | sk::aggregate("n"_c = sk::count()) | sk::collect(executor);
    return {.hotels = static_cast<std::int64_t>(c.hotels.rows()),
            .flights = static_cast<std::int64_t>(c.flights.rows()),
            .nights_not_positive = stays["not_positive"_c][0],
            .nights_one_short = stays["one_short"_c][0],
            .check_out_before_check_in = stays["inverted"_c][0],
            .flights_without_return = one_way["flights"_c][0],
            .cancellations_without_booking = unbooked["trips"_c][0],
            .flags_without_flight = flight_flags["n"_c][0],
            .flags_without_hotel = hotel_flags["n"_c][0],
            .sessions_ending_before_start = backwards["sessions"_c][0]};
}

}  // namespace traveltide
