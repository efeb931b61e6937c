"""Providers whose people are planted: each of their values can be told from everything else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netid.ambient import Ambient
from netid.app import build
from netid.credentials.keyring import Keyring
from netid.storage import sqlite
from tests.privacy.people import PERSONA_FILE, PlantedPeople
from tests.privacy.searching import Searcher
from tests.running import Running, settings_for


@pytest.fixture(scope="package", autouse=True)
def _without_waiting_for_the_disk() -> Iterator[None]:
    """What survives a power cut is the storage tests' subject; here it would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        relaxed = [pragma.replace("synchronous=FULL", "synchronous=OFF") for pragma in sqlite.PRAGMAS]
        patch.setattr(sqlite, "PRAGMAS", tuple(relaxed))
        yield


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
def people(provider: Running) -> PlantedPeople:
    """The planted people of that provider."""
    return PlantedPeople(provider)


@pytest.fixture
def searcher(people: PlantedPeople) -> Searcher:
    """Looks for every value of every planted person."""
    return people.searcher()
