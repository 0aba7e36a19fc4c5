#!/usr/bin/env python3
"""What traveltide says about bad input and bad usage: message, exit code, and that nothing is written.

Each case breaks one thing in a small generated company. Standard library only; needs no real rows.
"""
import csv
import gzip
import io
import pathlib
import shutil
import tempfile

from application import Checks, program, traveltide

BAD_INPUT, BAD_USAGE = 1, 2


class Company:
    """A generated company in `whole`, and broken copies of it."""

    def __init__(self, work):
        self.work = work
        self.whole = work / "whole"
        done = traveltide("generate", "--customers", 60, "--seed", 5, "--out", self.whole)
        assert done.returncode == 0, done.stderr

    def copy(self):
        folder = self.work / "broken"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.whole, folder)
        return folder

    def with_bytes(self, table, change):
        folder = self.copy()
        file = folder / f"{table}.csv"
        file.write_bytes(change(file.read_bytes()))
        return folder

    def with_rows(self, table, change):
        """`change` gets the header and all rows, the header among them, and changes them in place."""
        def rewrite(content):
            rows = list(csv.reader(io.StringIO(content.decode())))
            change(rows[0], rows)
            text = io.StringIO()
            csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
            return text.getvalue().encode()
        return self.with_bytes(table, rewrite)

    def with_field(self, table, line, column, text):
        def change(header, rows):
            rows[line - 1][header.index(column)] = text
        return self.with_rows(table, change)


def refused(checks, what, arguments, code, words, out, watched=None):
    """The run must end with this code, say all these words, in one line, and leave nothing behind in the folder watched."""
    watched = watched or out.parent
    before = sorted(p.name for p in watched.iterdir())
    done = traveltide("run", *arguments, "--out", out)
    checks.equal(done.returncode, code, f"{what}: exit code")
    for word in words:
        checks.that(word.lower() in done.stderr.lower(), f"{what}: the message says {word!r}; it says: {done.stderr.strip()}")
    checks.that(done.stderr.startswith("traveltide: ") and len(done.stderr.strip().splitlines()) == 1, f"{what}: one line; it says: {done.stderr.strip()}")
    checks.equal(done.stdout, "", f"{what}: nothing on standard output")
    checks.equal(sorted(p.name for p in watched.iterdir()), before, f"{what}: nothing left behind")


