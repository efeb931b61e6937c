"""Secrets that work once, however many ask for them at once."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import text

from netid.storage.database import Database
from netid.storage.single_use import KEPT_AFTER_EXPIRY, Kind, SingleUse

SECRETS = SingleUse()
CODE = b"the code"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def code(db: Database, now: datetime) -> bytes:
    with db.write() as tx:
        SECRETS.put(tx, Kind.CODE, CODE, '{"for":"forum"}', now + MINUTE)
    return CODE


def test_a_code_is_taken_once(db: Database, now: datetime, code: bytes) -> None:
    with db.write() as tx:
        assert SECRETS.consume(tx, Kind.CODE, code, now) == '{"for":"forum"}'
        assert SECRETS.consume(tx, Kind.CODE, code, now) is None
    with db.write() as tx:
        assert SECRETS.consume(tx, Kind.CODE, code, now) is None


def test_peeking_takes_nothing(db: Database, now: datetime, code: bytes) -> None:
    with db.write() as tx:
        assert SECRETS.peek(tx, Kind.CODE, code, now) == '{"for":"forum"}'
        assert SECRETS.peek(tx, Kind.CODE, code, now + MINUTE) is None
        assert SECRETS.consume(tx, Kind.CODE, code, now) is not None
        assert SECRETS.peek(tx, Kind.CODE, code, now) is None


def test_a_code_dies_at_its_expiry(db: Database, now: datetime, code: bytes) -> None:
    with db.write() as tx:
        assert SECRETS.consume(tx, Kind.CODE, code, now + MINUTE) is None
        assert SECRETS.consume(tx, Kind.CODE, code, now + MINUTE - timedelta(milliseconds=1)) is not None


def test_what_was_begun_in_time_is_finished_once_also_after_its_expiry(db: Database, now: datetime) -> None:
    with db.write() as tx:
        SECRETS.put(tx, Kind.REQUEST_URI, b"pushed", "{}", now + MINUTE)
        assert not SECRETS.finish(tx, Kind.CODE, b"pushed", now)
        assert SECRETS.finish(tx, Kind.REQUEST_URI, b"pushed", now + 2 * MINUTE)
        assert not SECRETS.finish(tx, Kind.REQUEST_URI, b"pushed", now)
        assert SECRETS.peek(tx, Kind.REQUEST_URI, b"pushed", now) is None
        assert not SECRETS.finish(tx, Kind.REQUEST_URI, b"never pushed", now)


@pytest.mark.parametrize(("kind", "other"), list(permutations(Kind, 2)))
def test_t9_a_secret_is_not_taken_for_one_of_another_kind(
    db: Database, now: datetime, kind: Kind, other: Kind
) -> None:
    with db.write() as tx:
        SECRETS.put(tx, kind, b"a secret", '{"for":"forum"}', now + MINUTE)
        assert SECRETS.peek(tx, other, b"a secret", now) is None
        assert SECRETS.consume(tx, other, b"a secret", now) is None
        assert not SECRETS.finish(tx, other, b"a secret", now)
        assert SECRETS.spent(tx, other, b"a secret") is None
        assert SECRETS.put_once(tx, other, b"a secret", now + MINUTE)
        assert SECRETS.consume(tx, kind, b"a secret", now) == '{"for":"forum"}'


def test_what_a_spent_code_stood_for_is_known(db: Database, now: datetime, code: bytes) -> None:
    with db.write() as tx:
        assert SECRETS.spent(tx, Kind.CODE, code) is None
        SECRETS.consume(tx, Kind.CODE, code, now)
        assert SECRETS.spent(tx, Kind.CODE, code) == '{"for":"forum"}'


def test_an_undone_transaction_leaves_the_code_unspent(db: Database, now: datetime, code: bytes) -> None:
    with db.write() as tx:
        SECRETS.consume(tx, Kind.CODE, code, now)
        tx.rollback()
    with db.write() as tx:
        assert SECRETS.consume(tx, Kind.CODE, code, now) is not None


def test_a_jti_is_seen_once(db: Database, now: datetime) -> None:
    with db.write() as tx:
        assert SECRETS.put_once(tx, Kind.DPOP_JTI, b"a jti", now)
        assert not SECRETS.put_once(tx, Kind.DPOP_JTI, b"a jti", now + MINUTE)
        assert SECRETS.put_once(tx, Kind.DPOP_JTI, b"another", now)


def test_f11_a_jti_stays_seen_when_the_clock_jumps_ahead_and_back(db: Database, now: datetime) -> None:
    with db.write() as tx:
        SECRETS.put_once(tx, Kind.DPOP_JTI, b"a jti", now + MINUTE)
        assert SECRETS.purge(tx, now + timedelta(hours=1)) == 0
        assert not SECRETS.put_once(tx, Kind.DPOP_JTI, b"a jti", now + MINUTE)


def test_purging_forgets_what_expired_long_ago_and_nothing_else(
    db: Database, now: datetime, code: bytes
) -> None:
    with db.write() as tx:
        SECRETS.put(tx, Kind.NONCE, b"later", "{}", now + 2 * MINUTE)
        assert SECRETS.purge(tx, now + MINUTE + KEPT_AFTER_EXPIRY + timedelta(seconds=1)) == 1
        assert tx.execute(text("SELECT kind FROM single_use")).scalars().all() == ["nonce"]


# F4, T2: eight at once


def eight_at_once(take: Callable[[], str | None]) -> int:
    """How many of eight threads get the code."""
    taken: list[str | None] = []
    barrier = threading.Barrier(8)

    def rival() -> None:
        barrier.wait()
        taken.append(take())

    threads = [threading.Thread(target=rival) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 8
    return sum(payload is not None for payload in taken)


def test_of_eight_threads_one_wins(db: Database, now: datetime, code: bytes) -> None:
    def take() -> str | None:
        with db.write() as tx:
            return SECRETS.consume(tx, Kind.CODE, code, now)

    assert eight_at_once(take) == 1


def test_select_then_update_lets_more_than_one_win(db: Database, now: datetime, code: bytes) -> None:
    """The failing control: looking first and marking afterwards is how codes get used twice."""
    everybody_has_looked = threading.Barrier(8)

    def take() -> str | None:
        with db.read() as tx:
            payload = SECRETS.peek(tx, Kind.CODE, code, now)
        everybody_has_looked.wait()
        with db.write() as tx:
            tx.execute(text("UPDATE single_use SET consumed_at = 1 WHERE kind = 'code'"))
        return payload

    assert eight_at_once(take) == 8


def test_of_eight_processes_one_wins(
    url: str, now: datetime, code: bytes, rivals: Callable[..., list[object]]
) -> None:
    answers = rivals(8, "consume", url, now.isoformat())
    assert sorted(map(str, answers)) == ["None"] * 7 + ['{"for":"forum"}']


def test_of_eight_processes_one_shows_the_jti_first(
    url: str, db: Database, now: datetime, rivals: Callable[..., list[object]]
) -> None:
    """P3."""
    assert sorted(map(str, rivals(8, "put_once", url, now.isoformat()))) == ["False"] * 7 + ["True"]


def test_what_is_given_anew_works_once_more(db: Database, now: datetime) -> None:
    later = now + timedelta(minutes=5)
    with db.write() as tx:
        for payload in ("first", "second"):
            SECRETS.renew(tx, Kind.ACTION, b"an act", payload, later)
        assert SECRETS.consume(tx, Kind.ACTION, b"an act", now) == "second"
        assert SECRETS.consume(tx, Kind.ACTION, b"an act", now) is None
        SECRETS.renew(tx, Kind.ACTION, b"an act", "third", later)
        assert SECRETS.consume(tx, Kind.ACTION, b"an act", now) == "third"


def test_a_request_uri_is_forgotten_when_it_expires_and_a_code_later(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for kind in (Kind.REQUEST_URI, Kind.CODE):
            SECRETS.put(tx, kind, b"one", "a payload", now)
        assert SECRETS.purge(tx, now + timedelta(seconds=1)) == 1
        assert SECRETS.purge(tx, now + KEPT_AFTER_EXPIRY + timedelta(seconds=1)) == 1
