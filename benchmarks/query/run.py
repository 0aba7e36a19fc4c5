"""Runs segkit's queries and the peers' by the rules of docs/benchmarks.md; scripts/bench query sets everything up and calls this.

Each engine has a process of its own per workload, on the same cores; after one warm-up the runs alternate between the engines, and
every peer's result is compared with ours. Prints one table, and writes out/bench/query.json and docs/images/bench-query.svg
(with --growth: docs/images/bench-growth.svg). Standard library only; the peers live in another interpreter (peers.py).
"""

import argparse
import collections
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import chart

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FULL, QUICK = 5_400_000, 400_000
SESSIONS_PER_CUSTOMER = 902     # of a generated whole company
ORDERED, KEYS_ORDERED, UNORDERED = "ordered", "keys ordered", "unordered"


# program: of build/*/benchmarks/query; arguments of it, where {...} are names of `Data`; peer: name of the workload in peers.py
Workload = collections.namedtuple("Workload", "name label program arguments peer parameter data dtype order keys bytes")


def text(chars):
    return 8 + chars


def facts(key):
    return {"int": 8, "text": text(16), "country": text(8)}[key] + 4 + 8 + 8


def groups(d):
    return min(d.rows, d.rows * 10 // 53)


# `bytes` gives what has to be read and written at the least: the columns used, and the result.
WORKLOADS = [
    Workload("csv_all", "CSV, 13 columns", "query_csv", ["{plain}", "all"], "csv_all", None, "{plain}", "mixed", ORDERED, None, "file"),
    Workload("csv_all_quoted", "CSV, 13 columns, quoted", "query_csv", ["{quoted}", "all"], "csv_all", None, "{quoted}", "mixed", ORDERED, None, "file"),
    Workload("csv_two", "CSV, 2 of 13 columns", "query_csv", ["{plain}", "two"], "csv_two", None, "{plain}", "int", ORDERED, None, "file"),
    Workload("csv_keep_1", "CSV, 1 % of the rows", "query_csv", ["{plain}", "filter", "{clicks_1}"], "csv_filter", "{clicks_1}", "{plain}", "mixed", ORDERED, None, "file"),
    Workload("csv_keep_50", "CSV, half of the rows", "query_csv", ["{plain}", "filter", "{clicks_50}"], "csv_filter", "{clicks_50}", "{plain}", "mixed", ORDERED, None, "file"),
    Workload("group_int", "group by integer, 16 outputs", "query_group_by", ["{rows}", "int"], "group_int", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * 17 * 8),
    Workload("group_int_holistic", "the same, median and distinct", "query_group_by", ["{rows}", "int_holistic"], "group_int_holistic", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * 19 * 8),
    Workload("group_text", "group by text, 16 outputs", "query_group_by", ["{rows}", "text"], "group_text", None, "{memory}", "text", UNORDERED, None,
             lambda d: d.rows * facts("text") + groups(d) * (16 * 8 + text(16))),
    Workload("group_country", "group by text, 12 groups", "query_group_by", ["{rows}", "country"], "group_country", None, "{memory}", "text", UNORDERED, None,
             lambda d: d.rows * facts("country")),
    Workload("join_int", "join, integer key", "query_join", ["{rows}", "int"], "join_int", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * (12 + text(8)) + d.rows * (facts("int") + 4 + text(8))),
    Workload("join_text", "join, text key", "query_join", ["{rows}", "text"], "join_text", None, "{memory}", "text", UNORDERED, None,
             lambda d: d.rows * (8 + 0.43 * 39 + 12) + d.rows * 0.35 * (text(39) + 12) + d.rows * 0.43 * (text(39) + 24)),
    Workload("join_sparse", "join, sparse integers", "query_join", ["{rows}", "sparse"], "join_sparse", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * (12 + text(8)) + d.rows * (facts("int") + 4 + text(8))),
    Workload("join_many", "join, five matches of a row", "query_join", ["{rows}", "many"], "join_many", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * (12 + text(8)) + d.rows * (facts("int") + 4 + text(8))),
    Workload("join_sums", "join, straight into sums", "query_join", ["{rows}", "sums"], "join_sums", None, "{memory}", "int64", UNORDERED, None,
             lambda d: d.rows * facts("int") + groups(d) * 12),
    Workload("sort_int", "sort by integer", "query_sort", ["{rows}", "int"], "sort_int", None, "{memory}", "int64", KEYS_ORDERED, ["user_id"], lambda d: 2 * d.rows * (20 + text(16))),
    Workload("sort_text", "sort by text and number", "query_sort", ["{rows}", "text"], "sort_text", None, "{memory}", "text", KEYS_ORDERED, ["spent"], lambda d: 2 * d.rows * (20 + text(16))),
    Workload("sort_numbers", "sort of numbers", "query_sort", ["{rows}", "numbers"], "sort_numbers", None, "{memory}", "float64", KEYS_ORDERED, ["spent"], lambda d: 2 * d.rows * facts("int")),
    Workload("sort_trips", "sort by a text that may be null", "query_sort", ["{rows}", "trips"], "sort_trips", None, "{memory}", "text", KEYS_ORDERED, ["trip_id"],
             lambda d: 2 * d.rows * (8 + 0.43 * 39 + 12)),
    Workload("pipeline", "TravelTide, 4 CSVs to features", "query_pipeline", ["{company}"], "pipeline", None, "{company}", "mixed", UNORDERED, None, "company"),
]
NOT_FOR = {"pandas": {"pipeline"}}     # written for those that plan a whole query


def fail(message):
    sys.exit(f"scripts/bench query: {message}")


def note(message):
    print(message, file=sys.stderr, flush=True)


# ---- the files

class Data:
    """The files of one size, made when they are first needed and kept."""

    def __init__(self, folder, programs, rows):
        self.rows, self.programs, self.folder = rows, programs, folder / f"rows-{rows}"

    def make(self, workload):
        if workload.data == "{memory}":
            self.memory = self.made("tables", "memory", str(self.rows))
            return
        customers = str(max(1, round(self.rows / SESSIONS_PER_CUSTOMER)))
        if workload.data != "{plain}":
            self.company = self.made("quoted", "sessions", customers, "quoted")
            self.quoted = self.company / "sessions.csv"
        else:
            self.plain = self.made("plain", "sessions", customers, "unquoted") / "sessions.csv"
            for other in ("flights.csv", "hotels.csv", "users.csv"):
                (self.plain.parent / other).unlink(missing_ok=True)
            self.clicks_1, self.clicks_50 = self.thresholds()

    def made(self, name, what, *arguments):
        folder = self.folder / name
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            subprocess.run([self.programs / "bench_make_data", what, folder, *arguments], check=True, stdout=subprocess.DEVNULL)
            (folder / "complete").touch()
        return folder

    def thresholds(self):
        """Numbers of clicks that 1 % and 50 % of the sessions have at least, or nearly so."""
        with open(self.plain, encoding="utf-8") as lines:
            place = next(lines).rstrip("\n").split(",").index("page_clicks")
            clicks = sorted(int(line.split(",")[place]) for _, line in zip(range(200_000), lines))
        return clicks[-max(1, len(clicks) // 100)], clicks[len(clicks) // 2]

    def bytes_of(self, workload):
        if workload.bytes == "file":
            return (self.quoted if workload.data == "{quoted}" else self.plain).stat().st_size
        if workload.bytes == "company":
            return sum(f.stat().st_size for f in self.company.glob("*.csv"))
        return workload.bytes(self)

    def fill(self, argument):
        return str(argument).format(**self.__dict__)


# ---- one engine's process

class Engine:
    def __init__(self, name, command, threads, environment=None):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self.name, self.seconds, self.peak_mb, self.digest = name, [], 0.0, None
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})},
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended without an answer (exit code {self.process.wait()})")
        return json.loads(line)

    def ready(self):
        self.about = self.answer()

    def run(self, warm_up=False):
        self.process.stdin.write("run digest\n" if warm_up else "run\n")
        self.process.stdin.flush()
        said = self.answer()
        self.peak_mb = max(self.peak_mb, said["peak_mb"]) if not warm_up or self.name == "segkit" else 0.0
        if warm_up:
            self.digest, self.warm_up_mb, self.warm_up_seconds = said["digest"], said["peak_mb"], said["seconds"]
        else:
            self.seconds.append(said["seconds"])

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def difference(ours, theirs, workload):
    """What two results do not agree in, or None. Sums of doubles in another order agree to 1e-9."""
    if ours["rows"] != theirs["rows"]:
        return f"{theirs['rows']} rows, ours {ours['rows']}"
    if set(ours) != set(theirs):
        return f"columns {sorted(set(ours) ^ set(theirs))} on one side only"
    for column in ours.keys() - {"rows"}:
        (a_nulls, a_sum, a_places), (b_nulls, b_sum, b_places) = ours[column], theirs[column]
        if a_nulls != b_nulls:
            return f"{b_nulls} nulls in {column}, ours {a_nulls}"
        if not math.isclose(a_sum, b_sum, rel_tol=1e-9, abs_tol=1e-9):
            return f"sum of {column} {b_sum!r}, ours {a_sum!r}"
        ordered = workload.order == ORDERED or (workload.order == KEYS_ORDERED and column in workload.keys)
        if ordered and not math.isclose(a_places, b_places, rel_tol=1e-9, abs_tol=1e-9):
            return f"another order of {column}"
    return None


