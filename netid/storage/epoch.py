"""Whether the main database is an older copy of itself, put back; then nothing in it is live any more.

The keys database is not part of ordinary backups, so it remembers: which epoch it is, and the end of
the audit chain. A main database that does not know the one or has another of the other was restored.
"""

from datetime import datetime

from sqlalchemy import delete

from netid.storage.audit import Audit, AuditHead
from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.single_use import Kind
from netid.storage.tables import (
    access_tokens,
    applications,
    interactions,
    keys_instance,
    session_relying_parties,
    sessions,
    single_use,
)
from netid.storage.transaction import Transaction

BACKUP = "backup"
"""The epoch that a copy says it is of."""

_EPOCH, _HEAD, _RESTORED_AT = "epoch", "audit_head", "restored_at"
_FACTS = Instance()
# A `jti` that was seen stays seen.
_LIVE = (
    delete(single_use).where(single_use.c.kind != Kind.ASSERTION_JTI, single_use.c.kind != Kind.DPOP_JTI),
    *map(delete, (access_tokens, interactions, applications, session_relying_parties, sessions)),
)


class Epoch:
    """Compares the main database with what the keys database remembers of it."""

    def __init__(self, db: Database, keys_db: Database) -> None:
        self._db = db
        self._keys_db = keys_db
        self._main = _FACTS
        self._keys = Instance(keys_instance)
        self._audit = Audit()

    def settle(self, now: datetime) -> bool:
        """At a start: an older copy gets a new epoch, and what was live in it is void; whether it was one."""
        with self._keys_db.write() as keys:
            current = self._keys.settle(keys, _EPOCH, "1")
            remembered = self._keys.get(keys, _HEAD)
        with self._db.write() as tx:
            known = self._main.settle(tx, _EPOCH, current)
            if known == current and (remembered is None or self._audit.contains(tx, _head(remembered))):
                return False
            following = str(int(current) + 1)
            void(tx)
            self._main.put(tx, _EPOCH, following)
            self._main.put(tx, _RESTORED_AT, now.isoformat())
            self._audit.record(tx, "restored", at=now, details={"epoch": following})
        # Killed before this, the next start finds two epochs again and does the same once more.
        with self._keys_db.write() as keys:
            self._keys.put(keys, _EPOCH, following)
        self.remember()
        return True

    def remember(self) -> None:
        """Keep how far the audit chain has come."""
        with self._db.read() as tx:
            head = self._audit.head(tx)
        with self._keys_db.write() as keys:
            self._keys.put(keys, _HEAD, f"{head.seal}:{head.hash}" if head else "0:")

    def mark_restored(self) -> None:
        """Say that the main database is an older copy, where nothing else would show it."""
        with self._db.write() as tx:
            self._main.put(tx, _EPOCH, BACKUP)


def void(tx: Transaction) -> None:
    """Delete what is live: codes, tokens, request URIs, sessions, and whatever is under way."""
    for statement in _LIVE:
        tx.execute(statement)


def restored_at(tx: Transaction) -> datetime | None:
    """When the main database was put back last: what was used once before that is not all known."""
    written = _FACTS.get(tx, _RESTORED_AT)
    return datetime.fromisoformat(written) if written else None


def _head(remembered: str) -> AuditHead:
    seal, _colon, sha256 = remembered.partition(":")
    return AuditHead(int(seal), sha256)
