"""A provider in memory that can be made to lie, and a relying party that talks to it."""

import hashlib
import json
import os
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from netid.ambient import Ambient
from netid.client import (
    Ask,
    ClientSecretBasic,
    DPoPKey,
    NetIDClient,
    PrivateKeyJwt,
    Registration,
    SignedIn,
)
from netid.client.messages import HttpAnswer, HttpRequest
from netid.credentials import base64url, jose
from netid.credentials.jwk import PublicKeySet, SigningKey

ISSUER = "https://provider.example"
CLIENT_ID = "parcels"
REDIRECT_URI = "https://parcels.example/callback"
SECRET = "a secret: of 32+ characters & more"
ACCESS_TOKEN = "an-access-token"
START = datetime(2026, 3, 5, 6, 20, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def forward(self, **parts: float) -> None:
        self.time += timedelta(**parts)


@dataclass
class FakeProvider:
    """Answers as a provider does; each attribute is something a test can spoil."""

    clock: Clock
    client_key: SigningKey
    key: SigningKey = field(default_factory=lambda: SigningKey.generate("ES256", os.urandom))
    metadata: dict[str, Any] = field(default_factory=dict)
    id_token: dict[str, Any] = field(default_factory=dict)
    """Claims put over the right ones; None takes one away."""
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign_userinfo: bool = False
    token_answer: dict[str, Any] = field(default_factory=dict)
    """Members put over those of the token answer."""
    typ: str | None = None
    token_error: tuple[int, dict[str, str]] | None = None
    instead: dict[str, HttpAnswer] = field(default_factory=dict)
    """Whole answers by path, in place of the real ones."""
    seen: list[HttpRequest] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    subject: str = "subject-at-parcels"
    revoked: bool = False
    spent_assertions: set[str] = field(default_factory=set)
    spent_proofs: set[str] = field(default_factory=set)
    nonce: str | None = None
    """The nonce that proofs have to carry."""
    pushed: dict[str, dict[str, str]] = field(default_factory=dict)

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.seen.append(request)
        path = urlsplit(request.url).path
        if path in self.instead:
            return self.instead[path]
        routes: dict[str, Callable[[HttpRequest], HttpAnswer]] = {
            "/.well-known/openid-configuration": self._describe,
            "/jwks": lambda _: answer({"keys": [self.key.public.jwk()]}, "application/jwk-set+json"),
            "/par": self._push,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/revoke": self._revoke,
        }
        return routes[path](request)

    def count(self, path: str) -> int:
        return sum(urlsplit(request.url).path == path for request in self.seen)

    def authorize(self, address: str, **changed: str | None) -> str:
        """What stands in the query when the person has agreed."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked = self.pushed[given["request_uri"]] if "request_uri" in given else given
        answered = {"code": "the-code", "state": self.asked["state"], "iss": ISSUER} | changed
        return urlencode({name: value for name, value in answered.items() if value is not None})

    def _describe(self, _request: HttpRequest) -> HttpAnswer:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "pushed_authorization_request_endpoint": f"{ISSUER}/par",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "revocation_endpoint": f"{ISSUER}/revoke",
            "jwks_uri": f"{ISSUER}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "dpop_signing_alg_values_supported": ["ES256"],
        }
        return answer(without_none(document | self.metadata))

    def _authenticate(self, request: HttpRequest) -> None:
        form = request.form or {}
        if "Authorization" in request.headers:
            pair = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
            assert pair == "parcels:a+secret%3A+of+32%2B+characters+%26+more"
            return
        claims = jose.verify(
            form["client_assertion"],
            key_source=jose.Pinned(PublicKeySet((self.client_key.public,))),
            algorithms=("ES256",),
            typ=None,
        ).payload
        assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT_ID, CLIENT_ID, ISSUER)
        jose.check_times(claims, self.clock.now(), required=("exp", "iat"))
        exp, iat, jti = claims["exp"], claims["iat"], claims["jti"]
        assert isinstance(exp, int)
        assert isinstance(iat, int)
        assert exp - iat <= 60
        assert isinstance(jti, str)
        assert jti not in self.spent_assertions
        self.spent_assertions.add(jti)

    def _push(self, request: HttpRequest) -> HttpAnswer:
        self._authenticate(request)
        request_uri = f"urn:ietf:params:oauth:request_uri:{len(self.pushed)}"
        self.pushed[request_uri] = dict(request.form or {})
        return answer({"request_uri": request_uri, "expires_in": 90}, status=201)

    def _check_proof(self, request: HttpRequest, access_token: str | None) -> HttpAnswer | None:
        """None for a right proof, and the challenge where its nonce is not the current one."""
        proof = jose.verify(
            request.headers["DPoP"], key_source=jose.Proof(), algorithms=("ES256",), typ="dpop+jwt"
        )
        claims = proof.payload
        assert proof.header["jwk"] == proof.key.required_members
        assert proof.key.thumbprint == self.asked["dpop_jkt"]
        assert (claims["htm"], claims["htu"]) == ("POST" if request.form else "GET", request.url)
        assert claims["iat"] == int(self.clock.now().timestamp())
        jti = jose.text_claim(claims, "jti")
        assert jti not in self.spent_proofs
        self.spent_proofs.add(jti)
        digest = hashlib.sha256((access_token or "").encode()).digest()
        assert claims.get("ath") == (base64url.encode(digest) if access_token else None)
        if claims.get("nonce") == self.nonce:
            return None
        challenge = {"dpop-nonce": str(self.nonce), "www-authenticate": 'DPoP error="use_dpop_nonce"'}
        return replace(
            answer({"error": "use_dpop_nonce"}, status=401 if access_token else 400), headers=challenge
        )

    def _token(self, request: HttpRequest) -> HttpAnswer:
        self._authenticate(request)
        form = request.form or {}
        bound = "dpop_jkt" in self.asked
        if bound and (challenge := self._check_proof(request, None)):
            return challenge
        assert form["grant_type"] == "authorization_code"
        assert form["code"] == "the-code"
        assert form["redirect_uri"] == REDIRECT_URI
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64url.encode(challenge) == self.asked["code_challenge"]
        if self.token_error:
            status, members = self.token_error
            return answer(members, status=status)
        token = jose.sign(without_none(self.right_claims() | self.id_token), self.key, self.typ)
        kind = "DPoP" if bound else "Bearer"
        return answer(
            {"access_token": ACCESS_TOKEN, "token_type": kind, "id_token": token} | self.token_answer
        )

    def right_claims(self) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        return {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "auth_time": now - 5,
            "acr": "urn:netid:acr:credential+passcode",
            "nonce": self.asked.get("nonce"),
            "verified_claims": {"verification": {"trust_framework": "cn_netid_mock"}, "claims": {}},
        }

    def _userinfo(self, request: HttpRequest) -> HttpAnswer:
        bound = "dpop_jkt" in self.asked
        assert request.headers["Authorization"] == f"{'DPoP' if bound else 'Bearer'} {ACCESS_TOKEN}"
        if bound and (challenge := self._check_proof(request, ACCESS_TOKEN)):
            return challenge
        if self.revoked:
            return answer({"error": "invalid_token"}, status=401)
        claims = {"sub": self.subject} | self.userinfo
        if not self.sign_userinfo:
            return answer(without_none(claims))
        token = jose.sign(
            without_none({"iss": ISSUER, "aud": CLIENT_ID, "mock": True} | claims), self.key, None
        )
        return HttpAnswer(200, "application/jwt", token.encode())

    def _revoke(self, request: HttpRequest) -> HttpAnswer:
        self._authenticate(request)
        assert (request.form or {})["token"] == ACCESS_TOKEN
        self.revoked = True
        return HttpAnswer(200, "text/html", b"")


def answer(members: object, media_type: str = "application/json", status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, media_type, json.dumps(members).encode())


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class Party:
    """The relying party of a test, with its provider and its one browser."""

    clock: Clock
    provider: FakeProvider
    client: NetIDClient
    ambient: Ambient
    browser: str = "a browser's secret"

    def come_back(self, ask: Ask | None = None, **changed: str | None) -> str:
        """Begins, lets the person agree, and returns the query they come back with."""
        return self.provider.authorize(self.client.begin(self.browser, ask or Ask()), **changed)

    def sign_in(self, ask: Ask | None = None) -> SignedIn:
        return self.client.finish(self.browser, self.come_back(ask))

    def configured(self, **changed: object) -> "Party":
        """The same with other values in its registration."""
        registration = Registration.model_validate({**dict(self.client.registration), **changed})
        client = NetIDClient(registration, ambient=self.ambient, send=self.provider.send)
        return Party(self.clock, self.provider, client, self.ambient)


@pytest.fixture
def party() -> Party:
    """A relying party of profile fapi2."""
    clock, key = Clock(), SigningKey.generate("ES256", os.urandom)
    provider = FakeProvider(clock, key)
    registration = Registration(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        authentication=PrivateKeyJwt(key),
        dpop_key=DPoPKey(SigningKey.generate("ES256", os.urandom)),
    )
    ambient = Ambient(clock.now, os.urandom)
    return Party(clock, provider, NetIDClient(registration, ambient=ambient, send=provider.send), ambient)


@pytest.fixture
def plain_party(party: Party) -> Party:
    """One of profile oidc, with private_key_jwt and ES256 ID tokens."""
    return party.configured(profile="oidc", dpop_key=None)


@pytest.fixture
def party_with_secret(plain_party: Party) -> Party:
    """The same, with client_secret_basic."""
    return plain_party.configured(authentication=ClientSecretBasic(SECRET))
