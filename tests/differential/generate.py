#!/usr/bin/env python3
"""Random queries, each as a segkit pipeline and as SQL, and the tables they read; everything from one seed.

    python3 generate.py --out FOLDER [--seed N] [--queries N] [--files N]

Writes FOLDER/tables.hpp and queries_*.cpp (the pipelines; main.cpp runs them), queries.json (the SQL and the columns that
it gives) and data/*.csv. compare.py runs the SQL in DuckDB and compares.

A query is a chain of stages, and a stage maps a Relation to a Relation: its C++, its SQL, the columns it has afterwards.
Every SQL relation carries a column o_, the place of the row in the order that segkit promises, so that results are
compared row by row. To cover something new, add a line to AGGREGATES, a function to SCALARS, or a stage to STAGES.
"""

import argparse
import collections
import dataclasses
import datetime
import json
import pathlib
import random
import sys

# ---- columns, expressions

NUMBERS = ("i32", "i64", "f32", "f64")
INTEGERS = ("i32", "i64")
CPP = {"i32": "std::int32_t", "i64": "std::int64_t", "f32": "float", "f64": "double", "text": "sk::text", "bool": "bool",
       "date": "sk::date", "ts": "sk::timestamp", "dur": "sk::duration"}
# In SQL every integer is 64 bits wide and every floating number double, as segkit computes with them; a duration is its microseconds.
SQL = {"i32": "BIGINT", "i64": "BIGINT", "f32": "DOUBLE", "f64": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "date": "DATE",
       "ts": "TIMESTAMP", "dur": "BIGINT"}


@dataclasses.dataclass(frozen=True)
class Value:
    """An expression or a column: how it is written, its type, whether it can be null, and what may be done with it."""
    cpp: str
    sql: str
    type: str
    null: bool
    bound: float = 0.0      # greatest magnitude, of numbers
    grain: int = 1          # every value is a multiple of 1 / grain; 0: no such promise
    rough: bool = False     # the engines may differ in the last bits: no comparison, no key
    nan: bool = False       # may be NaN or infinite, for which the engines compare differently: only as a key
    few: bool = False       # few different values

    def exact_sum(self, rows):
        return not self.rough and (self.type in INTEGERS or (self.grain and self.bound * self.grain * rows < 2**52))


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    value: Value            # as the next stage refers to it


def column(name, type, null, **more):
    return Column(name, Value(f'"{name}"_c', name, type, null, **more))


def named(name, v):
    return Column(name, dataclasses.replace(v, cpp=f'"{name}"_c', sql=name))


class Relation:
    def __init__(self, cpp, sql, columns, rows, tables):
        self.cpp, self.sql, self.columns, self.rows, self.tables = cpp, sql, list(columns), rows, set(tables)

    def then(self, stage, sql, columns=None, rows=None, tables=()):
        return Relation([*self.cpp, stage], sql, self.columns if columns is None else columns, self.rows if rows is None else rows,
                        self.tables | set(tables))

    def values(self, test=lambda v: True):
        return [c.value for c in self.columns if test(c.value)]


def cpp_text(s):
    return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else "".join(f"\\{b:03o}" for b in c.encode()) for c in s) + '"'


def sql_text(s):
    return "'" + s.replace("'", "''") + "'"


def literal(type, x):
    """A plain value in both languages."""
    if type in INTEGERS:
        return Value(f"std::int64_t{{{x}}}" if abs(x) > 2**31 - 1 else str(x), f"CAST({x} AS BIGINT)", "i64", False, bound=abs(x), few=True)
    if type in ("f32", "f64"):
        return Value(repr(float(x)), f"CAST({float(x)!r} AS DOUBLE)", "f64", False, bound=abs(x), grain=4, few=True)
    if type == "text":
        return Value(cpp_text(x), sql_text(x), "text", False, few=True)
    if type == "bool":
        return Value("true" if x else "false", "true" if x else "false", "bool", False, few=True)
    if type == "date":
        return Value(f"sk::date({x.year}, {x.month}, {x.day})", f"DATE '{x}'", "date", False, few=True)
    return Value(f"sk::timestamp(sk::date({x.year}, {x.month}, {x.day}), {x.hour}, {x.minute}, {x.second}, {x.microsecond})",
                 f"TIMESTAMP '{x.isoformat(sep=' ')}'", "ts", False, few=True)


# ---- the tables

WORDS = ["", "ant", "antelope", "Ant", "bee", "cat", "comma, inside", 'a "quoted" word', "a much longer text than fits inline", "a much longer text than fits in line",
         "élan", "zebra", "über", "ünder", "東京", "東京都", " leading", "trailing ", "line\nbreak", "x" * 70]
DAYS = [datetime.date(2019, 12, 28) + datetime.timedelta(days=d) for d in range(0, 900, 13)] + [datetime.date(1969, 12, 31), datetime.date(2020, 2, 29), datetime.date(1900, 3, 1)]


def random_value(rng, type, kind):
    if kind == "id":
        raise ValueError("an id is made by its table")
    if type in INTEGERS:
        return rng.randint(-4, 9) if kind == "few" else rng.randint(-1000, 1000) if type == "i32" else rng.randint(-10**9, 10**9)
    if type in ("f32", "f64"):
        if kind == "any":
            return rng.gauss(0, 100)
        return rng.randint(-12, 12) / 4 if kind == "few" else rng.randint(-4000, 4000) / 4
    if type == "text":
        return rng.choice(WORDS)
    if type == "bool":
        return rng.random() < 0.5
    if type == "date":
        return rng.choice(DAYS[:20]) if kind == "few" else rng.choice(DAYS)
    if kind == "few":
        return datetime.datetime.combine(rng.choice(DAYS[:6]), datetime.time(rng.choice([0, 12])))
    return datetime.datetime.combine(rng.choice(DAYS), datetime.time(rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59), rng.choice([0, 0, 500000, 123456])))


def describe(name, type, null, kind):
    bound = {"i32": {"few": 9, "id": 1e5}.get(kind, 1000), "i64": {"few": 9, "id": 1e5}.get(kind, 1e9)}.get(type, 3 if kind == "few" else 1000)
    grain = 1 if type in INTEGERS else 0 if kind == "any" else 4
    return column(name, type, null, bound=bound, grain=grain, few=kind == "few" or type == "bool")


