"""RFC 8414 and OpenID Connect Discovery: what the provider says of itself is what it does."""

import json

import pytest
import requests
from joserfc.jwk import KeySet
from werkzeug.test import Client as Browser

from netid.ambient import Ambient
from netid.credentials.current_keys import CurrentKeys
from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from tests.protocol.reading import id_token, key_set
from tests.wallets import PRE_AUTHORIZED

WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
PUBLIC = (*WELL_KNOWN, "/jwks", "/openapi.json")


@pytest.fixture
def metadata(shared) -> dict:
    return requests.get(shared.url(WELL_KNOWN[0]), timeout=10).json()


def test_both_documents_say_the_same(shared):
    one, other = (requests.get(shared.url(address), timeout=10).json() for address in WELL_KNOWN)
    assert one == other


def test_the_issuer_is_the_address_it_was_found_at(shared, metadata):
    assert metadata["issuer"] == shared.issuer


@pytest.mark.parametrize(
    ("endpoint", "method"),
    [
        ("authorization_endpoint", "GET"),
        ("pushed_authorization_request_endpoint", "POST"),
        ("token_endpoint", "POST"),
        ("revocation_endpoint", "POST"),
        ("userinfo_endpoint", "GET"),
        ("jwks_uri", "GET"),
        ("status_list_aggregation_endpoint", "GET"),
    ],
)
def test_every_endpoint_is_there(metadata, endpoint, method):
    answer = requests.request(method, metadata[endpoint], allow_redirects=False, timeout=10)
    assert answer.status_code in (200, 400, 401)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_documents_may_be_kept_and_read_by_anybody(shared, address):
    answer = requests.get(shared.url(address), headers={"Origin": "https://x.example"}, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_what_has_to_be_in_it_is_in_it(metadata):
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["require_pushed_authorization_requests"] is False  # by registration: profile fapi2
    assert metadata["grant_types_supported"] == ["authorization_code", PRE_AUTHORIZED]
    assert metadata["subject_types_supported"] == ["pairwise"]
    assert metadata["request_parameter_supported"] is False
    assert metadata["request_uri_parameter_supported"] is False
    assert metadata["acr_values_supported"] == [level.value for level in AssuranceLevel]
    assert set(metadata["claims_supported"]) >= {*CATALOGUE, "sub", "acr", "auth_time"}
    assert "none" not in json.dumps({k: v for k, v in metadata.items() if k != "prompt_values_supported"})


def test_no_scope_of_a_relying_party_is_told_to_others(shop, metadata):
    assert metadata["scopes_supported"] == ["openid", "netid.verify", "net_credential", "net_credential_long"]


def test_prompts_that_are_named_are_understood(shop, metadata):
    for prompt in metadata["prompt_values_supported"]:
        answer = shop.authorize(prompt=prompt)
        assert "invalid_request" not in answer.headers["Location"]


def test_id_token_algorithms_that_are_named_are_used(shared, metadata):
    for algorithm in metadata["id_token_signing_alg_values_supported"]:
        client = shared.register(f"alg-{algorithm.lower()}", id_token_signed_response_alg=algorithm)
        assert id_token(client)["aud"] == client.client_id


class TestKeys:
    def test_u6_no_private_part_is_published(self, shared):
        keys = requests.get(shared.url("/jwks"), timeout=10).json()["keys"]
        for key in keys:
            members = {"EC": {"crv", "x", "y"}, "RSA": {"n", "e"}}[key["kty"]]
            assert key.keys() == members | {"kty", "use", "alg", "kid"}
            assert key["use"] == "sig"

    def test_u6_a_kid_is_its_keys_thumbprint_so_none_comes_twice(self, shared):
        """RFC 7638, worked out by another library."""
        keys = key_set(shared).keys
        kids = [key.kid for key in keys]
        assert kids == [key.thumbprint() for key in keys]
        assert len(set(kids)) == len(kids)

    def test_keys_are_there_before_they_are_used(self, shared):
        published = {key.kid for key in key_set(shared).keys}
        rotated = CurrentKeys(lambda: shared.keyring.rotate(Ambient.real()), shared.clock.now)
        for algorithm in ("RS256", "ES256"):
            assert shared.keys.id_token_key(algorithm).public.kid in published
            assert rotated.id_token_key(algorithm).public.kid in published

    def test_the_media_type_is_that_of_key_sets(self, shared):
        answer = requests.get(shared.url("/jwks"), timeout=10)
        assert answer.headers["Content-Type"] == "application/jwk-set+json"
        assert isinstance(KeySet.import_key_set(answer.json()), KeySet)


class TestIssuerWithAPath:
    """A provider under https and a path: links, redirects and cookies stay under it."""

    @pytest.fixture
    def mounted(self, start):
        return start(issuer="https://id.example/realm")

    def test_addresses_and_cookies_stay_under_the_path(self, mounted):
        client, browser = mounted.register(), Browser(mounted.provider.wsgi)
        metadata = browser.get("/realm/.well-known/openid-configuration").json
        assert metadata["token_endpoint"] == "https://id.example/realm/token"
        began = browser.get("/realm/authorize", query_string=client.request())
        assert began.headers["Location"].startswith("https://id.example/realm/sign-in/")
        cookie = began.headers["Set-Cookie"]
        assert all(part in cookie for part in ("Path=/realm;", "Secure", "HttpOnly", "SameSite=Lax"))

    def test_links_of_an_error_page_stay_under_the_path(self, mounted):
        page = Browser(mounted.provider.wsgi).get("/realm/authorize").text
        assert 'href="/realm/' in page
        assert "/realm/realm" not in page
        assert 'href="/"' not in page

    @pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
    def test_the_metadata_is_where_either_specification_looks(self, mounted, document):
        """Before the issuer's path (RFC 8414, 3.1) and behind it (OpenID Connect Discovery, 4)."""
        browser = Browser(mounted.provider.wsgi)
        before = browser.get(f"/.well-known/{document}/realm")
        behind = browser.get(f"/realm/.well-known/{document}")
        assert before.json == behind.json
        assert before.json["issuer"] == "https://id.example/realm"

    @pytest.mark.parametrize(
        "address",
        [
            "/authorize",
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration/other",
            "/.well-known/",
            "/.well-known//realm",
            "/.well-known/authorize/realm",
        ],
    )
    def test_outside_the_path_is_nothing(self, mounted, address):
        assert Browser(mounted.provider.wsgi).get(address).status_code == 404