# ---- measuring

class Bench:
    def __init__(self, options):
        self.options = options
        self.programs = pathlib.Path(options.programs)
        self.python = options.python
        self.data = Data(pathlib.Path(options.data), self.programs, options.rows)
        self.limits = {}
        self.peers = self.find_peers()

    def find_peers(self):
        found = {}
        for peer in ("duckdb", "polars", "pandas"):
            asked = subprocess.run([self.python, "-c", f"import {peer}, pyarrow, numpy; print({peer}.__version__)"], capture_output=True, text=True) if self.python else None
            if asked and asked.returncode == 0:
                found[peer] = asked.stdout.strip()
        return found

    def describe_machine(self):
        model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
        print(f"machine: {model}, {len(os.sched_getaffinity(0))} cores, Linux; load {os.getloadavg()[0]:.1f}")
        print("peers:   " + (", ".join(f"{p} {v}" for p, v in self.peers.items()) or "none"))
        missing = [p for p in ("duckdb", "polars", "pandas") if p not in self.peers]
        if missing:
            print("absent:  " + ", ".join(missing))
        if "pandas" in self.peers:
            ask = "import numpy, threadpoolctl; print('; '.join(f\"{i['internal_api']} {i.get('version')}, {i.get('architecture')} kernels\" for i in threadpoolctl.threadpool_info()))"
            kernels = subprocess.run([self.python, "-c", ask], capture_output=True, text=True).stdout.strip()
            features = subprocess.run([self.python, "-c", "from numpy._core._multiarray_umath import __cpu_features__ as f; print(max((n for n in ('SSE41', 'AVX2', 'AVX512F', 'AVX512_SKX', 'AVX512_ICL') if f.get(n)), key=('SSE41', 'AVX2', 'AVX512F', 'AVX512_SKX', 'AVX512_ICL').index))"],
                                      capture_output=True, text=True).stdout.strip()
            print(f"numpy:   {kernels or 'no OpenBLAS'}; loops up to {features or 'its baseline'} (pandas' own)")

    def limit_rates(self, threads, file):
        if threads not in self.limits:
            command = [str(self.programs / "bench_limits"), str(threads), str(file)]
            rates = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            # Measured in pieces, the limit is the best that was seen.
            file = pathlib.Path(self.options.out) / "limits.json"
            before = json.loads(file.read_text()) if self.options.merge and file.exists() else {}
            rates = {k: max(rates[k], before.get(str(threads), rates)[k]) for k in ("read_gb_s", "scan_gb_s")}
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({**before, str(threads): rates}) + "\n")
            self.limits[threads] = rates
            print(f"limits:  {threads} thread(s): memory {rates['read_gb_s']:.1f} GB/s, lines of a cached file {rates['scan_gb_s']:.1f} GB/s", flush=True)
        return self.limits[threads]

    def measure(self, workload, threads):
        d = self.data
        d.make(workload)
        rates = self.limit_rates(threads, d.plain if hasattr(d, "plain") else d.memory / "facts.csv" if hasattr(d, "memory") else d.quoted)
        limit = d.bytes_of(workload) / 1e9 / (rates["scan_gb_s"] if workload.bytes in ("file", "company") else rates["read_gb_s"])

        ours = Engine("segkit", [self.programs / f"bench_{workload.program}", threads, *map(d.fill, workload.arguments)], threads)
        engines = [ours]
        for peer in self.peers:
            if workload.name in NOT_FOR.get(peer, ()) or (self.options.peers and peer not in self.options.peers):
                continue
            parameter = [d.fill(workload.parameter)] if workload.parameter else []
            engines.append(Engine(peer, [self.python, "-B", HERE / "peers.py", peer, threads, d.fill(workload.data), workload.peer, *parameter], threads))
        problems = []
        try:
            for e in list(engines):
                try:
                    e.ready()
                    e.run(warm_up=True)
                except RuntimeError as failure:
                    if e is ours:
                        raise
                    problems.append(str(failure))
                    engines.remove(e)
                    e.end()
            for e in engines[1:]:
                wrong = difference(ours.digest, e.digest, workload)
                if wrong:
                    problems.append(f"{workload.name}: the result of {e.name} differs: {wrong}")
            # A peer that is far behind the best one is measured twice only; no ratio of the best depends on it.
            best = min((e.warm_up_seconds for e in engines[1:]), default=0.0)
            begin = time.monotonic()
            while len(ours.seconds) < self.options.runs or (time.monotonic() - begin < self.options.least_seconds and len(ours.seconds) < 15):
                for e in engines:
                    if e is ours or len(e.seconds) < 2 or e.warm_up_seconds < 3 * best:
                        e.run()
        finally:
            for e in engines:
                e.end()
        return self.rows_of(workload, threads, limit, ours, engines[1:]), problems

    def rows_of(self, workload, threads, limit, ours, peers):
        least = min(ours.seconds)
        rows = []
        for e in peers:
            rows.append({"workload": workload.name, "threads": threads, "dtype": workload.dtype, "simd": ours.about["simd"], "ours_min_s": round(least, 6),
                         "ours_median_s": round(statistics.median(ours.seconds), 6), "peer": e.name, "peer_version": e.about["version"], "peer_min_s": round(min(e.seconds), 6),
                         "ratio": round(min(e.seconds) / least, 3), "limit_share": round(limit / least, 4), "peak_mb": round(ours.peak_mb, 1)})
        self.peak = {(workload.name, threads, e.name): e.peak_mb or e.warm_up_mb for e in peers} | getattr(self, "peak", {})
        return rows


