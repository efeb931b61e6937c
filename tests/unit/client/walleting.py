"""A relying party that asks wallets, the provider it stands on, and an honest phone: all in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from netid.ambient import Ambient
from netid.client import (
    DPoPKey,
    PresentationRequest,
    PresentationStore,
    PrivateKeyJwt,
    Registration,
    WalletClient,
)
from netid.credentials import presentation_response, request_object, sd_jwt_vc, status_list
from netid.credentials.certificate_chain import write_certificate, x509_hash
from netid.credentials.jwk import PublicKey, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Declined, Shown
from netid.credentials.request_object import VerifiedRequest
from netid.credentials.status_list import StatusList
from netid.sending import HttpAnswer, HttpRequest
from tests.unit.presenting import ISSUER, RANDOM, Authority, certificate, key

ADDRESS = "https://parcels.example/netid/wallet"
LIST = f"{ISSUER}/status-lists/1"
START = datetime.fromisoformat("2026-11-25T12:00:00+00:00")


@dataclass
class Issuer:
    """Answers what a relying party fetches on its timer; each attribute is something a test can spoil."""

    certified: SigningKey | None = None
    """Whose key the access certificate is for, if not the one that was posted."""
    authority: Authority = field(default_factory=Authority)
    time: datetime = START
    revoked: dict[int, int] = field(default_factory=dict)
    instead: dict[str, HttpAnswer] = field(default_factory=dict)
    seen: list[HttpRequest] = field(default_factory=list)
    list_claims: dict[str, Any] = field(default_factory=dict)
    list_key: SigningKey | None = None

    def now(self) -> datetime:
        return self.time

    def forward(self, **parts: float) -> None:
        self.time += timedelta(**parts)

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.seen.append(request)
        path = urlsplit(request.url).path
        return self.instead.get(path) or self._answers(request.form or {})[path]

    def _answers(self, form: Mapping[str, str]) -> dict[str, HttpAnswer]:
        jwks = self.authority.keys.jwks()
        metadata = {"status_list_aggregation_endpoint": f"{ISSUER}/status-lists"}
        return {
            "/.well-known/jwt-vc-issuer": answer({"issuer": ISSUER, "jwks": jwks}),
            "/.well-known/openid-credential-issuer": answer(metadata),
            "/access-certificate": answer(self._access(form.get("jwk"))),
            "/status-lists": answer({"status_lists": [LIST]}),
            "/status-lists/1": HttpAnswer(200, "application/statuslist+jwt", self.status_list().encode()),
        }

    def _access(self, jwk: str | None) -> dict[str, Any]:
        if jwk is None:
            return {}
        posted = self.certified.public if self.certified else PublicKey.from_jwk(json.loads(jwk))
        leaf = certificate(posted, self.authority.root_key, now=self.time)
        statement = self.authority.statement(x509_hash(leaf), now=self.time)
        return {"certificate_chain": [write_certificate(leaf)], "registration": statement}

    def status_list(self, entries: StatusList | None = None) -> str:
        given: dict[str, Any] = {
            "uri": LIST,
            "issuer": ISSUER,
            "issued_at": self.time,
            "expires_at": self.time + timedelta(minutes=30),
            "time_to_live": timedelta(minutes=15),
        }
        signer = self.list_key or self.authority.credential_key
        made = entries or StatusList.of(2**17, 2, self.revoked)
        return status_list.sign(made, signer, **given | self.list_claims)


def answer(members: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(members).encode())


def party(issuer: Issuer, pending: PresentationStore | None = None) -> WalletClient:
    """A relying party that has fetched nothing yet."""
    registration = Registration(
        issuer=ISSUER,
        client_id="parcels",
        redirect_uri="https://parcels.example/callback",
        authentication=PrivateKeyJwt(key()),
        dpop_key=DPoPKey(key()),
    )
    ambient = Ambient(issuer.now, RANDOM)
    return WalletClient(registration, ADDRESS, ambient=ambient, pending=pending, send=issuer.send)


@dataclass
class Phone:
    """An honest wallet with one copy; `reads` and `posts` are how it reaches the relying party."""

    issuer: Issuer
    client: WalletClient
    holder: SigningKey = field(default_factory=key)
    changes: dict[str, Any] = field(default_factory=dict)
    """What its copy is issued with."""

    def copy(self) -> str:
        issued_on: date = self.issuer.time.date()
        return self.issuer.authority.credential(self.holder, **{"issued_on": issued_on} | self.changes)

    def read(self, asked: PresentationRequest) -> VerifiedRequest:
        """The request behind a link, verified as a wallet does."""
        called = {name: values[0] for name, values in parse_qs(urlsplit(asked.link()).query).items()}
        token = self.client.request_object(asked.request_id, "the-phones-nonce")
        anchors = self.issuer.authority.anchors
        return request_object.verify(
            token, called["client_id"], anchors, self.issuer.time, "the-phones-nonce"
        )

    def shown(self, request: VerifiedRequest, *names: str, **changed: Any) -> Shown:
        """What it would show of its copy: by default all that is asked for."""
        ask = request.ask
        paths = [(name,) for name in (names or sorted(ask.query.claims))]
        challenge = Challenge(changed.get("audience", request.client_id), changed.get("nonce", ask.nonce))
        signer = changed.get("signer", self.holder)
        at = changed.get("at", self.issuer.time)
        presentation = sd_jwt_vc.present(changed.get("copy") or self.copy(), paths, challenge, signer, at)
        return Shown(changed.get("query_id", ask.query.id), presentation, changed.get("state", ask.state))

    def form(self, request: VerifiedRequest, shown: Shown | Declined) -> Mapping[str, str]:
        return presentation_response.write(shown, request.ask.encryption_key)

    def present(self, asked: PresentationRequest, *names: str, **changed: Any) -> str | None:
        """Reads the request, shows what it asks for, and returns where the browser is led."""
        request = self.read(asked)
        return self.client.answer(
            asked.request_id, self.form(request, self.shown(request, *names, **changed))
        )

    def decline(self, asked: PresentationRequest) -> str | None:
        request = self.read(asked)
        declined = Declined("access_denied", request.ask.state)
        return self.client.answer(asked.request_id, self.form(request, declined))


def code_of(address: str | None) -> str:
    """The response code in the address that a wallet leads back to."""
    assert address is not None
    return parse_qs(urlsplit(address).query)["response_code"][0]
