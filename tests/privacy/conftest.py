"""Providers whose people are planted: each of their values can be told from everything else."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netid.ambient import Ambient
from netid.app import build
from netid.credentials.keyring import Keyring
from tests.privacy.people import PERSONA_FILE, PlantedPeople, planted_values
from tests.privacy.searching import Searcher
from tests.running import Running, settings_for
from tests.watching import LogWatch

MEMORY = Path("/dev/shm")  # noqa: S108  (made unguessable by mkdtemp, and removed at the end)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a place: what survives a power cut is the storage tests' subject."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Path:
    """Databases with the planted people enrolled, to be copied for each test."""
    directory = tmp_path_factory.mktemp("planted")
    settings = settings_for(directory, "http://127.0.0.1:1", personas=PERSONA_FILE)
    build(settings, keyring, Ambient.real()).close()
    return directory


@pytest.fixture
def provider(start: Callable[..., Running]) -> Running:
    """A provider with the planted people."""
    return start(personas=PERSONA_FILE)


@pytest.fixture
def people(provider: Running, watched_logs: LogWatch) -> PlantedPeople:
    """The planted people of that provider."""
    found = PlantedPeople(provider)
    watched_logs.plant(found.values)
    return found


@pytest.fixture(autouse=True)
def _logs_are_watched(watched_logs: LogWatch) -> None:
    """S13: no test of this folder may log a planted value."""
    watched_logs.plant(planted_values())


@pytest.fixture
def searcher(people: PlantedPeople) -> Searcher:
    """Looks for every value of every planted person."""
    return people.searcher()
