"""What no file of the repository may contain: absolute paths of the machine it was written on, stray line endings,
large files; and that the README shows the quickstart exactly as it is compiled.

    python3 check_files.py REPOSITORY

Prints one line per broken rule and exits 1 if there is any.
"""

import pathlib
import re
import shutil
import subprocess
import sys

MACHINE_PATH = re.compile(rb"(?<![\w./-])/(?:work|root|home/[a-z]+)/")
LARGEST = 1_000_000
NOT_OURS = {"build", "out", ".git", ".cache", "__pycache__"}


def files_of(repository):
    """The tracked and not ignored files; outside a clone or without git, every file that is not a product of the build."""
    listed = "-z --cached --others --exclude-standard".split()
    git = ["git", "-c", f"safe.directory={repository}", "-C", str(repository), "ls-files", *listed]
    if shutil.which("git"):
        listing = subprocess.run(git, capture_output=True)
        if listing.returncode == 0:
            return [repository / name for name in listing.stdout.decode().split("\0") if name]
    return [p for p in repository.rglob("*") if not NOT_OURS & set(p.relative_to(repository).parts)]


def file_problems(content):
    """Yields (line, problem) for the bytes of one file."""
    if len(content) > LARGEST:
        yield 1, f"has {len(content)} bytes; the repository keeps no file above {LARGEST}"
    if b"\0" in content:
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        match = MACHINE_PATH.search(line)
        if match:
            yield number, f"contains {match[0].decode()}, an absolute path of one machine; use a path relative to the repository"
        if line.endswith(b"\r"):
            yield number, "ends with a carriage return; the repository has plain line ends"
            return


def readme_problems(readme, quickstart):
    if quickstart.strip() not in readme:
        yield "README.md: does not show examples/quickstart.cpp as it is compiled; copy the file into its code block again"


def main(repository):
    repository = pathlib.Path(repository)
    broken = 0
    files = [path for path in files_of(repository) if path.is_file()]
    for path in files:
        for line, problem in file_problems(path.read_bytes()):
            print(f"{path.relative_to(repository)}:{line}: {problem}")
            broken += 1
    readme, quickstart = repository / "README.md", repository / "examples" / "quickstart.cpp"
    if readme.exists() and quickstart.exists():
        for problem in readme_problems(readme.read_text(encoding="utf-8"), quickstart.read_text(encoding="utf-8")):
            print(problem)
            broken += 1
    print(f"{len(files)} files, {broken} problems")
    return 1 if broken or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
