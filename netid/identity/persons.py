"""Personas: the synthetic people that ship with NetID or come from a file.

A persona's age may be given relative to today, so that the borders of the Measures (14 and 18
years, expiry) stay true on whatever day the provider starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources
from types import MappingProxyType

from netid.errors import InvalidField
from netid.identity.ages import Capacity, age_on, anniversary, birthdate_of_age, capacity_on
from netid.identity.documents import (
    IdentityDocument,
    check_new_passcode,
    document_kind,
    parse_document,
    parse_phone,
    usual_expiry,
)
from netid.identity.entered import entered_date
from netid.identity.persona_file import (
    DEMO_PASSCODE,
    DocumentEntry,
    Group,
    PersonaEntry,
    PersonaStatus,
    mistake,
    read_persona_file,
)
from netid.identity.text import Text

__all__ = [
    "DEMO_PASSCODE",
    "GROUP_LABELS",
    "Group",
    "Persona",
    "PersonaStatus",
    "fields_of",
    "load_personas",
    "persona_of",
    "shipped_personas",
]

GROUP_LABELS: Mapping[Group, Text] = MappingProxyType(
    {
        Group.ADULT: Text(zh="成年人 · 居民身份证", en="Adults with a resident ID card"),
        Group.UNDER_14: Text(zh="未满14岁", en="Under 14"),
        Group.FROM_14_UNDER_18: Text(zh="14岁至17岁", en="14 to 17 years"),
        Group.OTHER_DOCUMENT: Text(zh="其他证件", en="Other documents"),
        Group.SPECIAL: Text(zh="特殊情形", en="Special cases"),
    }
)
"""What the sign-in page calls each group, in the order it lists them."""


@dataclass(frozen=True)
class Persona:
    """A synthetic person, ready to be enrolled; only `persona_of` makes one."""

    id: str
    """A stable word that a tester types as `login_hint`."""

    title: Text
    """Who this is and what for."""

    group: Group
    document: IdentityDocument

    phone_number: str = field(repr=False)
    """E.164, in a range that no network can have given out."""

    passcode: str = field(repr=False)

    guardian: str | None
    """Another persona's id; an adult's."""

    status: PersonaStatus

    suspension_reason: Text | None
    """Why the net credential is suspended; there if and only if it is."""

    has_nfc: bool
    """Whether this person's phone can read a document's chip."""

    @property
    def fields(self) -> dict[str, str]:
        """The plaintext fields that the vault keeps of this person."""
        return fields_of(self.document, self.phone_number)


def fields_of(document: IdentityDocument, phone_number: str) -> dict[str, str]:
    """What is kept of a document and with it, by field name."""
    return document.fields() | {"phone_number": phone_number}


def shipped_personas(today: date) -> tuple[Persona, ...]:
    """The personas that come with NetID, as they are on that day (see `calendar.legal_day`)."""
    text = resources.files("netid.identity").joinpath("personas.yaml").read_text(encoding="utf-8")
    return load_personas(text, "personas.yaml", today)


def load_personas(text: str, source: str, today: date) -> tuple[Persona, ...]:
    """The personas of a YAML file in its order, as they are on that day (see `calendar.legal_day`).

    PersonaError, in one line that begins with `source`, names the first persona and field that
    breaks a rule.
    """
    personas = []
    for entry in read_persona_file(text, source):
        try:
            personas.append(persona_of(entry, today))
        except InvalidField as error:
            raise mistake(source, entry.id, _path(error.field), error.rule, error.remedy) from error
    _check_unique(personas, source)
    _check_guardians(personas, source, today)
    return tuple(personas)


def persona_of(entry: PersonaEntry, today: date) -> Persona:
    """The persona of one entry, as it is on that day. Raises InvalidField."""
    document = _document(entry.document, today)
    phone_number = parse_phone(entry.phone_number)
    return Persona(
        id=entry.id,
        title=entry.title,
        group=entry.group,
        document=document,
        phone_number=phone_number,
        passcode=_passcode(entry.passcode, document, phone_number),
        guardian=entry.guardian,
        status=entry.status,
        suspension_reason=entry.suspension_reason,
        has_nfc=entry.has_nfc,
    )


def _passcode(text: str, document: IdentityDocument, phone_number: str) -> str:
    # The demo's passcode is a date, and on some day it is the date of birth of whoever is as old as they are.
    return text if text == DEMO_PASSCODE else check_new_passcode(text, document, phone_number)


def _document(entry: DocumentEntry, today: date) -> IdentityDocument:
    birthdate = _birthdate(entry, today)
    number = entry.number
    if entry.serial is not None:
        number = document_kind(entry.kind).compose_number(birthdate, entry.sex, entry.serial)
    values = {
        "name": entry.name,
        "sex": entry.sex,
        "birthdate": birthdate,
        "number": number,
        "nationality": entry.nationality,
        "expires_on": _expiry(entry, today),
    }
    return parse_document(entry.kind, values)


def _birthdate(entry: DocumentEntry, today: date) -> date:
    if entry.age is not None:
        return birthdate_of_age(entry.age.years, entry.age.days, today)
    birthdate = entered_date(entry.birthdate, "birthdate")
    age_on(birthdate, today)  # refuses a birth in the future
    return birthdate


def _expiry(entry: DocumentEntry, today: date) -> date | None:
    if entry.expires_in is not None:
        return anniversary(today, entry.expires_in.years) + timedelta(days=entry.expires_in.days)
    if entry.expires_on is not None:
        return entered_date(entry.expires_on, "expires_on")
    return usual_expiry(entry.kind)


def _path(field_name: str) -> str:
    return field_name if field_name in ("phone_number", "passcode") else f"document.{field_name}"


def _check_unique(personas: Sequence[Persona], source: str) -> None:
    ids: set[str] = set()
    documents: set[tuple[str, str]] = set()
    for persona in personas:
        document = (persona.document.kind, persona.document.number)
        if persona.id in ids:
            raise mistake(source, persona.id, "id", "must be unique", "rename one of the two")
        if document in documents:
            raise mistake(source, persona.id, "document", "must be unique", "give another serial or number")
        ids.add(persona.id)
        documents.add(document)


def _check_guardians(personas: Sequence[Persona], source: str, today: date) -> None:
    """Measures, articles 4 and 5: who is under 18 has a guardian, who is an adult and enrolled."""
    by_id = {persona.id: persona for persona in personas}
    for persona in personas:
        problem = _guardian_problem(persona, by_id, today)
        if problem:
            raise mistake(source, persona.id, "guardian", problem, "name an adult persona of this file")


def _guardian_problem(persona: Persona, by_id: Mapping[str, Persona], today: date) -> str | None:
    if persona.guardian is None:
        is_minor = capacity_on(persona.document.birthdate, today) is not Capacity.ADULT
        return "is required for a person under 18" if is_minor else None
    guardian = by_id.get(persona.guardian)
    if guardian is None:
        return "must be a persona that exists"
    if guardian.status is PersonaStatus.CANCELLED:
        return "must have a net credential that is not cancelled"
    if guardian is persona or capacity_on(guardian.document.birthdate, today) is not Capacity.ADULT:
        return "must be an adult, and somebody else"
    return None
