"""Receipts of consent decisions, chained per person."""

import builtins
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from netid.credentials.receipts import record_hash
from netid.errors import NotFound
from netid.identity.consent import Receipt, StoredReceipt
from netid.storage.tables import persons, storable
from netid.storage.tables import receipts as table
from netid.storage.transaction import Transaction

Build = Callable[[int, str], StoredReceipt]
"""Makes the receipt for its sequence number and the hash of the record before it."""

# PostgreSQL: whoever adds to the person's chain comes one after the other; SQLite has one writer anyway.
_LOCK_CHAIN = (
    select(persons.c.person_id)
    .where(persons.c.person_id == bindparam("person"), persons.c.status != "cancelled")
    .with_for_update(key_share=True)
)
_HEAD = (
    select(table.c.sequence, table.c.record_hash)
    .where(table.c.person_id == bindparam("person"))
    .order_by(table.c.sequence.desc())
    .limit(1)
)
_ADD = insert(table)
_STORED = select(table.c.person_id, table.c.content, table.c.record, table.c.withdrawn_at)
_GET = _STORED.where(table.c.receipt_id == bindparam("receipt"))
_LIST = _STORED.where(table.c.person_id == bindparam("person")).order_by(table.c.sequence.desc())
_LATEST_CHECK = (
    _STORED.where(
        table.c.person_id == bindparam("person"),
        table.c.client_id == bindparam("client"),
        table.c.purpose.is_(None),
    )
    .order_by(table.c.sequence.desc())
    .limit(1)
)
_CHAIN = (
    select(table.c.sequence, table.c.record, table.c.previous_hash, table.c.record_hash)
    .where(table.c.person_id == bindparam("person"))
    .order_by(table.c.sequence)
)
_WITHDRAW = (
    update(table)
    .where(table.c.receipt_id == bindparam("b_receipt"), table.c.withdrawn_at.is_(None))
    .values(withdrawn_at=bindparam("b_at"))
)


class Consents:
    """Everybody's receipts."""

    def append(self, tx: Transaction, person_id: str, build: Build) -> StoredReceipt:
        """Add what `build` makes to the person's chain; it is called once, with the chain held.

        Raises NotFound when there is no such person, or not any more.
        """
        if tx.execute(_LOCK_CHAIN, {"person": person_id}).first() is None:
            raise NotFound("no such person")
        head = tx.execute(_HEAD, {"person": person_id}).first()
        sequence, previous = (head.sequence + 1, head.record_hash) if head else (1, "")
        stored = build(sequence, previous)
        tx.execute(_ADD, _row(stored, person_id, sequence, previous))
        return stored

    def get(self, tx: Transaction, receipt_id: str) -> StoredReceipt | None:
        """The receipt of that id."""
        return _stored(tx.execute(_GET, {"receipt": receipt_id}).first()) if storable(receipt_id) else None

    def latest_check(self, tx: Transaction, person_id: str, client_id: str) -> StoredReceipt | None:
        """The person's latest decision about a check result for that relying party, whatever it was."""
        return _stored(tx.execute(_LATEST_CHECK, {"person": person_id, "client": client_id}).first())

    def list(self, tx: Transaction, person_id: str) -> builtins.list[StoredReceipt]:
        """All of a person's receipts, the latest first."""
        rows = tx.execute(_LIST, {"person": person_id}).all()
        return [stored for row in rows if (stored := _stored(row))]

    def mark_withdrawn(self, tx: Transaction, receipt_id: str, at: datetime) -> bool:
        """End a consent; False when it is unknown or was ended before."""
        return tx.execute(_WITHDRAW, {"b_receipt": receipt_id, "b_at": at}).rowcount == 1

    def first_broken(self, tx: Transaction, person_id: str) -> int | None:
        """The sequence number at which the person's chain does not hold; None when it is whole."""
        previous = ""
        for expected, row in enumerate(tx.execute(_CHAIN, {"person": person_id}), start=1):
            place = (row.sequence, row.previous_hash, row.record_hash)
            if place != (expected, previous, record_hash(row.record)):
                return expected
            previous = row.record_hash
        return None


def _row(stored: StoredReceipt, person_id: str, sequence: int, previous: str) -> dict[str, Any]:
    receipt = stored.receipt
    return {
        "receipt_id": receipt.receipt_id,
        "person_id": person_id,
        "client_id": receipt.client_id,
        "purpose": receipt.purpose,
        "action": receipt.action,
        "decided_at": receipt.decided_at,
        "expires_at": receipt.expires_at,
        "withdrawn_at": stored.withdrawn_at,
        "sequence": sequence,
        "content": receipt.model_dump_json(),
        "record": stored.record,
        "previous_hash": previous,
        "record_hash": record_hash(stored.record),
    }


def _stored(row: Row[*tuple[Any, ...]] | None) -> StoredReceipt | None:
    if row is None:
        return None
    receipt = Receipt.model_validate_json(row.content)
    return StoredReceipt(receipt, row.person_id, row.record, row.withdrawn_at)
