"""What happened, append-only; sealed each second so that a change shows.

Events are written with the transaction they belong to and do not wait for one another. A sealer
chains them by hash afterwards; the few that it has not reached yet are reported as unsealed.
"""

import hashlib
import json
import logging
import sqlite3
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, bindparam, func, insert, select, text, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from netid.ambient import Ambient
from netid.errors import StorageBusy
from netid.storage.database import Database
from netid.storage.tables import audit_events as events
from netid.storage.tables import audit_seals as seals
from netid.storage.tables import to_epoch_ms
from netid.storage.transaction import Transaction

_LOG = logging.getLogger(__name__)
_SEAL_AT_MOST = 5000
_SEALS_AT_ONCE = 100
_BEFORE_ALL = -(2**63)
_LEAF = struct.Struct(">q32s")
_NO_SEAL = bytes(32)

_ADD = insert(events)
_EVENTS = (
    select(
        events.c.sequence,
        type_coerce(events.c.at, BigInteger).label("at"),
        *(events.c[name] for name in ("kind", "person_id", "client_id", "receipt_id", "details")),
    )
    .where(events.c.sequence >= bindparam("first"), events.c.sequence <= bindparam("last"))
    .order_by(events.c.sequence)
    .limit(bindparam("most"))
)
_LAST_EVENT = select(func.coalesce(func.max(events.c.sequence), 0))
_SEAL = select(seals.c.hash).where(seals.c.sequence == bindparam("seal"))
_LAST_SEAL = select(seals.c.sequence, seals.c.last, seals.c.hash).order_by(seals.c.sequence.desc()).limit(1)
_SEALS = (
    select(seals)
    .where(seals.c.sequence > bindparam("after"))
    .order_by(seals.c.sequence)
    .limit(_SEALS_AT_ONCE)
)
_ADD_SEAL = insert(seals)
_OF_PERSON = (
    select(events).where(events.c.person_id == bindparam("person")).order_by(events.c.sequence.desc())
)
_COUNTS = select(events.c.kind, func.count().label("number")).group_by(events.c.kind)
_UNSEALED = select(func.count()).select_from(events).where(events.c.sequence > bindparam("sealed_to"))

_ONE_SEALER = text("LOCK TABLE audit_seals IN EXCLUSIVE MODE")
_SAVEPOINT = text("SAVEPOINT horizon")
_BACK_TO_SAVEPOINT = text("ROLLBACK TO SAVEPOINT horizon")
_BRIEFLY = text("SET LOCAL lock_timeout = '250ms'")
_NO_WRITER = text("LOCK TABLE audit_events IN SHARE MODE")


@dataclass(frozen=True)
class AuditEvent:
    """One thing that happened."""

    sequence: int
    at: datetime
    kind: str
    person_id: str | None
    client_id: str | None
    receipt_id: str | None
    details: Mapping[str, str]


@dataclass(frozen=True)
class AuditHead:
    """The chain's end at some time; who keeps it elsewhere can show that the chain was rolled back."""

    seal: int
    """The seal's number."""
    hash: str
    """The seal's hash, in hex."""


@dataclass(frozen=True)
class AuditState:
    """What a verification found."""

    first_bad_row: int | None
    """The first event that was changed, removed or slipped in, by its sequence number."""
    sealed_to: int
    """The last event under a seal."""
    unsealed: int
    """How many events wait for the next seal."""
    head: AuditHead | None
    """The chain's end, to be kept elsewhere."""


