"""Sessions belong to one browser; people can be signed out everywhere."""

from collections.abc import Callable
from datetime import datetime, timedelta

from netid.identity.levels import Factor
from netid.storage.database import Database
from netid.storage.sessions import Session, Sessions

SESSIONS = Sessions()


def sign_in(db: Database, digest: bytes, person_id: str, now: datetime) -> Session:
    session = Session(
        digest=digest,
        browser_digest=b"browser",
        session_id=f"session {digest.hex()}",
        person_id=person_id,
        proved=(Factor.PASSCODE, Factor.CREDENTIAL),
        auth_time=now,
        expires_at=now + timedelta(hours=1),
    )
    with db.write() as tx:
        SESSIONS.add(tx, **session.__dict__)
    return session


def test_a_session_is_found_in_its_own_browser_until_it_expires(
    db: Database, person_id: str, now: datetime
) -> None:
    session = sign_in(db, b"a", person_id, now)
    with db.read() as tx:
        assert SESSIONS.get(tx, b"a", b"browser", now) == session
        assert SESSIONS.get(tx, b"a", b"another browser", now) is None
        assert SESSIONS.get(tx, b"b", b"browser", now) is None
        assert SESSIONS.get(tx, b"a", b"browser", session.expires_at) is None


def test_a_session_that_was_ended_stays_ended(db: Database, person_id: str, now: datetime) -> None:
    sign_in(db, b"a", person_id, now)
    with db.write() as tx:
        assert SESSIONS.end(tx, b"a", now)
        assert not SESSIONS.end(tx, b"a", now)
        assert SESSIONS.get(tx, b"a", b"browser", now) is None


def test_a_person_is_signed_out_everywhere_and_nobody_else_is(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    for digest, person_id in ((b"a", one), (b"b", one), (b"c", other)):
        sign_in(db, digest, person_id, now)
    with db.write() as tx:
        assert SESSIONS.end_for(tx, one, now) == 2
        assert [d for d in (b"a", b"b", b"c") if SESSIONS.get(tx, d, b"browser", now)] == [b"c"]


def test_purging_forgets_expired_sessions_alone(db: Database, person_id: str, now: datetime) -> None:
    sign_in(db, b"a", person_id, now)
    with db.write() as tx:
        assert SESSIONS.purge(tx, now) == 0
        assert SESSIONS.purge(tx, now + timedelta(hours=2)) == 1


def test_a_browser_knows_who_enrolled_in_it(db: Database, enrol: Callable[[], str], now: datetime) -> None:
    one, other, elsewhere = enrol(), enrol(), enrol()
    with db.write() as tx:
        SESSIONS.introduce(tx, b"browser", other, now + timedelta(seconds=1))
        SESSIONS.introduce(tx, b"browser", one, now)
        SESSIONS.introduce(tx, b"browser", one, now + timedelta(seconds=2))
        SESSIONS.introduce(tx, b"another browser", elsewhere, now)
        assert SESSIONS.people_of(tx, b"browser") == [one, other]
        SESSIONS.forget(tx, one)
        assert SESSIONS.people_of(tx, b"browser") == [other]


def test_a_person_ends_one_of_their_sessions_and_nobody_elses(
    db: Database, enrol: Callable[[], str], now: datetime
) -> None:
    one, other = enrol(), enrol()
    first, second = sign_in(db, b"a", one, now), sign_in(db, b"b", one, now)
    sign_in(db, b"c", other, now)
    with db.write() as tx:
        assert SESSIONS.of_person(tx, one, now) == [first, second]
        assert SESSIONS.is_open(tx, first.session_id)
        assert SESSIONS.end(tx, first.digest, now)
        assert not SESSIONS.is_open(tx, first.session_id)
        assert SESSIONS.of_person(tx, one, now) == [second]
        assert len(SESSIONS.of_person(tx, other, now)) == 1
        assert SESSIONS.of_person(tx, one, second.expires_at) == []


def test_where_a_session_led_is_forgotten_with_it(db: Database, person_id: str, now: datetime) -> None:
    session = sign_in(db, b"a", person_id, now)
    with db.write() as tx:
        for client_id in ("shop", "shop", "game"):
            SESSIONS.visit(tx, session.session_id, client_id)
        assert SESSIONS.visited(tx, session.session_id) == ["game", "shop"]
        SESSIONS.leave(tx, session.session_id, "game")
        SESSIONS.purge(tx, now)
        assert SESSIONS.visited(tx, session.session_id) == ["shop"]
        SESSIONS.purge(tx, session.expires_at + timedelta(seconds=1))
        assert SESSIONS.visited(tx, session.session_id) == []
