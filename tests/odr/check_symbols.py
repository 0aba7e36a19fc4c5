"""No code of segkit has the same name in two object files compiled for different instruction sets: the linker would keep
one of the two for both, and which one depends on the order of the files.

    python3 check_symbols.py NM PLAIN_OBJECT OTHER_OBJECT
"""

import subprocess
import sys

DEFINED = set("BDGRTVWuvw")


def segkit_symbols(nm, path):
    listing = subprocess.run([nm, "--format=posix", path], check=True, capture_output=True, text=True).stdout
    rows = (line.split() for line in listing.splitlines())
    return {row[0] for row in rows if len(row) > 2 and row[1] in DEFINED and "6segkit" in row[0]}


def main(nm, plain, other):
    symbols = [segkit_symbols(nm, plain), segkit_symbols(nm, other)]
    for path, found in zip((plain, other), symbols):
        if not found:
            print(f"{path}: no symbol of segkit; the check has nothing to look at")
            return 1
    shared = sorted(symbols[0] & symbols[1])
    for name in shared:
        print(f"defined for both instruction sets: {name}")
    print(f"{len(symbols[0])} and {len(symbols[1])} symbols of segkit, {len(shared)} shared")
    return 1 if shared else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
