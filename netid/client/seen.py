"""Which events a relying party has done already, so that one that comes again is not done twice."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Protocol


class SeenStore(Protocol):
    """Where that is kept. With several processes, this has to be something they share."""

    def has(self, event_id: str) -> bool:
        """Whether this event was done."""

    def add(self, event_id: str, until: datetime) -> None:
        """It is done now; after `until` nobody will send it again."""


class SeenInMemory:
    """For one process. What it forgets at a restart is done again, which a handler has to bear anyway."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._until: dict[str, datetime] = {}

    def has(self, event_id: str) -> bool:
        """As SeenStore says."""
        with self._lock:
            return event_id in self._until

    def add(self, event_id: str, until: datetime) -> None:
        """As SeenStore says."""
        now = self._now()
        with self._lock:
            self._until = {name: end for name, end in self._until.items() if end > now}
            self._until[event_id] = until
