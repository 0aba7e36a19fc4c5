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


BEST_INERTIA = {2: 23408.328, 3: 18719.929, 4: 14943.916, 5: 12657.5015, 6: 11246.619, 7: 10121.287, 8: 9282.239}


def check_kmeans_perks(checks, folder, out):
    assignments = []
    for source in (("--data", folder / "raw"), ("--user-table", folder / "seed-003" / "metrics.csv.gz")):
        results = run(out, *source, "--recipe", "kmeans-perks")["results"]
        checks.equal(results["sizes"], [1533, 1487, 1371, 1069, 538], f"kmeans-perks {source[0]}: sizes")
        checks.equal(results["inertia"], 12657.5015, f"kmeans-perks {source[0]}: inertia", tolerance=5e-5)
        checks.equal(results["silhouette"], 0.29492, f"kmeans-perks {source[0]}: silhouette", tolerance=5e-6)
        for trial in results["trials"]:
            checks.that(trial["inertia"] <= BEST_INERTIA[trial["clusters"]] * (1 + 1e-4), f"kmeans-perks {source[0]}: inertia of {trial['clusters']} clusters")
        checks.equal([t["clusters"] for t in results["trials"]], sorted(BEST_INERTIA), f"kmeans-perks {source[0]}: numbers of clusters tried")
        shares = [round(100 * share, 2) for share in results["explained_variance_ratio"]]
        checks.equal(shares, [33.58, 21.23, 20.11, 16.66, 8.43], f"kmeans-perks {source[0]}: explained variance")
        sizes = [int(row["customers"]) for row in rows_of(out / "segments.csv")]
        checks.equal(sizes, results["sizes"], f"kmeans-perks {source[0]}: sizes in segments.csv")
        assignments.append({row["user_id"]: row["segment"] for row in rows_of(out / "assignments.csv")})
    checks.equal(assignments[0], assignments[1], "kmeans-perks: the same clusters from raw rows and from the published table")
    three = run(out, "--user-table", folder / "seed-003" / "metrics.csv.gz", "--recipe", "kmeans-perks", "--clusters", 3, "--seed", 7)["results"]
    checks.equal((three["clusters"], len(three["sizes"])), (3, 3), "kmeans-perks --clusters 3")


def check_iqr_pca(checks, folder, out):
    report = run(out, "--user-table", folder / "seed-001" / "customers.csv.gz", "--recipe", "iqr-pca")
    results = report["results"]
    checks.equal((results["unguarded"]["kept"], results["guarded"]["kept"]), (4929, 5588), "iqr-pca: customers kept without and with the guard")
    columns = results["unguarded"]["columns"]
    checks.equal({name: columns[name]["beyond"] for name in ("age", "gender_code", "hotel_spend")}, {"age": 67, "gender_code": 706, "hotel_spend": 347},
                 "iqr-pca: customers removed by one figure alone")
    checks.equal(columns["hotel_spend"]["upper"], 5317.25, "iqr-pca: fence of the hotel spend")
    checks.equal([name for name, column in results["guarded"]["columns"].items() if not column["trimmed"]], ["gender_code", "married", "has_children"],
                 "iqr-pca: columns that the guard leaves alone")
    checks.that(any("gender" in warning and "interquartile range is zero" in warning and "706" in warning for warning in report["warnings"]),
                "iqr-pca: the guard says why")
    checks.equal([round(share, 4) for share in results["explained_variance_ratio"]], [0.3755, 0.2584, 0.2378, 0.1282, 0.0], "iqr-pca: explained variance")
    beyond = sum(row["segment"] == "Beyond the fences" for row in rows_of(out / "assignments.csv"))
    checks.equal(beyond, 5998 - 4929, "iqr-pca: every customer is in the output, the outliers marked")


def check_perk_fit(checks, raw, out):
    """The real rows have no lasting habits, and the verdicts must say so."""
    report = run(out, "--data", raw)
    for name, perk in report["results"]["perks"].items():
        checks.that(perk["verdict"] in ("partly supported", "not supported"), f"perk-fit: {name} is not supported; the verdict is {perk['verdict']}")
        checks.that(abs(perk["persistent"]["rank_correlation"]) < 0.05 and not perk["persistent"]["passed"], f"perk-fit: {name} does not last")
        checks.that(perk["shown"]["passed"], f"perk-fit: {name} is shown")


def check_threads(checks, raw, out):
    """The same files, byte for byte, from any number of threads."""
    for recipe in ("perk-fit", "segment-rules", "kmeans-perks", "iqr-pca"):
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
        check_kmeans_perks(checks, folder, out)
        check_iqr_pca(checks, folder, out)
        check_perk_fit(checks, folder / "raw", out)
        check_threads(checks, folder / "raw", out)
    checks.finish()


if __name__ == "__main__":
    main()
