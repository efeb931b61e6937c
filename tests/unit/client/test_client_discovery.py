"""Metadata and keys of the provider: what is believed, and how often it is asked."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Semaphore

import pytest

from netid.ambient import Ambient
from netid.client import Ask, NetIDClient, Registration, discover
from netid.client.errors import (
    ConfigurationRefused,
    IDTokenRefused,
    MetadataRefused,
    ProviderUnreachable,
)
from netid.client.messages import HttpAnswer, HttpRequest
from netid.client.provider import Provider
from netid.credentials.jwk import SigningKey

ISSUER = "https://provider.example"


def rotate(party) -> None:
    party.provider.key = SigningKey.generate("ES256", os.urandom)


def test_metadata_is_what_the_provider_says(party):
    metadata = discover(ISSUER, party.provider.send)

    assert metadata.token_endpoint == "https://provider.example/token"
    assert party.provider.seen[0].url == "https://provider.example/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"issuer": "https://provider.example/"}, "issuer"),
        ({"issuer": "https://other.example"}, "issuer"),
        ({"issuer": None}, "issuer"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"token_endpoint": "http://provider.example/token"}, "token_endpoint"),
        ({"userinfo_endpoint": "http://127.0.0.1/userinfo"}, "without https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"jwks_uri": "https://a@provider.example/jwks"}, "jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "S256"),
        ({"authorization_response_iss_parameter_supported": False}, "iss_parameter"),
        ({"authorization_response_iss_parameter_supported": None}, "iss_parameter"),
    ],
)
def test_metadata_that_does_not_hold_together_is_refused(party, spoilt, reason):
    party.provider.metadata = spoilt
    with pytest.raises(MetadataRefused, match=reason):
        discover(ISSUER, party.provider.send)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"id_token_signing_alg_values_supported": ["RS256"]},
    ],
)
def test_a_provider_that_lacks_what_is_registered_is_not_asked(party, spoilt):
    party.provider.metadata = spoilt
    with pytest.raises(MetadataRefused, match="lacks"):
        party.client.begin(party.browser, Ask())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(200, "text/html", b"{}"), MetadataRefused),
        (HttpAnswer(301, "application/json", b"{}"), MetadataRefused),
        (HttpAnswer(404, "application/json", b"{}"), MetadataRefused),
        (HttpAnswer(200, "application/json", b"[]"), MetadataRefused),
        (HttpAnswer(503, "text/html", b""), ProviderUnreachable),
    ],
)
def test_other_answers_are_errors(party, answer, error):
    party.provider.instead["/.well-known/openid-configuration"] = answer
    with pytest.raises(error):
        discover(ISSUER, party.provider.send)


def test_a_refusal_says_which_answer_it_was(party):
    party.provider.instead["/jwks"] = HttpAnswer(404, "text/html", b"")
    with pytest.raises(MetadataRefused, match=r"^jwks_uri: the status is 404"):
        party.sign_in()
    with pytest.raises(
        MetadataRefused, match=r"^https://a\.example/\.well-known/openid-configuration: .* 404"
    ):
        discover("https://a.example", lambda _: HttpAnswer(404, "text/html", b""))


def test_metadata_of_another_issuer_names_both(party):
    party.provider.metadata = {"issuer": "https://provider.example:443"}
    both = r"'https://provider\.example:443', not .* 'https://provider\.example'"
    with pytest.raises(MetadataRefused, match=both):
        discover(ISSUER, party.provider.send)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://provider.example",
        "https://provider.example/",
        "https://provider.example?x=1",
        "https://user@provider.example",
        "ftp://provider.example",
        "provider.example",
        "https://provider.example/a b",
        "https://пример.example",
    ],
)
def test_an_issuer_that_cannot_be_one_is_refused_before_anything_is_sent(party, issuer):
    with pytest.raises(ConfigurationRefused, match="issuer"):
        discover(issuer, party.provider.send)
    with pytest.raises(ConfigurationRefused, match="issuer"):
        Registration.model_validate({**dict(party.client.registration), "issuer": issuer})
    assert party.provider.seen == []


def test_metadata_and_keys_are_fetched_once_an_hour(party):
    for _ in range(3):
        party.sign_in()
    assert (party.provider.count("/.well-known/openid-configuration"), party.provider.count("/jwks")) == (
        1,
        1,
    )

    party.clock.forward(hours=1)
    party.sign_in()
    assert (party.provider.count("/.well-known/openid-configuration"), party.provider.count("/jwks")) == (
        2,
        2,
    )


def test_a_new_key_is_fetched_when_a_token_names_it(party):
    party.sign_in()
    party.clock.forward(seconds=30)
    rotate(party)

    party.sign_in()
    assert party.provider.count("/jwks") == 2


def test_unknown_keys_cause_one_fetch_in_thirty_seconds(party):
    party.sign_in()
    party.clock.forward(seconds=30)
    party.provider.instead["/jwks"] = party.provider.send(HttpRequest(f"{ISSUER}/jwks"))
    before = party.provider.count("/jwks")
    for _ in range(5):
        rotate(party)
        with pytest.raises(IDTokenRefused, match="no key"):
            party.sign_in()
    assert party.provider.count("/jwks") == before + 1


def test_a_fetch_that_fails_counts_for_the_pause_too(party):
    party.sign_in()
    party.clock.forward(seconds=30)
    party.provider.instead["/jwks"] = HttpAnswer(500, "text/html", b"")
    rotate(party)
    for _ in range(2):
        with pytest.raises(ProviderUnreachable):
            party.sign_in()
    assert party.provider.count("/jwks") == 2

    del party.provider.instead["/jwks"]
    party.clock.forward(seconds=30)
    party.sign_in()


def test_a_withdrawn_key_is_forgotten_after_an_hour(party):
    old = party.provider.key
    party.sign_in()
    rotate(party)
    party.clock.forward(hours=1)
    party.sign_in()
    party.provider.key, new = old, party.provider.key
    party.provider.instead["/jwks"] = HttpAnswer(
        200, "application/json", b'{"keys":[%s]}' % str(new.public.jwk()).replace("'", '"').encode()
    )
    with pytest.raises(IDTokenRefused, match="no key"):
        party.sign_in()


@pytest.mark.parametrize("body", [b"{}", b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AAAA"}]}'])
def test_a_key_set_without_usable_keys_is_refused(party, body):
    party.provider.instead["/jwks"] = HttpAnswer(200, "application/json", body)
    with pytest.raises(MetadataRefused):
        party.sign_in()


class Arrivals:
    """A clock that counts who looks at it: everybody does who asks for something that was fetched."""

    def __init__(self, party) -> None:
        self._party = party
        self._seen = Semaphore(0)

    def now(self) -> datetime:
        self._seen.release()
        return self._party.clock.now()

    def are(self, count: int) -> bool:
        return all(self._seen.acquire(timeout=10) for _ in range(count))

    def forget(self) -> None:
        while self._seen.acquire(blocking=False):
            pass


def test_those_who_wait_for_a_silent_provider_share_what_comes_of_it(party):
    arrived, asked = Arrivals(party), []

    def send(request: HttpRequest) -> HttpAnswer:
        asked.append(request.url)
        assert arrived.are(4)
        raise ProviderUnreachable("silent")

    client = NetIDClient(party.client.registration, ambient=Ambient(arrived.now, os.urandom), send=send)

    def begin(browser: str) -> None:
        with pytest.raises(ProviderUnreachable, match="silent"):
            client.begin(browser, Ask())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin, "abcd"))
    assert len(asked) == 1


def test_those_who_wait_get_nothing_that_is_old_whatever_the_fetch_ended_in(party):
    arrived, asked = Arrivals(party), []

    def send(request: HttpRequest) -> HttpAnswer:
        asked.append(request.url)
        if len(asked) == 1:
            return party.provider.send(request)
        assert len(asked) > 2 or arrived.are(2)
        raise RuntimeError("a sender of one's own")

    provider = Provider(ISSUER, send, arrived.now)
    provider.metadata()
    party.clock.forward(hours=1)
    arrived.forget()
    with ThreadPoolExecutor(2) as pool:
        failures = [waiting.exception() for waiting in [pool.submit(provider.metadata) for _ in range(2)]]
    assert [type(failure) for failure in failures] == [RuntimeError, RuntimeError]


def test_nobody_waits_for_keys_who_does_not_need_them(party):
    party.sign_in()
    party.clock.forward(seconds=30)
    rotate(party)
    begun = []

    def send(request: HttpRequest) -> HttpAnswer:
        if request.url == f"{ISSUER}/jwks":
            begun.append(pool.submit(party.client.begin, "another browser", Ask()).result(10))
        return party.provider.send(request)

    party.client = NetIDClient(party.client.registration, ambient=party.ambient, send=send)
    with ThreadPoolExecutor(1) as pool:
        party.sign_in()
    assert len(begun) == 1
