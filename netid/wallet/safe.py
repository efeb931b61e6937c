"""Where the wallet keeps what it holds: one SQLite file that nobody but its owner may read.

Copies and keys are sealed; in the clear stand expiry, what a copy is kept for, and the log, which
names platforms and claims and holds no value.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock

from netid.ambient import Ambient
from netid.credentials import base64url, strict_json
from netid.credentials.jwk import SigningKey
from netid.errors import KeyFileError
from netid.wallet.safe_key import SafeKey

FILE = "wallet.db"
KEY_FILE = "wallet.key"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS copies (
  id TEXT PRIMARY KEY, configuration TEXT NOT NULL, expires_at INTEGER NOT NULL,
  kept_for TEXT UNIQUE, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS remembered (client_id TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS log (
  number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Copy:
    """One copy of the net credential with the key it is bound to."""

    id: str
    configuration: str
    """The credential configuration it came by."""
    expires_at: datetime
    kept_for: str | None
    """The relying party (`client_id`) that alone sees it, again and again; None where it is used once."""
    credential: str = field(repr=False)
    key: SigningKey = field(repr=False)
    fields: Mapping[str, str | bool] = field(repr=False)
    """What it can show, by claim name, as it was verified when it came."""


@dataclass(frozen=True)
class NewCopy:
    """A copy that was verified and is not kept yet."""

    configuration: str
    expires_at: datetime
    credential: str = field(repr=False)
    key: SigningKey = field(repr=False)
    fields: Mapping[str, str | bool] = field(repr=False)


@dataclass(frozen=True)
class LogEntry:
    """What was asked of the wallet, and what became of it. No value is in it."""

    at: datetime
    outcome: str
    """`shown`, `refused`, `stopped`, `not-taken`, or `received`."""
    details: Mapping[str, object]


class Safe:
    """The wallet's memory, for all threads of its one process. Changes are on disk when a call returns."""

    def __init__(self, directory: Path, ambient: Ambient) -> None:
        """Makes what is missing in an empty directory; raises KeyFileError where a key does not fit."""
        self._directory = directory
        self._ambient = ambient
        self._lock = RLock()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()

    def erase(self) -> None:
        """Forgets everything: the key first, so that whatever the disk still holds stays shut."""
        with self._lock:
            self._database.close()
            for name in (KEY_FILE, FILE):
                (self._directory / name).unlink(missing_ok=True)
            self._open()

    # What there is one of: the device's key, what is known of the provider

    def kept(self, name: str) -> dict[str, object] | None:
        """The JSON object kept under this name."""
        row = self._row("SELECT sealed FROM kept WHERE name = ?", name)
        return None if row is None else strict_json.parse_object(self._key.open(row[0], f"kept:{name}"))

    def keep(self, name: str, value: Mapping[str, object]) -> None:
        """Keeps a JSON object under this name."""
        sealed = self._key.seal(strict_json.dump(value), f"kept:{name}")
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, sealed))

    # Copies

    def put(self, copies: Sequence[NewCopy]) -> None:
        """Keeps these copies, all or none."""
        with self._writing() as database:
            for copy in copies:
                id_ = base64url.encode(self._ambient.random(12))
                content = {
                    "credential": copy.credential,
                    "key": copy.key.private_jwk(),
                    "fields": dict(copy.fields),
                }
                sealed = self._key.seal(strict_json.dump(content), f"copy:{id_}")
                expiry = int(copy.expires_at.timestamp())
                row = (id_, copy.configuration, expiry, None, sealed)
                database.execute("INSERT INTO copies VALUES (?, ?, ?, ?, ?)", row)

    def copies(self) -> list[Copy]:
        """Every copy that has not expired, the soonest to expire first. Expired ones are deleted."""
        now = int(self._ambient.now().timestamp())
        with self._writing() as database:
            database.execute("DELETE FROM copies WHERE expires_at <= ?", (now,))
            rows = database.execute("SELECT * FROM copies ORDER BY expires_at, id").fetchall()
        return [self._copy(*row) for row in rows]

    def spend(self, copy: Copy) -> bool:
        """Deletes a copy that is about to be shown; False where another thread was first."""
        with self._writing() as database:
            return (
                database.execute("DELETE FROM copies WHERE id = ? AND kept_for IS NULL", (copy.id,)).rowcount
                == 1
            )

    def keep_for(self, copy: Copy, client_id: str) -> bool:
        """Keeps a copy for one relying party; False where it is not free any more, or another one is kept."""
        with self._writing() as database:
            if database.execute("SELECT 1 FROM copies WHERE kept_for = ?", (client_id,)).fetchone():
                return False
            statement = "UPDATE copies SET kept_for = ? WHERE id = ? AND kept_for IS NULL"
            return database.execute(statement, (client_id, copy.id)).rowcount == 1

    # Platforms that may recognise the person

    def remembered(self) -> frozenset[str]:
        """The relying parties to which the person shows one and the same copy, by their word."""
        with self._lock:
            rows = self._database.execute("SELECT client_id FROM remembered").fetchall()
        return frozenset(row[0] for row in rows)

    def remember(self, client_id: str) -> None:
        """From now on one copy is kept for this relying party."""
        with self._writing() as database:
            database.execute("INSERT OR IGNORE INTO remembered VALUES (?)", (client_id,))

    def forget(self, client_id: str) -> None:
        """Deletes the copy that was kept for it; from now on it sees a stranger again."""
        with self._writing() as database:
            database.execute("DELETE FROM remembered WHERE client_id = ?", (client_id,))
            database.execute("DELETE FROM copies WHERE kept_for = ?", (client_id,))

    # The log

    def write(self, outcome: str, details: Mapping[str, object]) -> None:
        """Adds an entry of this moment."""
        entry = strict_json.dump({"outcome": outcome, **details}).decode()
        at = int(self._ambient.now().timestamp())
        with self._writing() as database:
            database.execute("INSERT INTO log (at, entry) VALUES (?, ?)", (at, entry))

    def log(self) -> list[LogEntry]:
        """The entries, the latest first."""
        with self._lock:
            rows = self._database.execute("SELECT at, entry FROM log ORDER BY number DESC").fetchall()
        entries = [(at, strict_json.parse_object(entry.encode())) for at, entry in rows]
        return [LogEntry(_moment(at), str(entry.pop("outcome")), entry) for at, entry in entries]

    def _open(self) -> None:
        file, key_file = self._directory / FILE, self._directory / KEY_FILE
        if file.exists() and not key_file.exists():
            raise KeyFileError(f"{key_file}: is missing, and {file} cannot be opened without it")
        if key_file.exists():
            self._key = SafeKey.read(key_file, self._ambient.random)
        else:
            self._key = SafeKey.made(key_file, self._ambient.random)
        file.touch(mode=0o600)
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # Deleted copies are overwritten in the file.
        for setting in ("secure_delete = ON", "journal_mode = TRUNCATE", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.executescript(_SCHEMA)

    def _copy(self, id_: str, configuration: str, expiry: int, kept_for: str | None, sealed: bytes) -> Copy:
        content = strict_json.parse_object(self._key.open(sealed, f"copy:{id_}"))
        fields = content["fields"]
        assert isinstance(fields, dict)  # noqa: S101  (as `put` wrote it)
        return Copy(
            id=id_,
            configuration=configuration,
            expires_at=_moment(expiry),
            kept_for=kept_for,
            credential=str(content["credential"]),
            key=SigningKey.from_private_jwk(content["key"]),
            fields=fields,
        )

    def _row(self, statement: str, *values: str) -> tuple[bytes] | None:
        with self._lock:
            row: tuple[bytes] | None = self._database.execute(statement, values).fetchone()
            return row

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
