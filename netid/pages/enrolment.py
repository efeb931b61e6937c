"""The pages of an enrolment: notice, kind, document, guardian, face, phone, passcode, check, outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from netid import responses
from netid.errors import (
    ApplicationExpired,
    GuardianRequired,
    InvalidField,
    NoticeIncomplete,
    SignInRefused,
    StepSkipped,
)
from netid.identity.documents import DOCUMENT_KINDS
from netid.identity.enrolment_notice import Told
from netid.identity.net_number import NetNumber
from netid.identity.persona_file import DEMO_PASSCODE
from netid.identity.persons import Persona, PersonaStatus
from netid.oauth.browsers import Browsers
from netid.pages.corrections import LABELS, changed_text, in_words, mistakes, unanswered
from netid.pages.enrolment_forms import (
    DecisionForm,
    DocumentForm,
    FaceForm,
    GuardianForm,
    KindForm,
    MadeUpForm,
    PasscodeForm,
    PhoneForm,
    PressedForm,
)
from netid.pages.forms import FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.services.applying import Applying
from netid.services.draft import Application, EnrolmentStep, Outcome
from netid.services.sign_in import Browser

_START = "enrol"
_NOT_EVERYBODYS = {EnrolmentStep.GUARDIAN, EnrolmentStep.DONE}


@dataclass(frozen=True)
class Visit:
    """One request to a page of an application."""

    browser: Browser
    application: Application

    @property
    def handle(self) -> str:
        """Its name."""
        return self.application.handle


class EnrolmentPages:
    """Each view parses its form once, calls one step of the service, and answers with a redirect."""

    def __init__(self, *, applying: Applying, browsers: Browsers, personas: Sequence[Persona]) -> None:
        self._applying = applying
        self._browsers = browsers
        self._guardians = [p for p in personas if p.guardian is None and p.status is PersonaStatus.ACTIVE]
        self._take: Mapping[EnrolmentStep, Callable[[Visit], None]] = {
            EnrolmentStep.KIND: self._take_kind,
            EnrolmentStep.DOCUMENT: self._take_document,
            EnrolmentStep.GUARDIAN: self._take_guardian,
            EnrolmentStep.FACE: self._take_face,
            EnrolmentStep.PHONE: self._take_phone,
            EnrolmentStep.PASSCODE: self._take_passcode,
            EnrolmentStep.CHECK: self._take_check,
        }

    # The beginning

    def start(self) -> Response:
        """/enrol: the notice; nothing is taken before it is accepted."""
        browser = self._browsers.read(request)
        if request.method != "POST":
            return self._show_notice(browser)
        self._browsers.check_form(request, browser, _START)
        try:
            form = read_form(DecisionForm, request.form)
            if form.decision == "refuse":
                return _to("enrolment.refused")
            handle = self._applying.begin(browser, form.sha256, form.language)
        except Unfinished:
            return self._show_notice(browser, unanswered("decision"))
        except NoticeIncomplete:
            return self._show_notice(browser, changed_text())
        response = _to("enrolment.step", handle=handle, step=EnrolmentStep.KIND.value)
        return self._browsers.write(response, browser)

    def _show_notice(self, browser: Browser, *errors: FormError) -> Response:
        response = show(
            "enrol/notice.html",
            errors=errors,
            form_token=self._browsers.form_token(browser, _START),
            notice=self._applying.notice(Told.ENROLMENT),
            language=language(),
            **_steps(tuple(s for s in EnrolmentStep if s not in _NOT_EVERYBODYS), None),
        )
        return self._browsers.write(response, browser)

    def refused(self) -> Response:
        """/enrol/refused: nothing was taken or kept, and other ways stay open."""
        return show("enrol/refused.html")

    # The steps

    def step(self, handle: str, step: str) -> Response:
        """/enrol/<handle>/<step>: one question."""
        visit = self._come(handle)
        here = EnrolmentStep(step)
        if request.method != "POST":
            return self._show(visit, here) if _reached(visit.application, here) else self._onward(visit)
        try:
            if self._is_refusal():
                return self._leave(visit)
            self._take[here](visit)
        except (Unfinished, InvalidField, SignInRefused, NoticeIncomplete) as wrong:
            return self._show(visit, here, mistakes(wrong))
        except GuardianRequired:
            return self._without_guardian(visit, here)
        except StepSkipped:
            return self._onward(visit)
        return self._onward(visit)

    def make_up(self, handle: str) -> Response:
        """/enrol/<handle>/made-up: fills in a made-up document."""
        visit = self._come(handle)
        try:
            self._applying.make_up_document(handle, visit.browser, read_form(MadeUpForm, request.form).age)
        except Unfinished:
            return self._show(visit, EnrolmentStep.DOCUMENT, (unanswered("age"),))
        except InvalidField as wrong:
            (mistake,) = mistakes(wrong)
            return self._show(visit, EnrolmentStep.DOCUMENT, (FormError("age", mistake.message),))
        except StepSkipped:
            return self._onward(visit)
        return _to("enrolment.step", handle=handle, step=EnrolmentStep.DOCUMENT.value)

    def leave(self, handle: str) -> Response:
        """/enrol/<handle>/leave: deletes what was entered."""
        visit = self._come(handle)
        read_form(PressedForm, request.form)
        return self._leave(visit)

    def done(self, handle: str) -> Response:
        """/enrol/<handle>/done: the outcome; the net number in full to the first who looks."""
        visit = self._come(handle)
        draft = visit.application.draft
        if draft.outcome is None:
            return self._onward(visit)
        if draft.outcome is Outcome.ALREADY_ENROLLED:
            return show("enrol/already.html")
        if request.method == "HEAD" or "Sec-Purpose" in request.headers:
            # A look-ahead of the browser is nobody's look: it must not use up the one time.
            return responses.page_headers(Response(status=204))
        return show("enrol/done.html", shown=self._applying.show_number(handle, visit.browser))

    def expired(self) -> Response:
        """The page for an application that is over, or was never this browser's."""
        response = show("enrol/expired.html")
        response.status_code = ApplicationExpired.status
        return response

    def _come(self, handle: str) -> Visit:
        browser = self._browsers.read(request)
        if request.method == "POST":
            self._browsers.check_form(request, browser, handle)
        return Visit(browser, self._applying.load(handle, browser))

    def _onward(self, visit: Visit) -> Response:
        """To the first step that is not done, which may be the outcome."""
        handle = visit.handle
        upcoming = self._applying.load(handle, visit.browser).next_step
        if upcoming is EnrolmentStep.DONE:
            return _to("enrolment.done", handle=handle)
        return _to("enrolment.step", handle=handle, step=upcoming.value)

    def _leave(self, visit: Visit) -> Response:
        self._applying.leave(visit.handle, visit.browser)
        return _to("enrolment.refused")

    def _is_refusal(self) -> bool:
        return request.form.get("decision") == "refuse"

    def _show(self, visit: Visit, here: EnrolmentStep, errors: tuple[FormError, ...] = ()) -> Response:
        draft, today = visit.application.draft, visit.application.today
        about = _told(visit.application, here)
        return show(
            f"enrol/{here.value}.html",
            errors=errors,
            application=visit.application,
            draft=draft,
            capacity=draft.capacity(today),
            proposed_capacity=draft.proposed_capacity(today),
            document=draft.identity_document,
            form_token=self._browsers.form_token(visit.browser, visit.handle),
            notice=self._applying.notice(about) if about else None,
            language=language(),
            kinds=DOCUMENT_KINDS,
            kind=DOCUMENT_KINDS.get(draft.kind or ""),
            labels={name: label() for name, label in LABELS.items()},
            guardians=self._guardians,
            demo_passcode=DEMO_PASSCODE,
            in_words=in_words,
            **_steps(visit.application.steps, here),
        )

    def _without_guardian(self, visit: Visit, here: EnrolmentStep) -> Response:
        """The guardian's page says what is wrong; any other page leads to it."""
        if here is not EnrolmentStep.GUARDIAN:
            return _to("enrolment.step", handle=visit.handle, step=EnrolmentStep.GUARDIAN.value)
        wrong = _("A guardian is 18 or older and has a net credential that is not suspended.")
        return self._show(visit, here, (FormError("who", wrong),))

    # What each step takes

    def _take_kind(self, visit: Visit) -> None:
        self._applying.choose_kind(visit.handle, visit.browser, read_form(KindForm, request.form).kind)

    def _take_document(self, visit: Visit) -> None:
        form = read_form(DocumentForm, request.form)
        self._applying.give_document(visit.handle, visit.browser, form.model_dump(exclude={"form_token"}))

    def _take_guardian(self, visit: Visit) -> None:
        if "decision" in request.form:
            form = read_form(DecisionForm, request.form)
            self._applying.agree_as_guardian(visit.handle, visit.browser, form.sha256, form.language)
            return
        signing = read_form(GuardianForm, request.form)
        who: NetNumber | str = signing.who.removeprefix("persona:")
        if signing.who == "typed":
            who = NetNumber.parse(signing.net_number)
        self._applying.sign_in_guardian(visit.handle, visit.browser, who, signing.passcode)

    def _take_face(self, visit: Visit) -> None:
        if "decision" in request.form:
            form = read_form(DecisionForm, request.form)
            self._applying.agree_to_face(visit.handle, visit.browser, form.sha256, form.language)
            return
        self._applying.show_face(visit.handle, visit.browser, read_form(FaceForm, request.form).outcome)

    def _take_phone(self, visit: Visit) -> None:
        form = read_form(PhoneForm, request.form)
        self._applying.give_phone(visit.handle, visit.browser, form.phone_number)

    def _take_passcode(self, visit: Visit) -> None:
        form = read_form(PasscodeForm, request.form)
        self._applying.choose_passcode(visit.handle, visit.browser, form.passcode)

    def _take_check(self, visit: Visit) -> None:
        read_form(PressedForm, request.form)
        self._applying.finish(visit.handle, visit.browser)


