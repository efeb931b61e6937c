"""RFC 8417: what a relying party is told afterwards names its own subject, and carries no value."""

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from netid.ambient import Ambient
from netid.credentials.current_keys import CurrentKeys
from netid.errors import NotFound
from netid.identity.calendar import legal_day
from netid.identity.events import CONSENT_WITHDRAWN, SUBJECT_ENDED
from netid.identity.persons import shipped_personas
from netid.services.messages import APART_SECONDS, Messages
from netid.storage.messages import OutgoingMessages
from netid.storage.tables import access_tokens
from tests.listening import Listener, by_hand
from tests.protocol.meddling import latest_receipt, person_id_of
from tests.protocol.reading import id_token, key_set, signed
from tests.protocol.refusals import rows
from tests.running import PARCEL_PURPOSE, Client, Running

RELEASE = {"scope": "openid netid.verify netid.purpose.real-name-parcel"}
HEAD = {"iss", "iat", "jti", "aud", "sub_id", "txn", "events", "mock"}
CONTENT = {CONSENT_WITHDRAWN: {"receipt_id", "purpose", "claims"}, SUBJECT_ENDED: set()}


def part_of(token: str, place: int) -> dict[str, Any]:
    part: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[place] + "=="))
    return part


@dataclass
class Told:
    """A provider whose events a test delivers, and the relying parties that hear of them."""

    running: Running
    listener: Listener

    def register(self, client_id: str = "a-shop", **changes: Any) -> Client:
        address = f"{self.listener.url}/{client_id}/events"
        return self.running.register(client_id, **({"events_uri": address} | changes))

    def withdraw(self, persona: str = "an-adult") -> str:
        """Takes the persona's latest consent back; its receipt."""
        person_id, receipt_id = latest_receipt(self.running, persona)
        self.running.provider.services.rights.withdraw(person_id, receipt_id)
        return receipt_id

    def begin_anew(self, client_id: str, persona: str = "an-adult") -> None:
        person_id = person_id_of(self.running, persona)
        self.running.provider.services.rights.begin_anew(person_id, client_id)

    def leave(self, persona: str = "an-adult") -> None:
        """What a cancellation does to subjects."""
        clock, stores = self.running.clock, self.running.provider.stores
        keys = CurrentKeys(lambda: self.running.keyring, clock.now)
        ambient = Ambient(clock.now, secrets.token_bytes)
        messages = Messages(stores, keys=keys, issuer=self.running.issuer, ambient=ambient)
        with stores.db.write() as tx:
            messages.person_left(tx, person_id_of(self.running, persona), clock.now())

    def deliver(self) -> list[dict[str, Any]]:
        """Everything that is due; the claims of each token that came."""
        self.listener.received.clear()
        self.running.provider.delivery.step()
        return [signed(self.running, token) for token in self.listener.tokens]


@pytest.fixture
def told(provider: Running, listener: Listener) -> Told:
    return Told(by_hand(provider), listener)


def test_a_withdrawn_release_is_told_under_that_partys_own_subject(told: Told) -> None:
    shop = told.register()
    subject = id_token(shop, **RELEASE)["sub"]
    receipt_id = told.withdraw()
    [event] = told.deliver()
    assert event.pop("jti")
    assert event.pop("txn")
    assert event == {
        "iss": told.running.issuer,
        "iat": int(told.running.clock.now().timestamp()),
        "aud": "a-shop",
        "mock": True,
        "sub_id": {"format": "iss_sub", "iss": told.running.issuer, "sub": subject},
        "events": {
            CONSENT_WITHDRAWN: {
                "receipt_id": receipt_id,
                "purpose": "real-name-parcel",
                "claims": ["name", "document_number"],
            }
        },
    }


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_it_is_signed_as_the_partys_id_tokens_are_and_says_what_it_is(told: Told, algorithm: str) -> None:
    told.register(id_token_signed_response_alg=algorithm).tokens()
    told.withdraw()
    told.running.provider.delivery.step()
    [token] = told.listener.tokens
    header = part_of(token, 0)
    assert header.keys() == {"alg", "kid", "typ"}
    assert (header["alg"], header["typ"]) == (algorithm, "secevent+jwt")
    assert signed(told.running, token, algorithm)["aud"] == "a-shop"
    assert header["kid"] in {key.kid for key in key_set(told.running).keys}


