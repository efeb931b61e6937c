"""The guardian's permissions that a child's wallet holds."""

from collections.abc import Callable, Iterator
from datetime import datetime

from netid.credentials import guardian_grant
from netid.credentials.guardian_grant import Grant
from netid.credentials.jwk import SigningKey
from netid.errors import TokenRefused
from netid.identity.relying_party import Purpose
from netid.wallet.errors import GrantRefused
from netid.wallet.provider import read_anchors
from netid.wallet.safe import Safe

MOST = 50
"""How many are kept; the oldest makes room."""


class Grants:
    """What guardians allow this wallet to do."""

    def __init__(
        self, *, safe: Safe, device_key: Callable[[], SigningKey], now: Callable[[], datetime]
    ) -> None:
        self._safe = safe
        self._device_key = device_key
        self._now = now

    def add(self, token: str) -> Grant:
        """Keeps a permission made out to this wallet. Raises GrantRefused."""
        try:
            grant = self._verified(token.strip())
        except TokenRefused as error:
            raise GrantRefused(error.detail) from error
        self._safe.keep("grants", {"tokens": [*self._tokens(), token.strip()][-MOST:]})
        return grant

    def delete(self, client_id: str, purpose_id: str | None) -> None:
        """Deletes every permission for this purpose of this relying party, and those that no longer count."""
        kept = [token for token, grant in self._readable() if not _is_for(grant, client_id, purpose_id)]
        self._safe.keep("grants", {"tokens": kept})

    def held(self) -> list[Grant]:
        """Those that count now."""
        return [grant for _token, grant in self._readable()]

    def allow(self, client_id: str, purpose: Purpose | None) -> bool:
        """Whether a guardian agreed to this purpose of this relying party, as it is worded now."""
        return any(grant.allows(client_id, purpose) for grant in self.held())

    def _readable(self) -> Iterator[tuple[str, Grant]]:
        for token in self._tokens():
            try:
                yield token, self._verified(token)
            except TokenRefused:
                continue

    def _verified(self, token: str) -> Grant:
        kept = self._safe.kept("anchors")
        if kept is None:
            raise TokenRefused("the wallet is empty")
        anchors = read_anchors(kept)
        grant = guardian_grant.verify(token, anchors.issuer, anchors.keys, self._now())
        if grant.wallet_key != self._device_key().public.thumbprint:
            raise TokenRefused("it is made out to another wallet")
        return grant

    def _tokens(self) -> list[str]:
        match self._safe.kept("grants"):
            case {"tokens": [*tokens]}:
                return [token for token in tokens if isinstance(token, str)]
        return []


def _is_for(grant: Grant, client_id: str, purpose_id: str | None) -> bool:
    return grant.client_id == client_id and (grant.purpose.id if grant.purpose else None) == purpose_id
