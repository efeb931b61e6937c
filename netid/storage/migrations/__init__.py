"""Migrations: how a database of an earlier version gets this version's tables.

Each database has its own line of revisions in the folder of its name. Everything runs in the
caller's transaction, so that a migration killed half-way leaves nothing.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from netid.settings import SettingsError
from netid.storage.transaction import Transaction

HEADS = {"main": "0007", "keys": "0001"}
"""The revision that this version's tables have, per database."""

_IS_THERE = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE name = 'alembic_version'"),
    "postgresql": text("SELECT to_regclass('alembic_version')"),
}
_FOUND = text("SELECT version_num FROM alembic_version")
_LOCK = 0x6E65746964


def is_current(tx: Transaction, name: str) -> bool:
    """Whether that database ("main" or "keys") already has this version's tables."""
    return _revision(tx) == HEADS[name]


def upgrade(connection: Connection, name: str) -> None:
    """Run what is missing, within the connection's open transaction.

    Raises SettingsError for a database made by a later version.
    """
    # Alembic costs a tenth of a second to import: only who has something to migrate pays it.
    from alembic.runtime.environment import EnvironmentContext

    if connection.dialect.name == "postgresql":
        # Workers that start together take turns; the lock ends with the transaction.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    script = _scripts(name)
    revision = _revision(connection)
    if revision is not None and revision not in {known.revision for known in script.walk_revisions()}:
        raise SettingsError(f"database {name}: has revision {revision}, made by a later version of NetID")
    with EnvironmentContext(
        _script_config(name), script, fn=lambda rev, _: script._upgrade_revs("head", rev)
    ) as env:
        env.configure(connection=connection, transactional_ddl=True, render_as_batch=True)
        with env.begin_transaction():
            env.run_migrations()


def _script_config(name: str) -> Any:
    """Alembic's configuration for that database's revisions."""
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).parent
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / name))
    config.set_main_option("path_separator", "newline")
    return config


def _scripts(name: str) -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_script_config(name))


def _revision(tx: Transaction) -> str | None:
    if tx.execute(_IS_THERE[tx.dialect.name]).scalar() is None:
        return None
    found: str | None = tx.execute(_FOUND).scalar()
    return found
