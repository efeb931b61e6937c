"""A PostgreSQL server of our own, for every test that wants a database on it."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
import pytest

_COUNTER = itertools.count()


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.fail("PostgreSQL is missing: install the Debian package postgresql")
    return found[-1].parent


class Cluster:
    """One PostgreSQL server of our own, reached by the socket in its folder; fsync is on."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="netid-postgres-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._data = self.folder / "data"
        self.is_running = False

    def make(self) -> None:
        """An empty one."""
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        self.start()

    def standby(self) -> "Cluster":
        """Another that has what this one has, and follows it."""
        other = Cluster()
        other._run("pg_basebackup", "-h", self.folder, "-U", "postgres", "-R", "-X", "stream", "-c", "fast")
        other.start()
        return other

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = f"-k {self.folder} -c listen_addresses= -c max_connections=100"
        self._run("pg_ctl", "-l", self.folder / "log", "-w", "-o", options, "start")
        self.is_running = True

    def promote(self) -> None:
        """Makes a standby the one that is written to."""
        self._run("pg_ctl", "-w", "promote")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Ends it; `immediate` is what a crash is."""
        self.is_running = False
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Ends it, if it still runs, and deletes its files."""
        if self.is_running:
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def execute(self, *statements: LiteralString) -> list[tuple[Any, ...]]:
        """Runs them, each for itself; the rows of the last."""
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as admin:
            for statement in statements:
                cursor = admin.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str | Path) -> None:
        # PostgreSQL refuses to run as root.
        become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*become, _programs() / program, "-D", self._data, *arguments]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stdout}{done.stderr}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket folder of a PostgreSQL server that lives as long as the tests do."""
    cluster = Cluster()
    try:
        cluster.make()
        yield str(cluster.folder)
    finally:
        cluster.remove()


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped afterwards."""
    name = f"test_{next(_COUNTER)}"
    with psycopg.connect(host=server, user="postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://postgres@/{name}?host={server}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with empty_database(postgres_server) as url:
        yield url
