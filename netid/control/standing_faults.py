"""The faults in force in one realm: declared, striking, used up. Safe for all threads of a process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

from netid.control.faults import Endpoint, Fault, Layer
from netid.errors import InvalidField

_REMEDY = "reach the realm through its line, or declare another fault"


@dataclass(frozen=True)
class StandingFault:
    """A fault that was declared, and how often it has struck."""

    id: int
    """Its number in this realm, from 1."""
    fault: Fault
    struck: int = 0
    """How many times so far; a fault whose count is reached strikes no more and stays on the list."""

    @property
    def is_over(self) -> bool:
        """Whether its count is reached."""
        return self.fault.count is not None and self.struck >= self.fault.count


class Faults:
    """What goes wrong in one realm, in the order of declaration."""

    def __init__(self, *, has_line: bool) -> None:
        """`has_line` says whether a faulty line stands in front: without one its faults could not strike."""
        self._has_line = has_line
        self._standing: tuple[StandingFault, ...] = ()
        self._declared = 0
        self._lock = Lock()

    def declare(self, fault: Fault) -> StandingFault:
        """Puts a fault in force. Raises InvalidField for one of the line where there is no line."""
        if fault.layer == "line" and not self._has_line:
            raise InvalidField("fault", "is one of the line, and this realm is reached without one", _REMEDY)
        with self._lock:
            self._declared += 1
            declared = StandingFault(self._declared, fault)
            self._standing = (*self._standing, declared)
        return declared

    def all(self) -> tuple[StandingFault, ...]:
        """Every fault that was declared and not taken away."""
        return self._standing

    def withdraw(self, number: int) -> bool:
        """Takes one away; False where there is none of that number."""
        with self._lock:
            kept = tuple(each for each in self._standing if each.id != number)
            found = len(kept) < len(self._standing)
            self._standing = kept
        return found

    def clear(self) -> None:
        """Takes every fault away."""
        with self._lock:
            self._standing = ()

    def take(
        self,
        layer: Layer,
        endpoint: Endpoint,
        client_id: str | None,
        fits: Callable[[Fault], bool] = lambda fault: True,
    ) -> Fault | None:
        """The fault that strikes this request, which uses up one of its count; the oldest goes first.

        `fits` says which of the layer's faults can be done here at all; others are left for later.
        """
        with self._lock:
            for place, standing in enumerate(self._standing):
                fault = standing.fault
                if standing.is_over or (fault.layer, fault.endpoint) != (layer, endpoint) or not fits(fault):
                    continue
                if fault.match.client_id in (None, client_id):
                    struck = replace(standing, struck=standing.struck + 1)
                    self._standing = (*self._standing[:place], struck, *self._standing[place + 1 :])
                    return fault
        return None
