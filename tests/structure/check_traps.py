#!/usr/bin/env python3
"""docs/protocol/traps.md names every trap of the three documents, and only tests that exist."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTOCOL = ROOT / "docs/protocol"
SECTIONS = {"naming.md": "## 11. Traps", "config.md": "## 10. Traps", "core.md": "## 12. Traps"}


def traps(document):
    """The numbers of the list below the section's heading."""
    text = (PROTOCOL / document).read_text()
    section = re.split(r"^## ", text.split(SECTIONS[document], 1)[1], flags=re.M)[0]
    return [int(n) for n in re.findall(r"^(\d+)\. ", section, re.M)]


def tables():
    """{document: {trap: what stands behind it}}."""
    found = {}
    for part in re.split(r"^## ", (PROTOCOL / "traps.md").read_text(), flags=re.M)[1:]:
        document, rows = part.split("\n", 1)
        found[document] = {int(n): cell for n, cell in re.findall(r"^\| (\d+) \| (.*) \|$", rows, re.M)}
    return found


def existing_tests():
    tests = set()
    for file in ROOT.glob("*/**/*_test.cpp"):
        if "build" not in file.relative_to(ROOT).parts:
            tests.update(f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F)?\((\w+), (\w+)\)", file.read_text(), re.M))
    for file in (ROOT / "tests/integration").glob("test_*.py"):
        tests.update(f"{file.stem[len('test_'):]}::{name}" for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M))
    return tests


def main():
    wrong, known = [], existing_tests()
    for document, rows in tables().items():
        if sorted(rows) != traps(document):
            wrong.append(f"{document}: traps.md has {len(rows)} rows, the document {len(traps(document))} traps")
        for number, cell in rows.items():
            named = re.findall(r"`([^`]+)`", cell)
            if not named and not cell.startswith("not served: "):
                wrong.append(f"{document}, trap {number}: neither a test nor a reason")
            wrong += [f"{document}, trap {number}: there is no test {test}" for test in named if test not in known]
    print("\n".join(wrong) or "every trap has its tests")
    sys.exit(1 if wrong else 0)


main()
