"""One provider as a relying party knows it: its metadata and keys, kept for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from netid.client.discovery import ProviderMetadata, discover, read_keys
from netid.client.messages import HttpRequest, Send
from netid.credentials import base64url, jose, strict_json
from netid.credentials.jwk import PublicKeySet

KEEP = timedelta(hours=1)
"""How long metadata and keys are used: a withdrawn key is forgotten after this at the latest."""

UNKNOWN_KEY_PAUSE = timedelta(seconds=30)
"""How often a token that names an unknown key may cause a fetch, successful or not."""


class Provider:
    """Metadata and keys, fetched when first needed; safe for all threads of one process."""

    def __init__(self, issuer: str, send: Send, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._send = send
        self._now = now
        self._lock = Lock()
        self._metadata: tuple[ProviderMetadata, datetime] | None = None
        self._keys: tuple[PublicKeySet, datetime] | None = None
        self._asked_for_keys: datetime | None = None

    def metadata(self) -> ProviderMetadata:
        """The checked metadata. Raises ProviderUnreachable or MetadataRefused."""
        with self._lock:
            return self._current_metadata()

    def _current_metadata(self) -> ProviderMetadata:
        if self._metadata is None or self._now() - self._metadata[1] >= KEEP:
            self._metadata = (discover(self.issuer, self._send), self._now())
        return self._metadata[0]

    def keys_for(self, token: str) -> PublicKeySet:
        """The keys to verify this token with; an unknown `kid` causes one fetch, then a pause.

        Raises ProviderUnreachable or MetadataRefused.
        """
        name = _unverified_kid(token)
        with self._lock:
            if self._keys is None or self._now() - self._keys[1] >= KEEP:
                self._keys = None
                return self._fetch_keys()
            keys = self._keys[0]
            if name is None or any(key.kid == name for key in keys.keys) or self._asked_lately():
                return keys
            return self._fetch_keys()

    def _asked_lately(self) -> bool:
        return self._asked_for_keys is not None and self._now() - self._asked_for_keys < UNKNOWN_KEY_PAUSE

    def _fetch_keys(self) -> PublicKeySet:
        uri = self._current_metadata().jwks_uri
        # Noted before the attempt: a provider that is down is not asked more often.
        self._asked_for_keys = self._now()
        keys = read_keys(self._send(HttpRequest(uri)))
        self._keys = (keys, self._now())
        return keys


def _unverified_kid(token: str) -> str | None:
    """Which key the token says it was signed with; the gate decides later whether that counts."""
    if len(token) > jose.MAX_BYTES:
        return None
    try:
        kid = strict_json.parse_object(base64url.decode(token.split(".")[0])).get("kid")
    except ValueError:
        return None
    return kid if isinstance(kid, str) else None
