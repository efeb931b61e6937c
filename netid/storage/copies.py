"""Long-lived copies of net credentials: which entry of which status list each has, and what it says.

An entry's index is random, and so is the name of a list: neither says when a copy was issued. An
index is used once, for as long as its list is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.credentials.status_list import Status
from netid.storage.tables import copies as table
from netid.storage.tables import status_lists as lists
from netid.storage.tables import storable
from netid.storage.transaction import Transaction

LIST_SIZE = 2**17
"""How many entries a list has."""
FULL = LIST_SIZE // 2
"""How many of them are used before another list is begun: finding a free one takes two draws then."""


@dataclass(frozen=True)
class Entry:
    """Where one copy's status is told."""

    list_id: str
    index: int


@dataclass(frozen=True)
class Change:
    """What an entry says from a moment on, and what it says until then."""

    entry: Entry
    status: Status
    previous: Status
    shown_from: datetime


_OPEN_LIST = insert(lists)
_LIST = (
    select(lists.c.list_id)
    .where(lists.c.used < FULL, lists.c.opened_at > bindparam("after"))
    .order_by(lists.c.opened_at.desc())
    .limit(1)
)
_BEGUN = select(lists.c.opened_at).where(lists.c.list_id == bindparam("list"))
_USE = (
    update(lists)
    .where(lists.c.list_id == bindparam("b_list"))
    .values(
        used=lists.c.used + bindparam("b_count"),
        last_expires_at=case(
            (lists.c.last_expires_at < bindparam("b_expires"), bindparam("b_expires")),
            else_=lists.c.last_expires_at,
        ),
    )
)
_TAKE = (
    insert(table)
    .values(status=Status.VALID, previous=Status.VALID)
    .on_conflict_do_nothing()
    .returning(table.c.idx)
)
_COLUMNS = (table.c.list_id, table.c.idx, table.c.status, table.c.previous, table.c.shown_from)
_LIVE = select(*_COLUMNS).where(
    table.c.person_id == bindparam("person"),
    table.c.expires_at > bindparam("now"),
    table.c.status != Status.INVALID,
)
_OF_PERSON = (
    select(*_COLUMNS, table.c.expires_at)
    .where(table.c.person_id == bindparam("person"))
    .order_by(table.c.expires_at, table.c.list_id, table.c.idx)
)
_COUNT = select(func.count()).where(
    table.c.person_id == bindparam("person"), table.c.expires_at > bindparam("now")
)
_SET = (
    update(table)
    .where(table.c.list_id == bindparam("b_list"), table.c.idx == bindparam("b_idx"))
    .values(status=bindparam("b_status"), previous=bindparam("b_previous"), shown_from=bindparam("b_from"))
)
_SAID = select(*_COLUMNS).where(
    table.c.list_id == bindparam("list"),
    or_(table.c.status != Status.VALID, table.c.previous != Status.VALID),
)
_LISTS = select(lists.c.list_id).order_by(lists.c.opened_at, lists.c.list_id)
_IS_OVER = and_(lists.c.used > 0, lists.c.last_expires_at < bindparam("before"))
"""A list that nobody was put into waits for whoever comes."""
_OVER = select(lists.c.list_id).where(_IS_OVER)
_FORGET_ENTRIES = delete(table).where(table.c.list_id.in_(_OVER))
_FORGET_LISTS = delete(lists).where(_IS_OVER)


class Copies:
    """The copies that can be suspended and revoked."""

    def take(
        self,
        tx: Transaction,
        list_id: str,
        person_id: str,
        count: int,
        now: datetime,
        expires_at: datetime,
        draw: Callable[[], int],
    ) -> list[Entry]:
        """Entries of that list that nobody had before, drawn at random (`draw` gives any number)."""
        values = {"list_id": list_id, "person_id": person_id, "shown_from": now, "expires_at": expires_at}
        taken: list[Entry] = []
        while len(taken) < count:
            index = tx.execute(_TAKE, values | {"idx": draw() % LIST_SIZE}).scalar()
            if index is not None:
                taken.append(Entry(list_id, index))
        tx.execute(_USE, {"b_list": list_id, "b_count": count, "b_expires": expires_at})
        return taken

    def open_list(self, tx: Transaction, after: datetime) -> str | None:
        """A list with room that was begun after that moment."""
        found: str | None = tx.execute(_LIST, {"after": after}).scalar()
        return found

    def begin_list(self, tx: Transaction, list_id: str, at: datetime) -> None:
        """Begin a list."""
        tx.execute(_OPEN_LIST, {"list_id": list_id, "opened_at": at, "used": 0, "last_expires_at": at})

    def begun_at(self, tx: Transaction, list_id: str) -> datetime | None:
        """When the list of that name was begun; None where there is none."""
        found: datetime | None = tx.execute(_BEGUN, {"list": list_id}).scalar() if storable(list_id) else None
        return found

    def list_ids(self, tx: Transaction) -> list[str]:
        """The names of all lists, the oldest first."""
        return [row.list_id for row in tx.execute(_LISTS)]

    def live(self, tx: Transaction, person_id: str, now: datetime) -> list[Change]:
        """A person's entries that have neither expired nor been revoked."""
        return [_change(row) for row in tx.execute(_LIVE, {"person": person_id, "now": now})]

    def of_person(self, tx: Transaction, person_id: str) -> list[tuple[Change, datetime]]:
        """Every entry kept of a person, with the moment its copy ends."""
        rows = tx.execute(_OF_PERSON, {"person": person_id})
        return [(_change(row), row.expires_at) for row in rows]

    def count(self, tx: Transaction, person_id: str, now: datetime) -> int:
        """How many of a person's copies have not expired."""
        counted: int = tx.execute(_COUNT, {"person": person_id, "now": now}).scalar() or 0
        return counted

    def change(self, tx: Transaction, change: Change) -> None:
        """Keep what an entry says from a moment on."""
        values = {
            "b_list": change.entry.list_id,
            "b_idx": change.entry.index,
            "b_status": change.status,
            "b_previous": change.previous,
            "b_from": change.shown_from,
        }
        tx.execute(_SET, values)

    def said(self, tx: Transaction, list_id: str, at: datetime) -> dict[int, Status]:
        """What the entries of a list say at that moment, but for those that say nothing else than valid."""
        changes = (_change(row) for row in tx.execute(_SAID, {"list": list_id}))
        said = {change.entry.index: shown_at(change, at) for change in changes}
        return {index: status for index, status in said.items() if status is not Status.VALID}

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget lists all of whose copies have expired; how many."""
        tx.execute(_FORGET_ENTRIES, {"before": now})
        return tx.execute(_FORGET_LISTS, {"before": now}).rowcount


def shown_at(change: Change, at: datetime) -> Status:
    """What the entry says at that moment."""
    return change.status if change.shown_from <= at else change.previous


def _change(row: Row[Any]) -> Change:
    entry = Entry(row.list_id, row.idx)
    return Change(entry, Status(row.status), Status(row.previous), row.shown_from)
