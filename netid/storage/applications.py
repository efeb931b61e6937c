"""Enrolments under way: what somebody has entered so far, sealed so that only their browser opens it."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, delete, insert, select, update

from netid.errors import VaultDamaged
from netid.storage.tables import applications as table
from netid.storage.transaction import Transaction

_NONCE_BYTES = 12

_ADD = insert(table)
_GET = select(table.c.sealed, table.c.expires_at).where(
    table.c.digest == bindparam("digest"),
    table.c.browser_digest == bindparam("browser"),
    table.c.expires_at > bindparam("now"),
)
_HOLD = _GET.with_for_update()
_PUT = update(table).where(table.c.digest == bindparam("b_digest")).values(sealed=bindparam("b_sealed"))
_REMOVE = delete(table).where(
    table.c.digest == bindparam("digest"), table.c.browser_digest == bindparam("browser")
)
_PURGE = delete(table).where(table.c.expires_at <= bindparam("now"))


@dataclass(frozen=True, repr=False)
class Holder:
    """The two secrets that only the applicant's browser has: no copy of the databases opens a draft."""

    handle: str
    """The application's random name, as in the page's address."""
    browser: str
    """The browser's random name, as in its cookie."""

    @property
    def digest(self) -> bytes:
        """What the application is found by."""
        return hashlib.sha256(self.handle.encode()).digest()

    @property
    def browser_digest(self) -> bytes:
        """What the browser is known by."""
        return hashlib.sha256(self.browser.encode()).digest()


@dataclass(frozen=True, repr=False)
class StoredDraft:
    """A draft as it was kept."""

    text: str
    expires_at: datetime


class Applications:
    """The drafts. One is gone for good once its row is, or once its browser has lost its cookie."""

    def __init__(self, wrapping: bytes, random: Callable[[int], bytes]) -> None:
        """`wrapping` is 32 secret bytes from outside the databases."""
        self._wrapping = wrapping
        self._random = random

    def add(self, tx: Transaction, holder: Holder, text: str, expires_at: datetime) -> None:
        """Begin one."""
        values = {"digest": holder.digest, "browser_digest": holder.browser_digest}
        tx.execute(_ADD, values | {"sealed": self._seal(holder, text), "expires_at": expires_at})

    def get(self, tx: Transaction, holder: Holder, now: datetime) -> StoredDraft | None:
        """The draft; None when it is unknown, expired or another browser's. Raises VaultDamaged."""
        row = tx.execute(_GET, _names(holder) | {"now": now}).first()
        return StoredDraft(self._open(holder, row.sealed), row.expires_at) if row else None

    def hold(self, tx: Transaction, holder: Holder, now: datetime) -> StoredDraft | None:
        """Like `get`, and nobody else holds or changes it until this transaction ends."""
        row = tx.execute(_HOLD, _names(holder) | {"now": now}).first()
        return StoredDraft(self._open(holder, row.sealed), row.expires_at) if row else None

    def put(self, tx: Transaction, holder: Holder, text: str) -> None:
        """Replace the draft."""
        tx.execute(_PUT, {"b_digest": holder.digest, "b_sealed": self._seal(holder, text)})

    def remove(self, tx: Transaction, holder: Holder) -> None:
        """Delete the draft."""
        tx.execute(_REMOVE, _names(holder))

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Delete the drafts that were left lying; how many."""
        return tx.execute(_PURGE, {"now": now}).rowcount

    def _key(self, holder: Holder) -> AESGCM:
        message = b"\0".join((b"netid-application-v1", holder.handle.encode(), holder.browser.encode()))
        return AESGCM(hmac.digest(self._wrapping, message, hashlib.sha256))

    def _seal(self, holder: Holder, text: str) -> bytes:
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._key(holder).encrypt(nonce, text.encode(), holder.digest)

    def _open(self, holder: Holder, sealed: bytes) -> str:
        try:
            text = self._key(holder).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], holder.digest)
        except (InvalidTag, ValueError) as error:
            raise VaultDamaged("a draft was changed, or stands in another's place") from error
        return text.decode()


def _names(holder: Holder) -> dict[str, bytes]:
    return {"digest": holder.digest, "browser": holder.browser_digest}
