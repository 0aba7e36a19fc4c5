"""Every stage, aggregate and estimator of the library stands in the registry that the law tests run over.

    python3 check_registry.py INCLUDE_FOLDER REGISTRY [STAMP]

Names are what the headers say: the texts of `stage_name = ...;` and `aggregate_name = ...;`, and every struct or class that
has `start() const` beside `merge(`. Prints what is missing or too much and fails; writes STAMP when all is well.
"""

import pathlib
import re
import sys

NAME = re.compile(r"static constexpr std::string_view (stage_name|aggregate_name) =([^;]*);")
TYPE = re.compile(r"^(?:struct|class) (\w+)", re.MULTILINE)
START = re.compile(r"\bstart\(\) const\b")
ENTRY = {
    "stage_name": re.compile(r'\bf\(stage<"(\w+)">'),
    "aggregate_name": re.compile(r'\bf\(aggregate<"(\w+)"'),
    "estimator": re.compile(r'\bf\(estimator\("(\w+)"'),
}


def estimators_in(text):
    """Types at the outer level that have start() and merge()."""
    starts = [match.start() for match in TYPE.finditer(text)] + [len(text)]
    for match, end in zip(TYPE.finditer(text), starts[1:], strict=False):
        body = text[match.start() : end]
        if START.search(body) and re.search(r"\bvoid merge\(\w+& \w+, const \w+& \w+\) const", body):
            yield match.group(1)


def names_in(folder):
    """kind -> name -> header."""
    found = {kind: {} for kind in ENTRY}
    for path in sorted(pathlib.Path(folder).rglob("*.hpp")):
        text = "\n".join(line.split("//")[0] for line in path.read_text(encoding="utf-8").splitlines())
        for kind, value in NAME.findall(text):
            for name in re.findall(r'"(\w+)"', value):
                found[kind].setdefault(name, path.relative_to(folder))
        for name in estimators_in(text):
            found["estimator"].setdefault(name, path.relative_to(folder))
    return found


def problems(folder, registry):
    text = pathlib.Path(registry).read_text(encoding="utf-8")
    complaints = []
    for kind, names in names_in(folder).items():
        word = kind.removesuffix("_name")
        entered = ENTRY[kind].findall(text)
        for name in sorted(set(names) - set(entered)):
            complaints.append(f'{names[name]}: the {word} "{name}" is not in {registry}: enter it, so that the laws are tested on it')
        for name in sorted(set(entered) - set(names)):
            complaints.append(f'{registry}: the {word} "{name}" is in no header of {folder}')
        if not names:
            complaints.append(f"{folder}: no {word} found at all; this check no longer understands the headers")
    return complaints


def main(folder, registry, stamp=None):
    complaints = problems(folder, registry)
    for line in complaints:
        print(line, file=sys.stderr)
    if complaints:
        return 1
    if stamp:
        pathlib.Path(stamp).write_text("every stage, aggregate and estimator is in the registry\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
