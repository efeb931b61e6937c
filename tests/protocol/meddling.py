"""What a test does behind the provider's back: people who leave, and a database that is held."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from netid.identity.text import Text
from netid.storage.persons import PersonStatus, Suspension
from tests.running import Running


def person_id_of(running: Running, persona: str) -> str:
    """Who plays that persona."""
    with running.provider.stores.db.read() as tx:
        return running.provider.stores.persons.personas(tx)[persona]


def set_status(running: Running, status: str, persona: str = "an-adult") -> None:
    """Suspends or cancels a persona."""
    set_status_of(running, person_id_of(running, persona), status)


def set_status_of(running: Running, person_id: str, status: str) -> None:
    """Suspends or cancels somebody, as an operator would."""
    stores, now = running.provider.stores, running.clock.now()
    suspension = None
    if status == "suspended":
        suspension = Suspension(reason=Text(zh="测试", en="A test"), since=now, until=None)
    with stores.db.write() as tx:
        if status == "cancelled":
            running.provider.vault.destroy(tx, person_id)
        assert stores.persons.set_status(tx, person_id, PersonStatus(status), at=now, suspension=suspension)


def latest_receipt(running: Running, persona: str = "an-adult") -> tuple[str, str]:
    """The person's id and the id of their latest receipt."""
    person_id = person_id_of(running, persona)
    with running.provider.stores.db.read() as tx:
        return person_id, running.provider.stores.consents.list(tx, person_id)[0].receipt.receipt_id


@contextmanager
def held(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database's write lock is somebody else's meanwhile, and the provider does not wait long for it."""
    db = running.provider.stores.db
    with db.write() as tx:
        tx.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr(db, "_patience_seconds", 0.1)
    with closing(sqlite3.connect(running.directory / "netid.db", isolation_level=None)) as somebody_else:
        somebody_else.execute("BEGIN IMMEDIATE")
        yield
