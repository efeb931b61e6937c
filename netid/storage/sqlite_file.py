"""A SQLite file and this process's connections to it.

One connection writes; the process's threads take it in turn instead of spinning on SQLite's busy
handler. As many read as are needed at once. No connection belongs to a thread: one that ends leaves
nothing behind.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from netid.errors import StorageBusy

WAL = "PRAGMA journal_mode=WAL"
PRAGMAS = (
    WAL,
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
)
_ONLY_READ = "PRAGMA query_only=ON"

_PREPARED_STATEMENTS = 256
_IDLE_READERS = 16


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
