"""Every aggregate of the library is one that generate.py makes, or is named here with the reason why not.

    python3 covers_test.py REPOSITORY
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import generate

LEFT_OUT = {"approx_quantile": "approximate", "quantiles": "gives a vector per group; quantile is made",
            "to_list": "gives a list per group; tests/query/to_list_test.cpp compares it with a naive one"}


def main(repository):
    text = "".join(header.read_text() for header in sorted(pathlib.Path(repository, "include", "segkit", "query").rglob("*.hpp")))
    names = {name for line in re.findall(r"aggregate_name\s*=([^;]*);", text) for name in re.findall(r'"([a-z_]+)"', line)}
    made = {re.search(r"sk::([a-z_]+)", a.cpp)[1] for a in generate.AGGREGATES.values()}
    missing = sorted(names - made - set(LEFT_OUT))
    for name in missing:
        print(f"the aggregate {name} is not in generate.py: add a line to AGGREGATES")
    print(f"{len(names)} aggregates, {len(missing)} missing")
    return 1 if missing or not names else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
