"""S13: no log line may carry a planted value. `watched_logs` fails the test in which one does."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache

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
        self._planted = [*planted]
        self.lines: dict[str, None] = {}
        """Everything that was logged, each line once."""

    def plant(self, planted: Iterable[Planted]) -> None:
        """Watches for these as well."""
        self._planted += planted

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the line, the traceback and whatever else hangs on the record."""
        try:
            line = logging.Formatter().format(record)
        except TypeError as refusal:
            line = f"{record.msg} cannot be written: {refusal}"
        extras = {name: value for name, value in record.__dict__.items() if name not in _USUAL}
        self.lines[f"{line}\n{record.args!r} {extras!r}\n"] = None

    def leaks(self) -> list[Leak]:
        """The planted values that were logged since the watch began."""
        if not self.lines:
            return []
        said = "".join(self.lines).encode(errors="surrogateescape")
        return Searcher(self._planted, legal_day(datetime.now(UTC))).leaks(said, words=False)


_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


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


def _shipped_values() -> tuple[Planted, ...]:
    return _values_on(legal_day(datetime.now(UTC)))


@lru_cache(maxsize=2)
def _values_on(today: date) -> tuple[Planted, ...]:
    fields = [field for persona in shipped_personas(today) for field in persona.fields.items()]
    return tuple(Planted(name, value) for name, value in fields if name not in TOO_COMMON)
