"""A database: reading and writing transactions on SQLite or PostgreSQL, and its migrations.

SQLite has two engines, because one hook that began every transaction as a writer would lock
plain readers out (SQLAlchemy 2, pysqlite: "Serializable isolation / Savepoints / Transactional DDL").
"""

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from netid.errors import StorageBusy
from netid.settings import SettingsError
from netid.storage import migrations

_WAL = "PRAGMA journal_mode=WAL"
_PRAGMAS = (
    _WAL,
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
)

# https://www.sqlite.org/rescode.html: the file cannot be had or written now; the statement itself was right.
_PASSING_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
)
_READ_ONLY_POSTGRESQL = "25006"


class Database:
    """One of the two databases of an installation, open for this process; safe to share between threads."""

    def __init__(self, url: str, metadata_name: Literal["main", "keys"], patience_seconds: int = 5) -> None:
        """Open the database at a SQLAlchemy URL, `sqlite:///path` or `postgresql://…`.

        A transaction waits `patience_seconds` for its turn before it answers StorageBusy. A SQLite
        file is created when missing, readable by its owner alone. Raises SettingsError for another
        kind of database or a place where no file can be.
        """
        self.name = metadata_name
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _create_private_file(parsed)
            self._reader = _sqlite_engine(
                parsed, "BEGIN", (*_PRAGMAS, "PRAGMA query_only=ON"), patience_seconds
            )
            self._writer = _sqlite_engine(parsed, "BEGIN IMMEDIATE", _PRAGMAS, patience_seconds)
        else:
            self._reader = self._writer = _postgresql_engine(parsed, patience_seconds)
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StorageBusy when the database cannot answer now."""
        with _busy_as_such(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block and undone by any error in it.

        On SQLite it is the only writer from its first statement on. Raises StorageBusy, with
        nothing written, when its turn does not come or the database cannot write now.
        """
        with _busy_as_such(), self._my_turn(), self._writer.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the tables to this version's form, in one transaction."""
        with self.read() as connection:
            if migrations.is_current(connection, self.name):
                return
        with self.write() as connection:
            migrations.upgrade(connection, self.name)

    def checkpoint(self) -> bool:
        """Empty SQLite's write-ahead log, so that no deleted byte stays in it; False while somebody reads."""
        if not self.is_sqlite:
            return True
        with _busy_as_such(), self._my_turn(), self._reader.connect() as connection:
            raw = connection.connection.driver_connection
            busy = raw is not None and raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            return not busy

    def close(self) -> None:
        """Give back every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def _my_turn(self) -> AbstractContextManager[None]:
        # Threads of one process queue here instead of spinning on SQLite's busy handler.
        return _taken(self._turn, self._patience_seconds) if self.is_sqlite else nullcontext()


@contextmanager
def _taken(lock: threading.Lock, patience_seconds: int) -> Iterator[None]:
    if not lock.acquire(timeout=patience_seconds):
        raise StorageBusy("another thread of this process writes")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _busy_as_such() -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageBusy("no connection became free") from error
    except exc.DBAPIError as error:
        if _is_passing(error):
            raise StorageBusy(str(error.orig)) from error
        raise


def _is_passing(error: exc.DBAPIError) -> bool:
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(_PASSING_SQLITE)
    # psycopg's OperationalError: disconnected, shut down, full, serialisation, deadlock, lock timeout.
    state = getattr(error.orig, "sqlstate", None)
    return (
        isinstance(error, exc.OperationalError)
        or error.connection_invalidated
        or state == _READ_ONLY_POSTGRESQL
    )


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise SettingsError("database: is not a URL; write sqlite:///path or postgresql://…") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise SettingsError(
            "database: must be sqlite:///path or postgresql://…; a database in memory keeps nothing"
        )
    return parsed


def _create_private_file(url: URL) -> None:
    path = url.database or ""
    if os.path.exists(path):
        return
    try:
        _put_in_place(path)
    except OSError as error:
        raise SettingsError(f"database: {path} cannot be created: {error.strerror}") from error


def _put_in_place(path: str) -> None:
    # The file appears whole, in WAL mode and private: workers that start together cannot all switch the mode.
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".netid-")
    os.close(handle)
    try:
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute(_WAL)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _sqlite_engine(url: URL, begin: str, pragmas: tuple[str, ...], patience_seconds: int) -> Engine:
    # pysqlite's own idea of when a transaction begins is switched off; the hook below says it.
    options: dict[str, Any] = {
        "isolation_level": None,
        "check_same_thread": False,
        "timeout": patience_seconds,
    }
    engine = create_engine(
        url,
        connect_args=options,
        pool_size=8,
        max_overflow=56,
        pool_timeout=patience_seconds,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Straight on the driver: every transaction passes here, and SQLAlchemy's way costs five times more.
        raw: Any = connection.connection.driver_connection
        try:
            raw.execute(begin)
        except sqlite3.OperationalError as error:
            raise exc.OperationalError(begin, None, error) from error

    return engine


def _postgresql_engine(url: URL, patience_seconds: int) -> Engine:
    settings = f"-c lock_timeout={patience_seconds}s -c idle_in_transaction_session_timeout=60s"
    options = {"connect_timeout": patience_seconds, "options": settings}
    return create_engine(
        url,
        connect_args=options,
        pool_size=8,
        max_overflow=8,
        pool_timeout=patience_seconds,
        pool_use_lifo=True,
    )
