"""Presentations that were asked for: kept on the server, answered once, and given to one browser once.

What is kept is text, so that several processes can share it. What a wallet showed is kept as it came and
verified once more by whoever gives it out: nothing in a store counts as verified.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netid.ambient import Ambient
from netid.client.errors import CallbackRefused, ConfigurationRefused
from netid.client.pending import MOST_PENDING
from netid.client.presentation import PresentationAsk
from netid.credentials import base64url
from netid.credentials.certificate_chain import read_certificate, write_certificate
from netid.credentials.dcql import Query
from netid.credentials.jwk import SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import DecryptionKey
from netid.credentials.request_object import LIFETIME, Ask, Verifier


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WalletAnswer(_Kept):
    """What a wallet answered; it passed every check when it came."""

    presentation: str | None = Field(repr=False)
    """None where nothing was shown."""
    refusal: str
    """What the wallet said in place of showing something."""
    response_code: str | None = Field(repr=False)
    """`digest` of what the wallet's browser comes back with; None for a request that was scanned."""
    came_at: datetime


class PendingPresentation(_Kept):
    """One request to a wallet and, once it is answered, what came of it."""

    browser: str = Field(repr=False)
    """`digest` of the secret of the browser that it was made for."""
    asked: PresentationAsk
    response_uri: str
    nonce: str = Field(repr=False)
    state: str = Field(repr=False)
    dcql_query: dict[str, object]
    pairing_code: str | None
    certificate: str
    """As `x5c` lists it."""
    signing_key: dict[str, str] = Field(repr=False)
    """The certificate's key: a private JWK."""
    statement: str
    decryption_key: dict[str, str] | None = Field(repr=False)
    """A private JWK."""
    begun_at: datetime
    answer: WalletAnswer | None = None

    @classmethod
    def begin(
        cls,
        *,
        browser: str,
        asked: PresentationAsk,
        response_uri: str,
        query: Query,
        pairing_code: str | None,
        verifier: Verifier,
        ambient: Ambient,
    ) -> Self:
        """A fresh request, for the browser with that secret."""
        nonce, state = (base64url.encode(ambient.random(24)) for _ in range(2))
        key = DecryptionKey.generate(ambient.random) if asked.encrypted else None
        return cls(
            browser=digest(browser),
            asked=asked,
            response_uri=response_uri,
            nonce=nonce,
            state=state,
            dcql_query=query.dcql(),
            pairing_code=pairing_code,
            certificate=write_certificate(verifier.certificate),
            signing_key=verifier.key.private_jwk(),
            statement=verifier.statement,
            decryption_key=key.private.private_jwk() if key else None,
            begun_at=ambient.now(),
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """What `model_dump_json` wrote. Raises CallbackRefused for what another version of this wrote."""
        try:
            return cls.model_validate_json(text)
        except (ValidationError, ConfigurationRefused):
            raise CallbackRefused("request: what the store keeps of it has another form") from None

    @property
    def ask(self) -> Ask:
        """What stands in the request."""
        key = self.key
        return Ask(
            response_uri=self.response_uri,
            nonce=self.nonce,
            state=self.state,
            query=self.query,
            purpose=self.asked.purpose,
            encryption_key=key.public if key else None,
            pairing_code=self.pairing_code,
        )

    @property
    def query(self) -> Query:
        """What is asked to be shown."""
        return Query.parse(self.dcql_query)

    @property
    def verifier(self) -> Verifier:
        """Who asks."""
        certificate = read_certificate([self.certificate])
        return Verifier(certificate, SigningKey.from_private_jwk(self.signing_key), self.statement)

    @property
    def key(self) -> DecryptionKey | None:
        """What the answer is decrypted with."""
        return (
            DecryptionKey(SigningKey.from_private_jwk(self.decryption_key)) if self.decryption_key else None
        )

    @property
    def challenge(self) -> Challenge:
        """What the presentation is bound to: the certificate's hash is its audience."""
        return Challenge(self.verifier.client_id, self.nonce)

    def is_of(self, browser: str) -> bool:
        """Whether it was made for the browser with that secret."""
        return hmac.compare_digest(self.browser, digest(browser))

    def is_over(self, now: datetime) -> bool:
        """Whether LIFETIME is: a store may forget late, or have an old answer put back into it."""
        begun_at = min(self.begun_at, self.answer.came_at) if self.answer else self.begun_at
        return now - begun_at >= LIFETIME


class PresentationStore(Protocol):
    """Where they are kept. With several processes, this has to be something they share, and as well guarded
    as keys: private keys are in each text, and what people showed.
    """

    def put(self, request_id: str, pending: str) -> None:
        """Keeps the text until LIFETIME is over."""

    def get(self, request_id: str) -> str | None:
        """The text that is kept now."""

    def answer(self, request_id: str, answered: str) -> bool:
        """Puts that text in place of the one that was put: true the first time, and never again."""

    def take(self, request_id: str) -> bool:
        """Forgets it: true for whoever does, and for nobody else."""


class PresentationsInMemory:
    """For one process: memory, with expiry and a bound."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        """The text, and when it was put."""
        self._answered: set[str] = set()

    def put(self, request_id: str, pending: str) -> None:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            self._kept[request_id] = pending, self._now()
            if len(self._kept) > MOST_PENDING:
                self._forget_first()

    def get(self, request_id: str) -> str | None:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            kept = self._kept.get(request_id)
            return kept[0] if kept else None

    def answer(self, request_id: str, answered: str) -> bool:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            kept = self._kept.get(request_id)
            if kept is None or request_id in self._answered:
                return False
            self._kept[request_id] = answered, kept[1]
            self._answered.add(request_id)
            return True

    def take(self, request_id: str) -> bool:
        """As PresentationStore says."""
        with self._lock:
            self._forget_expired()
            self._answered.discard(request_id)
            return self._kept.pop(request_id, None) is not None

    def _forget_expired(self) -> None:
        oldest_kept = self._now() - LIFETIME
        while self._kept and next(iter(self._kept.values()))[1] <= oldest_kept:
            self._forget_first()

    def _forget_first(self) -> None:
        request_id, _kept = self._kept.popitem(last=False)
        self._answered.discard(request_id)


def digest(secret: str) -> str:
    """What is kept and compared in place of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
