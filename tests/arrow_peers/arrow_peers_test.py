#!/usr/bin/env python3
"""Arrow data through segkit and back, with pyarrow, Polars and DuckDB on the other side.

    python3 arrow_peers_test.py LIBRARY

LIBRARY is built from library.cpp. Needs pyarrow, polars and duckdb (tests/requirements.txt): run with the interpreter that
SEGKIT_TEST_PYTHON names, else this one; where they are absent it says SKIPPED and exits with 77.
"""
import ctypes
import datetime
import gc
import importlib.util
import os
import subprocess
import sys

PYTHON = os.environ.get("SEGKIT_TEST_PYTHON")
if PYTHON and os.path.abspath(PYTHON) != os.path.abspath(sys.executable) and not os.environ.get("SEGKIT_TEST_STARTED"):
    os.execve(PYTHON, [PYTHON, *sys.argv], {**os.environ, "SEGKIT_TEST_STARTED": "1"})
# A library that is built with a sanitizer needs the sanitizer's own library loaded before all others. What leaks at the end
# is judged by whether segkit asked for it: Python and the peers keep memory of their own until the end.
PRELOAD = os.environ.get("SEGKIT_TEST_PRELOAD")
if PRELOAD and "LD_PRELOAD" not in os.environ:
    environment = {**os.environ, "LD_PRELOAD": PRELOAD, "ASAN_OPTIONS": "detect_leaks=1:detect_odr_violation=0", "LSAN_OPTIONS": "exitcode=0"}
    ran = subprocess.run([sys.executable, *sys.argv], env=environment, stderr=subprocess.PIPE, text=True, errors="replace")
    leaks = [block for block in ran.stderr.split("\n\n") if " leak of " in block and "segkit" in block]
    others = [block for block in ran.stderr.split("\n\n") if " leak of " in block]
    if ran.returncode or leaks:
        print("\n\n".join(leaks) or ran.stderr)
    print(f"{len(leaks)} leaks of segkit ({len(others)} of Python and the peers)")
    sys.exit(ran.returncode or bool(leaks))

absent = [name for name in ("pyarrow", "polars", "duckdb") if importlib.util.find_spec(name) is None]
if absent:
    print(f"SKIPPED: {', '.join(absent)} not installed (scripts/setup --all installs the packages of tests/requirements.txt)")
    sys.exit(77)

import duckdb
import polars
import pyarrow as pa


class ArrowStruct(ctypes.Structure):
    """Room for any of the three structs; `release` is where it stands in it."""

    _fields_ = [("words", ctypes.c_void_p * 10)]
    RELEASE = {"stream": 3, "array": 8, "schema": 7}

    def address(self):
        return ctypes.addressof(self)

    def is_released(self, kind):
        return not self.words[self.RELEASE[kind]]

    def release(self, kind):
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.words[self.RELEASE[kind]])(self.address())


LIBRARY = ctypes.CDLL(sys.argv[1])
CAPSULE_POINTER = ctypes.pythonapi.PyCapsule_GetPointer
CAPSULE_POINTER.restype = ctypes.c_void_p
CAPSULE_POINTER.argtypes = [ctypes.py_object, ctypes.c_char_p]
CAPSULE_NEW = ctypes.pythonapi.PyCapsule_New
CAPSULE_NEW.restype = ctypes.py_object
CAPSULE_NEW.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
STREAM_NAME = b"arrow_array_stream"


class SegkitError(Exception):
    pass


def call(function, *arguments):
    message = ctypes.create_string_buffer(4096)
    pointers = [a if isinstance(a, int) else a.address() for a in arguments if not isinstance(a, ctypes.c_uint)]
    threads = [a for a in arguments if isinstance(a, ctypes.c_uint)]
    typed = [ctypes.c_void_p(p) for p in pointers] + threads
    if getattr(LIBRARY, function)(*typed, message, ctypes.c_size_t(len(message))):
        raise SegkitError(message.value.decode())


