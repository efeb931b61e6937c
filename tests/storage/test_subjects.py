"""A pairwise subject is derived once and then stays, whatever becomes of its key."""

from collections.abc import Callable
from datetime import datetime

from netid.identity.pseudonym import derive_pairwise_subject
from netid.storage.database import Database
from netid.storage.subjects import Subjects

KEY = b"k" * 32


def test_it_is_the_derived_value(db: Database, person_id: str) -> None:
    with db.write() as tx:
        subject = Subjects(KEY).subject_for(tx, person_id, "a.example")
    assert subject == derive_pairwise_subject(KEY, "a.example", person_id, 0)


def test_it_outlives_its_key(db: Database, person_id: str) -> None:
    with db.write() as tx:
        subject = Subjects(KEY).subject_for(tx, person_id, "a.example")
    with db.read() as tx:
        assert (
            Subjects(b"another key, as long as it must be").subject_for(tx, person_id, "a.example") == subject
        )


def test_sectors_and_people_have_their_own(db: Database, enrol: Callable[[], str]) -> None:
    one, other = enrol(), enrol()
    subjects = Subjects(KEY)
    with db.write() as tx:
        found = {
            subjects.subject_for(tx, person_id, sector).reveal()
            for person_id in (one, other)
            for sector in ("a.example", "b.example")
        }
    assert len(found) == 4


def test_one_that_was_ended_never_comes_back(db: Database, person_id: str, now: datetime) -> None:
    subjects, seen = Subjects(KEY), set()
    with db.write() as tx:
        for _ in range(3):
            subject = subjects.subject_for(tx, person_id, "a.example")
            seen.add(subject)
            assert subjects.end(tx, person_id, "a.example", now) == subject
            assert subjects.known_as(tx, person_id, "a.example") is None
            assert subjects.end(tx, person_id, "a.example", now) is None
    assert len(seen) == 3


def test_ending_one_leaves_every_other(db: Database, enrol: Callable[[], str], now: datetime) -> None:
    one, other = enrol(), enrol()
    subjects = Subjects(KEY)
    with db.write() as tx:
        for person_id in (one, other):
            for sector in ("a.example", "b.example"):
                subjects.subject_for(tx, person_id, sector)
        subjects.end(tx, one, "a.example", now)
        assert [known.sector for known in subjects.of_person(tx, one)] == ["b.example"]
        assert {known.sector for known in subjects.of_person(tx, other)} == {"a.example", "b.example"}


def test_a_session_has_another_name_for_each_recipient_and_each_subject(db: Database, person_id: str) -> None:
    subjects = Subjects(KEY)
    with db.write() as tx:
        a = subjects.subject_for(tx, person_id, "a.example")
        b = subjects.subject_for(tx, person_id, "b.example")
    names = [
        subjects.session_name(client_id, session_id, subject)
        for client_id in ("one", "two")
        for session_id in ("first", "second")
        for subject in (a, b)
    ]
    assert len(set(names)) == 8
    assert subjects.session_name("one", "first", a) == names[0]
