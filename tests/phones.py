"""An honest phone: copies that a real provider issued, shown to whoever asks for them in the right way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from netid.credentials import presentation_response, request_object, sd_jwt_vc
from netid.credentials.certificate_chain import read_certificate
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Declined, Shown
from netid.credentials.request_object import Anchors, VerifiedRequest
from tests.running import Running
from tests.wallets import Wallet

Reach = Callable[[str, dict[str, str] | None], Any]
"""GET, or with a form POST, at an address of the relying party; the answer has `status`, `text`, `json`."""


@dataclass
class Phone:
    """One person's copies, and what the provider told the wallet when they came."""

    running: Running
    anchors: Anchors
    copies: list[tuple[str, SigningKey]]
    seen: list[VerifiedRequest] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        running: Running,
        persona: str = "an-adult",
        copies: int = 3,
        configuration: str = "net_credential",
        anchor: str = "",
    ) -> "Phone":
        """Receives copies by the authorization code flow; `anchor` is the root that it pins."""
        wallet = Wallet(running)
        received = wallet.receive(wallet.token(persona, scope=configuration), copies, configuration)
        jwks = requests.get(running.url("/.well-known/jwt-vc-issuer"), timeout=10).json()["jwks"]
        root = read_certificate([anchor])
        return cls(running, Anchors(running.issuer, root, PublicKeySet.from_jwks(jwks)), received)

    def read(self, link: str, reach: Reach) -> VerifiedRequest:
        """The request behind a link, fetched and verified as a wallet does it."""
        called = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
        fetched = reach(called["request_uri"], {"wallet_nonce": "a-nonce-of-the-phone"})
        assert fetched.status_code == 200, fetched.text
        now = self.running.clock.now()
        request = request_object.verify(
            fetched.text, called["client_id"], self.anchors, now, "a-nonce-of-the-phone"
        )
        self.seen.append(request)
        return request

    def show(self, request: VerifiedRequest, *names: str, keep: bool = False) -> Shown:
        """A presentation of these claims from a copy that is used up by it, unless it is kept."""
        credential, key = self.copies[0] if keep else self.copies.pop(0)
        challenge = Challenge(request.client_id, request.ask.nonce)
        paths = [(name,) for name in names]
        presentation = sd_jwt_vc.present(credential, paths, challenge, key, self.running.clock.now())
        return Shown(request.ask.query.id, presentation, request.ask.state)

    def answer(self, link: str, reach: Reach, *names: str | None, keep: bool = False) -> Any:
        """Reads and answers: with these claims, with everything that is asked for, or with a no (None)."""
        request = self.read(link, reach)
        ask = request.ask
        if names == (None,):
            form = presentation_response.write(Declined("access_denied", ask.state), ask.encryption_key)
        else:
            chosen = [name for name in names if name] or sorted(ask.query.claims)
            form = presentation_response.write(self.show(request, *chosen, keep=keep), ask.encryption_key)
        return reach(ask.response_uri, form)
