"""A scene's own database: its members, what it knows of them, and their sessions.

It is small on purpose: whatever is in it is shown to the member it belongs to.
"""

import hashlib
import sqlite3
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from netid.client import Ambient, AssuranceLevel, PairwiseSubject

SESSION_LIFETIME = timedelta(hours=8)

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
  account_id TEXT PRIMARY KEY, way TEXT NOT NULL, created_at TEXT NOT NULL,
  subject TEXT UNIQUE, level TEXT, checked_at TEXT, member_code_digest TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS details (
  account_id TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE, name TEXT NOT NULL,
  value TEXT NOT NULL, keep_until TEXT NOT NULL, PRIMARY KEY (account_id, name));
CREATE TABLE IF NOT EXISTS deeds (
  account_id TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE, number INTEGER NOT NULL,
  text TEXT NOT NULL, done_at TEXT NOT NULL, PRIMARY KEY (account_id, number));
CREATE TABLE IF NOT EXISTS sessions (
  digest TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  expires_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS netid_sessions (
  digest TEXT PRIMARY KEY REFERENCES sessions ON DELETE CASCADE, session TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawals (
  account_id TEXT PRIMARY KEY REFERENCES accounts ON DELETE CASCADE, withdrawn_at TEXT NOT NULL);
"""
_OWNED = ("accounts", "details", "deeds", "sessions", "withdrawals")


@dataclass(frozen=True)
class Account:
    """A member, as the scene knows them."""

    account_id: str
    way: str
    """`netid`, `wallet` or `other`."""
    level: str | None
    details: Mapping[str, str]
    """What is kept of the fields, by name; a yes/no is `true` or `false`."""
    withdrawn_at: datetime | None
    """When the person took a consent back, and what was kept was deleted; None once they give anew."""


@dataclass(frozen=True)
class Checked:
    """A person who was checked: who they are to this scene, how surely, and when."""

    way: str
    """`netid`, through the provider, or `wallet`."""
    subject: PairwiseSubject
    level: AssuranceLevel
    checked_at: datetime


@dataclass(frozen=True)
class NewAccount:
    """A member who has just signed up the other way."""

    account_id: str
    member_code: str
    """Shown once; the way back in."""


class Accounts:
    """The members of one scene, in one SQLite file."""

    def __init__(self, path: Path, ambient: Ambient, retention_days: int) -> None:
        self._path = path
        self._ambient = ambient
        self._retention = timedelta(days=retention_days)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._open() as database:
            database.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        try:
            database.row_factory = sqlite3.Row
            # What is deleted is overwritten, not only marked as free.
            database.execute("PRAGMA secure_delete = ON")
            database.execute("PRAGMA foreign_keys = ON")
            yield database
        finally:
            database.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def sign_in(self, check: Checked, fields: Mapping[str, str | bool]) -> str:
        """The account of this subject, new or known; what it keeps is what was given this time."""
        now = self._ambient.now()
        row = (check.level.value, check.checked_at.isoformat(), check.subject.reveal())
        with self._write() as database:
            self._forget_what_is_over(database)
            known = database.execute(
                "UPDATE accounts SET level = ?, checked_at = ? WHERE subject = ? RETURNING account_id", row
            ).fetchone()
            account_id: str = known[0] if known else self._new_id()
            if known is None:
                database.execute(
                    "INSERT INTO accounts (account_id, way, created_at, level, checked_at, subject)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (account_id, check.way, now.isoformat(), *row),
                )
            database.execute("DELETE FROM withdrawals WHERE account_id = ?", (account_id,))
            texts = {n: str(v).lower() if isinstance(v, bool) else v for n, v in fields.items()}
            self._replace_details(database, account_id, texts)
        return account_id

    def withdraw(self, subject: str, claims: Collection[str]) -> None:
        """Deletes what is kept of these claims; where there are none, the check itself."""
        now = self._ambient.now().isoformat()
        with self._write() as database:
            known = database.execute(
                "SELECT account_id FROM accounts WHERE subject = ?", (subject,)
            ).fetchone()
            if known is None:
                return
            if not claims:
                database.execute(
                    "UPDATE accounts SET level = NULL, checked_at = NULL WHERE subject = ?", (subject,)
                )
            database.executemany(
                "DELETE FROM details WHERE account_id = ? AND name = ?", [(known[0], name) for name in claims]
            )
            database.execute("INSERT OR REPLACE INTO withdrawals VALUES (?, ?)", (known[0], now))

    def end_subject(self, subject: str) -> None:
        """Deletes the account of this subject, if there is one, and everything that belongs to it."""
        with self._write() as database:
            database.execute("DELETE FROM accounts WHERE subject = ?", (subject,))

    def sign_up_other_way(self, details: Mapping[str, str]) -> NewAccount:
        """A new account from what was typed, with a code to come back with."""
        new = NewAccount(self._new_id(), b32encode(self._ambient.random(10)).decode())
        with self._write() as database:
            self._forget_what_is_over(database)
            database.execute(
                "INSERT INTO accounts (account_id, way, created_at, member_code_digest)"
                " VALUES (?, 'other', ?, ?)",
                (new.account_id, self._ambient.now().isoformat(), _digest(new.member_code)),
            )
            self._replace_details(database, new.account_id, details)
        return new

    def by_member_code(self, code: str) -> str | None:
        """The account that this code belongs to; spaces, hyphens and small letters do not matter."""
        digest = _digest(code.upper().replace("-", "").replace(" ", ""))
        with self._open() as database:
            row = database.execute(
                "SELECT account_id FROM accounts WHERE member_code_digest = ?", (digest,)
            ).fetchone()
        return str(row[0]) if row else None

    def _replace_details(
        self, database: sqlite3.Connection, account_id: str, details: Mapping[str, str]
    ) -> None:
        keep_until = (self._ambient.now() + self._retention).isoformat() if self._retention else "account"
        database.execute("DELETE FROM details WHERE account_id = ?", (account_id,))
        database.executemany(
            "INSERT INTO details VALUES (?, ?, ?, ?)",
            [(account_id, name, value, keep_until) for name, value in details.items()],
        )

    def _forget_what_is_over(self, database: sqlite3.Connection) -> None:
        now = self._ambient.now().isoformat()
        database.execute("DELETE FROM details WHERE keep_until <> 'account' AND keep_until <= ?", (now,))
        database.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))

    def open_session(self, account_id: str, netid_session: str | None = None) -> str:
        """A new session of this account: its secret, for the browser's cookie.

        `netid_session` is the session at the provider that it was opened on.
        """
        secret = urlsafe_b64encode(self._ambient.random(32)).rstrip(b"=").decode()
        expires_at = (self._ambient.now() + SESSION_LIFETIME).isoformat()
        with self._write() as database:
            database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (_digest(secret), account_id, expires_at)
            )
            if netid_session is not None:
                database.execute("INSERT INTO netid_sessions VALUES (?, ?)", (_digest(secret), netid_session))
        return secret

    def close_session(self, secret: str) -> None:
        """Ends a session."""
        with self._write() as database:
            database.execute("DELETE FROM sessions WHERE digest = ?", (_digest(secret),))

    def close_sessions_of(self, netid_session: str) -> None:
        """Ends every session that was opened on that session at the provider."""
        with self._write() as database:
            database.execute(
                "DELETE FROM sessions WHERE digest IN (SELECT digest FROM netid_sessions WHERE session = ?)",
                (netid_session,),
            )

    def of_session(self, secret: str) -> Account | None:
        """Whose session this is, if it still counts."""
        now = self._ambient.now().isoformat()
        with self._open() as database:
            row = database.execute(
                "SELECT accounts.* FROM sessions JOIN accounts USING (account_id)"
                " WHERE digest = ? AND expires_at > ?",
                (_digest(secret), now),
            ).fetchone()
            if row is None:
                return None
            kept = database.execute(
                "SELECT name, value FROM details WHERE account_id = ?"
                " AND (keep_until = 'account' OR keep_until > ?)",
                (row["account_id"], now),
            ).fetchall()
            withdrawn = database.execute(
                "SELECT withdrawn_at FROM withdrawals WHERE account_id = ?", (row["account_id"],)
            ).fetchone()
        withdrawn_at = datetime.fromisoformat(withdrawn[0]) if withdrawn else None
        return Account(row["account_id"], row["way"], row["level"], dict(kept), withdrawn_at)

    def do(self, account_id: str, text: str) -> None:
        """Notes that the member has used the scene's feature."""
        with self._write() as database:
            database.execute(
                "INSERT INTO deeds SELECT ?, count(*) + 1, ?, ? FROM deeds WHERE account_id = ?",
                (account_id, text, self._ambient.now().isoformat(), account_id),
            )

    def deeds(self, account_id: str) -> list[tuple[int, str]]:
        """Number and text of each, newest first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT number, text FROM deeds WHERE account_id = ? ORDER BY number DESC", (account_id,)
            ).fetchall()
        return [(row["number"], row["text"]) for row in rows]

    def rows(self, account_id: str) -> dict[str, list[dict[str, object]]]:
        """Everything the database holds for this account, table by table."""
        with self._open() as database:
            return {
                table: [
                    dict(row)
                    for row in database.execute(
                        f"SELECT * FROM {table} WHERE account_id = ?",  # noqa: S608 - our own table names
                        (account_id,),
                    )
                ]
                for table in _OWNED
            }

    def delete(self, account_id: str) -> None:
        """Deletes the account and everything that belongs to it."""
        with self._write() as database:
            database.execute("DELETE FROM accounts WHERE account_id = ?", (account_id,))

    def _new_id(self) -> str:
        return self._ambient.random(8).hex()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
