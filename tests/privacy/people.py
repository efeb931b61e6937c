"""The planted people of a running provider, and everything about them that must not be found elsewhere."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from netid.identity.calendar import legal_day
from netid.identity.persons import Persona, load_personas
from tests.privacy.forms import Planted
from tests.privacy.searching import Searcher
from tests.running import Running
from tests.watching import TOO_COMMON

PERSONA_FILE = Path(__file__).with_name("planted.yaml")


@dataclass(frozen=True)
class PlantedPerson:
    """One planted person as a provider has them."""

    persona: Persona
    person_id: str
    net_number: str

    @property
    def values(self) -> list[Planted]:
        """Everything that tells who this is."""
        fields = {name: value for name, value in self.persona.fields.items() if name not in TOO_COMMON}
        inside = {
            "net_number": self.net_number,
            "person_id": self.person_id,
            "passcode": self.persona.passcode,
        }
        return [Planted(name, value) for name, value in (fields | inside).items()]


@lru_cache(maxsize=2)
def load_planted(today: date) -> tuple[Persona, ...]:
    """The personas of the file as they are on that day."""
    return load_personas(PERSONA_FILE.read_text(encoding="utf-8"), "planted.yaml", today)


def planted_values() -> list[Planted]:
    """What is known of them before anybody has enrolled them."""
    personas = load_planted(legal_day(datetime.now(UTC)))
    fields = [field for persona in personas for field in persona.fields.items()]
    return [Planted(name, value) for name, value in fields if name not in TOO_COMMON]


class PlantedPeople:
    """Everybody of the persona file, enrolled at one provider."""

    def __init__(self, running: Running) -> None:
        self.today = legal_day(running.clock.now())
        personas = load_planted(self.today)
        stores, services = running.provider.stores, running.provider.services
        disclosure = services.decisions._disclosure
        self._people: dict[str, PlantedPerson] = {}
        with stores.db.read() as tx:
            ids = stores.persons.personas(tx)
            for persona in personas:
                person_id = ids[persona.id]
                number = disclosure.net_number_for_owner(tx, person_id).reveal()
                self._people[persona.id] = PlantedPerson(persona, person_id, number)

    def __getitem__(self, persona_id: str) -> PlantedPerson:
        return self._people[persona_id]

    @property
    def values(self) -> list[Planted]:
        """Everything that tells who any of them is."""
        return [value for one in self._people.values() for value in one.values]

    def searcher(self) -> Searcher:
        """Looks for every value of all of them."""
        return Searcher(self.values, self.today)
