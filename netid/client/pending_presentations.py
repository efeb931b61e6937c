"""Presentations that were asked for: kept on the server, answered once, and given to one browser once."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Protocol

from netid.client.errors import ClientError
from netid.client.pending import MOST_PENDING
from netid.client.presentation import PresentationAsk, VerifiedPresentation
from netid.credentials.presentation_response import DecryptionKey
from netid.credentials.request_object import LIFETIME, Ask, Verifier

Outcome = VerifiedPresentation | ClientError
"""What came of it: what was shown, or why nothing was."""


@dataclass(frozen=True)
class PendingPresentation:
    """One request to a wallet and, once it is answered, what came of it."""

    request_id: str
    """What stands in the addresses that the wallet asks and answers at."""
    browser: bytes = field(repr=False)
    """`digest` of the secret of the browser that it was made for."""
    asked: PresentationAsk
    ask: Ask
    """What stands in the request."""
    verifier: Verifier
    """Who asks: the certificate's hash is the presentation's audience."""
    key: DecryptionKey | None = field(repr=False)
    begun_at: datetime
    outcome: Outcome | None = None
    response_code: bytes | None = field(default=None, repr=False)
    """`digest` of what the wallet's browser comes back with; None for a request that was scanned."""


class PresentationStore(Protocol):
    """Where they are kept; private keys are part of it. `answer` and `take` each succeed once."""

    def put(self, pending: PendingPresentation) -> None:
        """Keeps it until LIFETIME is over."""

    def get(self, request_id: str) -> PendingPresentation | None:
        """The request, answered or not."""

    def answer(self, request_id: str, outcome: Outcome, response_code: bytes | None) -> bool:
        """Notes what came of it: true for the first answer, and for no other."""

    def take(self, request_id: str, browser: bytes, response_code: bytes | None) -> Outcome | None:
        """Gives the outcome out once, to the browser it was made for, with the code it was answered with."""


class PresentationsInMemory:
    """For one process: memory, with expiry and a bound."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._kept: OrderedDict[str, PendingPresentation] = OrderedDict()

    def put(self, pending: PendingPresentation) -> None:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            self._kept[pending.request_id] = pending
            if len(self._kept) > MOST_PENDING:
                self._kept.popitem(last=False)

    def get(self, request_id: str) -> PendingPresentation | None:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            return self._kept.get(request_id)

    def answer(self, request_id: str, outcome: Outcome, response_code: bytes | None) -> bool:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            pending = self._kept.get(request_id)
            if pending is None or pending.outcome is not None:
                return False
            self._kept[request_id] = replace(pending, outcome=outcome, response_code=response_code)
            return True

    def take(self, request_id: str, browser: bytes, response_code: bytes | None) -> Outcome | None:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            pending = self._kept.get(request_id)
            if pending is None or pending.outcome is None or not _fits(pending, browser, response_code):
                return None
            del self._kept[request_id]
            return pending.outcome

    def _forget_expired(self) -> None:
        oldest_kept = self._now() - LIFETIME
        while self._kept and next(iter(self._kept.values())).begun_at <= oldest_kept:
            self._kept.popitem(last=False)


def digest(secret: str) -> bytes:
    """What is kept and compared in place of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _fits(pending: PendingPresentation, browser: bytes, response_code: bytes | None) -> bool:
    same_browser = hmac.compare_digest(pending.browser, browser)
    if pending.response_code is None or response_code is None:
        return same_browser and pending.response_code is response_code
    return hmac.compare_digest(pending.response_code, response_code) and same_browser
