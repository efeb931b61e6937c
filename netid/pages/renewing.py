"""Correcting what is kept: a renewed document takes the place of the one on record (PIPL 46, 50)."""

from flask import Blueprint, Response, request, url_for

from netid import responses
from netid.errors import FreshSignInRequired, InvalidField
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.corrections import LABELS, mistakes
from netid.pages.enrolment_forms import DocumentForm
from netid.pages.forms import FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import language
from netid.pages.owner import Owners
from netid.pages.refusing import Refusing
from netid.services.correcting import Correcting
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.sign_in import Browser
from netid.storage.sessions import Session

_ACT = OwnAction.CORRECT


class Renewing:
    """The page of one's document; the form on it only after signing in with passcode and face."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        fresh: FreshSignIn,
        correcting: Correcting,
        refusing: Refusing,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._fresh = fresh
        self._correcting = correcting
        self._refusing = refusing

    def document(self) -> Response:
        """/records/document: what was corrected, what was refused and why, and presenting another."""
        browser, session = self._owners.come(request)
        if request.method == "POST":
            return self._present(*self._owners.act(request, _ACT.value))
        if session is None:
            return self._sign_in_anew(browser)
        return self._show(browser, session.person_id)

    def _present(self, browser: Browser, session: Session) -> Response:
        if "decision" in request.form:
            return self._sign_in_anew(browser)
        try:
            form = read_form(DocumentForm, request.form)
            correction = self._correcting.correct(browser, form.model_dump(exclude={"form_token"}))
        except (Unfinished, InvalidField) as wrong:
            return self._show(browser, session.person_id, mistakes(wrong))
        except FreshSignInRequired as refusal:
            self._refusing.note(refusal)
            return self._sign_in_anew(browser)
        if correction.refused:
            return responses.see_other(url_for("pages.document", refused=""))
        return responses.see_other(url_for("pages.document", done=""))

    def _show(self, browser: Browser, person_id: str, errors: tuple[FormError, ...] = ()) -> Response:
        return show(
            "document.html",
            errors=errors,
            kind=self._correcting.kind_of(person_id),
            history=self._correcting.history(person_id),
            is_fresh=self._fresh.person_for(_ACT, browser) is not None,
            labels={name: label() for name, label in LABELS.items()},
            form_token=self._browsers.form_token(browser, _ACT.value),
        )

    def _sign_in_anew(self, browser: Browser) -> Response:
        return self._authorize.visit_own_pages(browser, language(), _ACT)


def add_routes(routes: Blueprint, pages: Renewing) -> None:
    """The address of one's document."""
    routes.add_url_rule("/records/document", "document", pages.document, methods=["GET", "POST"])
