"""The way around SQLAlchemy's Connection, on SQLite: the same answers, and nothing half-written."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Executable,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    Table,
    Text,
    bindparam,
    create_engine,
    exc,
    insert,
    select,
    text,
    update,
)

from netid.errors import StorageBusy
from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.tables import KEYS, MAIN, Instant, audit_events, instance
from netid.storage.tables import persons as persons_table

INSTANCE = Instance()
AT = datetime(2026, 11, 23, 6, 30, 0, 123000, tzinfo=UTC)
VALUES: dict[type, list[Any]] = {
    Text: ["", "a", "欧阳示例", "NUL \0 within", "'; DROP TABLE persons --", "x" * 100_000, None],
    LargeBinary: [b"", b"\0\xff", b"x" * 100_000, None],
    Integer: [0, -1, 2**31 - 1, None],
    BigInteger: [0, -(2**63), 2**63 - 1, None],
    Instant: [AT, AT.replace(year=1969), AT + timedelta(microseconds=999), AT.replace(year=9999), None],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "main.db"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection that is made from now on."""
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def watched(*given: Any, **named: Any) -> sqlite3.Connection:
        made.append(connect(*given, **named))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", watched)
    return made


@pytest.fixture
def db(path: Path, connected: list[sqlite3.Connection]) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}", "main", patience_seconds=0)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def engine(path: Path) -> Engine:
    """SQLAlchemy's own way to the same file."""
    return create_engine(f"sqlite:///{path}", poolclass=NullPool)


# The same as SQLAlchemy's


def kinds_of_columns() -> set[type]:
    columns = [column for tables in (MAIN, KEYS) for table in tables.tables.values() for column in table.c]
    return {type(column.type) for column in columns}


def test_every_kind_of_column_has_its_values_here() -> None:
    assert kinds_of_columns() == set(VALUES)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, of in VALUES.items() for value in of])
def test_values_go_in_and_come_out_as_through_sqlalchemy(
    db: Database, engine: Engine, kind: type, value: Any
) -> None:
    table = Table("tried", MetaData(), Column("way", Text), Column("value", kind))
    add, look = insert(table), select(table.c.value).order_by(table.c.way)
    with db.write() as tx:
        tx.execute(text(f"CREATE TABLE tried (way, value {table.c.value.type.compile(engine.dialect)})"))
        tx.execute(add, {"way": "ours", "value": value})
    with engine.begin() as connection:
        connection.execute(add, {"way": "theirs", "value": value})
        theirs = connection.execute(look).scalars().all()
        kept = connection.exec_driver_sql("SELECT DISTINCT typeof(value), value FROM tried").all()
    with db.read() as tx:
        ours = tx.execute(look).scalars().all()
        named = [row.value for row in tx.execute(look)]
    assert len(kept) == 1
    assert ours == named == theirs
    assert [type(one) for one in ours] == [type(one) for one in theirs]


@pytest.mark.parametrize(
    "statement",
    [
        select(instance),
        select(instance.c.value, instance.c.name).where(instance.c.name == "b").limit(1),
        select(instance.c.name).where(instance.c.value.is_(None)),
        select(persons_table),
        text("SELECT name, count(*) FROM instance GROUP BY name"),
    ],
)
def test_rows_are_those_of_sqlalchemy(db: Database, engine: Engine, statement: Executable) -> None:
    with db.write() as tx:
        for name in "abc":
            INSTANCE.put(tx, name, name * 3)
    with engine.connect() as connection, db.read() as tx:
        theirs = connection.execute(statement).all()
        assert tx.execute(statement).all() == theirs
        assert list(tx.execute(statement)) == theirs
        assert [dict(row._mapping) for row in tx.execute(statement)] == [dict(row._mapping) for row in theirs]
        assert tx.execute(statement).first() == connection.execute(statement).first()
        assert tx.execute(statement).scalar() == connection.execute(statement).scalar()
        assert tx.execute(statement).scalars().all() == connection.execute(statement).scalars().all()


