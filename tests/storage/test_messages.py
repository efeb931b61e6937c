"""Messages to relying parties: claimed by one, tried again, and forgotten once they are answered."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from netid.storage.database import Database
from netid.storage.messages import KEPT_LOGOUTS, Message, MessageKind, MessageState, OutgoingMessages

MESSAGES = OutgoingMessages()


def write(
    db: Database,
    person_id: str,
    name: str,
    now: datetime,
    client_id: str = "shop",
    kind: MessageKind = MessageKind.EVENT,
) -> None:
    with db.write() as tx:
        MESSAGES.add(
            tx,
            message_id=name,
            kind=kind,
            client_id=client_id,
            person_id=person_id,
            receipt_id="a receipt",
            body=f"signed {name}",
            created_at=now,
            due_at=now,
        )


def claim(db: Database, now: datetime) -> list[Message]:
    with db.write() as tx:
        return MESSAGES.claim(tx, now)


def names(messages: list[Message]) -> list[str]:
    return [message.message_id for message in messages]


def test_what_is_claimed_is_nobody_elses_for_a_minute(db: Database, person_id: str, now: datetime) -> None:
    write(db, person_id, "a", now)
    assert claim(db, now - timedelta(seconds=1)) == []
    [message] = claim(db, now)
    assert (message.message_id, message.body, message.attempts) == ("a", "signed a", 1)
    assert claim(db, now + timedelta(seconds=59)) == []
    [again] = claim(db, now + timedelta(seconds=61))
    assert again.attempts == 2


def test_a_claim_is_for_one_relying_party_and_bounded(db: Database, person_id: str, now: datetime) -> None:
    for number in range(7):
        write(db, person_id, f"shop {number}", now + timedelta(milliseconds=number))
    write(db, person_id, "game", now + timedelta(milliseconds=3), client_id="game")
    later = now + timedelta(seconds=1)
    assert names(claim(db, later)) == [f"shop {number}" for number in range(5)]
    assert names(claim(db, later)) == ["game"]
    assert names(claim(db, later)) == ["shop 5", "shop 6"]


def test_of_several_workers_one_gets_it(
    db: Database, url: str, person_id: str, now: datetime, rivals: Callable[..., list[object]]
) -> None:
    write(db, person_id, "a", now)
    answers = rivals(4, "claim", url, now.isoformat())
    assert sorted(map(json.dumps, answers)) == ['["a"]', "[]", "[]", "[]"]


def test_an_answered_one_is_over_and_its_words_are_gone(db: Database, person_id: str, now: datetime) -> None:
    write(db, person_id, "a", now)
    claim(db, now)
    with db.write() as tx:
        MESSAGES.end(tx, "a", MessageState.CONFIRMED, now, None)
        MESSAGES.try_again(tx, "a", now, "too late")
    assert claim(db, now + timedelta(days=1)) == []
    with db.read() as tx:
        [message] = MESSAGES.of_person(tx, person_id)
    assert (message.state, message.body, message.ended_at) == (MessageState.CONFIRMED, None, now)
    assert message.answer is None


def test_an_unanswered_one_waits_and_those_behind_it_are_not_counted(
    db: Database, person_id: str, now: datetime
) -> None:
    write(db, person_id, "a", now)
    write(db, person_id, "b", now + timedelta(milliseconds=1))
    then = now + timedelta(seconds=1)
    first, second = claim(db, then)
    with db.write() as tx:
        MESSAGES.try_again(tx, first.message_id, then + timedelta(seconds=10), "unanswered")
        MESSAGES.put_back(tx, [second], then + timedelta(seconds=10))
    assert claim(db, then + timedelta(seconds=9)) == []
    assert [message.attempts for message in claim(db, then + timedelta(seconds=10))] == [2, 1]


def test_a_session_that_was_told_of_is_forgotten_and_an_event_stays(
    db: Database, person_id: str, now: datetime
) -> None:
    for kind in MessageKind:
        write(db, person_id, kind, now, kind=kind)
    with db.write() as tx:
        assert MESSAGES.purge(tx, now + 2 * KEPT_LOGOUTS) == 0, "nobody has answered yet"
        for kind in MessageKind:
            MESSAGES.end(tx, kind, MessageState.CONFIRMED, now, None)
        assert MESSAGES.purge(tx, now + KEPT_LOGOUTS) == 0
        assert MESSAGES.purge(tx, now + 2 * KEPT_LOGOUTS) == 1
        assert names(MESSAGES.of_person(tx, person_id)) == [MessageKind.EVENT]
