"""R6: whatever is done to the audit, the verifier names the first bad row."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import text

from netid.ambient import Ambient
from netid.errors import StorageBusy
from netid.storage.audit import Audit, AuditEvent, AuditHead, AuditState, Sealer
from netid.storage.database import Database

AUDIT = Audit()


def record(db: Database, now: datetime, count: int = 1) -> None:
    for n in range(count):
        with db.write() as tx:
            AUDIT.record(tx, "tested", at=now, person_id="p", client_id="forum", details={"n": str(n)})


def verify(db: Database, head: AuditHead | None = None) -> AuditState:
    with db.read() as tx:
        return AUDIT.verify(tx, head)


def do(db: Database, damage: str) -> None:
    with db.write() as tx:
        for statement in damage.split(";"):
            tx.execute(text(statement))


@pytest.fixture
def sealer(db: Database, now: datetime) -> Sealer:
    return Sealer(db, Ambient(now=lambda: now, random=bytes))


@pytest.fixture
def sealed(db: Database, now: datetime, sealer: Sealer) -> AuditHead:
    """Six events under three seals."""
    for _ in range(3):
        record(db, now, 2)
        assert sealer.seal_once() == 2
    head = verify(db).head
    assert head is not None
    return head


def test_an_event_is_read_as_it_was_recorded(db: Database, now: datetime) -> None:
    with db.write() as tx:
        AUDIT.record(
            tx,
            "released",
            at=now,
            person_id="p",
            client_id="parcels",
            receipt_id="r",
            details={"claims": "name"},
        )
        AUDIT.record(tx, "tested", at=now, person_id="q")
    with db.read() as tx:
        assert AUDIT.of_person(tx, "p") == [
            AuditEvent(1, now, "released", "p", "parcels", "r", {"claims": "name"})
        ]


def test_an_event_goes_with_its_transaction(db: Database, now: datetime) -> None:
    with db.write() as tx:
        AUDIT.record(tx, "tested", at=now, person_id="p")
        tx.rollback()
    with db.read() as tx:
        assert AUDIT.of_person(tx, "p") == []


def test_an_empty_audit_is_whole(db: Database, sealer: Sealer) -> None:
    assert sealer.seal_once() == 0
    assert verify(db) == AuditState(None, 0, 0, None)


def test_what_is_not_sealed_yet_is_reported_as_such(db: Database, now: datetime, sealed: AuditHead) -> None:
    record(db, now, 2)
    assert verify(db) == AuditState(None, 6, 2, sealed)


def test_a_seal_covers_each_event_once(db: Database, now: datetime, sealer: Sealer) -> None:
    record(db, now, 3)
    assert sealer.seal_once() == 3
    assert sealer.seal_once() == 0
    record(db, now)
    assert sealer.seal_once() == 1
    assert verify(db).sealed_to == 4


@pytest.mark.parametrize(
    ("damage", "bad"),
    [
        # changed
        ("UPDATE audit_events SET kind = 'nothing' WHERE sequence = 4", 4),
        ("UPDATE audit_events SET at = at + 1 WHERE sequence = 1", 1),
        ("UPDATE audit_events SET person_id = NULL WHERE sequence = 6", 6),
        ("UPDATE audit_events SET details = '{}' WHERE sequence IN (3, 5)", 3),
        # removed
        ("DELETE FROM audit_events WHERE sequence = 1", 1),
        ("DELETE FROM audit_events WHERE sequence = 4", 4),
        ("DELETE FROM audit_events WHERE sequence IN (3, 4)", 3),
        # cut off
        ("DELETE FROM audit_events WHERE sequence > 4", 5),
        ("DELETE FROM audit_events", 1),
        # numbered anew
        ("UPDATE audit_events SET sequence = 99 WHERE sequence = 6", 6),
        # seals changed, removed, put in another order
        ("UPDATE audit_seals SET at = at + 1 WHERE sequence = 2", 3),
        ("UPDATE audit_seals SET hash = rows WHERE sequence = 2", 3),
        ("UPDATE audit_seals SET rows = substr(rows, 1, 50) WHERE sequence = 2", 3),
        ("UPDATE audit_seals SET last = 99 WHERE sequence = 2", 3),
        ("UPDATE audit_seals SET first = 1 WHERE sequence = 2", 3),
        ("DELETE FROM audit_seals WHERE sequence = 1", 1),
        ("UPDATE audit_seals SET sequence = 9 WHERE sequence = 1", 1),
    ],
)
def test_r6_tampering_shows_and_names_the_first_bad_row(
    db: Database, sealed: AuditHead, damage: str, bad: int
) -> None:
    assert verify(db).first_bad_row is None
    do(db, damage)
    assert verify(db).first_bad_row == bad


def test_r6_an_event_slipped_in_among_sealed_ones_shows(db: Database, now: datetime, sealer: Sealer) -> None:
    record(db, now, 3)
    do(db, "DELETE FROM audit_events WHERE sequence = 2")
    sealer.seal_once()
    assert verify(db).first_bad_row is None
    do(db, "INSERT INTO audit_events (sequence, at, kind, details) VALUES (2, 0, 'slipped in', '{}')")
    assert verify(db).first_bad_row == 2


def test_r6_a_whole_chain_rolled_back_shows_against_a_head_kept_elsewhere(
    db: Database, now: datetime, sealed: AuditHead
) -> None:
    assert verify(db, sealed).first_bad_row is None
    do(db, "DELETE FROM audit_events WHERE sequence > 4; DELETE FROM audit_seals WHERE sequence = 3")
    assert verify(db).first_bad_row is None
    assert verify(db, sealed).first_bad_row == 5


def test_a_chain_that_went_on_still_contains_an_older_head(
    db: Database, now: datetime, sealer: Sealer, sealed: AuditHead
) -> None:
    record(db, now)
    sealer.seal_once()
    assert verify(db, sealed).first_bad_row is None
    assert verify(db, AuditHead(sealed.seal, "0" * 64)).first_bad_row == 8


def test_a_number_that_a_rolled_back_transaction_took_is_no_gap(
    db: Database, now: datetime, sealer: Sealer
) -> None:
    record(db, now)
    with db.write() as tx:
        AUDIT.record(tx, "tested", at=now)
        tx.rollback()
    record(db, now)
    assert sealer.seal_once() == 2
    assert verify(db).first_bad_row is None


def test_an_event_written_late_under_a_low_number_is_not_left_out(postgres_url: str, now: datetime) -> None:
    """PostgreSQL numbers rows before they are committed: the sealer must wait for the lower number."""
    db = Database(postgres_url, "main")
    db.migrate()
    sealer = Sealer(db, Ambient(now=lambda: now, random=bytes))
    with db.write() as slow:
        AUDIT.record(slow, "slow", at=now)
        record(db, now)
        with pytest.raises(StorageBusy):
            sealer.seal_once()
    assert sealer.seal_once() == 2
    assert verify(db).first_bad_row is None
    db.close()


def test_events_of_many_writers_all_end_under_seals(
    url: str, db: Database, now: datetime, sealer: Sealer, rivals: Callable[..., list[object]]
) -> None:
    record(db, now)
    assert sealer.seal_once() == 1
    sealers = [Sealer(db, Ambient(now=lambda: now, random=bytes), interval_seconds=0.01) for _ in range(2)]
    for each in sealers:
        each.start()
    assert rivals(4, "record", url, now.isoformat(), "25") == [25] * 4
    for each in sealers:
        each.stop()
    state = verify(db)
    assert (state.first_bad_row, state.unsealed) == (None, 0)
    with db.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM audit_events")).scalar() == 101
        assert (tx.execute(text("SELECT count(*) FROM audit_seals")).scalar() or 0) > 1


def test_a_sealer_that_is_stopped_seals_what_is_left(db: Database, now: datetime) -> None:
    sealer = Sealer(db, Ambient(now=lambda: now, random=bytes), interval_seconds=3600)
    sealer.start()
    record(db, now, 3)
    sealer.stop()
    assert verify(db).unsealed == 0
