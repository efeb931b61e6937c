"""OpenID Connect Back-Channel Logout 1.0: who opened a session on one at the provider hears that it ended."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update

from netid.services.delivery import PAUSES
from netid.services.messages import LOGOUT_LIFETIME
from netid.storage.messages import MessageKind
from netid.storage.tables import sessions as sessions_table
from tests.listening import Listener, by_hand
from tests.pages import Visitor
from tests.protocol.meddling import person_id_of
from tests.protocol.reading import signed
from tests.protocol.refusals import rows
from tests.running import Client, Running

AFTER = "http://127.0.0.1:9/after"


@dataclass
class Town:
    """A provider, relying parties that take logout tokens, and what came to them."""

    running: Running
    listener: Listener

    def register(self, client_id: str = "a-shop", **changes: Any) -> Client:
        address = f"{self.listener.url}/{client_id}"
        entry = {
            "backchannel_logout_uri": address,
            "post_logout_redirect_uris": [AFTER],
        }
        return self.running.register(client_id, **(entry | changes))

    def visitor(self, *clients: Client, persona: str = "an-adult") -> tuple[Visitor, list[dict[str, Any]]]:
        """A person who has signed in at these, with the ID token of each."""
        visitor = Visitor(self.running)
        return visitor, [signed_in(visitor, client, persona) for client in clients]

    def deliver(self) -> list[dict[str, Any]]:
        """Everything that is due; the claims of each logout token that came."""
        self.listener.received.clear()
        self.running.provider.delivery.step()
        return [signed(self.running, token) for token in self.listener.tokens]


def signed_in(visitor: Visitor, client: Client, persona: str = "an-adult", **changes: str) -> dict[str, Any]:
    """Goes through a sign-in, as far as it has pages, and redeems the code."""
    visitor.ask(client, **changes)
    if visitor.left is None and visitor.page.name == "page-sign-in":
        visitor.sign_in(persona)
    if visitor.left is None and visitor.page.name == "page-passcode":
        visitor.press("next", passcode="20250715")
    if visitor.left is None:
        visitor.press("agree")
    assert visitor.left is not None
    answer = client.redeem(client.running.callback(visitor.left).code)
    assert answer.status_code == 200, answer.text
    return signed(client.running, answer.json()["id_token"])


@pytest.fixture
def town(provider: Running, listener: Listener) -> Town:
    listener.answers(200)
    return Town(by_hand(provider), listener)


End = Callable[[Visitor], object]


def by_records(visitor: Visitor) -> None:
    visitor.open(visitor.running.url("/records")).press("sign-out")


def by_list(visitor: Visitor) -> None:
    visitor.open(visitor.running.url("/records/sessions")).press("end-session")


def by_platform(visitor: Visitor) -> None:
    query = f"?client_id=a-shop&post_logout_redirect_uri={AFTER}"
    visitor.open(visitor.running.url(f"/logout{query}")).press("agree")


def by_another_person(visitor: Visitor) -> None:
    """The same browser, and somebody else signs in in it."""
    shop = visitor.running.register("elsewhere")
    visitor.ask(shop, prompt="login").sign_in("another-adult")


def from_elsewhere(visitor: Visitor) -> None:
    """The same person ends all other sessions from another browser."""
    other = Visitor(visitor.running).open(visitor.running.url("/records")).sign_in()
    other.open(visitor.running.url("/records/sessions")).press("end-others")


def by_leaving(visitor: Visitor) -> None:
    """What a cancellation does."""
    services, now = visitor.running.provider.services, visitor.running.clock.now()
    with visitor.running.provider.stores.db.write() as tx:
        services.sign_out.everywhere(tx, person_id_of(visitor.running, "an-adult"), now)


ENDS = [by_records, by_list, by_platform, by_another_person, from_elsewhere, by_leaving]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_each_way_a_session_ends_is_told(town: Town, end: End) -> None:
    shop = town.register()
    visitor, [id_token] = town.visitor(shop)
    assert town.deliver() == []
    end(visitor)
    [token] = town.deliver()
    assert (token["sub"], token["sid"]) == (id_token["sub"], id_token["sid"])
    assert town.deliver() == []


def test_a_logout_token_is_to_the_letter(town: Town) -> None:
    """2.4: its members; no nonce; `typ` logout+jwt."""
    visitor, [id_token] = town.visitor(town.register())
    by_records(visitor)
    [token] = town.deliver()
    now = int(town.running.clock.now().timestamp())
    jti = token.pop("jti")
    assert len(jti) >= 22
    assert token == {
        "iss": town.running.issuer,
        "aud": "a-shop",
        "iat": now,
        "exp": now + 120,
        "sub": id_token["sub"],
        "sid": id_token["sid"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "mock": True,
    }
    header = json.loads(urlsafe_b64decode(town.listener.tokens[0].split(".")[0] + "=="))
    assert (header["typ"], header["alg"]) == ("logout+jwt", "ES256")


def test_it_comes_as_a_form(town: Town) -> None:
    """2.5: POST, application/x-www-form-urlencoded, logout_token alone."""
    visitor, _ = town.visitor(town.register())
    by_records(visitor)
    town.deliver()
    [came] = town.listener.received
    assert came.path == "/a-shop"
    assert came.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert came.form.keys() == {"logout_token"}
    assert "Cookie" not in came.headers


def test_only_who_got_a_code_at_that_session_hears_of_it(town: Town) -> None:
    shop, other, _ = (town.register(name) for name in ("a-shop", "other", "third"))
    refusing = town.register("refused")
    visitor, _ = town.visitor(shop)
    visitor.ask(refusing).press("refuse")
    elsewhere, _ = town.visitor(other)
    by_records(visitor)
    assert [token["aud"] for token in town.deliver()] == ["a-shop"]
    by_records(elsewhere)
    assert [token["aud"] for token in town.deliver()] == ["other"]


def test_who_registered_no_address_has_no_sid_and_hears_nothing(town: Town) -> None:
    visitor, [id_token] = town.visitor(town.register(backchannel_logout_uri=None))
    assert "sid" not in id_token
    by_records(visitor)
    assert town.deliver() == []
    assert rows(town.running)["messages"] == []


def test_a_sid_stays_while_the_same_person_signs_in_again(town: Town) -> None:
    shop = town.register()
    visitor, [first] = town.visitor(shop)
    again = signed_in(visitor, shop, prompt="login")
    assert again["sid"] == first["sid"]
    assert town.deliver() == [], "nothing has ended"
    by_records(visitor)
    assert [token["sid"] for token in town.deliver()] == [first["sid"]]
    assert signed_in(visitor, shop)["sid"] != first["sid"]


def test_two_parties_cannot_tell_a_person_by_the_session(town: Town) -> None:
    clients = [town.register(f"shop-{number}") for number in range(4)]
    visitor, tokens = town.visitor(*clients)
    by_records(visitor)
    logouts = town.deliver()
    assert len(logouts) == 4
    for names in (("sid",), ("sub",), ("jti",)):
        for found in (tokens, logouts):
            values = [token[name] for token in found for name in names if name in token]
            assert len(set(values)) == len(values)
    assert {token["sid"] for token in tokens} == {token["sid"] for token in logouts}


def test_two_clients_of_one_entity_have_a_sid_each(town: Town) -> None:
    entity = {"name": {"zh": "一家公司", "en": "One Ltd"}, "sector": "one.example"}
    one, two = (town.register(name, legal_entity=entity) for name in ("one", "two"))
    _, tokens = town.visitor(one, two)
    assert tokens[0]["sub"] == tokens[1]["sub"]
    assert tokens[0]["sid"] != tokens[1]["sid"]


def test_a_new_identity_ends_the_session_there_and_gets_another_sid(town: Town) -> None:
    shop, other = town.register(), town.register("other")
    visitor, [old, _] = town.visitor(shop, other)
    person_id = person_id_of(town.running, "an-adult")
    town.running.provider.services.rights.begin_anew(person_id, "a-shop")
    [token] = town.deliver()
    assert (token["aud"], token["sub"], token["sid"]) == ("a-shop", old["sub"], old["sid"])
    new = signed_in(visitor, shop)
    assert new["sub"] != old["sub"]
    assert new["sid"] != old["sid"]
    by_records(visitor)
    assert {token["aud"]: token["sub"] for token in town.deliver()}["a-shop"] == new["sub"]


# A session that has ended gives nothing more


def test_a_code_is_worth_nothing_once_its_session_has_ended(town: Town) -> None:
    """Its relying party was told already, and would keep a session that nobody ends."""
    shop = town.register()
    visitor = Visitor(town.running).ask(shop).sign_in().press("agree")
    assert visitor.left is not None
    code = town.running.callback(visitor.left).code
    by_records(visitor)
    answer = shop.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_decision_after_the_session_has_ended_gives_no_code(town: Town) -> None:
    shop = town.register()
    visitor = Visitor(town.running).ask(shop).sign_in()
    with town.running.provider.stores.db.write() as tx:
        tx.execute(update(sessions_table).values(ended_at=town.running.clock.now()))
    visitor.press("agree")
    assert visitor.left is None
    assert visitor.page.response.status_code == 400


def test_a_decision_of_one_person_is_not_taken_in_anothers_session(town: Town) -> None:
    """Two tabs of one browser: the code would name a session that is somebody else's."""
    shop = town.register()
    first = Visitor(town.running).ask(shop).sign_in()
    second = Visitor(town.running)
    second.browser = first.browser
    second.ask(town.register("other"), prompt="login").sign_in("another-adult")
    assert second.page.name == "page-check-result"
    first.open(first.page.response.url).press("agree")
    assert first.left is None
    assert first.page.response.status_code == 400


