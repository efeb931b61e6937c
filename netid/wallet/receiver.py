"""Gets copies from the provider, by an offer or by a sign-in, and puts them into the safe."""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlencode

from netid.ambient import Ambient
from netid.credentials import base64url
from netid.credentials.jwk import SigningKey
from netid.dpop import DPoP
from netid.errors import Unreachable
from netid.identity.own_wallet import LONG, SHORT
from netid.identity.relying_party import WALLET_CLIENT_ID
from netid.sending import HttpRequest, Send
from netid.wallet import provider as providers
from netid.wallet import receiving
from netid.wallet.errors import IssuerRefused, OfferRefused
from netid.wallet.offers import Offer, read_offer
from netid.wallet.provider import Provider
from netid.wallet.receiving import AccessToken
from netid.wallet.safe import Safe

COPIES = {SHORT: 10, LONG: 3}
"""How many of each are asked for at once."""


@dataclass(frozen=True)
class PendingSignIn:
    """A sign-in at the provider that is under way in this person's browser."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    provider: Provider


class Receiver:
    """Receives copies; the wallet's own key proves each request (RFC 9449)."""

    def __init__(self, issuer: str, redirect_uri: str, *, safe: Safe, send: Send, ambient: Ambient) -> None:
        """`redirect_uri` is where the provider sends the person back to."""
        self._issuer = issuer
        self._redirect_uri = redirect_uri
        self._safe = safe
        self._send = send
        self._ambient = ambient

    def offer(self, text: str) -> Offer:
        """The offer in a link or a text. Raises OfferRefused, Unreachable."""
        return read_offer(text, self._issuer, self._send)

    def accept(self, offer: Offer, tx_code: str | None) -> int:
        """How many copies came by a pre-authorized code. Raises WalletError, Unreachable."""
        grant = offer.pre_authorized
        if grant is None:
            raise OfferRefused("it asks for a sign-in")
        provider = providers.ask(self._issuer, self._send)
        dpop = DPoP(self.device_key(), self._send, self._ambient)
        code = tx_code if grant.tx_code else None
        answer = dpop.send(lambda: receiving.by_offer(provider, grant.code, code))
        token = receiving.read_token(answer, with_code=code is not None)
        return self._receive(provider, dpop, token, offer.credential_configuration_ids)

    def begin(self, issuer_state: str | None = None) -> tuple[str, PendingSignIn]:
        """Where to send the person to sign in at the provider (RFC 9126, RFC 7636; 5.1.2, 5.1.3)."""
        provider = providers.ask(self._issuer, self._send)
        state, verifier = (base64url.encode(self._ambient.random(32)) for _ in range(2))
        form = {
            "response_type": "code",
            "client_id": WALLET_CLIENT_ID,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(COPIES),
            "state": state,
            "code_challenge": base64url.encode(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "dpop_jkt": self.device_key().public.thumbprint,
            **({"issuer_state": issuer_state} if issuer_state else {}),
        }
        dpop = DPoP(self.device_key(), self._send, self._ambient)
        endpoint = provider.server.pushed_authorization_request_endpoint
        pushed = providers.json_object(dpop.send(lambda: HttpRequest(endpoint, form=form)), 201)
        request_uri = pushed.get("request_uri")
        if not isinstance(request_uri, str):
            raise IssuerRefused("the pushed request was not taken")
        query = urlencode({"client_id": WALLET_CLIENT_ID, "request_uri": request_uri})
        return f"{provider.server.authorization_endpoint}?{query}", PendingSignIn(state, verifier, provider)

    def finish(self, pending: PendingSignIn, code: str, iss: str) -> int:
        """How many copies came after the sign-in. Raises WalletError, Unreachable."""
        if not hmac.compare_digest(iss.encode(), self._issuer.encode()):
            raise IssuerRefused("the answer is another provider's")  # RFC 9207, 2.4
        provider = pending.provider
        dpop = DPoP(self.device_key(), self._send, self._ambient)
        answer = dpop.send(lambda: receiving.by_sign_in(provider, code, pending.verifier, self._redirect_uri))
        return self._receive(provider, dpop, receiving.read_token(answer, with_code=False), tuple(COPIES))

    def device_key(self) -> SigningKey:
        """The wallet's own key, which guardians' grants name too; made when it is first needed."""
        kept = self._safe.kept("device")
        if kept is not None:
            return SigningKey.from_private_jwk(kept)
        key = SigningKey.generate("ES256", self._ambient.random)
        self._safe.keep("device", dict(key.private_jwk()))
        return key

    def _receive(
        self, provider: Provider, dpop: DPoP, token: AccessToken, configurations: tuple[str, ...]
    ) -> int:
        """Asks for each kind in turn, and keeps what came as soon as it was verified."""
        wanted = [name for name in COPIES if name in configurations]
        if not wanted:
            raise OfferRefused("it offers nothing that this wallet keeps")
        count = 0
        for configuration in wanted:
            provider.configuration(configuration)
            size = min(COPIES[configuration], provider.issuer.batch_size)
            count += self._receive_batch(provider, dpop, token, configuration, size)
        self._safe.write("received", {"copies": count})
        return count

    def _receive_batch(
        self, provider: Provider, dpop: DPoP, token: AccessToken, configuration: str, size: int
    ) -> int:
        keys = receiving.new_keys(size, self._ambient.random)
        nonce = receiving.read_nonce(self._send(HttpRequest(provider.issuer.nonce_endpoint, form={})))
        answer = dpop.send(
            lambda: receiving.credential_request(
                provider, configuration, keys, token, nonce, self._ambient.now()
            ),
            token.value,
        )
        received = receiving.read_credentials(answer, provider, configuration, keys, self._ambient.now())
        # The latest keys and root belong to these copies.
        self._safe.keep("anchors", providers.write_anchors(provider.anchors))
        self._safe.put(received.copies)
        self._tell(provider, dpop, token, received)
        return len(received.copies)

    def _tell(self, provider: Provider, dpop: DPoP, token: AccessToken, received: receiving.Received) -> None:
        """Best effort: the copies are kept, whatever becomes of the notice (11)."""
        notice = receiving.notification(provider, token, received)
        if notice is None:
            return
        try:
            dpop.send(lambda: notice, token.value)
        except Unreachable:
            return