class Rows:
    """A stream that segkit gave, for any consumer that knows the capsule protocol."""

    def __init__(self, struct):
        self.struct = struct

    def __del__(self):
        if not self.struct.is_released("stream"):
            self.struct.release("stream")

    def __arrow_c_stream__(self, requested_schema=None):
        return CAPSULE_NEW(self.struct.address(), STREAM_NAME, None)


def through(function, producer, threads=1):
    """What segkit's function makes of the rows of anything with __arrow_c_stream__."""
    out = ArrowStruct()
    capsule = producer.__arrow_c_stream__()
    given = ArrowStruct.from_address(CAPSULE_POINTER(capsule, STREAM_NAME))
    try:
        call(function, given, out, ctypes.c_uint(threads))
    finally:
        CHECKS.that(given.is_released("stream"), f"{function}: the stream that was given is taken")
    return Rows(out)


class Checks:
    def __init__(self):
        self.count = self.failed = 0

    def that(self, condition, what):
        self.count += 1
        if not condition:
            self.failed += 1
            print(f"FAILED: {what}")

    def same(self, found, expected, what):
        self.that(found.equals(expected), f"{what}:\nfound    {str(found)[:2000]}\nexpected {str(expected)[:2000]}")


CHECKS = Checks()

# What segkit gives for each of its columns.
GIVEN = pa.schema([("flag", pa.bool_()), ("i32", pa.int32()), ("i64", pa.int64()), ("f32", pa.float32()), ("f64", pa.float64()), ("name", pa.large_string()),
                   ("day", pa.date32()), ("time", pa.timestamp("us", "UTC")), ("span", pa.duration("us"))])
REQUIRED = pa.schema([f.with_nullable(False) for f in GIVEN])

START = datetime.datetime(1969, 12, 31, 22, 0, 0)


def table_of(rows, types, null_every=0, first=0):
    """Rows of all columns in the given Arrow types; from each column another residue of rows is null."""

    def column(position, name, value):
        values = [None if null_every and (i + position) % null_every == 0 else value(i) for i in range(first, first + rows)]
        wanted = types.get(name, GIVEN.field(name).type)
        if pa.types.is_dictionary(wanted):
            return pa.array(values, wanted.value_type).dictionary_encode().cast(wanted)
        return pa.array(values, wanted)

    makers = {"flag": lambda i: i % 3 == 0, "i32": lambda i: i % 120 - 60 if types.get("i32") != pa.uint16() else i % 120, "i64": lambda i: i * 7,
              "f32": lambda i: i / 4, "f64": lambda i: i / 8,
              "name": lambda i: ["", "Zoë", "a name that is longer than twelve bytes", "x" * 12, "日本"][i * 7 % 5], "day": lambda i: datetime.date(1969, 12, 30) + datetime.timedelta(days=i % 40_000),
              "time": lambda i: START + datetime.timedelta(seconds=i * 61), "span": lambda i: datetime.timedelta(seconds=i - 5)}
    return pa.table({name: column(p, name, make) for p, (name, make) in enumerate(makers.items())})


