#!/usr/bin/env python3
"""Writes variants of the four TravelTide tables that must not change what an analysis finds, and one that may.

    make_variants.py --data DIR --out DIR [--seed 1] [--share 0.9]

    OUT/reordered    fields without quotes, columns and rows in another order: same results
    OUT/renumbered   other user ids, in users and sessions and in front of every session_id and trip_id: same results
                     up to the ids, customer_ids.csv gives old and new
    OUT/sample       a random share of the customers with their sessions, trips and products: other, still right results

DIR holds users, sessions, flights, hotels as .csv or .csv.gz. Fields are copied as text: nothing is parsed or rounded.
"""
import argparse
import csv
import gzip
import pathlib
import random
import sys

TABLES = ("users", "sessions", "flights", "hotels")


def read_table(folder, name):
    for ending, opener in ((".csv", open), (".csv.gz", gzip.open)):
        file = folder / (name + ending)
        if file.exists():
            with opener(file, "rt", encoding="utf-8", newline="") as lines:
                rows = list(csv.reader(lines))
            return rows[0], rows[1:]
    sys.exit(f"make_variants: {folder}: no {name}.csv or {name}.csv.gz")


def write_table(folder, name, header, rows, quoting):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / (name + ".csv"), "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=quoting, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def reordered(tables, folder, generator):
    for name, (header, rows) in tables.items():
        columns = list(range(len(header)))
        while columns == sorted(columns):
            generator.shuffle(columns)
        shuffled = rows[:]
        generator.shuffle(shuffled)
        write_table(folder, name, [header[c] for c in columns], [[row[c] for c in columns] for row in shuffled], csv.QUOTE_MINIMAL)


def renumbered(tables, folder, generator):
    header, rows = tables["users"]
    at = header.index("user_id")
    old = [row[at] for row in rows]
    new = dict(zip(old, map(str, generator.sample(range(1_000_000, 10_000_000), len(old)))))

    def with_new_prefix(key):
        if not key:
            return key
        user, dash, rest = key.partition("-")
        return new[user] + dash + rest

    change = {"user_id": lambda user: new[user], "session_id": with_new_prefix, "trip_id": with_new_prefix}
    for name, (header, rows) in tables.items():
        changes = [change.get(column, str) for column in header]
        write_table(folder, name, header, [[f(field) for f, field in zip(changes, row)] for row in rows], csv.QUOTE_ALL)
    write_table(folder, "customer_ids", ["old", "new"], new.items(), csv.QUOTE_MINIMAL)


def sample(tables, folder, generator, share):
    def column(name, table):
        return table[0].index(name)

    users, sessions = tables["users"], tables["sessions"]
    ids = sorted(row[column("user_id", users)] for row in users[1])
    chosen = set(generator.sample(ids, round(share * len(ids))))
    user_at, trip_at = column("user_id", sessions), column("trip_id", sessions)
    kept = [row for row in sessions[1] if row[user_at] in chosen]
    trips = {row[trip_at] for row in kept if row[trip_at]}
    for name, (header, rows) in tables.items():
        if name == "sessions":
            rows = kept
        elif name == "users":
            rows = [row for row in rows if row[header.index("user_id")] in chosen]
        else:
            rows = [row for row in rows if row[header.index("trip_id")] in trips]
        write_table(folder, name, header, rows, csv.QUOTE_ALL)


def main():
    parser = argparse.ArgumentParser(description="variants of the TravelTide tables for tests")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.9, help="of the customers, in OUT/sample")
    options = parser.parse_args()

    tables = {name: read_table(options.data, name) for name in TABLES}
    reordered(tables, options.out / "reordered", random.Random(f"{options.seed} reordered"))
    renumbered(tables, options.out / "renumbered", random.Random(f"{options.seed} renumbered"))
    sample(tables, options.out / "sample", random.Random(f"{options.seed} sample"), options.share)


if __name__ == "__main__":
    main()
