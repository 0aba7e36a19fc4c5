#!/usr/bin/env python3
"""Independent oracle for the TravelTide application: pandas on the four raw tables, nothing shared with the C++ code.

    oracle.py --data DIR --out DIR [--since 2023-01-04] [--min-sessions 8] [--user-tables DIR] [--check]

DIR holds users, sessions, flights, hotels as .csv or .csv.gz. Written:

    facts.json           "facts" (the names of run.json), spend groups, segments, coverage of the segment rules,
                         and, with --user-tables (or when the published tables lie beside DIR), the weighted index
                         and the agreement of raw-derived metrics with the published ones
    segment_rules.csv    one row a customer: segment, spend group, and every number the rules look at
    kmeans_features.csv  one row a customer: the five features of the k-means-on-perks recipe

--check compares with the published numbers and exits 1 on any difference; it is for the published rows only.

Readings (found by experiment, each is the one that gives the published numbers exactly):

  cohort          sessions with session_start >= since (midnight); users with at least min-sessions of them; every
                  table is cut to those users and those sessions, flights and hotels to the trips of those sessions
  joined rows     one row a session: sessions, left join flights and hotels on trip_id (so the products of a cancelled
                  trip appear twice, once on the booking and once on the cancellation session)
  segment rules   rows with stored nights < 0 are dropped whole (107 rows), booking and cancellation alike
                  nights := floor((check_out - check_in) / 24 h) + 1; 24 h are exact, not calendar days
                  "uncancelled" rows are session rows with cancellation = false; the booking session of a trip that
                  was cancelled later is one of them
                  f = mean of base_fare_usd, h = mean of hotel_per_room_usd * nights, both over uncancelled rows with
                  the product's booked flag; null when there is none
                  clicks: all remaining joined rows, cancellations included; engaged: total >= 22
                  age = days(2025-11-30 - birthdate) // 365; core: 35 <= age <= 49
                  business: flights = hotels = joint are counts of uncancelled rows with the booked flags; means of
                  seats, bags and nights (the repaired nights, limit 3) over uncancelled rows; ratio = uncancelled
                  booked flights departing Monday to Saturday / all remaining joined rows of the customer.
                  Counting over all rows of the customer, or over uncancelled ones only, gives the same 16 people.
                  With stored nights it would be 33, with Monday to Friday 9.
                  Business: 16 people, 2 with children; hence "Family" is true for 1,956 of 1,958. Business itself
                  opens no segment; its 16 people fall under Budget (12) and Mid-Range (4).
                  high risk: cancellation rows / booking rows (trip_id, cancellation = false) > 0.10. No published
                  number depends on it: the At Risk leaf cannot be reached. (Other readings of "bookings" make it
                  true for 593 or 485 instead of 591.)
                  "other" leaves: not core; the last leaf of each group takes what is left of it.
  weighted index  z with the sample deviation; the least of five `min` ranks wins, ties in the stated order
  k-means         conversion = rows with a trip_id / rows; cancelled = cancellation rows / rows with a trip_id, 0
                  without any; bags = sum of checked_bags over all joined rows (cancelled trips twice), 0 without
                  flights; children 0/1; age = completed years on 2023-09-25. All five equal the published columns
                  "Conversion rate", "% of Trips Cancelled", "Bag count", "Has kids?", "User Age" for all customers.
  IQR             gender coded F 0, M 1, O 2; quartiles by linear interpolation; fences closed, all from one pass; null hotel
                  spend as 0; the default guard leaves gender, married and children alone
  raw metrics     % of Flight discount = mean of the flag over all rows; Average Flight Discount = mean of the amount
                  over the rows that have one, 0 without; ADS per km = sum(base_fare_usd * flight_discount_amount) /
                  sum(km) over all joined rows (nulls skipped in each sum), 0 without; km = the company's own SQL
                  distance. Also equal for everybody: Average Hotel Discount, Frequent traveller (rows with trip_id),
                  Flight_Conversion_Rate (mean of flight_booked over all rows), Long Distance Traveller (mean SQL
                  km over joined rows, 0 without flights).
"""
import argparse
import json
import pathlib
import sys

import numpy as np
import pandas as pd