# name, type, may be null, kind of values
WIDE = [("id", "i64", False, "id"), ("i", "i32", False, "few"), ("ni", "i32", True, "few"), ("l", "i64", False, "many"), ("nl", "i64", True, "few"),
        ("b", "bool", False, "few"), ("nb", "bool", True, "few"), ("f", "f32", False, "few"), ("nf", "f32", True, "many"), ("d", "f64", False, "many"),
        ("nd", "f64", True, "few"), ("r", "f64", True, "any"), ("t", "text", False, "few"), ("nt", "text", True, "few"), ("day", "date", False, "many"),
        ("nday", "date", True, "few"), ("at", "ts", False, "many"), ("nat", "ts", True, "few")]
LONG = [("id", "i64", False, "id"), ("k", "i32", False, "many"), ("nl", "i64", True, "many"), ("d", "f64", True, "many"), ("t", "text", False, "few"), ("nb", "bool", True, "few")]
TABLES = {"a": (WIDE, 2500), "b": (WIDE, 120), "c": (WIDE, 25), "e": (WIDE, 0), "w": (LONG, 40_000)}


def rows_of(rng, fields, count):
    rows = []
    for i in range(count):
        rows.append([i * 3 - 7 if kind == "id" else None if null and rng.random() < 0.2 else random_value(rng, type, kind) for _, type, null, kind in fields])
    return rows


def field_text(x):
    if x is None:
        return ""
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, str):
        return '"' + x.replace('"', '""') + '"'
    if isinstance(x, datetime.datetime):
        return x.strftime("%Y-%m-%d %H:%M:%S") + (f".{x.microsecond:06}" if x.microsecond else "")
    return str(x)


def write_tables(rng, folder):
    (folder / "data").mkdir(parents=True, exist_ok=True)
    sources = {}
    for name, (fields, count) in TABLES.items():
        with open(folder / "data" / f"{name}.csv", "w", encoding="utf-8", newline="") as out:
            out.write(",".join(f"{name}_{f[0]}" for f in fields) + "\n")
            for row in rows_of(rng, fields, count):
                out.write(",".join(map(field_text, row)) + "\n")
        columns = {f"{name}_{field}": SQL[type] for field, type, _, _ in fields}
        sources[name] = {"columns": columns, "rows": count}
    return sources


def write_schemas(folder):
    lines = ["// Made by generate.py.", "#pragma once", "", "#include <cstdint>", "#include <optional>", "#include <string>", "", "#include <segkit/io/csv.hpp>", "", '#include "recorder.hpp"', ""]
    for name, (fields, _) in TABLES.items():
        types = [f'sk::field<"{name}_{f}", {f"std::optional<{CPP[t]}>" if null else CPP[t]}>' for f, t, null, _ in fields]
        lines += [f"using {name}_rows = sk::schema<", "    " + ",\n    ".join(types) + ">;"]
    lines += ["", "struct tables {"]
    for name in TABLES:
        lines.append(f'    sk::table<{name}_rows> {name};')
    lines += ["};", "", "tables read_tables(const std::string& folder);", ""]
    (folder / "tables.hpp").write_text("\n".join(lines))
    reads = ",\n            ".join(f'sk::read_csv<{name}_rows>(folder + "/{name}.csv", {{.quoted_nulls = sk::csv_quoted_nulls::text}})' for name in TABLES)
    (folder / "tables.cpp").write_text(f'// Made by generate.py.\n#include "tables.hpp"\n\ntables read_tables(const std::string& folder) {{\n    return {{{reads}}};\n}}\n')


def base(name):
    fields, count = TABLES[name]
    columns = [describe(f"{name}_{f}", t, null, kind) for f, t, null, kind in fields]
    return Relation([f"t.{name}"], f"SELECT *, {name}_id AS o_ FROM {name}", columns, count, {name})


# ---- scalar expressions

