"""Transactions on a SQLite file, straight on the driver.

A process has one connection that writes, which its threads take in turn instead of spinning on
SQLite's busy handler, and as many that read as are needed at once. No connection belongs to a
thread: one that ends leaves nothing behind.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self, cast
from urllib.parse import quote

from sqlalchemy import Dialect, Executable, exc

from netid.errors import StorageBusy
from netid.storage.compiled import DIALECT, CompiledStatement, compiled_for, maker_for

WAL = "PRAGMA journal_mode=WAL"
PRAGMAS = (
    WAL,
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
)
_ONLY_READ = "PRAGMA query_only=ON"

# https://www.sqlite.org/rescode.html: the file cannot be had or written now; the statement itself was right.
_PASSING = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
)
_PREPARED_STATEMENTS = 256
_IDLE_READERS = 16
_NO_VALUES: Mapping[str, Any] = {}


class SqliteFile:
    """One SQLite file, and this process's connections to it; safe to share between threads."""

    def __init__(self, path: str, patience_seconds: float) -> None:
        """`path` is there and in WAL mode; `patience_seconds` is how long another process is waited for."""
        self._address = f"file:{quote(os.path.abspath(path))}?mode=rw"
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        self._turn_of: int | None = None
        self._writer: sqlite3.Cursor | None = None
        self._readers: list[sqlite3.Cursor] = []
        self._closed = False

    @contextmanager
    def turn(self, patience_seconds: float) -> Iterator[None]:
        """Be the thread of this process that writes. Raises StorageBusy when that takes too long."""
        self.take_turn(patience_seconds)
        try:
            yield
        finally:
            self.give_turn()

    def take_turn(self, patience_seconds: float) -> None:
        """What `turn` begins with; a thread that has it already is refused with RuntimeError."""
        if not self._turn.acquire(blocking=False):
            if self._turn_of == threading.get_ident():
                raise RuntimeError("a writing transaction within a writing transaction")
            if not self._turn.acquire(timeout=patience_seconds):
                raise StorageBusy("another thread of this process writes")
        self._turn_of = threading.get_ident()

    def give_turn(self) -> None:
        """What `turn` ends with."""
        if self._writer is not None and (self._closed or self._writer.connection.in_transaction):
            self._drop_writer()
        self._turn_of = None
        self._turn.release()

    def writer(self) -> sqlite3.Cursor:
        """The connection that writes, for the thread whose turn it is."""
        if self._writer is None:
            self._writer = self._open(PRAGMAS)
        return self._writer

    def take_reader(self) -> sqlite3.Cursor:
        """A connection that reads, for the caller alone."""
        try:
            return self._readers.pop()
        except IndexError:
            return self._open((*PRAGMAS, _ONLY_READ))

    def give_reader(self, cursor: sqlite3.Cursor) -> None:
        """Take a connection back."""
        # One whose transaction could not be ended is of no use to anybody.
        if len(self._readers) < _IDLE_READERS and not cursor.connection.in_transaction:
            self._readers.append(cursor)
        else:
            cursor.connection.close()
        if self._closed:
            self._drop_readers()

    def checkpoint(self) -> bool:
        """Empty the write-ahead log; False while somebody reads. For the thread whose turn it is."""
        cursor = self.writer()
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
        return not busy

    def close(self) -> None:
        """Refuse transactions from now on and close every connection, one in use when it is given back."""
        self._closed = True
        self._drop_readers()
        if self._turn.acquire(timeout=self._patience_seconds):
            self.give_turn()

    def _open(self, pragmas: tuple[str, ...]) -> sqlite3.Cursor:
        if self._closed:
            raise StorageBusy("the database is closed")
        # sqlite3's own idea of when a transaction begins is switched off; each transaction says it.
        connection = sqlite3.connect(
            self._address,
            uri=True,
            timeout=self._patience_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_PREPARED_STATEMENTS,
        )
        try:
            for pragma in pragmas:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection.cursor()

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.connection.close()

    def _drop_readers(self) -> None:
        with suppress(IndexError):
            while True:
                self._readers.pop().connection.close()


class SqliteTransaction:
    """A `Transaction` on a SQLite file; begins as its `with` block does."""

    __slots__ = ("_cursor", "_failure", "_file")

    dialect: ClassVar[Dialect] = DIALECT

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._cursor: Any = _OVER
        self._failure: exc.DBAPIError | None = None

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None, /) -> "SqliteResult":
        """As in `Transaction`."""
        given = values or _NO_VALUES
        compiled = compiled_for(statement, given)
        cursor = self._cursor
        try:
            # All at once: a statement left half-read would keep its snapshot, or hold the commit up.
            rows = cursor.execute(compiled.sql, compiled.arguments(given)).fetchall()
        except sqlite3.Error as error:
            self._fail(compiled.sql, error)
        return SqliteResult(rows, cursor, compiled)

    def exec_driver_sql(self, statement: str, values: tuple[Any, ...] | None = None, /) -> "SqliteResult":
        """As in `Transaction`."""
        try:
            rows = self._cursor.execute(statement, values or ()).fetchall()
        except sqlite3.Error as error:
            self._fail(statement, error)
        return SqliteResult(rows, self._cursor, None)

    def rollback(self) -> None:
        """As in `Transaction`."""
        cursor, self._cursor = self._cursor, _OVER
        if cursor is not _OVER:
            # SQLite may have undone it already; if it cannot, the connection is closed, which does.
            with suppress(sqlite3.Error):
                cursor.execute("ROLLBACK")

    def _fail(self, statement: str, error: sqlite3.Error) -> NoReturn:
        # Some errors make SQLite itself undo the transaction; a statement after that would be one of its own.
        self._failure = _as_sqlalchemy(statement, error)
        self.rollback()
        raise self._failure from error