COLUMNS = [("workload", 31), ("threads", 7), ("ours min", 9), ("median", 9)]


def print_head(peers):
    cells = [f"{name:{width}}" if i == 0 else f"{name:>{width}}" for i, (name, width) in enumerate(COLUMNS)] + [f"{p:>9}" for p in peers]
    print("\n" + "  ".join(cells + [f"{'best peer':>9}", f"{'of limit':>8}", f"{'peak MB':>8}", f"{'best MB':>8}"]))


def print_row(rows, label, peers, peak):
    first = rows[0]
    best = min(rows, key=lambda r: r["peer_min_s"])
    seconds = {r["peer"]: r["peer_min_s"] for r in rows}
    cells = [f"{label:31}", f"{first['threads']:>7}", f"{first['ours_min_s']:9.4f}", f"{first['ours_median_s']:9.4f}"]
    cells += [f"{seconds[p]:9.4f}" if p in seconds else f"{'-':>9}" for p in peers]
    cells += [f"{best['ratio']:8.2f}x", f"{100 * first['limit_share']:7.1f}%", f"{first['peak_mb']:8.0f}", f"{peak[(first['workload'], first['threads'], best['peer'])]:8.0f}"]
    print("  ".join(cells), flush=True)


def merge(old, new):
    measured = {(r["workload"], r["threads"]) for r in new}
    order = [w.name for w in WORKLOADS]
    kept = [r for r in old if (r["workload"], r["threads"]) not in measured and r["workload"] in order]
    return sorted(kept + new, key=lambda r: (order.index(r["workload"]), r["threads"]))


