"""S13: no log line may carry a planted value. `watched_logs` fails the test in which one does."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from netid.identity.calendar import legal_day
from netid.identity.persons import shipped_personas
from tests.privacy.forms import Planted
from tests.privacy.searching import Leak, Searcher

TALKATIVE = ("netid", "platform_demo", "werkzeug", "granian")
"""Whose every level is watched; of the rest (test clients, libraries) what they say unasked."""
TOO_COMMON = frozenset({"document_kind", "nationality", "sex"})
"""Fields whose values millions share: finding one says nothing. Closed schemas are their proof."""


_CLOCKWORK = frozenset(("created", "msecs", "relativeCreated", "thread", "process", "lineno"))
"""Long numbers that logging itself puts on every record: sooner or later they hold any short date."""


class LogWatch(logging.Handler):
    """Keeps what is logged as it would be written, traceback included, and looks for planted values in it."""

    def __init__(self, planted: Iterable[Planted]) -> None:
        super().__init__(logging.NOTSET)
        self._planted = list(planted)
        self._said: list[str] = []

    def plant(self, planted: Iterable[Planted]) -> None:
        """Watches for these as well."""
        self._planted += planted

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the line, the traceback and whatever else hangs on the record."""
        try:
            line = logging.Formatter().format(record)
        except TypeError as refusal:
            line = f"{record.msg} cannot be written: {refusal}"
        hanging = {name: value for name, value in record.__dict__.items() if name not in _CLOCKWORK}
        self._said.append(f"{line}\n{hanging!r}\n")

    def leaks(self) -> list[Leak]:
        """The planted values that were logged since the watch began."""
        said = "".join(self._said).encode(errors="surrogateescape")
        return Searcher(self._planted, legal_day(datetime.now(UTC))).leaks(said, words=False) if said else []

    @property
    def lines(self) -> list[str]:
        """What was logged."""
        return self._said


@contextmanager
def watching(planted: Iterable[Planted]) -> Iterator[LogWatch]:
    """Raises AssertionError at the end of the block if one of these values was logged in it."""
    watch = LogWatch(planted)
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    logging.getLogger().addHandler(watch)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield watch
    finally:
        logging.getLogger().removeHandler(watch)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    found = watch.leaks()
    assert not found, f"planted values were logged: {found}"


@pytest.fixture
def watched_logs() -> Iterator[LogWatch]:
    """Fails the test at its end if a value of a shipped persona, or one it planted itself, was logged."""
    with watching(_shipped_values()) as watch:
        yield watch


def _shipped_values() -> list[Planted]:
    personas = shipped_personas(legal_day(datetime.now(UTC)))
    return [
        Planted(name, value)
        for persona in personas
        for name, value in persona.fields.items()
        if name not in TOO_COMMON
    ]
