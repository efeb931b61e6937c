"""What an ID token has to be before anybody is signed in (OpenID Connect Core, 3.1.3.7)."""

import copy
import dataclasses
import json
import os
import pickle
from datetime import timedelta

import pytest
from flask import Flask

from netid.client import Ask, AssuranceLevel, CheckResult
from netid.client.errors import IDTokenRefused, LevelNotReached
from netid.client.netid_client import SignedIn
from netid.credentials.jwk import SigningKey


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://provider.example/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "forum"}, "aud"),
        ({"aud": ["parcels", "forum"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "forum"}, "azp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": 0}, "expired"),
        ({"exp": "4102444800"}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": 4102444800}, "future"),
        ({"iat": 1}, "too long ago"),
        ({"acr": None}, "acr"),
        ({"acr": "urn:netid:acr:everything"}, "acr"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": True}, "auth_time"),
        ({"auth_time": -1}, "auth_time"),
        ({"auth_time": 4102444800}, "auth_time"),
        ({"verified_claims": None}, "verified_claims"),
        ({"verified_claims": {}}, "verified_claims"),
        ({"verified_claims": []}, "verified_claims"),
        ({"verified_claims": {"verification": {"trust_framework": "eidas"}}}, "cn_netid_mock"),
    ],
)
def test_one_wrong_claim_and_nobody_is_signed_in(party, claims, reason):
    party.provider.id_token = claims
    with pytest.raises(IDTokenRefused, match=reason):
        party.sign_in()


def test_a_list_with_this_client_alone_is_as_good_as_the_string(party):
    party.provider.id_token = {"aud": ["parcels"], "azp": "parcels"}
    assert party.sign_in().check.subject.reveal() == "subject-at-parcels"


@pytest.mark.parametrize(("seconds", "accepted"), [(9, True), (10, False)])
def test_clocks_may_be_ten_seconds_apart(party, seconds, accepted):
    now = int(party.clock.now().timestamp())
    party.provider.id_token = {"exp": now - seconds}
    if accepted:
        party.sign_in()
    else:
        with pytest.raises(IDTokenRefused, match="expired"):
            party.sign_in()


def test_a_lower_level_than_asked_for_is_refused(party):
    with pytest.raises(LevelNotReached):
        party.sign_in(Ask(level=AssuranceLevel.CREDENTIAL_PASSCODE_FACE))


def test_a_higher_level_than_asked_for_is_enough(party):
    party.provider.id_token = {"acr": AssuranceLevel.CREDENTIAL_PASSCODE_FACE.value}
    check = party.sign_in(Ask(level=AssuranceLevel.CREDENTIAL_FACE)).check
    assert check.level is AssuranceLevel.CREDENTIAL_PASSCODE_FACE


@pytest.mark.parametrize(("ago", "accepted"), [(610, True), (611, False)])
def test_a_check_longer_ago_than_asked_for_is_refused(party, ago, accepted):
    party.provider.id_token = {"auth_time": int(party.clock.now().timestamp()) - ago}
    ask = Ask(max_age=timedelta(minutes=10))
    if accepted:
        party.sign_in(ask)
    else:
        with pytest.raises(LevelNotReached, match="auth_time"):
            party.sign_in(ask)


@pytest.mark.parametrize(
    ("ask", "longest"), [(Ask(max_age=timedelta(0)), 10), (Ask(max_age=timedelta(minutes=1)), 70)]
)
def test_how_old_a_check_may_be_counts_from_the_request(party, ask, longest):
    """OpenID Connect Core, 3.1.2.1: who reads the notice for minutes has not been checked longer ago."""
    for ago, accepted in ((longest, True), (longest + 1, False)):
        party.provider.id_token = {"auth_time": int(party.clock.now().timestamp()) - ago}
        query = party.come_back(ask)
        party.clock.forward(minutes=4)
        if accepted:
            party.client.finish(party.browser, query)
        else:
            with pytest.raises(LevelNotReached, match="auth_time"):
                party.client.finish(party.browser, query)


def test_a_sign_in_of_before_is_not_taken_for_the_new_one_that_was_asked_for(plain_party):
    """The person can take `prompt=login` out of the address."""
    plain_party.provider.id_token = {"auth_time": int(plain_party.clock.now().timestamp()) - 3600}
    plain_party.sign_in(Ask())
    with pytest.raises(LevelNotReached, match="prompt=login"):
        plain_party.sign_in(Ask(prompt="login"))


def test_a_token_of_another_type_is_refused(party):
    party.provider.typ = "logout+jwt"
    with pytest.raises(IDTokenRefused, match="typ"):
        party.sign_in()


def test_another_algorithm_than_the_registered_one_is_refused(plain_party):
    rs256 = plain_party.configured(id_token_alg="RS256")
    with pytest.raises(IDTokenRefused, match="alg"):
        rs256.sign_in()


def test_rs256_is_accepted_where_it_is_registered(plain_party):
    plain_party.provider.key = SigningKey.generate("RS256", os.urandom)
    assert (
        plain_party.configured(id_token_alg="RS256").sign_in().check.subject.reveal() == "subject-at-parcels"
    )


def test_a_token_signed_by_somebody_else_is_refused(party):
    party.sign_in()
    somebody = SigningKey.generate("ES256", os.urandom)
    public = dataclasses.replace(somebody.public, kid=party.provider.key.public.kid)
    party.provider.key = SigningKey(public, somebody.private)

    with pytest.raises(IDTokenRefused, match="signature"):
        party.sign_in()


def test_nobody_but_the_verifier_makes_results(party):
    signed_in = party.sign_in()
    check = signed_in.check

    with pytest.raises(TypeError):
        CheckResult(check.subject, check.level, check.checked_at, object())
    with pytest.raises(TypeError):
        CheckResult(check.subject, check.level, check.checked_at)
    with pytest.raises(ValueError, match="_proof"):
        dataclasses.replace(check, level=AssuranceLevel.CREDENTIAL_PASSCODE_FACE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        check.level = AssuranceLevel.CREDENTIAL_PASSCODE_FACE
    with pytest.raises(TypeError):
        SignedIn(check, Ask(), signed_in.access_token, "a.b.c", b"", object())


def test_a_check_result_does_not_become_text_by_accident(party):
    check = party.sign_in().check

    assert "subject-at-parcels" not in repr(check)
    with pytest.raises(TypeError):
        json.dumps(check)
    with pytest.raises(TypeError):
        pickle.dumps(check)
    with pytest.raises(TypeError):
        copy.deepcopy(check)
    with Flask(__name__).app_context() as context, pytest.raises(TypeError):
        context.app.json.dumps(check)
