"""People, as the provider knows them apart from what their documents say."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.errors import AlreadyEnrolled, StorageBusy
from netid.identity.text import Text
from netid.storage.tables import former_documents, personas, storable
from netid.storage.tables import persons as table
from netid.storage.transaction import Transaction


class PersonStatus(StrEnum):
    """What a net credential is good for."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class Suspension(BaseModel):
    """Why a net credential is suspended, since when and until when."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    reason: Text
    since: datetime
    until: datetime | None
    """None where it lasts until somebody lifts it."""


@dataclass(frozen=True)
class NewPerson:
    """Somebody who has just enrolled."""

    person_id: str
    """32 random hex digits."""
    net_number_digest: bytes
    """`index_digest` of the net number."""
    document_digest: bytes
    """`index_digest` of document kind and number."""
    passcode_hash: str
    guardian_id: str | None
    """The guardian's person_id, for a person under 18."""
    created_at: datetime


@dataclass(frozen=True)
class Person:
    """Somebody who enrolled."""

    person_id: str
    status: PersonStatus
    net_number_digest: bytes | None
    """None once cancelled."""
    passcode_hash: str | None
    """None once cancelled."""
    guardian_id: str | None
    suspension: Suspension | None
    created_at: datetime
    cancelled_at: datetime | None

    def is_suspended(self, now: datetime) -> bool:
        """Whether a suspension holds: it ends by itself at its term."""
        until = self.suspension.until if self.suspension else None
        return self.status is PersonStatus.SUSPENDED and (until is None or now < until)

    def is_active(self, now: datetime) -> bool:
        """Whether the net credential can be used."""
        return self.status is not PersonStatus.CANCELLED and not self.is_suspended(now)


def index_digest(key: bytes, domain: str, value: str) -> bytes:
    """What a value is found by without being kept: HMAC-SHA256 under a key outside the databases.

    `domain` says what kind of value it is ("net-number", "document"): equal values of two kinds
    get different digests, because the domain carries its length.
    """
    name = domain.encode()
    return hmac.digest(key, len(name).to_bytes(4, "big") + name + value.encode(), hashlib.sha256)


_COLUMNS = [table.c[name] for name in Person.__dataclass_fields__]
_PEOPLE = select(*_COLUMNS)
_GET = _PEOPLE.where(table.c.person_id == bindparam("person"))
# PostgreSQL alone locks here; SQLite has one writer at a time.
_SHARE = select(table.c.person_id).where(table.c.person_id == bindparam("person")).with_for_update(read=True)
_CLAIM = _SHARE.with_for_update()
_BY_NET_NUMBER = _PEOPLE.where(table.c.net_number_digest == bindparam("digest"))
_BY_DOCUMENT = _PEOPLE.where(table.c.document_digest == bindparam("digest"))
_BY_FORMER_DOCUMENT = _PEOPLE.join(former_documents).where(former_documents.c.digest == bindparam("digest"))
_BY_PERSONA = _PEOPLE.join(personas).where(personas.c.persona_id == bindparam("persona"))
_ADD = (
    insert(table)
    .values(status=PersonStatus.ACTIVE, suspension=None, cancelled_at=None)
    .on_conflict_do_nothing()
    .returning(table.c.person_id)
)
_REMOVE = delete(table).where(table.c.person_id == bindparam("person"))
_SET_STATUS = (
    update(table)
    .where(table.c.person_id == bindparam("b_person"), table.c.status != PersonStatus.CANCELLED)
    .values(status=bindparam("b_status"), suspension=bindparam("b_suspension"))
)
_CANCEL = (
    update(table)
    .where(table.c.person_id == bindparam("b_person"), table.c.status != PersonStatus.CANCELLED)
    .values(
        status=PersonStatus.CANCELLED,
        net_number_digest=None,
        document_digest=None,
        passcode_hash=None,
        suspension=None,
        cancelled_at=bindparam("b_at"),
    )
)
_REPLACE_DOCUMENT = (
    update(table)
    .where(table.c.person_id == bindparam("b_person"), table.c.status != PersonStatus.CANCELLED)
    .values(document_digest=bindparam("b_digest"))
)
_KEEP_DOCUMENT = (
    insert(former_documents)
    .from_select(
        ["digest", "person_id"],
        select(table.c.document_digest, table.c.person_id).where(
            table.c.person_id == bindparam("person"),
            table.c.document_digest.is_not(None),
            table.c.document_digest != bindparam("digest"),
        ),
    )
    .on_conflict_do_nothing()
)
_FORGET_DOCUMENTS = delete(former_documents).where(former_documents.c.person_id == bindparam("person"))
_SUSPENDED = _PEOPLE.where(table.c.status == PersonStatus.SUSPENDED)
_COUNT = select(func.count()).select_from(table).where(table.c.status != PersonStatus.CANCELLED)
_CHILDREN = (
    select(func.count())
    .select_from(table)
    .where(table.c.guardian_id == bindparam("guardian"), table.c.status != PersonStatus.CANCELLED)
)
_WARDS = _PEOPLE.where(table.c.guardian_id == bindparam("guardian")).order_by(
    table.c.created_at, table.c.person_id
)
_BIND_PERSONA = insert(personas)
_PERSONAS = select(personas.c.persona_id, personas.c.person_id).order_by(personas.c.persona_id)


