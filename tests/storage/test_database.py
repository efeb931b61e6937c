"""Transactions, and what happens when their turn does not come."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from unittest.mock import Mock

import psycopg
import pytest
from sqlalchemy import exc, text

from netid.errors import StorageBusy
from netid.settings import SettingsError
from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.sqlite_file import SqliteFile

INSTANCE = Instance()


def put(db: Database, between: Callable[[], object] = lambda: None, **facts: str) -> None:
    """Sets facts in one transaction, with something happening before the last of them."""
    *others, last = facts.items()
    with db.write() as tx:
        for name, value in others:
            INSTANCE.put(tx, name, value)
        between()
        INSTANCE.put(tx, *last)


def test_a_write_is_there_for_the_next_reader(db: Database) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
    with db.read() as tx:
        assert INSTANCE.get(tx, "epoch") == "1"


def test_an_error_undoes_the_whole_transaction(db: Database) -> None:
    def write_and_fail() -> None:
        with db.write() as tx:
            INSTANCE.put(tx, "epoch", "1")
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    with db.read() as tx:
        assert INSTANCE.get(tx, "epoch") is None


def test_a_reader_sees_no_unfinished_write_and_does_not_wait(db: Database) -> None:
    with db.write() as writing:
        INSTANCE.put(writing, "epoch", "1")
        with db.read() as reading:
            assert INSTANCE.get(reading, "epoch") is None


def test_an_error_of_the_statement_is_not_called_busy(db: Database) -> None:
    with pytest.raises(exc.DBAPIError), db.read() as tx:
        tx.execute(text("SELECT nothing FROM nowhere"))


def test_threads_that_write_all_get_their_turn(db: Database) -> None:
    def count() -> None:
        for _ in range(20):
            with db.write() as tx:
                tx.execute(text("UPDATE instance SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"))

    with db.write() as tx:
        INSTANCE.put(tx, "count", "0")
    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as tx:
        assert INSTANCE.get(tx, "count") == "160"


# F8: a busy database is busy, and nothing else


def test_sqlite_held_by_another_process_is_busy(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main", patience_seconds=0)
    db.migrate()
    with closing(sqlite3.connect(tmp_path / "main.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageBusy), db.write():
            pytest.fail("it was not its turn")
        with db.read() as tx:
            assert INSTANCE.get(tx, "epoch") is None
        other.execute("ROLLBACK")
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
    db.close()


def test_sqlite_held_by_another_thread_is_busy(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main", patience_seconds=0)
    db.migrate()
    caught: list[StorageBusy] = []

    def write() -> None:
        try:
            with db.write():
                pass
        except StorageBusy as busy:
            caught.append(busy)

    with db.write():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(caught) == 1
    db.close()


def test_a_row_that_postgresql_does_not_give_in_time_is_busy(postgres_url: str) -> None:
    db = Database(postgres_url, "main", patience_seconds=1)
    db.migrate()
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT * FROM instance FOR UPDATE")
        with pytest.raises(StorageBusy):
            put(db, other="2", epoch="2")
    with db.read() as tx:
        assert (INSTANCE.get(tx, "epoch"), INSTANCE.get(tx, "other")) == ("1", None)
    db.close()


def test_a_connection_that_postgresql_ends_is_busy_and_the_next_one_works(postgres_url: str) -> None:
    db = Database(postgres_url, "main")
    db.migrate()
    end_the_others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        with pytest.raises(StorageBusy):
            put(db, epoch="1", between=lambda: admin.execute(end_the_others), other="2")
        with db.write() as tx:
            assert INSTANCE.get(tx, "epoch") is None
    db.close()


def test_f6_a_full_disk_is_busy_and_recovers(tmp_path: Path) -> None:
    """As SQLite says it when a page cannot be had."""
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    db.migrate()
    with db.write() as tx:
        tx.execute(text("PRAGMA max_page_count=1"))
    with pytest.raises(StorageBusy, match="full"):
        put(db, other="1", epoch="1" * 100_000)
    with db.write() as tx:
        tx.execute(text("PRAGMA max_page_count=1000000"))
        assert INSTANCE.get(tx, "other") is None
        INSTANCE.put(tx, "epoch", "1")
    db.close()


def test_f7_a_database_that_may_only_be_read_answers_reads(tmp_path: Path) -> None:
    """F7: writes are refused as busy, reads go on."""
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    db.migrate()
    with db.read() as tx:
        assert INSTANCE.get(tx, "epoch") is None
        with pytest.raises(exc.OperationalError, match="readonly"):
            INSTANCE.put(tx, "epoch", "1")
    with db.write() as tx:
        tx.execute(text("PRAGMA query_only=ON"))
    with pytest.raises(StorageBusy, match="readonly"):
        put(db, epoch="1")
    db.close()


# The SQLite file


def test_f3_sqlite_is_durable_and_wipes_what_it_deletes(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    with db.read() as tx:
        found = {
            name: tx.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    # synchronous: 2 is FULL (https://www.sqlite.org/pragma.html#pragma_synchronous)
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    db.close()


def test_a_new_file_appears_in_wal_mode(tmp_path: Path) -> None:
    """Bytes 18 and 19 are 2 (https://www.sqlite.org/fileformat.html, 1.3); no worker has to switch it."""
    Database(f"sqlite:///{tmp_path}/main.db", "main")
    assert [path.name for path in tmp_path.iterdir()] == ["main.db"]
    assert (tmp_path / "main.db").read_bytes()[18:20] == b"\x02\x02"


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    db.migrate()
    assert {os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    db.close()


def test_a_checkpoint_leaves_no_byte_of_what_was_deleted(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main", patience_seconds=0)
    db.migrate()
    with db.write() as tx:
        INSTANCE.put(tx, "planted", "a value that must go")

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("main.db*"))

    assert b"a value that must go" in files()
    with db.write() as tx:
        tx.execute(text("DELETE FROM instance"))
    assert b"a value that must go" in files()
    with db.read() as tx:
        INSTANCE.get(tx, "planted")
        assert not db.checkpoint()
    assert db.checkpoint()
    assert b"a value that must go" not in files()
    db.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://somewhere/db",
        "sqlite:////nowhere/at/all.db",
    ],
)
def test_a_place_that_cannot_be_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^NETID_PROVIDER_KEY_DATABASE_URL: "):
        Database(url, "keys")


def test_times_are_kept_to_the_millisecond(db: Database, now: datetime, person_id: str) -> None:
    with db.read() as tx:
        stored = tx.execute(text("SELECT created_at FROM persons")).scalar()
    # 2026-11-23T06:30:00Z, from `date -u -d 2026-11-23T06:30:00Z +%s`
    assert stored == 1795415400000


def test_f6_a_checkpoint_on_a_full_disk_is_busy_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    monkeypatch.setattr(SqliteFile, "checkpoint", Mock(side_effect=full))
    with pytest.raises(StorageBusy):
        db.checkpoint()
    monkeypatch.undo()
    assert db.checkpoint()
    db.close()
