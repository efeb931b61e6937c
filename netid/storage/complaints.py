"""Complaints about relying parties: about which entry, when made and answered. The words are in the vault."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import complaints as table
from netid.storage.tables import storable
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class Complaint:
    """One complaint about what a relying party did."""

    complaint_id: str
    """Random."""
    person_id: str
    client_id: str
    receipt_id: str
    """The entry it is about."""
    made_at: datetime
    answered_at: datetime | None


_COMPLAINTS = select(*(table.c[name] for name in Complaint.__dataclass_fields__))
_ADD = insert(table).values(answered_at=None).on_conflict_do_nothing().returning(table.c.complaint_id)
_GET = _COMPLAINTS.where(table.c.complaint_id == bindparam("complaint"))
_OF_PERSON = _COMPLAINTS.where(table.c.person_id == bindparam("person")).order_by(
    table.c.made_at.desc(), table.c.complaint_id
)
_OPEN = _COMPLAINTS.where(table.c.answered_at.is_(None)).order_by(table.c.made_at, table.c.complaint_id)
_ANSWER = (
    update(table)
    .where(table.c.complaint_id == bindparam("b_complaint"), table.c.answered_at.is_(None))
    .values(answered_at=bindparam("b_at"))
)


class Complaints:
    """Everybody's complaints; one for each entry of their records."""

    def add(
        self,
        tx: Transaction,
        complaint_id: str,
        *,
        person_id: str,
        client_id: str,
        receipt_id: str,
        at: datetime,
    ) -> bool:
        """Keep that somebody complains; False when they did about that entry before."""
        names = {"complaint_id": complaint_id, "person_id": person_id, "client_id": client_id}
        return tx.execute(_ADD, names | {"receipt_id": receipt_id, "made_at": at}).first() is not None

    def get(self, tx: Transaction, complaint_id: str) -> Complaint | None:
        """The complaint of that id."""
        found = tx.execute(_GET, {"complaint": complaint_id}).first() if storable(complaint_id) else None
        return _complaint(found) if found else None

    def of_person(self, tx: Transaction, person_id: str) -> list[Complaint]:
        """Everything the person complained about, the latest first."""
        return [_complaint(row) for row in tx.execute(_OF_PERSON, {"person": person_id})]

    def unanswered(self, tx: Transaction) -> list[Complaint]:
        """Those that wait for an answer, the earliest first."""
        return [_complaint(row) for row in tx.execute(_OPEN)]

    def answer(self, tx: Transaction, complaint_id: str, at: datetime) -> bool:
        """Keep that it was answered; False when it was before."""
        return tx.execute(_ANSWER, {"b_complaint": complaint_id, "b_at": at}).rowcount == 1


def _complaint(row: Row[Any]) -> Complaint:
    return Complaint(**row._mapping)