class Scalars:
    """Expressions over the columns of one relation. Each method gives a Value, or None where the columns do not allow it."""

    def __init__(self, rng, relation):
        self.rng, self.relation = rng, relation

    def pick(self, test):
        found = self.relation.values(lambda v: not v.rough and not v.nan and test(v))
        return self.rng.choice(found) if found else None

    def number(self, depth=1):
        if depth > 0 and self.rng.random() < 0.6:
            made = self.rng.choice([self.arithmetic, self.arithmetic, self.division, self.magnitude, self.rounded, self.integer, self.part_of_time, self.span,
                                    self.coalesced_number, self.choice_number, self.extreme, self.years])(depth - 1)
            if made:
                return made
        return self.pick(lambda v: v.type in NUMBERS)

    def arithmetic(self, depth):
        a, b = self.number(depth), self.number(depth) if self.rng.random() < 0.6 else literal(self.rng.choice(["i32", "f64"]), self.rng.randint(-3, 12))
        if not a or not b:
            return None
        op = self.rng.choice("+-*")
        bound = a.bound * b.bound if op == "*" else a.bound + b.bound
        grain = a.grain * b.grain if op == "*" else max(a.grain, b.grain) if a.grain and b.grain else 0
        if bound > 2**50:
            return None
        integer = a.type in INTEGERS and b.type in INTEGERS
        if not integer and bound * max(grain, 1) > 2**20 and "f32" in (a.type, b.type):
            return None     # single precision is exact only so far
        type = "i64" if integer else "f32" if a.type == b.type == "f32" else "f64"
        return Value(f"({a.cpp} {op} {b.cpp})", f"({a.sql} {op} {b.sql})", type, a.null or b.null, bound=bound, grain=grain)

    def division(self, depth):
        a, b = self.number(depth), self.pick(lambda v: v.type in NUMBERS)
        if not a or not b:
            return None
        return Value(f"({a.cpp} / sk::null_if_zero({b.cpp}))", f"(CAST({a.sql} AS DOUBLE) / CAST(nullif({b.sql}, 0) AS DOUBLE))", "f64", True, bound=a.bound * 4, grain=0)

    def magnitude(self, depth):
        a = self.number(depth)
        if not a:
            return None
        if self.rng.random() < 0.5:
            return Value(f"sk::abs({a.cpp})", f"abs({a.sql})", "i64" if a.type in INTEGERS else a.type, a.null, bound=a.bound, grain=a.grain)
        return Value(f"sk::sqrt(sk::abs({a.cpp}))", f"sqrt(CAST(abs({a.sql}) AS DOUBLE))", "f64", a.null, bound=a.bound + 1, grain=0)

    def rounded(self, depth):
        a = self.number(depth)
        if not a:
            return None
        f = self.rng.choice(["floor", "ceil", "round"])
        return Value(f"sk::{f}({a.cpp})", f"{f}(CAST({a.sql} AS DOUBLE))", "f64", a.null, bound=a.bound + 1, grain=1)

    def integer(self, depth):
        a = self.number(depth)
        if not a:
            return None
        return Value(f"sk::to_int64({a.cpp})", f"CAST(trunc(CAST({a.sql} AS DOUBLE)) AS BIGINT)", "i64", a.null, bound=a.bound, grain=1)

    def part_of_time(self, depth):
        a = self.pick(lambda v: v.type in ("date", "ts"))
        if not a:
            return None
        f, sql = self.rng.choice([("iso_weekday", "isodow"), ("year_of", "year"), ("month_of", "month")] + ([("hour_of", "hour")] if a.type == "ts" else []))
        return Value(f"sk::{f}({a.cpp})", f"CAST({sql}({a.sql}) AS BIGINT)", "i32", a.null, bound=2100, few=True)

    def years(self, depth):
        a, b = self.pick(lambda v: v.type in ("date", "ts")), self.pick(lambda v: v.type in ("date", "ts"))
        if not a or not b:
            return None
        sql = (f"CAST(year({b.sql}) - year({a.sql}) - CASE WHEN month({b.sql}) < month({a.sql}) OR (month({b.sql}) = month({a.sql}) AND day({b.sql}) < day({a.sql})) "
               f"THEN 1 ELSE 0 END AS BIGINT)")
        return Value(f"sk::completed_years({a.cpp}, {b.cpp})", sql, "i32", a.null or b.null, bound=200, few=True)

    def span(self, depth):
        d = self.duration()
        if not d:
            return None
        if self.rng.random() < 0.3:
            return Value(f"sk::whole_days({d.cpp})", f"CAST(floor(CAST({d.sql} AS DOUBLE) / 86400000000) AS BIGINT)", "i64", d.null, bound=1e5)
        f, unit = self.rng.choice([("in_days", 86400000000), ("in_hours", 3600000000), ("in_minutes", 60000000), ("in_seconds", 1000000)])
        return Value(f"sk::{f}({d.cpp})", f"(CAST({d.sql} AS DOUBLE) / {unit})", "f64", d.null, bound=1e10, grain=0)

    def duration(self):
        a, b = self.pick(lambda v: v.type == "ts"), self.pick(lambda v: v.type in ("ts", "date"))
        if not a or not b:
            return self.pick(lambda v: v.type == "dur")
        return Value(f"({a.cpp} - {b.cpp})", f"(epoch_us({a.sql}) - epoch_us(CAST({b.sql} AS TIMESTAMP)))", "dur", a.null or b.null)

    def coalesced(self, type, fallback):
        a = self.pick(lambda v: v.type == type and v.null)
        if not a:
            return None
        b = self.pick(lambda v: v.type == type)
        ends = self.rng.random() < 0.5
        values = [a] + ([b] if b else []) + ([fallback] if ends else [])
        result = "i64" if type in INTEGERS and len({v.type for v in values}) > 1 else "f64" if type == "f32" and ends else type
        return Value(f"sk::coalesce({', '.join(v.cpp for v in values)})", f"coalesce({', '.join(v.sql for v in values)})", result, all(v.null for v in values),
                     bound=max(v.bound for v in values), grain=0 if any(not v.grain for v in values) else max(v.grain for v in values), few=all(v.few for v in values))

    def coalesced_number(self, depth):
        type = self.rng.choice(NUMBERS)
        return self.coalesced(type, literal(type, self.rng.randint(-9, 9)))

    def choice(self, values):
        """when(...).when(...).otherwise(...), with or without the last."""
        condition = self.condition(0)
        if not condition or any(v is None for v in values):
            return None
        cpp, sql = f"sk::when({condition.cpp}, {values[0].cpp})", f"CASE WHEN {condition.sql} THEN {values[0].sql}"
        if len(values) == 3:
            second = self.condition(0)
            if not second:
                return None
            cpp, sql = cpp + f".when({second.cpp}, {values[1].cpp})", sql + f" WHEN {second.sql} THEN {values[1].sql}"
        without = self.rng.random() < 0.3
        if not without:
            cpp, sql = cpp + f".otherwise({values[-1].cpp})", sql + f" ELSE {values[-1].sql}"
        else:
            values = values[:-1]
        types = {v.type for v in values}
        type = types.pop() if len(types) == 1 else "i64" if types <= set(INTEGERS) else "f64"
        return Value(cpp, sql + " END", type, without or any(v.null for v in values), bound=max(v.bound for v in values),
                     grain=0 if any(not v.grain for v in values) else max(v.grain for v in values), few=all(v.few for v in values))

    def choice_number(self, depth):
        return self.choice([self.number(0), self.number(0) or literal("i32", 1), literal("i32", self.rng.randint(0, 5))][:self.rng.choice([2, 3])])

    def extreme(self, depth):
        a, b = self.number(0), self.number(0)
        if not a or not b:
            return None
        f = self.rng.choice(["least", "greatest"])
        type = a.type if a.type == b.type else "i64" if {a.type, b.type} <= set(INTEGERS) else "f64"
        return Value(f"sk::{f}({a.cpp}, {b.cpp})", f"CASE WHEN {a.sql} IS NULL OR {b.sql} IS NULL THEN NULL ELSE {f}({a.sql}, {b.sql}) END", type, a.null or b.null,
                     bound=max(a.bound, b.bound), grain=0 if not a.grain or not b.grain else max(a.grain, b.grain), few=a.few and b.few)

    def words(self):
        r = self.rng.random()
        if r < 0.4:
            return self.coalesced("text", literal("text", self.rng.choice(WORDS)))
        if r < 0.8:
            return self.choice([literal("text", self.rng.choice(WORDS)), self.pick(lambda v: v.type == "text") or literal("text", "other"), literal("text", "")][:self.rng.choice([2, 3])])
        return self.pick(lambda v: v.type == "text")

    def instant(self):
        r = self.rng.random()
        if r < 0.4:
            a = self.pick(lambda v: v.type == "ts")
            return a and Value(f"sk::date_of({a.cpp})", f"CAST({a.sql} AS DATE)", "date", a.null, few=a.few)
        if r < 0.7:
            a, n = self.pick(lambda v: v.type == "date"), self.rng.randint(-40, 40)
            return a and Value(f"({a.cpp} + {n})", f"CAST({a.sql} + CAST({n} AS INTEGER) AS DATE)", "date", a.null, few=a.few)
        return self.coalesced("date", literal("date", DAYS[3]))

    def days_between(self):
        a, b = self.pick(lambda v: v.type == "date"), self.pick(lambda v: v.type == "date")
        if not a or not b:
            return None
        return Value(f"({a.cpp} - {b.cpp})", f"CAST({a.sql} - {b.sql} AS BIGINT)", "i64", a.null or b.null, bound=1e5)

    def anything(self):
        return self.rng.choice([lambda: self.number(2), lambda: self.number(2), self.words, self.instant, self.duration, self.days_between, lambda: self.condition(1)])()

    # conditions

    def compared(self):
        op, sql = self.rng.choice([("==", "="), ("!=", "<>"), ("<", "<"), ("<=", "<="), (">", ">"), (">=", ">=")])
        kind = self.rng.choice(["number", "number", "number", "text", "instant", "bool"])
        if kind == "number":
            a, b = self.number(1), self.number(0) if self.rng.random() < 0.4 else literal(self.rng.choice(["i32", "f64"]), self.rng.randint(-3, 6))
        elif kind == "text":
            a, b = self.pick(lambda v: v.type == "text"), literal("text", self.rng.choice(WORDS)) if self.rng.random() < 0.6 else self.pick(lambda v: v.type == "text")
        elif kind == "instant":
            a = self.pick(lambda v: v.type in ("date", "ts"))
            when = self.rng.choice(DAYS)
            b = self.pick(lambda v: v.type in ("date", "ts")) if self.rng.random() < 0.4 else literal("date", when) if self.rng.random() < 0.5 else literal("ts", datetime.datetime.combine(when, datetime.time(12)))
        else:
            a = self.pick(lambda v: v.type == "bool")
            b = self.pick(lambda v: v.type == "bool") if self.rng.random() < 0.5 else literal("bool", self.rng.random() < 0.5)
            op, sql = self.rng.choice([("==", "="), ("!=", "<>")])
        if not a or not b:
            return None
        return Value(f"({a.cpp} {op} {b.cpp})", f"({a.sql} {sql} {b.sql})", "bool", a.null or b.null, few=True)

    def membership(self):
        a = self.pick(lambda v: v.type in ("text", "i32", "i64"))
        if not a:
            return None
        choices = [literal(a.type, x) for x in (self.rng.sample(WORDS, 3) if a.type == "text" else self.rng.sample(range(-4, 10), 3))]
        return Value(f"sk::is_in({a.cpp}, {', '.join(c.cpp for c in choices)})", f"({a.sql} IN ({', '.join(c.sql for c in choices)}))", "bool", a.null, few=True)

    def nullness(self):
        a = self.pick(lambda v: v.null)
        if not a:
            return None
        f, sql = self.rng.choice([("is_null", "IS NULL"), ("is_not_null", "IS NOT NULL")])
        return Value(f"sk::{f}({a.cpp})", f"({a.sql} {sql})", "bool", False, few=True)

    def condition(self, depth=2):
        if depth > 0 and self.rng.random() < 0.65:
            a = self.condition(depth - 1)
            if self.rng.random() < 0.25:
                return a and Value(f"(!{a.cpp})", f"(NOT {a.sql})", "bool", a.null, few=True)
            b = self.condition(depth - 1)
            op, sql = self.rng.choice([("&&", "AND"), ("||", "OR")])
            return a and b and Value(f"({a.cpp} {op} {b.cpp})", f"({a.sql} {sql} {b.sql})", "bool", a.null or b.null, few=True)
        return self.rng.choice([self.compared, self.compared, self.compared, self.membership, self.nullness, lambda: self.pick(lambda v: v.type == "bool")])()


