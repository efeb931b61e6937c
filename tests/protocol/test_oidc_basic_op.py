"""The OpenID Foundation's plans for Basic OP and Config OP, module by module, over the pages a person sees.

Each test has the name of its module in `oidcc-basic-certification-test-plan` or
`oidcc-config-certification-test-plan` and checks what that module does. The relying party is as the plan
has it: static registration, a secret, no PKCE but where a module says so, RS256.

Where a plan skips or warns, and why we differ from what it hopes for:

- `scope-profile`, `-email`, `-address`, `-phone`, `-all` are skipped: those scopes are not in
  `scopes_supported`, since a field needs a registered purpose (Measures, article 8).
- `claims-essential` warns: `name` is not given without a purpose. With one it is.
- the modules on request objects and `refresh-token` end with "not supported", as the metadata says.
- `ensure-registered-redirect-uri`, `prompt-login` and `max-age-1` ask for a picture of the page.
"""

import base64
import json
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK, Callback, Client, Running

PLAIN = {"code_challenge": None, "code_challenge_method": None}
Json = dict[str, Any]


class Suite:
    """What the suite does in nearly every module: one sign-in in one browser, and what comes of it."""

    def __init__(self, running: Running, **registration: Any) -> None:
        self.running = running
        self.client = running.register(
            "conformance",
            **{"require_pkce": False, "id_token_signed_response_alg": None, **registration},
        )
        self.visitor = Visitor(running)

    def begin(self, **changes: str | None) -> requests.Response:
        """The first answer of /authorize, in the person's browser."""
        return self.client.authorize(self.visitor.browser, **{**PLAIN, **changes})

    def callback(self, **changes: str | None) -> Callback:
        """What comes back once the person has done what the pages ask."""
        return self.running.callback(self.visitor.walk(self.begin(**changes)))

    def redeem(self, code: str, **changes: str | None) -> requests.Response:
        return self.client.redeem(code, **{"code_verifier": None, **changes})

    def signed_in(self, **changes: str | None) -> Json:
        """The claims of the ID token, checked as Core 3.1.3.7 has it, with the access token beside them."""
        answer = self.callback(**changes)
        expected = {"code", "iss"} | ({"state"} if changes.get("state", "") is not None else set())
        assert answer.parameters.keys() == expected
        return self.verified(self.redeem(answer.code))

    def verified(self, answer: requests.Response) -> Json:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        tokens = answer.json()
        assert tokens["token_type"] == "Bearer"
        metadata = requests.get(self.running.url("/.well-known/openid-configuration"), timeout=10).json()
        keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
        claims = dict(jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims)
        assert (claims["iss"], claims["aud"]) == (metadata["issuer"], self.client.client_id)
        assert claims["iat"] < claims["exp"]
        assert claims["auth_time"] <= claims["iat"]
        return {**claims, "access_token": tokens["access_token"], "raw": tokens}


@pytest.fixture
def suite(provider: Running) -> Suite:
    return Suite(provider)


def header_of(token: str) -> Json:
    header: Json = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    return header


# Basic OP


def test_oidcc_server(suite):
    claims = suite.signed_in(nonce="n-0S6_WzA2Mj")
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert suite.client.userinfo(claims["access_token"]).json() == {"sub": claims["sub"]}


def test_oidcc_response_type_missing(suite):
    assert suite.callback(response_type=None).error == "invalid_request"


def test_oidcc_idtoken_signature(suite):
    token = suite.signed_in()["raw"]["id_token"]
    kids = [key["kid"] for key in requests.get(suite.running.url("/jwks"), timeout=10).json()["keys"]]
    assert header_of(token)["alg"] == "RS256"
    assert kids.count(header_of(token)["kid"]) == 1


def test_oidcc_idtoken_unsigned(suite):
    """Not offered, so the module is skipped."""
    metadata = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10).json()
    assert "none" not in metadata["id_token_signing_alg_values_supported"]


def test_oidcc_userinfo_get(suite):
    claims = suite.signed_in()
    answer = suite.client.userinfo(claims["access_token"])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["sub"] == claims["sub"]


def test_oidcc_userinfo_post_header(suite):
    claims = suite.signed_in()
    headers = {"Authorization": f"Bearer {claims['access_token']}"}
    answer = requests.post(suite.running.url("/userinfo"), headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["sub"]) == (200, claims["sub"])


def test_oidcc_userinfo_post_body(suite):
    claims = suite.signed_in()
    form = {"access_token": claims["access_token"]}
    answer = requests.post(suite.running.url("/userinfo"), data=form, timeout=10)
    assert (answer.status_code, answer.json()["sub"]) == (200, claims["sub"])


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite):
    assert "nonce" not in suite.signed_in(nonce=None)