def compare(options):
    bench = Bench(options)
    bench.describe_machine()
    exact = {w.name for w in WORKLOADS} & set(options.workloads)      # else the first word of names: csv, group, join, sort
    chosen = [w for w in WORKLOADS if not options.workloads or w.name in exact or any(w.name.startswith(o + "_") for o in set(options.workloads) - exact)]
    if not chosen:
        fail(f"no such workload; there are {', '.join(w.name for w in WORKLOADS)}")
    if not bench.peers:
        fail("no peer could be installed, so there is nothing to compare with")
    results, problems, printed = [], [], False
    for w in chosen:
        for threads in options.threads:
            rows, wrong = bench.measure(w, threads)
            if not printed:
                print_head(bench.peers)
                printed = True
            if rows:
                print_row(rows, w.label, bench.peers, bench.peak)
            for problem in wrong:
                print(f"    {problem}", flush=True)
            results += rows
            problems += wrong
    file = pathlib.Path(options.out) / "query.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if options.merge and file.exists():
        results = merge(json.loads(file.read_text()), results)
    file.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    print(f"\nsimd: {results[0]['simd']}; {options.rows:,} rows; a ratio is the best peer's least time divided by ours; peak MB with the input tables in memory\n{file}")
    if options.chart:
        labels = {w.name: w.label for w in WORKLOADS}
        pathlib.Path(options.chart).write_text(chart.comparison(results, labels, options.rows))
        print(options.chart)
    if problems:
        print("\nnot as it should be:\n" + "\n".join(problems))
    return 1 if problems else 0