# Deliveries


@pytest.mark.parametrize("status", [200, 204])
def test_done_is_200_or_204(town: Town, status: int) -> None:
    town.listener.answers(status)
    visitor, _ = town.visitor(town.register())
    by_records(visitor)
    town.deliver()
    town.running.clock.advance(minutes=1)
    assert town.deliver() == []


def test_400_is_final(town: Town) -> None:
    """2.8: the relying party could not do it, and would not do it again."""
    town.listener.answers(400, '{"error": "invalid_request"}')
    visitor, _ = town.visitor(town.register())
    by_records(visitor)
    town.deliver()
    town.running.clock.advance(minutes=1)
    assert town.deliver() == []


def test_no_answer_is_tried_again_while_the_token_is_good(town: Town) -> None:
    town.listener.answers(503)
    visitor, _ = town.visitor(town.register())
    by_records(visitor)
    start = town.running.clock.now()
    for pause in PAUSES[MessageKind.LOGOUT]:
        assert len(town.deliver()) == 1
        town.running.clock.advance(seconds=pause.total_seconds())
    assert len(town.deliver()) == 1
    assert town.running.clock.now() - start < LOGOUT_LIFETIME
    town.running.clock.advance(hours=1)
    assert town.deliver() == []


def test_signing_out_does_not_wait_for_anybody(town: Town) -> None:
    town.listener.hangs()
    visitor, _ = town.visitor(town.register())
    by_records(visitor)
    assert visitor.page.name == "page-sign-in"
    assert town.listener.received == []