# ---- aggregates

@dataclasses.dataclass(frozen=True)
class Aggregate:
    cpp: str                # {x}: the operand
    sql: str                # {x}, {f}: FILTER (WHERE ...) of the aggregate's own condition, or nothing, {t}: the result's type; o_ is the row's place
    accepts: object         # of the operand's Value; None: there is no operand
    result: object          # (operand or None, rows) -> keywords of the result's Value
    never_null: bool = False
    null_for_few: bool = False      # may be null even over values
    condition: bool = False         # the operand is a condition
    second: object = None           # of the second operand's Value, {y}, where there is one; rows count where both are known
    known: bool = False             # {f} has to leave out the rows whose operand is null


def is_number(v): return v.type in NUMBERS and not v.nan
def is_ordered(v): return v.type != "bool" and not v.nan
def plain(v): return not v.rough and not v.nan
def counted(v, rows): return dict(type="i64", bound=rows)
def summed(v, rows):
    return dict(type="i64" if v.type in INTEGERS else "f64", bound=v.bound * max(rows, 1), grain=v.grain, rough=not v.exact_sum(rows))
def real(v, rows): return dict(type="f64", bound=max(v.bound**2, 1), grain=0, rough=True)
def same(v, rows): return dict(type=v.type, bound=v.bound, grain=v.grain, few=v.few)
def middle(v, rows): return dict(type="f64", bound=v.bound, grain=v.grain * 2 if v.grain else 0, rough=v.grain == 0)
def fraction(v, rows): return dict(type="f64", bound=1, grain=0, rough=True)
def truth(v, rows): return dict(type="bool", few=True)
def product(v, rows): return dict(type="f64", bound=max(v.bound, 1) * 1e4, grain=0, rough=True)
def percent(v, rows): return dict(type="f64", bound=v.bound, grain=0, rough=True)


# Of several most frequent values the least.
MODE = "list_min(list_transform(list_filter(map_entries(histogram({x}) {f}), lambda e: e.value = list_max(map_values(histogram({x}) {f}))), lambda e: e.key))"