def test_a_row_is_read_by_name_by_place_and_taken_apart(db: Database) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
        row = tx.execute(select(instance).where(instance.c.name == "epoch")).one()
        name, value = row
    assert (row.name, row[1], name, value) == ("epoch", "1", "epoch", "1")


def test_one_row_means_one(db: Database) -> None:
    with db.write() as tx:
        with pytest.raises(exc.NoResultFound):
            tx.execute(select(instance)).one()
        INSTANCE.put(tx, "a", "1")
        assert tx.execute(select(instance.c.value)).scalar_one() == "1"
        INSTANCE.put(tx, "b", "2")
        for ask in ("one", "scalar_one"):
            with pytest.raises(exc.MultipleResultsFound):
                getattr(tx.execute(select(instance)), ask)()


def test_rows_that_were_found_are_counted(db: Database) -> None:
    change = update(instance).values(value=bindparam("b_value"))
    with db.write() as tx:
        INSTANCE.put(tx, "a", "1")
        INSTANCE.put(tx, "b", "2")
        assert tx.execute(change, {"b_value": "3"}).rowcount == 2
        assert tx.execute(change.where(instance.c.name == "z"), {"b_value": "3"}).rowcount == 0


def test_an_insert_sets_the_columns_that_are_named(db: Database) -> None:
    add = insert(audit_events)
    with db.write() as tx:
        tx.execute(add, {"at": AT, "kind": "a", "details": "{}", "client_id": "forum"})
        tx.execute(add, {"at": AT, "kind": "b", "details": "{}", "person_id": "p"})
        rows = tx.execute(
            select(audit_events.c.kind, audit_events.c.client_id, audit_events.c.person_id)
        ).all()
    assert rows == [("a", "forum", None), ("b", None, "p")]


def test_a_parameter_without_a_value_is_not_null(db: Database) -> None:
    look = select(instance).where(instance.c.name == bindparam("fact"))
    with db.read() as tx, pytest.raises(exc.InvalidRequestError, match="fact"):
        tx.execute(look)


@pytest.mark.parametrize(
    "statement",
    [
        select(instance).where(instance.c.name.in_(["a", "b"])),
        insert(Table("made", MetaData(), Column("a", Text, default=lambda: "x"), Column("b", Text))),
    ],
)
def test_what_only_sqlalchemy_can_run_is_refused(db: Database, statement: Executable) -> None:
    with db.read() as tx, pytest.raises(NotImplementedError):
        tx.execute(statement, {"b": "1"})


# Errors


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO instance (name, value) VALUES ('a', NULL)", exc.IntegrityError),
        ("INSERT INTO instance (name, value) VALUES ('first', '2')", exc.IntegrityError),
        ("INSERT INTO personas VALUES ('p', 'nobody')", exc.IntegrityError),
        ("SELECT nothing FROM nowhere", exc.OperationalError),
        ("INSERT OR ROLLBACK INTO instance (name, value) VALUES ('first', '2')", exc.IntegrityError),
    ],
)
def test_nothing_is_written_after_an_error_that_somebody_caught(
    db: Database, statement: str, error: type[exc.DBAPIError]
) -> None:
    def go_on_after_an_error() -> None:
        with db.write() as tx:
            INSTANCE.put(tx, "first", "1")
            with pytest.raises(error):
                tx.execute(text(statement))
            with pytest.raises(exc.InvalidRequestError, match="has ended"):
                INSTANCE.put(tx, "later", "1")

    with pytest.raises(error):
        go_on_after_an_error()
    with db.write() as tx:
        assert tx.execute(select(instance)).all() == []


def test_an_error_of_a_statement_names_no_value(db: Database) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "a secret", "1")
    with pytest.raises(exc.IntegrityError) as raised, db.write() as tx:
        tx.execute(insert(instance), {"name": "a secret", "value": "1"})
    assert "a secret" not in str(raised.value)


