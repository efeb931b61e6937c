"""Guessing gets slow; nobody is locked out for good."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from netid.storage.database import Database
from netid.storage.throttle import LONGEST_DELAY, QUIET_TIME, Throttle, delay_after

THROTTLE = Throttle()
KEY = b"an account"


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (1, 0), (3, 0), (4, 5), (5, 10), (6, 20), (7, 40), (8, 80), (9, 160), (10, 300), (1000, 300)],
)
def test_the_delay_doubles_from_the_fourth_failure_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert delay_after(failures) == timedelta(seconds=seconds)


def test_three_failures_are_free_and_the_fourth_waits(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            assert THROTTLE.attempt(tx, KEY, now) == 0
        assert THROTTLE.failed(tx, KEY, now) == 5
        assert THROTTLE.attempt(tx, KEY, now) == 5
        assert THROTTLE.attempt(tx, KEY, now + timedelta(milliseconds=4001)) == 1
        assert THROTTLE.attempt(tx, KEY, now + timedelta(seconds=5)) == 0
        assert THROTTLE.failed(tx, KEY, now + timedelta(seconds=5)) == 10


def test_waiting_attempts_do_not_make_the_wait_longer(db: Database, now: datetime) -> None:
    """A18: who tries while it is slowed down does not keep the owner out."""
    with db.write() as tx:
        for _ in range(100):
            THROTTLE.attempt(tx, KEY, now)
        assert THROTTLE.failed(tx, KEY, now) == 5


def test_no_wait_is_longer_than_five_minutes(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(50):
            THROTTLE.attempt(tx, KEY, now)
            wait = THROTTLE.failed(tx, KEY, now)
            assert wait <= LONGEST_DELAY.total_seconds()
            now += timedelta(seconds=wait)


def test_the_owner_who_passes_starts_anew(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            THROTTLE.attempt(tx, KEY, now)
        THROTTLE.passed(tx, KEY)
        assert THROTTLE.failed(tx, KEY, now) == 0
        for _ in range(4):
            assert THROTTLE.attempt(tx, KEY, now) == 0


def test_accounts_are_slowed_down_apart(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            THROTTLE.attempt(tx, KEY, now)
        assert THROTTLE.attempt(tx, b"another account", now) == 0


def test_a_quiet_day_forgives(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            THROTTLE.attempt(tx, KEY, now)
        next_day = now + timedelta(seconds=5) + QUIET_TIME
        for _ in range(4):
            assert THROTTLE.attempt(tx, KEY, next_day) == 0
        assert THROTTLE.failed(tx, KEY, next_day) == 5


def test_f11_a_clock_that_was_set_back_locks_nobody_out(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            THROTTLE.attempt(tx, KEY, now)
        assert THROTTLE.attempt(tx, KEY, now - timedelta(days=1)) == 0


def test_an_attempt_whose_answer_never_came_counts(db: Database, now: datetime) -> None:
    with db.write() as tx:
        for _ in range(4):
            THROTTLE.attempt(tx, KEY, now)
    with db.read() as tx:
        assert THROTTLE.failed(tx, KEY, now) == 5


def test_attempts_made_all_at_once_do_not_slip_by(
    url: str, db: Database, now: datetime, rivals: Callable[..., list[object]]
) -> None:
    assert sorted(map(str, rivals(8, "attempt", url, now.isoformat()))) == ["0"] * 4 + ["5"] * 4


def test_purging_forgets_quiet_accounts_alone(db: Database, now: datetime) -> None:
    with db.write() as tx:
        THROTTLE.attempt(tx, KEY, now)
        THROTTLE.attempt(tx, b"another account", now + timedelta(hours=2))
        assert THROTTLE.purge(tx, now + QUIET_TIME + timedelta(hours=1)) == 1


def test_right_passcodes_sent_at_once_are_all_looked_at(db: Database, now: datetime) -> None:
    """Each forgets the slips of the account, whose row others are just waiting for."""

    def sign_in(_: int) -> int:
        with db.write() as tx:
            waited = THROTTLE.attempt(tx, KEY, now)
        with db.write() as tx:
            THROTTLE.passed(tx, KEY)
        return waited

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(sign_in, range(200))) <= {0, 5}
