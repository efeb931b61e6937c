"""RFC 7591, 2 and OpenID Connect Core, 10.1.1: keys that relying parties publish at an address of theirs."""

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests
from werkzeug.wrappers import Response

from netid.credentials.jwk import PublicKey, SigningKey
from netid.oauth.client_keys import FETCH_INTERVAL, KEYS_LIFETIME, RENEWED_AFTER
from netid.services.outgoing import MAX_ANSWER
from tests.listening import Listener
from tests.protocol.forging import Keyed, forge
from tests.protocol.refusals import Refusals
from tests.running import Running


def fresh_key() -> SigningKey:
    return SigningKey.generate("ES256", secrets.token_bytes)


def jwks(*keys: SigningKey) -> str:
    """What a relying party publishes."""
    return json.dumps({"keys": [key.public.jwk() for key in keys]})


@dataclass
class Publisher:
    """A relying party whose keys are at an address of its own, with how it fares there."""

    keyed: Keyed
    listener: Listener

    def publishes(self, *keys: SigningKey) -> None:
        self.listener.answers(200, jwks(*keys))

    def push(self, key: SigningKey | None = None) -> requests.Response:
        """A pushed request, proved with the key that it began with or with another."""
        used = Keyed(self.keyed.client, key or self.keyed.key)
        return used.push(used.assertion())

    def wait(self, seconds: float) -> None:
        self.keyed.client.running.clock.advance(seconds=seconds)

    @property
    def fetches(self) -> int:
        return len(self.listener.received)


@pytest.fixture
def published(provider: Running, listener: Listener) -> Publisher:
    """A relying party of profile fapi2 that publishes one key."""
    provider.clock.stop()
    keyed = Keyed.register(
        provider, "publisher", profile="fapi2", jwks=None, jwks_uri=f"{listener.url}/keys.json"
    )
    listener.answers(200, jwks(keyed.key))
    return Publisher(keyed, listener)


@pytest.fixture
def unproved(published: Publisher, refused: Refusals) -> Callable[..., None]:
    """Asserts that a push is refused as that of a stranger, with nothing of why."""

    def refuse(key: SigningKey | None = None) -> None:
        running = published.keyed.client.running
        said = refused(running, lambda: published.push(key), 401, "invalid_client", secrets=("keys.json",))
        assert said.description == "RFC 6749, 5.2: client authentication failed."

    return refuse


class TestPublishedKeys:
    def test_they_prove_who_it_is_and_are_fetched_once(self, published):
        assert [published.push().status_code for _ in range(3)] == [201] * 3
        [came] = published.listener.received
        assert came.path == "/keys.json"
        assert came.headers["Accept"] == "application/jwk-set+json, application/json"
        assert not {"Authorization", "Cookie"} & came.headers.keys()

    def test_what_type_the_answer_has_does_not_matter(self, published):
        published.listener.answer = lambda: Response(jwks(published.keyed.key), mimetype="text/plain")
        assert published.push().status_code == 201

    def test_a_new_key_counts_from_its_first_assertion(self, published):
        published.push()
        published.wait(31)
        new = fresh_key()
        published.publishes(published.keyed.key, new)
        assert [published.push(key).status_code for key in (new, published.keyed.key)] == [201, 201]
        assert published.fetches == 2

    def test_an_unknown_kid_is_looked_for_every_thirty_seconds_at_most(self, published, unproved):
        published.push()
        for fetches in (1, 2, 2):
            unproved(fresh_key())
            assert published.fetches == fetches
            published.wait(15 + FETCH_INTERVAL.total_seconds() / 2 if fetches == 1 else 1)
        assert published.push().status_code == 201

    def test_a_wrong_signature_fetches_nothing(self, published, refused):
        """It names a known key, so fresh keys would change nothing."""
        published.push()
        published.wait(31)
        keyed = published.keyed
        forged = forge(keyed.header, keyed.payload(), fresh_key())
        refused(keyed.client.running, lambda: keyed.push(forged), 401, "invalid_client")
        assert published.fetches == 1

    def test_a_key_that_was_taken_away_stops_within_ten_minutes(self, published, unproved):
        published.push()
        published.publishes(fresh_key())
        published.wait(RENEWED_AFTER.total_seconds() - 1)
        assert published.push().status_code == 201
        published.wait(2)
        unproved()

    def test_they_outlive_a_failure_for_a_while_and_no_longer(self, published, unproved):
        published.push()
        published.listener.answers(500)
        published.wait(KEYS_LIFETIME.total_seconds() - 1)
        assert published.push().status_code == 201
        published.wait(2)
        unproved()
        published.publishes(published.keyed.key)
        published.wait(FETCH_INTERVAL.total_seconds())
        assert published.push().status_code == 201

    def test_a_failure_is_remembered_for_thirty_seconds(self, published, unproved):
        published.listener.answers(500)
        unproved()
        published.publishes(published.keyed.key)
        published.wait(29)
        unproved()
        assert published.fetches == 1
        published.wait(1)
        assert published.push().status_code == 201

    def test_a_clock_that_is_put_back_makes_no_key_last_longer(self, published, unproved):
        published.push()
        published.publishes(fresh_key())
        published.wait(-3600)
        unproved()


