"""What is kept about a person, told to that person."""

from netid.disclosure import Disclosure
from netid.errors import NotFound
from netid.storage.stores import Stores


class Records:
    """Reads a person's own record."""

    def __init__(self, stores: Stores, *, disclosure: Disclosure) -> None:
        self._stores = stores
        self._disclosure = disclosure

    def masked_label(self, person_id: str) -> str:
        """The person's net number, masked (`KH******2C`): enough for its owner to tell it by.

        Raises NotFound once the net number is cancelled.
        """
        with self._stores.db.read() as tx:
            person = self._stores.persons.get(tx, person_id)
            if person is None or person.status == "cancelled":
                raise NotFound("no net number")
            return self._disclosure.net_number_for_owner(tx, person_id).masked

    def persona_of(self, person_id: str) -> str | None:
        """The id of the synthetic persona that this person is, if they are one."""
        with self._stores.db.read() as tx:
            personas = self._stores.persons.personas(tx)
        return next((persona_id for persona_id, who in personas.items() if who == person_id), None)

    def person_of(self, persona_id: str) -> str:
        """Who plays that synthetic persona here. Raises NotFound."""
        with self._stores.db.read() as tx:
            person = self._stores.persons.by_persona(tx, persona_id)
        if person is None:
            raise NotFound("no such persona")
        return person.person_id
