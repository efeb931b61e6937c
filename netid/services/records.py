"""What is kept about a person, told to that person."""

from dataclasses import dataclass
from datetime import date, datetime

from netid.ambient import Ambient
from netid.disclosure import Disclosure
from netid.errors import NotFound
from netid.identity.documents import DOCUMENT_KINDS
from netid.identity.text import Text
from netid.storage.stores import Stores


@dataclass(frozen=True)
class Holding:
    """A person's net number and net credential, as its owner reads of them."""

    masked: str
    """`KH******2C`: enough for its owner to tell it by."""
    since: datetime
    document: Text
    """The kind of document it rests on."""
    valid_until: date | None
    """The document's last day; None where it is valid for good."""
    is_suspended: bool


class Records:
    """Reads a person's own record."""

    def __init__(self, stores: Stores, *, disclosure: Disclosure, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient
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

    def holding(self, person_id: str) -> Holding:
        """What the person holds. Raises NotFound once the net number is cancelled."""
        with self._stores.db.read() as tx:
            person = self._stores.persons.get(tx, person_id)
            if person is None or person.status == "cancelled":
                raise NotFound("no net number")
            kept = self._disclosure.release_to_owner(tx, person_id)
            expires_on = kept.get("document_expires_on")
            return Holding(
                self._disclosure.net_number_for_owner(tx, person_id).masked,
                person.created_at,
                DOCUMENT_KINDS[kept["document_kind"]].label,
                date.fromisoformat(expires_on) if expires_on else None,
                person.is_suspended(self._ambient.now()),
            )

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
