"""What pages call people: a persona by its title, anybody else by the masked net number."""

from collections.abc import Mapping
from dataclasses import dataclass

from netid.identity.levels import Factor
from netid.identity.persons import Persona
from netid.services.interaction import Identified
from netid.services.records import Records


@dataclass(frozen=True)
class Name:
    """What a page calls somebody; neither, for a net number that was typed and not proved."""

    persona: Persona | None = None
    masked: str | None = None


class Names:
    """Names whoever takes part in a sign-in."""

    def __init__(self, *, records: Records, personas: Mapping[str, Persona]) -> None:
        self._records = records
        self._personas = personas

    def of(self, who: Identified) -> Name:
        """Before the passcode a typed net number must not tell whether it is anybody's."""
        if who.person_id is None or (who.typed and Factor.PASSCODE not in who.proved):
            return Name()
        persona = self._personas.get(self._records.persona_of(who.person_id) or "")
        if persona and not who.typed:
            return Name(persona)
        return Name(masked=self._records.masked_label(who.person_id))
