"""For whom a guardian acts: children under 14, whose uses of the net number they decide (PIPL 31)."""

from datetime import datetime

from netid.disclosure import Disclosure
from netid.identity.ages import Capacity
from netid.storage.persons import Person
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


class Guardianship:
    """Tells who is whose guardian today; it ends with the child's 14th birthday."""

    def __init__(self, stores: Stores, *, disclosure: Disclosure) -> None:
        self._stores = stores
        self._disclosure = disclosure

    def children(self, tx: Transaction, guardian_id: str, now: datetime) -> list[Person]:
        """The children that this person acts for now, in the order of their enrolment."""
        wards = self._stores.persons.wards(tx, guardian_id)
        return [ward for ward in wards if self._is_child(tx, ward, now)]

    def acts_for(self, tx: Transaction, guardian_id: str, person_id: str, now: datetime) -> bool:
        """Whether this person is that child's guardian, and the child is under 14."""
        ward = self._stores.persons.get(tx, person_id)
        return ward is not None and ward.guardian_id == guardian_id and self._is_child(tx, ward, now)

    def _is_child(self, tx: Transaction, ward: Person, now: datetime) -> bool:
        return (
            ward.status != "cancelled"
            and self._disclosure.capacity(tx, ward.person_id, now) is Capacity.UNDER_14
        )
