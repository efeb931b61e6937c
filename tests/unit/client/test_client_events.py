"""Events and logout tokens: what the SDK takes over, what it refuses, and what it answers."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from netid.client import ConsentWithdrawn, SecurityEvent, SignedOut, SubjectEnded
from netid.client.errors import ConfigurationRefused, EventRefused, LogoutRefused
from netid.client.events import OLDEST_EVENT
from netid.client.flask_extension import NetIDFlask
from netid.client.seen import SeenInMemory
from netid.credentials import jose
from netid.credentials.jwk import SigningKey
from tests.unit.client.conftest import CLIENT_ID, ISSUER, Clock, Party, answer, without_none

EVENTS = "https://parcels.example/netid/events"
LOGOUT = "https://parcels.example/netid/logout"
WITHDRAWN = {
    "urn:netid:event:consent-withdrawn": {
        "receipt_id": "a-receipt",
        "purpose": "real-name-parcel",
        "claims": ["name", "document_number"],
    }
}
ENDED: Mapping[str, Any] = {"urn:netid:event:subject-ended": {}}
PLANTED = "林示例"


@pytest.fixture
def told(party: Party) -> Party:
    """A relying party that hears of events and of sessions that end."""
    return party.configured(events_uri=EVENTS, backchannel_logout_uri=LOGOUT)


def event(
    party: Party, typ: str | None = "secevent+jwt", key: SigningKey | None = None, **changed: Any
) -> str:
    claims = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": int(party.clock.now().timestamp()),
        "jti": "an-event",
        "txn": "a-transaction",
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "subject-at-parcels"},
        "events": WITHDRAWN,
        "mock": True,
    }
    return jose.sign(without_none(claims | changed), key or party.provider.key, typ)


def logout_token(party: Party, typ: str | None = "logout+jwt", **changed: Any) -> str:
    now = int(party.clock.now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": "a-logout",
        "sub": "subject-at-parcels",
        "sid": "a-session",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return jose.sign(without_none(claims | changed), party.provider.key, typ)


def test_a_withdrawn_consent_is_a_value_of_its_own(told: Party) -> None:
    heard = told.client.event(event(told))
    assert isinstance(heard, ConsentWithdrawn)
    assert heard.subject.reveal() == "subject-at-parcels"
    assert (heard.receipt_id, heard.purpose) == ("a-receipt", "real-name-parcel")
    assert heard.claims == {"name", "document_number"}
    assert (heard.event_id, heard.transaction) == ("an-event", "a-transaction")
    assert heard.issued_at == told.clock.now()


def test_so_is_a_subject_that_ended(told: Party) -> None:
    assert isinstance(told.client.event(event(told, events=ENDED)), SubjectEnded)


def test_a_check_result_names_no_purpose(told: Party) -> None:
    events = {"urn:netid:event:consent-withdrawn": {"receipt_id": "r", "claims": []}}
    heard = told.client.event(event(told, events=events))
    assert isinstance(heard, ConsentWithdrawn)
    assert (heard.purpose, heard.claims) == (None, frozenset())


def test_nobody_else_makes_one() -> None:
    with pytest.raises(TypeError):
        SubjectEnded(None, "", None, "", object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SignedOut(None, None, "", None, object())  # type: ignore[arg-type]


def _stranger(_: Party) -> dict[str, Any]:
    return {"key": SigningKey.generate("ES256", os.urandom)}


def _with(**content: Any) -> dict[str, Any]:
    [(name, usual)] = WITHDRAWN.items()
    return {"events": {name: usual | content}}


REFUSED: dict[str, tuple[dict[str, Any] | Callable[[Party], dict[str, Any]], str]] = {
    "a stranger's key": (_stranger, "invalid_key"),
    "another issuer": ({"iss": "https://other.example"}, "invalid_issuer"),
    "no issuer": ({"iss": None}, "invalid_issuer"),
    "another audience": ({"aud": "forum"}, "invalid_audience"),
    "two audiences": ({"aud": [CLIENT_ID, "forum"]}, "invalid_audience"),
    "no typ": ({"typ": None}, "invalid_request"),
    "a logout token": ({"typ": "logout+jwt"}, "invalid_request"),
    "an ID token's typ": ({"typ": "JWT"}, "invalid_request"),
    "no iat": ({"iat": None}, "invalid_request"),
    "iat of the future": ({"iat": 1_900_000_000}, "invalid_request"),
    "iat long ago": ({"iat": 1_000_000_000}, "invalid_request"),
    "no jti": ({"jti": None}, "invalid_request"),
    "no txn": ({"txn": None}, "invalid_request"),
    "no subject": ({"sub_id": None}, "invalid_request"),
    "a subject of another issuer": (
        {"sub_id": {"format": "iss_sub", "iss": "https://other.example", "sub": "s"}},
        "invalid_request",
    ),
    "a subject of another format": (
        {"sub_id": {"format": "email", "email": "a@b.example"}},
        "invalid_request",
    ),
    "no event": ({"events": {}}, "invalid_request"),
    "two events": ({"events": {**WITHDRAWN, **ENDED}}, "invalid_request"),
    "events that are none": ({"events": ["urn:netid:event:subject-ended"]}, "invalid_request"),
    "an event nobody knows": ({"events": {"urn:example:other": {}}}, "invalid_request"),
    "a value where names belong": (_with(claims={"name": PLANTED}), "invalid_request"),
    "a value beside them": (_with(name=PLANTED), "invalid_request"),
    "a claim that is not in the catalogue": (_with(claims=["blood_type"]), "invalid_request"),
    "a reason with an ended subject": (
        {"events": {"urn:netid:event:subject-ended": {"reason": "cancelled"}}},
        "invalid_request",
    ),
}


@pytest.mark.parametrize(("changed", "err"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_an_event_for_us_is_refused_with_its_code(
    told: Party, changed: dict[str, Any] | Callable[[Party], dict[str, Any]], err: str
) -> None:
    parts = changed(told) if callable(changed) else changed
    with pytest.raises(EventRefused) as refusal:
        told.client.event(event(told, **parts))
    assert refusal.value.err == err
    assert refusal.value.detail
    assert PLANTED not in str(refusal.value)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "x" * 9000, "é.é.é"])
def test_what_is_no_token_is_refused(told: Party, token: str) -> None:
    with pytest.raises(EventRefused) as refusal:
        told.client.event(token)
    assert refusal.value.err == "invalid_request"


# Logout tokens


def test_a_logout_token_says_whose_session_ended(told: Party) -> None:
    signed_out = told.client.signed_out(logout_token(told))
    assert signed_out.subject is not None
    assert (signed_out.subject.reveal(), signed_out.session) == ("subject-at-parcels", "a-session")
    assert told.client.signed_out(logout_token(told, sub=None)).subject is None
    assert told.client.signed_out(logout_token(told, sid=None)).session is None


def test_the_session_is_the_one_of_the_sign_in(told: Party) -> None:
    assert told.sign_in().check.session is None
    told.provider.id_token = {"sid": "a-session"}
    assert told.sign_in().check.session == "a-session"


LOGOUT_REFUSED: dict[str, dict[str, Any]] = {
    "an ID token": {"typ": None},
    "an event": {"typ": "secevent+jwt"},
    "another issuer": {"iss": "https://other.example"},
    "another audience": {"aud": "forum"},
    "expired": {"exp": 1_000_000_000},
    "no exp": {"exp": None},
    "no iat": {"iat": None},
    "no jti": {"jti": None},
    "a nonce": {"nonce": "n"},
    "neither sub nor sid": {"sub": None, "sid": None},
    "sid that is no text": {"sid": 1},
    "no events": {"events": None},
    "another event": {"events": {"urn:netid:event:subject-ended": {}}},
    "an event that is no object": {"events": {"http://schemas.openid.net/event/backchannel-logout": True}},
}


@pytest.mark.parametrize("changed", LOGOUT_REFUSED.values(), ids=LOGOUT_REFUSED)
def test_what_is_not_a_logout_token_for_us_ends_nothing(told: Party, changed: dict[str, Any]) -> None:
    with pytest.raises(LogoutRefused):
        told.client.signed_out(logout_token(told, **changed))


# Signing out at the provider


def test_the_address_to_sign_out_at_carries_nothing_of_the_person(party: Party) -> None:
    party.provider.metadata = {"end_session_endpoint": f"{ISSUER}/logout"}
    back = "https://parcels.example/"
    address = party.configured(post_logout_redirect_uri=back).client.sign_out_address("s", "en")
    assert address == (
        f"{ISSUER}/logout?client_id=parcels&post_logout_redirect_uri=https%3A%2F%2Fparcels.example%2F"
        "&state=s&ui_locales=en"
    )
    assert party.client.sign_out_address("s") == f"{ISSUER}/logout?client_id=parcels"


# In a Flask app


class App:
    """A relying party's app, and what its handlers were told."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.heard: list[SecurityEvent | SignedOut] = []
        self.fails = False
        app = Flask("app")
        self.netid = NetIDFlask(app, party.client)
        self.netid.events(self._hear)
        self.netid.signed_out(self._hear)
        self.browser: FlaskClient = app.test_client()

    def _hear(self, told: SecurityEvent | SignedOut) -> None:
        if self.fails:
            raise RuntimeError("the database is away")
        self.heard.append(told)

    def push(self, token: str, content_type: str = "application/secevent+jwt") -> Any:
        return self.browser.post("/netid/events", data=token, content_type=content_type)

    def log_out(self, token: str) -> Any:
        return self.browser.post("/netid/logout", data={"logout_token": token})


