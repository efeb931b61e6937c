"""docs/attacks.md: every id of the catalogue has a row, and the tests of each row are where it says."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.docs.test_snippets import DOCS

PAGE = DOCS / "attacks.md"
TESTS = DOCS.parent / "tests"
_HIGHEST = {"P": 10, "A": 19, "T": 12, "U": 7, "C": 4, "V": 9, "R": 6, "F": 20, "S": 14}
CATALOGUE = {f"{letter}{n}" for letter, last in _HIGHEST.items() for n in range(1, last + 1)} - {"T8", "U3"}
_ID = re.compile(r"(?<=_)([patucvrfs]\d{1,2})(?=_)")


def files_by_id() -> dict[str, set[Path]]:
    """Which files hold tests of each id, by the names of the tests."""
    found = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for name in names:
            for match in _ID.findall(name) if name.startswith("test_") else ():
                found[match.upper()].add(path.resolve())
    return found


def rows_of(text: str) -> dict[str, str]:
    """Each row of the page's tables, by its id."""
    rows = re.findall(r"^\| ([A-Z]\d+) (\|.*)$", text, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "an id has two rows"
    return dict(rows)


@pytest.fixture(scope="module")
def written() -> dict[str, set[Path]]:
    return files_by_id()


TRIED = rows_of(PAGE.read_text(encoding="utf-8"))


def test_every_id_of_the_catalogue_has_one_row() -> None:
    assert TRIED.keys() == CATALOGUE


@pytest.mark.parametrize("attack", TRIED)
def test_the_files_of_a_row_hold_tests_of_its_id(written: dict[str, set[Path]], attack: str) -> None:
    named = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)]+)\)", TRIED[attack])}
    assert named, f"{attack} names no test"
    assert named <= written[attack], f"docs/attacks.md: no test of {attack} in {named - written[attack]}"
