"""Entries of status lists: drawn at random, used once, and saying what they say from a moment on."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count, pairwise
from random import Random

import pytest

from netid.credentials.status_list import Status
from netid.storage.copies import FULL, LIST_SIZE, Change, Copies, Entry, shown_at
from netid.storage.database import Database
from netid.storage.tables import status_lists

COPIES = Copies()
LIST = "list-a"
DAY = timedelta(days=1)


@pytest.fixture
def list_(db: Database, now: datetime) -> str:
    with db.write() as tx:
        COPIES.begin_list(tx, LIST, now)
    return LIST


def take(db: Database, person_id: str, number: int, now: datetime, draw: Callable[[], int]) -> list[Entry]:
    with db.write() as tx:
        return COPIES.take(tx, LIST, person_id, number, now, now + 30 * DAY, draw)


def test_an_index_is_used_once_whatever_is_drawn(
    db: Database, list_: str, person_id: str, now: datetime
) -> None:
    drawn = iter([7, 7, 7 + LIST_SIZE, 8, 8, 9])
    assert [one.index for one in take(db, person_id, 2, now, lambda: next(drawn))] == [7, 8]
    assert [one.index for one in take(db, person_id, 1, now, lambda: next(drawn))] == [9]


def test_s6_an_index_says_nothing_of_the_order(
    db: Database, list_: str, person_id: str, now: datetime
) -> None:
    random = Random(5)
    taken = [one.index for one in take(db, person_id, 400, now, lambda: random.getrandbits(32))]
    quarters = Counter(index * 4 // LIST_SIZE for index in taken)
    assert min(quarters.values()) > 60
    rising = sum(one < other for one, other in pairwise(taken))
    assert 150 < rising < 250


def test_a_list_that_is_half_full_is_not_open_any_more(
    db: Database, list_: str, person_id: str, now: datetime
) -> None:
    before = now - DAY
    with db.read() as tx:
        assert COPIES.open_list(tx, before) == LIST
        assert COPIES.open_list(tx, now) is None, "lists of before that moment do not count"
    with db.write() as tx:
        tx.execute(status_lists.update().values(used=FULL))
        assert COPIES.open_list(tx, before) is None


def test_a_change_is_said_from_its_moment_on(db: Database, list_: str, person_id: str, now: datetime) -> None:
    numbers = count()
    first, second = take(db, person_id, 2, now, lambda: next(numbers))
    with db.write() as tx:
        assert COPIES.said(tx, LIST, now) == {}
        COPIES.change(tx, Change(first, Status.SUSPENDED, Status.VALID, now + DAY))
        assert COPIES.said(tx, LIST, now) == {}
        assert COPIES.said(tx, LIST, now + DAY) == {first.index: Status.SUSPENDED}
        [one, other] = sorted(COPIES.live(tx, person_id, now), key=lambda change: change.entry.index)
        assert (one.status, other.status) == (Status.SUSPENDED, Status.VALID)
        assert shown_at(one, now) is Status.VALID
        COPIES.change(tx, Change(first, Status.VALID, Status.SUSPENDED, now + 2 * DAY))
        assert COPIES.said(tx, LIST, now + DAY) == {first.index: Status.SUSPENDED}
        assert COPIES.said(tx, LIST, now + 2 * DAY) == {}
        COPIES.change(tx, Change(second, Status.INVALID, Status.VALID, now))
        assert [change.entry for change in COPIES.live(tx, person_id, now)] == [first]
        assert COPIES.count(tx, person_id, now) == 2
        assert COPIES.count(tx, person_id, now + 30 * DAY) == 0


def test_a_list_is_forgotten_when_its_last_copy_has_expired(
    db: Database, list_: str, person_id: str, now: datetime
) -> None:
    take(db, person_id, 1, now, lambda: 3)
    with db.write() as tx:
        assert COPIES.purge(tx, now + 30 * DAY) == 0
        assert COPIES.purge(tx, now + 30 * DAY + timedelta(seconds=1)) == 1
        assert COPIES.begun_at(tx, LIST) is None
        assert COPIES.count(tx, person_id, now) == 0


def test_everything_kept_of_a_person_is_listed_also_what_is_over(
    db: Database, list_: str, person_id: str, now: datetime
) -> None:
    numbers = count()
    first, second = take(db, person_id, 2, now, lambda: next(numbers))
    with db.write() as tx:
        COPIES.change(tx, Change(first, Status.INVALID, Status.VALID, now))
        kept = COPIES.of_person(tx, person_id)
        assert [(change.entry, change.status) for change, _ in kept] == [
            (first, Status.INVALID),
            (second, Status.VALID),
        ]
        assert {ends for _, ends in kept} == {now + 30 * DAY}
        assert COPIES.of_person(tx, "somebody-else") == []
