"""What a cancellation deletes and what it leaves, the notices owed, and appeals: on both databases."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, Table, func, insert, select

from netid.storage.appeals import Appeal, AppealOutcome, Appeals
from netid.storage.complaints import Complaint, Complaints
from netid.storage.database import Database
from netid.storage.duties import Duties, Duty, DutyKind
from netid.storage.erasures import STAYS, Erasure, Erasures
from netid.storage.messages import MessageState
from netid.storage.persons import NewPerson, Persons, PersonStatus
from netid.storage.tables import MAIN, Instant, copies, persons
from netid.storage.vault import Vault

ERASURES, DUTIES, APPEALS, COMPLAINTS, PERSONS = Erasures(), Duties(), Appeals(), Complaints(), Persons()
ELSEWHERE = {"vault", "erasures", "persons", "sectors", "relying_parties", "instance", "throttle"}
"""Deleted by the vault, filled otherwise here, or without anything about a person."""
NAMED_IN = {"interactions": "state", "single_use": "payload", "applications": "browser_digest"}
"""Where a person is found without a column of their id."""


def row_for(table: Table, person_id: str, number: int, now: datetime) -> dict[str, object]:
    """A row that is this person's; one browser and one session each."""
    values: dict[str, object] = {}
    for column in table.c:
        if column.name == "person_id":
            values[column.name] = person_id
        elif column.name in ("browser_digest", "session_id"):
            name = f"{column.name} of {person_id}"
            values[column.name] = name.encode() if isinstance(column.type, LargeBinary) else name
        elif column.name in NAMED_IN.values():
            values[column.name] = f'{{"person_id":"{person_id}"}}'
        elif column.autoincrement is True:
            continue
        elif isinstance(column.type, LargeBinary):
            values[column.name] = f"{column.name} {number}".encode()
        elif isinstance(column.type, Instant):
            values[column.name] = now
        elif column.type.python_type is int:
            values[column.name] = number
        else:
            values[column.name] = f"{column.name} {number}"
    return values


@pytest.fixture
def two(db: Database, enrol: Callable[[], str], now: datetime) -> tuple[str, str]:
    """Two people, each with a row in every table that can name a person."""
    people = enrol(), enrol()
    with db.write() as tx:
        for number, person_id in enumerate(people, start=1):
            for table in MAIN.sorted_tables:
                if table.name not in ELSEWHERE:
                    tx.execute(insert(table), row_for(table, person_id, number, now))
    return people


def counts(db: Database) -> dict[str, int]:
    with db.read() as tx:
        return {
            table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in MAIN.sorted_tables
            if table.name not in ELSEWHERE
        }


def test_one_persons_rows_go_and_anothers_stay(db: Database, two: tuple[str, str]) -> None:
    assert set(counts(db).values()) == {2}
    with db.write() as tx:
        ERASURES.erase(tx, two[0])

    left = {name for name, count in counts(db).items() if count == 2}
    assert left == set(STAYS) - ELSEWHERE - {"messages"} | {"audit_seals", "status_lists"}
    with db.read() as tx:
        assert set(tx.execute(select(copies.c.person_id)).scalars()) == {None, two[1]}
    assert 0 not in counts(db).values()
    with db.write() as tx:
        ERASURES.erase(tx, two[0])  # a second time changes nothing
    assert 0 not in counts(db).values()


def test_a_message_that_was_not_delivered_yet_stays_until_it_is(
    db: Database, two: tuple[str, str], now: datetime
) -> None:
    messages = MAIN.tables["messages"]
    with db.write() as tx:
        tx.execute(messages.update().values(state=MessageState.WAITING))
        ERASURES.begin(tx, two[0], None, now)
        ERASURES.erase(tx, two[0])
        assert ERASURES.purge(tx, now) == 0
        assert tx.execute(select(func.count()).select_from(messages)).scalar_one() == 2
        tx.execute(messages.update().values(state=MessageState.CONFIRMED))
        assert ERASURES.purge(tx, now) == 1
        assert tx.execute(select(messages.c.person_id)).scalars().all() == [two[1]]


def test_children_and_guardian_are_let_go(db: Database, two: tuple[str, str]) -> None:
    child, guardian = two
    with db.write() as tx:
        tx.execute(persons.update().where(persons.c.person_id == child).values(guardian_id=guardian))
        assert PERSONS.children(tx, guardian) == 1
        ERASURES.erase(tx, guardian)
        left = PERSONS.get(tx, child)
        assert left
        assert left.guardian_id is None
        assert PERSONS.children(tx, guardian) == 0


def test_a_deletion_is_pending_until_it_is_complete(db: Database, person_id: str, now: datetime) -> None:
    later = now + timedelta(minutes=1)
    with db.write() as tx:
        ERASURES.begin(tx, person_id, b"a reference", now)
        assert ERASURES.pending(tx, now) == [person_id]
        assert ERASURES.by_reference(tx, b"a reference") == Erasure(now, None)
        assert ERASURES.complete(tx, person_id, later)
        assert not ERASURES.complete(tx, person_id, later)
        assert ERASURES.pending(tx, later) == []
        assert ERASURES.by_reference(tx, b"a reference") == Erasure(now, later)
        assert ERASURES.by_reference(tx, b"another") is None