def expected_of(table, schema=GIVEN):
    """The same rows as segkit gives them, by pyarrow's own casts."""
    columns = []
    for field in schema:
        column = table.column(field.name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):    # microseconds, rounded down
            multiply, divide = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}[column.type.unit]
            counts = [None if n is None else n * multiply // divide for n in column.cast(pa.int64()).to_pylist()]
            column = pa.chunked_array([pa.array(counts, pa.int64())])
        columns.append(column.cast(field.type) if column.type != field.type else column)
    return pa.table(columns, schema=schema).combine_chunks()


def read(rows):
    table = pa.table(rows)
    CHECKS.that(rows.struct.is_released("stream"), "the stream that segkit gave is taken")
    table.validate(full=True)
    return table.combine_chunks()


# ---- pyarrow

NARROW = {"i32": pa.int8(), "i64": pa.uint32(), "f64": pa.float32(), "name": pa.string(), "time": pa.timestamp("s"), "span": pa.duration("s")}
OTHER = {"i32": pa.uint16(), "i64": pa.int16(), "f32": pa.float16(), "name": pa.string_view(), "time": pa.timestamp("ms", "Europe/Berlin"), "span": pa.duration("ms")}
DICTIONARIES = {"name": pa.dictionary(pa.int8(), pa.string()), "i64": pa.dictionary(pa.int32(), pa.int64()), "time": pa.timestamp("ns"), "span": pa.duration("ns")}


def test_pyarrow_types():
    for types in ({}, NARROW, OTHER, DICTIONARIES, {"name": pa.dictionary(pa.uint16(), pa.large_string())}):
        for null_every in (0, 2, 3):
            for rows in (0, 1, 7, 5_000):
                if types is OTHER or types.get("i64") == pa.int16():
                    rows = min(rows, 4_000)
                table = table_of(rows, types, null_every)
                what = f"pyarrow, {types}, {rows} rows, null every {null_every}"
                CHECKS.same(read(through("nullable_stream", table)), expected_of(table), what)
                if null_every == 0:
                    CHECKS.same(read(through("required_stream", table)), expected_of(table, REQUIRED), what + ", without nulls")


def test_pyarrow_slices_and_chunks():
    whole = table_of(9_000, DICTIONARIES, 3)
    for offset, length in ((0, 9_000), (1, 8_000), (7, 4_096), (8_999, 1), (5, 0)):
        piece = whole.slice(offset, length)
        for function in ("nullable_stream", "kept_stream"):
            for threads in (1, 3):
                CHECKS.same(read(through(function, piece, threads)), expected_of(piece), f"{function}: slice {offset}, {length}")
    # Chunks of many sizes, each a slice, with a dictionary of its own.
    parts, first = [], 0
    for size in (1, 2_047, 0, 3, 40_000, 5, 100_000):
        parts.append(table_of(size + 3, {**DICTIONARIES, "name": pa.dictionary(pa.int16(), pa.string())}, 4, first).slice(2, size))
        first += size
    chunked = pa.concat_tables(parts)
    for function in ("nullable_stream", "kept_stream"):
        for threads in (1, 2):
            CHECKS.same(read(through(function, chunked, threads)), expected_of(chunked), f"{function}: chunks")


def test_pyarrow_batches():
    table = table_of(3_000, OTHER, 2)
    batch = table.slice(11, 2_500).combine_chunks().to_batches()[0].slice(3)
    schema, array, out_schema, out = (ArrowStruct() for _ in range(4))
    batch._export_to_c(array.address(), schema.address())
    call("batch", schema, array, out_schema, out)
    CHECKS.that(schema.is_released("schema") and array.is_released("array"), "a batch that was given is taken")
    found = pa.RecordBatch._import_from_c(out.address(), out_schema.address())
    found.validate(full=True)
    CHECKS.same(pa.table(found), expected_of(pa.table(batch)), "a batch there and back")
    CHECKS.that(out.is_released("array"), "a batch that segkit gave is taken")


def test_categories():
    # Chunks with dictionaries of their own, and plain texts, become dictionary arrays with the texts in first-seen order.
    parts = [table_of(size, {"name": pa.dictionary(pa.int16(), pa.string())}, 4, size).select(["i64", "name"]).slice(1) for size in (9, 50_000, 2, 70_000)]
    chunked = pa.concat_tables(parts)
    wanted = pa.schema([("i64", pa.int64()), ("name", pa.large_string())])
    expected = expected_of(chunked, wanted)
    for given in (chunked, expected):
        for threads in (1, 3):
            found = pa.table(through("names_stream", given, threads))
            found.validate(full=True)
            CHECKS.that(found.schema.field("name").type == pa.dictionary(pa.int32(), pa.large_string()), f"the type of a category: {found.schema}")
            CHECKS.same(expected_of(found, wanted), expected, "categories there and back")
            first = list(dict.fromkeys(name for name in expected.column("name").to_pylist() if name is not None))
            CHECKS.that(found.column("name").chunk(0).dictionary.to_pylist() == first, "the dictionary is in first-seen order")
    frame = polars.DataFrame(through("names_stream", chunked))
    CHECKS.that(frame["name"].dtype == polars.Categorical, f"Polars reads a category as {frame['name'].dtype}")
    CHECKS.that(frame["name"].cast(polars.String).to_list() == expected.column("name").to_pylist(), "Polars reads the texts of a category")
    CHECKS.same(expected_of(read(through("names_stream", frame)), wanted), expected, "a categorical of Polars as a category")
    rows, db = through("names_stream", chunked), duckdb.connect()
    counted = db.sql("SELECT count(*), count(name), count(DISTINCT name), sum(i64 * length(name)) FROM rows").fetchall()
    CHECKS.that(counted == db.sql("SELECT count(*), count(name), count(DISTINCT name), sum(i64 * length(name)) FROM expected").fetchall(), f"DuckDB reads a category: {counted}")
    empty = read(through("names_stream", chunked.slice(0, 0)))
    CHECKS.that(empty.num_rows == 0 and pa.types.is_dictionary(empty.schema.field("name").type), "a category without rows")


def test_lists():
    rows = 20_000
    numbers = [None if i % 7 == 3 else list(range(i % 5)) for i in range(rows)]
    words = [["", "Zoë", "a word that is longer than twelve bytes"][: i % 4] for i in range(rows)]
    flags = [None if i % 11 == 0 else [i % 2 == 0, i % 3 == 0] for i in range(rows)]
    times = [[START + datetime.timedelta(seconds=i)] * (i % 2) for i in range(rows)]
    ids = pa.array(range(rows), pa.int64())
    wanted = {name: pa.large_list(pa.field("item", item, False)) for name, item in
              (("numbers", pa.int64()), ("words", pa.large_string()), ("flags", pa.bool_()), ("times", pa.timestamp("us", "UTC")))}
    values = {"numbers": numbers, "words": words, "flags": flags, "times": times}
    for number, word, time in ((pa.int64(), pa.large_string(), pa.timestamp("us", "UTC")), (pa.int8(), pa.string(), pa.timestamp("s")),
                               (pa.uint16(), pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ms", "Europe/Berlin"))):
        for of in (pa.list_, pa.large_list):
            types = {"numbers": of(number), "words": of(word), "flags": of(pa.bool_()), "times": of(time)}
            table = pa.table({"id": ids, **{name: pa.array(values[name], types[name]) for name in types}})
            chunked = pa.concat_tables([table.slice(5, 9_000), table.slice(9_005, 3), table.slice(9_008, 0), table.slice(9_008)])
            for given, first in ((table, 0), (chunked, 5), (table.slice(19_993), 19_993), (table.slice(0, 0), rows)):
                found = read(through("lists_stream", given, 2))
                expected = {"id": list(range(first, rows)), **{name: column[first:] for name, column in values.items()}}
                for name, column in expected.items():
                    CHECKS.that(name == "id" or found.schema.field(name).type == wanted[name], f"the type of {name}: {found.schema.field(name).type}")
                    same = found.column(name).to_pylist() if name != "times" else [[t.replace(tzinfo=None) for t in list] for list in found.column(name).to_pylist()]
                    CHECKS.that(same == column, f"lists there and back: {name}, {types}, from row {first}")
    given = pa.table({"id": ids, **{name: pa.array(column) for name, column in values.items()}})
    frame = polars.DataFrame(through("lists_stream", polars.DataFrame(given), 2))
    CHECKS.that(frame["numbers"].to_list() == numbers and frame["words"].to_list() == words and frame["flags"].to_list() == flags, "Polars reads lists")
    streamed, db = through("lists_stream", given), duckdb.connect()
    counted = db.sql("SELECT count(numbers), sum(len(words)), sum(list_sum(numbers)), count_if(flags[1]), max(words[2]) FROM streamed").fetchall()
    CHECKS.that(counted == db.sql("SELECT count(numbers), sum(len(words)), sum(list_sum(numbers)), count_if(flags[1]), max(words[2]) FROM given").fetchall(), f"DuckDB reads lists: {counted}")

    source = table_of(30_000, {"name": pa.string()}, 7)
    found = polars.DataFrame(through("lists_by_name", source, 3))
    by_polars = polars.DataFrame(source).group_by("name", maintain_order=True).agg(polars.col("i64").drop_nulls().alias("numbers"), polars.col("day").drop_nulls().alias("days"))
    CHECKS.that(found.equals(by_polars), f"to_list as Polars has it:\n{found}\n{by_polars}")
    nulls = pa.table({"id": ids[:3], "numbers": pa.array([[1], [2], [3, None]], pa.list_(pa.int64())), "words": pa.array([[], [], []], pa.list_(pa.null())), "flags": pa.nulls(3), "times": words[:1] * 3})
    try:
        through("lists_stream", nulls)
        CHECKS.that(False, "a null in a list is an error")
    except SegkitError as failure:
        CHECKS.that("unexpected null in 'numbers' at row 2" in str(failure), str(failure))


def test_pyarrow_blocks():
    ids = list(range(100))
    table = pa.table({"id": ids, "at": pa.array([[i, i / 2, -i] for i in ids], pa.list_(pa.float64(), 3))}).slice(3)
    found = read(through("points_stream", table))
    CHECKS.that(found.to_pylist() == table.to_pylist(), "fixed-size lists there and back")


def test_nothing_leaks():
    gc.collect()
    before = pa.total_allocated_bytes()
    for _ in range(3):
        table = table_of(20_000, DICTIONARIES, 3)
        found = read(through("nullable_stream", table))
        kept = read(through("kept_stream", table))
        through("nullable_stream", table.slice(1))    # nobody reads it
        through("kept_stream", table.slice(1))
        try:
            through("required_stream", table)
        except SegkitError:
            pass
        del table, found, kept
    gc.collect()
    CHECKS.that(pa.total_allocated_bytes() == before, f"pyarrow's memory: {before} bytes before, {pa.total_allocated_bytes()} after")


def test_errors():
    def words_of(function, producer):
        try:
            through(function, producer)
        except SegkitError as failure:
            return str(failure)
        return "no error"

    table = table_of(100, {})
    nulls = table.set_column(1, "i32", pa.array([None if i == 70 else i for i in range(100)], pa.int32()))
    CHECKS.that("unexpected null in 'i32' at row 70" in words_of("required_stream", nulls), words_of("required_stream", nulls))
    odd = pa.table({"flags": [True], "i32": [1.5], "name": [b"x"]})
    words = words_of("required_stream", odd)
    for part in ("8 of 9 columns", "'flag' is missing, perhaps 'flags' is meant", "'i32' is float64, not int32", "'span' is missing"):
        CHECKS.that(part in words, f"{part!r} in {words!r}")

    def failing():
        yield table.to_batches()[0]
        raise ValueError("the well is dry")

    reader = pa.RecordBatchReader.from_batches(table.schema, failing())
    CHECKS.that("the well is dry" in words_of("nullable_stream", reader), words_of("nullable_stream", pa.RecordBatchReader.from_batches(table.schema, failing())))


# ---- Polars and DuckDB: the rows go from and to the peer, and are compared as pyarrow tables


def test_polars():
    source = table_of(30_000, {"name": pa.string()}, 7)
    frame = polars.concat([polars.from_arrow(source.slice(0, 10_000)), polars.from_arrow(source.slice(10_000))], rechunk=False)
    expected = expected_of(source)
    for given, what in ((frame, "plain"), (frame.with_columns(polars.col("name").cast(polars.Categorical)), "categorical"),
                        (frame.with_columns(polars.col("time").dt.cast_time_unit("ms"), polars.col("span").dt.cast_time_unit("ms")), "milliseconds")):
        for function in ("nullable_stream", "kept_stream"):
            CHECKS.same(read(through(function, given, 2)), expected, f"{function}: Polars, {what}")
    piece = frame.slice(9_999, 3)
    CHECKS.same(read(through("nullable_stream", piece)), expected.slice(9_999, 3).combine_chunks(), "a slice of a Polars frame")
    back = polars.DataFrame(through("nullable_stream", frame))
    for name in back.columns:
        CHECKS.that(back[name].equals(frame[name], null_equal=True), f"Polars there and back: {name}\n{back[name]}\n{frame[name]}")

    found = polars.DataFrame(through("groups_by_name", frame, 2))
    by_polars = frame.group_by("name", maintain_order=True).agg(polars.len().cast(polars.Int64).alias("rows"), polars.col("i64").count().cast(polars.Int64).alias("known"),
                                                               polars.col("i64").sum().alias("sum"), polars.col("f64").mean().alias("mean"), polars.col("day").max().alias("last_day"))
    CHECKS.that(found.drop("mean").equals(by_polars.drop("mean")), f"groups as Polars has them:\n{found}\n{by_polars}")
    CHECKS.that((found["mean"] - by_polars["mean"]).abs().max() < 1e-9, "means as Polars has them")


def test_duckdb():
    source = table_of(30_000, {"name": pa.string()}, 7)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.register("source", source)
    relation = db.sql("SELECT * FROM source")
    # DuckDB has one interval type, without a fixed number of microseconds: the span travels as itself only from the others.
    relation = db.sql("SELECT * EXCLUDE (span), i64 AS span_us FROM source")
    columns = [name for name in GIVEN.names if name != "span"]
    given = db.sql("SELECT *, NULL AS span FROM relation")
    expected = expected_of(source).drop_columns("span")
    found = read(through("nullable_stream", given, 2))
    CHECKS.same(found.select(columns), expected, "DuckDB")
    CHECKS.that(found.column("span").null_count == 30_000, "a column of nulls from DuckDB")
    sums = db.sql("SELECT flag, sum(i32)::INTEGER AS i32, sum(i64) AS i64, max(f32) AS f32, NULL AS f64, name, NULL AS day, NULL AS time, NULL AS span FROM relation GROUP BY flag, name")
    whole = read(through("nullable_stream", sums)).column("i64").to_pylist()
    here = db.sql("SELECT sum(i64)::BIGINT FROM relation GROUP BY flag, name").fetchall()
    CHECKS.that(sorted(map(str, whole)) == sorted(str(row[0]) for row in here), "sums of DuckDB, of 128 bits, as 64-bit integers")
    enums = db.sql("SELECT * REPLACE (name::ENUM('', 'Zoë', 'a name that is longer than twelve bytes', 'xxxxxxxxxxxx', '日本') AS name), NULL AS span FROM relation")
    CHECKS.same(read(through("nullable_stream", enums)).select(columns), expected, "DuckDB, enum")

    rows = through("nullable_stream", given)
    back = db.sql("SELECT count(*), count(i32), sum(i64), max(name), min(epoch_us(\"time\")), bool_and(flag OR NOT flag) FROM rows").fetchall()[0]
    here = db.sql("SELECT count(*), count(i32), sum(i64), max(name), min(epoch_us(\"time\")), bool_and(flag OR NOT flag) FROM relation").fetchall()[0]
    CHECKS.that(back == here, f"DuckDB reads what segkit gives: {back}, {here}")

    groups = through("groups_by_name", given)
    differing = db.sql("""
        WITH ours AS (SELECT name, "rows", known, sum, mean, last_day FROM groups),
             theirs AS (SELECT name, count(*) AS "rows", count(i64) AS known, sum(i64)::BIGINT AS sum, avg(f64) AS mean, max(day) AS last_day FROM relation GROUP BY name)
        SELECT count(*) FROM ours FULL JOIN theirs ON ours.name IS NOT DISTINCT FROM theirs.name
        WHERE ours."rows" IS DISTINCT FROM theirs."rows" OR ours.known IS DISTINCT FROM theirs.known OR ours.sum IS DISTINCT FROM theirs.sum
           OR abs(ours.mean - theirs.mean) > 1e-9 OR ours.last_day IS DISTINCT FROM theirs.last_day""").fetchall()[0][0]
    CHECKS.that(differing == 0, f"{differing} groups that differ from DuckDB's")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        before = CHECKS.count
        test()
        CHECKS.that(CHECKS.count > before, f"{name} checks something")
print(f"{CHECKS.count} checks, {CHECKS.failed} failed (pyarrow {pa.__version__}, Polars {polars.__version__}, DuckDB {duckdb.__version__})")
sys.exit(1 if CHECKS.failed else 0)
