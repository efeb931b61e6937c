"""One's own data: the net number in full, and a copy of everything; each after a fresh sign-in."""

import json
from typing import Literal

from flask import Blueprint, Response, request

from netid import responses
from netid.errors import FreshSignInRequired
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.copy_tables import fields, tables
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.pages.owner import Owners
from netid.pages.refusing import Refusing
from netid.services.copying import Copying
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.sign_in import Browser


class OwnDataForm(Form):
    """Whether to sign in for it, to see it, or to save it."""

    decision: Literal["sign-in", "show", "save"]


class Owning:
    """Pages that show values; nothing of them is in an address, a title or a cache."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        fresh: FreshSignIn,
        copying: Copying,
        refusing: Refusing,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._fresh = fresh
        self._copying = copying
        self._refusing = refusing

    def number(self) -> Response:
        """/records/number: the net number, shown once for each sign-in for it."""
        return self._page(OwnAction.SHOW_NUMBER)

    def export(self) -> Response:
        """/records/export: a copy of everything, to read or to save as JSON (PIPL 45)."""
        return self._page(OwnAction.EXPORT)

    def _page(self, action: OwnAction) -> Response:
        browser, session = self._owners.come(request)
        if request.method == "POST":
            self._browsers.check_form(request, browser, action.value)
            try:
                return self._give(action, browser, read_form(OwnDataForm, request.form).decision)
            except Unfinished:
                return self._ask(action, browser, (FormError("decision", _("Choose one of the answers.")),))
            except FreshSignInRequired as refusal:
                self._refusing.note(refusal)
                return self._sign_in_anew(action, browser)
        if session is None:
            return self._sign_in_anew(action, browser)
        return self._ask(action, browser)

    def _ask(self, action: OwnAction, browser: Browser, errors: tuple[FormError, ...] = ()) -> Response:
        return show(
            f"{action.value}.html",
            errors=errors,
            is_fresh=self._fresh.person_for(action, browser) is not None,
            form_token=self._browsers.form_token(browser, action.value),
        )

    def _give(self, action: OwnAction, browser: Browser, decision: str) -> Response:
        if decision == "sign-in":
            return self._sign_in_anew(action, browser)
        if action is OwnAction.SHOW_NUMBER:
            return show("number_shown.html", net_number=self._copying.show_number(browser))
        copy = self._copying.copy(browser)
        if decision == "save":
            return attachment(copy.model_dump(mode="json"), "netid-copy.json")
        form_token = self._browsers.form_token(browser, action.value)
        return show(
            "copy.html",
            copy=copy,
            fields=fields(copy),
            tables=tables(copy, self._copying.purposes(copy)),
            form_token=form_token,
            wide=True,
        )

    def _sign_in_anew(self, action: OwnAction, browser: Browser) -> Response:
        return self._authorize.visit_own_pages(browser, language(), action)


def attachment(document: object, name: str) -> Response:
    """JSON to be saved, never shown by a browser; what would be markup is escaped all the same."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    response = responses.page_headers(Response(text + "\n", mimetype="application/json"))
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def add_routes(routes: Blueprint, pages: Owning) -> None:
    """The addresses of one's own data."""
    both = ["GET", "POST"]
    routes.add_url_rule("/records/number", "number", pages.number, methods=both)
    routes.add_url_rule("/records/export", "export", pages.export, methods=both)