SEGMENT_REFERENCE = pd.Timestamp("2025-11-30")
KMEANS_REFERENCE = pd.Timestamp("2023-09-25")
CATEGORIES = {
    "Premium": ("Premium High Engaged Core", "Premium High Engaged Other", "Premium Core", "Premium Other"),
    "Mid-Range": ("Mid-Ranged High Engaged Core", "Mid-Ranged Core", "Mid-Ranged High Engaged Other", "Mid-Ranged Other"),
    "Budget": ("Price Sensitive Buyer", "Dormant"),
}


def read_table(folder, name, times):
    for ending in (".csv", ".csv.gz"):
        file = folder / (name + ending)
        if file.exists():
            # Only "" is a null: a city or an airline may well be called "NA".
            table = pd.read_csv(file, keep_default_na=False, na_values=[""])
            for column in times:
                table[column] = pd.to_datetime(table[column], format="ISO8601")
            return table
    sys.exit(f"oracle: {folder}: no {name}.csv or {name}.csv.gz")


def read_company(folder):
    return {
        "users": read_table(folder, "users", ["birthdate", "sign_up_date"]),
        "sessions": read_table(folder, "sessions", ["session_start", "session_end"]),
        "flights": read_table(folder, "flights", ["departure_time", "return_time"]),
        "hotels": read_table(folder, "hotels", ["check_in_time", "check_out_time"]),
    }


def cut_to_cohort(company, since, min_sessions):
    sessions = company["sessions"]
    sessions = sessions[sessions["session_start"] >= pd.Timestamp(since)]
    counts = sessions.groupby("user_id").size()
    members = counts[counts >= min_sessions].index
    sessions = sessions[sessions["user_id"].isin(members)]
    trips = sessions["trip_id"].dropna().unique()
    return {
        "users": company["users"][company["users"]["user_id"].isin(members)],
        "sessions": sessions,
        "flights": company["flights"][company["flights"]["trip_id"].isin(trips)],
        "hotels": company["hotels"][company["hotels"]["trip_id"].isin(trips)],
    }


def join_products(cohort):
    joined = cohort["sessions"].merge(cohort["users"], on="user_id", how="left")
    joined = joined.merge(cohort["flights"], on="trip_id", how="left", validate="many_to_one")
    return joined.merge(cohort["hotels"], on="trip_id", how="left", validate="many_to_one")


def cohort_facts(cohort):
    users, sessions = cohort["users"], cohort["sessions"]
    has_trip = sessions["trip_id"].notna()
    cancellation = sessions["cancellation"]
    booking = has_trip & ~cancellation
    clicks = sessions["page_clicks"]
    trips = set(sessions.loc[has_trip, "trip_id"])
    cancelled_trips = set(sessions.loc[cancellation, "trip_id"])
    flown = set(cohort["flights"]["trip_id"])
    slept = set(cohort["hotels"]["trip_id"])
    with_uncancelled = sessions[has_trip & ~sessions["trip_id"].isin(cancelled_trips)]["user_id"].nunique()
    genders = users["gender"].value_counts()
    nights = cohort["hotels"]["nights"]
    hotels, flights = cohort["hotels"], cohort["flights"]
    return {
        "users": len(users),
        "sessions": len(sessions),
        "browsing": int((~has_trip).sum()),
        "booking": int(booking.sum()),
        "cancellation": int(cancellation.sum()),
        "trips": len(trips),
        "trips_both": len(trips & flown & slept),
        "trips_flight_only": len((trips & flown) - slept),
        "trips_hotel_only": len((trips & slept) - flown),
        "trips_not_cancelled": len(trips - cancelled_trips),
        "users_with_cancellation": int(sessions[cancellation]["user_id"].nunique()),
        "users_without_trip": len(users) - int(sessions[has_trip]["user_id"].nunique()),
        "users_without_uncancelled_trip": len(users) - int(with_uncancelled),
        "median_clicks_booking": float(clicks[booking].median()),
        "median_clicks_browsing": float(clicks[~has_trip].median()),
        "median_clicks_cancellation": float(clicks[cancellation].median()),
        "mean_clicks": float(clicks.mean()),
        "users_with_children": int(users["has_children"].sum()),
        "gender_f": int(genders.get("F", 0)),
        "gender_m": int(genders.get("M", 0)),
        "gender_o": int(genders.get("O", 0)),
        # Data quality, beyond the facts of run.json.
        "cancelled_trips_with_booking": len(cancelled_trips & set(sessions.loc[booking, "trip_id"])),
        "cancelled_trips_without_booking": len(cancelled_trips - set(sessions.loc[booking, "trip_id"])),
        "flights": len(flights),
        "hotels": len(hotels),
        "flight_booked_without_flight": int((sessions["flight_booked"] & ~sessions["trip_id"].isin(flown)).sum()),
        "hotel_booked_without_hotel": int((sessions["hotel_booked"] & ~sessions["trip_id"].isin(slept)).sum()),
        "nights_minus_two": int((nights == -2).sum()),
        "nights_minus_one": int((nights == -1).sum()),
        "nights_zero": int((nights == 0).sum()),
        "check_out_before_check_in": int((hotels["check_out_time"] < hotels["check_in_time"]).sum()),
        "flights_without_return": int(flights["return_time"].isna().sum()),
        "return_equal_to_departure": int((flights["return_time"] == flights["departure_time"]).sum()),
    }


