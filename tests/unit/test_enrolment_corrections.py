"""Every rule that an answer can break is said in the page's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from netid import identity, services
from netid.identity.documents import DOCUMENT_KINDS
from netid.pages.corrections import LABELS, NUMBERS, REMEDIES, RULES

CHECKED_IN = [
    *(
        Path(identity.__file__).with_name(f"{name}.py")
        for name in (
            "names",
            "identity_document",
            "documents",
            "entered",
            "phones",
            "passcodes",
            "net_number",
        )
    ),
    *(Path(services.__file__).with_name(f"{name}.py") for name in ("enrolment", "applying")),
]
NO_FORM_CAN = {
    "must be text",
    "enter it as text",
    "must be normalised",
    "use parse_document",
    "has a field of no document",
    "must be a kind of identity document",
}
"""What only a program can get wrong: a form has text in the fields of the page."""


def refusals() -> Iterator[list[ast.expr]]:
    for path in CHECKED_IN:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id == "InvalidField":
                    yield node.args
                elif node.func.id == "_refused":
                    yield [ast.Constant(""), *node.args]


def plain(nodes: Iterator[ast.expr]) -> set[str]:
    return {str(node.value) for node in nodes if isinstance(node, ast.Constant)} - NO_FORM_CAN


def test_every_rule_and_remedy_has_its_words() -> None:
    found = list(refusals())
    assert len(found) > 25
    rules = {rule for rule in plain(args[1] for args in found if len(args) > 1) if "real person" not in rule}
    assert rules - set(RULES) == set()
    assert plain(args[2] for args in found if len(args) > 2) - set(REMEDIES) == set()


def test_the_numbers_of_every_kind_have_their_words() -> None:
    for kind in DOCUMENT_KINDS.values():
        assert {kind.number_rule, kind.synthetic_range} <= set(NUMBERS)
    phones = (Path(identity.__file__).with_name("phones.py")).read_text(encoding="utf-8")
    assert set(re.findall(r"cannot belong to a real person: ([0-9, -]+)", phones)) <= set(NUMBERS)


def test_every_field_has_a_name() -> None:
    fields = {str(args[0].value) for args in refusals() if isinstance(args[0], ast.Constant)}
    assert fields - {"", "document"} <= LABELS.keys()
