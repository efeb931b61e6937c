"""S3 and S4: what a yes or no gives away beside itself, which is nothing.

Times are counted as work, in statements sent to the databases: no clock is read.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pytest
import requests

from netid.credentials import strict_json
from netid.errors import RegistrationRefused
from netid.identity import claims
from netid.identity.ages import age_on
from netid.identity.claims import CATALOGUE, Claim
from netid.identity.text import Text
from netid.services.registration import checked_registration
from netid.storage.sqlite import SqliteTransaction
from tests.running import MINORS_PURPOSE, Client, Running

PEOPLE = ("planted-elder", "planted-foreigner", "planted-guardian", "planted-teenager", "planted-child")
"""From 10 to over 100 years old, with documents of several kinds."""
EVERY_PREDICATE = [name for name, claim in CATALOGUE.items() if not claim.is_field]
PURPOSE: dict[str, Any] = {
    **MINORS_PURPOSE,
    "claims": [
        {"name": name, "necessity": "essential", "because": {"zh": "测试", "en": "a test"}}
        for name in EVERY_PREDICATE
    ],
}
SCOPE = "openid netid.verify netid.purpose.minors-mode"
TODAY = date(2026, 11, 25)


# S3: equal sizes and equal work


@contextmanager
def counted() -> Iterator[list[int]]:
    """Every statement that is sent to a database meanwhile."""
    statements: list[int] = []
    execute = SqliteTransaction.execute

    def counting(tx: SqliteTransaction, statement: Any, values: Any = None, /) -> Any:
        statements.append(id(statement))  # each is made once, when its module is read
        return execute(tx, statement, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteTransaction, "execute", counting)
        yield statements


def measured(shop: Client, persona: str, **changes: str | None) -> tuple[dict[str, Any], tuple[object, ...]]:
    """What was answered about a person; and how long each answer was, and what it took."""
    code = shop.headless(persona, scope=SCOPE, **changes).code
    with counted() as statements:
        redeemed = shop.redeem(code)
        answered = shop.userinfo(redeemed.json()["access_token"])
    assert (redeemed.status_code, answered.status_code) == (200, 200)
    return userinfo_of(answered), (length(redeemed), length(answered), len(code), tuple(statements))


def length(answer: requests.Response) -> tuple[int, int]:
    """Of the body, and of everything else that is sent."""
    return len(answer.content), sum(len(name) + len(value) for name, value in answer.headers.items())


def userinfo_of(answer: requests.Response) -> dict[str, Any]:
    if answer.headers["Content-Type"] == "application/jwt":
        payload = answer.text.split(".")[1]
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    return dict(answer.json())


REGISTRATIONS = {
    "plain": {},
    "signed": {"userinfo_signed_response_alg": "ES256"},
    "signed with RSA": {
        "userinfo_signed_response_alg": "RS256",
        "id_token_signed_response_alg": "RS256",
    },
}


@pytest.mark.parametrize("registration", REGISTRATIONS.values(), ids=REGISTRATIONS)
@pytest.mark.parametrize("place", ["userinfo", "id_token"])
def test_s3_size_and_work_are_equal_over_people(
    provider: Running, registration: dict[str, Any], place: str
) -> None:
    shop = provider.register(purposes=[PURPOSE], **registration)
    provider.clock.stop()
    claims_asked = {place: dict.fromkeys(EVERY_PREDICATE)}
    measured(shop, PEOPLE[0], claims=json.dumps(claims_asked))  # what is looked up once is in its place
    found = [measured(shop, persona, claims=json.dumps(claims_asked)) for persona in PEOPLE]
    if place == "userinfo":
        assert len({json.dumps([said[name] for name in EVERY_PREDICATE]) for said, _ in found}) == 3
    assert len({sizes for _, sizes in found}) == 1


def test_s3_an_answer_without_even_lengths_is_found(
    provider: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_json, "dump_even", strict_json.dump)
    shop = provider.register(purposes=[PURPOSE])
    provider.clock.stop()
    found = [measured(shop, persona) for persona in PEOPLE]
    assert len({sizes[1] for _, sizes in found}) > 1


def test_s3_a_lookup_that_depends_on_the_person_is_found(provider: Running) -> None:
    shop = provider.register(purposes=[PURPOSE])
    provider.clock.stop()
    measured(shop, PEOPLE[0])
    plain = measured(shop, PEOPLE[0])[1]
    shop.userinfo(shop.tokens(PEOPLE[0], scope=SCOPE)["access_token"])
    vault = provider.provider.vault
    opened = vault.open

    def curious(tx: Any, person_id: str, names: Any) -> dict[str, str]:
        opened(tx, person_id, names)
        return opened(tx, person_id, names)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "open", curious)
        assert measured(shop, PEOPLE[0])[1][3] != plain[3]


# S4: nobody narrows a date of birth down


def answers(catalogue: Mapping[str, Claim], birthdate: date, today: date) -> tuple[bool, ...]:
    """Everything that any number of relying parties can ask about one person on one day."""
    predicates = [claim.predicate for claim in catalogue.values() if claim.predicate is not None]
    return tuple(predicate(birthdate.isoformat(), today) for predicate in predicates)


def told_apart(catalogue: Mapping[str, Claim], today: date = TODAY) -> dict[tuple[bool, ...], set[int]]:
    """Which ages get the same answers, over everybody from birth to 110."""
    groups: dict[tuple[bool, ...], set[int]] = {}
    for days in range(0, 110 * 365, 5):
        birthdate = today - timedelta(days=days)
        groups.setdefault(answers(catalogue, birthdate, today), set()).add(age_on(birthdate, today))
    return groups


def is_bisected(groups: Mapping[tuple[bool, ...], set[int]]) -> bool:
    """Whether adults are told apart, or anybody's age is told to the year."""
    adults = [ages for ages in groups.values() if max(ages) >= 18]
    return len(adults) > 1 or any(len(ages) < 2 for ages in groups.values())


