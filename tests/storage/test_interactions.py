"""A sign-in under way belongs to one browser, and ends once."""

from datetime import datetime, timedelta

import pytest

from netid.storage.database import Database
from netid.storage.interactions import Interactions, StoredInteraction

INTERACTIONS = Interactions()
BEGUN = StoredInteraction(
    digest=b"its name",
    browser_digest=b"browser",
    request='{"client_id":"forum"}',
    state="{}",
    expires_at=datetime.fromisoformat("2026-11-23T06:45:00Z"),
)


@pytest.fixture
def db(db: Database) -> Database:
    with db.write() as tx:
        INTERACTIONS.add(tx, **BEGUN.__dict__)
    return db


def test_it_is_found_in_its_own_browser_alone(db: Database, now: datetime) -> None:
    with db.read() as tx:
        assert INTERACTIONS.get(tx, b"its name", b"browser", now) == BEGUN
        assert INTERACTIONS.get(tx, b"its name", b"another browser", now) is None
        assert INTERACTIONS.get(tx, b"another name", b"browser", now) is None


def test_it_expires(db: Database, now: datetime) -> None:
    with db.read() as tx:
        assert INTERACTIONS.get(tx, b"its name", b"browser", BEGUN.expires_at) is None


def test_it_remembers_how_far_it_has_come(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert INTERACTIONS.update(tx, b"its name", '{"person":"x"}')
        held = INTERACTIONS.hold(tx, b"its name", b"browser", now)
        assert held is not None
        assert held.state == '{"person":"x"}'


def test_it_ends_once_and_then_is_gone(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert INTERACTIONS.finish(tx, b"its name", now)
        assert not INTERACTIONS.finish(tx, b"its name", now)
        assert not INTERACTIONS.update(tx, b"its name", "{}")
        assert INTERACTIONS.get(tx, b"its name", b"browser", now) is None
        assert INTERACTIONS.hold(tx, b"its name", b"browser", now) is None


def test_that_it_has_ended_is_told_to_its_own_browser_alone(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert not INTERACTIONS.has_ended(tx, b"its name", b"browser")
        INTERACTIONS.finish(tx, b"its name", now)
        assert INTERACTIONS.has_ended(tx, b"its name", b"browser")
        assert not INTERACTIONS.has_ended(tx, b"its name", b"another browser")


def test_purging_forgets_expired_ones_alone(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert INTERACTIONS.purge(tx, now) == 0
        assert INTERACTIONS.purge(tx, BEGUN.expires_at + timedelta(seconds=1)) == 1