AGGREGATES = {
    "count": Aggregate("sk::count()", "count(*) {f}", None, counted, never_null=True),
    "count of": Aggregate("sk::count({x})", "count({x}) {f}", lambda v: True, counted, never_null=True),
    "count_if": Aggregate("sk::count_if({x})", "count(*) FILTER (WHERE {x})", plain, counted, never_null=True, condition=True),
    "count_distinct": Aggregate("sk::count_distinct({x})", "count(DISTINCT {x}) {f}", lambda v: not v.rough, counted, never_null=True),
    "sum": Aggregate("sk::sum({x})", "CAST(sum({x}) {f} AS {t})", lambda v: is_number(v) and v.bound < 2**40, summed),
    "mean": Aggregate("sk::mean({x})", "avg({x}) {f}", is_number, real),
    "min": Aggregate("sk::min({x})", "min({x}) {f}", lambda v: is_ordered(v) and not v.rough, same),
    "max": Aggregate("sk::max({x})", "max({x}) {f}", lambda v: is_ordered(v) and not v.rough, same),
    "stddev": Aggregate("sk::stddev({x})", "stddev_samp({x}) {f}", is_number, real, null_for_few=True),
    "stddev<0>": Aggregate("sk::stddev<0>({x})", "stddev_pop({x}) {f}", is_number, real),
    "variance": Aggregate("sk::variance({x})", "var_samp({x}) {f}", is_number, real, null_for_few=True),
    "variance<0>": Aggregate("sk::variance<0>({x})", "var_pop({x}) {f}", is_number, real),
    "median": Aggregate("sk::median({x})", "median(CAST({x} AS DOUBLE)) {f}", lambda v: is_number(v) and not v.rough, middle),
    "first": Aggregate("sk::first({x})", "arg_min({x}, o_) {f}", plain, same, known=True),
    "last": Aggregate("sk::last({x})", "arg_max({x}, o_) {f}", plain, same, known=True),
    "nth": Aggregate("sk::nth<3>({x})", "(list({x} ORDER BY o_) {f})[3]", plain, same, known=True, null_for_few=True),
    "any": Aggregate("sk::any({x})", "bool_or({x}) {f}", plain, truth, condition=True),
    "all": Aggregate("sk::all({x})", "bool_and({x}) {f}", plain, truth, condition=True),
    "mode": Aggregate("sk::mode({x})", MODE, plain, same),
    "quantile": Aggregate("sk::quantile({x}, 0.9)", "quantile_cont(CAST({x} AS DOUBLE), 0.9) {f}", lambda v: is_number(v) and not v.rough, percent),
    "quantile discrete": Aggregate("sk::quantile({x}, 0.25, {{.method = sk::quantile_method::discrete}})", "quantile_disc(CAST({x} AS DOUBLE), 0.25) {f}", lambda v: is_number(v) and not v.rough, middle),
    "min_by": Aggregate("sk::min_by({x}, {y})", "arg_min({x}, ROW({y}, o_)) {f}", plain, same, second=lambda v: plain(v) and is_ordered(v), known=True),
    "max_by": Aggregate("sk::max_by({x}, {y})", "arg_max({x}, ROW({y}, -o_)) {f}", plain, same, second=lambda v: plain(v) and is_ordered(v), known=True),
    "covariance": Aggregate("sk::covariance({x}, {y})", "covar_samp({x}, {y}) {f}", is_number, product, second=is_number, null_for_few=True, known=True),
    "covariance<0>": Aggregate("sk::covariance<0>({x}, {y})", "covar_pop({x}, {y}) {f}", is_number, product, second=is_number, known=True),
    "correlation": Aggregate("sk::correlation({x}, {y})", "CASE WHEN min({x}) {f} < max({x}) {f} AND min({y}) {f} < max({y}) {f} THEN corr({x}, {y}) {f} END",
                             lambda v: is_number(v) and not v.rough, fraction, second=lambda v: is_number(v) and not v.rough, null_for_few=True, known=True),
    "share": Aggregate("sk::share({x})", "avg(CAST(CAST({x} AS INTEGER) AS DOUBLE)) {f}", plain, fraction, condition=True),
}


# ---- stages

