"""Authlib (PyPI) signs a person in: its Flask client and its requests session."""

from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523.assertion import private_key_jwt_sign  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from flask import Flask, url_for
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.wrappers import Response

from tests.interop.pages import snippets
from tests.running import Running

PERSONA = "an-adult"
SECRET = "Authlib-sends-it-as-it-is-not-form-encoded"
PRIVATE_KEY = ECKey.generate_key("P-256", private=True)
CHECK_RESULT = "openid netid.verify"
FIELDS = "openid netid.purpose.real-name-parcel"
CALLBACK = "http://localhost/callback"
_LONGEST_WALK = 12


def documented() -> dict[str, Any]:
    """The names that the page's Authlib snippets define."""
    names: dict[str, Any] = {}
    for text in snippets("other-libraries.md", "authlib"):
        exec(compile(text, "other-libraries.md", "exec"), names)  # noqa: S102  (our own page is what is tested)
    return names


DOCUMENTED = documented()


def registered(provider: Running, method: str, id_token_alg: str = "RS256", decision: str = "agree") -> str:
    """The id of a client with this method, whose person has made up their mind."""
    keys = {"secret": None, "jwks": {"keys": [PRIVATE_KEY.as_dict(private=False)]}}
    client = provider.register(
        "an-authlib-client",
        redirect_uris=[CALLBACK],
        authentication=method,
        id_token_signed_response_alg=id_token_alg,
        **(keys if method == "private_key_jwt" else {"secret": SECRET}),
    )
    provider.approve(PERSONA, decision=decision)
    return client.client_id


def walk(address: str) -> str:
    """Follow redirects with cookies, as a browser that is shown no page, up to the relying party."""
    with requests.Session() as browser:
        for _ in range(_LONGEST_WALK):
            if address.startswith(CALLBACK):
                return address
            answer = browser.get(address, allow_redirects=False, timeout=30)
            assert answer.is_redirect, answer.text
            address = urljoin(address, answer.headers["Location"])
    pytest.fail("no end of redirects")


def flask_app(provider: Running, client_id: str, method: str, scope: str) -> Flask:
    """A relying party as our page on other libraries writes it."""
    app = Flask("relying_party")
    app.secret_key = "only for this test"
    if method == "private_key_jwt":
        netid = DOCUMENTED["add_netid_by_key"](app, provider.issuer, client_id, PRIVATE_KEY, scope=scope)
    else:
        netid = DOCUMENTED["add_netid"](
            app,
            provider.issuer,
            client_id,
            SECRET,
            scope=scope,
            client_kwargs={"token_endpoint_auth_method": method},
        )

    @app.get("/login")
    def login() -> Response:
        answer: Response = netid.authorize_redirect(url_for("callback", _external=True), login_hint=PERSONA)
        return answer

    @app.get("/callback")
    def callback() -> dict[str, Any]:
        try:
            token = netid.authorize_access_token()
        except OAuthError as error:
            return {"error": error.error}
        return {"claims": token["userinfo"], "userinfo": netid.userinfo(token=token)}

    return app


def sign_in(app: Flask) -> dict[str, Any]:
    """What the Flask relying party saw of one sign-in."""
    site = app.test_client()
    back = urlsplit(walk(site.get("/login").headers["Location"]))
    seen = site.get(f"{back.path}?{back.query}")
    assert seen.status_code == 200, seen.text
    assert isinstance(seen.json, dict)
    return seen.json


@pytest.mark.parametrize("id_token_alg", ["RS256", "ES256"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_the_flask_client_receives_the_check_result(
    provider: Running, method: str, id_token_alg: str
) -> None:
    client_id = registered(provider, method, id_token_alg)

    seen = sign_in(flask_app(provider, client_id, method, CHECK_RESULT))

    assert (seen["claims"]["iss"], seen["claims"]["aud"]) == (provider.issuer, client_id)
    assert seen["claims"]["verified_claims"]["claims"] == {}
    assert seen["userinfo"] == {"sub": seen["claims"]["sub"]}


def test_the_flask_client_signs_in_again_with_a_fresh_assertion(provider: Running) -> None:
    app = flask_app(provider, registered(provider, "private_key_jwt"), "private_key_jwt", CHECK_RESULT)

    assert sign_in(app)["claims"]["sub"] == sign_in(app)["claims"]["sub"]


def test_the_flask_client_reads_fields_that_were_agreed_to(provider: Running) -> None:
    client_id = registered(provider, "client_secret_basic")

    seen = sign_in(flask_app(provider, client_id, "client_secret_basic", FIELDS))

    assert seen["userinfo"].keys() == {"sub", "name", "document_number"}
    assert (seen["userinfo"]["sub"], seen["userinfo"]["name"]) == (seen["claims"]["sub"], "林示例")


def test_the_flask_client_is_told_of_a_refusal(provider: Running) -> None:
    client_id = registered(provider, "client_secret_post", decision="refuse")

    seen = sign_in(flask_app(provider, client_id, "client_secret_post", FIELDS))

    assert seen == {"error": "access_denied"}


@pytest.mark.parametrize("id_token_alg", ["RS256", "ES256"])
@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_the_requests_session_receives_the_check_result(
    provider: Running, method: str, id_token_alg: str
) -> None:
    client_id = registered(provider, method, id_token_alg)
    metadata = requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=30).json()
    verifier, nonce = "a-verifier-of-at-least-forty-three-characters", "a-nonce"
    with session(provider, client_id, method) as client:
        address, _ = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, login_hint=PERSONA
        )
        back = walk(address)
        token = client.fetch_token(
            metadata["token_endpoint"], authorization_response=back, code_verifier=verifier
        )
        claims = verified(token, client_id, nonce, metadata, id_token_alg)
        userinfo = client.get(metadata["userinfo_endpoint"]).json()

    assert parse_qs(urlsplit(back).query)["iss"] == [provider.issuer]
    assert userinfo == {"sub": claims["sub"]}


def session(provider: Running, client_id: str, method: str) -> OAuth2Session:
    """Authlib's session for requests, as its documentation writes it."""
    keyed = method == "private_key_jwt"
    client = OAuth2Session(
        client_id,
        PRIVATE_KEY if keyed else SECRET,
        token_endpoint_auth_method=method,
        scope=CHECK_RESULT,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    if keyed:
        client.register_client_auth_method(PrivateKeyJWT(provider.issuer, alg="ES256"))
    return client


def verified(
    token: dict[str, Any], client_id: str, nonce: str, metadata: dict[str, Any], algorithm: str
) -> dict[str, Any]:
    """The ID token's claims, its signature checked against the JWKS and its claims by Authlib."""
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=[algorithm])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"essential": True, "value": metadata["issuer"]}},
        {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]},
    )
    claims.validate(leeway=0)
    return dict(claims)


def test_the_audience_of_an_assertion_is_the_issuer_alone(provider: Running) -> None:
    client_id = registered(provider, "private_key_jwt")
    for audience in (f"{provider.issuer}/token", f"{provider.issuer}/"):
        assertion = private_key_jwt_sign(PRIVATE_KEY, client_id, audience, alg="ES256", expires_in=60)
        answer = requests.post(
            f"{provider.issuer}/token",
            {
                "grant_type": "authorization_code",
                "code": "none",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            },
            timeout=30,
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