class Persons:
    """Everybody who enrolled."""

    def __init__(self, *, plays_personas: bool = True) -> None:
        """Without `plays_personas` nobody is found as a persona, though the database may have some."""
        self._plays_personas = plays_personas

    def add(self, tx: Transaction, person: NewPerson) -> None:
        """Enrol somebody. Raises AlreadyEnrolled when the identity document has a net number.

        Raises StorageBusy when the net number itself is taken: another try draws another.
        """
        if tx.execute(_ADD, person.__dict__).first() is None:
            if self.by_document(tx, person.document_digest):
                raise AlreadyEnrolled
            raise StorageBusy("the net number was drawn before")
        # Looked up now and not before: whoever renews it at this moment was waited for.
        if self.by_former_document(tx, person.document_digest):
            tx.execute(_REMOVE, {"person": person.person_id})
            raise AlreadyEnrolled

    def get(self, tx: Transaction, person_id: str) -> Person | None:
        """The person of that id."""
        return _person(tx.execute(_GET, {"person": person_id}).first()) if storable(person_id) else None

    def share(self, tx: Transaction, person_id: str) -> None:
        """Let nobody suspend, cancel or `claim` the person before this transaction ends."""
        tx.execute(_SHARE, {"person": person_id})

    def claim(self, tx: Transaction, person_id: str) -> None:
        """Wait for everybody who shares the person, and let nobody else until this transaction ends."""
        tx.execute(_CLAIM, {"person": person_id})

    def by_net_number(self, tx: Transaction, digest: bytes) -> Person | None:
        """The person whose net number has that `index_digest`."""
        return _person(tx.execute(_BY_NET_NUMBER, {"digest": digest}).first())

    def by_document(self, tx: Transaction, digest: bytes) -> Person | None:
        """The person whose identity document has that `index_digest`."""
        return _person(tx.execute(_BY_DOCUMENT, {"digest": digest}).first())

    def by_former_document(self, tx: Transaction, digest: bytes) -> Person | None:
        """The person who had that identity document before they renewed it."""
        return _person(tx.execute(_BY_FORMER_DOCUMENT, {"digest": digest}).first())

    def by_persona(self, tx: Transaction, persona_id: str) -> Person | None:
        """Who plays that synthetic persona here."""
        if not self._plays_personas or not storable(persona_id):
            return None
        return _person(tx.execute(_BY_PERSONA, {"persona": persona_id}).first())

    def set_status(
        self,
        tx: Transaction,
        person_id: str,
        status: PersonStatus,
        *,
        at: datetime,
        suspension: Suspension | None = None,
    ) -> bool:
        """Suspend (with a suspension), reinstate or cancel; False when unknown or cancelled before.

        A cancellation is final. It also removes everything by which the person could be found or
        checked; what remains is that somebody enrolled and left, and when.
        """
        if status is PersonStatus.CANCELLED:
            tx.execute(_FORGET_DOCUMENTS, {"person": person_id})
            return tx.execute(_CANCEL, {"b_person": person_id, "b_at": at}).rowcount == 1
        why = suspension.model_dump_json() if suspension else None
        values = {"b_person": person_id, "b_status": status, "b_suspension": why}
        return tx.execute(_SET_STATUS, values).rowcount == 1

    def renew_document(self, tx: Transaction, person_id: str, digest: bytes) -> bool:
        """Know the person by a renewed identity document, and by the one they had.

        False when unknown or cancelled.
        """
        tx.execute(_KEEP_DOCUMENT, {"person": person_id, "digest": digest})
        return self._set_document(tx, person_id, digest)

    def replace_document(self, tx: Transaction, person_id: str, digest: bytes) -> bool:
        """Know the person by another identity document alone; False when unknown or cancelled."""
        tx.execute(_FORGET_DOCUMENTS, {"person": person_id})
        return self._set_document(tx, person_id, digest)

    def _set_document(self, tx: Transaction, person_id: str, digest: bytes) -> bool:
        return tx.execute(_REPLACE_DOCUMENT, {"b_person": person_id, "b_digest": digest}).rowcount == 1

    def suspended(self, tx: Transaction) -> list[Person]:
        """Everybody whose suspension has not been lifted, its term reached or not."""
        return [person for row in tx.execute(_SUSPENDED) if (person := _person(row))]

    def count(self, tx: Transaction) -> int:
        """How many people have a net number."""
        return int(tx.execute(_COUNT).scalar_one())

    def children(self, tx: Transaction, guardian_id: str) -> int:
        """For how many people with a net number somebody is the guardian."""
        return int(tx.execute(_CHILDREN, {"guardian": guardian_id}).scalar_one())

    def wards(self, tx: Transaction, guardian_id: str) -> list[Person]:
        """Everybody whose registered guardian somebody is, in the order of their enrolment."""
        rows = tx.execute(_WARDS, {"guardian": guardian_id})
        return [person for row in rows if (person := _person(row))]

    def bind_persona(self, tx: Transaction, persona_id: str, person_id: str) -> None:
        """Let the person play that synthetic persona."""
        tx.execute(_BIND_PERSONA, {"persona_id": persona_id, "person_id": person_id})

    def personas(self, tx: Transaction) -> dict[str, str]:
        """person_id by persona_id."""
        return {row.persona_id: row.person_id for row in tx.execute(_PERSONAS)}


def _person(row: Row[Any] | None) -> Person | None:
    if row is None:
        return None
    values = dict(row._mapping)
    values["status"] = PersonStatus(row.status)
    values["suspension"] = Suspension.model_validate_json(row.suspension) if row.suspension else None
    return Person(**values)
