"""Transactions on a SQLite file, straight on the driver."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self, cast

from sqlalchemy import Dialect, Executable, exc

from netid.errors import StorageBusy
from netid.storage.compiled import DIALECT, CompiledStatement, compiled_for, maker_for
from netid.storage.sqlite_file import SqliteFile

# https://www.sqlite.org/rescode.html: the file cannot be had or written now; the statement itself was right.
_PASSING = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
)
_NO_VALUES: Mapping[str, Any] = {}


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


def checkpoint(file: SqliteFile) -> bool:
    """As `SqliteFile.checkpoint`; an error that will pass becomes StorageBusy."""
    try:
        return file.checkpoint()
    except sqlite3.Error as error:
        raise _at_the_end(_as_sqlalchemy("PRAGMA wal_checkpoint", error)) from error


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