class Query:
    """One random query: a chain of stages over random tables."""

    def __init__(self, rng, number, features):
        self.rng, self.number, self.features, self.names = rng, number, features, 0

    def note(self, feature):
        self.features[feature] += 1

    def fresh(self):
        self.names += 1
        return f"x{self.names}"

    def filter(self, r):
        condition = Scalars(self.rng, r).condition(2)
        if not condition:
            return r
        self.note("filter")
        return r.then(f"sk::filter({condition.cpp})", f"SELECT * FROM ({r.sql}) WHERE {condition.sql}")

    def derive(self, r):
        made, columns, current = [], list(r.columns), r
        for _ in range(self.rng.randint(1, 3)):
            v = Scalars(self.rng, r).anything()
            if v and not (v.cpp.startswith('"') and v.cpp.endswith('"_c')):
                made.append((self.fresh(), v))
        if not made:
            return r
        for name, v in made:
            columns.append(named(name, v))
        self.note("derive")
        listed = ", ".join(f"{v.sql} AS {name}" for name, v in made)
        return r.then("sk::derive(" + ", ".join(f'"{name}"_c = {v.cpp}' for name, v in made) + ")", f"SELECT *, {listed} FROM ({r.sql})", columns)

    def derive_nan(self, r):
        """A column with NaN and infinities, which is only grouped, counted and sorted by."""
        found = r.values(lambda v: v.type in ("i32", "f64") and v.few and plain(v))
        if len(found) < 2:
            return r
        a, b = self.rng.choice(found), self.rng.choice(found)
        name = self.fresh()
        self.note("NaN")
        return r.then(f'sk::derive("{name}"_c = {a.cpp} / {b.cpp})', f"SELECT *, CAST({a.sql} AS DOUBLE) / CAST({b.sql} AS DOUBLE) AS {name} FROM ({r.sql})",
                      [*r.columns, column(name, "f64", a.null or b.null, grain=0, nan=True)])

    def choose_columns(self, r):
        kept = self.rng.sample(r.columns, self.rng.randint(1, min(7, len(r.columns))))
        if self.rng.random() < 0.5 or len(kept) == len(r.columns):
            self.note("select")
            return r.then("sk::select(" + ", ".join(c.value.cpp for c in kept) + ")", f"SELECT {', '.join(c.name for c in kept)}, o_ FROM ({r.sql})", kept)
        self.note("drop")
        rest = [c for c in r.columns if c not in kept]
        return r.then("sk::drop(" + ", ".join(c.value.cpp for c in kept) + ")", f"SELECT {', '.join(c.name for c in rest)}, o_ FROM ({r.sql})", rest)

    def rename(self, r, names):
        """names: {new: old}"""
        old = {o: n for n, o in names.items()}
        columns = [dataclasses.replace(named(old[c.name], c.value)) if c.name in old else c for c in r.columns]
        listed = ", ".join(f"{c.name} AS {old[c.name]}" if c.name in old else c.name for c in r.columns)
        return r.then("sk::rename(" + ", ".join(f'"{n}"_c = "{o}"_c' for n, o in names.items()) + ")", f"SELECT {listed}, o_ FROM ({r.sql})", columns)

    def sort(self, r):
        found = [c for c in r.columns if not c.value.rough]
        if not found:
            return r
        cpp, order = self.order(found)
        self.note("sort")
        return r.then(f"sk::sort_by({cpp})", f"SELECT * REPLACE (row_number() OVER (ORDER BY {order}, o_) AS o_) FROM ({r.sql})")

    def order(self, found):
        keys = [(c, self.rng.random() < 0.5) for c in self.rng.sample(found, self.rng.randint(1, min(3, len(found))))]
        return ", ".join(f"sk::descending({c.value.cpp})" if down else c.value.cpp for c, down in keys), self.order_sql(keys)

    @staticmethod
    def order_sql(keys):
        order = []
        for c, down in keys:
            if c.value.nan:
                order += [f"{c.name} IS NULL", f"isnan({c.name})"]      # NaN after every number and before null, in either direction
            order.append(f"{c.name} {'DESC' if down else 'ASC'} NULLS LAST")
        return ", ".join(order)

    def top_n(self, r):
        found = [c for c in r.columns if not c.value.rough]
        if not found:
            return r
        (cpp, order), n = self.order(found), self.rng.choice([1, 3, 20])
        if self.rng.random() < 0.5:
            self.note("top_n")
            return r.then(f"sk::top_n({n}, {cpp})", f"SELECT * REPLACE (row_number() OVER (ORDER BY {order}, o_) AS o_) FROM ({r.sql}) QUALIFY row_number() OVER (ORDER BY {order}, o_) <= {n}")
        self.note("top_n within")
        groups = self.rng.sample(found, self.rng.randint(1, min(2, len(found))))
        within = ", ".join(g.name for g in groups)
        return r.then(f"sk::top_n({n}, {cpp}).within({', '.join(g.value.cpp for g in groups)})",
                      f"SELECT * EXCLUDE (g_, p_) REPLACE (row_number() OVER (ORDER BY g_, p_) AS o_) FROM (SELECT *, min(o_) OVER (PARTITION BY {within}) AS g_, "
                      f"row_number() OVER (PARTITION BY {within} ORDER BY {order}, o_) AS p_ FROM ({r.sql})) WHERE p_ <= {n}")

    def distinct(self, r):
        found = [c for c in r.columns if not c.value.rough]
        if not found:
            return r
        keys = self.rng.sample(found, self.rng.randint(1, min(3, len(found))))
        if len(found) == len(r.columns) and len(found) < 8 and self.rng.random() < 0.8:
            stage, keys = "sk::distinct()", found
            self.note("distinct")
        else:
            stage = f"sk::distinct_by({', '.join(k.value.cpp for k in keys)})"
            self.note("distinct_by")
        return r.then(stage, f"SELECT * FROM ({r.sql}) QUALIFY row_number() OVER (PARTITION BY {', '.join(k.name for k in keys)} ORDER BY o_) = 1")

    def rank(self, r):
        found = [c for c in r.columns if not c.value.rough]
        if not found:
            return r
        (cpp, order), name, type = self.order(found), self.fresh(), "i64"
        groups = self.rng.sample(found, self.rng.choice([0, 1, 2])) if len(found) > 1 else []
        partition = f"PARTITION BY {', '.join(g.name for g in groups)} " if groups else ""
        ties, rows = f"OVER ({partition}ORDER BY {order})", f"OVER ({partition}ORDER BY {order}, o_)"
        last = f"count(*) OVER ({partition}ORDER BY {order} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        kind = self.rng.choice(["min", "max", "dense", "first", "average", "row_number", "ntile"])
        listed = f"sk::order_by({cpp})"
        if kind == "row_number":
            stage, sql = f'sk::row_number({listed}, "{name}"_c)', f"row_number() {rows}"
        elif kind == "ntile":
            n = self.rng.choice([1, 4, 7])
            stage, sql = f'sk::ntile({n}, {listed}, "{name}"_c)', f"ntile({n}) {rows}"
        else:
            stage = f'sk::rank({listed}, "{name}"_c, {{.method = sk::rank_method::{kind}}})'
            sql = {"min": f"rank() {ties}", "max": last, "dense": f"dense_rank() {ties}", "first": f"row_number() {rows}", "average": f"(rank() {ties} + {last}) / 2"}[kind]
            type = "f64" if kind == "average" else "i64"
        self.note("rank")
        stage += f".within({', '.join(g.value.cpp for g in groups)})" if groups else ""
        return r.then(stage, f"SELECT *, {sql} AS {name} FROM ({r.sql})", [*r.columns, column(name, type, False, bound=max(r.rows, 1), grain=2 if type == "f64" else 1)])

    def replace(self, r):
        found = [c for c in r.columns if not c.value.nan]
        if not found:
            return r
        old, v = self.rng.choice(found), Scalars(self.rng, r).anything()
        if not v:
            return r
        self.note("replace")
        return r.then(f'sk::replace("{old.name}"_c = {v.cpp})', f"SELECT * REPLACE ({v.sql} AS {old.name}) FROM ({r.sql})", [named(c.name, v) if c is old else c for c in r.columns])

    def head(self, r):
        n = self.rng.choice([0, 5, 50, 3000])
        stage = self.rng.choice(["head", "skip"])
        self.note(stage)
        return r.then(f"sk::{stage}({n})", f"SELECT * FROM ({r.sql}) QUALIFY row_number() OVER (ORDER BY o_) {'<=' if stage == 'head' else '>'} {n}")

    def aggregate_of(self, r, name, is_global):
        kind = AGGREGATES[name]
        scalars = Scalars(self.rng, r)
        operand = None
        if kind.condition:
            operand = scalars.condition(1)
        elif kind.accepts:
            found = r.values(kind.accepts)
            computed = scalars.anything() if self.rng.random() < 0.15 else None
            operand = computed if computed and kind.accepts(computed) else self.rng.choice(found) if found else None
        if (kind.accepts or kind.condition) and (not operand or not kind.accepts(operand)):
            return None
        second = None
        if kind.second:
            found = [v for v in r.values(kind.second) if v != operand]
            if not found:
                return None
            second = self.rng.choice(found)
        only = scalars.condition(1) if self.rng.random() < 0.2 and name != "count_if" else None
        null = not kind.never_null and (is_global or kind.null_for_few or only is not None or any(v.null for v in (operand, second) if v))
        x, y = operand.sql if operand else "", second.sql if second else ""
        condition = [only.sql] if only else []
        if kind.known:
            condition += [f"({v.sql} IS NOT NULL)" for v in (operand, second) if v]
        where = f"FILTER (WHERE {' AND '.join(condition)})" if condition else ""
        cpp = kind.cpp.format(x=operand.cpp if operand else "", y=second.cpp if second else "") + (f".where({only.cpp})" if only else "")
        self.note(name)
        if only:
            self.note("where")
        result = Value("", "", null=null, **kind.result(operand, r.rows))
        return cpp, kind.sql.format(x=x, y=y, f=where, t=SQL[result.type]), result

    def aggregates(self, r, is_global, least=1):
        made = []
        rarest = sorted(AGGREGATES, key=lambda n: (self.features[n], self.rng.random()))
        for name in [*rarest[:2], *self.rng.sample(list(AGGREGATES), self.rng.randint(max(least - 2, 0), 4))]:
            a = self.aggregate_of(r, name, is_global)
            if a:
                made.append((self.fresh(), *a))
        return made

    def group(self, r):
        found = [c for c in r.columns if not c.value.rough]
        if not found:
            return r
        wanted = self.rng.choice([1, 1, 2, 2, 3])
        few = [c for c in found if c.value.few or c.value.type == "text" or c.value.nan]
        keys = self.rng.sample(few if len(few) >= wanted and self.rng.random() < 0.8 else found, min(wanted, len(found)))
        made = self.aggregates(r, False)
        if not made:
            return r
        written = [k.value.cpp for k in keys]
        inner = r.sql
        if self.rng.random() < 0.25:
            v, name = Scalars(self.rng, r).anything(), self.fresh()
            if v and not v.rough:
                keys, written = [*keys, named(name, v)], [*written, f'"{name}"_c = {v.cpp}']
                inner = f"SELECT *, {v.sql} AS {name} FROM ({inner})"
                self.note("group key by expression")
        in_order = self.rng.random() < 0.2
        if in_order:
            self.note("sorted groups")
        self.note("group_by")
        for k in keys:
            self.note(f"group key {k.value.type}{' null' if k.value.null else ''}{' NaN' if k.value.nan else ''}")
        if len(keys) > 1:
            self.note("several group keys")
        columns = keys + [named(name, v) for name, _, _, v in made]
        listed = ", ".join([k.name for k in keys] + [f"{sql} AS {name}" for name, _, sql, _ in made])
        sql = f"SELECT {listed}, min(o_) AS o_ FROM ({inner}) GROUP BY {', '.join(k.name for k in keys)}"
        if in_order:
            sql = f"SELECT * REPLACE (row_number() OVER (ORDER BY {self.order_sql([(k, False) for k in keys])}, o_) AS o_) FROM ({sql})"
        return r.then(f"sk::group_by({', '.join(written)})" + (".sorted()" if in_order else "") + ".aggregate(" + ", ".join(f'"{name}"_c = {cpp}' for name, cpp, _, _ in made) + ")",
                      sql, columns)

    def aggregate_all(self, r):
        made = self.aggregates(r, True)
        if not made:
            return r
        self.note("aggregate")
        columns = [named(name, v) for name, _, _, v in made]
        return r.then("sk::aggregate(" + ", ".join(f'"{name}"_c = {cpp}' for name, cpp, _, _ in made) + ")",
                      f"SELECT {', '.join(f'{sql} AS {name}' for name, _, sql, _ in made)}, CAST(0 AS BIGINT) AS o_ FROM ({r.sql})", columns, 1)

    def right_side(self, r, unique):
        """A relation to join with; no column of it has a name of the left side's."""
        free = [n for n in ("b", "c", "e") if n not in r.tables and not any(c.name.startswith(n + "_") for c in r.columns)]
        if not free:
            return None
        name = "e" if "e" in free and self.rng.random() < 0.07 else self.rng.choice([n for n in free if n != "e"] or free)
        if name == "e":
            self.note("empty right side")
        right = base(name)
        if self.rng.random() < 0.3:
            right = self.filter(right)
        if unique:
            keys = self.rng.sample([c for c in right.columns if not c.value.rough and c.value.type in ("i32", "i64", "text", "date")], 1)
            made = [(self.fresh(), *a) for a in [self.aggregate_of(right, self.rng.choice(["count", "max", "mean"]), False)] if a]
            if not made:
                return None
            columns = keys + [named(n, v) for n, _, _, v in made]
            return keys, right.then(f"sk::group_by({keys[0].value.cpp}).aggregate(" + ", ".join(f'"{n}"_c = {cpp}' for n, cpp, _, _ in made) + ")",
                                    f"SELECT {keys[0].name}, {', '.join(f'{sql} AS {n}' for n, _, sql, _ in made)}, min(o_) AS o_ FROM ({right.sql}) GROUP BY {keys[0].name}", columns)
        keys = self.rng.sample([c for c in right.columns if not c.value.rough], self.rng.choice([1, 1, 1, 2, 2, 3]))
        kept = keys + self.rng.sample([c for c in right.columns if c not in keys], self.rng.randint(0, 4))
        return keys, right.then("sk::select(" + ", ".join(c.value.cpp for c in kept) + ")", f"SELECT {', '.join(c.name for c in kept)}, o_ FROM ({right.sql})", kept)

    def join(self, r):
        kind = self.rng.choice(["inner", "left", "semi", "anti"])
        unique = kind in ("inner", "left") and self.rng.random() < 0.3
        made = self.right_side(r, unique)
        if not made:
            return r
        keys, right = made
        pairs, used = [], set()
        for k in keys:      # each key with a left column of its type
            found = [c for c in r.columns if c.value.type == k.value.type and not c.value.rough and not c.value.nan and c.name not in used]
            found = [c for c in found if c.value.few == k.value.few] or found      # keys that meet
            if found:
                pairs.append((self.rng.choice(found), k))
                used.add(pairs[-1][0].name)
        if not pairs:
            return r
        if all(k.value.type == "bool" for _, k in pairs) or (r.rows > 5000 and kind in ("inner", "left") and not unique):
            return r        # too many rows
        right = self.rename(right, {left.name: k.name for left, k in pairs})
        names = [left.name for left, _ in pairs]
        payload = [c for c in right.columns if c.name not in names]
        self.note(f"{kind}_join")
        if unique:
            self.note("one_match")
        if len(pairs) > 1:
            self.note("join on several keys")
        for left, k in pairs:
            self.note(f"join key {left.value.type}{' null' if left.value.null or k.value.null else ''}")
        stage = f"sk::{kind}_join({' | '.join(right.cpp)}, " + ", ".join(f'"{n}"_c' for n in names) + (", sk::one_match)" if unique else ")")
        on = " AND ".join(f"l.{n} = r.{n}" for n in names)
        if kind in ("semi", "anti"):
            return r.then(stage, f"SELECT * FROM ({r.sql}) l WHERE {'NOT ' if kind == 'anti' else ''}EXISTS (SELECT 1 FROM ({right.sql}) r WHERE {on})", tables=right.tables)
        columns = r.columns + [named(c.name, dataclasses.replace(c.value, null=c.value.null or kind == "left")) for c in payload]
        listed = "".join([f"l.{c.name}, " for c in r.columns] + [f"r.{c.name}, " for c in payload])
        return r.then(stage, f"SELECT {listed}row_number() OVER (ORDER BY l.o_, r.o_) AS o_ FROM ({r.sql}) l {'LEFT ' if kind == 'left' else ''}JOIN ({right.sql}) r ON {on}",
                      columns, r.rows * (1 if unique else 8), right.tables)

    def make(self):
        r = base(self.rng.choices(["a", "b", "e", "w"], [12, 4, 1, 3])[0])
        if r.tables == {"e"}:
            self.note("empty table")
        wide = r.rows > 10_000
        plan = self.rng.choice([[self.filter, self.derive, self.group], [self.filter, self.derive, self.choose_columns], [self.derive, self.group, self.filter, self.sort],
                                [self.join, self.filter, self.group], [self.filter, self.join, self.derive, self.sort], [self.join, self.join, self.group, self.derive],
                                [self.filter, self.aggregate_all], [self.derive, self.derive, self.aggregate_all], [self.derive_nan, self.group, self.sort],
                                [self.derive_nan, self.sort, self.choose_columns], [self.sort, self.group], [self.group, self.join, self.filter], [self.join, self.choose_columns],
                                [self.filter, self.group, self.group], [self.filter, self.distinct, self.derive], [self.derive_nan, self.distinct, self.sort], [self.derive, self.top_n],
                                [self.rank, self.filter, self.choose_columns], [self.derive_nan, self.rank, self.choose_columns], [self.replace, self.group], [self.join, self.replace, self.top_n],
                                [self.filter, self.head, self.group], [self.choose_columns, self.distinct, self.head], [self.sort, self.head, self.derive], [self.group, self.rank], [self.join, self.filter, self.join, self.choose_columns], [self.join, self.group], [self.filter, self.join, self.rank], [self.derive, self.join, self.sort, self.choose_columns], [self.choose_columns, self.filter, self.sort]])
        for stage in plan:
            r = stage(r)
        if wide and r.rows > 10_000 and not any(s.startswith(("sk::group_by", "sk::aggregate")) for s in r.cpp):
            r = self.aggregate_all(r)
        return r


