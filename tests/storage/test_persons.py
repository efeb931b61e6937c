"""People are found by keyed digests; one document, one net number; cancellation is final."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from netid.errors import AlreadyEnrolled, StorageBusy
from netid.identity.text import Text
from netid.storage.database import Database
from netid.storage.persons import NewPerson, Person, Persons, PersonStatus, Suspension, index_digest

PERSONS = Persons()


def get(db: Database, person_id: str) -> Person:
    with db.read() as tx:
        person = PERSONS.get(tx, person_id)
    assert person is not None
    return person


@pytest.fixture
def newcomer(now: datetime) -> NewPerson:
    return NewPerson("f" * 32, b"a number", b"a document", "a hash", None, now)


def test_a_person_is_found_by_id_net_number_and_document(
    db: Database, newcomer: NewPerson, now: datetime
) -> None:
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
    expected = Person("f" * 32, PersonStatus.ACTIVE, b"a number", "a hash", None, None, now, None)
    with db.read() as tx:
        assert PERSONS.get(tx, "f" * 32) == expected
        assert PERSONS.by_net_number(tx, b"a number") == expected
        assert PERSONS.by_document(tx, b"a document") == expected
        assert PERSONS.get(tx, "e" * 32) is None
        assert PERSONS.by_net_number(tx, b"a document") is None
        assert PERSONS.by_document(tx, b"a number") is None


@pytest.mark.parametrize("outside", ["a\0b", "\ud800", "é\x85"])
def test_names_that_no_database_can_hold_are_nobodys(db: Database, outside: str) -> None:
    with db.read() as tx:
        assert PERSONS.get(tx, outside) is None
        assert PERSONS.by_persona(tx, outside) is None


def test_one_document_gets_one_net_number(db: Database, newcomer: NewPerson) -> None:
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
    again = replace(newcomer, person_id="e" * 32, net_number_digest=b"another number")
    with db.write() as tx, pytest.raises(AlreadyEnrolled):
        PERSONS.add(tx, again)
    with db.read() as tx:
        assert PERSONS.get(tx, again.person_id) is None


def test_a_net_number_drawn_twice_is_refused(db: Database, newcomer: NewPerson) -> None:
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
    again = replace(newcomer, person_id="e" * 32, document_digest=b"another document")
    with db.write() as tx, pytest.raises(StorageBusy):
        PERSONS.add(tx, again)


def test_a_renewed_document_is_known_beside_the_one_before(
    db: Database, newcomer: NewPerson, enrol: Callable[[], str]
) -> None:
    other = enrol()
    again = replace(newcomer, person_id="e" * 32, net_number_digest=b"another number")
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
        assert PERSONS.renew_document(tx, newcomer.person_id, b"renewed")
        assert PERSONS.renew_document(tx, newcomer.person_id, b"renewed"), "the same once more"
        assert [holder(PERSONS.by_document(tx, one)) for one in (b"renewed", b"a document")] == [
            newcomer.person_id,
            None,
        ]
        former = [PERSONS.by_former_document(tx, one) for one in (b"a document", b"renewed")]
        assert [holder(one) for one in former] == [newcomer.person_id, None]
        assert not PERSONS.renew_document(tx, "e" * 32, b"nobody's")
        assert PERSONS.renew_document(tx, other, b"something else")
    for taken in (b"a document", b"renewed"):
        with db.write() as tx, pytest.raises(AlreadyEnrolled):
            PERSONS.add(tx, replace(again, document_digest=taken))
    with db.read() as tx:
        assert PERSONS.get(tx, again.person_id) is None


def test_a_document_that_is_replaced_is_known_no_more(db: Database, newcomer: NewPerson) -> None:
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
        PERSONS.renew_document(tx, newcomer.person_id, b"renewed")
        assert PERSONS.replace_document(tx, newcomer.person_id, b"of the day")
        assert PERSONS.by_former_document(tx, newcomer.document_digest) is None
        assert PERSONS.by_document(tx, b"renewed") is None
        assert holder(PERSONS.by_document(tx, b"of the day")) == newcomer.person_id


def holder(person: Person | None) -> str | None:
    return person.person_id if person else None


def test_a_child_has_its_guardian(db: Database, newcomer: NewPerson, person_id: str) -> None:
    with db.write() as tx:
        PERSONS.add(tx, replace(newcomer, guardian_id=person_id))
    assert get(db, newcomer.person_id).guardian_id == person_id


def test_a_suspension_is_kept_with_its_reason_and_lifted(db: Database, person_id: str, now: datetime) -> None:
    suspension = Suspension(
        reason=Text(zh="证件已挂失", en="The document was reported lost"),
        since=now,
        until=now + timedelta(days=7),
    )
    with db.write() as tx:
        assert PERSONS.set_status(tx, person_id, PersonStatus.SUSPENDED, at=now, suspension=suspension)
    suspended = get(db, person_id)
    assert (suspended.status, suspended.suspension) == (PersonStatus.SUSPENDED, suspension)
    with db.write() as tx:
        assert PERSONS.set_status(tx, person_id, PersonStatus.ACTIVE, at=now)
    lifted = get(db, person_id)
    assert (lifted.status, lifted.suspension) == (PersonStatus.ACTIVE, None)


def test_a_cancellation_leaves_nothing_to_find_or_check_the_person_by(
    db: Database, newcomer: NewPerson, now: datetime
) -> None:
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
        assert PERSONS.renew_document(tx, newcomer.person_id, b"renewed")
        assert PERSONS.set_status(tx, newcomer.person_id, PersonStatus.CANCELLED, at=now)
        assert PERSONS.by_former_document(tx, newcomer.document_digest) is None
        assert PERSONS.by_document(tx, b"renewed") is None
        assert PERSONS.by_net_number(tx, newcomer.net_number_digest) is None
        assert PERSONS.by_document(tx, newcomer.document_digest) is None
        left = PERSONS.get(tx, newcomer.person_id)
    assert left == Person(newcomer.person_id, PersonStatus.CANCELLED, None, None, None, None, now, now)


def test_a_cancellation_is_final_and_the_document_can_be_used_again(
    db: Database, newcomer: NewPerson, now: datetime
) -> None:
    """R5."""
    with db.write() as tx:
        PERSONS.add(tx, newcomer)
        PERSONS.set_status(tx, newcomer.person_id, PersonStatus.CANCELLED, at=now)
        assert not PERSONS.set_status(tx, newcomer.person_id, PersonStatus.ACTIVE, at=now)
        assert not PERSONS.set_status(tx, newcomer.person_id, PersonStatus.CANCELLED, at=now)
        PERSONS.add(tx, replace(newcomer, person_id="e" * 32))


def test_nobodys_status_cannot_be_set(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert not PERSONS.set_status(tx, "e" * 32, PersonStatus.SUSPENDED, at=now)


def test_personas_are_played_by_people(db: Database, enrol: Callable[[], str]) -> None:
    adult, child = enrol(), enrol()
    with db.write() as tx:
        PERSONS.bind_persona(tx, "an-adult", adult)
        PERSONS.bind_persona(tx, "a-child", child)
        assert PERSONS.personas(tx) == {"a-child": child, "an-adult": adult}
        played = PERSONS.by_persona(tx, "an-adult")
        assert played is not None
        assert played.person_id == adult
        assert PERSONS.by_persona(tx, "nobody") is None


def test_an_index_digest_is_a_keyed_hash_of_domain_and_value() -> None:
    # From `printf '\0\0\0\012net-numberKO12345678' | openssl dgst -sha256 -mac HMAC -macopt hexkey:6b…6b`
    key = b"k" * 32
    digest = index_digest(key, "net-number", "KO12345678")
    assert digest.hex() == "20b7e9743ba2be95d3266ffe925bec0f2f71900e3c55a590d6e034283f77732a"
    assert digest != index_digest(b"K" * 32, "net-number", "KO12345678")
    assert digest != index_digest(key, "document", "KO12345678")
    assert index_digest(key, "a", "bc") != index_digest(key, "ab", "c")
