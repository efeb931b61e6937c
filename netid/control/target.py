"""What a call of the management API is about: a realm, or the server itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import g

from netid.identity.persons import Persona
from netid.services.approval import Outcomes
from netid.services.registration import Registration


@dataclass(frozen=True)
class Target:
    """The parts that realms and the server itself both have."""

    registration: Registration
    outcomes: Outcomes
    people: Sequence[Persona]

    @property
    def persona_ids(self) -> list[str]:
        """The ids of its people."""
        return [persona.id for persona in self.people]


Find = Callable[[], Target]
"""The target of the request under way. Raises NotFound."""


def take_realm_id(_endpoint: str | None, values: dict[str, str] | None) -> None:
    """Notes which realm the address names, if any, so that one view serves both."""
    g.realm_id = values.pop("realm_id", None) if values else None
