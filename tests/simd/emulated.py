"""Runs test programs on an emulated processor: one without AVX, or one with AVX2 and no more.

    python3 emulated.py CPU LEVEL PROGRAM[,FILTER...]...

CPU is a model of qemu-x86_64, LEVEL what segkit must find there (SEGKIT_TEST_LEVEL; tests/simd/level_test.cpp compares). Where the
emulator is absent (Debian: qemu-user), says so, and the test counts as skipped.
"""

import os
import shutil
import subprocess
import sys


def main(cpu, level, *programs):
    emulator = shutil.which("qemu-x86_64")
    if not emulator:
        print("SKIPPED: tests on an emulated processor (qemu-x86_64 is not here; scripts/setup --all installs it on Debian and Ubuntu)")
        return 0
    environment = {name: value for name, value in os.environ.items() if name not in ("SEGKIT_SIMD", "SEGKIT_TEST_DATA")}
    failed = 0
    for program in programs:
        path, *filters = program.split(",")
        command = [emulator, "-cpu", cpu, path, "--no-colors=true"] + ([f"--source-file={','.join(filters)}"] if filters else [])
        run = subprocess.run(command, env={**environment, "SEGKIT_TEST_LEVEL": level}, capture_output=True, text=True)
        print(f"{os.path.basename(path)} on {cpu}: {run.stdout[-600:] if run.returncode == 0 else run.stdout + run.stderr}")
        failed += run.returncode != 0 or "test cases: 0 " in " ".join(run.stdout.split())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
