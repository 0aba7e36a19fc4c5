#!/usr/bin/env python3
"""The traveltide program against the oracle (pandas): row by row, and from variants of the tables that must not matter.

Needs pandas for the oracle: run with the interpreter that SEGKIT_TEST_PYTHON names, else this one.
"""
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

from application import Checks, real_rows, rows_of, run, skip

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("SEGKIT_TEST_PYTHON", sys.executable)


def call(script, *arguments):
    subprocess.run([PYTHON, str(HERE / script), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def same_field(found, expected):
    if found == expected:
        return True
    try:
        a, b = float(found), float(expected)
    except ValueError:
        return False
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)


def compare_rows(checks, found_file, expected_file, what):
    """Every column that both files have, customer by customer."""
    found = {row["user_id"]: row for row in rows_of(found_file)}
    expected = {row["user_id"]: row for row in rows_of(expected_file)}
    checks.equal(set(found), set(expected), f"{what}: customers")
    columns = [c for c in next(iter(expected.values())) if c in next(iter(found.values()))]
    checks.that(len(columns) > 3, f"{what}: columns to compare")
    for column in columns:
        wrong = [u for u in expected if u in found and not same_field(found[u][column], expected[u][column])]
        example = f"; customer {wrong[0]}: found {found[wrong[0]][column]!r}, expected {expected[wrong[0]][column]!r}" if wrong else ""
        checks.that(not wrong, f"{what}: {column} differs for {len(wrong)} customers{example}")
    return len(columns)


def compare_with_oracle(checks, data, work, name):
    oracle, out = work / f"{name}-oracle", work / f"{name}-out"
    call("oracle.py", "--data", data, "--out", oracle)
    facts = json.loads((oracle / "facts.json").read_text())
    report = run(out, "--data", data, "--recipe", "segment-rules")
    for fact, value in report["facts"].items():
        checks.equal(value, facts["facts"][fact], f"{name}: facts.{fact}", tolerance=1e-9)
    compare_rows(checks, out / "assignments.csv", oracle / "segment_rules.csv", f"{name}: segment-rules")
    rules = {rule["name"]: rule for rule in json.loads((out / "rules.json").read_text())["rules"]}
    for rule in facts["coverage"]:
        for count in ("true", "false", "unknown", "taken", "shadowed_by"):
            checks.equal(rules[rule["name"]][count], rule[count], f"{name}: {rule['name']}: {count}")


def without_ids(file, new_to_old=None):
    rows = rows_of(file)
    for row in rows:
        if new_to_old:
            row["user_id"] = new_to_old[row["user_id"]]
    return {row["user_id"]: row for row in rows}


def compare_variants(checks, raw, variants, work):
    with open(variants / "renumbered" / "customer_ids.csv", newline="") as lines:
        new_to_old = {row["new"]: row["old"] for row in csv.DictReader(lines)}
    for recipe in ("perk-fit", "segment-rules", "kmeans-perks", "iqr-pca"):
        run(work / "plain", "--data", raw, "--recipe", recipe)
        expected = without_ids(work / "plain" / "assignments.csv")
        for variant, ids in (("reordered", None), ("renumbered", new_to_old)):
            run(work / variant, "--data", variants / variant, "--recipe", recipe)
            found = without_ids(work / variant / "assignments.csv", ids)
            same = set(found) == set(expected) and all(
                same_field(found[user][column], expected[user][column]) for user in expected for column in expected[user])
            checks.that(same, f"{recipe}: the same assignment from {variant} tables")


def main():
    raw = real_rows("comparison with the oracle") / "raw"
    if subprocess.run([PYTHON, "-c", "import pandas"], capture_output=True).returncode != 0:
        skip("comparison with the oracle", "pandas absent; scripts/setup --all installs it")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        call("make_variants.py", "--data", raw, "--out", work / "variants", "--seed", "7")
        compare_with_oracle(checks, raw, work, "all")
        compare_with_oracle(checks, work / "variants" / "sample", work, "sample")
        compare_variants(checks, raw, work / "variants", work)
    checks.finish()


if __name__ == "__main__":
    main()
