"""OpenID Identity Assurance: the check result, a verified person without a field of any document."""

import json

import pytest
import requests

from netid.identity.claims import CATALOGUE
from tests.protocol.reading import id_token, signed

CHECK_RESULT = {"verification": {"trust_framework": "cn_netid_mock"}, "claims": {}}


def test_the_scope_gives_the_check_result_and_its_claims_are_empty(shop):
    assert id_token(shop, scope="openid netid.verify")["verified_claims"] == CHECK_RESULT


def test_without_the_scope_there_is_none(shop):
    assert "verified_claims" not in id_token(shop, scope="openid")


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
@pytest.mark.parametrize("claims", [None, {"name": None, "birthdate": {"essential": True}}])
def test_one_that_was_requested_by_claims_and_would_be_empty_is_left_out(shop, place, claims):
    wanted = {place: {"verified_claims": {"verification": {"trust_framework": None}, "claims": claims}}}
    tokens = shop.tokens(scope="openid", claims=json.dumps(wanted))
    assert "verified_claims" not in signed(shop.running, tokens["id_token"])
    assert shop.userinfo(tokens["access_token"]).json().keys() == {"sub"}


def test_a_release_of_fields_does_not_fill_it(shop):
    scope = "openid netid.verify netid.purpose.real-name-parcel"
    tokens = shop.tokens(scope=scope)
    assert signed(shop.running, tokens["id_token"])["verified_claims"] == CHECK_RESULT
    assert "verified_claims" not in shop.userinfo(tokens["access_token"]).json()


@pytest.mark.parametrize(
    "persona", ["an-adult", "teen-of-15", "child-of-10", "permanent-resident", "document-expired"]
)
def test_it_is_the_same_for_everybody(shop, persona):
    """What differs between two people is who they are here and when they were checked: nothing else."""
    claims = id_token(shop, persona)
    varying = {"sub", "iat", "exp", "auth_time", "at_hash"}
    assert {name: value for name, value in claims.items() if name not in varying} == {
        "iss": shop.running.issuer,
        "aud": shop.client_id,
        "nonce": "a-nonce",
        "acr": "urn:netid:acr:credential+passcode",
        "amr": ["pin", "pop"],
        "mock": True,
        "verified_claims": CHECK_RESULT,
    }


def test_s3_its_size_is_the_same_for_everybody(shop):
    people = ("an-adult", "long-name", "child-of-10", "foreign-name")
    assert len({len(shop.tokens(persona)["id_token"]) for persona in people}) == 1


def test_the_trust_framework_is_named_in_discovery(shared):
    metadata = requests.get(shared.url("/.well-known/openid-configuration"), timeout=10).json()
    assert metadata["verified_claims_supported"] is True
    assert metadata["trust_frameworks_supported"] == ["cn_netid_mock"]
    assert metadata["claims_in_verified_claims_supported"] == list(CATALOGUE)
