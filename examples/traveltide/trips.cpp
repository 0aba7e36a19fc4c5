#include "trips.hpp"

#include <algorithm>
#include <cmath>

#include <segkit/query.hpp>

namespace traveltide {

std::int64_t count_nights(nights_policy policy, std::int32_t stored, sk::timestamp check_in, sk::timestamp check_out) {
    switch (policy) {
        case nights_policy::stored: return stored;
        case nights_policy::started_days: {
            const std::int64_t span = (check_out - check_in).microseconds;
            return span / sk::microseconds_per_day - (span % sk::microseconds_per_day < 0) + 1;
        }
        case nights_policy::calendar: break;
    }
    const std::int64_t days = std::int64_t{check_out.day().days_since_1970()} - check_in.day().days_since_1970();
    return std::max<std::int64_t>(1, std::abs(days));
}

double kilometres(distance_formula formula, double latitude_1, double longitude_1, double latitude_2, double longitude_2) {
    if (formula == distance_formula::haversine) return sk::haversine_km(latitude_1, longitude_1, latitude_2, longitude_2);
    const double north = 111.19 * (latitude_2 - latitude_1);
    const double east = 111.19 * (longitude_2 - longitude_1) * std::cos(latitude_1 / 57.3);
    return std::sqrt(north * north + east * east);
}

sk::table<tables::trips> collect_trips(const cohort& c, const run_options& options, sk::executor_ref executor) {
    const auto nights = sk::apply([policy = options.nights](std::int32_t stored, sk::timestamp in, sk::timestamp out) { return count_nights(policy, stored, in, out); },
                                  "nights"_c, "check_in_time"_c, "check_out_time"_c);
    const auto km = sk::apply([formula = options.distance](auto... degrees) { return kilometres(formula, degrees...); },
                              "home_airport_lat"_c, "home_airport_lon"_c, "destination_airport_lat"_c, "destination_airport_lon"_c);

    const auto homes = c.users | sk::select("user_id"_c, "home_airport_lat"_c, "home_airport_lon"_c);
    const auto stays = c.hotels
        | sk::replace("nights"_c = nights)
        | sk::select("trip_id"_c, "nights"_c, "rooms"_c, "check_in_time"_c, "hotel_per_room_usd"_c);

    const auto at_booking = !"cancellation"_c;
    return c.sessions
        | sk::filter(sk::is_not_null("trip_id"_c))
        | sk::group_by("trip_id"_c).aggregate(
              "user_id"_c         = sk::first("user_id"_c),
              "booked_at"_c       = sk::min("session_start"_c).where(at_booking),
              "cancelled_at"_c    = sk::min("session_start"_c).where("cancellation"_c),
              "discounts"_c       = sk::count_if(at_booking && ("flight_discount"_c || "hotel_discount"_c)),
              "flight_discount"_c = sk::first("flight_discount_amount"_c).where(at_booking),
              "hotel_discount"_c  = sk::first("hotel_discount_amount"_c).where(at_booking))
        | sk::left_join(homes, "user_id"_c, sk::one_match)
        | sk::left_join(c.flights, "trip_id"_c, sk::one_match)
        | sk::left_join(stays, "trip_id"_c, sk::one_match)
        | sk::derive(
              "with_flight"_c = sk::is_not_null("departure_time"_c),
              "with_hotel"_c  = sk::is_not_null("check_in_time"_c),
              "discounted"_c  = "discounts"_c > 0,
              "bags"_c        = "checked_bags"_c,
              "km"_c          = km,
              "days_away"_c   = sk::in_days("return_time"_c - "departure_time"_c),
              "fare_usd"_c    = "base_fare_usd"_c,
              "saved_usd"_c   = "base_fare_usd"_c * "flight_discount"_c,
              "stay_usd"_c    = "hotel_per_room_usd"_c * "nights"_c * "rooms"_c,
              "lead_days"_c   = sk::in_days(sk::coalesce("departure_time"_c, "check_in_time"_c) - "booked_at"_c),
              "revenue_usd"_c = sk::when("with_flight"_c || "with_hotel"_c,
                                         sk::coalesce("fare_usd"_c * (1.0 - sk::coalesce("flight_discount"_c, 0.0)), 0.0) +
                                         sk::coalesce("stay_usd"_c * (1.0 - sk::coalesce("hotel_discount"_c, 0.0)), 0.0)))
        | sk::select("trip_id"_c, "user_id"_c, "booked_at"_c, "cancelled_at"_c, "with_flight"_c, "with_hotel"_c, "discounted"_c, "seats"_c, "bags"_c, "km"_c,
                     "days_away"_c, "fare_usd"_c, "saved_usd"_c, "nights"_c, "rooms"_c, "stay_usd"_c, "lead_days"_c, "revenue_usd"_c)
        | sk::collect(executor);
}

}  // namespace traveltide
