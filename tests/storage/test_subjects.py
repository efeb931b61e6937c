"""A pairwise subject is derived once and then stays, whatever becomes of its key."""

from collections.abc import Callable

from netid.identity.pseudonym import derive_pairwise_subject
from netid.storage.database import Database
from netid.storage.subjects import Subjects

KEY = b"k" * 32


def test_it_is_the_derived_value(db: Database, person_id: str) -> None:
    with db.write() as tx:
        subject = Subjects(KEY).subject_for(tx, person_id, "a.example", 0)
    assert subject == derive_pairwise_subject(KEY, "a.example", person_id, 0)


def test_it_outlives_its_key(db: Database, person_id: str) -> None:
    with db.write() as tx:
        subject = Subjects(KEY).subject_for(tx, person_id, "a.example", 0)
    with db.read() as tx:
        assert (
            Subjects(b"another key, as long as it must be").subject_for(tx, person_id, "a.example", 0)
            == subject
        )


def test_sectors_people_and_generations_have_their_own(db: Database, enrol: Callable[[], str]) -> None:
    one, other = enrol(), enrol()
    subjects = Subjects(KEY)
    with db.write() as tx:
        found = {
            subjects.subject_for(tx, person_id, sector, generation).reveal()
            for person_id in (one, other)
            for sector in ("a.example", "b.example")
            for generation in (0, 1)
        }
    assert len(found) == 8