@pytest.fixture
def app(told: Party) -> App:
    return App(told)


def test_an_event_is_answered_once_it_is_done(app: App) -> None:
    response = app.push(event(app.party))
    assert (response.status_code, response.data) == (202, b"")
    assert response.headers["Cache-Control"] == "no-store"
    assert len(app.heard) == 1


def test_an_event_that_comes_again_is_answered_and_not_done_again(app: App) -> None:
    assert [app.push(event(app.party)).status_code for _ in range(3)] == [202] * 3
    assert len(app.heard) == 1
    app.push(event(app.party, jti="another"))
    assert len(app.heard) == 2


def test_what_could_not_be_done_is_not_confirmed_and_comes_again(app: App) -> None:
    app.fails = True
    assert app.push(event(app.party)).status_code == 500
    app.fails = False
    assert app.push(event(app.party)).status_code == 202
    assert len(app.heard) == 1


def test_a_refusal_is_told_as_rfc_8935_has_it(app: App) -> None:
    response = app.push(event(app.party, aud="forum"))
    assert (response.status_code, response.mimetype) == (400, "application/json")
    assert response.headers["Content-Language"] == "en"
    assert response.get_json().keys() == {"err", "description"}
    assert response.get_json()["err"] == "invalid_audience"
    assert app.heard == []


