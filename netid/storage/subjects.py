"""Pairwise subjects: derived once, then stored, so that they outlive their key and their sector."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.identity.pseudonym import PairwiseSubject, derive_pairwise_subject, derive_session_name
from netid.storage.tables import pairwise_subjects as table
from netid.storage.transaction import Transaction

_THEIRS = (table.c.person_id == bindparam("person")) & (table.c.sector == bindparam("sector_"))
_GET = select(table.c.subject).where(_THEIRS, table.c.ended_at.is_(None))
_NEXT = select(func.coalesce(func.max(table.c.generation) + 1, 0)).where(_THEIRS)
_ADD = insert(table).values(ended_at=None).on_conflict_do_nothing()
_OF_PERSON = select(table.c.sector, table.c.subject).where(
    table.c.person_id == bindparam("person"), table.c.ended_at.is_(None)
)
_END = (
    update(table)
    .where(
        table.c.person_id == bindparam("b_person"),
        table.c.sector == bindparam("b_sector"),
        table.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("b_at"))
    .returning(table.c.subject)
)


@dataclass(frozen=True)
class KnownSubject:
    """What one legal entity knows a person by."""

    sector: str
    subject: PairwiseSubject


class Subjects:
    """What each legal entity knows people by. There is no way back from a subject to a person."""

    def __init__(self, key: bytes) -> None:
        """`key` is the 32 secret bytes that subjects are derived with."""
        self._key = key

    def known_as(self, tx: Transaction, person_id: str, sector: str) -> PairwiseSubject | None:
        """What the sector knows the person by already; None if it does not know them, or no longer."""
        stored = tx.execute(_GET, {"person": person_id, "sector_": sector}).scalar()
        return None if stored is None else PairwiseSubject(stored)

    def subject_for(self, tx: Transaction, person_id: str, sector: str) -> PairwiseSubject:
        """What the sector knows the person by; stored when it is asked for the first time.

        The first time, and the first after `end`, has to be in a writing transaction.
        """
        known = self.known_as(tx, person_id, sector)
        if known is not None:
            return known
        generation = tx.execute(_NEXT, {"person": person_id, "sector_": sector}).scalar_one()
        subject = derive_pairwise_subject(self._key, sector, person_id, generation)
        values = {"person_id": person_id, "sector": sector, "generation": generation}
        tx.execute(_ADD, values | {"subject": subject.reveal()})
        return subject

    def of_person(self, tx: Transaction, person_id: str) -> list[KnownSubject]:
        """Everything the person is known by now."""
        rows = tx.execute(_OF_PERSON, {"person": person_id})
        return [KnownSubject(row.sector, PairwiseSubject(row.subject)) for row in rows]

    def end(self, tx: Transaction, person_id: str, sector: str, at: datetime) -> PairwiseSubject | None:
        """End what the sector knows the person by, which is answered; the next one will be another.

        None when there is nothing to end, so that of any number of callers one ends it.
        """
        values = {"b_person": person_id, "b_sector": sector, "b_at": at}
        ended = tx.execute(_END, values).scalar()
        return None if ended is None else PairwiseSubject(ended)

    def session_name(self, client_id: str, session_id: str, subject: PairwiseSubject) -> str:
        """What one relying party knows a session of that subject by (`sid`)."""
        return derive_session_name(self._key, client_id, session_id, subject)