# The list of sessions


def test_sessions_are_listed_with_what_they_led_to(town: Town) -> None:
    visitor, _ = town.visitor(town.register(), town.register("other"))
    town.visitor(town.register("third"))
    town.visitor(town.register("fourth"), persona="another-adult")
    page = visitor.open(town.running.url("/records/sessions")).page
    sessions = page.all(data_testid="session")
    assert len(sessions) == 2
    here = next(one for one in sessions if one.all(data_testid="this-browser"))
    there = next(one for one in sessions if not one.all(data_testid="this-browser"))
    assert [one.one("h2").text for one in (here, there)] == ["This browser", "Another browser"]
    assert [name.text for name in here.all("dt")] == ["Since", "Checked by", "Led to", "Ends"]
    assert "net credential in this browser, passcode" in here.text
    assert "The a-shop, The other" in here.text
    assert "The third" in there.text
    assert "passcode" in here.text
    assert "net credential in this browser" in here.text
    assert "fourth" not in page.text


def test_another_persons_session_cannot_be_ended(town: Town) -> None:
    visitor, _ = town.visitor(town.register())
    stranger, _ = town.visitor(town.register("other"), persona="another-adult")
    with town.running.provider.stores.db.read() as tx:
        person_id = person_id_of(town.running, "an-adult")
        [theirs] = town.running.provider.stores.sessions.of_person(tx, person_id, town.running.clock.now())
    stranger.open(town.running.url("/records/sessions"))
    token = stranger.page.all("input", name="form_token")[0].get("value")
    stranger.send(f"/records/sessions/{theirs.session_id}/end", {"form_token": token})
    assert town.deliver() == []
    assert visitor.open(town.running.url("/records/sessions")).page.name == "page-sessions"
    visitor.send(f"/records/sessions/{theirs.session_id}/end", {"form_token": "x" * 43})
    assert visitor.page.response.status_code == 403
    assert town.deliver() == []
