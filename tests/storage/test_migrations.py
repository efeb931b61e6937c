"""Migrations end at this version's tables, or have not happened at all."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, Table, Text, text

from netid.settings import SettingsError
from netid.storage import migrations
from netid.storage.database import Database
from netid.storage.tables import KEYS, MAIN

DATABASES = pytest.mark.parametrize(("name", "metadata"), [("main", MAIN), ("keys", KEYS)])
KILLED = Path(__file__).parent / "killed_migration.py"


@DATABASES
def test_the_migrated_tables_are_those_of_the_metadata(
    url: str, engine: Engine, name: Literal["main", "keys"], metadata: MetaData
) -> None:
    db = Database(url, name)
    db.migrate()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        planted = MetaData()
        for table in metadata.tables.values():
            table.to_metadata(planted)
        Table("instance", planted, Column("planted", Text), extend_existing=True)
        assert len(compare_metadata(context, planted)) == 1
    db.close()


@pytest.mark.parametrize("name", ["main", "keys"])
def test_the_newest_revision_is_the_one_this_version_asks_for(name: str) -> None:
    folder = Path(migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / name))
    config.set_main_option("path_separator", "newline")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEADS[name]]


def test_a_second_start_migrates_nothing_and_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/main.db"
    Database(url, "main").migrate()
    program = (
        "import sys; from netid.storage.database import Database; "
        f"Database({url!r}, 'main').migrate(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_workers_that_start_together_migrate_once(url: str) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        db = Database(url, "main")
        barrier.wait()
        try:
            db.migrate()
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)
        db.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_database_of_a_later_version_stops_the_start(db: Database) -> None:
    with db.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="9999"):
        db.migrate()


@pytest.mark.parametrize("name", ["main", "keys"])
def test_f20_a_migration_killed_at_any_statement_leaves_nothing(url: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(KILLED), url, name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 3
