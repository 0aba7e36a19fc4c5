"""The peers' side of the benchmarks, by the same protocol as the programs: loads what a workload needs, runs its query for each
line "run", and answers with the seconds and a digest of the result.

    python3 peers.py duckdb|polars|pandas THREADS DATA WORKLOAD [PARAMETER]

Each peer gets its best settings: types given, its thread count fixed before it is imported, tables in memory for grouping, joins and
sorts, and of the ways to the same result the fastest we found (the others can be tried: VARIANT=arrow, streaming, ...). What is
timed ends with the result in the peer's own form.
"""

import json
import os
import resource
import sys
import time

PEER, THREADS, DATA, WORKLOAD, *PARAMETERS = sys.argv[1:] + [None] * (5 - len(sys.argv))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(THREADS)])     # Arrow's reader has helpers that no setting counts
os.environ["POLARS_MAX_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["ARROW_NUM_THREADS"] = str(THREADS)
VARIANT = os.environ.get("VARIANT")

# name, DuckDB's type; the columns of the files
SESSIONS = {"session_id": "VARCHAR", "user_id": "BIGINT", "trip_id": "VARCHAR", "session_start": "TIMESTAMP", "session_end": "TIMESTAMP", "flight_discount": "BOOLEAN",
            "hotel_discount": "BOOLEAN", "flight_discount_amount": "DOUBLE", "hotel_discount_amount": "DOUBLE", "flight_booked": "BOOLEAN", "hotel_booked": "BOOLEAN",
            "page_clicks": "INTEGER", "cancellation": "BOOLEAN"}
USERS = {"user_id": "BIGINT", "birthdate": "DATE", "gender": "VARCHAR", "married": "BOOLEAN", "has_children": "BOOLEAN", "home_country": "VARCHAR", "home_city": "VARCHAR",
         "home_airport": "VARCHAR", "home_airport_lat": "DOUBLE", "home_airport_lon": "DOUBLE", "sign_up_date": "DATE"}
FLIGHTS = {"trip_id": "VARCHAR", "origin_airport": "VARCHAR", "destination": "VARCHAR", "destination_airport": "VARCHAR", "seats": "INTEGER", "return_flight_booked": "BOOLEAN",
           "departure_time": "TIMESTAMP", "return_time": "TIMESTAMP", "checked_bags": "INTEGER", "trip_airline": "VARCHAR", "destination_airport_lat": "DOUBLE",
           "destination_airport_lon": "DOUBLE", "base_fare_usd": "DOUBLE"}
HOTELS = {"trip_id": "VARCHAR", "hotel_name": "VARCHAR", "nights": "INTEGER", "rooms": "INTEGER", "check_in_time": "TIMESTAMP", "check_out_time": "TIMESTAMP",
          "hotel_per_room_usd": "DOUBLE"}
COMPANY = {"sessions": SESSIONS, "users": USERS, "flights": FLIGHTS, "hotels": HOTELS}
MEMORY = {"facts": {"user_id": "BIGINT", "sparse_id": "BIGINT", "user_key": "VARCHAR", "country": "VARCHAR", "clicks": "INTEGER", "spent": "DOUBLE", "minutes": "DOUBLE", "trip_id": "VARCHAR"},
          "users": {"user_id": "BIGINT", "sparse_id": "BIGINT", "birth_year": "INTEGER", "home": "VARCHAR"}, "trips": {"trip_id": "VARCHAR", "seats": "INTEGER", "fare": "DOUBLE"}}

# workload -> tables and columns that it needs in memory
NEEDS = {"group_int": {"facts": ["user_id", "clicks", "spent", "minutes"]}, "group_int_holistic": {"facts": ["user_id", "clicks", "spent", "minutes"]},
         "group_text": {"facts": ["user_key", "clicks", "spent", "minutes"]}, "group_country": {"facts": ["country", "clicks", "spent", "minutes"]},
         "join_int": {"facts": ["user_id", "clicks", "spent", "minutes"], "users": ["user_id", "birth_year", "home"]},
         "join_text": {"facts": ["trip_id", "clicks", "spent"], "trips": ["trip_id", "seats", "fare"]},
         "join_sparse": {"facts": ["sparse_id", "clicks", "spent", "minutes"], "users": ["sparse_id", "birth_year", "home"]},
         "join_many": {"facts": ["user_id", "clicks", "spent", "minutes"], "users": ["user_id", "birth_year", "home"]},
         "join_sums": {"facts": ["user_id", "clicks", "spent", "minutes"], "users": ["user_id", "birth_year", "home"]},
         "sort_numbers": {"facts": ["user_id", "clicks", "spent", "minutes"]}, "sort_trips": {"facts": ["trip_id", "clicks", "spent"]},
         "sort_int": {"facts": ["user_id", "user_key", "clicks", "spent"]}, "sort_text": {"facts": ["user_id", "user_key", "clicks", "spent"]}}
KEYS = {"group_int": "user_id", "group_int_holistic": "user_id", "group_text": "user_key", "group_country": "country", "join_int": "user_id", "join_sparse": "sparse_id",
        "join_text": "trip_id", "join_many": "user_id", "join_sums": "user_id"}
SORTED_BY = {"sort_int": ["user_id"], "sort_text": ["user_key", "spent"], "sort_numbers": ["spent"], "sort_trips": ["trip_id"]}
MEASURED = ["clicks", "spent", "minutes"]


# ---- digests: per column nulls, sum, and sum of value times place, as the programs compute them

def digest_of(table):
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    place = np.arange(1, table.num_rows + 1) / max(table.num_rows, 1)
    out = {"rows": table.num_rows}
    for name, column in zip(table.column_names, table.columns):
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
            if isinstance(column, pa.ChunkedArray):
                column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        t = column.type
        if pa.types.is_dictionary(t):
            column = column.dictionary_decode()
            t = column.type
        if pa.types.is_string(t) or pa.types.is_large_string(t) or t == pa.string_view():
            column = pc.binary_length(column.cast(pa.large_string()))
        elif pa.types.is_timestamp(t):
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
        elif pa.types.is_date(t):
            column = column.cast(pa.date32()).cast(pa.int32())
        elif pa.types.is_boolean(t):
            column = column.cast(pa.int8())
        elif pa.types.is_decimal(t):
            column = column.cast(pa.float64())
        nulls = column.null_count
        values = column.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
        nan = np.isnan(values)      # what pandas has for null
        if nan.any():
            nulls += int(nan.sum())
            values = np.where(nan, 0.0, values)
        out[name] = [nulls, float(values.sum()), float(values @ place)]
    return out


# ---- DuckDB

class DuckDB:
    def __init__(self):
        import duckdb
        self.version = duckdb.__version__
        self.c = duckdb.connect(config={"threads": int(THREADS)})
        self.c.execute("SET enable_progress_bar = false")

    def read(self, file, columns):
        listed = "{" + ", ".join(f"'{n}': '{t}'" for n, t in columns.items()) + "}"
        return f"read_csv('{file}', columns = {listed}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '')"

    def load(self, needs):
        for table, columns in needs.items():
            self.c.execute(f"CREATE TABLE {table} AS SELECT {', '.join(columns)} FROM {self.read(f'{DATA}/{table}.csv', MEMORY[table])}")

    def prepare(self):
        w = WORKLOAD
        if w.startswith("csv"):
            source = self.read(DATA, SESSIONS)
            self.sql = {"csv_all": f"SELECT * FROM {source}", "csv_two": f"SELECT user_id, page_clicks FROM {source}",
                        "csv_filter": f"SELECT * FROM {source} WHERE page_clicks >= {(PARAMETERS or [0])[0]}"}[w]
        elif w == "pipeline":
            with open(os.path.join(os.path.dirname(__file__), "pipeline.sql")) as text:
                self.sql = text.read()
            for table, columns in COMPANY.items():
                self.sql = self.sql.replace("{" + table + "}", self.read(f"{DATA}/{table}.csv", columns))
        else:
            self.load(NEEDS[w])
            if w.startswith("group"):
                five = ", ".join(f"sum({c}) AS {c}_sum, avg({c}) AS {c}_mean, min({c}) AS {c}_min, max({c}) AS {c}_max, stddev_samp({c}) AS {c}_sd" for c in MEASURED)
                more = ", median(spent) AS spent_median, count(DISTINCT clicks) AS clicks_distinct" if w.endswith("holistic") else ""
                self.sql = f"SELECT {KEYS[w]}, count(*) AS n, {five}{more} FROM facts GROUP BY {KEYS[w]}"
            elif w in ("join_int", "join_sparse"):
                self.sql = f"SELECT f.*, u.birth_year, u.home FROM facts f JOIN users u USING ({KEYS[w]})"
            elif w == "join_many":
                self.sql = "SELECT u.*, f.clicks, f.spent, f.minutes FROM users u JOIN facts f USING (user_id)"
            elif w == "join_sums":
                self.sql = "SELECT birth_year, count(*) AS n, sum(clicks) AS clicks_sum, sum(spent) AS spent_sum, avg(minutes) AS minutes_mean FROM facts JOIN users USING (user_id) GROUP BY birth_year"
            elif w == "join_text":
                self.sql = "SELECT f.*, t.seats, t.fare FROM facts f JOIN trips t USING (trip_id)"
            else:
                self.sql = f"SELECT * FROM facts ORDER BY {', '.join(SORTED_BY[w])}{' DESC' if w == 'sort_text' else ''} NULLS LAST"

    def run(self):
        if (VARIANT or ("arrow" if WORKLOAD.startswith(("join", "sort")) else "table")) == "table":
            self.c.execute(f"CREATE OR REPLACE TEMP TABLE result AS {self.sql}")
            return None
        return self.c.sql(self.sql).to_arrow_table()

    def arrow(self, result):
        return self.c.sql("SELECT * FROM result").to_arrow_table() if result is None else result

    def release(self):
        self.c.execute("DROP TABLE IF EXISTS result")


# ---- Polars

class Polars:
    def __init__(self):
        import polars
        self.pl, self.version = polars, polars.__version__
        pl = polars
        self.types = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "INTEGER": pl.Int32, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "DATE": pl.Date, "TIMESTAMP": pl.Datetime("us")}

    def scan(self, file, columns):
        return self.pl.scan_csv(file, schema={n: self.types[t] for n, t in columns.items()}, null_values="")     # a quoted nothing is null too

    def prepare(self):
        pl, w = self.pl, WORKLOAD
        if w.startswith("csv"):
            lazy = self.scan(DATA, SESSIONS)
            self.query = {"csv_all": lambda: lazy, "csv_two": lambda: lazy.select("user_id", "page_clicks"),
                          "csv_filter": lambda: lazy.filter(pl.col("page_clicks") >= int(PARAMETERS[0]))}[w]()
        elif w == "pipeline":
            import polars_pipeline
            self.query = polars_pipeline.query(self.scan, DATA, COMPANY)
        else:
            tables = {t: self.scan(f"{DATA}/{t}.csv", MEMORY[t]).select(columns).collect().rechunk().lazy() for t, columns in NEEDS[w].items()}
            facts = tables["facts"]
            if w.startswith("group"):
                outputs = [pl.len().alias("n")]
                for c in MEASURED:
                    outputs += [pl.col(c).sum().alias(f"{c}_sum"), pl.col(c).mean().alias(f"{c}_mean"), pl.col(c).min().alias(f"{c}_min"), pl.col(c).max().alias(f"{c}_max"),
                                pl.col(c).std().alias(f"{c}_sd")]
                if w.endswith("holistic"):
                    outputs += [pl.col("spent").median().alias("spent_median"), pl.col("clicks").n_unique().alias("clicks_distinct")]
                self.query = facts.group_by(KEYS[w]).agg(outputs)
            elif w == "join_many":
                self.query = tables["users"].join(facts, on=KEYS[w], how="inner")
            elif w.startswith("join"):
                self.query = facts.join(tables["trips" if w == "join_text" else "users"], on=KEYS[w], how="inner")
                if w == "join_sums":
                    self.query = self.query.group_by("birth_year").agg(pl.len().alias("n"), pl.col("clicks").sum().alias("clicks_sum"), pl.col("spent").sum().alias("spent_sum"),
                                                                       pl.col("minutes").mean().alias("minutes_mean"))
            else:
                self.query = facts.sort(SORTED_BY[w], descending=[False, True][:len(SORTED_BY[w])], nulls_last=True)

    def run(self):
        streaming = WORKLOAD in ("group_int", "group_text", "group_country", "join_int", "sort_int", "sort_text", "csv_two") if VARIANT is None else VARIANT == "streaming"
        return self.query.collect(engine="streaming" if streaming else "in-memory")

    def arrow(self, result):
        return result.to_arrow()

    def release(self):
        pass


