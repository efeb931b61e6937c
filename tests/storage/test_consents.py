"""Receipts chain per person, whoever writes them and however many at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from netid.credentials.receipts import record_hash
from netid.errors import NotFound
from netid.identity.consent import Action, StoredReceipt
from netid.storage.consents import Consents
from netid.storage.database import Database
from netid.storage.persons import Persons, PersonStatus
from tests.storage.rival import receipt

CONSENTS = Consents()


def append(db: Database, person_id: str, receipt_id: str, now: datetime, **changes: object) -> StoredReceipt:
    def build(sequence: int, previous: str) -> StoredReceipt:
        made = receipt(receipt_id, sequence, previous, now)
        changed = made.receipt.model_copy(update=changes)
        return StoredReceipt(changed, person_id, made.record, None)

    with db.write() as tx:
        return CONSENTS.append(tx, person_id, build)


def test_a_receipt_is_found_as_it_was_made(db: Database, person_id: str, now: datetime) -> None:
    stored = append(db, person_id, "r1", now, purpose="parcels", expires_at=now, agreed=("name", "phone"))
    with db.read() as tx:
        assert CONSENTS.get(tx, "r1") == stored
        assert CONSENTS.get(tx, "r2") is None
        assert CONSENTS.get(tx, "r\0") is None


def test_each_receipt_names_the_hash_of_the_one_before(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    first = append(db, one, "r1", now)
    elsewhere = append(db, other, "r2", now)
    second = append(db, one, "r3", now)
    assert (first.receipt.sequence, first.receipt.previous) == (1, "")
    assert (elsewhere.receipt.sequence, elsewhere.receipt.previous) == (1, "")
    assert (second.receipt.sequence, second.receipt.previous) == (2, record_hash(first.record))
    # From `printf abc | sha256sum` (also FIPS 180-2, B.1)
    assert record_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_nobody_has_no_chain(db: Database, now: datetime) -> None:
    with pytest.raises(NotFound):
        append(db, "e" * 32, "r1", now)


def test_the_latest_check_is_of_that_person_and_relying_party_and_names_no_purpose(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    append(db, one, "r1", now)
    latest = append(db, one, "r2", now, action=Action.REFUSED)
    append(db, one, "r3", now, purpose="parcels")
    append(db, one, "r4", now, client_id="game")
    append(db, other, "r5", now)
    with db.read() as tx:
        assert CONSENTS.latest_check(tx, one, "forum") == latest
        assert CONSENTS.latest_check(tx, one, "parcels") is None


def test_a_persons_receipts_are_listed_the_latest_first(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    first, second = append(db, one, "r1", now), append(db, one, "r2", now)
    append(db, other, "r3", now)
    with db.read() as tx:
        assert CONSENTS.list(tx, one) == [second, first]


def test_a_consent_is_withdrawn_once(db: Database, person_id: str, now: datetime) -> None:
    append(db, person_id, "r1", now)
    append(db, person_id, "r2", now)
    later = now + timedelta(days=1)
    with db.write() as tx:
        assert CONSENTS.mark_withdrawn(tx, "r1", later)
        assert not CONSENTS.mark_withdrawn(tx, "r1", later + timedelta(days=1))
        assert not CONSENTS.mark_withdrawn(tx, "unknown", later)
        withdrawn, kept = CONSENTS.get(tx, "r1"), CONSENTS.get(tx, "r2")
    assert withdrawn is not None
    assert withdrawn.withdrawn_at == later
    assert not withdrawn.holds(later)
    assert kept is not None
    assert kept.holds(later)


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("SELECT 1", None),
        ("UPDATE receipts SET record = 'signed by nobody' WHERE sequence = 2", 2),
        ("UPDATE receipts SET record_hash = 'x' WHERE sequence = 2", 2),
        ("UPDATE receipts SET previous_hash = 'x' WHERE sequence = 3", 3),
        ("DELETE FROM receipts WHERE sequence = 2", 2),
        ("DELETE FROM receipts WHERE sequence = 1", 1),
    ],
)
def test_a_chain_that_was_tampered_with_says_where(
    db: Database, person_id: str, now: datetime, damage: str, broken: int | None
) -> None:
    for receipt_id in ("r1", "r2", "r3"):
        append(db, person_id, receipt_id, now)
    with db.write() as tx:
        tx.execute(text(damage))
        assert CONSENTS.first_broken(tx, person_id) == broken


def test_eight_writers_make_one_chain_without_a_gap(
    url: str, db: Database, person_id: str, now: datetime, rivals: Callable[..., list[object]]
) -> None:
    answers = rivals(8, "append", url, now.isoformat(), person_id, "5")
    taken = sorted(sequence for answer in answers if isinstance(answer, list) for sequence in answer)
    assert taken == list(range(1, 41))
    with db.read() as tx:
        assert CONSENTS.first_broken(tx, person_id) is None
        assert len(CONSENTS.list(tx, person_id)) == 40


def test_nobody_who_left_gets_a_receipt(db: Database, person_id: str, now: datetime) -> None:
    with db.write() as tx:
        Persons().set_status(tx, person_id, PersonStatus.CANCELLED, at=now)
    with pytest.raises(NotFound), db.write() as tx:
        CONSENTS.append(tx, person_id, lambda _sequence, _previous: pytest.fail("it was called"))
