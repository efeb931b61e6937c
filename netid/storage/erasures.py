"""What a cancellation deletes of a person beside the vault, and how far each one has come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, Table, bindparam, delete, insert, select, union, update

from netid.storage.messages import MessageState
from netid.storage.tables import (
    access_tokens,
    appeals,
    applications,
    browser_people,
    child_wallets,
    complaints,
    copies,
    former_documents,
    interactions,
    messages,
    pairwise_subjects,
    permissions,
    personas,
    persons,
    receipts,
    session_relying_parties,
    sessions,
    single_use,
)
from netid.storage.tables import erasures as table
from netid.storage.transaction import Transaction

STAYS = {
    "persons": "that somebody enrolled and left, and when",
    "erasures": "when the deletion was asked for and done",
    "audit_events": "the sealed log: what was done, under a random number that leads nowhere",
    "messages": "what a relying party still has to be told, under its own subject, until it answers",
    "duties": "what the operator still has to do",
    "copies": "that a copy of somebody's is void, under nobody's name",
}
"""The tables that name a cancelled person, by their random id; none of them says who it was."""

TOLD_WITHIN = timedelta(days=7)
"""By then every relying party has answered, or was given up."""

_PERSON: BindParameter[str] = bindparam("person")
_BROWSERS = union(
    select(browser_people.c.browser_digest).where(browser_people.c.person_id == _PERSON),
    select(sessions.c.browser_digest).where(sessions.c.person_id == _PERSON),
)
_SESSIONS = select(sessions.c.session_id).where(sessions.c.person_id == _PERSON)


def _all_of(owned: Table) -> Any:
    return delete(owned).where(owned.c.person_id == _PERSON)


_DELETE = (
    delete(applications).where(applications.c.browser_digest.in_(_BROWSERS)),
    # Their text names the person: a sign-in under way, a code, a fresh sign-in.
    delete(interactions).where(interactions.c.state.contains(_PERSON)),
    delete(single_use).where(single_use.c.payload.contains(_PERSON)),
    delete(session_relying_parties).where(session_relying_parties.c.session_id.in_(_SESSIONS)),
    delete(messages).where(messages.c.person_id == _PERSON, messages.c.state != MessageState.WAITING),
    *map(
        _all_of,
        (
            former_documents,
            access_tokens,
            receipts,
            pairwise_subjects,
            sessions,
            browser_people,
            personas,
            appeals,
            complaints,
            child_wallets,
            permissions,
        ),
    ),
)
_UNNAME = update(copies).where(copies.c.person_id == bindparam("b_person")).values(person_id=None)
_LET_GO = update(persons).where(persons.c.guardian_id == bindparam("b_person")).values(guardian_id=None)
_BE_LET_GO = update(persons).where(persons.c.person_id == bindparam("b_person")).values(guardian_id=None)

_PURGE = delete(messages).where(
    messages.c.state != MessageState.WAITING,
    messages.c.person_id.in_(select(table.c.person_id).where(table.c.begun_at > bindparam("since"))),
)
_BEGIN = insert(table).values(erased_at=None)
_PENDING = (
    select(table.c.person_id)
    .where(table.c.erased_at.is_(None), table.c.begun_at <= bindparam("now"))
    .order_by(table.c.begun_at, table.c.person_id)
)
_ERASED = (
    update(table)
    .where(table.c.person_id == bindparam("b_person"), table.c.erased_at.is_(None))
    .values(erased_at=bindparam("b_at"))
)
_BY_REFERENCE = select(table.c.begun_at, table.c.erased_at).where(
    table.c.reference_digest == bindparam("reference")
)


@dataclass(frozen=True)
class Erasure:
    """How far the deletion of one person has come."""

    begun_at: datetime
    erased_at: datetime | None
    """When no byte of the rows was left in the database files; None while some may be."""


class Erasures:
    """The cancellations, and what they delete."""

    def begin(
        self, tx: Transaction, person_id: str, reference_digest: bytes | None, begun_at: datetime
    ) -> None:
        """Keep that a person's deletion is due; `reference_digest` is of what the person asks by."""
        values = {"person_id": person_id, "reference_digest": reference_digest, "begun_at": begun_at}
        tx.execute(_BEGIN, values)

    def erase(self, tx: Transaction, person_id: str) -> None:
        """Delete every row of a person but those of `STAYS`, and let their children and guardian go."""
        for statement in _DELETE:
            tx.execute(statement, {"person": person_id})
        for statement in (_UNNAME, _LET_GO, _BE_LET_GO):
            tx.execute(statement, {"b_person": person_id})

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget what relying parties were told of people who left, once they have answered; how many."""
        return tx.execute(_PURGE, {"since": now - TOLD_WITHIN}).rowcount

    def pending(self, tx: Transaction, now: datetime) -> list[str]:
        """Whose deletion is not shown to be complete, the earliest first."""
        return [str(person_id) for person_id in tx.execute(_PENDING, {"now": now}).scalars()]

    def complete(self, tx: Transaction, person_id: str, at: datetime) -> bool:
        """Keep that no byte is left; False if that was known before."""
        return tx.execute(_ERASED, {"b_person": person_id, "b_at": at}).rowcount == 1

    def by_reference(self, tx: Transaction, reference_digest: bytes) -> Erasure | None:
        """How far that cancellation has come."""
        return _erasure(tx.execute(_BY_REFERENCE, {"reference": reference_digest}).first())


def _erasure(row: Row[Any] | None) -> Erasure | None:
    return Erasure(row.begun_at, row.erased_at) if row else None