# Three-valued comparison, as a float: 1 true, 0 false, NaN unknown. AND is the minimum and OR the maximum where known.
def compare(values, predicate):
    answer = predicate(values).astype(float)
    answer[values.isna()] = np.nan
    return answer


def logical_and(a, b):
    known = pd.concat([a, b], axis=1)
    answer = known.min(axis=1, skipna=False)
    answer[(known == 0).any(axis=1)] = 0.0
    return answer


def logical_or(a, b):
    known = pd.concat([a, b], axis=1)
    answer = known.max(axis=1, skipna=False)
    answer[(known == 1).any(axis=1)] = 1.0
    return answer


def segment_rules(cohort):
    """One row a customer, indexed by user_id, with everything the rules look at and what they give."""
    joined = join_products(cohort)
    joined = joined[~(joined["nights"] < 0)].copy()
    joined["repaired_nights"] = (joined["check_out_time"] - joined["check_in_time"]) // pd.Timedelta(days=1) + 1
    joined["stay_price"] = joined["hotel_per_room_usd"] * joined["repaired_nights"]
    uncancelled = joined[~joined["cancellation"]]
    users = cohort["users"].set_index("user_id").sort_index()

    def per_user(rows, column, how):
        return rows.groupby("user_id")[column].agg(how).reindex(users.index)

    def count(rows):
        return rows.groupby("user_id").size().reindex(users.index, fill_value=0)

    table = pd.DataFrame(index=users.index)
    table["f"] = per_user(uncancelled[uncancelled["flight_booked"]], "base_fare_usd", "mean")
    table["h"] = per_user(uncancelled[uncancelled["hotel_booked"]], "stay_price", "mean")
    table["age"] = (SEGMENT_REFERENCE - users["birthdate"]).dt.days // 365
    table["clicks"] = per_user(joined, "page_clicks", "sum").fillna(0).astype(int)
    table["rows"] = count(joined)
    table["flights"] = count(uncancelled[uncancelled["flight_booked"]])
    table["hotels"] = count(uncancelled[uncancelled["hotel_booked"]])
    table["joint"] = count(uncancelled[uncancelled["flight_booked"] & uncancelled["hotel_booked"]])
    table["mean_seats"] = per_user(uncancelled, "seats", "mean")
    table["mean_bags"] = per_user(uncancelled, "checked_bags", "mean")
    table["mean_nights"] = per_user(uncancelled, "repaired_nights", "mean")
    monday_to_saturday = uncancelled["flight_booked"] & (uncancelled["departure_time"].dt.day_of_week <= 5)
    table["weekday_ratio"] = count(uncancelled[monday_to_saturday]) / table["rows"]
    table["cancellations"] = count(joined[joined["cancellation"]])
    table["bookings"] = count(uncancelled[uncancelled["trip_id"].notna()])
    table["cancellation_ratio"] = table["cancellations"] / table["bookings"].where(table["bookings"] > 0)

    f, h = table["f"], table["h"]
    table["budget_condition"] = logical_and(compare(f, lambda x: x <= 500), compare(h, lambda x: x <= 500))
    table["mid_range_condition"] = logical_or(compare(f, lambda x: (x > 500) & (x <= 1000)),
                                              compare(h, lambda x: (x > 500) & (x <= 1000)))
    table["spend_segment"] = np.where(table["budget_condition"] == 1, "Budget",
                                      np.where(table["mid_range_condition"] == 1, "Mid-Range", "Premium"))

    table["engaged"] = table["clicks"] >= 22
    table["core"] = table["age"].between(35, 49)
    table["business"] = (
        table["age"].between(30, 55)
        & (table["flights"] == table["hotels"]) & (table["flights"] == table["joint"])
        & (table["mean_seats"] <= 1) & (table["mean_bags"] <= 1) & (table["mean_nights"] <= 3)
        & (table["weekday_ratio"] > 0.6))
    table["family"] = users["has_children"] & ~table["business"]
    table["high_risk"] = table["cancellation_ratio"] > 0.10

    taken_by = pd.Series(index=table.index, dtype=object)
    for name, condition in ordered_rules(table):
        taken_by[taken_by.isna() & condition] = name
    table["segment"] = taken_by
    return table


