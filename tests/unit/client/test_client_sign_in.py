"""The way to the provider and back, as a relying party takes it with the SDK."""

import json
import pickle
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from netid.client import Ask, AssuranceLevel, PendingInMemory, PendingLogin
from netid.client.errors import (
    CallbackRefused,
    ClientError,
    ClientRefused,
    CodeRefused,
    ConfigurationRefused,
    ConsentRequired,
    IDTokenRefused,
    LevelNotReached,
    LoginRequired,
    ProviderUnreachable,
    Refused,
    RequestRefused,
)
from netid.client.messages import HttpAnswer
from netid.client.pending import MOST_PENDING
from tests.unit.client.conftest import Party


def asked_at(party: Party, ask: Ask) -> dict[str, str]:
    """What the browser is sent with, where requests are not pushed."""
    address = party.client.begin(party.browser, ask)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_person_comes_back_with_a_check_result(party):
    signed_in = party.sign_in()

    assert signed_in.check.subject.reveal() == "subject-at-parcels"
    assert signed_in.check.level is AssuranceLevel.CREDENTIAL_PASSCODE
    assert signed_in.check.checked_at == party.clock.now() - timedelta(seconds=5)
    assert json.loads(signed_in.token_answer)["id_token"] == signed_in.id_token


def test_a_client_secret_is_form_encoded_before_it_is_sent(party_with_secret):
    assert party_with_secret.sign_in().check.subject.reveal() == "subject-at-parcels"


def test_every_request_has_its_own_state_nonce_and_challenge(plain_party):
    first, second = (asked_at(plain_party, Ask()) for _ in range(2))

    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) == 43
    assert first["code_challenge_method"] == "S256"


def test_a_request_asks_for_the_check_result_and_nothing_else_by_itself(plain_party):
    asked = asked_at(plain_party, Ask())

    assert asked["scope"] == "openid netid.verify"
    assert asked["acr_values"] == "urn:netid:acr:credential+passcode"
    assert not asked.keys() & {"claims", "prompt", "login_hint", "max_age", "ui_locales"}


def test_a_request_says_what_it_was_told_to_ask(plain_party):
    ask = Ask(
        purpose="real-name-parcel",
        claims=frozenset({"name", "document_number"}),
        level=AssuranceLevel.CREDENTIAL_FACE,
        max_age=timedelta(minutes=10),
        language="zh",
        prompt="login",
        login_hint="an-adult",
    )
    asked = asked_at(plain_party, ask)

    assert asked["scope"] == "openid netid.verify netid.purpose.real-name-parcel"
    assert json.loads(asked["claims"]) == {"userinfo": {"document_number": None, "name": None}}
    assert asked["acr_values"] == "urn:netid:acr:credential+face"
    assert (asked["max_age"], asked["prompt"]) == ("600", "login")
    assert (asked["ui_locales"], asked["login_hint"]) == ("zh-CN", "an-adult")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"purpose": "real-name-parcel", "claims": ["nmae"]},
            r"Ask\.claims\.0: is not in the claim catalogue; did you mean name\?",
        ),
        ({"claims": ["name"]}, r"Ask\.claims: belong to a purpose; name the purpose too"),
        ({"purpose": "Real Name"}, r"Ask\.purpose: must match pattern"),
    ],
)
def test_what_nobody_can_ask_for_is_refused_before_anything_is_sent(wrong, said):
    with pytest.raises(ConfigurationRefused, match=said):
        Ask(**wrong)


def test_v9_another_browser_cannot_finish_what_this_one_began(party):
    query = party.come_back()

    with pytest.raises(CallbackRefused, match="state"):
        party.client.finish("another browser's secret", query)
    assert party.provider.count("/token") == 0


def test_a_return_counts_once(party):
    query = party.come_back()
    party.client.finish(party.browser, query)

    with pytest.raises(CallbackRefused, match="state"):
        party.client.finish(party.browser, query)
    assert party.provider.count("/token") == 1


def test_a_return_after_twenty_minutes_is_too_late(party):
    query = party.come_back()
    party.clock.forward(minutes=20)

    with pytest.raises(CallbackRefused, match="state"):
        party.client.finish(party.browser, query)


