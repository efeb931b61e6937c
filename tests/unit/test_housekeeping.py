"""What has expired is forgotten, and what is still good stays."""

import sqlite3
import threading
from unittest.mock import Mock

import pytest
from sqlalchemy import exc, func, select

from netid.storage.sqlite_file import SqliteFile
from netid.storage.tables import access_tokens, interactions, sessions, single_use
from tests.protocol.visiting import Visitor
from tests.running import Running

TABLES = (access_tokens, interactions, sessions, single_use)


def rows(provider: Running) -> list[int]:
    with provider.provider.stores.db.read() as tx:
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES]


def test_nothing_is_forgotten_before_its_time(provider: Running) -> None:
    tokens = provider.register().tokens()
    before = rows(provider)
    assert all(before)
    provider.provider.housekeeping.forget()
    assert rows(provider) == before
    assert provider.register().userinfo(tokens["access_token"]).status_code == 200


def test_everything_is_forgotten_after_a_day(provider: Running) -> None:
    shop = provider.register()
    shop.tokens()
    provider.clock.advance(days=1)
    assert provider.provider.housekeeping.forget() >= len(TABLES)
    assert rows(provider) == [0] * len(TABLES)


def full_disk() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    return error


def test_f6_leaving_on_a_full_disk_is_answered_and_seen_through_once_there_is_room(
    provider: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(provider)
    page = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    monkeypatch.setattr(SqliteFile, "checkpoint", Mock(side_effect=full_disk()))
    left = visitor.send(page, decision="agree")
    assert left.status_code == 303
    reference = left.headers["Location"].rpartition("/")[2]
    cancellation, housekeeping = provider.provider.services.cancellation, provider.provider.housekeeping
    housekeeping.round()
    assert cancellation.state(reference).erased_at is None
    monkeypatch.undo()
    housekeeping.round()
    assert cancellation.state(reference).erased_at is not None


def test_a_round_that_fails_does_not_end_the_rounds(
    provider: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = threading.Event()
    tries: list[int] = []

    def forget() -> int:
        tries.append(1)
        if len(tries) > 2:
            rounds.set()
        raise exc.OperationalError("", None, full_disk())

    housekeeping = provider.provider.housekeeping
    monkeypatch.setattr(housekeeping, "forget", forget)
    monkeypatch.setattr(housekeeping, "_interval", 0.01)
    housekeeping.stop()
    housekeeping._stopping.clear()
    housekeeping.start()
    assert rounds.wait(10)
