"""The floors of the house: every area includes only what stands below it, and no header drags in a costly standard one.

    python3 check_includes.py REPOSITORY

Prints one line per broken rule (file:line: what, and what the rule is) and exits 1 if there is any.
"""

import pathlib
import re
import sys

# An area may include itself, the base headers, every area on a lower floor, and what BESIDES grants it.
FLOOR = {
    "detail": -1,  # small tools without a subject of their own
    "table": 0, "exec": 0, "simd": 0,
    "expr": 1,
    "pipeline": 2, "statistics": 2,
    "query": 3, "prepare": 3, "decompose": 3, "cluster": 3, "rules": 3, "io": 3,
    "evaluate": 4,
}
BESIDES = {"statistics": {"pipeline"}}

# Headers directly in include/segkit/: these may be included by all; every other one is a front door, which only users open.
BASE = {"config.hpp", "error.hpp", "fwd.hpp"}

# Standard headers that cost every includer too much, and the headers that exist in order to use one.
COSTLY = {"iostream", "functional", "ranges", "random", "format", "chrono", "thread", "regex", "future"}
COSTLY_ALLOWED = {"exec/threads.hpp": {"thread"}}

# What <segkit/query.hpp>, whose cost has a limit, reaches only through the standard library if at all: <cmath> alone is a tenth of it.
TOO_COSTLY_FOR_QUERIES = {"cmath": "use segkit/detail/math.hpp"}

# Libraries that only some headers may include, by the start of the include and of the header's path.
ONLY_IN = {"Eigen/": ("decompose/",), "xsimd/": ("simd/",), "doctest/": ()}

LONGEST = 850

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
CLOSED_NAMESPACE = re.compile(r"}  // namespace (.+)")


def area_of(path):
    """'table' for 'table/schema.hpp', None for a header directly in include/segkit/."""
    return path.split("/", 1)[0] if "/" in path else None


def include_problem(header, included):
    """Why `header` (a path below include/segkit) may not include `included`, or None."""
    for library, homes in ONLY_IN.items():
        if included.startswith(library) and not header.startswith(tuple(homes)):
            return f"includes <{included}>, which only {' and '.join(homes) or 'tests'} may"
    if included in COSTLY and included not in COSTLY_ALLOWED.get(header, ()):
        return f"includes <{included}>: too costly for every includer"
    if not included.startswith("segkit/"):
        return None

    included = included.removeprefix("segkit/")
    here, there = area_of(header), area_of(included)
    if here is None:
        if header in BASE and included not in BASE:
            return f"is a base header and includes segkit/{included}; base headers include base headers only"
        return None
    if there is None:
        return None if included in BASE else f"includes the front door segkit/{included}; include the single headers instead"
    if there not in FLOOR:
        return f"includes segkit/{included}, whose area has no floor in check_includes.py"
    if there == here or FLOOR[there] < FLOOR[here] or there in BESIDES.get(here, ()):
        return None
    return f"({here}, floor {FLOOR[here]}) includes segkit/{included} ({there}, floor {FLOOR[there]}); an area includes only what stands below it"


def header_problems(header, text):
    """Yields (line, problem) for one header, `header` being its path below include/segkit."""
    lines = text.splitlines()
    area = area_of(header)
    if area is not None and area not in FLOOR:
        yield 1, f"area {area} has no floor in check_includes.py"
        return
    if not lines or not lines[0].startswith(f"// segkit/{header}:"):
        yield 1, f'a header opens with a comment "// segkit/{header}: what it is for", in three or four lines'
    if "#pragma once" not in lines:
        yield 1, "has no #pragma once"
    if len(lines) > LONGEST:
        yield LONGEST, f"has {len(lines)} lines; one idea per header, none above about 800 lines"
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        problem = include_problem(header, match[1]) if match else None
        if problem:
            yield number, problem
        closed = CLOSED_NAMESPACE.match(line)
        if closed and f"namespace {closed[1]} {{" not in lines:
            yield number, f"closes namespace {closed[1]}, which it does not open"


def query_problems(texts):
    """Yields (header, line, problem) for the headers that query.hpp reaches; `texts` has each header by its path below include/segkit."""
    reached, waiting = set(), ["query.hpp"]
    while waiting:
        header = waiting.pop()
        if header in reached or header not in texts:
            continue
        reached.add(header)
        for number, line in enumerate(texts[header].splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match[1] in TOO_COSTLY_FOR_QUERIES:
                yield header, number, f"is part of <segkit/query.hpp> and includes <{match[1]}>: {TOO_COSTLY_FOR_QUERIES[match[1]]}"
            elif match:
                waiting.append(match[1].removeprefix("segkit/"))


def main(repository):
    root = pathlib.Path(repository) / "include" / "segkit"
    headers = sorted(root.rglob("*.hpp"))
    if not headers:
        print(f"{root}: no headers found")
        return 1
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in headers}
    problems = [(header, *problem) for header, text in texts.items() for problem in header_problems(header, text)]
    problems += query_problems(texts)
    for header, line, problem in problems:
        print(f"include/segkit/{header}:{line}: {problem}")
    print(f"{len(headers)} headers, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
