"""Slowing down who guesses, without ever locking an account's owner out for good."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import throttle as table
from netid.storage.transaction import Transaction

FREE_FAILURES = 3
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=5)
QUIET_TIME = timedelta(days=1)
"""After so long without an attempt the count starts anew."""

_SECOND = timedelta(seconds=1)
# It locks the row it finds and makes the one it does not: between two statements it could be forgotten.
_LOCK = (
    insert(table)
    .on_conflict_do_update(index_elements=[table.c.key_digest], set_={"failures": table.c.failures})
    .returning(table.c.failures, table.c.next_attempt_at)
)
_LOOK = select(table.c.next_attempt_at).where(table.c.key_digest == bindparam("key"))
_COUNT = (
    update(table)
    .where(table.c.key_digest == bindparam("key"))
    .values(failures=bindparam("b_failures"), next_attempt_at=bindparam("b_next"))
)
_FORGET = delete(table).where(table.c.key_digest == bindparam("key"))
_PURGE = delete(table).where(table.c.next_attempt_at < bindparam("before"))


def delay_after(failures: int) -> timedelta:
    """How long the next attempt waits: nothing for three failures, then 5 s, doubling up to 5 minutes."""
    if failures <= FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES - 1, 16)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


class Throttle:
    """Attempts per account, under the digest of whatever names the account.

    An attempt is counted as failed before it is looked at, and forgiven when it passes, so that
    attempts made all at once do not slip by. Each call belongs into a transaction that commits,
    whatever the attempt's outcome.
    """

    def attempt(self, tx: Transaction, key_digest: bytes, now: datetime) -> int:
        """Seconds to wait before an attempt is looked at; 0 = go, and it is counted."""
        new = {"key_digest": key_digest, "failures": 0, "next_attempt_at": now}
        failures, next_attempt_at = tx.execute(_LOCK, new).one()
        if wait := _seconds(next_attempt_at, now):
            return wait
        failures = 1 if now - next_attempt_at >= QUIET_TIME else failures + 1
        values = {"key": key_digest, "b_failures": failures, "b_next": now + delay_after(failures)}
        tx.execute(_COUNT, values)
        return 0

    def failed(self, tx: Transaction, key_digest: bytes, now: datetime) -> int:
        """Seconds that the next attempt has to wait, after one that failed."""
        next_attempt_at = tx.execute(_LOOK, {"key": key_digest}).scalar()
        return 0 if next_attempt_at is None else _seconds(next_attempt_at, now)

    def passed(self, tx: Transaction, key_digest: bytes) -> None:
        """Forget the failures: the owner was here."""
        tx.execute(_FORGET, {"key": key_digest})

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget accounts that were quiet for a day; how many."""
        return tx.execute(_PURGE, {"before": now - QUIET_TIME}).rowcount


def _seconds(next_attempt_at: datetime, now: datetime) -> int:
    wait = next_attempt_at - now
    # Longer than the longest delay means that the clock was set back: nobody waits for that.
    return -(-wait // _SECOND) if timedelta(0) < wait <= LONGEST_DELAY else 0
