"""An enrolment under way: what has been entered so far, and which step comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from netid.errors import GuardianRequired, StepSkipped
from netid.identity.ages import Capacity, capacity_on
from netid.identity.documents import IdentityDocument, parse_document
from netid.identity.enrolment_notice import EnrolmentNotice, Told
from netid.identity.text import Language


class EnrolmentStep(StrEnum):
    """The steps after the notice, in order; the guardian's is for minors only."""

    KIND = "kind"
    DOCUMENT = "document"
    GUARDIAN = "guardian"
    FACE = "face"
    PHONE = "phone"
    PASSCODE = "passcode"
    CHECK = "check"
    DONE = "done"


class Outcome(StrEnum):
    """How an application ended."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already-enrolled"


class AcceptedNotice(BaseModel):
    """Evidence of what was said before anything was taken (Measures, article 10)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Told
    version: str
    sha256: str
    language: Language
    at: datetime

    @classmethod
    def of(cls, notice: EnrolmentNotice, language: Language, at: datetime) -> "AcceptedNotice":
        """The acceptance of that text in that language."""
        return cls(
            about=notice.about,
            version=notice.version,
            sha256=notice.sha256(language),
            language=language,
            at=at,
        )


class Draft(BaseModel):
    """Everything entered so far. It is kept sealed, and replaced by its outcome at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    accepted: tuple[AcceptedNotice, ...] = ()
    kind: str | None = None
    proposed: Mapping[str, str] | None = None
    """A made-up document that the page shows filled in; not given yet."""
    document: Mapping[str, str] | None = None
    """The document as given, field by field; see `document_values`."""
    guardian_id: str | None = None
    """The guardian who signed in; that they agreed is among the accepted notices."""
    face_matched: bool = False
    phone_number: str | None = None
    passcode_hash: str | None = None
    outcome: Outcome | None = None
    person_id: str | None = None
    """Who enrolled, once it is done."""
    number_shown: bool = False
    """Whether the net number was shown in full."""

    @property
    def identity_document(self) -> IdentityDocument | None:
        """The document given."""
        if self.kind is None or self.document is None:
            return None
        return parse_document(self.kind, self.document)

    def has_accepted(self, about: Told) -> bool:
        """Whether that text was accepted."""
        return any(notice.about is about for notice in self.accepted)

    def accepting(self, notice: AcceptedNotice) -> "Draft":
        """With one more notice accepted; a later acceptance of the same text replaces the earlier one."""
        others = tuple(kept for kept in self.accepted if kept.about is not notice.about)
        return self.model_copy(update={"accepted": (*others, notice)})

    def with_document(self, kind: str, document: Mapping[str, str] | None) -> "Draft":
        """With another document: guardian, face and passcode rested on the one before."""
        kept = tuple(notice for notice in self.accepted if notice.about is Told.ENROLMENT)
        return Draft(accepted=kept, kind=kind, document=document, phone_number=self.phone_number)

    def with_guardian(self, guardian_id: str | None) -> "Draft":
        """With this guardian signed in, who has yet to agree."""
        kept = tuple(notice for notice in self.accepted if notice.about is not Told.GUARDIAN)
        return self.model_copy(update={"accepted": kept, "guardian_id": guardian_id})

    def capacity(self, today: date) -> Capacity | None:
        """The applicant's age band; None while there is no document."""
        document = self.identity_document
        return capacity_on(document.birthdate, today) if document else None

    def proposed_capacity(self, today: date) -> Capacity | None:
        """The age band of the made-up document that is proposed, or of the one given."""
        if self.proposed is None:
            return self.capacity(today)
        return capacity_on(date.fromisoformat(self.proposed["birthdate"]), today)

    def needs_guardian(self, today: date) -> bool:
        """Whether a guardian takes part (Measures, article 4)."""
        return self.capacity(today) in (Capacity.UNDER_14, Capacity.FROM_14_UNDER_18)

    def next_step(self, today: date) -> EnrolmentStep:
        """The first step that is not done."""
        if self.outcome is not None:
            return EnrolmentStep.DONE
        missing = {
            EnrolmentStep.KIND: self.kind is None,
            EnrolmentStep.DOCUMENT: self.document is None,
            EnrolmentStep.GUARDIAN: self.needs_guardian(today) and not self.has_accepted(Told.GUARDIAN),
            EnrolmentStep.FACE: not self.face_matched,
            EnrolmentStep.PHONE: self.phone_number is None,
            EnrolmentStep.PASSCODE: self.passcode_hash is None,
        }
        return next((step for step, is_missing in missing.items() if is_missing), EnrolmentStep.CHECK)

    def require_reached(self, step: EnrolmentStep, today: date) -> None:
        """StepSkipped unless the application has come to that step; GuardianRequired if one is missing."""
        reached, steps = self.next_step(today), self.steps(today)
        if reached in steps and step in steps[: steps.index(reached) + 1]:
            return
        if reached is EnrolmentStep.GUARDIAN:
            raise GuardianRequired("the guardian has not confirmed")
        raise StepSkipped(f"{step.value}, but {reached.value} is next")

    def steps(self, today: date) -> tuple[EnrolmentStep, ...]:
        """The steps of this application, in order."""
        skipped = set() if self.needs_guardian(today) else {EnrolmentStep.GUARDIAN}
        return tuple(step for step in EnrolmentStep if step not in skipped | {EnrolmentStep.DONE})


@dataclass(frozen=True)
class Application:
    """One enrolment under way in one browser."""

    handle: str
    """Its random name in page addresses; worth nothing in another browser."""
    draft: Draft = field(repr=False)
    today: date
    expires_at: datetime

    @property
    def next_step(self) -> EnrolmentStep:
        """The first step that is not done."""
        return self.draft.next_step(self.today)

    @property
    def steps(self) -> tuple[EnrolmentStep, ...]:
        """Its steps, in order."""
        return self.draft.steps(self.today)


def document_values(document: IdentityDocument) -> dict[str, str]:
    """The document field by field, as `parse_document` takes it; a long-term one has no `expires_on`."""
    values = {
        "name": document.name,
        "number": document.number,
        "sex": document.sex,
        "birthdate": document.birthdate.isoformat(),
        "nationality": document.nationality,
    }
    if document.expires_on is not None:
        values["expires_on"] = document.expires_on.isoformat()
    return values
