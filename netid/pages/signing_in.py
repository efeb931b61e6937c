"""The pages on which a person, or a guardian within a child's sign-in, shows who they are."""

from collections.abc import Mapping
from typing import Annotated, Literal

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup
from pydantic import StringConstraints

from netid.errors import InvalidField, NotFound, SignInRefused
from netid.identity.entered import folded
from netid.identity.net_number import NetNumber
from netid.identity.persons import GROUP_LABELS, Group, Persona
from netid.identity.text import Language
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.language import gettext as _
from netid.pages.language import language, ngettext
from netid.pages.naming import Names
from netid.pages.visit import Visit, Visits
from netid.services.interaction import Identified, Role, StepKind
from netid.services.records import Records
from netid.services.sign_in import FaceOutcome, Proved, SignIn


class ChosenForm(Form):
    """A person picked from the list."""

    who: Annotated[str, StringConstraints(pattern=r"^(persona|person):[a-z0-9-]{1,40}$")]


class TypedForm(Form):
    """A net number typed in."""

    net_number: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class PasscodeForm(Form):
    """The passcode; what it may look like is nobody's business here."""

    passcode: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class FaceForm(Form):
    """The outcome that a tester chooses for the simulated face check."""

    outcome: FaceOutcome


class LeaveForm(Form):
    """Going back to the relying party needs no answer."""


class SigningIn:
    """Sign-in, passcode, face, guardian, and the way out of each."""

    def __init__(
        self,
        visits: Visits,
        *,
        sign_in: SignIn,
        records: Records,
        names: Names,
        personas: Mapping[str, Persona],
    ) -> None:
        self._visits = visits
        self._sign_in = sign_in
        self._records = records
        self._names = names
        self._personas = personas
        self._drawn: dict[tuple[Language, Role, str | None], Markup] = {}

    # Who

    def sign_in(self, handle: str) -> Response:
        """/sign-in: people to choose from, and a net number to type."""
        visit = self._visits.come(request, handle)
        if visit.role is Role.GUARDIAN and not self._guardian_is_due(visit):
            return self._visits.onward(visit)
        if request.method == "GET":
            return self._ask_who(visit, self._wrong_guardian(visit))
        try:
            return self._visits.onward(visit, self._identify(visit))
        except Unfinished as unfinished:
            return self._ask_who(visit, tuple(_mistake(name) for name in unfinished.fields))
        except SignInRefused:
            return self._ask_who(visit, (FormError("who", _("This person has no net number any more.")),))

    def _identify(self, visit: Visit) -> Proved:
        if "net_number" in request.form:
            number = _net_number(read_form(TypedForm, request.form))
            return self._sign_in.type_net_number(visit.interaction, visit.browser, visit.role, number)
        kind, _colon, name = read_form(ChosenForm, request.form).who.partition(":")
        choose = self._sign_in.choose_persona if kind == "persona" else self._sign_in.choose_known
        return choose(visit.interaction, visit.browser, visit.role, name)

    def _ask_who(self, visit: Visit, errors: tuple[FormError, ...]) -> Response:
        return self._visits.show(
            visit,
            "sign_in.html",
            errors,
            people=self._people(
                visit.role, visit.interaction.request.login_hint if visit.role is Role.PERSON else None
            ),
            known=self._known(visit),
        )

    def _people(self, role: Role, hinted: str | None) -> Markup:
        """The list of personas, drawn once for each language, role and persona hinted at."""
        key = (language(), role, hinted if hinted in self._personas else None)
        if key not in self._drawn:
            groups = self._groups(role)
            drawn = render_template("people.html", groups=groups, group_labels=GROUP_LABELS, hinted=key[2])
            self._drawn[key] = Markup(drawn.strip())  # noqa: S704  (a rendered template is markup already)
        return self._drawn[key]

    def _groups(self, role: Role) -> Mapping[Group, list[Persona]]:
        """The personas as the page lists them; whoever has a guardian cannot be one."""
        listed = [p for p in self._personas.values() if role is Role.PERSON or p.guardian is None]
        groups = {group: [p for p in listed if p.group is group] for group in GROUP_LABELS}
        return {group: personas for group, personas in groups.items() if personas}

    def _known(self, visit: Visit) -> dict[str, str]:
        """The masked net numbers of the people who enrolled in this browser, by person id."""
        labels = {}
        for person_id in self._sign_in.people_of(visit.browser):
            try:
                labels[person_id] = self._records.masked_label(person_id)
            except NotFound:
                continue
        return labels

    def _guardian_is_due(self, visit: Visit) -> bool:
        step = self._visits.next_step(visit)
        return step.kind is StepKind.GUARDIAN or step.role is Role.GUARDIAN

    def _wrong_guardian(self, visit: Visit) -> tuple[FormError, ...]:
        guardian = visit.interaction.progress.guardian
        if visit.role is Role.PERSON or guardian is None:
            return ()
        if guardian.missing(visit.interaction.request.level):
            return ()
        return (
            FormError("who", _("This person is not the registered guardian. Ask the guardian to sign in.")),
        )

    # Factors

    def passcode(self, handle: str) -> Response:
        """/passcode: one passcode, then the next step."""
        visit = self._visits.come(request, handle)
        if not self._is_due(visit, StepKind.PASSCODE):
            return self._visits.onward(visit)
        if request.method == "GET":
            return self._ask_passcode(visit)
        try:
            passcode = read_form(PasscodeForm, request.form).passcode
            proved = self._sign_in.prove_passcode(
                visit.interaction, visit.browser, visit.role, folded("".join(passcode.split()))
            )
        except Unfinished:
            return self._ask_passcode(visit, _("Enter the 8-digit passcode."))
        except SignInRefused as refused:
            return self._ask_passcode(visit, _refusal(self._acting(visit), refused.retry_after))
        return self._visits.onward(visit, proved)

    def _ask_passcode(self, visit: Visit, wrong: str | None = None) -> Response:
        errors = (FormError("passcode", wrong),) if wrong else ()
        return self._visits.show(visit, "passcode.html", errors, name=self._names.of(self._acting(visit)))

    def face(self, handle: str) -> Response:
        """/face: a tester says how the simulated check ends."""
        visit = self._visits.come(request, handle)
        if not self._is_due(visit, StepKind.FACE):
            return self._visits.onward(visit)
        if request.method == "GET":
            return self._ask_face(visit)
        try:
            outcome = read_form(FaceForm, request.form).outcome
        except Unfinished:
            return self._ask_face(visit, _("Choose how the check ends."))
        proved = self._sign_in.prove_face(visit.interaction, visit.browser, visit.role, outcome)
        return self._visits.onward(visit, proved)

    def _ask_face(self, visit: Visit, wrong: str | None = None) -> Response:
        wrong = wrong or _face_failure(visit.interaction.progress.face_failed)
        errors = (FormError("face", wrong),) if wrong else ()
        return self._visits.show(visit, "face.html", errors, name=self._names.of(self._acting(visit)))

    def _is_due(self, visit: Visit, kind: StepKind) -> bool:
        step = self._visits.next_step(visit)
        return step.kind is kind and step.role is visit.role

    def _acting(self, visit: Visit) -> Identified:
        progress = visit.interaction.progress
        who = progress.person if visit.role is Role.PERSON else progress.guardian
        if who is None:
            raise NotFound("nobody has said who they are")
        return who

    # Where a person cannot go on alone

    def guardian(self, handle: str) -> Response:
        """/guardian: what a guardian is asked for, before they sign in."""
        visit = self._visits.come(request, handle)
        if not self._guardian_is_due(visit):
            return self._visits.onward(visit)
        child = self._names.of(self._acting(Visit(visit.browser, visit.interaction, Role.PERSON)))
        return self._visits.show(visit, "guardian.html", purpose=visit.interaction.purpose, name=child)

    def leave(self, handle: str) -> Response:
        """/leave: back to the relying party, which learns only that nothing was agreed."""
        visit = self._visits.come(request, handle)
        read_form(LeaveForm, request.form)
        return self._visits.leave(visit)


