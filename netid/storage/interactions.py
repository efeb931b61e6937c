"""Sign-ins under way, each bound to the browser that began it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from netid.storage.tables import interactions as table
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class StoredInteraction:
    """One sign-in under way."""

    digest: bytes
    """SHA-256 of its random name."""
    browser_digest: bytes
    """SHA-256 of the browser's random name."""
    request: str
    """What the relying party asked, as JSON text."""
    state: str
    """How far the person has come, as JSON text."""
    expires_at: datetime


_COLUMNS = [table.c[name] for name in StoredInteraction.__dataclass_fields__]
_ADD = insert(table).values(finished_at=None)
_GET = select(*_COLUMNS).where(
    table.c.digest == bindparam("digest"),
    table.c.browser_digest == bindparam("browser"),
    table.c.expires_at > bindparam("now"),
    table.c.finished_at.is_(None),
)
_HOLD = _GET.with_for_update()
_ENDED = select(table.c.digest).where(
    table.c.digest == bindparam("digest"),
    table.c.browser_digest == bindparam("browser"),
    table.c.finished_at.is_not(None),
)
_OPEN = update(table).where(table.c.digest == bindparam("b_digest"), table.c.finished_at.is_(None))
_UPDATE = _OPEN.values(state=bindparam("b_state"))
_FINISH = _OPEN.values(finished_at=bindparam("b_now"))
_PURGE = delete(table).where(table.c.expires_at < bindparam("now"))


class Interactions:
    """The sign-ins that are under way."""

    def add(
        self,
        tx: Transaction,
        *,
        digest: bytes,
        browser_digest: bytes,
        request: str,
        state: str,
        expires_at: datetime,
    ) -> None:
        """Begin one; the parts are those of `StoredInteraction`."""
        begun = StoredInteraction(digest, browser_digest, request, state, expires_at)
        tx.execute(_ADD, begun.__dict__)

    def get(
        self, tx: Transaction, digest: bytes, browser_digest: bytes, now: datetime
    ) -> StoredInteraction | None:
        """The sign-in; None when it is unknown, expired, finished or another browser's."""
        row = tx.execute(_GET, {"digest": digest, "browser": browser_digest, "now": now}).first()
        return StoredInteraction(*row) if row else None

    def hold(
        self, tx: Transaction, digest: bytes, browser_digest: bytes, now: datetime
    ) -> StoredInteraction | None:
        """Like `get`, and nobody else holds or changes it until this transaction ends."""
        row = tx.execute(_HOLD, {"digest": digest, "browser": browser_digest, "now": now}).first()
        return StoredInteraction(*row) if row else None

    def has_ended(self, tx: Transaction, digest: bytes, browser_digest: bytes) -> bool:
        """Whether this browser's sign-in of that name was finished, rather than never begun or expired."""
        return tx.execute(_ENDED, {"digest": digest, "browser": browser_digest}).first() is not None

    def update(self, tx: Transaction, digest: bytes, state: str) -> bool:
        """Keep how far it has come (JSON text); False when it is finished."""
        return tx.execute(_UPDATE, {"b_digest": digest, "b_state": state}).rowcount == 1

    def finish(self, tx: Transaction, digest: bytes, now: datetime) -> bool:
        """End it; False when it was finished before, so that one of any number of callers wins."""
        return tx.execute(_FINISH, {"b_digest": digest, "b_now": now}).rowcount == 1

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget expired ones; how many."""
        return tx.execute(_PURGE, {"now": now}).rowcount