def test_a_withdrawn_check_result_names_no_purpose_and_no_claim(told: Told) -> None:
    told.register().tokens()
    receipt_id = told.withdraw()
    [event] = told.deliver()
    assert event["events"] == {CONSENT_WITHDRAWN: {"receipt_id": receipt_id, "claims": []}}


def test_each_consent_to_a_platform_is_told_of_as_one_transaction(told: Told) -> None:
    shop, other = told.register(), told.register("other")
    for client in (shop, shop, other):
        client.tokens(**RELEASE)
    shop.tokens()
    person_id = person_id_of(told.running, "an-adult")
    told.running.provider.services.rights.withdraw_from(person_id, "a-shop")
    events = told.deliver()
    assert [event["aud"] for event in events] == ["a-shop"] * 3
    assert len({event["jti"] for event in events}) == 3
    assert len({event["txn"] for event in events}) == 1
    told.running.provider.services.rights.withdraw_from(person_id, "a-shop")
    assert told.deliver() == [], "nothing is left to take back"


def test_r4_a_platforms_tokens_and_codes_are_dead_at_once_and_no_others(told: Told) -> None:
    """R4: that relying party's tokens and codes dead within 1 s, others untouched."""
    shop, other = told.register(), told.register("other")
    held, code = shop.tokens(**RELEASE), shop.headless(**RELEASE).code
    elsewhere, code_elsewhere = other.tokens(**RELEASE), other.headless(**RELEASE).code
    person_id = person_id_of(told.running, "an-adult")
    told.running.provider.services.rights.withdraw_from(person_id, "a-shop")
    assert shop.userinfo(held["access_token"]).status_code == 401
    assert shop.redeem(code).json()["error"] == "invalid_grant"
    with told.running.provider.stores.db.read() as tx:
        ended = {row.client_id: row.revoked_at is not None for row in tx.execute(select(access_tokens))}
    assert ended == {"a-shop": True, "other": False}, "ended themselves, not only with their consent"
    assert other.userinfo(elsewhere["access_token"]).status_code == 200
    assert other.redeem(code_elsewhere).status_code == 200


