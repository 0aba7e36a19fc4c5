// tables.hpp: the four tables of the company, as segkit sees them.
//
// A column that may be empty is optional; everything else is required, and an empty field is an error that names file
// and line. Columns that no pipeline reads are not converted.
#pragma once

#include <cstdint>
#include <optional>

#include <segkit/expr/column.hpp>
#include <segkit/table/table.hpp>

namespace traveltide {

namespace sk = segkit;
using namespace segkit::literals;

namespace tables {

using users = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"birthdate", sk::date>,
    sk::field<"gender", sk::text>,
    sk::field<"married", bool>,
    sk::field<"has_children", bool>,
    sk::field<"home_country", sk::text>,
    sk::field<"home_city", sk::text>,
    sk::field<"home_airport_lat", double>,
    sk::field<"home_airport_lon", double>,
    sk::field<"sign_up_date", sk::date>>;

// A session without a trip is browsing. A cancellation repeats the trip's id, and its four flags are true whatever was booked.
using sessions = sk::schema<
    sk::field<"session_id", sk::text>,
    sk::field<"user_id", std::int64_t>,
    sk::field<"trip_id", std::optional<sk::text>>,
    sk::field<"session_start", sk::timestamp>,
    sk::field<"session_end", sk::timestamp>,
    sk::field<"flight_discount", bool>,
    sk::field<"hotel_discount", bool>,
    sk::field<"flight_discount_amount", std::optional<double>>,
    sk::field<"hotel_discount_amount", std::optional<double>>,
    sk::field<"flight_booked", bool>,
    sk::field<"hotel_booked", bool>,
    sk::field<"page_clicks", std::int32_t>,
    sk::field<"cancellation", bool>>;

using flights = sk::schema<
    sk::field<"trip_id", sk::text>,
    sk::field<"destination", sk::text>,
    sk::field<"seats", std::int32_t>,
    sk::field<"return_flight_booked", bool>,
    sk::field<"departure_time", sk::timestamp>,
    sk::field<"return_time", std::optional<sk::timestamp>>,
    sk::field<"checked_bags", std::int32_t>,
    sk::field<"destination_airport_lat", double>,
    sk::field<"destination_airport_lon", double>,
    sk::field<"base_fare_usd", double>>;

using hotels = sk::schema<
    sk::field<"trip_id", sk::text>,
    sk::field<"hotel_name", sk::text>,
    sk::field<"nights", std::int32_t>,
    sk::field<"rooms", std::int32_t>,
    sk::field<"check_in_time", sk::timestamp>,
    sk::field<"check_out_time", sk::timestamp>,
    sk::field<"hotel_per_room_usd", double>>;

}  // namespace tables

}  // namespace traveltide
