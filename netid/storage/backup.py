"""A copy of the main database, made while it is in use, with nothing live in it; and putting it back."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import make_url

from netid.errors import BackupRefused
from netid.storage.database import Database
from netid.storage.epoch import BACKUP, void
from netid.storage.instance import Instance
from netid.storage.sqlite_file import PRAGMAS


def path_of(database_url: str) -> Path:
    """The file of a SQLite database. Raises BackupRefused for PostgreSQL, which has tools of its own."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        raise BackupRefused("the main database is PostgreSQL's; use pg_dump, and see docs/operating.md")
    return Path(url.database or "")


def make(database_url: str, target: Path) -> None:
    """Copies the database as it is at one moment, without what is live. Raises BackupRefused."""
    source = path_of(database_url)
    if not source.exists():
        raise BackupRefused(f"{source}: is not there")
    with _new_private_file(target) as draft:
        # https://www.sqlite.org/backup.html: all pages in one step are one moment's.
        address = f"file:{quote(str(source.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(draft)) as new:
            old.backup(new)
        copy = Database(f"sqlite:///{draft}", "main")
        try:
            with copy.write() as tx:
                void(tx)
                Instance().put(tx, "epoch", BACKUP)
        finally:
            copy.close()
        _as_one_file(draft)


def restore(database_url: str, backup: Path) -> None:
    """Puts a copy where the main database was. Raises BackupRefused if one is there, or it is damaged."""
    target = path_of(database_url)
    if any(Path(f"{target}{end}").exists() for end in ("", "-wal", "-shm")):
        raise BackupRefused(
            f"{target}: is still there; end the provider and move it away with its -wal and -shm"
        )
    if not backup.is_file():
        raise BackupRefused(f"{backup}: is not there, or not a file")
    with _new_private_file(target) as draft:
        try:
            shutil.copyfile(backup, draft)
        except OSError as error:
            raise BackupRefused(f"{backup}: cannot be copied: {error.strerror}") from error
        _check(draft, backup)
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute(PRAGMAS[0])


def _check(file: Path, named: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            connection.execute("SELECT value FROM instance").fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{named}: is not a copy of a main database, or is damaged") from error
    if not sound:
        raise BackupRefused(f"{named}: is damaged")


def _as_one_file(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=DELETE")


@contextmanager
def _new_private_file(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place once it is whole."""
    draft = target.with_name(f".{target.name}.new")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise BackupRefused(f"{draft}: cannot be made: {error.strerror}") from error
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.link(draft, target)
    except FileExistsError as error:
        raise BackupRefused(f"{target}: is there already") from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(f"{draft}{end}")