def ordered_rules(table):
    """(name, condition) in the author's order; a condition says all that its leaf asks for, itself alone."""
    spend, engaged, core = table["spend_segment"], table["engaged"], table["core"]
    premium, mid, budget = spend == "Premium", spend == "Mid-Range", spend == "Budget"
    leaves = CATEGORIES["Premium"]
    rules = [
        (leaves[0], premium & core & engaged),
        (leaves[1], premium & ~core & engaged),
        (leaves[2], premium & core),
        (leaves[3], premium),
        ("Family Market", table["family"]),
    ]
    leaves = CATEGORIES["Mid-Range"]
    rules += [
        (leaves[0], mid & core & engaged),
        (leaves[1], mid & core),
        (leaves[2], mid & ~core & engaged),
        (leaves[3], mid),
    ]
    leaves = CATEGORIES["Budget"]
    rules += [
        (leaves[0], budget & engaged),
        (leaves[1], budget),
        ("At Risk", table["high_risk"]),
        ("Unclassified", pd.Series(True, index=table.index)),
    ]
    return rules


def rule_coverage(table):
    rows = []
    for name, condition in ordered_rules(table):
        taken = table["segment"] == name
        shadowed = table.loc[condition & ~taken, "segment"].value_counts()
        unknown = int(table["cancellation_ratio"].isna().sum()) if name == "At Risk" else 0
        rows.append({
            "name": name,
            "true": int(condition.sum()),
            "false": int((~condition).sum()) - unknown,
            "unknown": unknown,
            "taken": int(taken.sum()),
            "shadowed": int(shadowed.sum()),
            "shadowed_by": {key: int(value) for key, value in shadowed.items()},
            "never_taken": not bool(taken.any()),
        })
    return rows


def spend_coverage(table):
    def row(name, condition):
        return {"name": name, "true": int((condition == 1).sum()), "false": int((condition == 0).sum()),
                "unknown": int(condition.isna().sum()), "taken": int((table["spend_segment"] == name).sum())}

    premium = table[table["spend_segment"] == "Premium"]
    nulls = premium[["f", "h"]].isna().sum(axis=1)
    other = premium["f"].fillna(premium["h"])
    return {
        "Budget": row("Budget", table["budget_condition"]),
        "Mid-Range": row("Mid-Range", table["mid_range_condition"]),
        "Premium": {
            "taken": len(premium),
            "neither_value": int((nulls == 2).sum()),
            "one_null_other_at_most_500": int(((nulls == 1) & (other <= 500)).sum()),
            "one_null_other_above_1000": int(((nulls == 1) & (other > 1000)).sum()),
            "no_null": int((nulls == 0).sum()),
        },
    }


def completed_years(birthdate, date):
    had_birthday = (birthdate.dt.month < date.month) | ((birthdate.dt.month == date.month) & (birthdate.dt.day <= date.day))
    return date.year - birthdate.dt.year - (~had_birthday).astype(int)


def company_distance(joined):
    """The SQL function of the company: equirectangular, 111.19 km a degree, 57.3 degrees a radian."""
    north = 111.19 * (joined["destination_airport_lat"] - joined["home_airport_lat"])
    east = 111.19 * (joined["destination_airport_lon"] - joined["home_airport_lon"]) * np.cos(joined["home_airport_lat"] / 57.3)
    return np.sqrt(north * north + east * east)