def _reached(application: Application, here: EnrolmentStep) -> bool:
    try:
        application.draft.require_reached(here, application.today)
    except (GuardianRequired, StepSkipped):
        return False
    return True


def _told(application: Application, here: EnrolmentStep) -> Told | None:
    """The notice that the page has to put first."""
    draft = application.draft
    if here is EnrolmentStep.FACE and not draft.has_accepted(Told.FACE):
        return Told.FACE
    if here is EnrolmentStep.GUARDIAN and draft.guardian_id and not draft.has_accepted(Told.GUARDIAN):
        return Told.GUARDIAN
    return None


def _steps(steps: Sequence[EnrolmentStep], here: EnrolmentStep | None) -> dict[str, Any]:
    """What the list of steps shows; None is the notice, which comes before them all."""
    names = {
        EnrolmentStep.KIND: _("Kind of document"),
        EnrolmentStep.DOCUMENT: _("Document"),
        EnrolmentStep.GUARDIAN: _("Guardian"),
        EnrolmentStep.FACE: _("Face"),
        EnrolmentStep.PHONE: _("Mobile number"),
        EnrolmentStep.PASSCODE: _("Passcode"),
        EnrolmentStep.CHECK: _("Check answers"),
    }
    current = 0 if here is None else steps.index(here) + 1
    return {"step_names": [_("Notice"), *(names[step] for step in steps)], "current": current}


