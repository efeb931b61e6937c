"""FAPI 2.0 Security Profile, 5.3.2.2 and 5.4.1: what profile fapi2 asks of /par and /authorize.

Who may push, and what a request_uri is good for: test_rfc9126_pushed_requests. A registration that
breaks the profile: test_relying_party.
"""

import secrets

import pytest

from netid.credentials.jwk import SigningKey
from tests.protocol.forging import Keyed
from tests.protocol.reading import id_token
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": f"{CALLBACK}/"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"dpop_jkt": "x" * 42}, "invalid_request"),
        ({"dpop_jkt": "x" * 42 + "="}, "invalid_request"),
    ],
)
def test_p7_a_request_is_for_a_code_with_s256_and_a_redirect_uri(bank, not_taken, changes, error):
    not_taken(bank, lambda: bank.push(**changes), error)


def test_every_answer_is_a_303_that_names_the_issuer(bank):
    for changes, decision in (({}, "agree"), ({"prompt": "consent"}, "refuse"), ({"prompt": "none"}, "")):
        visitor = Visitor(bank.running)
        answer = visitor.walk(bank.authorize(visitor.browser, **changes), decision=decision)
        assert answer.status_code == 303
        assert bank.running.callback(answer).parameters["iss"] == bank.running.issuer


def test_a16_no_step_is_repeated_as_a_post(bank):
    visitor = Visitor(bank.running)
    response = bank.authorize(visitor.browser, acr_values="urn:netid:acr:credential+passcode+face")
    statuses = [response.status_code]
    while visitor.is_here(response):
        response = visitor.answer(visitor.open(response))
        statuses.append(response.status_code)
    assert statuses == [303] * 5


@pytest.mark.parametrize(("age", "status"), [(59, 200), (61, 400)])
def test_t5_a_code_lives_a_minute_at_most(provider, age, status):
    bank = provider.register("a-bank", profile="fapi2")
    code = bank.headless().code
    provider.clock.advance(seconds=age)
    assert bank.redeem(code).status_code == status


def test_id_tokens_are_signed_with_es256(bank):
    assert bank.relying_party.id_token_signed_response_alg == "ES256"
    assert id_token(bank)["aud"] == bank.client_id


def test_p4_an_rsa_key_proves_nothing_even_if_it_is_registered(shared, refused):
    """5.4.1: PS256, ES256 or EdDSA; RS256 is none of them."""
    keys = {kind: SigningKey.generate(kind, secrets.token_bytes) for kind in ("ES256", "RS256")}
    jwks = {"keys": [key.public.jwk() for key in keys.values()]}
    client = shared.register("rsa-bank", profile="fapi2", jwks=jwks)
    right, wrong = Keyed(client, keys["ES256"]), Keyed(client, keys["RS256"])
    for act in (lambda: wrong.push(wrong.assertion()), lambda: wrong.redeem("x", wrong.assertion())):
        refused(shared, act, 401, "invalid_client")
    assert right.push(right.assertion()).status_code == 201


def test_the_key_that_was_pushed_goes_with_the_code(bank: Client):
    """RFC 9449, 10. What the token endpoint makes of it: test_rfc9449_dpop."""
    thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    for client, how in ((bank, "pushed"), (bank.running.register("binding-shop"), "sent")):
        code = client.headless(dpop_jkt=thumbprint, state=how).code
        grant = client.running.provider.services.grants.peek(client.relying_party, code)
        assert grant.dpop_jkt == thumbprint
