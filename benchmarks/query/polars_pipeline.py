"""The TravelTide application's cohort and customers as a Polars query; the same as pipeline.sql."""

import datetime

import polars as pl


def radians(name):
    return pl.col(name).radians()


def days(span):
    return span.dt.total_microseconds() / 86_400_000_000


def query(scan, folder, company):
    """scan(file, columns) gives a lazy frame; company: table -> columns."""
    sessions, users, flights, hotels = (scan(f"{folder}/{name}.csv", company[name]) for name in ("sessions", "users", "flights", "hotels"))
    recent = sessions.filter(pl.col("session_start") >= datetime.datetime(2023, 1, 4)).drop("session_id", "flight_booked", "hotel_booked")
    chosen = recent.group_by("user_id").len().filter(pl.col("len") >= 8).select("user_id")
    customers = users.join(chosen, on="user_id", how="semi").drop("home_airport", "sign_up_date")
    visits = recent.join(customers, on="user_id", how="semi")

    booking = ~pl.col("cancellation")
    trip_sessions = visits.filter(pl.col("trip_id").is_not_null()).group_by("trip_id").agg(
        pl.col("user_id").first(),
        pl.col("session_start").filter(booking).min().alias("booked_at"),
        pl.col("session_start").filter(pl.col("cancellation")).min().alias("cancelled_at"),
        (booking & (pl.col("flight_discount") | pl.col("hotel_discount"))).sum().alias("discounts"),
        pl.col("flight_discount_amount").filter(booking).drop_nulls().first().alias("flight_off"),
        pl.col("hotel_discount_amount").filter(booking).drop_nulls().first().alias("hotel_off"))
    flown = flights.select("trip_id", "seats", "checked_bags", "departure_time", "return_time", "destination_airport_lat", "destination_airport_lon", "base_fare_usd")
    flown = flown.join(trip_sessions.select("trip_id"), on="trip_id", how="semi")
    slept = hotels.select("trip_id", "nights", "rooms", "check_in_time", "check_out_time", "hotel_per_room_usd").join(trip_sessions.select("trip_id"), on="trip_id", how="semi")
    nights = (pl.col("check_out_time").dt.date() - pl.col("check_in_time").dt.date()).dt.total_days().abs().clip(lower_bound=1)
    slept = slept.with_columns(nights.alias("nights")).drop("check_out_time")

    half_lat = (radians("destination_airport_lat") - radians("home_airport_lat")) / 2
    half_lon = (radians("destination_airport_lon") - radians("home_airport_lon")) / 2
    angle = half_lat.sin() ** 2 + radians("home_airport_lat").cos() * radians("destination_airport_lat").cos() * half_lon.sin() ** 2
    homes = customers.select("user_id", "home_airport_lat", "home_airport_lon")
    trips = trip_sessions.join(homes, on="user_id", how="inner").join(flown, on="trip_id", how="left").join(slept, on="trip_id", how="left").with_columns(
        pl.col("departure_time").is_not_null().alias("with_flight"), pl.col("check_in_time").is_not_null().alias("with_hotel"), (pl.col("discounts") > 0).alias("discounted"),
        (pl.col("base_fare_usd") * pl.col("flight_off")).alias("saved_usd"), (2 * 6371 * angle.sqrt().arcsin()).alias("km"),
        days(pl.col("return_time") - pl.col("departure_time")).alias("days_away"), (pl.col("hotel_per_room_usd") * pl.col("nights") * pl.col("rooms")).alias("stay_usd"),
        days(pl.coalesce("departure_time", "check_in_time") - pl.col("booked_at")).alias("lead_days"))
    paid = (pl.col("base_fare_usd") * (1 - pl.col("flight_off").fill_null(0))).fill_null(0) + (pl.col("stay_usd") * (1 - pl.col("hotel_off").fill_null(0))).fill_null(0)
    trips = trips.with_columns(pl.when(pl.col("with_flight") | pl.col("with_hotel")).then(paid).alias("revenue_usd"))

    minutes = (pl.col("session_end") - pl.col("session_start")).dt.total_microseconds() / 60_000_000
    activity = visits.group_by("user_id").agg(
        pl.len().alias("sessions"), pl.col("cancellation").sum().alias("cancellations"), pl.col("page_clicks").mean(),
        minutes.filter(pl.col("session_end") >= pl.col("session_start")).mean().alias("minutes"))
    completed = pl.col("booked_at").is_not_null() & pl.col("cancelled_at").is_null()
    outcomes = trips.group_by("user_id").agg(
        pl.len().alias("all_trips"), completed.sum().alias("completed_trips"), pl.col("cancelled_at").is_not_null().sum().alias("cancelled_trips"),
        pl.col("revenue_usd").filter(completed).sum().alias("revenue"))
    bookings = trips.filter(pl.col("booked_at").is_not_null()).group_by("user_id").agg(
        pl.len().alias("booked_trips"), pl.col("with_flight").sum().alias("flights"), pl.col("with_hotel").sum().alias("stays"), pl.col("discounted").mean().alias("discount_share"),
        (~pl.col("with_hotel")).filter(pl.col("with_flight")).mean().alias("flight_only_share"), pl.col("lead_days").mean(), pl.col("checked_bags").mean().alias("bags_per_flight"),
        (pl.col("checked_bags") > pl.col("seats")).mean().alias("more_bags_than_seats"), pl.col("seats").mean(), pl.col("km").mean(), pl.col("days_away").mean(),
        pl.col("base_fare_usd").mean().alias("fare_usd"), pl.col("saved_usd").sum(), pl.col("km").sum().alias("km_flown"), pl.col("nights").mean(), pl.col("rooms").mean(),
        pl.col("stay_usd").mean())

    last_day = datetime.date(2023, 7, 28)
    birthday = pl.col("birthdate").dt
    age = last_day.year - birthday.year() - ((birthday.month() > last_day.month) | ((birthday.month() == last_day.month) & (birthday.day() > last_day.day))).cast(pl.Int32)
    counts = ["booked_trips", "completed_trips", "cancelled_trips", "flights", "stays"]
    return customers.join(activity, on="user_id", how="inner").join(outcomes, on="user_id", how="left").join(bookings, on="user_id", how="left").with_columns(
        age.alias("age"), (pl.col("cancelled_trips") / pl.col("all_trips")).alias("cancelled_share")).with_columns(pl.col(counts).fill_null(0)).with_columns(
        pl.when(pl.col("sessions") > pl.col("cancellations")).then(pl.col("booked_trips") / (pl.col("sessions") - pl.col("cancellations"))).otherwise(0.0).alias("conversion"),
        pl.when(pl.col("km_flown") > 0).then(pl.col("saved_usd").fill_null(0) / pl.col("km_flown")).alias("saved_per_km"),
        pl.col("revenue").fill_null(0).alias("revenue_usd")).select(
        "user_id", "age", "gender", "married", "has_children", "home_country", "home_city", "sessions", "page_clicks", "minutes", *counts, "conversion", "cancelled_share",
        "discount_share", "flight_only_share", "lead_days", "bags_per_flight", "more_bags_than_seats", "seats", "km", "days_away", "fare_usd", "saved_per_km", "nights", "rooms",
        "stay_usd", "revenue_usd")
