"""What including segkit costs: seconds of compiling above the four standard headers that any such program has anyway.

    python3 benchmarks/compile/include_cost.py [--compiler g++] [--runs 9]

Prints a table for the README: the core (what a program needs that filters, joins and groups tables), every front door
(segkit/<area>.hpp) and every area. The runs alternate between the sources; each figure is the least processor time of its
runs, so that a busy machine matters little. The limit for the core is 0.45 s.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BASELINE = ["vector", "string", "optional", "tuple"]
CORE_AREAS = ["table", "expr", "pipeline", "query"]
CORE_LIMIT = 0.45


def sources():
    """name -> headers, the baseline first."""
    include = REPOSITORY / "include"
    core = [path.relative_to(include).as_posix() for area in CORE_AREAS for path in sorted((include / "segkit" / area).glob("*.hpp"))]
    result = {"baseline": [], "core": core}
    for path in sorted((include / "segkit").glob("*.hpp")):
        result[f"<segkit/{path.name}>"] = [f"segkit/{path.name}"]
    for folder in sorted(path for path in (include / "segkit").iterdir() if path.is_dir()):
        headers = [path.relative_to(include).as_posix() for path in sorted(folder.rglob("*.hpp"))]
        if headers:
            result[f"segkit/{folder.name}/*"] = headers
    return result


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def eigen_folder():
    for folder in (pathlib.Path("/usr/include/eigen3"), pathlib.Path("/usr/local/include/eigen3")):
        if folder.is_dir():
            return folder
    sys.exit("include_cost.py: no Eigen in /usr/include/eigen3 or /usr/local/include/eigen3; scripts/setup installs it")


def main():
    parser = argparse.ArgumentParser(description="Measures what including segkit costs.")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    command = [arguments.compiler, "-std=c++20", "-fsyntax-only", f"-I{REPOSITORY / 'include'}", "-isystem", str(eigen_folder())]

    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, (name, headers) in enumerate(sources().items()):
            files[name] = pathlib.Path(folder) / f"{number}.cpp"
            files[name].write_text("".join(f"#include <{header}>\n" for header in BASELINE + headers))
        seconds = {name: [] for name in files}
        for _ in range(arguments.runs + 1):  # the first round warms the file cache and is not counted
            for name, path in files.items():
                started = processor_seconds()
                subprocess.run([*command, str(path)], check=True)
                seconds[name].append(processor_seconds() - started)

    fastest = {name: min(times[1:]) for name, times in seconds.items()}
    print(f"| included | {arguments.compiler}: seconds above {' '.join(f'<{header}>' for header in BASELINE)} ({fastest['baseline']:.2f} s) |")
    print("|---|---|")
    for name, best in fastest.items():
        if name != "baseline":
            print(f"| {name} | {best - fastest['baseline']:.2f} |")
    core = fastest["core"] - fastest["baseline"]
    print(f"\nThe core costs {core:.2f} s of the {CORE_LIMIT} s it may.")
    return 0 if core <= CORE_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