# ---- growth

GROWTH = [("group by integer, 16 outputs", "query_group_by", ["{rows}", "int"]), ("join, integer key", "query_join", ["{rows}", "int"]),
          ("CSV, 13 columns, 2 read", "query_csv", ["{plain}", "two"])]


def available_bytes():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))


def growth(options):
    programs, begin = pathlib.Path(options.programs), time.monotonic()
    threads = options.threads[-1]
    file = pathlib.Path(options.out) / "growth.json"
    series = json.loads(file.read_text()) if options.merge and file.exists() else {}
    print(f"{'':31}{'rows':>12}  {'seconds':>9}  {'ns/row':>8}  {'peak MB':>8}   ({threads} thread(s))")
    for label, program, arguments in GROWTH:
        points = {p[0]: p for p in series.get(label, [])}
        for rows in options.growth:
            uses_file = "{plain}" in arguments
            needed = rows * 150 * 1.2 if uses_file else rows * 200      # a cached file; facts, their copies by key and the result
            if needed > 0.8 * available_bytes() or (uses_file and rows * 300 > shutil.disk_usage(options.data).free):
                print(f"{label:31}{rows:>12,}  left out: needs about {needed / 1e9:.0f} GB")
                break
            if time.monotonic() - begin > 540:
                print(f"{label:31}{rows:>12,}  left out: ten minutes are over")
                break
            rows_read, e = grown(options, programs, threads, rows, program, arguments)
            points[rows_read] = [rows_read, min(e.seconds), e.peak_mb]
            print(f"{label:31}{rows_read:>12,}  {min(e.seconds):9.4f}  {1e9 * min(e.seconds) / rows_read:8.1f}  {e.peak_mb:8.0f}", flush=True)
        series[label] = [points[rows] for rows in sorted(points)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(series, indent=1) + "\n")
    if options.chart:
        pathlib.Path(options.chart).write_text(chart.growth(list(series.items()), threads))
        print(options.chart)
    return 0


