#include "segment_rules_features.hpp"

#include <segkit/query.hpp>

namespace traveltide {

sk::table<tables::segment_rules_features> segment_rules_features(const cohort& c, sk::date reference_date, sk::executor_ref executor) {
    const auto stays = c.hotels
        | sk::derive("started_nights"_c = sk::whole_days("check_out_time"_c - "check_in_time"_c) + 1)
        | sk::derive("stay_price"_c = "hotel_per_room_usd"_c * "started_nights"_c)
        | sk::select("trip_id"_c, "nights"_c, "started_nights"_c, "stay_price"_c);
    const auto fares = c.flights | sk::select("trip_id"_c, "seats"_c, "checked_bags"_c, "base_fare_usd"_c, "departure_time"_c);

    const auto kept = !"cancellation"_c;    // the booking session of a trip that was cancelled later is one of them
    const auto flight = kept && "flight_booked"_c;
    const auto hotel = kept && "hotel_booked"_c;
    const auto behaviour = c.sessions
        | sk::left_join(fares, "trip_id"_c, sk::one_match)
        | sk::left_join(stays, "trip_id"_c, sk::one_match)
        | sk::filter(!sk::coalesce("nights"_c < 0, false))
        | sk::group_by("user_id"_c).aggregate(
              "rows"_c          = sk::count(),
              "clicks"_c        = sk::sum("page_clicks"_c),
              "f"_c             = sk::mean("base_fare_usd"_c).where(flight),
              "h"_c             = sk::mean("stay_price"_c).where(hotel),
              "flights"_c       = sk::count_if(flight),
              "hotels"_c        = sk::count_if(hotel),
              "joint"_c         = sk::count_if(flight && hotel),
              "mean_seats"_c    = sk::mean("seats"_c).where(kept),
              "mean_bags"_c     = sk::mean("checked_bags"_c).where(kept),
              "mean_nights"_c   = sk::mean("started_nights"_c).where(kept),
              "weekdays"_c      = sk::count_if(flight && sk::iso_weekday("departure_time"_c) <= 6),
              "cancellations"_c = sk::count_if("cancellation"_c),
              "bookings"_c      = sk::count_if(kept && sk::is_not_null("trip_id"_c)));

    return c.users
        | sk::left_join(behaviour, "user_id"_c, sk::one_match)
              .otherwise("rows"_c = 0, "clicks"_c = 0, "flights"_c = 0, "hotels"_c = 0, "joint"_c = 0, "cancellations"_c = 0,
                         "bookings"_c = 0)    // a customer all of whose rows were dropped
        | sk::derive(
              "age"_c                = sk::to_int64(sk::floor((reference_date - "birthdate"_c) / 365)),
              "weekday_ratio"_c      = "weekdays"_c / sk::null_if_zero("rows"_c),
              "cancellation_ratio"_c = "cancellations"_c / sk::null_if_zero("bookings"_c),
              "engaged"_c            = "clicks"_c >= 22,
              "core"_c               = "age"_c >= 35 && "age"_c <= 49,
              "business"_c           = sk::coalesce("age"_c >= 30 && "age"_c <= 55 && "flights"_c == "hotels"_c && "flights"_c == "joint"_c && "mean_seats"_c <= 1.0 &&
                                                        "mean_bags"_c <= 1.0 && "mean_nights"_c <= 3.0 && "weekday_ratio"_c > 0.6, false),
              "family"_c             = "has_children"_c && !"business"_c)
        | sk::select("user_id"_c, "f"_c, "h"_c, "age"_c, "clicks"_c, "rows"_c, "flights"_c, "hotels"_c, "joint"_c, "mean_seats"_c, "mean_bags"_c, "mean_nights"_c,
                     "weekday_ratio"_c, "cancellations"_c, "bookings"_c, "cancellation_ratio"_c, "engaged"_c, "core"_c, "business"_c, "family"_c)
        | sk::collect(executor);
}

}  // namespace traveltide
