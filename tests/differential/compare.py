#!/usr/bin/env python3
"""Runs the generated SQL in DuckDB and compares its rows with those that the differential program wrote, one by one and in order.

    python3 compare.py GENERATED_FOLDER RESULT_FOLDER

Values are equal when they are the same; where sums are added in another order (a column is called rough) they are equal to
1e-9. Needs the Python package duckdb.
"""

import datetime
import json
import math
import pathlib
import sys

import duckdb

EPOCH = datetime.datetime(1970, 1, 1)
DAY = datetime.date(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def plain(value, type):
    """A value of DuckDB as the differential program writes it."""
    if value is None:
        return None
    if type == "date":
        return (value - DAY).days
    if type == "ts":
        return (value - EPOCH) // MICROSECOND
    if type in ("f32", "f64"):
        return float(value)
    return value


def same_value(found, expected, column):
    if found is None or expected is None:
        return found is None and expected is None
    if type(found) is not type(expected):
        return False
    if not isinstance(found, float):
        return found == expected
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    if column["rough"] and math.isfinite(expected):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, column["bound"]))
    return found == expected


def first_difference(found, expected, columns):
    """A sentence, or None where the rows are the same."""
    if len(found) != len(expected):
        return f"{len(found)} rows, expected {len(expected)}"
    for number, (f, e) in enumerate(zip(found, expected)):
        if len(f) != len(e):
            return f"{len(f)} columns, expected {len(e)}"
        for a, b, column in zip(f, e, columns):
            if not same_value(a, b, column):
                return f"row {number}, {column['name']} ({column['type']}): found {a!r}, expected {b!r}; rows {f!r} and {list(e)!r}"
    return None


def read_tables(connection, generated):
    for name, table in generated["tables"].items():
        columns = "{" + ", ".join(f"'{c}': '{t}'" for c, t in table["columns"].items()) + "}"
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{generated['folder']}/data/{name}.csv', columns = {columns}, header = true, auto_detect = false, "
                           "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false)")
        count = connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        if count != table["rows"]:
            sys.exit(f"DuckDB read {count} rows of {name}, which has {table['rows']}")


def tampered(rows):
    """The same rows with one value changed: what a comparison must find."""
    at = len(rows) // 2
    copy = [list(r) for r in rows]
    value = copy[at][-1]
    copy[at][-1] = None if value is not None else 1
    return copy


def main(generated_folder, result_folder):
    generated = json.loads((pathlib.Path(generated_folder) / "queries.json").read_text())
    generated["folder"] = generated_folder
    connection = duckdb.connect(config={"threads": 1})
    # With statistics of a right side that is known to be empty, DuckDB 2.0.0 narrows the left key's values to 8 bits and gives a wrong sum.
    connection.execute("SET disabled_optimizers = 'statistics_propagation,compressed_materialization'")
    read_tables(connection, generated)

    wrong, rows, values, blind, empty = 0, 0, 0, 0, 0
    for query in generated["queries"]:
        columns = query["columns"]
        try:
            expected = [[plain(v, c["type"]) for v, c in zip(row, columns)] for row in connection.execute(query["sql"]).fetchall()]
        except duckdb.Error as failure:
            print(f"{query['name']}: DuckDB: {failure}\n    {query['sql']}")
            wrong += 1
            continue
        file = pathlib.Path(result_folder) / f"{query['name']}.rows"
        found = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line] if file.exists() else []
        difference = first_difference(found, expected, columns)
        if difference:
            print(f"{query['name']}: {difference}\n    {query['cpp']}\n    {query['sql']}\n")
            wrong += 1
        elif found and not first_difference(tampered(found), expected, columns):
            blind += 1
        rows += len(found)
        empty += not found
        values += len(found) * len(columns)
    print(f"{len(generated['queries'])} queries, {rows} rows ({empty} queries give none), {values} values against DuckDB {duckdb.__version__}: {wrong} differ")
    if blind:
        print(f"the comparison did not see a changed value in {blind} results")
    if empty > 0.4 * len(generated["queries"]):
        print("too many results are empty to say anything")
        wrong += 1
    return 1 if wrong or blind else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