def _net_number(form: TypedForm) -> NetNumber:
    try:
        return NetNumber.parse(form.net_number)
    except InvalidField as slip:
        raise Unfinished(("net_number",)) from slip


def _mistake(field: str) -> FormError:
    if field == "net_number":
        rule = _("Enter a net number: 10 letters and digits. Check it for a slip.")
        return FormError(field, rule)
    return FormError("who", _("Choose who is signing in."))


def _refusal(who: Identified, seconds: int) -> str:
    if who.typed and not seconds:
        return _("That net number or passcode is not right.")
    if who.typed:
        return ngettext(
            "That net number or passcode is not right. Try again in %(num)s second.",
            "That net number or passcode is not right. Try again in %(num)s seconds.",
            seconds,
        )
    if not seconds:
        return _("That passcode is not right.")
    return ngettext(
        "That passcode is not right. Try again in %(num)s second.",
        "That passcode is not right. Try again in %(num)s seconds.",
        seconds,
    )


def _face_failure(outcome: Literal["differs", "not-live"] | None) -> str | None:
    if outcome == "differs":
        return _("The face does not match the document. Nothing was shared. Try again, or use another way.")
    if outcome == "not-live":
        return _("The check did not see a live person. Nothing was shared. Try again, or use another way.")
    return None


def add_routes(routes: Blueprint, pages: SigningIn) -> None:
    """The addresses that `authorize` sends people to."""
    for name, view, methods in (
        ("sign-in", pages.sign_in, ["GET", "POST"]),
        ("passcode", pages.passcode, ["GET", "POST"]),
        ("face", pages.face, ["GET", "POST"]),
        ("guardian", pages.guardian, ["GET"]),
        ("leave", pages.leave, ["POST"]),
    ):
        routes.add_url_rule(f"/{name}/<handle>", name, view, methods=methods)
