"""DCQL (OpenID4VP 1.0, 6): the queries that are understood, and those that are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netid.credentials.dcql import MAX_VOLUNTARY, Query
from netid.errors import TokenRefused
from netid.identity.claims import CATALOGUE

VCT = "https://netid.example/credentials/net-credential"
NAMES = st.sets(st.sampled_from(sorted(CATALOGUE)))


def wanted(**changes: Any) -> dict[str, Any]:
    """A query with one credential; None leaves a member out."""
    credential = {"id": "pid", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}} | changes
    return {"credentials": [{name: one for name, one in credential.items() if one is not None}]}


@given(NAMES, NAMES)
def test_what_is_written_is_read_as_the_same(essential: set[str], others: set[str]) -> None:
    voluntary = frozenset(sorted(others - essential)[:MAX_VOLUNTARY])
    query = Query.of(VCT, frozenset(essential), voluntary)

    assert Query.parse(query.dcql()) == query
    assert query.claims == frozenset(essential) | voluntary


def test_the_fullest_set_comes_first_and_the_essential_claims_are_in_each() -> None:
    query = Query.of(VCT, frozenset({"name"}), frozenset({"sex", "phone_number"}))

    assert query.dcql()["credentials"][0]["claim_sets"] == [  # type: ignore[index]
        ["name", "phone_number", "sex"],
        ["name", "phone_number"],
        ["name", "sex"],
        ["name"],
    ]
    assert query.essential == {"name"}


def test_without_claims_nothing_but_the_credential_itself_is_asked_for() -> None:
    query = Query.parse(wanted())

    assert query.is_answered_by(frozenset())
    assert not query.is_answered_by(frozenset({"name"}))
    assert Query.of(VCT, frozenset(), frozenset()).dcql() == wanted(id="net_credential")


def test_v6_an_answer_shows_one_of_the_sets_no_more_and_no_less() -> None:
    query = Query.of(VCT, frozenset({"name"}), frozenset({"sex"}))

    assert query.is_answered_by(frozenset({"name"}))
    assert query.is_answered_by(frozenset({"name", "sex"}))
    assert not query.is_answered_by(frozenset({"sex"}))
    assert not query.is_answered_by(frozenset({"name", "sex", "birthdate"}))


def test_sets_that_could_not_be_listed_are_refused_beforehand() -> None:
    with pytest.raises(ValueError, match="voluntary"):
        Query.of(VCT, frozenset(), frozenset(sorted(CATALOGUE)[: MAX_VOLUNTARY + 1]))


def test_another_verifiers_query_with_ids_of_its_own() -> None:
    """The form of OpenID4VP 1.0, appendix D, `claims_alternatives`."""
    claims = [{"id": "a", "path": ["name"]}, {"id": "b", "path": ["sex"]}, {"id": "c", "path": ["birthdate"]}]
    query = Query.parse(wanted(claims=claims, claim_sets=[["a", "c"], ["a", "b"]]))

    assert query.sets == (frozenset({"name", "birthdate"}), frozenset({"name", "sex"}))
    assert query.essential == {"name"}


def test_members_that_dcql_does_not_know_are_ignored() -> None:
    query = wanted(hint=1, meta={"vct_values": [VCT], "more": 1}, claims=[{"path": ["name"], "why": "x"}])

    assert Query.parse(query | {"later": True}).claims == {"name"}


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        {},
        {"credentials": []},
        {"credentials": [*wanted()["credentials"], *wanted(id="other")["credentials"]]},
        wanted() | {"credential_sets": [{"options": [["pid"]]}]},
        wanted(id=""),
        wanted(id="with a space"),
        wanted(id=None),
        wanted(format="mso_mdoc"),
        wanted(meta=None),
        wanted(meta={}),
        wanted(meta={"vct_values": []}),
        wanted(meta={"vct_values": [VCT, "https://another.example/type"]}),
        wanted(multiple=True),
        wanted(trusted_authorities=[{"type": "aki", "values": ["x"]}]),
        wanted(require_cryptographic_holder_binding=False),
        wanted(claims=[]),
        wanted(claims="name"),
        wanted(claims=[{}]),
        wanted(claims=["name"]),
        wanted(claims=[{"path": []}]),
        wanted(claims=[{"path": [None]}]),
        wanted(claims=[{"path": [0]}]),
        wanted(claims=[{"path": ["address", "street"]}]),
        wanted(claims=[{"path": ["name"], "values": ["x"]}]),
        wanted(claims=[{"path": ["name"], "id": 1}]),
        wanted(claims=[{"path": ["name"], "id": "not ok"}]),
        wanted(claims=[{"path": ["Call 19000000001 now"], "id": "a"}]),
        wanted(claims=[{"path": ["n" * 65], "id": "a"}]),
        wanted(claims=[{"path": ["name"]}, {"path": ["name"]}]),
        wanted(claims=[{"path": ["name"], "id": "a"}, {"path": ["sex"], "id": "a"}]),
        wanted(claims=[{"path": ["name"]}], claim_sets=[]),
        wanted(claims=[{"path": ["name"]}], claim_sets=[[]]),
        wanted(claims=[{"path": ["name"]}], claim_sets=["name"]),
        wanted(claims=[{"path": ["name"]}], claim_sets=[["sex"]]),
        wanted(claims=[{"path": ["name"]}], claim_sets=[[{}]]),
        wanted(claim_sets=[["name"]]),
    ],
)
def test_a_query_that_is_not_understood_is_refused(query: object) -> None:
    with pytest.raises(TokenRefused):
        Query.parse(query)