def _to(endpoint: str, **values: Any) -> Response:
    response = redirect(url_for(endpoint, **values), 303)
    return responses.page_headers(response)  # type: ignore[arg-type]


def blueprint(*, applying: Applying, browsers: Browsers, personas: Sequence[Persona]) -> Blueprint:
    """The addresses below /enrol. `personas` are listed as guardians; empty where none are listed."""
    pages = EnrolmentPages(applying=applying, browsers=browsers, personas=personas)
    routes = Blueprint("enrolment", __name__, url_prefix="/enrol")
    steps = ",".join(step.value for step in EnrolmentStep if step is not EnrolmentStep.DONE)
    routes.add_url_rule("", "start", pages.start, methods=["GET", "POST"])
    routes.add_url_rule("/refused", "refused", pages.refused, methods=["GET"])
    routes.add_url_rule(f"/<handle>/<any({steps}):step>", "step", pages.step, methods=["GET", "POST"])
    routes.add_url_rule("/<handle>/made-up", "make_up", pages.make_up, methods=["POST"])
    routes.add_url_rule("/<handle>/leave", "leave", pages.leave, methods=["POST"])
    routes.add_url_rule("/<handle>/done", "done", pages.done, methods=["GET"])
    routes.register_error_handler(ApplicationExpired, lambda _error: pages.expired())
    return routes