def bad_tables(checks, company, out):
    def case(what, folder, *words):
        refused(checks, what, ["--data", folder, "--recipe", "segment-rules"], BAD_INPUT, words, out)

    case("missing folder", company.work / "nowhere", "nowhere", "no such folder")
    case("a file instead of a folder", company.whole / "users.csv", "users.csv", "folder")
    case("a database", "sqlite:company.db", "database", "export", ".csv")
    folder = company.copy()
    (folder / "flights.csv").unlink()
    (folder / "hotels.csv").unlink()
    case("two missing files", folder, "flights, hotels", ".csv.gz")

    def rename_column(header, rows):
        header[header.index("page_clicks")] = "clicks"
        header[header.index("cancellation")] = "cancelled"
    case("two missing columns", company.with_rows("sessions", rename_column), "sessions.csv", "page_clicks", "cancellation")
    def repeat_column(header, rows):
        for row in rows:
            row.append(row[0])
    case("a repeated column", company.with_rows("users", repeat_column), "users.csv:1", "user_id")
    case("wrong type in line 3", company.with_field("flights", 3, "seats", "two"), "flights.csv:3", "seats", "'two'")
    case("an impossible date", company.with_field("users", 4, "birthdate", "1990-02-30"), "users.csv:4", "birthdate", "1990-02-30")
    case("null in a required field", company.with_field("sessions", 5, "user_id", ""), "sessions.csv:5", "user_id")
    def forget_some_ids(header, rows):    # some belong to the cohort
        for row in rows[1:300]:
            row[header.index("session_id")] = ""
    case("no session_id in sessions", company.with_rows("sessions", forget_some_ids), "sessions.csv", "session_id", "unexpected null")
    for table, key in (("flights", "trip_id"), ("hotels", "trip_id")):
        case(f"no {key} in {table}", company.with_field(table, 6, key, ""), f"{table}.csv", key, "unexpected null")
    case("a field too many", company.with_rows("hotels", lambda header, rows: rows[6].append("x")), "hotels.csv:7", "7 fields", "8")
    case("a field too few", company.with_rows("hotels", lambda header, rows: rows[6].pop()), "hotels.csv:7", "7 fields")

    case("unbalanced quote", company.with_bytes("users", lambda b: b.rstrip()[:-1]), "users.csv:", "quote")
    case("cut file", company.with_bytes("sessions", lambda b: b[: len(b) * 2 // 3].rstrip(b'",\n0123456789-')), "sessions.csv:")
    case("binary bytes", company.with_bytes("hotels", lambda b: b[:400] + bytes(range(256)) * 8 + b[400:]), "hotels.csv")
    case("an empty file", company.with_bytes("users", lambda b: b""), "users.csv", "empty")

    folder = company.copy()
    packed = gzip.compress((folder / "sessions.csv").read_bytes())
    (folder / "sessions.csv").unlink()
    (folder / "sessions.csv.gz").write_bytes(packed[: len(packed) // 2])
    case("truncated gzip", folder, "sessions.csv.gz", "cut off")
    (folder / "sessions.csv.gz").write_bytes(b"user_id,birthdate\n")
    case("gzip that is none", folder, "sessions.csv.gz", "gzip")

    def repeat_row(header, rows):
        rows.append(list(rows[1]))
    for table, key in (("users", "user_id"), ("sessions", "session_id"), ("flights", "trip_id"), ("hotels", "trip_id")):
        folder = company.with_rows(table, lambda header, rows: rows.extend([list(row) for row in rows[1:]]))
        case(f"repeated {key} in {table}", folder, f"{table}.csv", "duplicate", key)

    case("header only", company.with_rows("sessions", lambda header, rows: rows.__delitem__(slice(1, None))), "sessions.csv", "empty input")
    def no_customers(header, rows):
        del rows[1:]
    case("users without rows", company.with_rows("users", no_customers), "users.csv", "empty input")


def bad_user_tables(checks, company, out):
    header = "user_id,age,gender,married,has_children,money_spent_hotel"
    rows = [f"{i},{20 + i % 50},F,{'true' if i % 3 else 'false'},false,{i * 7 % 500}.5" for i in range(60)]

    def case(what, lines, *words):
        file = company.work / "table.csv"
        file.write_text("\n".join(lines) + "\n")
        refused(checks, what, ["--user-table", file, "--recipe", "iqr-pca"], BAD_INPUT, ["table.csv", *words], out)

    case("user table without a column", [header.replace("gender", "sex"), *rows], "gender")
    case("user table with a wrong type in line 3", [header, rows[0], rows[1].replace("21,", "old,"), *rows[2:]], "table.csv:3", "age", "'old'")
    case("user table with a customer twice", [header, *rows, rows[5]], "duplicate key", "user_id")
    case("user table without rows", [header], "empty input")
    case("user table with a null", [header, *rows[:4], "4,,F,true,false,1.5"], "table.csv:6", "age")
    (company.work / "table.csv").unlink()
    refused(checks, "missing user table", ["--user-table", company.work / "table.csv", "--recipe", "iqr-pca"], BAD_INPUT, ["table.csv", "no such file"], out)


def bad_cohorts(checks, company, out):
    data = ["--data", company.whole, "--recipe", "segment-rules"]
    refused(checks, "empty cohort by date", [*data, "--since", "2099-01-01"], BAD_INPUT, ["--since", "--min-sessions", "2099-01-01"], out)
    refused(checks, "empty cohort by sessions", [*data, "--min-sessions", "1000"], BAD_INPUT, ["1000", "--min-sessions"], out)


def bad_places(checks, company, out):
    data = ["--data", company.whole, "--recipe", "segment-rules"]
    in_the_way = out.parent / "in-the-way"
    in_the_way.write_text("a file\n")
    refused(checks, "a file in place of the folder", data, BAD_INPUT, ["in-the-way", "folder", "--out"], in_the_way)
    refused(checks, "a file above the folder", data, BAD_INPUT, ["in-the-way", "--out"], in_the_way / "below", out.parent)
    if pathlib.Path("/proc/self").exists():    # not even root can make a folder there
        refused(checks, "a folder that cannot be made", data, BAD_INPUT, ["cannot write", "--out"], pathlib.Path("/proc/traveltide-out"), out.parent)
    checks.equal(in_the_way.read_text(), "a file\n", "the file in the way is as it was")
    in_the_way.unlink()

    # Results of an earlier run stay as they are when a later one fails, and go when it succeeds.
    done = traveltide("run", *data, "--out", out)
    checks.equal(done.returncode, 0, f"good input: {done.stderr}")
    kept = {p.name: p.read_bytes() for p in out.iterdir()}
    checks.that({"assignments.csv", "segments.csv", "rules.json", "run.json", "report.html"} <= set(kept), "a run writes its files")
    traveltide("run", "--data", company.with_field("users", 4, "birthdate", "soon"), "--recipe", "segment-rules", "--out", out)
    checks.equal({p.name: p.read_bytes() for p in out.iterdir()}, kept, "a failed run changes nothing")
    shutil.rmtree(out)


def bad_usage(checks, company, out):
    data = ["--data", company.whole]

    def case(what, arguments, *words):
        refused(checks, what, arguments, BAD_USAGE, words, out)

    case("no source", [], "--data")
    case("unknown recipe", [*data, "--recipe", "magic"], "magic", "traveltide recipes")
    case("unknown option", [*data, "--speed", "9"], "--speed")
    case("a misspelt option", ["--dta", company.whole], "--dta", "perhaps --data is meant")
    misspelt = traveltide("run", "--dta", str(company.whole))    # and not that --out is missing as well
    checks.equal((misspelt.returncode, "--out" in misspelt.stderr, "--data" in misspelt.stderr), (BAD_USAGE, False, True), "a misspelt option comes first")
    case("a date that is none", [*data, "--since", "January"], "--since", "January", "2023-01-04")
    case("an impossible date", [*data, "--since", "2023-02-30"], "--since", "2023-02-30")
    case("a negative minimum", [*data, "--min-sessions", "-1"], "--min-sessions")
    case("a minimum of zero", [*data, "--min-sessions", "0"], "--min-sessions")
    case("a minimum that is no number", [*data, "--min-sessions", "few"], "--min-sessions", "few")
    case("an unknown nights policy", [*data, "--nights", "lunar"], "--nights", "lunar", "calendar")
    case("an unknown distance", [*data, "--distance", "taxi"], "--distance", "taxi", "haversine")
    case("one cluster", [*data, "--clusters", "1"], "--clusters", "auto")
    case("clusters in words", [*data, "--clusters", "five"], "--clusters", "five")
    case("a seed that is no number", [*data, "--seed", "x"], "--seed")
    case("a negative seed", [*data, "--seed", "-1"], "--seed", "'-1'")
    case("too many threads", [*data, "--threads", "100000"], "--threads")
    case("both sources", [*data, "--user-table", "t.csv"], "--data", "--user-table", "exclude")
    case("a user table for a recipe without one", ["--user-table", "t.csv", "--recipe", "segment-rules"], "--user-table", "segment-rules")
    case("a date for a user table", ["--user-table", "t.csv", "--recipe", "iqr-pca", "--since", "2023-01-04"], "--since", "--user-table")
    case("clusters for a recipe without them", [*data, "--recipe", "segment-rules", "--clusters", "4"], "--clusters", "segment-rules")
    case("another reference date", [*data, "--recipe", "segment-rules", "--reference-date", "2024-01-01"], "--reference-date", "2025-11-30")
    case("another nights policy", [*data, "--recipe", "segment-rules", "--nights", "stored"], "--nights", "started-days")

    for arguments in ([], ["fly"], ["run"], ["generate", "--customers", "0", "--out", str(out)], ["generate", "--customers", "5"]):
        done = traveltide(*arguments)
        checks.equal(done.returncode, BAD_USAGE, f"traveltide {' '.join(arguments)}: exit code")
        checks.that(done.stderr.startswith("traveltide: "), f"traveltide {' '.join(arguments)}: a message; it says {done.stderr!r}")
    checks.that(not out.exists(), "bad usage writes nothing")
    for arguments, words in (([], "run, recipes, generate"), (["runn"], "runn: there is no such command; perhaps run is meant")):
        checks.that(words in traveltide(*arguments).stderr, f"traveltide {' '.join(arguments)}: names the commands")
    checks.that(traveltide("--version").stdout.startswith("traveltide "), "traveltide --version names the program")
    for arguments in (["--help"], ["run", "--help"], ["recipes"]):
        done = traveltide(*arguments)
        checks.equal((done.returncode, done.stderr), (0, ""), f"traveltide {' '.join(arguments)}: succeeds quietly")
        checks.that("segment-rules" in done.stdout if arguments == ["recipes"] else "--help" in done.stdout, f"traveltide {' '.join(arguments)}: says what it should")


def main():
    program()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "results").mkdir()
        company, out = Company(work), work / "results" / "out"
        bad_tables(checks, company, out)
        bad_user_tables(checks, company, out)
        bad_cohorts(checks, company, out)
        bad_places(checks, company, out)
        bad_usage(checks, company, out)
    checks.finish()


if __name__ == "__main__":
    main()