def test_the_message_and_the_withdrawal_are_one_transaction(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = told.register()
    tokens = shop.tokens(**RELEASE)
    before = rows(told.running)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(OutgoingMessages, "add", fail)
    with pytest.raises(RuntimeError):
        told.withdraw()
    assert rows(told.running) == before
    assert shop.userinfo(tokens["access_token"]).status_code == 200


def test_who_registered_no_address_is_not_told(told: Told) -> None:
    told.register(events_uri=None).tokens(**RELEASE)
    told.withdraw()
    assert told.deliver() == []
    assert rows(told.running)["messages"] == []


def test_a_client_id_that_passed_to_somebody_else_is_not_told_of_people_it_never_knew(told: Told) -> None:
    told.register().tokens(**RELEASE)
    entity = {"name": {"zh": "别家公司", "en": "Another Ltd"}, "sector": "another.example"}
    told.register(legal_entity=entity)
    told.withdraw()
    assert told.deliver() == []


# A new subject at one relying party


def test_a_new_identity_is_another_subject_and_the_old_one_is_only_said_to_have_ended(told: Told) -> None:
    shop, other = told.register(), told.register("other")
    old, elsewhere = id_token(shop, **RELEASE)["sub"], id_token(other)["sub"]
    held, code = shop.tokens(**RELEASE), shop.headless(**RELEASE).code
    told.begin_anew("a-shop")
    [event] = told.deliver()
    assert (event["aud"], event["sub_id"]["sub"]) == ("a-shop", old)
    assert event["events"] == {SUBJECT_ENDED: {}}
    assert shop.userinfo(held["access_token"]).status_code == 401
    assert shop.redeem(code).json()["error"] == "invalid_grant"
    new = id_token(shop, **RELEASE)["sub"]
    assert new != old
    assert id_token(other)["sub"] == elsewhere
    told.begin_anew("a-shop")
    assert [event["sub_id"]["sub"] for event in told.deliver()] == [new]
    assert id_token(shop)["sub"] not in {old, new}


def test_its_receipts_stay_with_the_person_and_nothing_is_remembered(told: Told) -> None:
    shop = told.register()
    shop.tokens()
    person_id = person_id_of(told.running, "an-adult")
    before = told.running.provider.services.rights.history(person_id)
    told.begin_anew("a-shop")
    after = told.running.provider.services.rights.history(person_id)
    assert [one.stored.receipt for one in after] == [one.stored.receipt for one in before]
    assert [one.outcome.value for one in after] == ["withdrawn"]
    remembered = shop.authorize(prompt="none", login_hint="an-adult")
    assert "error=login_required" in remembered.headers["Location"]


def test_every_platform_of_the_same_legal_entity_forgets_and_only_who_knew_is_told(told: Told) -> None:
    entity = {"name": {"zh": "一家公司", "en": "One Ltd"}, "sector": "one.example"}
    first, second = (told.register(name, legal_entity=entity) for name in ("first", "second"))
    told.register("never-visited", legal_entity=entity)
    told.register("refused", legal_entity=entity).headless(rule={"decision": "refuse"}, **RELEASE)
    subjects = {id_token(first)["sub"], id_token(second)["sub"]}
    assert len(subjects) == 1
    told.begin_anew("first")
    assert [event["aud"] for event in told.deliver()] == ["first", "second"]
    assert id_token(second)["sub"] not in subjects


def test_nobody_begins_anew_where_they_never_agreed(told: Told) -> None:
    told.register().tokens("another-adult")
    before = rows(told.running)
    with pytest.raises(NotFound, match="nothing was agreed"):
        told.begin_anew("a-shop")
    assert rows(told.running) == before


# What pooled events tell


def test_leaving_for_good_reads_like_a_new_identity(told: Told) -> None:
    told.register().tokens()
    told.begin_anew("a-shop")
    [reset] = told.deliver()
    told.register().tokens()
    told.leave()
    told.running.clock.advance(seconds=APART_SECONDS)
    [left] = told.deliver()
    assert reset.keys() == left.keys()
    assert reset["events"] == left["events"]


def test_two_parties_that_pool_what_they_were_told_have_nothing_in_common(told: Told) -> None:
    clients = [told.register(f"shop-{number}") for number in range(12)]
    for client in clients:
        client.tokens()
    told.leave()
    events = []
    for _ in range(APART_SECONDS):
        events += told.deliver()
        told.running.clock.advance(seconds=1)
    assert sorted(event["aud"] for event in events) == sorted(client.client_id for client in clients)
    assert correlators(events) == set()
    assert len({event["iat"] for event in events}) > len(clients) / 2, "not all at one moment"
    shared_txn = [event | {"txn": "planted"} for event in events]
    assert correlators(shared_txn) == {"txn"}


def correlators(events: Iterable[dict[str, Any]]) -> set[str]:
    """The names of identifiers that two recipients share."""
    values = [
        ((name, value), event["aud"])
        for event in events
        for name, value in {**event, "sub": event["sub_id"]["sub"]}.items()
        if name in {"jti", "txn", "sub", "sid"}
    ]
    owners: dict[tuple[str, str], set[str]] = {}
    for value, owner in values:
        owners.setdefault(value, set()).add(owner)
    return {name for (name, _), holders in owners.items() if len(holders) > 1}


# What an event may carry


def unexpected(event: dict[str, Any]) -> set[str]:
    """Every name in an event that has no business there."""
    found = event.keys() - HEAD | {
        f"sub_id.{name}" for name in event["sub_id"].keys() - {"format", "iss", "sub"}
    }
    for kind, content in event["events"].items():
        found |= {kind} - CONTENT.keys() | {
            f"events.{name}" for name in content.keys() - CONTENT.get(kind, set())
        }
    return found


Act = Callable[[Told], object]


@pytest.mark.parametrize("act", [Told.withdraw, lambda told: told.begin_anew("a-shop"), Told.leave])
def test_an_event_is_a_closed_schema_of_names_and_ids(told: Told, act: Act) -> None:
    told.register(purposes=[PARCEL_PURPOSE]).tokens(rule={"voluntary": "all"}, **RELEASE)
    act(told)
    told.running.clock.advance(seconds=APART_SECONDS)
    [event] = told.deliver()
    assert unexpected(event) == set()
    assert leaks(event) == []
    planted = event | {"events": {CONSENT_WITHDRAWN: {"claims": {"name": values()[0]}, "name": 1}}}
    assert unexpected(planted) == {"events.name"}
    assert leaks(planted) == [values()[0]]


def values() -> list[str]:
    personas = {one.id: one for one in shipped_personas(legal_day(datetime.now(UTC)))}
    fields = personas["an-adult"].fields
    return [fields[name] for name in ("name", "document_number", "phone_number", "birthdate")]


def leaks(event: dict[str, Any]) -> list[str]:
    text = json.dumps(event, ensure_ascii=False)
    return [value for value in values() if value in text]
