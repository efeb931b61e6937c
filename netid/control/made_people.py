"""People that a test asks for by age and document: personas of one realm."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from netid.control.reading import known
from netid.errors import InvalidField
from netid.identity.ages import Capacity, birthdate_of_age, capacity_on
from netid.identity.documents import DOCUMENT_KINDS, make_synthetic_phone
from netid.identity.identity_document import Sex
from netid.identity.persona_file import DocumentEntry, Group, PersonaEntry, PersonaId, PersonaStatus, Span
from netid.identity.persons import Persona, persona_of
from netid.identity.shape import nearest
from netid.identity.text import Text

_GROUPS = {
    Capacity.UNDER_14: Group.UNDER_14,
    Capacity.FROM_14_UNDER_18: Group.FROM_14_UNDER_18,
    Capacity.ADULT: Group.ADULT,
}
_FOREIGN = "permanent_residence_id"
_SUSPENDED = Text(zh="测试所需", en="A test asked for it")
_GUARDIAN_AGE = 45


class PersonWanted(BaseModel):
    """A made-up person who is to be enrolled. Every member has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: PersonaId | None = None
    """The persona's id, as in `login_hint`; left out, one is made up."""
    age: Annotated[int, Field(ge=0, le=120)] = 30
    """Whole years, on the realm's day."""
    days: Annotated[int, Field(ge=-366, le=366)] = 0
    """Days since that birthday; -1 is the day before it."""
    document: str = "resident_id"
    """The kind of identity document."""
    expires_in_days: Annotated[int, Field(ge=-366, le=366)] | None = None
    """When the document expires; -1 is yesterday."""
    name: str | None = None
    sex: Sex = "female"
    guardian: PersonaId | None = None
    """Another persona's id; left out, who is under 18 gets a guardian of their own."""
    status: PersonaStatus = PersonaStatus.ACTIVE
    """What has become of the net credential."""


def made_people(
    wanted: PersonWanted, taken: Collection[str], today: date, random: Callable[[int], bytes]
) -> list[Persona]:
    """The person, after the guardian they need. Raises InvalidField, with the nearest valid names."""
    if wanted.document not in DOCUMENT_KINDS:
        raise InvalidField("document", "is no kind of document", nearest(wanted.document, [*DOCUMENT_KINDS]))
    if wanted.id in taken:
        raise InvalidField("id", "is another persona's", "choose another id")
    persona_id = wanted.id or f"person-{random(4).hex()}"
    if wanted.guardian is not None:
        known("guardian", wanted.guardian, taken)
    birthdate = birthdate_of_age(wanted.age, wanted.days, today)
    capacity = capacity_on(birthdate, today)
    people = []
    if capacity is not Capacity.ADULT and wanted.guardian is None:
        guardian = PersonWanted(id=f"guardian-{random(4).hex()}", age=_GUARDIAN_AGE)
        people += made_people(guardian, taken, today, random)
        wanted = wanted.model_copy(update={"guardian": guardian.id})
    return [*people, persona_of(_entry(wanted, persona_id, _GROUPS[capacity], random), today)]


def _entry(
    wanted: PersonWanted, persona_id: str, group: Group, random: Callable[[int], bytes]
) -> PersonaEntry:
    expires_in = None if wanted.expires_in_days is None else Span(days=wanted.expires_in_days)
    return PersonaEntry(
        id=persona_id,
        title=Text(zh=f"测试中的人：{persona_id}", en=f"Made for a test: {persona_id}"),
        group=group,
        document=DocumentEntry(
            kind=wanted.document,
            name=wanted.name or ("ALEX SAMPLE" if wanted.document == _FOREIGN else "林示例"),
            sex=wanted.sex,
            age=Span(years=wanted.age, days=wanted.days),
            serial=int.from_bytes(random(4), "big") % 10**9,
            expires_in=expires_in,
        ),
        phone_number=make_synthetic_phone(random),
        guardian=wanted.guardian,
        status=wanted.status,
        suspension_reason=_SUSPENDED if wanted.status is PersonaStatus.SUSPENDED else None,
    )
