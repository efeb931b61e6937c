"""The shape of a persona file, and what is said about a mistake in one."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from netid.errors import InvalidField, PersonaError
from netid.identity.identity_document import Sex
from netid.identity.shape import misshapen
from netid.identity.strict_yaml import parse_yaml
from netid.identity.text import Text

DEMO_PASSCODE = "20250715"
"""Every persona's passcode unless its entry names one: the day on which the Measures took effect."""

PersonaId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class Group(StrEnum):
    """Where the sign-in page lists a persona: by age and document."""

    ADULT = "adult"
    UNDER_14 = "under-14"
    FROM_14_UNDER_18 = "from-14-under-18"
    OTHER_DOCUMENT = "other-document"
    SPECIAL = "special"


class PersonaStatus(StrEnum):
    """What has become of a persona's net credential."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Span(_Entry):
    """Whole years and then days, both counted from today."""

    years: Annotated[int, Field(ge=0, le=120)] = 0
    days: Annotated[int, Field(ge=-366, le=366)] = 0


class DocumentEntry(_Entry):
    """A persona's identity document as the file gives it."""

    kind: str
    name: str
    sex: Sex
    birthdate: str | None = None

    age: Span | None = None
    """In place of `birthdate`: {years: 14, days: -1} is the day before the 14th birthday."""

    number: str | None = None

    serial: Annotated[int, Field(ge=0, lt=10**9)] | None = None
    """In place of `number`, which then follows from it, the date of birth and the sex."""

    nationality: str | None = None
    expires_on: str | None = None

    expires_in: Span | None = None
    """In place of `expires_on`: {days: -1} expired yesterday."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.birthdate is None) == (self.age is None):
            raise ValueError("must have either birthdate or age")
        if (self.number is None) == (self.serial is None):
            raise ValueError("must have either number or serial")
        if self.expires_on is not None and self.expires_in is not None:
            raise ValueError("must not have both expires_on and expires_in")
        return self


class PersonaEntry(_Entry):
    """One persona as the file gives it."""

    id: PersonaId
    title: Text
    group: Group
    document: DocumentEntry
    phone_number: str
    passcode: str = DEMO_PASSCODE
    guardian: PersonaId | None = None
    status: PersonaStatus = PersonaStatus.ACTIVE
    suspension_reason: Text | None = None
    has_nfc: bool = True

    @model_validator(mode="after")
    def _reason_if_suspended(self) -> Self:
        if (self.status is PersonaStatus.SUSPENDED) != (self.suspension_reason is not None):
            raise ValueError("must have suspension_reason if it is suspended, and only then")
        return self


class _PersonaFile(_Entry):
    personas: Annotated[list[PersonaEntry], Field(min_length=1)]


def read_persona_file(text: str, source: str) -> list[PersonaEntry]:
    """The entries of a persona file; PersonaError, in one line, for the first mistake in it."""
    try:
        tree = parse_yaml(text)
    except InvalidField as error:
        raise PersonaError(_line(source, error.field, error.rule, error.remedy)) from error
    try:
        return _PersonaFile.model_validate(tree).personas
    except ValidationError as error:
        raise _mistake_of_shape(source, tree, misshapen(error, _PersonaFile)) from error


def mistake(source: str, persona: str, path: str, rule: str, remedy: str) -> PersonaError:
    """One line: the file, the persona, the field, the rule it breaks, and what to do."""
    return PersonaError(_line(source, f"persona {persona}", path, rule, remedy))


def _mistake_of_shape(source: str, tree: object, wrong: InvalidField) -> PersonaError:
    place = wrong.field.split(".")
    if len(place) < 2 or not place[1].isdecimal():
        return PersonaError(_line(source, wrong.field or "file", wrong.rule, wrong.remedy))
    where = ".".join(place[2:]) or "entry"
    return mistake(source, _name_of(tree, int(place[1])), where, wrong.rule, wrong.remedy)


def _name_of(tree: object, position: int) -> str:
    entry = tree["personas"][position] if isinstance(tree, dict) else None
    name = entry.get("id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else f"number {position + 1}"


def _line(source: str, *parts: str) -> str:
    """The parts in one printable line; ids and keys come from the file, so they are cut short."""
    *where, rule, remedy = ("".join(c if c.isprintable() else "?" for c in part)[:200] for part in parts)
    return f"{source}: {': '.join(part[:60] for part in where)}: {rule}; {remedy}"