def test_a_notice_is_owed_until_it_is_given_and_then_told_to_whom_it_is_for(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, another = enrol(), enrol()
    with db.write() as tx:
        DUTIES.add(tx, "to one", DutyKind.EXCEPTION, one, {"code": "x"}, now)
        DUTIES.add(tx, "to all", DutyKind.INCIDENT, None, {"什么": ["a"]}, now)
        DUTIES.add(tx, "report", DutyKind.INCIDENT_REPORT, None, {}, now)
        assert [duty.duty_id for duty in DUTIES.owed(tx)] == ["report", "to all", "to one"]
        assert DUTIES.told(tx, one, now) == []
        for duty_id in ("to one", "to all", "report"):
            assert DUTIES.close(tx, duty_id, now)
            assert not DUTIES.close(tx, duty_id, now)
        assert DUTIES.owed(tx) == []
        assert DUTIES.get(tx, "to all") == Duty("to all", DutyKind.INCIDENT, None, {"什么": ["a"]}, now, now)
        assert {duty.duty_id for duty in DUTIES.told(tx, one, now)} == {"to one", "to all"}
        assert {duty.duty_id for duty in DUTIES.told(tx, another, now)} == {"to all"}
        assert DUTIES.told(tx, one, now + timedelta(seconds=1)) == [], "enrolled after it happened"
        assert DUTIES.get(tx, "nothing") is None


def test_a_complaint_is_one_for_each_entry_and_answered_once(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, another = enrol(), enrol()
    about = {"client_id": "a-shop", "receipt_id": "r", "at": now}
    with db.write() as tx:
        assert COMPLAINTS.add(tx, "c", person_id=one, **about)
        assert not COMPLAINTS.add(tx, "again", person_id=one, **about)
        waiting = Complaint("c", one, "a-shop", "r", now, None)
        assert COMPLAINTS.unanswered(tx) == COMPLAINTS.of_person(tx, one) == [waiting]
        assert COMPLAINTS.of_person(tx, another) == []
        assert COMPLAINTS.answer(tx, "c", now)
        assert not COMPLAINTS.answer(tx, "c", now)
        assert COMPLAINTS.unanswered(tx) == []
        assert COMPLAINTS.get(tx, "c") == Complaint("c", one, "a-shop", "r", now, now)
        assert COMPLAINTS.get(tx, "nothing\0") is None


def test_an_appeal_is_one_for_each_suspension_and_answered_once(
    db: Database, person_id: str, now: datetime
) -> None:
    with db.write() as tx:
        APPEALS.add(tx, "an appeal", person_id, now, now)
        waiting = Appeal("an appeal", person_id, now, now, None, None)
        assert APPEALS.unanswered(tx) == [waiting]
        assert APPEALS.against(tx, person_id, now) == waiting
        assert APPEALS.against(tx, person_id, now + timedelta(days=1)) is None
        assert APPEALS.answer(tx, "an appeal", AppealOutcome.UPHELD, now)
        assert not APPEALS.answer(tx, "an appeal", AppealOutcome.LIFTED, now)
        answered = APPEALS.get(tx, "an appeal")
        assert answered
        assert (answered.outcome, answered.answered_at) == (AppealOutcome.UPHELD, now)


def test_people_are_counted_while_they_have_a_net_number(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    first, _second = enrol(), enrol()
    with db.write() as tx:
        assert PERSONS.count(tx) == 2
        PERSONS.set_status(tx, first, PersonStatus.CANCELLED, at=now)
        assert PERSONS.count(tx) == 1
        assert PERSONS.suspended(tx) == []


def test_s10_whoever_leaves_among_many_leaves_no_byte_in_either_file(
    tmp_path: Path, migrated_files: Path, now: datetime
) -> None:
    """Rows move between pages as others come and go: what stood in a page before has to be gone too."""
    for name in ("main", "keys"):
        shutil.copy(migrated_files / f"{name}.db", tmp_path)
    db, keys_db = (
        Database(f"sqlite:///{tmp_path}/main.db", "main"),
        Database(f"sqlite:///{tmp_path}/keys.db", "keys"),
    )
    vault = Vault(bytes(32), keys_db, os.urandom)
    people = [os.urandom(16).hex() for _ in range(150)]
    with db.write() as tx:
        for number, person_id in enumerate(people):
            digests = (b"number %d" % number, b"document %d" % number)
            PERSONS.add(tx, NewPerson(person_id, *digests, "a hash", None, now))
            vault.seal(tx, person_id, {field: os.urandom(40).hex() for field in "abcdef"})
    with db.read() as tx, keys_db.read() as keys:
        sealed: dict[str, list[bytes]] = {person_id: [] for person_id in people}
        for row in tx.exec_driver_sql("SELECT person_id, sealed FROM vault"):
            sealed[row.person_id].append(row.sealed)
        for row in keys.exec_driver_sql("SELECT person_id, wrapped FROM data_keys"):
            sealed[row.person_id].append(row.wrapped)
    assert all(database.checkpoint() for database in (db, keys_db))
    leaving, staying = people[::3], people[1::3]
    for person_id in leaving:
        with db.write() as tx:
            vault.destroy(tx, person_id)
    assert all(database.checkpoint() for database in (db, keys_db))
    files = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    for database in (db, keys_db):
        database.close()

    assert [one for person_id in leaving for one in sealed[person_id] if one[:24] in files] == []
    assert all(one in files for person_id in staying for one in sealed[person_id])
