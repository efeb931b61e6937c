"""Pairwise subjects: derived once, then stored, so that they outlive their key and their sector."""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from netid.identity.pseudonym import PairwiseSubject, derive_pairwise_subject
from netid.storage.tables import pairwise_subjects as table
from netid.storage.transaction import Transaction

_GET = select(table.c.subject).where(
    table.c.person_id == bindparam("person"),
    table.c.sector == bindparam("sector_"),
    table.c.generation == bindparam("generation_"),
)
_ADD = insert(table).on_conflict_do_nothing()


class Subjects:
    """What each legal entity knows people by. There is no way back from a subject to a person."""

    def __init__(self, key: bytes) -> None:
        """`key` is the 32 secret bytes that subjects are derived with."""
        self._key = key

    def known_as(
        self, tx: Transaction, person_id: str, sector: str, generation: int
    ) -> PairwiseSubject | None:
        """What the sector knows the person by already; None if it does not know them."""
        values = {"person": person_id, "sector_": sector, "generation_": generation}
        stored = tx.execute(_GET, values).scalar()
        return None if stored is None else PairwiseSubject(stored)

    def subject_for(self, tx: Transaction, person_id: str, sector: str, generation: int) -> PairwiseSubject:
        """What the sector knows the person by; stored when it is asked for the first time.

        The first time has to be in a writing transaction.
        """
        known = self.known_as(tx, person_id, sector, generation)
        if known is not None:
            return known
        subject = derive_pairwise_subject(self._key, sector, person_id, generation)
        values = {"person_id": person_id, "sector": sector, "generation": generation}
        tx.execute(_ADD, values | {"subject": subject.reveal()})
        return subject
