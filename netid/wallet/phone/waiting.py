"""What waits for the person's decision: in memory, for a while, each under a name nobody can guess."""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from netid.ambient import Ambient
from netid.credentials import base64url

LIFETIME = timedelta(minutes=10)
_MOST = 32

T = TypeVar("T")


class Waiting(Generic[T]):
    """A few things of one kind; the oldest makes room."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient
        self._things: OrderedDict[str, tuple[datetime, T]] = OrderedDict()
        self._lock = Lock()

    def put(self, thing: T, name: str | None = None) -> str:
        """Its name, a new one unless it has one."""
        name = name or base64url.encode(self._ambient.random(24))
        with self._lock:
            self._things[name] = self._ambient.now() + LIFETIME, thing
            while len(self._things) > _MOST:
                self._things.popitem(last=False)
        return name

    def get(self, name: str) -> T | None:
        """What waits under this name."""
        with self._lock:
            until, thing = self._things.get(name, (None, None))
            return thing if until is not None and self._ambient.now() < until else None

    def take(self, name: str) -> T | None:
        """The same, which then waits no more: of two who ask, one gets it."""
        thing = self.get(name)
        with self._lock:
            return thing if self._things.pop(name, None) is not None else None

    def clear(self) -> None:
        """Forgets all of it."""
        with self._lock:
            self._things.clear()
