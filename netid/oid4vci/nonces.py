"""Nonces for key proofs (OpenID4VCI 1.0, 7).

A nonce carries its own time and a keyed digest: whoever asks for one writes nothing, and only one
that was used is kept, by who issues.
"""

import hmac
from datetime import datetime, timedelta

from netid.ambient import Ambient
from netid.credentials import base64url, jose
from netid.credentials.keyring import Keyring
from netid.errors import InvalidNonce

NONCE_LIFETIME = timedelta(minutes=5)
_TIME, _RANDOM, _DIGEST = 8, 16, 16


class Nonces:
    """Makes nonces, and knows its own again."""

    def __init__(self, issuer: str, *, keyring: Keyring, ambient: Ambient) -> None:
        # Realms share a keyring, and one's nonce is none of another's.
        self._key = hmac.digest(keyring.browser.reveal(), f"netid-c-nonce-v1 {issuer}".encode(), "sha256")
        self._ambient = ambient

    def make(self) -> str:
        """A fresh nonce."""
        seconds = int(self._ambient.now().timestamp())
        said = seconds.to_bytes(_TIME) + self._ambient.random(_RANDOM)
        return base64url.encode(said + self._digest(said))

    def check(self, nonce: str, now: datetime) -> datetime:
        """Until when it counts. Raises InvalidNonce."""
        try:
            decoded = base64url.decode(nonce)
        except ValueError as error:
            raise InvalidNonce from error
        said, digest = decoded[:-_DIGEST], decoded[-_DIGEST:]
        if len(said) != _TIME + _RANDOM or not hmac.compare_digest(digest, self._digest(said)):
            raise InvalidNonce
        age = timedelta(seconds=now.timestamp() - int.from_bytes(said[:_TIME]))
        if not -jose.SKEW <= age <= NONCE_LIFETIME:
            raise InvalidNonce
        return now - age + NONCE_LIFETIME

    def _digest(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")[:_DIGEST]
