"""What the operator owes people or an authority: notices that the law asks for afterwards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from netid.storage.tables import duties as table
from netid.storage.tables import storable
from netid.storage.transaction import Transaction


class DutyKind(StrEnum):
    """Who has to be told of what."""

    EXCEPTION = "exception"
    """One person: that their data was given out without their consent (PIPL 18, 35)."""
    INCIDENT = "incident"
    """Everybody enrolled: that data was or may have been lost (PIPL 57)."""
    INCIDENT_REPORT = "incident-report"
    """The authority: the same (PIPL 57)."""
    COPIES = "copies"
    """One person: that the copies in their wallets became something else, and why; told at once."""


@dataclass(frozen=True)
class Duty:
    """One notice that is owed."""

    duty_id: str
    """Random."""
    kind: DutyKind
    person_id: str | None
    """Whom it concerns; None for everybody."""
    details: Mapping[str, Any]
    """A closed, value-free description, by kind."""
    opened_at: datetime
    closed_at: datetime | None
    """When the notice was given; None while it is owed."""


_DUTIES = select(*(table.c[name] for name in Duty.__dataclass_fields__))
_ADD = insert(table).values(closed_at=None)
_GET = _DUTIES.where(table.c.duty_id == bindparam("duty"))
_OPEN = _DUTIES.where(table.c.closed_at.is_(None)).order_by(table.c.opened_at, table.c.duty_id)
_TOLD = _DUTIES.where(
    table.c.closed_at.is_not(None),
    table.c.kind != DutyKind.INCIDENT_REPORT,
    or_(table.c.person_id == bindparam("person"), table.c.person_id.is_(None)),
    table.c.opened_at >= bindparam("since"),
).order_by(table.c.opened_at.desc(), table.c.duty_id)
_CLOSE = (
    update(table)
    .where(table.c.duty_id == bindparam("b_duty"), table.c.closed_at.is_(None))
    .values(closed_at=bindparam("b_at"))
)


class Duties:
    """Everything that is owed, and what was."""

    def add(
        self,
        tx: Transaction,
        duty_id: str,
        kind: DutyKind,
        person_id: str | None,
        details: Mapping[str, Any],
        at: datetime,
    ) -> None:
        """Keep that a notice is owed from now on."""
        written = json.dumps(details, sort_keys=True, ensure_ascii=False)
        names = {"duty_id": duty_id, "kind": kind, "person_id": person_id}
        tx.execute(_ADD, names | {"details": written, "opened_at": at})

    def get(self, tx: Transaction, duty_id: str) -> Duty | None:
        """The duty of that id."""
        return _duty(tx.execute(_GET, {"duty": duty_id}).first()) if storable(duty_id) else None

    def owed(self, tx: Transaction) -> list[Duty]:
        """What is not closed, the earliest first."""
        return [duty for row in tx.execute(_OPEN) if (duty := _duty(row))]

    def told(self, tx: Transaction, person_id: str, since: datetime) -> list[Duty]:
        """The notices that this person, enrolled since then, was given; the latest first."""
        rows = tx.execute(_TOLD, {"person": person_id, "since": since})
        return [duty for row in rows if (duty := _duty(row))]

    def close(self, tx: Transaction, duty_id: str, at: datetime) -> bool:
        """Keep that the notice was given; False when it was before."""
        return tx.execute(_CLOSE, {"b_duty": duty_id, "b_at": at}).rowcount == 1


def _duty(row: Row[Any] | None) -> Duty | None:
    if row is None:
        return None
    values = dict(row._mapping)
    return Duty(**values | {"kind": DutyKind(row.kind), "details": json.loads(row.details)})
