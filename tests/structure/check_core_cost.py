"""What including segkit drags in: the core headers reach no costly standard header and no library, however indirectly.

    python3 check_core_cost.py REPOSITORY -- COMPILER [FLAGS...]

check_includes.py looks at what headers say themselves; this looks at all that the compiler reads. The core is every
header but those that exist in order to use something costly. Prints one chain of includes per costly header. What the
standard library's own <memory> opens (<ostream>, in libstdc++) is not counted: smart pointers are not given up for it.
"""

import pathlib
import re
import subprocess
import sys

NOT_CORE = ("decompose", "simd", "exec/threads.hpp")
COSTLY = re.compile(
    r"/(?:c\+\+(?:/v1|/\d+)?)/(thread|random|functional|chrono|ranges|format|regex|future|filesystem"
    r"|iostream|istream|ostream|sstream|fstream|iomanip)$|/(Eigen|xsimd)/"
)
UNAVOIDABLE = re.compile(r"/(?:c\+\+(?:/v1|/\d+)?)/memory$")


def core_headers(root):
    """Paths below include/, front doors of what is not core left out as well."""
    headers = (path.relative_to(root).as_posix() for path in sorted(root.glob("segkit/**/*.hpp")))
    return [header for header in headers if not header.removeprefix("segkit/").startswith(NOT_CORE)]


def chains(listing):
    """The chains of includes that lead to a costly header, from a compiler's -H listing: one dot per level, then a path."""
    chain = []
    for line in listing.splitlines():
        match = re.match(r"(\.+) (.+)", line)
        if not match:
            continue
        depth, path = len(match[1]), match[2]
        chain[depth - 1 :] = [path]
        if COSTLY.search(path) and not any(UNAVOIDABLE.search(step) for step in chain):
            yield list(chain)


def main(repository, _dashes, *command):
    include = pathlib.Path(repository) / "include"
    headers = core_headers(include)
    source = "".join(f"#include <{header}>\n" for header in headers)
    ran = subprocess.run(
        [*command, "-std=c++20", "-fsyntax-only", "-H", f"-I{include}", "-x", "c++", "-"], input=source, capture_output=True, text=True
    )
    if ran.returncode:
        print(ran.stderr)
        return 1
    found = list(chains(ran.stderr))
    for chain in found:
        print("\n    ".join(chain))
    print(f"{len(headers)} core headers, {len(found)} costly ones reached")
    return 1 if found or not headers else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