class Reading(SqliteTransaction):
    """A transaction that sees the database as it is at its first statement, and changes nothing."""

    __slots__ = ("_reader",)

    def __enter__(self) -> Self:
        """Begin. Raises StorageBusy when the file cannot be had now."""
        try:
            self._reader = self._file.take_reader()
            self._cursor = self._reader.execute("BEGIN")
        except sqlite3.Error as error:
            raise _at_the_end(_as_sqlalchemy("BEGIN", error)) from error
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End; an error that will pass becomes StorageBusy."""
        self.rollback()
        self._file.give_reader(self._reader)
        if isinstance(error, exc.DBAPIError) and is_passing(error):
            raise StorageBusy(str(error.orig)) from error


class Writing(SqliteTransaction):
    """The only writing transaction on the file, from its beginning to its commit."""

    __slots__ = ("_patience_seconds",)

    def __init__(self, file: SqliteFile, patience_seconds: float) -> None:
        super().__init__(file)
        self._patience_seconds = patience_seconds

    def __enter__(self) -> Self:
        """Begin. Raises StorageBusy when the turn does not come in time."""
        self._file.take_turn(self._patience_seconds)
        try:
            self._cursor = self._file.writer().execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._file.give_turn()
            if isinstance(error, sqlite3.Error):
                raise _at_the_end(_as_sqlalchemy("BEGIN IMMEDIATE", error)) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Commit, or undo after an error; one that will pass becomes StorageBusy."""
        try:
            if kind is None:
                self._commit()
        finally:
            self.rollback()
            self._file.give_turn()
        if isinstance(error, exc.DBAPIError) and is_passing(error):
            raise StorageBusy(str(error.orig)) from error

    def _commit(self) -> None:
        if self._failure is not None:
            # Somebody caught it, and must not believe that the rest was written.
            raise _at_the_end(self._failure)
        if self._cursor is _OVER:
            return
        try:
            self._cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise _at_the_end(_as_sqlalchemy("COMMIT", error)) from error
        self._cursor = _OVER


class SqliteResult:
    """A `Result`: rows that were all fetched."""

    __slots__ = ("_compiled", "_description", "_rows", "rowcount")

    def __init__(self, rows: list[Any], cursor: sqlite3.Cursor, compiled: CompiledStatement | None) -> None:
        self._rows = rows
        self._compiled = compiled
        self._description = cursor.description
        self.rowcount = cursor.rowcount

    def first(self) -> Any | None:
        """As in `Result`."""
        return self._named(self._rows[:1])[0] if self._rows else None

    def one(self) -> Any:
        """As in `Result`."""
        return self._named(self._only())[0]

    def all(self) -> list[Any]:
        """As in `Result`."""
        return self._named(self._rows)

    def __iter__(self) -> Iterator[Any]:
        """As in `Result`."""
        return iter(self.all())

    def scalar(self) -> Any | None:
        """As in `Result`."""
        return self._value(self._rows[0]) if self._rows else None

    def scalar_one(self) -> Any:
        """As in `Result`."""
        return self._value(self._only()[0])

    def scalars(self) -> "SqliteScalars":
        """As in `Result`."""
        return SqliteScalars(map(self._value, self._rows))

    def _only(self) -> list[Any]:
        if len(self._rows) > 1:
            raise exc.MultipleResultsFound("more than one row, where one was asked for")
        if not self._rows:
            raise exc.NoResultFound("no row, where one was asked for")
        return self._rows

    def _value(self, row: Any) -> Any:
        return row[0] if self._compiled is None else self._compiled.value(row)

    def _named(self, rows: list[Any]) -> list[Any]:
        if self._compiled is None:
            return [maker_for(self._description)(row) for row in rows]
        return self._compiled.named(rows, self._description)


class SqliteScalars(list[Any]):
    """As `Scalars`."""

    def all(self) -> list[Any]:
        """The list itself."""
        return self


class _Over:
    """Stands in for the connection once the transaction has ended."""

    def execute(self, *_: object) -> NoReturn:
        raise exc.InvalidRequestError("this transaction has ended")


_OVER = _Over()


def is_passing(error: exc.DBAPIError) -> bool:
    """Whether the file cannot be had or written now, so that the same may go well later."""
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith(_PASSING)


def _as_sqlalchemy(statement: str, error: sqlite3.Error) -> exc.DBAPIError:
    """The error by SQLAlchemy's name; without the values, which belong in no log."""
    return cast(
        exc.DBAPIError, exc.DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=DIALECT)
    )


def _at_the_end(error: exc.DBAPIError) -> exc.DBAPIError | StorageBusy:
    return StorageBusy(str(error.orig)) if is_passing(error) else error
