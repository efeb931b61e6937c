"""Profile fapi2 as a relying party takes it: pushed requests, and tokens bound to a key."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from netid.client import Ask
from netid.client.errors import (
    ClientRefused,
    ConfigurationRefused,
    IDTokenRefused,
    MetadataRefused,
    RequestRefused,
)
from netid.client.messages import HttpAnswer
from netid.credentials import base64url
from tests.unit.client.conftest import ACCESS_TOKEN, answer


def test_the_browser_carries_a_name_for_the_request_and_nothing_of_it(party):
    address = party.client.begin(party.browser, Ask(purpose="real-name-parcel", login_hint="an-adult"))

    assert parse_qs(urlsplit(address).query).keys() == {"client_id", "request_uri"}
    [pushed] = party.provider.pushed.values()
    assert pushed["scope"] == "openid netid.verify netid.purpose.real-name-parcel"
    assert pushed["dpop_jkt"] == party.client.registration.dpop_key.thumbprint


def test_the_fields_come_for_a_proof_of_the_same_key(party):
    party.provider.userinfo = {"name": "made up"}
    signed_in = party.sign_in(Ask(purpose="real-name-parcel"))

    assert signed_in.access_token.type == "DPoP"
    assert party.client.fields(signed_in).text("name") == "made up"
    assert len(party.provider.spent_proofs) == 2


def test_a_nonce_that_is_asked_for_costs_one_more_request_and_then_none(party):
    party.provider.nonce = "first"
    signed_in = party.sign_in()
    party.client.fields(signed_in)
    assert (party.provider.count("/token"), party.provider.count("/userinfo")) == (2, 1)
    assert len(party.provider.spent_assertions) == 3, "each attempt has an assertion of its own"

    party.provider.nonce = "second"
    party.client.fields(signed_in)
    assert party.provider.count("/userinfo") == 3


def test_a_provider_that_asks_for_nonces_without_end_is_asked_twice(party):
    query = party.come_back()
    party.provider.instead["/token"] = HttpAnswer(
        400, "application/json", b'{"error":"use_dpop_nonce"}', {"dpop-nonce": "again"}
    )
    with pytest.raises(RequestRefused, match="use_dpop_nonce"):
        party.client.finish(party.browser, query)
    assert party.provider.count("/token") == 2


def test_another_refusal_that_brings_a_nonce_is_not_tried_again(party):
    query = party.come_back()
    refusal = HttpAnswer(400, "application/json", b'{"error":"invalid_grant"}', {"dpop-nonce": "next"})
    party.provider.instead["/token"] = refusal
    with pytest.raises(Exception, match="invalid_grant"):
        party.client.finish(party.browser, query)
    assert party.provider.count("/token") == 1


def test_a_token_that_is_not_bound_signs_nobody_in(party):
    party.provider.token_answer = {"token_type": "Bearer"}
    with pytest.raises(IDTokenRefused, match="DPoP"):
        party.sign_in()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b'{"error":"invalid_client"}', ClientRefused),
        (400, b'{"error":"invalid_scope"}', RequestRefused),
        (201, b'{"expires_in":90}', RequestRefused),
        (200, b'{"request_uri":"urn:x","expires_in":90}', RequestRefused),
        (201, b"<html>", RequestRefused),
    ],
)
def test_a_push_that_is_refused_sends_nobody_anywhere(party, status, body, error):
    party.provider.instead["/par"] = HttpAnswer(status, "application/json", body)
    with pytest.raises(error):
        party.client.begin(party.browser, Ask())


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"pushed_authorization_request_endpoint": None}, "pushed_authorization_request_endpoint"),
        ({"dpop_signing_alg_values_supported": None}, "dpop_signing_alg_values_supported"),
        ({"dpop_signing_alg_values_supported": ["RS256"]}, "dpop_signing_alg_values_supported"),
    ],
)
def test_a_provider_that_cannot_do_the_profile_is_refused(party, missing, named):
    party.provider.metadata = missing
    with pytest.raises(MetadataRefused, match=named):
        party.client.begin(party.browser, Ask())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"dpop_key": None}, "dpop_key"),
        ({"id_token_alg": "RS256"}, "id_token_alg"),
        ({"userinfo_alg": "RS256"}, "userinfo_alg"),
        ({"profile": "oidc"}, "dpop_key"),
    ],
)
def test_a_registration_that_mixes_the_profiles_is_refused(party, changed, named):
    with pytest.raises(ConfigurationRefused, match=rf"^Registration\..*{named}"):
        party.configured(**changed)


def test_a_secret_belongs_to_the_other_profile(party_with_secret):
    with pytest.raises(ConfigurationRefused, match="PrivateKeyJwt"):
        party_with_secret.configured(profile="fapi2")


@pytest.mark.parametrize(("token", "accepted"), [(ACCESS_TOKEN, True), ("another", False)])
def test_an_id_token_may_name_no_other_access_token(party, token, accepted):
    half = hashlib.sha256(token.encode()).digest()[:16]
    party.provider.id_token = {"at_hash": base64url.encode(half)}
    if accepted:
        party.sign_in()
    else:
        with pytest.raises(IDTokenRefused, match="at_hash"):
            party.sign_in()


def test_an_overloaded_push_endpoint_is_told_as_such(party):
    party.provider.instead["/par"] = answer({}, status=503)
    with pytest.raises(Exception, match="503"):
        party.client.begin(party.browser, Ask())