def kmeans_features(cohort):
    joined = join_products(cohort)
    users = cohort["users"].set_index("user_id").sort_index()
    by_user = joined.groupby("user_id")
    with_trip = joined["trip_id"].notna().groupby(joined["user_id"]).sum()
    cancelled = joined["cancellation"].groupby(joined["user_id"]).sum()
    table = pd.DataFrame(index=users.index)
    table["conversion"] = with_trip / by_user.size()
    table["has_children"] = users["has_children"].astype(int)
    table["cancelled"] = (cancelled / with_trip.where(with_trip > 0)).fillna(0)
    table["age"] = completed_years(users["birthdate"], KMEANS_REFERENCE)
    table["bags"] = by_user["checked_bags"].sum()
    return table


def published_metrics(cohort):
    """The columns of the published metrics table that can be had from the raw rows, under their published names."""
    joined = join_products(cohort)
    joined["km"] = company_distance(joined)
    joined["saved"] = joined["base_fare_usd"] * joined["flight_discount_amount"]
    by_user = joined.groupby("user_id")
    features = kmeans_features(cohort)
    table = pd.DataFrame(index=features.index)
    table["% of Flight discount"] = by_user["flight_discount"].mean()
    table["Average Flight Discount"] = by_user["flight_discount_amount"].mean().fillna(0)
    table["% of Hotel discount"] = by_user["hotel_discount"].mean()
    table["Average Hotel Discount"] = by_user["hotel_discount_amount"].mean().fillna(0)
    km = by_user["km"].sum()
    table["Average_dollarsaved_per_km"] = (by_user["saved"].sum() / km.where(km > 0)).fillna(0)
    table["Flight_Conversion_Rate"] = by_user["flight_booked"].mean()
    table["Frequent traveller"] = joined["trip_id"].notna().groupby(joined["user_id"]).sum().astype(float)
    table["Long Distance Traveller"] = by_user["km"].mean().fillna(0)
    table["Conversion rate"] = features["conversion"]
    table["% of Trips Cancelled"] = features["cancelled"]
    table["Has kids?"] = features["has_children"].astype(float)
    table["User Age"] = features["age"].astype(float)
    table["Bag count"] = features["bags"]
    return table


def equal_counts(derived, published):
    answer = {}
    for column in derived.columns:
        a, b = derived[column], published[column].reindex(derived.index)
        answer[column] = int(((a - b).abs() <= 1e-9 * b.abs().clip(lower=1)).sum())
    return answer


def weighted_index(metrics, assigned):
    z = ((metrics - metrics.mean()) / metrics.std(ddof=1)).fillna(0)
    indices = {      # in the order that decides ties
        "no cancellation fees": .33 * (z["% of Trips Cancelled"] + z["Long Term Planning"] + z["Conversion rate"]),
        "free night with flight": .33 * (z["% of Hotel discount"] + z["Average Hotel Discount"] + z["Weekend Traveller"]),
        "free hotel meal": .33 * (z["Above 55 ?"] + z["Frequent traveller"] + z["Has kids?"]),
        "free checked bag": .33 * (z["Long Distance Traveller"] + z["Bags&gt;Seats"] + z["Length of trip"]),
        "exclusive discounts": .25 * (z["Average_dollarsaved_per_km"] + z["% of Flight discount"] + z["Average Flight Discount"]
                                      + z["Flight_Conversion_Rate"]),
    }
    ranks = pd.DataFrame({name: index.rank(ascending=False, method="min") for name, index in indices.items()})
    perk = ranks.idxmin(axis=1)
    names = {"Free Cancellation": "no cancellation fees", "Free Night": "free night with flight", "Free Meal": "free hotel meal",
             "Free Bag": "free checked bag", "Exclusive Discount": "exclusive discounts"}
    published = assigned["perk_assigned"].map(names).reindex(perk.index)
    return perk, {
        "sizes": {key: int(value) for key, value in perk.value_counts().items()},
        "agreement": float((perk == published).mean()),
    }


def bargain_hunter(metrics):
    ads = metrics["Average_dollarsaved_per_km"]
    scaled = (ads - ads.min()) / (ads.max() - ads.min())
    return scaled * metrics["% of Flight discount"] * metrics["Average Flight Discount"]


def explained_variance(table):
    z = (table - table.mean()) / table.std(ddof=0).replace(0, 1)
    values = np.linalg.eigvalsh(np.cov(z.to_numpy(dtype=float).T, ddof=0))[::-1]
    return [float(max(v, 0)) for v in values / values.sum()]


