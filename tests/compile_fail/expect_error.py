"""Compiles a program that must be refused, and checks the compiler's words.

    python3 expect_error.py FILE INCLUDE_FOLDERS -- COMPILER [FLAGS...]

The comment that opens FILE has one or more lines `// expect: words`. The compiler must refuse the file, every expected
sequence of words must appear in what it prints, and it must print exactly one error: a user reads one message, not a page.
Where the comment has a line `// errors: 3` there are three mistakes in the file, and one error for each.
A file that says `// control` instead must compile: it guards against a harness in which nothing compiles.
INCLUDE_FOLDERS is a file with one folder a line, the first ones being those of segkit.
"""

import os
import pathlib
import subprocess
import sys


def demands_of(source):
    """(expected word sequences, number of errors, is control) from the comment that opens the source."""
    expected, errors, control = [], 1, False
    for line in source.splitlines():
        if not line.startswith("//"):
            break
        words = line.removeprefix("//").strip()
        if words.startswith("expect:"):
            expected.append(" ".join(words.removeprefix("expect:").split()))
        if words.startswith("errors:"):
            errors = int(words.removeprefix("errors:"))
        control = control or words == "control"
    return expected, errors, control


def problem_with(source, compiled, output):
    """What is wrong with a compiler that did this to `source`, or None."""
    expected, demanded, control = demands_of(source)
    if control:
        if expected:
            return "is a control and expects an error as well"
        return None if compiled else "is a control and must compile"
    if not expected:
        return 'states neither "// expect: words" nor "// control" in the comment that opens it'
    if compiled:
        return "compiles, and must not"
    flat = " ".join(output.split())
    missing = [words for words in expected if words not in flat]
    if missing:
        return "is refused, but not in these words: " + "; ".join(missing)
    errors = [line for line in output.splitlines() if ": error:" in line or ": fatal error:" in line]
    if len(errors) != demanded:
        return f"is refused with {len(errors)} errors instead of {'one' if demanded == 1 else demanded}"
    return None


def compile_file(path, include_folders, command):
    folders = [argument for folder in include_folders for argument in ("-isystem", folder)]
    # segkit's own headers are not system headers: errors and warnings inside them must show.
    if folders:
        folders[0] = "-I"
    ran = subprocess.run(
        [*command, "-Wno-error", "-std=c++20", "-fsyntax-only", *folders, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return ran.returncode == 0, ran.stdout + ran.stderr


def main(file, include_list, _dashes, *command):
    path = pathlib.Path(file)
    include_folders = [line for line in pathlib.Path(include_list).read_text().splitlines() if line]
    compiled, output = compile_file(path, include_folders, command)
    problem = problem_with(path.read_text(encoding="utf-8"), compiled, output)
    if problem:
        print(f"{path.name} {problem}.\nThe compiler printed:\n{output}")
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