# ---- pandas

class Pandas:
    def __init__(self):
        import pandas
        import pyarrow
        pyarrow.set_cpu_count(int(THREADS))
        self.pd, self.version = pandas, pandas.__version__

    def read(self, file, columns, wanted=None):
        types = {"VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int32", "DOUBLE": "float64", "BOOLEAN": "bool"}
        wanted = list(wanted or columns)
        moments = [c for c in wanted if columns[c] in ("TIMESTAMP", "DATE")]
        kept = {c: self.pd.ArrowDtype(self.arrow_type(columns[c])) if c in moments else types[columns[c]] for c in wanted}
        return self.pd.read_csv(file, usecols=wanted, dtype=kept, engine="pyarrow")[wanted]

    def arrow_type(self, t):
        import pyarrow as pa
        return pa.timestamp("us") if t == "TIMESTAMP" else pa.date32()

    def prepare(self):
        w = WORKLOAD
        if not w.startswith("csv"):
            self.tables = {t: self.read(f"{DATA}/{t}.csv", MEMORY[t], columns) for t, columns in NEEDS[w].items()}

    def run(self):
        w = WORKLOAD
        if w == "csv_all":
            return self.read(DATA, SESSIONS)
        if w == "csv_two":
            return self.read(DATA, SESSIONS, ["user_id", "page_clicks"])
        if w == "csv_filter":
            rows = self.read(DATA, SESSIONS)
            return rows[rows.page_clicks >= int(PARAMETERS[0])]
        facts = self.tables["facts"]
        if w.startswith("group"):
            outputs = {"n": ("clicks", "size")}
            for c in MEASURED:
                outputs |= {f"{c}_sum": (c, "sum"), f"{c}_mean": (c, "mean"), f"{c}_min": (c, "min"), f"{c}_max": (c, "max"), f"{c}_sd": (c, "std")}
            if w.endswith("holistic"):
                outputs |= {"spent_median": ("spent", "median"), "clicks_distinct": ("clicks", "nunique")}
            return facts.groupby(KEYS[w], sort=False).agg(**outputs).reset_index()
        if w == "join_many":
            return self.tables["users"].merge(facts, on=KEYS[w], how="inner")
        if w.startswith("join"):
            right = self.tables["trips" if w == "join_text" else "users"]
            joined = (facts[facts.trip_id.notna()] if w == "join_text" else facts).merge(right, on=KEYS[w], how="inner")
            if w != "join_sums":
                return joined
            return joined.groupby("birth_year", sort=False).agg(n=("clicks", "size"), clicks_sum=("clicks", "sum"), spent_sum=("spent", "sum"), minutes_mean=("minutes", "mean")).reset_index()
        return facts.sort_values(SORTED_BY[w], ascending=[True, False][:len(SORTED_BY[w])])

    def arrow(self, result):
        import pyarrow as pa
        return pa.Table.from_pandas(result, preserve_index=False)

    def release(self):
        pass


def say(message):
    print(json.dumps(message), flush=True)


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    peer = {"duckdb": DuckDB, "polars": Polars, "pandas": Pandas}[PEER]()
    peer.prepare()
    say({"ready": True, "version": peer.version, "start_mb": peak_megabytes()})
    for line in sys.stdin:
        if not line.startswith("run"):
            break
        begin = time.perf_counter()
        result = peer.run()
        seconds = time.perf_counter() - begin
        peak = peak_megabytes()
        digest = digest_of(peer.arrow(result)) if "digest" in line else None
        result = None
        peer.release()
        say({"seconds": seconds, "peak_mb": peak, "digest": digest})


if __name__ == "__main__":
    main()
