"""A database: reading and writing transactions on SQLite or PostgreSQL, and its migrations."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, exc, make_url

from netid.errors import CommitUnconfirmed, StorageBusy
from netid.settings import PREFIX, SettingsError
from netid.storage import migrations, sqlite
from netid.storage.sqlite_file import PRAGMAS, WAL, SqliteFile
from netid.storage.transaction import Transaction

_READ_ONLY_POSTGRESQL = "25006"


class _Unusable(ValueError):
    """What is wrong with the database that a setting names, and what to do."""


class Database:
    """One of the two databases of an installation, open for this process; safe to share between threads."""

    def __init__(
        self,
        url: str,
        metadata_name: Literal["main", "keys"],
        patience_seconds: int = 5,
        *,
        create: bool = True,
    ) -> None:
        """Open the database at a SQLAlchemy URL, `sqlite:///path` or `postgresql://…`.

        A transaction waits `patience_seconds` for its turn before it answers StorageBusy. A SQLite
        file that is missing is created, readable by its owner alone, and the directory it lies in.
        Raises SettingsError for another kind of database, a file that is none or cannot be written, and,
        with `create` false, one that is missing.
        """
        self.name = metadata_name
        self._patience_seconds = patience_seconds
        self._file: SqliteFile | None = None
        try:
            self._open(_parsed(url), create)
        except _Unusable as error:
            setting = "DATABASE_URL" if metadata_name == "main" else "KEY_DATABASE_URL"
            raise SettingsError(f"{PREFIX}{setting}: {error}") from error

    def _open(self, parsed: URL, create: bool) -> None:
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = _usable_file(parsed, create)
            self._file = SqliteFile(path, self._patience_seconds)
            self._engine = _sqlite_engine(parsed, self._patience_seconds)
        else:
            self._engine = _postgresql_engine(parsed, self._patience_seconds)

    def read(self) -> AbstractContextManager[Transaction]:
        """A `Transaction` that only reads. Raises StorageBusy when the database cannot answer now."""
        return self._reading() if self._file is None else sqlite.Reading(self._file)

    def write(self) -> AbstractContextManager[Transaction]:
        """A `Transaction` that is committed at the end of the block and undone by any error in it.

        On SQLite it is the only writer from its first statement on, and a second one in the same
        thread is refused with RuntimeError. Raises StorageBusy, with nothing written, when its
        turn does not come or the database cannot write now; CommitUnconfirmed, which is one too,
        where PostgreSQL was lost at the commit and nobody knows.
        """
        return self._beginning() if self._file is None else sqlite.Writing(self._file, self._patience_seconds)

    def migrate(self) -> None:
        """Bring the tables to this version's form, in one transaction."""
        with self.read() as tx:
            if migrations.is_current(tx, self.name):
                return
        with self._my_turn(), self._beginning() as connection:
            migrations.upgrade(connection, self.name)

    def checkpoint(self) -> bool:
        """Empty SQLite's write-ahead log, so that no deleted byte stays in it; False while somebody reads.

        Raises StorageBusy when the database cannot be written now.
        """
        if self._file is None:
            return True
        with self._my_turn():
            return sqlite.checkpoint(self._file)

    def close(self) -> None:
        """Give back every connection."""
        if self._file is not None:
            self._file.close()
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        with _busy_as_such(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _beginning(self) -> Iterator[Connection]:
        with _busy_as_such(), self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            try:
                if transaction.is_active:
                    transaction.commit()
            except exc.DBAPIError as error:
                if error.connection_invalidated:
                    # The server may have heard of it, and its answer is what was lost.
                    raise CommitUnconfirmed(str(error.orig)) from error
                raise

    def _my_turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._file is None else self._file.turn(self._patience_seconds)


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    return make_url(url).render_as_string(hide_password=True)


@contextmanager
def _busy_as_such() -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise StorageBusy("no connection became free") from error
    except exc.DBAPIError as error:
        if sqlite.is_passing(error) or _is_passing(error):
            raise StorageBusy(str(error.orig)) from error
        raise


def _is_passing(error: exc.DBAPIError) -> bool:
    # psycopg's OperationalError: disconnected, shut down, full, serialisation, deadlock, lock timeout.
    return not isinstance(error.orig, sqlite3.Error) and (
        isinstance(error, exc.OperationalError)
        or error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) == _READ_ONLY_POSTGRESQL
    )


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise _Unusable("is not a URL; write sqlite:///path or postgresql://…") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise _Unusable("must be sqlite:///path or postgresql://…; a database in memory keeps nothing")
    return parsed


def _usable_file(url: URL, create: bool) -> str:
    path = url.database or ""
    if os.path.exists(path):
        _check_usable(path)
    elif create:
        try:
            _put_in_place(path)
        except OSError as error:
            raise _Unusable(f"{path} cannot be created: {error.strerror}; name another place") from error
    else:
        raise _Unusable(f"{path} is not there; name the database that a provider has used")
    return path


def _check_usable(path: str) -> None:
    # Not opened as a file: closing it would give up the locks that SQLite holds on it in this process.
    if os.path.isdir(path) or not os.access(path, os.R_OK | os.W_OK):
        raise _Unusable(f"{path} is not a file that can be written; name another, or give it to this user")
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise _Unusable(f"{path} is not a SQLite database; name another file") from error


def _put_in_place(path: str) -> None:
    directory = os.path.dirname(path) or "."
    with suppress(FileExistsError):
        os.mkdir(directory, mode=0o700)
    # The file appears whole, in WAL mode and private: workers that start together cannot all switch the mode.
    handle, draft = tempfile.mkstemp(dir=directory, prefix=".netid-")
    os.close(handle)
    try:
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute(WAL)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _sqlite_engine(url: URL, patience_seconds: int) -> Engine:
    """For migrations alone, which need SQLAlchemy's own connection."""
    options: dict[str, Any] = {"isolation_level": None, "timeout": patience_seconds}
    engine = create_engine(url, connect_args=options, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

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
        hide_parameters=True,
    )