def iqr_facts(customers):
    table = pd.DataFrame({
        "age": customers["age"], "gender": customers["gender"].map({"F": 0, "M": 1, "O": 2}),
        "married": customers["married"].astype(int), "children": customers["has_children"].astype(int),
        "hotel_spend": customers["money_spent_hotel"].fillna(0)})
    low, high = table.quantile(.25), table.quantile(.75)
    outside = (table < low - 1.5 * (high - low)) | (table > high + 1.5 * (high - low))
    # The guard leaves out columns with zero IQR or two values; only age and hotel spend are left.
    guarded = outside[["age", "hotel_spend"]]
    kept = table[~outside.any(axis=1)]
    return {
        "kept_unguarded": len(kept), "kept_guarded": int((~guarded.any(axis=1)).sum()),
        "removed_by": {column: int(outside[column].sum()) for column in table},
        "hotel_spend_fence": float((high + 1.5 * (high - low))["hotel_spend"]),
        "explained_variance_unguarded": explained_variance(kept),
    }


def user_table_facts(cohort, folder):
    metrics = pd.read_csv(folder / "seed-003/metrics.csv.gz").set_index("user_id").sort_index()
    assigned = pd.read_csv(folder / "seed-003/assigned_perks.csv.gz").set_index("user_id")
    customers = pd.read_csv(folder / "seed-001/customers.csv.gz").set_index("user_id").sort_index()
    perk, index = weighted_index(metrics, assigned)
    hunters = bargain_hunter(metrics)
    columns = ["Conversion rate", "Has kids?", "% of Trips Cancelled", "User Age", "Bag count"]
    return {
        "weighted_index": index,
        "metrics_equal_to_published": equal_counts(published_metrics(cohort), metrics),
        "bargain_hunter": {"mean": float(hunters.mean()), "max": float(hunters.max()), "positive": int((hunters > 0).sum())},
        "iqr": iqr_facts(customers),
        "kmeans_explained_variance": explained_variance(metrics[columns]),
    }, perk


EXPECTED = {
    "facts": {
        "users": 5998, "sessions": 49211, "browsing": 32509, "booking": 16092, "cancellation": 610, "trips": 16099,
        "trips_both": 11931, "trips_flight_only": 1786, "trips_hotel_only": 2382, "trips_not_cancelled": 15489,
        "users_with_cancellation": 595, "users_without_trip": 456, "users_without_uncancelled_trip": 556,
        "median_clicks_booking": 22, "median_clicks_browsing": 8, "median_clicks_cancellation": 145.5, "mean_clicks": 17.588791,
        "users_with_children": 1958, "gender_f": 5292, "gender_m": 695, "gender_o": 11, "cancelled_trips_with_booking": 603,
        "cancelled_trips_without_booking": 7, "flight_booked_without_flight": 50, "hotel_booked_without_hotel": 193,
        "nights_minus_two": 1, "nights_minus_one": 104, "nights_zero": 1208, "check_out_before_check_in": 226,
        "flights_without_return": 597, "return_equal_to_departure": 70},
    "next_day": {"users": 5782, "sessions": 47436},
    "spend_segments": {"Budget": 1268, "Mid-Range": 2928, "Premium": 1802},
    "segments": {"Family Market": 1330, "Premium High Engaged Other": 1180, "Mid-Ranged High Engaged Core": 1100,
                 "Mid-Ranged High Engaged Other": 897, "Price Sensitive Buyer": 869, "Premium High Engaged Core": 622},
    "business": 16, "least_clicks": 33,
    "spend_coverage": {"Budget": {"unknown": 587}, "Mid-Range": {"unknown": 845},
                       "Premium": {"neither_value": 463, "one_null_other_at_most_500": 124, "one_null_other_above_1000": 258, "no_null": 957}},
    "family": {"true": 1956, "taken": 1330, "shadowed": 626, "shadowed_by_premium": 626},
    "leaves_never_taken": 7,
    "user_tables": {
        "weighted_index": {"sizes": {"free night with flight": 1536, "free hotel meal": 1426, "exclusive discounts": 1187,
                                     "free checked bag": 1012, "no cancellation fees": 837}},
        "metrics_equal_to_published": {"% of Flight discount": 5998, "Average Flight Discount": 5998, "Average_dollarsaved_per_km": 5998,
                                       "% of Hotel discount": 5366, "Conversion rate": 5998, "Has kids?": 5998,
                                       "% of Trips Cancelled": 5998, "User Age": 5998, "Bag count": 5998},
        "iqr": {"kept_unguarded": 4929, "kept_guarded": 5588, "hotel_spend_fence": 5317.25,
                "removed_by": {"age": 67, "gender": 706, "hotel_spend": 347}}},
}