# ---- files

HEAD = """// Made by generate.py.
#include <segkit/query.hpp>
#include <segkit/query/distinct.hpp>
#include <segkit/query/head.hpp>
#include <segkit/query/rank.hpp>
#include <segkit/query/top_n.hpp>

#include "tables.hpp"

using namespace segkit::literals;

void {name}(const tables& t, const recorder& to) {{
"""


def unrough(columns):
    return [{"name": c.name, "type": c.value.type, "rough": c.value.rough, "bound": c.value.bound} for c in columns]


def make_queries(rng, count):
    features = collections.Counter()
    made = []
    while len(made) < count:
        q = Query(rng, len(made), features)
        r = q.make()
        if len(r.cpp) > 1:
            made.append(r)
    return made, features


# What a run covers at least, of 200 queries.
AT_LEAST = {**{name: 12 for name in AGGREGATES}, **{f"{kind}_join": 6 for kind in ("inner", "left", "semi", "anti")}, "one_match": 3, "join on several keys": 10,
            "join key text null": 3, "join key i64": 3, "sort": 30, "filter": 60, "derive": 35, "group_by": 60, "several group keys": 30, "aggregate": 8, "NaN": 10, "empty table": 4,
            "empty right side": 3, "where": 40, "top_n": 3, "top_n within": 3, "distinct": 1, "distinct_by": 5, "rank": 10, "replace": 8, "head": 5, "skip": 5, "group key by expression": 10, "sorted groups": 8, "select": 10, "drop": 10, **{f"group key {t} null": 2 for t in ("i32", "i64", "f64", "text", "bool", "date", "ts")}}