def test_another_content_type_is_refused(app: App) -> None:
    response = app.push(event(app.party), "application/jwt")
    assert (response.status_code, response.get_json()["err"]) == (400, "invalid_request")


def test_while_the_keys_cannot_be_had_the_provider_is_asked_to_come_again(app: App) -> None:
    app.party.provider.instead["/jwks"] = answer({}, status=503)
    assert app.push(event(app.party)).status_code == 503
    assert app.log_out(logout_token(app.party)).status_code == 503
    assert app.heard == []


def test_an_event_under_new_keys_is_not_lost_while_they_cannot_be_had(app: App) -> None:
    """The provider comes again ten seconds later, and never again once it is refused."""
    assert app.push(event(app.party)).status_code == 202
    app.party.provider.key = SigningKey.generate("ES256", os.urandom)
    app.party.clock.forward(seconds=30)
    app.party.provider.instead["/jwks"] = answer({}, status=503)
    token = event(app.party, jti="another")

    for _ in range(2):
        assert app.push(token).status_code == 503
        app.party.clock.forward(seconds=10)
    del app.party.provider.instead["/jwks"]
    app.party.clock.forward(seconds=20)
    assert app.push(token).status_code == 202
    assert len(app.heard) == 2


def test_a_logout_token_is_answered_with_200(app: App) -> None:
    response = app.log_out(logout_token(app.party))
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert app.log_out(logout_token(app.party)).status_code == 200
    assert len(app.heard) == 1


def test_a_refused_logout_token_with_400(app: App) -> None:
    response = app.log_out(logout_token(app.party, nonce="n"))
    assert (response.status_code, response.get_json()["error"]) == (400, "invalid_request")
    assert app.browser.post("/netid/logout").status_code == 400
    assert app.heard == []


def test_neither_address_takes_a_get(app: App) -> None:
    assert app.browser.get("/netid/events").status_code == 405
    assert app.browser.get("/netid/logout").status_code == 405


def test_a_handler_without_an_address_is_a_mistake_at_the_start(party: Party) -> None:
    netid = NetIDFlask(Flask("app"), party.client)
    with pytest.raises(ConfigurationRefused, match="events_uri"):
        netid.events(lambda event: None)
    with pytest.raises(ConfigurationRefused, match="backchannel_logout_uri"):
        netid.signed_out(lambda signed_out: None)


def test_what_was_seen_is_forgotten_when_it_cannot_come_again() -> None:
    clock = Clock()
    seen = SeenInMemory(clock.now)
    seen.add("a", clock.now() + OLDEST_EVENT)
    clock.forward(days=6)
    seen.add("b", clock.now() + OLDEST_EVENT)
    assert seen.has("a")
    clock.forward(days=2)
    seen.add("c", clock.now() + OLDEST_EVENT)
    assert not seen.has("a")
    assert seen.has("b")


def test_an_event_shows_no_subject_in_what_a_log_would_print(told: Party) -> None:
    heard = told.client.event(event(told))
    assert "subject-at-parcels" not in repr(heard)
    with pytest.raises(TypeError):
        json.dumps(heard.__dict__)
