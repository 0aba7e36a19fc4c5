#!/usr/bin/env python3
"""What perk-fit promises, on a generated company; with habits planted it must find them, without it must not.

Standard library only; needs no real rows.
"""
import collections
import pathlib
import re
import tempfile

from application import Checks, rows_of, run, traveltide

PERKS = ["free hotel meal", "free checked bag", "no cancellation fees", "exclusive discounts", "free night with flight"]
SCORES = dict(zip(PERKS, ["hotel_meal", "checked_bag", "cancellation", "discounts", "free_night"]))


def check_assignments(checks, out, report, what):
    rows = rows_of(out / "assignments.csv")
    checks.equal(list(rows[0])[:3], ["user_id", "perk", "segment"], f"{what}: first columns")
    checks.equal(len({row["user_id"] for row in rows}), report["facts"]["users"], f"{what}: every customer once")
    checks.equal(len(rows), report["facts"]["users"], f"{what}: no customer twice")
    counts = collections.Counter(row["perk"] for row in rows)
    checks.equal({perk: counts[perk] for perk in PERKS}, {perk: report["results"]["perks"][perk]["customers"] for perk in PERKS}, f"{what}: counts of the perks")
    checks.equal(sum(counts[perk] for perk in PERKS), len(rows), f"{what}: one of the five perks for everybody")
    wrong = collections.Counter()
    for row in rows:
        scores = {perk: float(row[column]) for perk, column in SCORES.items()}
        ordered = sorted(scores.values(), reverse=True)
        wrong["score"] += abs(float(row["score"]) - ordered[0]) > 1e-12
        wrong["margin"] += abs(float(row["margin"]) - (ordered[0] - ordered[1])) > 1e-12
        wrong["range"] += not all(0 <= score <= 1 for score in scores.values())
        if ordered[0] > 0:
            wrong["highest"] += scores[row["perk"]] != ordered[0]
            wrong["rule"] += row["rule"] != "highest score"
            wrong["runner-up"] += (row["runner_up"] != "") != (ordered[1] > 0) or (row["runner_up"] != "" and scores[row["runner_up"]] != ordered[1])
            wrong["runner-up is another"] += row["runner_up"] == row["perk"]
        else:
            wrong["fallback"] += row["rule"] != "fallback: no signal" or row["perk"] != "exclusive discounts" or row["runner_up"] != ""
    checks.equal({name: n for name, n in wrong.items() if n}, {}, f"{what}: rows that contradict their scores")
    checks.equal(sum(row["rule"].startswith("fallback") for row in rows), report["results"]["without_signal"], f"{what}: customers without a signal")
    sizes = {row["segment"]: int(row["customers"]) for row in rows_of(out / "segments.csv")}
    checks.equal(sizes, dict(collections.Counter(row["segment"] for row in rows)), f"{what}: sizes of the segments")
    checks.equal(sum(float(row["revenue_share"]) for row in rows_of(out / "segments.csv")), 1.0, f"{what}: revenue shares", tolerance=1e-9)


def check_scores(checks, report, what):
    for perk in PERKS:
        result = report["results"]["perks"][perk]
        checks.equal(sum(part["weight"] for part in result["parts"]), 1.0, f"{what}: {perk}: weights", tolerance=1e-12)
        for part in result["parts"]:
            checks.that(0 < part["gate_share"] <= 0.5, f"{what}: {perk}: the gate of {part['behaviour']} passes {part['gate_share']:.3f}")
        answers = [result[answer]["passed"] for answer in ("shown", "distinct", "persistent")]
        expected = "supported" if all(answers) else "partly supported" if answers[0] and answers[1] else "not supported"
        checks.equal(result["verdict"], expected, f"{what}: {perk}: verdict")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name, options in (("plain", []), ("planted", ["--plant-persistence"])):
            made = traveltide("generate", "--customers", 3000, "--seed", 11, "--out", work / name, *options)
            checks.equal(made.returncode, 0, f"generate {name}")
            report = run(work / "out", "--data", work / name)
            check_assignments(checks, work / "out", report, name)
            check_scores(checks, report, name)
            page = (work / "out" / "report.html").read_text(encoding="utf-8")
            compared = [int(n) for n in re.findall(r"; (\d+) behaviours compared", page)]
            checks.equal(compared, [3, 3, 3, 5, 5], f"{name}: each perk says how many behaviours it was compared in")
            checks.that(f"for the {sum(compared)} comparisons of all perks" in page, f"{name}: intervals are widened for all of them")
            checks.that(re.search(r"\d, by the recipe<", page), f"{name}: the number of clusters that the recipe chose is a parameter")
            perks = report["results"]["perks"]
            lasting = [perk for perk in PERKS if perks[perk]["persistent"]["passed"]]
            if name == "plain":
                checks.equal(lasting, [], "plain: no habit lasts")
                checks.that(all(perks[perk]["verdict"] != "supported" for perk in PERKS), "plain: nothing is supported")
            else:
                checks.that(len(lasting) >= 4, f"planted: habits last: {lasting}")
                checks.that(any(perks[perk]["verdict"] == "supported" for perk in PERKS), "planted: something is supported")

        again = [(work / "out" / name).read_bytes() for name in ("assignments.csv", "segments.csv")]
        run(work / "out", "--data", work / "planted", "--threads", 1)
        checks.that(again == [(work / "out" / name).read_bytes() for name in ("assignments.csv", "segments.csv")], "the same bytes from one thread and from all")
        four = run(work / "out", "--data", work / "plain", "--clusters", 4)
        named = {row["segment"] for row in rows_of(work / "out" / "assignments.csv")} - {"No booking yet"}
        checks.equal(len(named), 4, "--clusters 4 gives four segments of those who booked")
        checks.equal(four["parameters"]["clusters"], 4, "--clusters 4 in run.json")
    checks.finish()


if __name__ == "__main__":
    main()
