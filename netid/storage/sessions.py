"""Who is signed in at the provider in which browser, and whom a browser knows from enrolment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.identity.levels import Factor
from netid.storage.tables import browser_people
from netid.storage.tables import session_relying_parties as visited
from netid.storage.tables import sessions as table
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class Session:
    """One person signed in, in one browser."""

    digest: bytes
    """SHA-256 of the session's random name."""
    browser_digest: bytes
    """SHA-256 of the browser's random name."""
    session_id: str
    """Random; stays the same when the same person signs in again in the same browser."""
    person_id: str
    proved: tuple[Factor, ...]
    """Which factors were checked."""
    auth_time: datetime
    """When they were checked."""
    expires_at: datetime


_COLUMNS = [table.c[name] for name in Session.__dataclass_fields__]
_ADD = insert(table).values(ended_at=None)
_GET = select(*_COLUMNS).where(
    table.c.digest == bindparam("digest"),
    table.c.browser_digest == bindparam("browser"),
    table.c.ended_at.is_(None),
    table.c.expires_at > bindparam("now"),
)
_END_ANY = update(table).where(table.c.ended_at.is_(None)).values(ended_at=bindparam("b_now"))
_END = _END_ANY.where(table.c.digest == bindparam("b_digest"))
_END_FOR = _END_ANY.where(table.c.person_id == bindparam("b_person"))
_OF_PERSON = (
    select(*_COLUMNS)
    .where(
        table.c.person_id == bindparam("person"),
        table.c.ended_at.is_(None),
        table.c.expires_at > bindparam("now"),
    )
    .order_by(table.c.auth_time.desc(), table.c.session_id)
)
# PostgreSQL: whoever ends it waits for who found it open, and is then the later one for everybody.
_OPEN = (
    select(table.c.session_id)
    .where(table.c.session_id == bindparam("session"), table.c.ended_at.is_(None))
    .with_for_update(read=True)
)
_PURGE = delete(table).where(table.c.expires_at < bindparam("now"))

_VISIT = insert(visited).on_conflict_do_nothing()
_VISITED = (
    select(visited.c.client_id)
    .where(visited.c.session_id == bindparam("session"))
    .order_by(visited.c.client_id)
)
_LEAVE = delete(visited).where(
    visited.c.session_id == bindparam("session"), visited.c.client_id == bindparam("client")
)
_PURGE_VISITED = delete(visited).where(
    ~exists(select(table.c.digest).where(table.c.session_id == visited.c.session_id))
)

_KNOW = insert(browser_people).on_conflict_do_nothing()
_KNOWN = (
    select(browser_people.c.person_id)
    .where(browser_people.c.browser_digest == bindparam("browser"))
    .order_by(browser_people.c.added_at, browser_people.c.person_id)
)
_FORGET = delete(browser_people).where(browser_people.c.person_id == bindparam("person"))


class Sessions:
    """The sessions at the provider, and the people each browser knows."""

    def add(
        self,
        tx: Transaction,
        *,
        digest: bytes,
        browser_digest: bytes,
        session_id: str,
        person_id: str,
        proved: Iterable[Factor],
        auth_time: datetime,
        expires_at: datetime,
    ) -> None:
        """Begin one; the parts are those of `Session`."""
        begun = Session(digest, browser_digest, session_id, person_id, tuple(proved), auth_time, expires_at)
        tx.execute(_ADD, begun.__dict__ | {"proved": " ".join(begun.proved)})

    def get(self, tx: Transaction, digest: bytes, browser_digest: bytes, now: datetime) -> Session | None:
        """The session; None when it is unknown, ended, expired or another browser's."""
        row = tx.execute(_GET, {"digest": digest, "browser": browser_digest, "now": now}).first()
        return None if row is None else _session(row)

    def of_person(self, tx: Transaction, person_id: str, now: datetime) -> list[Session]:
        """Where the person is signed in now, the latest first."""
        return [_session(row) for row in tx.execute(_OF_PERSON, {"person": person_id, "now": now})]

    def is_open(self, tx: Transaction, session_id: str) -> bool:
        """Whether nobody has ended the session of that name; one that expired counts as open."""
        return tx.execute(_OPEN, {"session": session_id}).first() is not None

    def end(self, tx: Transaction, digest: bytes, now: datetime) -> bool:
        """Sign out; False when there was nothing to end."""
        return tx.execute(_END, {"b_digest": digest, "b_now": now}).rowcount == 1

    def end_for(self, tx: Transaction, person_id: str, now: datetime) -> int:
        """Sign a person out everywhere; how many sessions that were."""
        return tx.execute(_END_FOR, {"b_person": person_id, "b_now": now}).rowcount

    def visit(self, tx: Transaction, session_id: str, client_id: str) -> None:
        """Note that this relying party got a code at this session."""
        tx.execute(_VISIT, {"session_id": session_id, "client_id": client_id})

    def visited(self, tx: Transaction, session_id: str) -> list[str]:
        """The client ids of the relying parties that got a code at this session."""
        return [str(row.client_id) for row in tx.execute(_VISITED, {"session": session_id})]

    def leave(self, tx: Transaction, session_id: str, client_id: str) -> None:
        """This relying party was told that the session has ended for it."""
        tx.execute(_LEAVE, {"session": session_id, "client": client_id})

    def introduce(self, tx: Transaction, browser_digest: bytes, person_id: str, at: datetime) -> None:
        """Let the browser know who enrolled in it; nothing happens when it does already."""
        tx.execute(_KNOW, {"browser_digest": browser_digest, "person_id": person_id, "added_at": at})

    def people_of(self, tx: Transaction, browser_digest: bytes) -> list[str]:
        """The ids of those who enrolled in the browser, the earliest first."""
        return [str(row.person_id) for row in tx.execute(_KNOWN, {"browser": browser_digest})]

    def forget(self, tx: Transaction, person_id: str) -> None:
        """Let every browser forget the person."""
        tx.execute(_FORGET, {"person": person_id})

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget expired sessions, and where they led; how many sessions."""
        expired = tx.execute(_PURGE, {"now": now}).rowcount
        tx.execute(_PURGE_VISITED)
        return expired


def _session(row: Row[Any]) -> Session:
    proved = tuple(Factor(name) for name in row.proved.split())
    return Session(**dict(row._mapping) | {"proved": proved})
