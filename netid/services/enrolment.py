"""Enrolment: a person with a valid identity document gets a net number (Measures, article 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.disclosure import NET_NUMBER_FIELD, Disclosure
from netid.errors import (
    AlreadyEnrolled,
    GuardianRequired,
    InvalidField,
    PersonaError,
    StorageBusy,
)
from netid.identity.ages import Capacity, birthdate_of_age, capacity_on
from netid.identity.calendar import legal_day
from netid.identity.documents import (
    IdentityDocument,
    Sex,
    check_new_passcode,
    make_synthetic_document,
    make_synthetic_phone,
)
from netid.identity.net_number import NetNumber
from netid.identity.persona_file import DEMO_PASSCODE
from netid.identity.persons import Persona, PersonaStatus, fields_of
from netid.services.passcodes import hash_passcode
from netid.storage.persons import NewPerson, Person, PersonStatus, Suspension, index_digest
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction
from netid.storage.vault import Vault

_PERSON_ID_BYTES = 16
_SALT_BYTES = 16
_DRAWS = 8
_GUARDIAN_AGE = 45


@dataclass(frozen=True)
class Applicant:
    """Everything an enrolment rests on."""

    document: IdentityDocument
    phone_number: str = field(repr=False)
    """E.164."""
    passcode_hash: str = field(repr=False)
    guardian_id: str | None = None
    """The person_id of the guardian who applied or confirmed, for a person under 18."""


@dataclass(frozen=True)
class Enrolled:
    """Somebody who has just enrolled."""

    person_id: str
    net_number: NetNumber


class Enrolment:
    """Decides who gets a net number, and keeps what comes with it."""

    def __init__(
        self,
        stores: Stores,
        *,
        vault: Vault,
        disclosure: Disclosure,
        keyring: Keyring,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._vault = vault
        self._disclosure = disclosure
        self._keyring = keyring
        self._ambient = ambient

    def check_document(self, document: IdentityDocument, today: date) -> None:
        """InvalidField unless the document is valid on that day and its holder is born."""
        if document.birthdate > today:
            raise InvalidField("birthdate", "must not be in the future", "check the date of birth")
        if not document.is_valid_on(today):
            raise InvalidField("expires_on", "must not be in the past", "use a document that has not expired")

    def is_enrolled(self, tx: Transaction, document: IdentityDocument) -> bool:
        """Whether the document has a net number, or was renewed by who has one."""
        return self._holder(tx, document) is not None

    def _holder(self, tx: Transaction, document: IdentityDocument) -> Person | None:
        digest = self._document_digest(document)
        persons = self._stores.persons
        return persons.by_document(tx, digest) or persons.by_former_document(tx, digest)

    def require_guardian(self, tx: Transaction, guardian: Person | None, now: datetime) -> None:
        """GuardianRequired unless this is an adult who holds an active net credential."""
        if guardian is None or not guardian.is_active(now):
            raise GuardianRequired("a guardian needs an active net credential")
        if self._disclosure.capacity(tx, guardian.person_id, now) is not Capacity.ADULT:
            raise GuardianRequired("a guardian is an adult")

    def hash_passcode(self, passcode: str) -> str:
        """What is kept of a passcode, with a salt of its own."""
        return hash_passcode(
            self._keyring.passcode.reveal(), passcode, salt=self._ambient.random(_SALT_BYTES)
        )

    def enrol(self, tx: Transaction, applicant: Applicant, now: datetime) -> Enrolled:
        """Gives the applicant a net number, or nothing at all.

        Raises InvalidField for a document that is not valid today, GuardianRequired for a minor
        without a guardian who may act, AlreadyEnrolled if the document has a net number.
        """
        today = legal_day(now)
        self.check_document(applicant.document, today)
        guardian_id = None
        if capacity_on(applicant.document.birthdate, today) is not Capacity.ADULT:
            guardian_id = applicant.guardian_id
            self.require_guardian(tx, self._stores.persons.get(tx, guardian_id) if guardian_id else None, now)
        return self._add(tx, applicant, guardian_id, now)

    def _add(self, tx: Transaction, applicant: Applicant, guardian_id: str | None, now: datetime) -> Enrolled:
        net_number = self._draw(tx)
        enrolled = Enrolled(self._ambient.random(_PERSON_ID_BYTES).hex(), net_number)
        person = NewPerson(
            person_id=enrolled.person_id,
            net_number_digest=self._net_number_digest(net_number),
            document_digest=self._document_digest(applicant.document),
            passcode_hash=applicant.passcode_hash,
            guardian_id=guardian_id,
            created_at=now,
        )
        self._stores.persons.add(tx, person)
        fields = fields_of(applicant.document, applicant.phone_number)
        self._vault.seal(tx, enrolled.person_id, fields | {NET_NUMBER_FIELD: net_number.reveal()})
        self._stores.audit.record(tx, "enrolled", at=now, person_id=enrolled.person_id)
        return enrolled

    def renew(self, tx: Transaction, person_id: str, document: IdentityDocument) -> None:
        """Puts a renewed document in the place of the person's; net number and subjects stay.

        That it is the same person's, the caller has made sure of. Raises AlreadyEnrolled where
        somebody else has a net number by it.
        """
        holder = self._holder(tx, document)
        if holder is not None and holder.person_id != person_id:
            raise AlreadyEnrolled
        self._vault.seal(tx, person_id, document.fields())
        if document.expires_on is None:
            self._vault.drop(tx, person_id, "document_expires_on")
        self._stores.persons.renew_document(tx, person_id, self._document_digest(document))

    def by_net_number(self, tx: Transaction, net_number: NetNumber) -> tuple[Person | None, bytes]:
        """Whose it is, and the digest by which attempts on it are counted."""
        digest = self._net_number_digest(net_number)
        return self._stores.persons.by_net_number(tx, digest), digest

    def _draw(self, tx: Transaction) -> NetNumber:
        for _ in range(_DRAWS):
            net_number = NetNumber.draw(self._ambient.random)
            if self._stores.persons.by_net_number(tx, self._net_number_digest(net_number)) is None:
                return net_number
        raise StorageBusy(f"{_DRAWS} net numbers in a row were taken")

    def _net_number_digest(self, net_number: NetNumber) -> bytes:
        return index_digest(self._keyring.index.reveal(), "net-number", net_number.reveal())

    def _document_digest(self, document: IdentityDocument) -> bytes:
        # What a renewal leaves as it is: the same permit with another count of renewals is the same permit.
        lasting = document.lasting_part(document.number) or document.number
        return index_digest(self._keyring.index.reveal(), "document", f"{document.kind}:{lasting}")

    # People nobody has to ask

    def seed(self, personas: Iterable[Persona]) -> None:
        """Enrols those personas that are not enrolled yet, in one transaction.

        A persona whose age is relative to today grows a new document each day; the enrolled one then
        takes it over and keeps the net number. Personas with one passcode share its hash: what protects
        a passcode from being tried out is wasted on one that is printed.
        """
        wanted = sorted(personas, key=lambda persona: persona.guardian is not None)
        with self._stores.db.read() as tx:
            enrolled = self._stores.persons.personas(tx)
            drifted = [persona for persona in wanted if self._has_drifted(tx, enrolled, persona)]
        missing = [persona for persona in wanted if persona.id not in enrolled]
        if not missing and not drifted:
            return
        hashes = {passcode: self.hash_passcode(passcode) for passcode in {p.passcode for p in missing}}
        with self._stores.db.write() as tx:
            for persona in missing:
                self._enrol_persona(tx, persona, hashes[persona.passcode])
            for persona in drifted:
                person_id = enrolled[persona.id]
                self._vault.seal(tx, person_id, persona.fields)
                self._stores.persons.replace_document(tx, person_id, self._document_digest(persona.document))

    def _has_drifted(self, tx: Transaction, enrolled: Mapping[str, str], persona: Persona) -> bool:
        person = self._stores.persons.get(tx, enrolled.get(persona.id, ""))
        here = person is not None and person.status is not PersonStatus.CANCELLED
        digest = self._document_digest(persona.document)
        return here and self._stores.persons.by_document(tx, digest) is None

    def enrol_persona(self, persona: Persona) -> None:
        """Enrols one persona, whose guardian is enrolled; nothing happens if it is enrolled already."""
        self.seed((persona,))

    def _enrol_persona(self, tx: Transaction, persona: Persona, passcode_hash: str) -> None:
        """A persona is what its file says: an expired document or a suspension may be the point of it."""
        enrolled = self._stores.persons.personas(tx)
        if persona.id in enrolled:
            return
        if persona.guardian is not None and persona.guardian not in enrolled:
            raise PersonaError(f"{persona.id}: guardian: {persona.guardian} is not enrolled; enrol it first")
        if self.is_enrolled(tx, persona.document):
            raise PersonaError(f"{persona.id}: document: somebody enrolled with it; give another number")
        guardian_id = enrolled[persona.guardian] if persona.guardian else None
        applicant = Applicant(persona.document, persona.phone_number, passcode_hash, guardian_id)
        now = self._ambient.now()
        person_id = self._add(tx, applicant, guardian_id, now).person_id
        self._stores.persons.bind_persona(tx, persona.id, person_id)
        if persona.status is PersonaStatus.SUSPENDED and persona.suspension_reason is not None:
            suspension = Suspension(reason=persona.suspension_reason, since=now, until=None)
            self._stores.persons.set_status(
                tx, person_id, PersonStatus.SUSPENDED, at=now, suspension=suspension
            )
        if persona.status is PersonaStatus.CANCELLED:
            self._vault.destroy(tx, person_id)
            self._stores.persons.set_status(tx, person_id, PersonStatus.CANCELLED, at=now)

    def enrol_person(
        self,
        *,
        age: int = 30,
        days: int = 0,
        kind: str = "resident_id",
        name: str = "林示例",
        sex: Sex = "female",
        passcode: str = DEMO_PASSCODE,
        guardian_id: str | None = None,
    ) -> Enrolled:
        """Enrols a made-up person who is `days` days past (below zero: before) that birthday today.

        A minor without `guardian_id` gets an adult guardian of their own.
        """
        now = self._ambient.now()
        birthdate = birthdate_of_age(age, days, legal_day(now))
        random = self._ambient.random
        document = make_synthetic_document(kind, birthdate=birthdate, sex=sex, name=name, random=random)
        if guardian_id is None and capacity_on(birthdate, legal_day(now)) is not Capacity.ADULT:
            guardian_id = self.enrol_person(age=_GUARDIAN_AGE, name="王示例").person_id
        phone_number = make_synthetic_phone(random)
        chosen = check_new_passcode(passcode, document, phone_number)
        applicant = Applicant(document, phone_number, self.hash_passcode(chosen), guardian_id)
        with self._stores.db.write() as tx:
            return self.enrol(tx, applicant, now)
