"""One provider as a relying party knows it: its metadata and keys, kept for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from netid.client.discovery import ProviderMetadata, discover, read_keys
from netid.client.errors import ClientError
from netid.client.messages import HttpRequest, Send
from netid.credentials import base64url, jose, strict_json
from netid.credentials.jwk import PublicKeySet

T = TypeVar("T")

KEEP = timedelta(hours=1)
"""How long metadata and keys are used: a withdrawn key is forgotten after this at the latest."""

UNKNOWN_KEY_PAUSE = timedelta(seconds=30)
"""How often a token that names an unknown key may cause a fetch, successful or not."""


class Provider:
    """Metadata and keys, fetched when first needed; safe for all threads of one process."""

    def __init__(self, issuer: str, send: Send, now: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._send = send
        self._metadata = _Kept(lambda: discover(issuer, send), now)
        self._keys = _Kept(self._fetched_keys, now)

    def metadata(self) -> ProviderMetadata:
        """The checked metadata. Raises ProviderUnreachable or MetadataRefused."""
        return self._metadata.get()

    def keys_for(self, token: str) -> PublicKeySet:
        """The keys to verify this token with; an unknown `kid` causes one fetch, then a pause.

        Raises ProviderUnreachable or MetadataRefused.
        """
        name = _unverified_kid(token)
        return self._keys.get(
            lambda keys: name is None or any(key.kid == name for key in keys.keys), UNKNOWN_KEY_PAUSE
        )

    def _fetched_keys(self) -> PublicKeySet:
        return read_keys(self._send(HttpRequest(self.metadata().jwks_uri)))


class _Kept(Generic[T]):
    """What was fetched last, for as long as KEEP.

    Whoever comes while it is being fetched waits, and shares what comes of that: of a provider that is
    silent each of them would else find out anew, one after the other.
    """

    def __init__(self, fetch: Callable[[], T], now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = Lock()
        self._value: tuple[T, datetime] | None = None
        self._failure: tuple[type[ClientError], str] | None = None
        """Why the last fetch failed, if it did."""
        self._fetches = 0
        """How many have ended."""
        self._ended_at: datetime | None = None

    def get(self, serves: Callable[[T], bool] = lambda _: True, pause: timedelta = timedelta()) -> T:
        """The value; fetched anew where it is old, or where it does not serve and no fetch was made within
        the pause. Raises as the fetch does, also within a pause after one that failed.
        """
        fetches, now = self._fetches, self._now()
        value = self._current(now)
        if value is not None and serves(value):
            return value
        with self._lock:
            paused = value is not None and self._ended_at is not None and now - self._ended_at < pause
            if fetches == self._fetches and not paused:
                return self._fetched()
            if self._failure is not None:
                kind, detail = self._failure
                raise kind(detail)
            # After a fetch that ended in no error of ours there may be nothing else than what is old.
            value = self._current(now)
            return value if value is not None else self._fetched()

    def _current(self, now: datetime) -> T | None:
        return self._value[0] if self._value and now - self._value[1] < KEEP else None

    def _fetched(self) -> T:
        try:
            value = self._fetch()
        except ClientError as error:
            self._failure = type(error), error.detail
            raise
        finally:
            self._fetches += 1
            self._ended_at = self._now()
        self._value, self._failure = (value, self._ended_at), None
        return value


def _unverified_kid(token: str) -> str | None:
    """Which key the token says it was signed with; the gate decides later whether that counts."""
    if len(token) > jose.MAX_BYTES:
        return None
    try:
        kid = strict_json.parse_object(base64url.decode(token.split(".")[0])).get("kid")
    except ValueError:
        return None
    return kid if isinstance(kid, str) else None
