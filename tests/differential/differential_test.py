#!/usr/bin/env python3
"""Runs the program with the generated queries, and compares its rows with DuckDB's. Without DuckDB it is skipped.

    python3 differential_test.py GENERATED_FOLDER PROGRAM

DuckDB is that of the interpreter that SEGKIT_TEST_PYTHON names, else of this one.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("SEGKIT_TEST_PYTHON", sys.executable)


def main(generated, program):
    if not program or subprocess.run([PYTHON, "-c", "import duckdb"], capture_output=True).returncode != 0:
        print("SKIPPED: comparison with DuckDB: its Python package is absent; scripts/setup --all installs it (and configure again)")
        return 77
    with tempfile.TemporaryDirectory() as results:
        ran = subprocess.run([program, str(pathlib.Path(generated) / "data"), results]).returncode
        compared = subprocess.run([PYTHON, "-B", str(HERE / "compare.py"), generated, results]).returncode
    return 1 if ran or compared else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
