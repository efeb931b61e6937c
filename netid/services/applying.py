"""Applying for a net number, step by step, in one browser: from the notice to the outcome."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from netid.ambient import Ambient
from netid.disclosure import Disclosure
from netid.errors import (
    AlreadyEnrolled,
    ApplicationExpired,
    GuardianRequired,
    InvalidField,
    NoticeIncomplete,
    SignInRefused,
    StepSkipped,
)
from netid.identity.ages import Capacity
from netid.identity.calendar import legal_day
from netid.identity.documents import (
    DOCUMENT_KINDS,
    IdentityDocument,
    check_new_passcode,
    parse_document,
    parse_passcode,
    parse_phone,
)
from netid.identity.enrolment_notice import EnrolmentNotice, Told
from netid.identity.net_number import NetNumber
from netid.identity.text import Language
from netid.services.draft import AcceptedNotice, Application, Draft, EnrolmentStep, Outcome, document_values
from netid.services.enrolment import Applicant, Enrolment
from netid.services.interaction import SECRET_BYTES, encode_secret
from netid.services.made_up import made_up_document
from netid.services.passcode_check import PasscodeCheck
from netid.services.sign_in import Browser, FaceOutcome
from netid.storage.applications import Applications, Holder
from netid.storage.persons import Person, PersonStatus
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

APPLICATION_LIFETIME = timedelta(minutes=30)
"""As the notice says."""

_DRAWS = 8


@dataclass(frozen=True)
class ShownNumber:
    """The net number as the outcome page shows it: in full once, masked from then on."""

    net_number: NetNumber
    in_full: bool


class Applying:
    """Takes what an applicant enters, one step and one transaction at a time."""

    def __init__(
        self,
        stores: Stores,
        *,
        enrolment: Enrolment,
        applications: Applications,
        passcodes: PasscodeCheck,
        disclosure: Disclosure,
        notices: Mapping[Told, EnrolmentNotice],
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._enrolment = enrolment
        self._applications = applications
        self._passcodes = passcodes
        self._disclosure = disclosure
        self._notices = notices
        self._ambient = ambient

    # The beginning and the end of a draft

    def notice(self, about: Told) -> EnrolmentNotice:
        """What a person has to be told now. Raises NoticeIncomplete: then nothing goes on."""
        notice = self._notices[about]
        notice.require_complete()
        return notice

    def begin(self, browser: Browser, sha256: str, language: Language) -> str:
        """Begins an application on the notice with that hash; its handle.

        Raises NoticeIncomplete if the notice lacks something, or is not the one that was shown.
        """
        now = self._ambient.now()
        accepted = self._accepted(Told.ENROLMENT, sha256, language, now)
        holder = Holder(encode_secret(self._ambient.random(SECRET_BYTES)), browser.secret)
        draft = Draft().accepting(accepted)
        with self._stores.db.write() as tx:
            self._applications.purge(tx, now)
            self._applications.add(tx, holder, draft.model_dump_json(), now + APPLICATION_LIFETIME)
        return holder.handle

    def load(self, handle: str, browser: Browser) -> Application:
        """The application of that name in this browser. Raises ApplicationExpired."""
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            stored = self._applications.get(tx, Holder(handle, browser.secret), now)
        if stored is None:
            raise ApplicationExpired
        draft = Draft.model_validate_json(stored.text)
        return Application(handle, draft, legal_day(now), stored.expires_at)

    def leave(self, handle: str, browser: Browser) -> None:
        """Deletes the draft at once."""
        with self._stores.db.write() as tx:
            self._applications.remove(tx, Holder(handle, browser.secret))

    def purge(self) -> int:
        """Deletes drafts that were left lying; how many."""
        with self._stores.db.write() as tx:
            return self._applications.purge(tx, self._ambient.now())

    # Steps

    def choose_kind(self, handle: str, browser: Browser, kind: str) -> None:
        """Takes the kind of document; another one than before drops what rested on it."""
        if kind not in DOCUMENT_KINDS:
            raise InvalidField("kind", "must be one of the eight kinds", "choose one")
        with self._editing(handle, browser, EnrolmentStep.KIND) as edit:
            if edit.draft.kind != kind:
                edit.draft = edit.draft.with_document(kind, None)

    def make_up_document(self, handle: str, browser: Browser, capacity: Capacity) -> None:
        """Proposes a made-up document of the chosen kind, for somebody of that age."""
        with self._editing(handle, browser, EnrolmentStep.DOCUMENT) as edit:
            document = self._made_up(edit.tx, edit.draft.kind or "", capacity, edit.today)
            edit.draft = edit.draft.model_copy(update={"proposed": document_values(document)})

    def _made_up(self, tx: Transaction, kind: str, capacity: Capacity, today: date) -> IdentityDocument:
        for _ in range(_DRAWS):
            document = made_up_document(kind, capacity, today, self._ambient.random)
            if not self._enrolment.is_enrolled(tx, document):
                return document
        raise InvalidField("kind", "has no free made-up number left to draw", "choose another kind")

    def give_document(self, handle: str, browser: Browser, values: Mapping[str, object]) -> None:
        """Takes the document. Raises InvalidField with field, rule and remedy; an expired one is refused."""
        with self._editing(handle, browser, EnrolmentStep.DOCUMENT) as edit:
            document = parse_document(edit.draft.kind or "", values)
            self._enrolment.check_document(document, edit.today)
            given = document_values(document)
            if edit.draft.document != given:
                edit.draft = edit.draft.with_document(document.kind, given)

    def sign_in_guardian(self, handle: str, browser: Browser, who: NetNumber | str, passcode: object) -> None:
        """The guardian shows who they are: a net number, or a persona's id, and the passcode.

        Raises SignInRefused as at any sign-in and, only to somebody who knows the passcode,
        GuardianRequired for who is not an adult with an active net credential.
        """
        entered = parse_passcode(passcode)
        self._require_step(handle, browser, EnrolmentStep.GUARDIAN)
        with self._stores.db.read() as tx:
            person, account = self._claimed(tx, who)
        self._passcodes.require(person, account, browser.digest, entered)
        with self._editing(handle, browser, EnrolmentStep.GUARDIAN) as edit:
            self._enrolment.require_guardian(edit.tx, person, edit.now)
            edit.draft = edit.draft.with_guardian(person.person_id if person else None)

    def agree_as_guardian(self, handle: str, browser: Browser, sha256: str, language: Language) -> None:
        """The guardian who signed in agrees to the guardian's notice (Measures, article 4)."""
        with self._editing(handle, browser, EnrolmentStep.GUARDIAN) as edit:
            if edit.draft.guardian_id is None:
                raise GuardianRequired("no guardian has signed in")
            edit.draft = edit.draft.accepting(self._accepted(Told.GUARDIAN, sha256, language, edit.now))

    def _claimed(self, tx: Transaction, who: NetNumber | str) -> tuple[Person | None, bytes]:
        if isinstance(who, NetNumber):
            return self._enrolment.by_net_number(tx, who)
        person = self._stores.persons.by_persona(tx, who)
        if person is None or person.net_number_digest is None:
            raise SignInRefused(detail="no such persona, or cancelled")
        return person, person.net_number_digest

    def agree_to_face(self, handle: str, browser: Browser, sha256: str, language: Language) -> None:
        """Takes the separate consent to the face check (Measures, article 9)."""
        with self._editing(handle, browser, EnrolmentStep.FACE) as edit:
            edit.draft = edit.draft.accepting(self._accepted(Told.FACE, sha256, language, edit.now))

    def show_face(self, handle: str, browser: Browser, outcome: FaceOutcome) -> None:
        """Takes the simulated outcome; InvalidField for anything but a match.

        Only who has shown the face is told that the document has a net number already: then the
        application ends, and everything entered is deleted.
        """
        if outcome != "match":
            rule = "differs from the document" if outcome == "differs" else "must be a live person’s"
            raise InvalidField("face", rule, "try again")
        with self._editing(handle, browser, EnrolmentStep.FACE) as edit:
            if not edit.draft.has_accepted(Told.FACE):
                raise StepSkipped("no separate consent to the face check")
            document = edit.draft.identity_document
            if document is not None and self._enrolment.is_enrolled(edit.tx, document):
                edit.draft = Draft(outcome=Outcome.ALREADY_ENROLLED)
            else:
                edit.draft = edit.draft.model_copy(update={"face_matched": True})

    def give_phone(self, handle: str, browser: Browser, phone_number: object) -> None:
        """Takes the mobile number; another one than before asks for the passcode anew."""
        parsed = parse_phone(phone_number)
        with self._editing(handle, browser, EnrolmentStep.PHONE) as edit:
            if edit.draft.phone_number != parsed:
                edit.draft = edit.draft.model_copy(update={"phone_number": parsed, "passcode_hash": None})

    def choose_passcode(self, handle: str, browser: Browser, passcode: object) -> None:
        """Takes the passcode; only what it can be checked against is kept."""
        draft = self._require_step(handle, browser, EnrolmentStep.PASSCODE).draft
        document = draft.identity_document
        if document is None or draft.phone_number is None:
            raise StepSkipped("no document or phone number")
        kept = self._enrolment.hash_passcode(check_new_passcode(passcode, document, draft.phone_number))
        with self._editing(handle, browser, EnrolmentStep.PASSCODE) as edit:
            if (edit.draft.document, edit.draft.phone_number) != (draft.document, draft.phone_number):
                raise StepSkipped("document or phone number changed meanwhile")
            edit.draft = edit.draft.model_copy(update={"passcode_hash": kept})

    # The outcome

    def finish(self, handle: str, browser: Browser) -> Outcome:
        """Enrols the applicant, once: StepSkipped when the application has its outcome already.

        Raises InvalidField or GuardianRequired if what was right at its step no longer is.
        """
        with self._editing(handle, browser, EnrolmentStep.CHECK) as edit:
            edit.draft = self._enrolled(edit, browser)
            return edit.draft.outcome or Outcome.ENROLLED

    def _enrolled(self, edit: "_Edit", browser: Browser) -> Draft:
        applicant = _applicant(edit.draft)
        try:
            person_id = self._enrolment.enrol(edit.tx, applicant, edit.now).person_id
        except AlreadyEnrolled:
            return Draft(outcome=Outcome.ALREADY_ENROLLED)
        self._stores.sessions.introduce(edit.tx, browser.digest, person_id, edit.now)
        for notice in edit.draft.accepted:
            details = notice.model_dump(mode="json", exclude={"at"})
            self._stores.audit.record(
                edit.tx, "notice_accepted", at=notice.at, person_id=person_id, details=details
            )
        return Draft(outcome=Outcome.ENROLLED, person_id=person_id)

    def show_number(self, handle: str, browser: Browser) -> ShownNumber:
        """The net number: in full to the first who asks, masked ever after. Raises ApplicationExpired."""
        with self._stores.db.write() as tx:
            holder = Holder(handle, browser.secret)
            draft = self._hold(tx, holder, self._ambient.now())
            if draft.person_id is None:
                raise StepSkipped("not enrolled yet")
            person = self._stores.persons.get(tx, draft.person_id)
            if person is None or person.status is PersonStatus.CANCELLED:
                raise ApplicationExpired("cancelled meanwhile")
            net_number = self._disclosure.net_number_for_owner(tx, draft.person_id)
            if not draft.number_shown:
                shown = draft.model_copy(update={"number_shown": True})
                self._applications.put(tx, holder, shown.model_dump_json())
            return ShownNumber(net_number, in_full=not draft.number_shown)

    # One change to a draft

    def _require_step(self, handle: str, browser: Browser, step: EnrolmentStep) -> Application:
        """The application, if it has come as far as this step."""
        application = self.load(handle, browser)
        application.draft.require_reached(step, application.today)
        return application

    @contextmanager
    def _editing(self, handle: str, browser: Browser, step: EnrolmentStep) -> Iterator["_Edit"]:
        """Holds the draft while one step changes it; what the step leaves in `draft` is kept."""
        with self._stores.db.write() as tx:
            now = self._ambient.now()
            holder = Holder(handle, browser.secret)
            edit = _Edit(tx, self._hold(tx, holder, now), now, legal_day(now))
            edit.draft.require_reached(step, edit.today)
            before = edit.draft
            yield edit
            if edit.draft != before:
                self._applications.put(tx, holder, edit.draft.model_dump_json())

    def _hold(self, tx: Transaction, holder: Holder, now: datetime) -> Draft:
        stored = self._applications.hold(tx, holder, now)
        if stored is None:
            raise ApplicationExpired
        return Draft.model_validate_json(stored.text)

    def _accepted(self, about: Told, sha256: str, language: Language, now: datetime) -> AcceptedNotice:
        notice = self.notice(about)
        if notice.sha256(language) != sha256:
            raise NoticeIncomplete("the page showed another text")
        return AcceptedNotice.of(notice, language, now)


@dataclass
class _Edit:
    """A draft while one step changes it, within one transaction."""

    tx: Transaction
    draft: Draft
    now: datetime
    today: date


def _applicant(draft: Draft) -> Applicant:
    document = draft.identity_document
    if document is None or draft.phone_number is None or draft.passcode_hash is None:
        raise StepSkipped("not everything is entered")
    return Applicant(document, draft.phone_number, draft.passcode_hash, draft.guardian_id)