@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone", "profile email address phone"])
def test_oidcc_scope(suite, scope):
    """`oidcc-scope-profile`, `-email`, `-address`, `-phone`, `-all`: understood as nothing, and said so."""
    metadata = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10).json()
    assert not set(scope.split()) & set(metadata["scopes_supported"])
    claims = suite.signed_in(scope=f"openid {scope}")
    assert claims["raw"]["scope"] == "openid"
    assert suite.client.userinfo(claims["access_token"]).json().keys() == {"sub"}


def test_oidcc_ensure_other_scope_order_succeeds(suite):
    """Newer suites: `oidcc-alternate-happy-flow`, with the parameters in another order as well."""
    assert suite.signed_in(scope="email openid")["sub"]
    given = reversed(suite.client.request(**PLAIN, scope="email netid.verify openid").items())
    answer = suite.visitor.browser.get(
        suite.running.url("/authorize"), params=list(given), allow_redirects=False
    )
    assert suite.redeem(suite.running.callback(suite.visitor.walk(answer)).code).status_code == 200


def test_oidcc_display_page(suite):
    assert suite.signed_in(display="page")


def test_oidcc_display_popup(suite):
    assert suite.signed_in(display="popup")


@pytest.mark.parametrize("display", ["touch", "wap", "hologram"])
def test_every_other_display_succeeds_as_well(suite, display):
    """Core, 3.1.2.1: a value that is not understood may be ignored, which helps new ones to come."""
    assert suite.signed_in(display=display)


def test_oidcc_prompt_login(suite):
    first = suite.signed_in()
    suite.running.clock.advance(seconds=5)
    answer = suite.begin(prompt="login")
    assert step_of(suite.visitor.open(answer)) == "sign-in"
    second = suite.verified(suite.redeem(suite.running.callback(suite.visitor.walk(answer)).code))
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_prompt_none_not_logged_in(suite):
    assert suite.running.callback(suite.begin(prompt="none")).error == "login_required"


def test_oidcc_prompt_none_logged_in(suite):
    first = suite.signed_in()
    suite.running.clock.advance(seconds=5)
    answer = suite.running.callback(suite.begin(prompt="none"))
    second = suite.verified(suite.redeem(answer.code))
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_max_age_1(suite):
    first = suite.signed_in()
    suite.running.clock.advance(seconds=2)
    answer = suite.begin(max_age="1")
    assert step_of(suite.visitor.open(answer)) == "sign-in"
    second = suite.verified(suite.redeem(suite.running.callback(suite.visitor.walk(answer)).code))
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_max_age_10000(suite):
    first = suite.signed_in()
    suite.running.clock.advance(seconds=2)
    answer = suite.running.callback(suite.begin(max_age="10000"))
    second = suite.verified(suite.redeem(answer.code))
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@pytest.mark.parametrize(("seconds", "serves"), [(8, True), (9.5, False)])
def test_a_max_age_is_not_exceeded_by_the_auth_time_that_is_named(suite, seconds, serves):
    """`auth_time` has no fraction, so a session looks up to a second older than it is."""
    clock = suite.running.clock
    clock.stop()
    clock.stopped_at = clock.stopped_at.replace(microsecond=999_999)
    named = suite.signed_in()["auth_time"]
    clock.advance(seconds=seconds)
    answer = suite.begin(max_age="10")
    assert answer.headers["Location"].startswith(CALLBACK) is serves
    assert serves is (clock.now().timestamp() - named <= 10)


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(suite):
    assert suite.signed_in(extra="foobar")


def test_oidcc_id_token_hint(suite):
    first = suite.signed_in()
    suite.running.clock.advance(minutes=10)
    answer = suite.begin(prompt="none", id_token_hint=first["raw"]["id_token"])
    second = suite.verified(suite.redeem(suite.running.callback(answer).code))
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_login_hint(suite):
    assert suite.signed_in(login_hint="buffy@example.com")


@pytest.mark.parametrize("locales", ["se", "zh-Hans fr", "en-GB", "x-klingon"])
def test_oidcc_ui_locales(suite, locales):
    assert suite.signed_in(ui_locales=locales)


def test_oidcc_claims_locales(suite):
    assert suite.signed_in(claims_locales="se zh")


def test_oidcc_ensure_request_with_acr_values_succeeds(suite):
    metadata = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10).json()
    for values in (metadata["acr_values_supported"], ["1", "2"]):
        claims = suite.signed_in(acr_values=" ".join(values), prompt="login")
        assert claims["acr"] in metadata["acr_values_supported"]