BAD_ANSWERS: dict[str, Callable[[SigningKey], str]] = {
    "nothing": lambda key: "",
    "no JSON": lambda key: "<html></html>",
    "not an object": lambda key: "[]",
    "a member twice": lambda key: '{"keys": [], ' + jwks(key)[1:],
    "no keys": lambda key: '{"keys": []}',
    "a list of strings": lambda key: '{"keys": ["x"]}',
    "a private key": lambda key: json.dumps({"keys": [key.private_jwk()]}),
    "a private key beside a good one": lambda key: json.dumps(
        {"keys": [key.public.jwk(), fresh_key().private_jwk()]}
    ),
    "a shared secret": lambda key: json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
    "a point off the curve": lambda key: json.dumps(
        {"keys": [{**key.public.jwk(), "y": key.public.jwk()["x"]}]}
    ),
    "nested deep": lambda key: '{"keys": ' + "[" * 10_000,
    "more than 64 kB": lambda key: jwks(key) + " " * MAX_ANSWER,
}


class TestBadServers:
    """F17: slow, huge or redirecting, and nobody else notices."""

    @pytest.mark.parametrize("case", BAD_ANSWERS)
    def test_f17_an_answer_that_is_no_set_of_public_keys(self, published, unproved, case):
        published.listener.answers(200, BAD_ANSWERS[case](published.keyed.key))
        unproved()

    @pytest.mark.parametrize("status", [201, 204, 400, 404, 500])
    def test_f17_any_other_status(self, published, unproved, status):
        published.listener.answers(status, jwks(published.keyed.key))
        unproved()

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_f17_a_redirect_is_not_followed(self, published, another_listener, unproved, status):
        another_listener.answers(200, jwks(published.keyed.key))
        published.listener.answers(status, Location=another_listener.url)
        unproved()
        assert another_listener.received == []

    def test_f17_a_public_provider_fetches_nothing_from_its_own_network(self, start, listener, refused):
        """The relying party could otherwise have the provider knock at doors that it cannot reach itself."""
        running = start(issuer="https://provider.example")
        keyed = Keyed.register(running, "inside", jwks=None, jwks_uri=f"{listener.url}/keys.json")
        listener.answers(200, jwks(keyed.key))
        refused(running, lambda: keyed.push(keyed.assertion()), 401, "invalid_client")
        assert listener.received == []

    def test_f17_a_server_that_hangs_holds_nobody_else_up(self, published):
        """While a fetch is in the air no transaction is open and no lock held: others are served as
        always, and who has no other keys is told to come again."""
        listener, running = published.listener, published.keyed.client.running
        listener.hangs()
        answers: list[int] = []
        first = threading.Thread(target=lambda: answers.append(published.push().status_code))
        first.start()
        assert listener.came.wait(10)

        other = running.register("another", profile="fapi2")
        assert other.push().status_code == 201
        pending = published.push()
        assert (pending.status_code, pending.json()["error"]) == (503, "temporarily_unavailable")
        assert pending.headers["Retry-After"] == "1"
        assert published.fetches == 1

        listener.release.set()
        first.join()
        assert answers == [401]

    def test_f17_known_keys_count_while_new_ones_are_fetched(self, published):
        published.push()
        published.wait(RENEWED_AFTER.total_seconds())
        published.listener.came.clear()
        published.listener.hangs()
        answers: list[int] = []
        first = threading.Thread(target=lambda: answers.append(published.push().status_code))
        first.start()
        assert published.listener.came.wait(10)
        assert [published.push(key).status_code for key in (None, fresh_key())] == [201, 503]
        published.listener.release.set()
        first.join()
        assert answers == [201]


def test_t12_a_wrong_signature_costs_the_same_wherever_the_keys_are(published, monkeypatch):
    checked: list[PublicKey] = []
    accepts = PublicKey.accepts
    published.push()

    def counted(key: PublicKey, signature: bytes, message: bytes) -> bool:
        checked.append(key)
        return accepts(key, signature, message)

    monkeypatch.setattr(PublicKey, "accepts", counted)
    keyed, answers = published.keyed, []
    for client_id in (keyed.client.client_id, "nobody-here"):
        claims = keyed.payload(iss=client_id, sub=client_id)
        answer = keyed.push(forge(keyed.header, claims, fresh_key()), client_id=client_id)
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        answers.append((answer.status_code, headers, answer.content, len(checked)))
        checked.clear()
    assert answers[0] == answers[1]
    assert answers[0][3] == 1
