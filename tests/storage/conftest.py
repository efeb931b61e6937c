"""Both databases, each on SQLite and on PostgreSQL, and somebody who enrolled."""

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url

from netid.storage.database import Database
from netid.storage.persons import NewPerson, Persons

_COPIES = itertools.count()
RIVAL = Path(__file__).parent / "rival.py"


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def _migrated(url: str, name: Literal["main", "keys"]) -> None:
    database = Database(url, name)
    database.migrate()
    assert database.checkpoint()
    database.close()


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with main.db and keys.db as the migrations make them, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    _migrated(f"sqlite:///{folder}/main.db", "main")
    _migrated(f"sqlite:///{folder}/keys.db", "keys")
    return folder


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The name of a PostgreSQL database as the migrations make it, to be copied."""
    with psycopg.connect(host=postgres_server, user="postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated")
    _migrated(f"postgresql://postgres@/migrated?host={postgres_server}", "main")
    return "migrated"


@pytest.fixture
def copied_postgres_url(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test's own."""
    name = f"copy_{next(_COPIES)}"
    with psycopg.connect(host=postgres_server, user="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_postgres}")
        yield f"postgresql://postgres@/{name}?host={postgres_server}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the main database is; every test that asks for it runs on both kinds.

    It is empty, unless the test asks for `db` too: then it has its tables.
    """
    wants_tables = "db" in request.fixturenames
    if request.param == "postgresql":
        return str(request.getfixturevalue("copied_postgres_url" if wants_tables else "postgres_url"))
    if wants_tables:
        shutil.copy(request.getfixturevalue("migrated_files") / "main.db", tmp_path)
    return f"sqlite:///{tmp_path}/main.db"


@pytest.fixture
def engine(url: str) -> Engine:
    """SQLAlchemy's own way to the main database, to compare with; leaves no connection open."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, poolclass=NullPool)


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    """The main database with its tables."""
    database = Database(url, "main")
    yield database
    database.close()


@pytest.fixture
def keys_db(tmp_path: Path, migrated_files: Path) -> Iterator[Database]:
    """The keys database with its tables."""
    shutil.copy(migrated_files / "keys.db", tmp_path)
    database = Database(f"sqlite:///{tmp_path}/keys.db", "keys")
    yield database
    database.close()


@pytest.fixture
def enrol(db: Database, now: datetime) -> Callable[[], str]:
    """Enrols somebody new, and says their person_id."""
    numbers = itertools.count(1)

    def one() -> str:
        n = next(numbers)
        person_id = f"{n:032x}"
        with db.write() as tx:
            person = NewPerson(
                person_id=person_id,
                net_number_digest=b"net number %d" % n,
                document_digest=b"document %d" % n,
                passcode_hash="a hash",
                guardian_id=None,
                created_at=now,
            )
            Persons().add(tx, person)
        return person_id

    return one


@pytest.fixture
def person_id(enrol: Callable[[], str]) -> str:
    return enrol()


@pytest.fixture
def rivals() -> Iterator[Callable[..., list[object]]]:
    """Runs the same deed in several processes at once, and says what each of them answers."""
    with ExitStack() as started:

        def run(count: int, deed: str, *arguments: str) -> list[object]:
            parent = started.enter_context(
                subprocess.Popen(
                    [sys.executable, str(RIVAL), str(count), deed, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert parent.stdout is not None
            assert [parent.stdout.readline() for _ in range(count)] == ["ready\n"] * count
            output, _ = parent.communicate("!" * count, timeout=60)
            assert parent.returncode == 0
            answers = [json.loads(line) for line in output.splitlines()]
            assert len(answers) == count
            return answers

        yield run