def test_oidcc_codereuse(suite):
    answer = suite.callback()
    suite.verified(suite.redeem(answer.code))
    again = suite.redeem(answer.code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_oidcc_codereuse_30seconds(suite):
    answer = suite.callback()
    token = suite.verified(suite.redeem(answer.code))["access_token"]
    assert suite.client.userinfo(token).status_code == 200
    suite.running.clock.advance(seconds=30)
    again = suite.redeem(answer.code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert suite.client.userinfo(token).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(suite):
    page = suite.begin(redirect_uri=f"{CALLBACK}/suffix")
    assert (page.status_code, page.headers.get("Location")) == (400, None)
    assert 'data-testid="page-error"' in page.text


def test_oidcc_ensure_post_request_succeeds(suite):
    given = suite.client.request(**PLAIN)
    answer = suite.visitor.browser.post(suite.running.url("/authorize"), data=given, allow_redirects=False)
    answer = suite.visitor.walk(suite.visitor.open(answer))
    assert suite.redeem(suite.running.callback(answer).code).status_code == 200


def test_oidcc_server_client_secret_post(provider):
    suite = Suite(provider, authentication="client_secret_post")
    form = {
        "grant_type": "authorization_code",
        "code": suite.callback().code,
        "redirect_uri": CALLBACK,
        "client_id": suite.client.client_id,
        "client_secret": suite.client.secret,
    }
    assert suite.verified(requests.post(provider.url("/token"), data=form, timeout=10))["sub"]


def _request_object(client: Client, **changes: str | None) -> str:
    """The request as an unsigned request object (Core, 6.1)."""
    payload = json.dumps(client.request(**{**PLAIN, **changes})).encode()
    parts = (b'{"alg":"none"}', payload)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(suite):
    answer = suite.begin(request_uri="https://suite.example/request-object")
    assert suite.running.callback(answer).error == "request_uri_not_supported"


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(suite):
    answer = suite.begin(request=_request_object(suite.client))
    assert suite.running.callback(answer).error == "request_not_supported"


def test_oidcc_claims_essential(suite):
    wanted = {"claims": '{"userinfo":{"name":{"essential":true}}}'}
    claims = suite.signed_in(**wanted)
    assert suite.client.userinfo(claims["access_token"]).json().keys() == {"sub"}
    claims = suite.signed_in(**wanted, scope="openid netid.purpose.real-name-parcel")
    assert suite.client.userinfo(claims["access_token"]).json().keys() == {"sub", "name"}
    assert "name" not in claims


def test_oidcc_ensure_request_object_with_redirect_uri(suite):
    """The redirect URI outside the object is another, and nothing inside it counts: a page answers."""
    page = suite.begin(request=_request_object(suite.client), redirect_uri="https://invalid.example/")
    assert (page.status_code, page.headers.get("Location")) == (400, None)


def test_oidcc_refresh_token(suite):
    """There are none, so the module ends after the first answer."""
    assert "refresh_token" not in suite.signed_in(scope="openid offline_access")["raw"]
    metadata = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10).json()
    assert "refresh_token" not in metadata["grant_types_supported"]


def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite):
    given = suite.client.request()
    pkce = {name: given[name] for name in PLAIN}
    code = suite.callback(**pkce).code
    assert suite.verified(suite.redeem(code, code_verifier=suite.client.verifier))["sub"]


# Config OP


def test_oidcc_discovery_endpoint_verification(suite):
    answer = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    metadata = answer.json()
    assert metadata["issuer"] == suite.running.issuer
    required = {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "scopes_supported",
        "response_types_supported",
        "grant_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "claims_supported",
    }
    assert metadata.keys() >= required
    assert "openid" in metadata["scopes_supported"]
    assert metadata["response_types_supported"] == ["code"]
    assert set(metadata["subject_types_supported"]) <= {"pairwise", "public"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "RS256" in metadata["userinfo_signing_alg_values_supported"]
    assert {"sub", "iss", "auth_time", "acr"} <= set(metadata["claims_supported"])
    assert metadata["claims_parameter_supported"] is True
    # Left out, request_uri_parameter_supported would mean true (Discovery, 3).
    for name in ("request_parameter_supported", "request_uri_parameter_supported"):
        assert metadata[name] is False
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert "registration_endpoint" not in metadata


def test_every_endpoint_has_the_scheme_and_host_of_the_issuer(start):
    """The suite asks for https everywhere: with an https issuer there is nothing else."""
    provider = start(issuer="https://id.example")
    answer = requests.get(f"{provider.address}/.well-known/openid-configuration", timeout=10).json()
    urls = [value for value in answer.values() if isinstance(value, str) and "://" in value]
    assert len(urls) >= 6
    assert all(url.startswith("https://id.example") for url in urls)


def test_oidcc_discovery_jwks_uri_keys(suite):
    metadata = requests.get(suite.running.url("/.well-known/openid-configuration"), timeout=10).json()
    keys = requests.get(metadata["jwks_uri"], timeout=10).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert (key["use"], key["kty"]) in {("sig", "RSA"), ("sig", "EC")}
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}
        assert key["alg"] in {"RS256", "ES256"}
