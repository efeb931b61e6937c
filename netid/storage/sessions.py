"""Who is signed in at the provider in which browser, and whom a browser knows from enrolment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.identity.levels import Factor
from netid.storage.tables import browser_people
from netid.storage.tables import sessions as table
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class Session:
    """One person signed in, in one browser."""

    digest: bytes
    """SHA-256 of the session's random name."""
    browser_digest: bytes
    """SHA-256 of the browser's random name."""
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
_PURGE = delete(table).where(table.c.expires_at < bindparam("now"))

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
        person_id: str,
        proved: Iterable[Factor],
        auth_time: datetime,
        expires_at: datetime,
    ) -> None:
        """Begin one; the parts are those of `Session`."""
        begun = Session(digest, browser_digest, person_id, tuple(proved), auth_time, expires_at)
        tx.execute(_ADD, begun.__dict__ | {"proved": " ".join(begun.proved)})

    def get(self, tx: Transaction, digest: bytes, browser_digest: bytes, now: datetime) -> Session | None:
        """The session; None when it is unknown, ended, expired or another browser's."""
        row = tx.execute(_GET, {"digest": digest, "browser": browser_digest, "now": now}).first()
        if row is None:
            return None
        proved = tuple(Factor(name) for name in row.proved.split())
        return Session(row.digest, row.browser_digest, row.person_id, proved, row.auth_time, row.expires_at)

    def end(self, tx: Transaction, digest: bytes, now: datetime) -> bool:
        """Sign out; False when there was nothing to end."""
        return tx.execute(_END, {"b_digest": digest, "b_now": now}).rowcount == 1

    def end_for(self, tx: Transaction, person_id: str, now: datetime) -> int:
        """Sign a person out everywhere; how many sessions that were."""
        return tx.execute(_END_FOR, {"b_person": person_id, "b_now": now}).rowcount

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
        """Forget expired sessions; how many."""
        return tx.execute(_PURGE, {"now": now}).rowcount
