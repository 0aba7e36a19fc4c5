#!/usr/bin/env python3
"""The published numbers, through the traveltide program, from the real rows."""
import collections
import json
import pathlib
import tempfile

from application import Checks, real_rows, rows_of, run

FACTS = {
    "users": 5998, "sessions": 49211, "browsing": 32509, "booking": 16092, "cancellation": 610,
    "trips": 16099, "trips_both": 11931, "trips_flight_only": 1786, "trips_hotel_only": 2382, "trips_not_cancelled": 15489,
    "users_with_cancellation": 595, "users_without_trip": 456, "users_without_uncancelled_trip": 556,
    "median_clicks_booking": 22, "median_clicks_browsing": 8, "median_clicks_cancellation": 145.5, "mean_clicks": 17.588791,
    "users_with_children": 1958, "gender_f": 5292, "gender_m": 695, "gender_o": 11}
QUALITY = {
    "nights_not_positive": 1313, "nights_one_short": 8622, "check_out_before_check_in": 226, "flights_without_return": 597,
    "cancellations_without_booking": 7, "flight_booked_without_flight": 50, "hotel_booked_without_hotel": 193}
SEGMENTS = {
    "Family Market": 1330, "Premium High Engaged Other": 1180, "Mid-Ranged High Engaged Core": 1100,
    "Mid-Ranged High Engaged Other": 897, "Price Sensitive Buyer": 869, "Premium High Engaged Core": 622}
SPEND = {"Budget": 1268, "Mid-Range": 2928, "Premium": 1802}
NEVER_TAKEN = {
    "Premium Core": "dead", "Premium Other": "dead", "Mid-Ranged Core": "dead", "Mid-Ranged Other": "dead", "Dormant": "dead",
    "At Risk": "unreachable", "Unclassified": "unreachable"}


def check_cohorts(checks, raw, out):
    report = run(out, "--data", raw, "--recipe", "segment-rules")
    checks.equal(set(report["facts"]), set(FACTS), "names of the facts")
    for name, value in FACTS.items():
        checks.equal(report["facts"].get(name), value, f"facts.{name}", tolerance=5e-7)
    for name, value in QUALITY.items():
        checks.equal(report["quality"].get(name), value, f"quality.{name}")
    later = run(out, "--data", raw, "--recipe", "segment-rules", "--since", "2023-01-05")
    checks.equal((later["facts"]["users"], later["facts"]["sessions"]), (5782, 47436), "cohort since 2023-01-05")
    fewer = run(out, "--data", raw, "--recipe", "segment-rules", "--min-sessions", "10")
    checks.that(0 < fewer["facts"]["users"] < 5782, "--min-sessions 10 keeps fewer customers")


def check_segment_rules(checks, raw, out):
    report = run(out, "--data", raw, "--recipe", "segment-rules")
    checks.equal(report["results"]["segments"], SEGMENTS, "segment sizes")
    checks.equal(report["results"]["spend_segments"], SPEND, "spend groups")
    rows = rows_of(out / "assignments.csv")
    checks.equal(list(rows[0])[:3], ["user_id", "perk", "segment"], "first columns of assignments.csv")
    checks.equal(dict(collections.Counter(row["segment"] for row in rows)), SEGMENTS, "segments in assignments.csv")
    checks.equal(dict(collections.Counter(row["spend_segment"] for row in rows)), SPEND, "spend groups in assignments.csv")
    checks.that(all(row["perk"] == "" for row in rows), "segment-rules gives no perk")
    checks.equal(sum(row["business"] == "true" for row in rows), 16, "business travellers")
    checks.equal(min(int(row["clicks"]) for row in rows), 33, "smallest total of clicks")
    sizes = {row["segment"]: int(row["customers"]) for row in rows_of(out / "segments.csv")}
    checks.equal(sizes, SEGMENTS, "sizes in segments.csv")

    rules = json.loads((out / "rules.json").read_text())
    by_name = {rule["name"]: rule for rule in rules["rules"]}
    checks.equal({name: rule["status"] for name, rule in by_name.items() if rule["taken"] == 0}, NEVER_TAKEN, "rules never taken")
    family = by_name["Family Market"]
    checks.equal((family["true"], family["taken"], family["shadowed"]), (1956, 1330, 626), "Family: true, taken, shadowed")
    checks.equal(sum(n for name, n in family["shadowed_by"].items() if name.startswith("Premium")), 626, "Family taken earlier by Premium")
    spend = {rule["name"]: rule for rule in rules["spend_rules"]}
    checks.equal((spend["Budget"]["unknown"], spend["Mid-Range"]["unknown"]), (587, 845), "unknown comparisons of Budget and Mid-Range")
    checks.equal(rules["premium"], {"taken": 1802, "neither_value": 463, "one_null_other_at_most_500": 124, "one_null_other_above_1000": 258, "no_null": 957},
                 "what Premium is made of")
    for rule in rules["rules"] + rules["spend_rules"]:
        checks.equal(rule["true"] + rule["false"] + rule["unknown"], rules["rows"], f"{rule['name']}: true, false and unknown make up all rows")


def check_threads(checks, raw, out):
    """The same files, byte for byte, from any number of threads."""
    for recipe in ("segment-rules",):
        contents = []
        for threads in (1, 2, 3, 7):
            run(out, "--data", raw, "--recipe", recipe, "--threads", threads)
            contents.append([(out / name).read_bytes() for name in ("assignments.csv", "segments.csv")])
        checks.that(all(c == contents[0] for c in contents), f"{recipe}: the same bytes from 1, 2, 3 and 7 threads")


def main():
    folder = real_rows("published numbers")
    checks = Checks()
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work) / "out"
        check_cohorts(checks, folder / "raw", out)
        check_segment_rules(checks, folder / "raw", out)
        check_threads(checks, folder / "raw", out)
    checks.finish()


if __name__ == "__main__":
    main()
