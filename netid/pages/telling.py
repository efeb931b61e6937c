"""What the service has to tell a person of its own accord: a suspension, and notices; and the appeal."""

from typing import Annotated

from flask import Blueprint, Response, request, url_for
from pydantic import StringConstraints

from netid import responses
from netid.errors import FormRefused, InvalidField
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.pages.visit import Visits
from netid.services.interaction import Role, StepKind
from netid.services.notices import Notices
from netid.services.sign_in import SignIn
from netid.services.suspensions import MOST_WORDS, Suspensions

_FORM = "appeal"


class AppealForm(Form):
    """Why a suspension is wrong, in the person's own words."""

    words: Annotated[str, StringConstraints(max_length=4 * MOST_WORDS)]


class Telling:
    """The page of a suspended sign-in, and the notices among one's own records."""

    def __init__(
        self,
        visits: Visits,
        *,
        browsers: Browsers,
        authorize: Authorize,
        sign_in: SignIn,
        suspensions: Suspensions,
        notices: Notices,
    ) -> None:
        self._visits = visits
        self._browsers = browsers
        self._authorize = authorize
        self._sign_in = sign_in
        self._suspensions = suspensions
        self._notices = notices

    def suspended(self, handle: str) -> Response:
        """/suspended: why, until when, the appeal, and the way back."""
        visit = self._visits.come(request, handle)
        step = self._visits.next_step(visit)
        who = visit.interaction.progress.person
        if step.kind is not StepKind.SUSPENDED or visit.role is not Role.PERSON or who is None:
            return self._visits.onward(visit)
        errors = self._take_appeal(who.person_id or "") if request.method == "POST" else ()
        suspended = self._suspensions.of(who.person_id or "")
        if suspended is None or (request.method == "POST" and not errors):
            return self._visits.onward(visit)
        return self._visits.show(
            visit, "suspended.html", errors, suspended=suspended, words=request.form.get("words", "")
        )

    def notices(self) -> Response:
        """/records/notices: everything of that kind, for who is signed in."""
        browser = self._browsers.read(request)
        session = self._sign_in.signed_in(browser)
        if session is None and request.method == "POST":
            raise FormRefused("nobody is signed in")
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        errors: tuple[FormError, ...] = ()
        if request.method == "POST":
            self._browsers.check_form(request, browser, _FORM)
            errors = self._take_appeal(session.person_id)
            if not errors:
                return responses.see_other(url_for("pages.notices"))
        return show(
            "notices.html",
            errors=errors,
            suspended=self._suspensions.of(session.person_id),
            notices=self._notices.told(session.person_id),
            words=request.form.get("words", ""),
            form_token=self._browsers.form_token(browser, _FORM),
        )

    def _take_appeal(self, person_id: str) -> tuple[FormError, ...]:
        try:
            self._suspensions.appeal(person_id, read_form(AppealForm, request.form).words)
        except (Unfinished, InvalidField):
            most = _("Write why you think it is wrong, in up to %(most)s characters.", most=MOST_WORDS)
            return (FormError("words", most),)
        return ()


def add_routes(routes: Blueprint, pages: Telling) -> None:
    """The addresses of these pages."""
    both = ["GET", "POST"]
    routes.add_url_rule("/suspended/<handle>", "suspended", pages.suspended, methods=both)
    routes.add_url_rule("/records/notices", "notices", pages.notices, methods=both)
