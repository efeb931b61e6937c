"""Both databases, each on SQLite and on PostgreSQL, and somebody who enrolled."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url

from netid.storage.database import Database
from netid.storage.persons import NewPerson, Persons

RIVAL = Path(__file__).parent / "rival.py"


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the main database is; every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/main.db"
    return str(request.getfixturevalue("postgres_url"))


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
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def keys_db(tmp_path: Path) -> Iterator[Database]:
    """The keys database with its tables."""
    database = Database(f"sqlite:///{tmp_path}/keys.db", "keys")
    database.migrate()
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
            processes = [
                started.enter_context(
                    subprocess.Popen(
                        [sys.executable, str(RIVAL), deed, *arguments],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                for _ in range(count)
            ]
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            return [_answer(process) for process in _all_told_to_go(processes)]

        yield run


def _all_told_to_go(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def _answer(process: subprocess.Popen[str]) -> object:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(output)
