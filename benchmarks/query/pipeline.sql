-- The TravelTide application's cohort and customers (examples/traveltide: cohort.cpp, trips.cpp, customers.cpp) in SQL.
WITH recent AS MATERIALIZED (
    SELECT user_id, trip_id, session_start, session_end, flight_discount, hotel_discount, flight_discount_amount, hotel_discount_amount, page_clicks, cancellation
    FROM {sessions} WHERE session_start >= TIMESTAMP '2023-01-04'),
chosen AS (SELECT user_id FROM recent GROUP BY user_id HAVING count(*) >= 8),
customers AS MATERIALIZED (
    SELECT user_id, birthdate, gender, married, has_children, home_country, home_city, home_airport_lat, home_airport_lon
    FROM {users} WHERE user_id IN (SELECT user_id FROM chosen)),
visits AS MATERIALIZED (SELECT * FROM recent WHERE user_id IN (SELECT user_id FROM customers)),
trip_sessions AS MATERIALIZED (
    SELECT trip_id, any_value(user_id) AS user_id,
           min(session_start) FILTER (WHERE NOT cancellation) AS booked_at,
           min(session_start) FILTER (WHERE cancellation) AS cancelled_at,
           count(*) FILTER (WHERE NOT cancellation AND (flight_discount OR hotel_discount)) AS discounts,
           any_value(flight_discount_amount) FILTER (WHERE NOT cancellation) AS flight_discount,
           any_value(hotel_discount_amount) FILTER (WHERE NOT cancellation) AS hotel_discount
    FROM visits WHERE trip_id IS NOT NULL GROUP BY trip_id),
flown AS (
    SELECT trip_id, seats, checked_bags, departure_time, return_time, destination_airport_lat, destination_airport_lon, base_fare_usd
    FROM {flights} WHERE trip_id IN (SELECT trip_id FROM trip_sessions)),
slept AS (
    SELECT trip_id, greatest(1, abs(CAST(check_out_time AS DATE) - CAST(check_in_time AS DATE))) AS nights, rooms, check_in_time, hotel_per_room_usd
    FROM {hotels} WHERE trip_id IN (SELECT trip_id FROM trip_sessions)),
joined AS (
    SELECT t.*, f.departure_time IS NOT NULL AS with_flight, h.check_in_time IS NOT NULL AS with_hotel, t.discounts > 0 AS discounted,
           f.seats, f.checked_bags AS bags, f.base_fare_usd AS fare_usd, f.base_fare_usd * t.flight_discount AS saved_usd, h.nights, h.rooms,
           2 * 6371 * asin(sqrt(pow(sin(radians(f.destination_airport_lat - c.home_airport_lat) / 2), 2)
               + cos(radians(c.home_airport_lat)) * cos(radians(f.destination_airport_lat)) * pow(sin(radians(f.destination_airport_lon - c.home_airport_lon) / 2), 2))) AS km,
           (epoch_us(f.return_time) - epoch_us(f.departure_time)) / 86400000000 AS days_away,
           h.hotel_per_room_usd * h.nights * h.rooms AS stay_usd,
           (epoch_us(coalesce(f.departure_time, h.check_in_time)) - epoch_us(t.booked_at)) / 86400000000 AS lead_days
    FROM trip_sessions t JOIN customers c USING (user_id) LEFT JOIN flown f USING (trip_id) LEFT JOIN slept h USING (trip_id)),
trips AS MATERIALIZED (
    SELECT *, CASE WHEN with_flight OR with_hotel THEN coalesce(fare_usd * (1 - coalesce(flight_discount, 0)), 0) + coalesce(stay_usd * (1 - coalesce(hotel_discount, 0)), 0) END AS revenue_usd
    FROM joined),
activity AS (
    SELECT user_id, count(*) AS sessions, count(*) FILTER (WHERE cancellation) AS cancellations, avg(page_clicks) AS page_clicks,
           avg((epoch_us(session_end) - epoch_us(session_start)) / 60000000) FILTER (WHERE session_end >= session_start) AS minutes
    FROM visits GROUP BY user_id),
outcomes AS (
    SELECT user_id, count(*) AS all_trips, count(*) FILTER (WHERE booked_at IS NOT NULL AND cancelled_at IS NULL) AS completed,
           count(*) FILTER (WHERE cancelled_at IS NOT NULL) AS cancelled,
           sum(revenue_usd) FILTER (WHERE booked_at IS NOT NULL AND cancelled_at IS NULL) AS revenue
    FROM trips GROUP BY user_id),
bookings AS (
    SELECT user_id, count(*) AS booked, count(*) FILTER (WHERE with_flight) AS flights, count(*) FILTER (WHERE with_hotel) AS stays,
           avg(CAST(discounted AS INTEGER)) AS discount_share, avg(CAST(NOT with_hotel AS INTEGER)) FILTER (WHERE with_flight) AS flight_only_share,
           avg(lead_days) AS lead_days, avg(bags) AS bags_per_flight, avg(CAST(bags > seats AS INTEGER)) AS more_bags_than_seats, avg(seats) AS seats, avg(km) AS km,
           avg(days_away) AS days_away, avg(fare_usd) AS fare_usd, sum(saved_usd) AS saved_usd, sum(km) AS km_flown, avg(nights) AS nights, avg(rooms) AS rooms,
           avg(stay_usd) AS stay_usd
    FROM trips WHERE booked_at IS NOT NULL GROUP BY user_id)
SELECT c.user_id, date_sub('year', c.birthdate, DATE '2023-07-28') AS age, gender, married, has_children, home_country, home_city, a.sessions, a.page_clicks, a.minutes,
       coalesce(b.booked, 0) AS booked_trips, coalesce(o.completed, 0) AS completed_trips, coalesce(o.cancelled, 0) AS cancelled_trips, coalesce(b.flights, 0) AS flights,
       coalesce(b.stays, 0) AS stays, coalesce(coalesce(b.booked, 0) / nullif(a.sessions - a.cancellations, 0), 0) AS conversion, o.cancelled / o.all_trips AS cancelled_share,
       b.discount_share, b.flight_only_share, b.lead_days, b.bags_per_flight, b.more_bags_than_seats, b.seats, b.km, b.days_away, b.fare_usd,
       coalesce(b.saved_usd, 0) / nullif(b.km_flown, 0) AS saved_per_km, b.nights, b.rooms, b.stay_usd, coalesce(o.revenue, 0) AS revenue_usd
FROM customers c JOIN activity a USING (user_id) LEFT JOIN outcomes o USING (user_id) LEFT JOIN bookings b USING (user_id)
