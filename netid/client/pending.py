"""Sign-ins that were begun and have not come back: kept on the server, bound to one browser."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from netid.client.registration import Ask

PENDING_LIFETIME = timedelta(minutes=20)
"""A little longer than the provider lets a person take."""

MOST_PENDING = 10_000
"""How many are kept in memory; the oldest go first."""


@dataclass(frozen=True)
class PendingLogin:
    """The secrets of one sign-in under way."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """The PKCE verifier (RFC 7636)."""
    ask: Ask
    begun_at: datetime


class PendingStore(Protocol):
    """Where they are kept. With several processes, this has to be something they share."""

    def put(self, browser: str, pending: PendingLogin) -> None:
        """Keeps it for this browser, whose random secret `browser` is."""

    def take(self, browser: str, state: str) -> PendingLogin | None:
        """Gives it out once, to the same browser, and not after PENDING_LIFETIME."""


class PendingInMemory:
    """For one process: memory, with expiry and a bound."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._kept: OrderedDict[bytes, PendingLogin] = OrderedDict()

    def put(self, browser: str, pending: PendingLogin) -> None:
        """As PendingStore says."""
        with self._lock:
            self._forget_expired()
            self._kept[_digest(browser, pending.state)] = pending
            if len(self._kept) > MOST_PENDING:
                self._kept.popitem(last=False)

    def take(self, browser: str, state: str) -> PendingLogin | None:
        """As PendingStore says."""
        with self._lock:
            self._forget_expired()
            return self._kept.pop(_digest(browser, state), None)

    def _forget_expired(self) -> None:
        oldest_kept = self._now() - PENDING_LIFETIME
        while self._kept and next(iter(self._kept.values())).begun_at <= oldest_kept:
            self._kept.popitem(last=False)


def _digest(browser: str, state: str) -> bytes:
    # A digest as the key: how far a guess is right cannot be read from the time a look-up takes.
    return hashlib.sha256(f"{len(browser)}:{browser}{state}".encode()).digest()