def grown(options, programs, threads, rows, program, arguments):
    """The rows there were, and the engine after a warm-up and three runs; files are made for it and deleted."""
    d = Data(pathlib.Path(options.data) / "growth", programs, rows)
    uses_file = "{plain}" in arguments
    if uses_file:
        d.make(next(w for w in WORKLOADS if w.name == "csv_two"))
    e = Engine("segkit", [programs / f"bench_{program}", threads, *map(d.fill, arguments)], threads)
    try:
        e.ready()
        e.run(warm_up=True)
        for _ in range(3):
            e.run()
    finally:
        e.end()
        if uses_file:
            shutil.rmtree(d.folder)
    return e.digest["rows"] if uses_file else rows, e


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench query", description="segkit's queries beside DuckDB, Polars and pandas")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows and 3 runs each, within five minutes")
    parser.add_argument("--threads", default="1,2", help="for example 1,2")
    parser.add_argument("--rows", type=int, help=f"sessions [{FULL:,}]")
    parser.add_argument("--runs", type=int, help="runs of each engine after the warm-up [5]")
    parser.add_argument("--workloads", default="", help="only these: " + ", ".join(w.name for w in WORKLOADS) + "; or csv, group, join, sort")
    parser.add_argument("--peers", default="", help="only these: duckdb, polars, pandas")
    parser.add_argument("--merge", action="store_true", help="keep the other workloads' lines in query.json")
    parser.add_argument("--growth", nargs="?", const="100000,300000,1000000,3000000,10000000,30000000,50000000", metavar="ROWS", help="instead: cost as the data grows, at these sizes [%(const)s]")
    parser.add_argument("--no-chart", action="store_true", help="leave docs/images as it is")
    for name, default in (("--programs", ROOT / "build" / "bench" / "benchmarks" / "query"), ("--python", ""), ("--out", ROOT / "out" / "bench"), ("--data", ROOT / "out" / "bench" / "data")):
        parser.add_argument(name, default=str(default), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rows = options.rows or (QUICK if options.quick else FULL)
    options.runs = options.runs or (3 if options.quick else 5)
    options.least_seconds = 0.0 if options.quick else 1.0
    options.workloads = [w for w in options.workloads.split(",") if w]
    options.peers = [p for p in options.peers.split(",") if p]
    try:
        options.threads = [int(t) for t in options.threads.split(",")]
        options.growth = [int(n) for n in options.growth.split(",")] if options.growth else None
    except ValueError:
        fail("--threads and --growth take numbers such as 1,2")
    cores = len(os.sched_getaffinity(0))
    for t in [t for t in options.threads if t > cores]:
        note(f"scripts/bench query: {t} threads are more than the {cores} cores here")
    pathlib.Path(options.data).mkdir(parents=True, exist_ok=True)
    # The README's pictures show whole, full-size runs.
    options.chart = None if options.no_chart or options.quick else str(ROOT / "docs" / "images" / ("bench-growth.svg" if options.growth else "bench-query.svg"))
    return growth(options) if options.growth else compare(options)


if __name__ == "__main__":
    sys.exit(main())
