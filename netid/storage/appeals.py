"""Appeals against a suspension: when one was made and answered. Its words are in the vault."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import appeals as table
from netid.storage.tables import storable
from netid.storage.transaction import Transaction


class AppealOutcome(StrEnum):
    """What became of an appeal."""

    LIFTED = "lifted"
    UPHELD = "upheld"


@dataclass(frozen=True)
class Appeal:
    """One appeal."""

    appeal_id: str
    """Random."""
    person_id: str
    suspended_at: datetime
    """The beginning of the suspension it is against."""
    made_at: datetime
    answered_at: datetime | None
    outcome: AppealOutcome | None


_APPEALS = select(*(table.c[name] for name in Appeal.__dataclass_fields__))
_ADD = (
    insert(table).values(answered_at=None, outcome=None).on_conflict_do_nothing().returning(table.c.appeal_id)
)
_GET = _APPEALS.where(table.c.appeal_id == bindparam("appeal"))
_AGAINST = _APPEALS.where(
    table.c.person_id == bindparam("person"), table.c.suspended_at == bindparam("suspended")
)
_OPEN = _APPEALS.where(table.c.answered_at.is_(None)).order_by(table.c.made_at, table.c.appeal_id)
_OF_PERSON = _APPEALS.where(table.c.person_id == bindparam("person")).order_by(table.c.made_at)
_ANSWER = (
    update(table)
    .where(table.c.appeal_id == bindparam("b_appeal"), table.c.answered_at.is_(None))
    .values(answered_at=bindparam("b_at"), outcome=bindparam("b_outcome"))
)


class Appeals:
    """Everybody's appeals; one for each suspension."""

    def add(
        self, tx: Transaction, appeal_id: str, person_id: str, suspended_at: datetime, at: datetime
    ) -> bool:
        """Keep that somebody appeals; False if they did already."""
        names = {"appeal_id": appeal_id, "person_id": person_id}
        return tx.execute(_ADD, names | {"suspended_at": suspended_at, "made_at": at}).first() is not None

    def get(self, tx: Transaction, appeal_id: str) -> Appeal | None:
        """The appeal of that id."""
        return _appeal(tx.execute(_GET, {"appeal": appeal_id}).first()) if storable(appeal_id) else None

    def against(self, tx: Transaction, person_id: str, suspended_at: datetime) -> Appeal | None:
        """The person's appeal against the suspension that began then."""
        values = {"person": person_id, "suspended": suspended_at}
        return _appeal(tx.execute(_AGAINST, values).first())

    def of_person(self, tx: Transaction, person_id: str) -> list[Appeal]:
        """Every appeal of the person, the earliest first."""
        return [appeal for row in tx.execute(_OF_PERSON, {"person": person_id}) if (appeal := _appeal(row))]

    def unanswered(self, tx: Transaction) -> list[Appeal]:
        """Those that wait for an answer, the earliest first."""
        return [appeal for row in tx.execute(_OPEN) if (appeal := _appeal(row))]

    def answer(self, tx: Transaction, appeal_id: str, outcome: AppealOutcome, at: datetime) -> bool:
        """Keep the outcome; False when it was answered before."""
        return tx.execute(_ANSWER, {"b_appeal": appeal_id, "b_at": at, "b_outcome": outcome}).rowcount == 1


def _appeal(row: Row[Any] | None) -> Appeal | None:
    if row is None:
        return None
    values = dict(row._mapping)
    return Appeal(**values | {"outcome": AppealOutcome(row.outcome) if row.outcome else None})
