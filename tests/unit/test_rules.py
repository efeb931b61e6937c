"""The register of rules: what it names exists, and every duty, rule and code is covered."""

import ast
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from netid import errors
from netid.cli import main
from netid.identity import policy
from netid.identity.consent import Action
from netid.identity.rules import READ, REGISTER, Duty, Law
from netid.services.rule_report import code_of, named, rule_report
from tests.running import Running

TESTS = Path(__file__).parents[1]
NETID = TESTS.parent / "netid"
_DUTIES = pytest.mark.parametrize("duty", REGISTER, ids=lambda duty: duty.id)


def test_each_duty_has_one_entry() -> None:
    assert len({duty.id for duty in REGISTER}) == len(REGISTER)


@pytest.mark.parametrize("article", [str(number) for number in range(4, 16)])
def test_no_article_with_a_duty_is_left_out(article: str) -> None:
    cited = {number for duty in REGISTER if duty.law is Law.MEASURES for number in duty.articles}
    assert article in cited | {"16"}


def test_it_says_whose_numbers_are_the_drafts() -> None:
    for duty in REGISTER:
        for number, cited in zip(duty.articles, duty.cited, strict=False):
            assert ("draft" in cited) == (duty.law is Law.MEASURES and number not in READ)


@_DUTIES
def test_what_it_names_is_there(duty: Duty) -> None:
    assert duty.done
    for name in (*duty.done, *duty.violations):
        named(name)


@_DUTIES
def test_a_duty_is_shown_by_tests_that_exist(duty: Duty) -> None:
    assert duty.tests
    for test in duty.tests:
        file, _, name = test.partition("::")
        tree = ast.walk(ast.parse((TESTS / file).read_text(encoding="utf-8")))
        assert name in {node.name for node in tree if isinstance(node, ast.FunctionDef)}, test


def test_records_are_kinds_of_events_that_are_written() -> None:
    rooms = [*(NETID / "services").glob("*.py"), *(NETID / "oauth").glob("*.py")]
    nodes = [node for path in rooms for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    written = {node.value for node in nodes if isinstance(node, ast.Constant)}
    written |= {f"consent_{action.value}" for action in Action}
    assert {kind for duty in REGISTER for kind in duty.records} <= written


def test_every_violation_code_has_an_article() -> None:
    """Every rule of disclosure, and every error that cites the Measures."""
    listed = {code_of(name) for duty in REGISTER for name in duty.violations}
    rules = {type(rule).__name__ for rule in policy.RULES}
    cite = {
        one.code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.NetIDError) and "Measures" in (one.__doc__ or "")
    }
    assert rules | cite <= listed


def test_a_rule_is_listed_under_the_article_it_cites() -> None:
    for rule in policy.RULES:
        duties = [duty for duty in REGISTER if type(rule).__name__ in map(code_of, duty.violations)]
        assert any(number in rule.article.split(";")[0] for duty in duties for number in duty.articles)


def test_it_is_printed_as_json_and_as_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "report", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == rule_report(None)
    assert main(["rules", "report"]) == 0
    page = capsys.readouterr().out
    HTMLParser().feed(page)
    assert all(f'id="{duty.id}"' in page and duty.duty.zh in page for duty in REGISTER)
    assert "2024 draft" in page


def test_records_are_counted_and_say_nothing_of_anybody(provider: Running) -> None:
    provider.register().tokens(scope="openid netid.purpose.real-name-parcel")
    with provider.provider.stores.db.read() as tx:
        counted = provider.provider.stores.audit.counts(tx)
    report = {one["id"]: one["records"] for one in rule_report(counted)["duties"]}
    assert report["recipient-and-purpose"] == {"consent_agreed": 1}
    assert report["deletion"] == {"cancelled": 0}
    assert all(isinstance(count, int) for records in report.values() for count in records.values())