def test_s4_all_predicates_together_tell_no_adults_apart_and_nobodys_year() -> None:
    groups = told_apart(CATALOGUE)
    assert not is_bisected(groups)
    assert sorted((min(ages), max(ages)) for ages in groups.values())[:3] == [(0, 13), (14, 15), (16, 17)]


def planted_catalogue(*years: int) -> Mapping[str, Claim]:
    """With a predicate for each of these ages."""
    at_least = claims._at_least
    planted = {
        f"age_over_{n}": Claim(f"age_over_{n}", Text(zh=f"已满{n}岁", en=f"{n}+"), "birthdate", at_least(n))
        for n in years
    }
    return MappingProxyType({**CATALOGUE, **planted})


@pytest.mark.parametrize("years", [(60,), (15,), tuple(range(19, 100))])
def test_s4_a_planted_predicate_that_bisects_is_found(years: tuple[int, ...]) -> None:
    assert is_bisected(told_apart(planted_catalogue(*years)))


@pytest.mark.parametrize(
    "name", ["age_over_19", "age_over_60", "age_under_18", "age_over_018", "AGE_OVER_18", "birth_year", "age"]
)
def test_s4_no_other_predicate_can_be_registered(name: str) -> None:
    claim = {"name": name, "necessity": "voluntary", "because": {"zh": "测试", "en": "a test"}}
    with pytest.raises(RegistrationRefused, match="is not in the claim catalogue"):
        checked_registration(
            {
                "client_id": "curious",
                "name": {"zh": "店", "en": "Shop"},
                "contact": "a@shop.example",
                "legal_entity": {"name": {"zh": "店", "en": "Shop"}, "sector": "shop.example"},
                "redirect_uris": ["https://shop.example/cb"],
                "authentication": "client_secret_basic",
                "secret": "x" * 40,
                "purposes": [{**MINORS_PURPOSE, "claims": [claim]}],
            }
        )


ASKED: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda name: {"userinfo": {name: {"value": "60"}}},
    lambda name: {"userinfo": {name: {"values": [19, 60]}}},
    lambda name: {"userinfo": {"age_over_60": None, name: None}},
    lambda name: {"id_token": {"birthdate": {"value": "1967-09-08"}, name: None}},
)


@pytest.mark.parametrize("asked", ASKED)
def test_s4_many_purposes_and_clever_requests_learn_no_more(
    provider: Running, asked: Callable[[str], dict[str, Any]]
) -> None:
    """Two adults 50 years apart, asked for every predicate under many purposes, answer alike."""
    purposes = [{**PURPOSE, "id": f"purpose-{number}"} for number in range(3)]
    shop = provider.register(purposes=purposes)
    heard = {persona: [] for persona in ("planted-elder", "planted-guardian")}
    for persona, said in heard.items():
        for purpose in purposes:
            scope = f"openid netid.purpose.{purpose['id']}"
            for request in ({}, {"claims": json.dumps(asked("age_over_18"))}):
                came = shop.headless(persona, scope=scope, **request)
                if came.error is not None:
                    said.append(came.error)
                    continue
                answer = shop.userinfo(shop.redeem(came.code).json()["access_token"]).json()
                said.append({name: value for name, value in answer.items() if name != "sub"})
    first, second = heard.values()
    assert first == second
    assert any("age_over_18" in one for one in first)
