"""What the tests of the traveltide program share: finding it and the real rows, running it, reading what it writes.

The program is named by the environment variable SEGKIT_TRAVELTIDE; the real rows lie in SEGKIT_TEST_DATA, else in
../shared/data/traveltide beside the repository. Standard library only. A test that lacks what it needs exits 77 and
says so; ctest lists it as skipped.
"""
import csv
import json
import os
import pathlib
import subprocess
import sys

SKIPPED = 77


def skip(what, why):
    print(f"SKIPPED: {what} ({why})")
    sys.exit(SKIPPED)


def program():
    named = os.environ.get("SEGKIT_TRAVELTIDE")
    if not named or not pathlib.Path(named).exists():
        skip("tests of the traveltide program", "SEGKIT_TRAVELTIDE names no program")
    return named


def real_rows(what):
    """The folder with raw/, seed-001/ and seed-003/."""
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "traveltide"
    folder = pathlib.Path(os.environ.get("SEGKIT_TEST_DATA", beside))
    if not folder.is_dir():
        skip(what, "real rows absent")
    return folder


def traveltide(*arguments):
    """Runs the program; gives the finished process, its output as text."""
    return subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, timeout=600)


def run(out, *arguments):
    """`traveltide run` that must succeed; gives run.json."""
    done = traveltide("run", "--out", out, *arguments)
    if done.returncode != 0:
        sys.exit(f"traveltide run {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return json.loads((pathlib.Path(out) / "run.json").read_text())


def rows_of(file):
    """The rows of a CSV file, as dictionaries."""
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


class Checks:
    """Counts and prints what is not as it should be; `finish` exits 1 if anything was."""

    def __init__(self):
        self.done = 0
        self.failed = 0

    def that(self, holds, what):
        self.done += 1
        if not holds:
            self.failed += 1
            print("FAILED:", what)

    def equal(self, found, expected, what, tolerance=0.0):
        same = found == expected
        if not same and tolerance and isinstance(found, (int, float)) and isinstance(expected, (int, float)):
            same = abs(found - expected) <= tolerance
        self.that(same, f"{what}: found {found!r}, expected {expected!r}")

    def finish(self):
        print(f"{self.done} checks, {self.failed} failed")
        sys.exit(1 if self.failed or not self.done else 0)
