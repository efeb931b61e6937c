"""A wallet, the provider it belongs to and a platform that asks it, in one process, without a network."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from netid.ambient import Ambient
from netid.credentials import jose, presentation_response, request_object, sd_jwt_vc
from netid.credentials.certificate_chain import write_certificate
from netid.credentials.jwk import SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Declined, Shown
from netid.credentials.request_object import Verifier
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential
from netid.identity.relying_party import Purpose
from netid.sending import HttpAnswer, HttpRequest
from netid.wallet.grants import Grants
from netid.wallet.offers import PRE_AUTHORIZED, RequestLink
from netid.wallet.presenting import Presenter
from netid.wallet.receiver import Receiver
from netid.wallet.safe import Safe
from tests.running import Clock
from tests.unit import presenting
from tests.unit.presenting import ISSUER, VCT

PLATFORM = "https://parcels.example"
TX_CODE = "493021"
ADULT: dict[str, str | bool] = {
    "name": "林示例",
    "document_number": "101000199001011234",
    "phone_number": "19000000001",
    "age_over_14": True,
    "age_over_18": True,
}


def answer(body: object, status: int = 200, **headers: str) -> HttpAnswer:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status, "application/json", json.dumps(body).encode(), named)


@dataclass
class FakeProvider:
    """An issuer that keeps to OpenID4VCI 1.0; `change` spoils one answer on purpose."""

    clock: Clock
    authority: presenting.Authority = field(default_factory=presenting.Authority)
    fields: dict[str, str | bool] = field(default_factory=lambda: dict(ADULT))
    change: dict[str, Callable[[HttpAnswer], HttpAnswer]] = field(default_factory=dict)
    seen: list[HttpRequest] = field(default_factory=list)
    codes: set[str] = field(default_factory=lambda: {"a-pre-authorized-code", "a-code"})
    lifetime: dict[str, int] = field(default_factory=lambda: {"net_credential": 2, "net_credential_long": 30})

    def offer(self, *ids: str) -> dict[str, Any]:
        return {
            "credential_issuer": ISSUER,
            "credential_configuration_ids": list(ids or ("net_credential",)),
            "grants": {
                PRE_AUTHORIZED: {
                    "pre-authorized_code": "a-pre-authorized-code",
                    "tx_code": {"input_mode": "numeric", "length": 6},
                }
            },
        }

    def answer(self, request: HttpRequest) -> HttpAnswer:
        self.seen.append(request)
        path = urlsplit(request.url).path
        given = getattr(self, "_" + path.strip("/").replace("/", "_").replace("-", "_").replace(".", ""))(
            request
        )
        return self.change.get(path, lambda plain: plain)(given)

    def _well_known_openid_credential_issuer(self, _request: HttpRequest) -> HttpAnswer:
        configuration = {"format": "dc+sd-jwt", "vct": VCT}
        return answer(
            {
                "credential_issuer": ISSUER,
                "credential_endpoint": f"{ISSUER}/credential",
                "nonce_endpoint": f"{ISSUER}/nonce",
                "notification_endpoint": f"{ISSUER}/notification",
                "batch_credential_issuance": {"batch_size": 100},
                "credential_configurations_supported": dict.fromkeys(self.lifetime, configuration),
                "trust_anchor": write_certificate(self.authority.root),
            }
        )

    def _well_known_oauth_authorization_server(self, _request: HttpRequest) -> HttpAnswer:
        return answer(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "pushed_authorization_request_endpoint": f"{ISSUER}/par",
            }
        )

    def _well_known_jwt_vc_issuer(self, _request: HttpRequest) -> HttpAnswer:
        return answer({"issuer": ISSUER, "jwks": self.authority.keys.jwks()})

    def _credential_offer_1(self, _request: HttpRequest) -> HttpAnswer:
        return answer(self.offer())

    def _par(self, request: HttpRequest) -> HttpAnswer:
        assert request.form is not None
        self.proved(request)
        self.pushed = dict(request.form)
        return answer({"request_uri": "urn:ietf:params:oauth:request_uri:1", "expires_in": 60}, 201)

    def _token(self, request: HttpRequest) -> HttpAnswer:
        if "nonce" not in self.proved(request):
            return answer({"error": "use_dpop_nonce"}, 400, dpop_nonce="a-dpop-nonce")
        assert request.form is not None
        code = request.form.get("code") or request.form["pre-authorized_code"]
        wrong = request.form["grant_type"] == PRE_AUTHORIZED and request.form.get("tx_code") != TX_CODE
        if wrong or code not in self.codes:
            return answer({"error": "invalid_grant"}, 400)
        self.codes.remove(code)
        return answer({"access_token": "a-token", "token_type": "DPoP", "expires_in": 300})

    def _nonce(self, request: HttpRequest) -> HttpAnswer:
        assert request.method == "POST"
        self.nonce = secrets.token_urlsafe()
        return answer({"c_nonce": self.nonce})

    def _credential(self, request: HttpRequest) -> HttpAnswer:
        assert request.headers["Authorization"] == "DPoP a-token"
        assert "ath" in self.proved(request)
        assert request.json is not None
        asked = json.loads(request.json)
        configuration = asked["credential_configuration_id"]
        keys = [self.holder(proof) for proof in asked["proofs"]["jwt"]]
        today = self.clock.now().date()
        copies = [
            self.authority.credential(
                key,
                fields=self.fields,
                issued_on=today,
                expires_on=today + timedelta(days=self.lifetime[configuration]),
            )
            for key in keys
        ]
        return answer({"credentials": [{"credential": copy} for copy in copies], "notification_id": "n-1"})

    def _notification(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(204, "", b"")

    def holder(self, proof: str) -> Any:
        verified = jose.verify(
            proof, key_source=jose.Proof(), algorithms=("ES256",), typ="openid4vci-proof+jwt"
        )
        assert verified.payload["aud"] == ISSUER
        assert verified.payload["nonce"] == self.nonce
        return type("Holder", (), {"public": verified.key})

    def proved(self, request: HttpRequest) -> Any:
        proof = jose.verify(
            request.headers["DPoP"], key_source=jose.Proof(), algorithms=("ES256",), typ="dpop+jwt"
        )
        assert proof.payload["htu"] == request.url
        return proof.payload


@dataclass
class FakePlatform:
    """A relying party that keeps to OpenID4VP 1.0, and what it got."""

    clock: Clock
    provider: FakeProvider
    verifier: Verifier = field(init=False)
    got: list[Shown | Declined] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    requests: int = 0
    status: int = 200

    def __post_init__(self) -> None:
        self.registers()

    def registers(self, *purposes: Purpose) -> None:
        self.verifier = self.provider.authority.verifier(*purposes, now=self.clock.now())

    def asks(self, *, by_post: bool = False, **changes: Any) -> RequestLink:
        self.requests += 1
        usual = {"response_uri": f"{PLATFORM}/answer/{self.requests}", "nonce": f"nonce-{self.requests}"}
        self.wanted, self.key = presenting.ask(**usual | changes)
        self.signed: Callable[[str | None], str] = lambda nonce: request_object.make(
            self.verifier, type(self.wanted)(**vars(self.wanted) | {"wallet_nonce": nonce}), self.clock.now()
        )
        return RequestLink(self.verifier.client_id, f"{PLATFORM}/request/{self.requests}", by_post)

    def link(self, **changes: Any) -> str:
        asked = self.asks(**changes)
        query = urlencode({"client_id": asked.client_id, "request_uri": asked.request_uri})
        return f"openid4vp://authorize?{query}"

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if "/request/" in request.url:
            nonce = request.form["wallet_nonce"] if request.form else None
            return HttpAnswer(200, "application/oauth-authz-req+jwt", self.signed(nonce).encode())
        assert request.form is not None
        self.got.append(presentation_response.read(request.form, self.key))
        self.nonces.append(self.wanted.nonce)
        body = {"redirect_uri": f"{PLATFORM}/back#response_code=c"} if self.status == 200 else {}
        return answer(body, self.status)

    def verified(self, at: int = -1) -> VerifiedCredential:
        """What was shown, checked as a relying party has to."""
        shown = self.got[at]
        assert isinstance(shown, Shown)
        challenge = Challenge(self.verifier.client_id, self.nonces[at])
        trusted = Trusted(ISSUER, VCT, self.provider.authority.keys)
        return sd_jwt_vc.verify_presentation(shown.presentation, trusted, challenge, self.clock.now())


@dataclass
class World:
    """Everything a wallet meets."""

    clock: Clock
    provider: FakeProvider
    platform: FakePlatform
    safe: Safe
    receiver: Receiver
    grants: Grants
    presenter: Presenter
    directory: Path
    sent: list[HttpRequest]

    def receives(self, *ids: str) -> int:
        self.provider.codes.add("a-pre-authorized-code")
        offer = self.receiver.offer(json.dumps(self.provider.offer(*ids)))
        return self.receiver.accept(offer, TX_CODE)

    def hosts(self) -> set[str | None]:
        return {urlsplit(request.url).hostname for request in self.sent}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    clock.stopped_at = presenting.NOW
    provider = FakeProvider(clock)
    platform = FakePlatform(clock, provider)
    ambient = Ambient(now=clock.now, random=Random(7).randbytes)
    sent: list[HttpRequest] = []

    def send(request: HttpRequest) -> HttpAnswer:
        sent.append(request)
        return (provider if request.url.startswith(ISSUER) else platform).answer(request)

    safe = Safe(tmp_path / "wallet", ambient)
    receiver = Receiver(ISSUER, "http://127.0.0.1:8200/callback", safe=safe, send=send, ambient=ambient)
    grants = Grants(safe=safe, device_key=receiver.device_key, now=clock.now)
    presenter = Presenter(ISSUER, safe=safe, grants=grants, send=send, ambient=ambient)
    yield World(clock, provider, platform, safe, receiver, grants, presenter, tmp_path / "wallet", sent)
    safe.close()


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def key() -> SigningKey:
    return presenting.key()
