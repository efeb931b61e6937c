"""Signed messages to relying parties, kept in the transaction of what they tell of until answered."""

import builtins
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from netid.storage.tables import messages as table
from netid.storage.tables import persons
from netid.storage.transaction import Transaction

KEPT_LOGOUTS = timedelta(days=1)
"""How long it is kept that a session's end was told; what became of an event stays in the records."""

_LEASE = timedelta(seconds=60)
_AT_ONCE = 5


class MessageKind(StrEnum):
    """What a message is."""

    EVENT = "event"
    """A security event token, pushed as RFC 8935 says."""
    LOGOUT = "logout"
    """A logout token (OpenID Connect Back-Channel Logout 1.0)."""


class MessageState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    """The relying party has answered that it has done what it says."""
    REFUSED = "refused"
    """The relying party has answered that it does not accept it."""
    NOT_ANSWERED = "not_answered"
    """It was tried for as long as its kind is tried."""


@dataclass(frozen=True)
class Message:
    """One message to one relying party."""

    message_id: str
    kind: MessageKind
    client_id: str
    person_id: str
    receipt_id: str | None
    """The consent that was taken back; None where the message is about something else."""
    body: str | None
    """The signed token; None once it is answered or given up."""
    state: MessageState
    attempts: int
    created_at: datetime
    due_at: datetime
    """When it is tried next, by whoever claims it first."""
    ended_at: datetime | None
    answer: str | None
    """The error code of the last answer, if there was one."""


_COLUMNS = [table.c[name] for name in Message.__dataclass_fields__]
_ADD = insert(table)
_DUE = (table.c.state == MessageState.WAITING) & (table.c.due_at <= bindparam("b_now"))
_WHOSE_TURN = select(table.c.client_id).where(_DUE).order_by(table.c.due_at).limit(1)
_TURN = (
    select(table.c.message_id)
    .where(_DUE, table.c.client_id == bindparam("b_client"))
    .order_by(table.c.due_at, table.c.created_at)
    .limit(_AT_ONCE)
)
_CLAIM = (
    update(table)
    .where(table.c.message_id.in_(_TURN), _DUE)
    .values(due_at=bindparam("b_until"), attempts=table.c.attempts + 1)
    .returning(*_COLUMNS)
)
_THIS = update(table).where(
    table.c.message_id == bindparam("b_message"), table.c.state == MessageState.WAITING
)
_END = _THIS.values(
    state=bindparam("b_state"), ended_at=bindparam("b_at"), answer=bindparam("b_answer"), body=None
)
_AGAIN = _THIS.values(due_at=bindparam("b_due"), answer=bindparam("b_answer"))
_PUT_BACK = _THIS.values(due_at=bindparam("b_due"), attempts=bindparam("b_attempts"))
_OF_PERSON = (
    select(*_COLUMNS)
    .where(table.c.person_id == bindparam("person"), table.c.kind == MessageKind.EVENT)
    .order_by(table.c.created_at, table.c.message_id)
)
_CANCELLED = select(persons.c.person_id).where(persons.c.status == "cancelled")
_PURGE = delete(table).where(table.c.kind == MessageKind.LOGOUT, table.c.ended_at < bindparam("before"))
_PURGE_CANCELLED = delete(table).where(
    table.c.state != MessageState.WAITING, table.c.person_id.in_(_CANCELLED)
)


class OutgoingMessages:
    """Everything that relying parties are to be told, and what they answered."""

    def add(
        self,
        tx: Transaction,
        *,
        message_id: str,
        kind: MessageKind,
        client_id: str,
        person_id: str,
        receipt_id: str | None,
        body: str,
        created_at: datetime,
        due_at: datetime,
    ) -> None:
        """Keep a message in the transaction of what it tells of; the parts are those of `Message`."""
        waiting = Message(
            message_id=message_id,
            kind=kind,
            client_id=client_id,
            person_id=person_id,
            receipt_id=receipt_id,
            body=body,
            state=MessageState.WAITING,
            attempts=0,
            created_at=created_at,
            due_at=due_at,
            ended_at=None,
            answer=None,
        )
        tx.execute(_ADD, waiting.__dict__)

    def is_due(self, tx: Transaction, now: datetime) -> bool:
        """Whether there is anything to claim."""
        return tx.execute(_WHOSE_TURN, {"b_now": now}).first() is not None

    def claim(self, tx: Transaction, now: datetime) -> builtins.list[Message]:
        """Some due messages of one relying party, for a minute; nobody else gets them meanwhile.

        One conditional write decides. Whoever dies with them leaves them to the next after that
        minute, so a message may arrive twice, with the same `jti`.
        """
        client_id = tx.execute(_WHOSE_TURN, {"b_now": now}).scalar()
        if client_id is None:
            return []
        values = {"b_now": now, "b_client": client_id, "b_until": now + _LEASE}
        claimed = map(_message, tx.execute(_CLAIM, values).all())
        return sorted(claimed, key=lambda message: (message.created_at, message.message_id))

    def end(
        self, tx: Transaction, message_id: str, state: MessageState, at: datetime, answer: str | None
    ) -> None:
        """Keep what became of it; the message itself is forgotten."""
        values = {"b_message": message_id, "b_state": state, "b_at": at, "b_answer": answer}
        tx.execute(_END, values)

    def try_again(self, tx: Transaction, message_id: str, due_at: datetime, answer: str | None) -> None:
        """It was not answered: let it be tried again then."""
        tx.execute(_AGAIN, {"b_message": message_id, "b_due": due_at, "b_answer": answer})

    def put_back(self, tx: Transaction, untried: Iterable[Message], due_at: datetime) -> None:
        """These were claimed and not tried, because the one before them was not answered."""
        for message in untried:
            values = {"b_message": message.message_id, "b_due": due_at, "b_attempts": message.attempts - 1}
            tx.execute(_PUT_BACK, values)

    def of_person(self, tx: Transaction, person_id: str) -> builtins.list[Message]:
        """The events that a person caused, the earliest first: for their records."""
        return [_message(row) for row in tx.execute(_OF_PERSON, {"person": person_id})]

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget logouts that were told a day ago, and all that a cancelled person is told of; how many."""
        purged = tx.execute(_PURGE, {"before": now - KEPT_LOGOUTS}).rowcount
        return purged + tx.execute(_PURGE_CANCELLED).rowcount


def _message(row: Row[Any]) -> Message:
    values = dict(row._mapping)
    return Message(**values | {"kind": MessageKind(row.kind), "state": MessageState(row.state)})
