"""The pages say what the library does: their C++ examples are one program per page, and what it prints stands in the page.

    python3 check_docs.py extract PAGE.md PROGRAM.cpp     writes the program of a page
    python3 check_docs.py compare PAGE.md PROGRAM         runs it and compares what it prints with the page
    python3 check_docs.py update PAGE.md PROGRAM          runs it and writes what it prints into the page
    python3 check_docs.py readme REPOSITORY               the README shows the quickstart and its output as they are tested

In a page, a block ```cpp holds statements, all of them in one main function, in order; a block ```cpp global stands before
main: includes, types, schemas. The ```text block after a block of statements is what these print; a block without one prints
nothing. Compiler messages name the page and its line.
"""

import pathlib
import re
import subprocess
import sys

FENCE = re.compile(r"^```(.*)$")


class Block:
    def __init__(self, kind, line, end, content):
        self.kind, self.content = kind, content
        self.line, self.end = line, end  # numbers of the opening and the closing fence


def blocks(page):
    """The fenced blocks of a page, in order."""
    found, kind, begin = [], None, 0
    lines = page.split("\n")
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if not fence:
            continue
        if kind is None:
            kind, begin = fence[1].strip(), number
        else:
            found.append(Block(kind, begin, number, "\n".join(lines[begin : number - 1])))
            kind = None
    if kind is not None:
        raise ValueError(f"line {begin}: the block is never closed")
    return found


def examples(page):
    """(statements, text block or None) for every block of statements."""
    result, waiting = [], None
    for block in blocks(page):
        if block.kind == "cpp":
            waiting = len(result)
            result.append((block, None))
        elif block.kind == "text":
            if waiting is None:
                raise ValueError(f"line {block.line}: no example before this ```text block prints it")
            result[waiting] = (result[waiting][0], block)
            waiting = None
    return result


def program(page, name):
    """The C++ program of a page: a form feed and a number before what each example prints."""
    out = ["#include <cstdio>"]
    for block in blocks(page):
        if block.kind == "cpp global":
            out += [f'#line {block.line + 1} "{name}"', block.content]
    out.append("int main() {")
    for number, (block, _) in enumerate(examples(page)):
        out += [f'std::printf("\\f{number}\\n");', f'#line {block.line + 1} "{name}"', block.content]
    return "\n".join(out) + "\n}\n"


def printed_by(printed):
    """Example number -> what it printed."""
    parts = printed.split("\f")
    if parts[0]:
        raise ValueError(f"printed before the first example: {parts[0]!r}")
    return {int(number): text.rstrip() for number, _, text in (part.partition("\n") for part in parts[1:])}


def differences(page, printed):
    """Yields (line, found, expected) for every example that prints something else than the page says."""
    found = printed_by(printed)
    for number, (block, text) in enumerate(examples(page)):
        expected = text.content.rstrip() if text else ""
        if found.get(number, "") != expected:
            yield (text or block).line, found.get(number, ""), expected


def updated(page, printed):
    """The page with what the examples print in their ```text blocks, which are made where they are missing."""
    found = printed_by(printed)
    lines = page.split("\n")
    for number, (block, text) in reversed(list(enumerate(examples(page)))):
        shown = ["```text", *found.get(number, "").split("\n"), "```"]
        if text:
            lines[text.line - 1 : text.end] = shown
        elif found.get(number):
            lines[block.end : block.end] = ["", *shown]
    return "\n".join(lines)


def readme_problems(readme, quickstart, expected):
    shown = [(block.content.strip(), text.content.strip() if text else "") for block, text in examples(readme)]
    if (quickstart.strip(), expected.strip()) not in shown:
        yield "README.md: a ```cpp block with examples/quickstart.cpp and a ```text block with tests/examples/quickstart.expected, as they are"


def main(action, path, other=None):
    path = pathlib.Path(path)
    if action == "readme":
        read = lambda name: (path / name).read_text(encoding="utf-8")
        problems = list(readme_problems(read("README.md"), read("examples/quickstart.cpp"), read("tests/examples/quickstart.expected")))
        print("\n".join(problems) or "the README shows the quickstart as it is tested")
        return len(problems)
    page = path.read_text(encoding="utf-8")
    if action == "extract":
        pathlib.Path(other).write_text(program(page, f"docs/{path.name}"), encoding="utf-8")
        return 0
    ran = subprocess.run([other], stdout=subprocess.PIPE, encoding="utf-8")
    if ran.returncode:
        print(f"{ran.stdout}\n{path.name}: the examples ended with {ran.returncode}")
        return 1
    if action == "update":
        path.write_text(updated(page, ran.stdout), encoding="utf-8")
        return 0
    wrong = list(differences(page, ran.stdout))
    for line, found, expected in wrong:
        print(f"docs/{path.name}:{line}: the example prints\n{found}\nand the page says\n{expected}\n")
    print(f"{len(examples(page))} examples, {len(wrong)} of them print something else")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