def missing_features(features, queries):
    return [f"{feature}: {features[feature]} times, expected {least}" for feature, least in AT_LEAST.items() if features[feature] < least * queries // 200]


def write_queries(folder, queries, files):
    per_file = -(-len(queries) // files)
    calls, listed = [], []
    for f in range(files):
        body = HEAD.format(name=f"queries_{f}")
        for i in range(f * per_file, min((f + 1) * per_file, len(queries))):
            r = queries[i]
            body += f'    to.record("q{i:03}", [&] {{\n        return ' + "\n            | ".join(r.cpp) + ";\n    });\n"
            listed.append({"name": f"q{i:03}", "cpp": " | ".join(r.cpp), "sql": f"SELECT {', '.join(c.name for c in r.columns)} FROM ({r.sql}) ORDER BY o_", "columns": unrough(r.columns)})
        path, body = folder / f"queries_{f}.cpp", body + "}\n"
        if not path.exists() or path.read_text() != body:      # nothing that is the same is compiled again
            path.write_text(body)
        calls.append(f"queries_{f}")
    text = '// Made by generate.py.\n#include "tables.hpp"\n\n' + "".join(f"void {c}(const tables&, const recorder&);\n" for c in calls)
    text += "\nvoid all_queries(const tables& t, const recorder& to) {\n" + "".join(f"    {c}(t, to);\n" for c in calls) + "}\n"
    (folder / "all_queries.cpp").write_text(text)
    return listed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--features", action="store_true", help="print how often each thing occurs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    sources = write_tables(random.Random(f"{options.seed} tables"), options.out)
    write_schemas(options.out)
    queries, features = make_queries(random.Random(f"{options.seed} queries"), options.queries)
    missing = missing_features(features, options.queries)
    if missing:
        sys.exit(f"generate.py: too seldom, with seed {options.seed}: " + "; ".join(missing))
    listed = write_queries(options.out, queries, options.files)
    (options.out / "queries.json").write_text(json.dumps({"seed": options.seed, "tables": sources, "queries": listed, "features": dict(sorted(features.items()))}, indent=1))
    if options.features:
        for feature, times in sorted(features.items(), key=lambda f: -f[1]):
            print(f"{times:5} {feature}")


if __name__ == "__main__":
    main()