def test_a_deferred_error_at_the_commit_undoes_everything(db: Database) -> None:
    def break_a_reference() -> None:
        with db.write() as tx:
            tx.execute(text("PRAGMA defer_foreign_keys=ON"))
            tx.execute(text("INSERT INTO personas VALUES ('p', 'nobody')"))

    with pytest.raises(exc.IntegrityError):
        break_a_reference()
    with db.write() as tx:
        assert tx.execute(text("SELECT count(*) FROM personas")).scalar() == 0


def test_a_transaction_that_has_ended_takes_nothing(db: Database) -> None:
    with db.write() as written:
        pass
    with db.read() as read:
        pass
    with db.write() as undone:
        undone.rollback()
        with pytest.raises(exc.InvalidRequestError):
            INSTANCE.put(undone, "epoch", "1")
    for tx in (written, read):
        with pytest.raises(exc.InvalidRequestError):
            INSTANCE.get(tx, "epoch")


def test_a_write_within_a_write_is_refused_and_a_read_is_not(db: Database) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
        with pytest.raises(RuntimeError), db.write():
            pytest.fail("it would wait for itself")
        with db.read() as reading, db.read() as again:
            assert INSTANCE.get(reading, "epoch") is INSTANCE.get(again, "epoch") is None
    with db.read() as tx:
        assert INSTANCE.get(tx, "epoch") == "1"


def test_a_transaction_reads_one_state(db: Database) -> None:
    with db.read() as tx:
        assert INSTANCE.get(tx, "epoch") is None
        with db.write() as writing:
            INSTANCE.put(writing, "epoch", "1")
        assert INSTANCE.get(tx, "epoch") is None


# Connections


def still_open(connected: list[sqlite3.Connection]) -> int:
    """How many of them are not closed."""
    count = 0
    for connection in connected:
        with suppress(sqlite3.ProgrammingError):
            count += connection.total_changes >= 0
    return count


def test_threads_that_ended_leave_no_connection_of_theirs(
    db: Database, connected: list[sqlite3.Connection]
) -> None:
    def use() -> None:
        with db.read() as tx:
            INSTANCE.get(tx, "epoch")
        with db.write() as tx:
            INSTANCE.put(tx, "epoch", "1")

    for _ in range(20):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert still_open(connected) == 2


def test_a_crowd_of_readers_leaves_only_some_connections(
    db: Database, connected: list[sqlite3.Connection]
) -> None:
    everybody_reads = threading.Barrier(40)

    def use() -> None:
        with db.read() as tx:
            INSTANCE.get(tx, "epoch")
            everybody_reads.wait()

    threads = [threading.Thread(target=use) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(connected) >= 39
    assert still_open(connected) <= 17


def test_closing_closes_every_connection_and_the_next_transaction_is_refused(
    db: Database, connected: list[sqlite3.Connection]
) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
    with db.read() as tx:
        db.close()
        assert INSTANCE.get(tx, "epoch") == "1"
        assert still_open(connected) == 1
    assert still_open(connected) == 0
    for begin in (db.read, db.write):
        with pytest.raises(StorageBusy, match="closed"), begin():
            pytest.fail("it was closed")


def test_a_writer_that_is_at_work_while_the_database_is_closed_ends_its_transaction(
    db: Database, path: Path, connected: list[sqlite3.Connection]
) -> None:
    with db.write() as tx:
        INSTANCE.put(tx, "epoch", "1")
        db.close()
    assert still_open(connected) == 0
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT value FROM instance").fetchall() == [("1",)]


def test_a_file_that_was_taken_away_is_busy_and_no_empty_one_takes_its_place(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/main.db", "main")
    (tmp_path / "main.db").unlink()
    with pytest.raises(StorageBusy), db.read():
        pytest.fail("there is no file")
    assert list(tmp_path.iterdir()) == []
    db.close()


def test_a_file_name_is_taken_as_it_is(tmp_path: Path) -> None:
    """What the URL means once it is decoded; percent and hash mean nothing more to the driver."""
    db = Database(f"sqlite:///{tmp_path}/ma%2520in #1.db", "main")
    db.migrate()
    db.close()
    assert [each.name for each in tmp_path.iterdir()] == ["ma%20in #1.db"]