class Audit:
    """The provider's log of what it did and for whom. No field values."""

    def record(
        self,
        tx: Transaction,
        kind: str,
        *,
        at: datetime,
        person_id: str | None = None,
        client_id: str | None = None,
        receipt_id: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Add an event to the caller's transaction; if it cannot be written, neither can the rest.

        `details` name circumstances, never the value of a field.
        """
        values = {"at": at, "kind": kind, "person_id": person_id, "client_id": client_id}
        written = json.dumps(details or {}, sort_keys=True, separators=(",", ":"))
        tx.execute(_ADD, values | {"receipt_id": receipt_id, "details": written})

    def of_person(self, tx: Transaction, person_id: str) -> list[AuditEvent]:
        """What concerns a person, the latest first: their own to read (PIPL 48)."""
        rows = tx.execute(_OF_PERSON, {"person": person_id})
        return [AuditEvent(**{**row._mapping, "details": json.loads(row.details)}) for row in rows]

    def counts(self, tx: Transaction) -> dict[str, int]:
        """How many events of each kind there are."""
        return {str(row.kind): int(row.number) for row in tx.execute(_COUNTS)}

    def head(self, tx: Transaction) -> AuditHead | None:
        """The chain's end, to be kept elsewhere; None before the first seal."""
        last = tx.execute(_LAST_SEAL).first()
        return AuditHead(last.sequence, last.hash.hex()) if last else None

    def contains(self, tx: Transaction, head: AuditHead) -> bool:
        """Whether that was the chain's end at some time; before the first seal it was `AuditHead(0, "")`."""
        found = tx.execute(_SEAL, {"seal": head.seal}).first()
        return head == AuditHead(0, "") if found is None else found.hash.hex() == head.hash

    def verify(self, tx: Transaction, head: AuditHead | None = None) -> AuditState:
        """Recompute the chain, and find the first event at which it does not hold.

        Given a `head` that was kept elsewhere, a chain that no longer contains it is bad too.
        """
        walk = _Walk(head)
        for seal in _seals(tx):
            walk.step(seal, _digests(tx, walk.sealed_to + 1, seal.last))
        unsealed = tx.execute(_UNSEALED, {"sealed_to": walk.sealed_to}).scalar_one()
        return AuditState(walk.verdict(), walk.sealed_to, unsealed, walk.end)


class _Walk:
    """One pass along the seals."""

    def __init__(self, head: AuditHead | None) -> None:
        self.sealed_to = 0
        self.end: AuditHead | None = None
        self._previous = _NO_SEAL
        self._bad: int | None = None
        self._awaited = head

    def step(self, seal: Row[Any], found: dict[int, bytes]) -> None:
        sealed = _leaves(seal.rows)
        wrong = {n for n in sealed.keys() | found.keys() if sealed.get(n) != found.get(n)}
        if wrong:
            self._note(min(wrong))
        spanned = bool(sealed) and (seal.first, seal.last) == (min(sealed), max(sealed))
        if not spanned or seal.hash != _seal_hash(self._previous, to_epoch_ms(seal.at), seal.rows):
            self._note(self.sealed_to + 1)
        self._previous, self.sealed_to = seal.hash, max(seal.last, self.sealed_to)
        self.end = AuditHead(seal.sequence, seal.hash.hex())
        if self._awaited is not None and self.end == self._awaited:
            self._awaited = None

    def verdict(self) -> int | None:
        if self._awaited is not None:
            self._note(self.sealed_to + 1)
        return self._bad

    def _note(self, sequence: int) -> None:
        self._bad = sequence if self._bad is None else min(self._bad, sequence)


class Sealer:
    """Chains new events by hash, each second, in a thread of its own."""

    def __init__(self, db: Database, ambient: Ambient, interval_seconds: float = 1.0) -> None:
        self._db = db
        self._ambient = ambient
        self._interval = interval_seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin sealing."""
        self._thread = threading.Thread(target=self._run, name="audit-sealer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Seal what is left and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def seal_once(self) -> int:
        """Put one seal on what is complete and not sealed yet; how many events it covers."""
        with self._db.read() as tx:
            if _sealed(tx)[0] == tx.execute(_LAST_EVENT).scalar_one():
                return 0
        with self._db.write() as tx:
            horizon = _horizon(tx)
            sealed_to, previous = _sealed(tx)
            found = _digests(tx, sealed_to + 1, horizon, _SEAL_AT_MOST)
            if not found:
                return 0
            rows = b"".join(_LEAF.pack(*leaf) for leaf in found.items())
            at = self._ambient.now()
            seal = {"first": min(found), "last": max(found), "rows": rows, "at": at}
            tx.execute(_ADD_SEAL, seal | {"hash": _seal_hash(previous, to_epoch_ms(at), rows)})
            return len(found)

    def _run(self) -> None:
        while True:
            stopping = self._stopping.wait(self._interval)
            try:
                while self.seal_once() == _SEAL_AT_MOST:
                    pass
            except StorageBusy as busy:
                _LOG.warning("audit not sealed now: %s", busy.detail)
            except (SQLAlchemyError, sqlite3.Error) as fault:
                # The next round tries again; what is not sealed is reported as such.
                _LOG.error("audit not sealed: %s", type(fault).__name__)
            if stopping:
                return


def _sealed(tx: Transaction) -> tuple[int, bytes]:
    last = tx.execute(_LAST_SEAL).first()
    return (last.last, last.hash) if last else (0, _NO_SEAL)


def _horizon(tx: Transaction) -> int:
    """The event up to which nobody is writing any more.

    PostgreSQL numbers rows before their transactions commit, so a lower number may turn up later.
    While no transaction that has written an event is open, none can; the lock that says so is let
    go at once, with the savepoint.
    """
    if tx.dialect.name != "postgresql":
        return int(tx.execute(_LAST_EVENT).scalar_one())
    tx.execute(_ONE_SEALER)
    tx.execute(_SAVEPOINT)
    tx.execute(_BRIEFLY)
    tx.execute(_NO_WRITER)
    horizon = int(tx.execute(_LAST_EVENT).scalar_one())
    tx.execute(_BACK_TO_SAVEPOINT)
    return horizon


def _seals(tx: Transaction) -> Iterator[Any]:
    # Some at a time: a seal names each of its events, and a year of them does not fit into memory.
    after = _BEFORE_ALL
    while found := tx.execute(_SEALS, {"after": after}).all():
        yield from found
        after = found[-1].sequence


def _digests(tx: Transaction, first: int, last: int, most: int = -1) -> dict[int, bytes]:
    bounds = {"first": first, "last": last, "most": max(0, last - first + 1) if most < 0 else most}
    return dict(_leaf(row) for row in tx.execute(_EVENTS, bounds))


def _leaf(row: Row[Any]) -> tuple[int, bytes]:
    return row.sequence, hashlib.sha256(json.dumps(list(row), separators=(",", ":")).encode()).digest()


def _leaves(rows: bytes) -> dict[int, bytes]:
    # A length that no seal has was tampered with, and then its hash does not hold either.
    return dict(_LEAF.iter_unpack(rows)) if len(rows) % _LEAF.size == 0 else {}


def _seal_hash(previous: bytes, at: int, rows: bytes) -> bytes:
    return hashlib.sha256(previous + at.to_bytes(8, "big") + rows).digest()
