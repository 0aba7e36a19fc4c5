"""What including segkit costs: compile time and memory above the four standard headers that any such program has anyway.

    python3 benchmarks/compile/include_cost.py [--compiler g++] [--runs 7]

Prints a table for the README: all of table, expr, pipeline and query with every stage that is included by name, every front door
and the headers that users include by themselves. Three figures each: reading the headers (-fsyntax-only), compiling a file that
includes them and uses nothing (-O2 -c), and the most memory the compiler took. The runs alternate between the sources; a time
is the least processor time of its runs, so that a busy machine matters little. The limit, 450 ms,
is for <segkit/query.hpp>: tables, expressions, pipelines and the relational stages, which every program has.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BASELINE = ["vector", "string", "optional", "tuple"]
CORE_AREAS = ["table", "expr", "pipeline", "query"]
BY_THEMSELVES = [
    "table/describe.hpp", "table/format.hpp", "io/csv.hpp", "cluster/kmeans.hpp", "decompose/pca.hpp", "rules/rules.hpp",
    "pipeline/save.hpp", "exec/threads.hpp", "evaluate/silhouette.hpp",
]
NO_FRONT_DOOR = {"config.hpp", "error.hpp", "fwd.hpp"}
CORE_LIMIT = 450
WAYS = {"read": ["-fsyntax-only"], "compile": ["-O2", "-c", "-o", os.devnull]}


def sources():
    """name -> headers, the baseline first."""
    include = REPOSITORY / "include"
    everything = [path.relative_to(include).as_posix() for area in CORE_AREAS for path in sorted((include / "segkit" / area).glob("*.hpp"))]
    result = {"baseline": [], "all of `table`, `expr`, `pipeline`, `query`": everything}
    fronts = [path.name for path in sorted((include / "segkit").glob("*.hpp")) if path.name not in NO_FRONT_DOOR]
    for header in fronts + BY_THEMSELVES:
        result[f"`<segkit/{header}>`"] = [f"segkit/{header}"]
    return result


def run(command):
    """Processor milliseconds and peak memory (MB) of one compiler run."""
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"include_cost.py: {' '.join(command)} failed")
    return 1000 * (used.ru_utime + used.ru_stime), used.ru_maxrss / 1024


def eigen_folder():
    for folder in (pathlib.Path("/usr/include/eigen3"), pathlib.Path("/usr/local/include/eigen3")):
        if folder.is_dir():
            return folder
    sys.exit("include_cost.py: no Eigen in /usr/include/eigen3 or /usr/local/include/eigen3; scripts/setup installs it")


def main():
    parser = argparse.ArgumentParser(description="Measures what including segkit costs.")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    command = [arguments.compiler, "-std=c++20", f"-I{REPOSITORY / 'include'}", "-isystem", str(eigen_folder())]

    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, (name, headers) in enumerate(sources().items()):
            files[name] = pathlib.Path(folder) / f"{number}.cpp"
            files[name].write_text("".join(f"#include <{header}>\n" for header in BASELINE + headers))
        measured = {(name, way): [] for name in files for way in WAYS}
        for _ in range(arguments.runs + 1):  # the first round warms the file cache and is not counted
            for (name, way), runs in measured.items():
                runs.append(run([*command, *WAYS[way], str(files[name])]))

    least = {key: min(milliseconds for milliseconds, _ in runs[1:]) for key, runs in measured.items()}
    above = {(name, way): least[name, way] - least["baseline", way] for name, way in least}
    memory = {name: max(megabytes for way in WAYS for _, megabytes in measured[name, way]) for name in files}
    bare = " ".join(f"`<{header}>`" for header in BASELINE)
    print(f"Above {bare}, which take {least['baseline', 'read']:.0f} ms; {arguments.compiler}, least of {arguments.runs} runs.\n")
    print("| included | read, ms | `-O2 -c`, ms | memory, MB |\n|---|---:|---:|---:|")
    for name in files:
        if name != "baseline":
            print(f"| {name} | {above[name, 'read']:.0f} | {above[name, 'compile']:.0f} | {memory[name]:.0f} |")
    core = above["`<segkit/query.hpp>`", "read"]
    print(f"\n<segkit/query.hpp> costs {core:.0f} ms of the {CORE_LIMIT} ms it may.")
    return 0 if core <= CORE_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