@pytest.mark.parametrize("iss", [None, "https://other.example", "https://provider.example/"])
def test_v9_a_return_from_another_provider_is_refused(party, iss):
    with pytest.raises(CallbackRefused, match="iss"):
        party.client.finish(party.browser, party.come_back(iss=iss))
    assert party.provider.count("/token") == 0


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda query: query + "&code=another", "occurs twice"),
        (lambda query: query + "&state=another", "occurs twice"),
        (lambda query: query.replace("code=", "kode="), "code: is missing"),
        (lambda query: query.replace("the-code", ""), "code: is missing"),
        (lambda query: query + "&x=" + "y" * 4096, "longer than"),
        (lambda query: query + "&x=%ff", "not a form"),
        (lambda query: query + "&x=1" * 30, "not a form"),
        (lambda _: "", "state"),
    ],
)
def test_v9_a_malformed_return_is_refused(party, spoil, reason):
    with pytest.raises(CallbackRefused, match=reason):
        party.client.finish(party.browser, spoil(party.come_back()))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("access_denied", Refused),
        ("login_required", LoginRequired),
        ("consent_required", ConsentRequired),
        ("unmet_authentication_requirements", LevelNotReached),
        ("temporarily_unavailable", ProviderUnreachable),
        ("invalid_scope", RequestRefused),
        ("something_new", RequestRefused),
    ],
)
def test_each_error_of_the_provider_is_an_error_of_its_own(party, code, error):
    with pytest.raises(ClientError) as raised:
        party.client.finish(party.browser, party.come_back(code=None, error=code))
    assert type(raised.value) is error


def test_an_error_without_the_right_issuer_is_nobodys(party):
    with pytest.raises(CallbackRefused, match="iss"):
        party.client.finish(party.browser, party.come_back(code=None, error="access_denied", iss=None))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "invalid_grant", CodeRefused),
        (401, "invalid_client", ClientRefused),
        (400, "invalid_request", RequestRefused),
        (500, "server_error", ProviderUnreachable),
        (503, "temporarily_unavailable", ProviderUnreachable),
        (429, "slow_down", ProviderUnreachable),
    ],
)
def test_each_error_of_the_token_endpoint_is_an_error_of_its_own(party, status, code, error):
    party.provider.token_error = (status, {"error": code})
    with pytest.raises(ClientError) as raised:
        party.sign_in()
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        (b'{"access_token":"a","token_type":"Bearer"}', "application/json", "lacks"),
        (b'{"access_token":"a","token_type":"Bearer","id_token":"a.b.c"}', "application/json", "DPoP"),
        (
            b'{"access_token":"\\u00e9","token_type":"DPoP","id_token":"a.b.c"}',
            "application/json",
            "characters",
        ),
        (b'{"access_token":"a","access_token":"b","token_type":"Bearer"}', "application/json", "strict"),
        (b"<html>", "application/json", "strict"),
        (b"{}", "text/html", "content type"),
    ],
)
def test_a_token_answer_that_is_not_one_signs_nobody_in(party, body, media_type, reason):
    party.provider.instead["/token"] = HttpAnswer(200, media_type, body)
    with pytest.raises(IDTokenRefused, match=reason):
        party.sign_in()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HttpAnswer(404, "text/html", b"<html>"), "404 with content type 'text/html', not application/json"),
        (HttpAnswer(403, "application/json", b"{}"), "the status is 403, without an error code"),
    ],
)
def test_an_answer_that_is_not_the_providers_is_told_as_it_is(plain_party, answer, said):
    query = plain_party.come_back()
    plain_party.provider.instead["/token"] = answer
    with pytest.raises(RequestRefused, match=said):
        plain_party.client.finish(plain_party.browser, query)


def test_memory_is_bounded_and_the_oldest_goes_first(party):
    store = PendingInMemory(party.clock.now)
    states = [str(number) for number in range(MOST_PENDING + 1)]
    for state in states:
        store.put("browser", PendingLogin(state, "nonce", "verifier", Ask(), party.clock.now()))

    assert store.take("browser", states[0]) is None
    assert store.take("browser", states[1]) is not None
    assert store.take("browser", states[-1]) is not None


def test_what_waits_can_be_pickled_for_a_store_that_processes_share(party):
    ask = Ask(purpose="real-name-parcel", claims=frozenset({"name"}), max_age=timedelta(minutes=10))
    pending = PendingLogin("state", "nonce", "verifier", ask, party.clock.now())
    assert pickle.loads(pickle.dumps(pending)) == pending  # noqa: S301


def test_what_to_do_stands_in_a_sentence_of_its_own():
    assert str(ConfigurationRefused("a: did you mean b?")).startswith("a: did you mean b? Correct")
    assert str(ConfigurationRefused("a: is missing")).startswith("a: is missing. Correct")
    assert "`pending` store" in str(CallbackRefused("state: nothing was begun in this browser"))
    assert "clock" in str(IDTokenRefused("it was issued in the future"))


def test_every_error_says_what_to_do_and_none_says_the_same_as_the_base():
    for error in ClientError.__subclasses__():
        assert error.__doc__
        assert "what_to_do" in vars(error), error
        assert str(error("cause")) == f"cause. {error.what_to_do}"


def test_secrets_do_not_show_in_what_a_log_would_print(party):
    signed_in = party.sign_in()
    request = next(r for r in party.provider.seen if r.url.endswith("/token"))

    shown = repr(signed_in) + repr(request) + repr(party.client.registration)
    for secret in ("an-access-token", signed_in.id_token, "subject-at-parcels", "the-code"):
        assert secret not in shown
    assert party.provider.client_key.private_jwk()["d"] not in shown
