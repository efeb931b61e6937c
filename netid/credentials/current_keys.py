"""The signing keys by the clock: which one signs now, and which are published now."""

from collections.abc import Callable
from datetime import datetime

from netid.credentials.jwk import Algorithm, PublicKeySet, SigningKey
from netid.credentials.keyring import Keyring, KeyUse


class CurrentKeys:
    """What everything that signs or publishes takes its keys from; it keeps none of them."""

    def __init__(self, latest: Callable[[], Keyring], now: Callable[[], datetime]) -> None:
        """`latest` gives the keyring as it stands: a rotation is seen without a restart."""
        self._latest = latest
        self._now = now

    def id_token_key(self, algorithm: Algorithm) -> SigningKey:
        """The key that signs ID tokens with this algorithm now."""
        return self._latest().id_token_key(algorithm, self._now())

    def receipt_key(self) -> SigningKey:
        """The key that signs receipts now."""
        return self._latest().receipt_key(self._now())

    def credential_key(self) -> SigningKey:
        """The key that signs net credentials now."""
        return self._latest().credential_key(self._now())

    def public_keys(self, use: KeyUse) -> PublicKeySet:
        """The keys that verify what keys of this use have signed, however long ago."""
        return self._latest().public_keys(use)

    def jwks(self, *uses: KeyUse) -> dict[str, list[dict[str, str]]]:
        """What is published now for these uses, public members only."""
        return self._latest().jwks(self._now(), *uses)
