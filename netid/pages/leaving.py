"""Giving up a net number: what happens, a fresh sign-in, the decision, and how far the deletion is."""

from typing import Literal

from flask import Blueprint, Response, request

from netid.errors import FreshSignInRequired
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language, ngettext
from netid.pages.refusing import Refusing
from netid.services.cancellation import Cancellation
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.records import Records
from netid.services.sign_in import Browser, SignIn

_FORM = "cancel"


class CancelForm(Form):
    """Whether a person stays, leaves, or goes on to show who they are."""

    decision: Literal["refuse", "agree", "sign-in"]


class Leaving:
    """The pages of cancelling; without a session they begin with signing in."""

    def __init__(
        self,
        *,
        browsers: Browsers,
        authorize: Authorize,
        sign_in: SignIn,
        fresh: FreshSignIn,
        cancellation: Cancellation,
        records: Records,
        refusing: Refusing,
    ) -> None:
        self._browsers = browsers
        self._authorize = authorize
        self._sign_in = sign_in
        self._fresh = fresh
        self._cancellation = cancellation
        self._records = records
        self._refusing = refusing

    def cancel(self) -> Response:
        """/records/cancel: what will happen; the decision itself only after a fresh sign-in."""
        browser = self._browsers.read(request)
        if request.method == "GET":
            return self._ask(browser)
        self._browsers.check_form(request, browser, _FORM)
        try:
            return self._decide(browser, read_form(CancelForm, request.form).decision)
        except Unfinished:
            return self._ask(browser, (FormError("decision", _("Choose one of the two answers.")),))
        except FreshSignInRequired as refusal:
            self._refusing.note(refusal)
            return self._sign_in_anew(browser)

    def _decide(self, browser: Browser, decision: str) -> Response:
        if decision == "sign-in":
            return self._sign_in_anew(browser)
        if decision == "refuse":
            return self._authorize.to_own_pages("")
        response = self._authorize.to_cancelled(self._cancellation.cancel(browser))
        return self._browsers.forget_session(response)

    def _ask(self, browser: Browser, errors: tuple[FormError, ...] = ()) -> Response:
        session = self._sign_in.signed_in(browser)
        if session is None:
            return self._sign_in_anew(browser)
        return show(
            "cancel.html",
            errors=errors,
            label=self._records.masked_label(session.person_id),
            children=_children(self._cancellation.children(session.person_id)),
            is_fresh=self._fresh.person_for(OwnAction.CANCEL, browser) is not None,
            form_token=self._browsers.form_token(browser, _FORM),
        )

    def _sign_in_anew(self, browser: Browser) -> Response:
        return self._authorize.visit_own_pages(browser, language(), OwnAction.CANCEL)

    def cancelled(self, reference: str) -> Response:
        """/cancelled/<reference>: whether everything is deleted yet. Raises NotFound."""
        return show("cancelled.html", erasure=self._cancellation.state(reference))


def _children(number: int) -> str | None:
    if not number:
        return None
    return ngettext(
        "You are the guardian of %(num)s child. What you agreed to stays until the child withdraws it or "
        "turns 14; nothing new can be agreed to without a guardian.",
        "You are the guardian of %(num)s children. What you agreed to stays until they withdraw it or "
        "turn 14; nothing new can be agreed to without a guardian.",
        number,
    )


def add_routes(routes: Blueprint, pages: Leaving) -> None:
    """The addresses of leaving."""
    routes.add_url_rule("/records/cancel", "cancel", pages.cancel, methods=["GET", "POST"])
    routes.add_url_rule("/cancelled/<reference>", "cancelled", pages.cancelled)