def differences(expected, actual, where=""):
    """Every place where `actual` lacks or contradicts what is expected; floats to the digits that are published."""
    found = []
    for key, value in expected.items():
        name = f"{where}{key}"
        if not isinstance(actual, dict) or key not in actual:
            found.append(f"{name}: absent")
        elif isinstance(value, dict):
            found += differences(value, actual[key], name + ".")
        elif abs(actual[key] - value) > 5e-7:
            found.append(f"{name}: expected {value}, found {actual[key]}")
    return found


def main():
    parser = argparse.ArgumentParser(description="pandas oracle for the TravelTide application")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the four raw tables (.csv or .csv.gz)")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for facts.json, segment_rules.csv, kmeans_features.csv")
    parser.add_argument("--since", default="2023-01-04")
    parser.add_argument("--min-sessions", type=int, default=8)
    parser.add_argument("--user-tables", type=pathlib.Path, help="folder with seed-001 and seed-003; the parent of --data if they are there")
    parser.add_argument("--check", action="store_true", help="compare with the published numbers")
    options = parser.parse_args()

    company = read_company(options.data)
    cohort = cut_to_cohort(company, options.since, options.min_sessions)
    rules = segment_rules(cohort)
    coverage = rule_coverage(rules)
    family = next(row for row in coverage if row["name"] == "Family Market")
    next_day = cut_to_cohort(company, "2023-01-05", 8)
    features = kmeans_features(cohort)
    report = {
        "since": options.since,
        "min_sessions": options.min_sessions,
        "facts": cohort_facts(cohort),
        "next_day": {"users": len(next_day["users"]), "sessions": len(next_day["sessions"])},
        "spend_segments": {key: int(value) for key, value in rules["spend_segment"].value_counts().items()},
        "segments": {key: int(value) for key, value in rules["segment"].value_counts().items()},
        "business": int(rules["business"].sum()),
        "least_clicks": int(rules["clicks"].min()),
        "spend_coverage": spend_coverage(rules),
        "coverage": coverage,
        "family": {"true": family["true"], "taken": family["taken"], "shadowed": family["shadowed"],
                   "shadowed_by_premium": sum(n for name, n in family["shadowed_by"].items() if name.startswith("Premium"))},
        "leaves_never_taken": sum(row["never_taken"] for row in coverage),
    }
    tables = options.user_tables or options.data.resolve().parent
    if (tables / "seed-003").is_dir():
        report["user_tables"], _ = user_table_facts(cohort, tables)

    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "facts.json").write_text(json.dumps(report, indent=2) + "\n")
    rules.insert(0, "segment", rules.pop("segment"))
    rules.insert(1, "spend_segment", rules.pop("spend_segment"))
    for column in ("engaged", "core", "business", "family", "high_risk"):
        rules[column] = np.where(rules[column].astype(bool), "true", "false")
    rules.to_csv(options.out / "segment_rules.csv", index_label="user_id", float_format="%.17g")
    features.to_csv(options.out / "kmeans_features.csv", index_label="user_id", float_format="%.17g")

    if options.check:
        found = differences(EXPECTED, report)
        if report.get("user_tables", {}).get("weighted_index", {}).get("agreement", 0) < 0.978:
            found.append("weighted_index.agreement: below 0.978")
        shares = report.get("user_tables", {})
        for name, actual, expected in (
                ("iqr", shares.get("iqr", {}).get("explained_variance_unguarded"), [0.3755, 0.2584, 0.2378, 0.1282, 0]),
                ("kmeans", shares.get("kmeans_explained_variance"), [0.3358, 0.2123, 0.2011, 0.1666, 0.0843])):
            if actual is None or [round(share, 4) for share in actual] != expected:
                found.append(f"{name} explained variance: expected {expected}, found {actual}")
        for line in found:
            print("oracle:", line)
        if found:
            sys.exit(1)
        print("oracle: every published number reproduced")


if __name__ == "__main__":
    main()
