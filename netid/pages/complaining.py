"""Complaining about what a relying party did, from the entry it is about."""

from typing import Annotated

from flask import Blueprint, Response, request, url_for
from pydantic import StringConstraints

from netid import responses
from netid.errors import InvalidField
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.forms import Form, FormError, Unfinished, read_form
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.pages.owner import Owners
from netid.services.complaining import MOST_WORDS, Complaining
from netid.services.rights import Rights

_FORM = "complaint"


class ComplaintForm(Form):
    """What a relying party did, in the person's own words."""

    words: Annotated[str, StringConstraints(max_length=4 * MOST_WORDS)]


class Complaints:
    """The page on which a complaint is written; it and its answer are read on the receipt's page."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        rights: Rights,
        complaining: Complaining,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._rights = rights
        self._complaining = complaining

    def complain(self, receipt_id: str) -> Response:
        """/records/<receipt_id>/complaint. Raises NotFound for an entry that is not this person's."""
        if request.method == "POST":
            _browser, session = self._owners.act(request, _FORM)
            return self._take(session.person_id, receipt_id)
        browser, session_here = self._owners.come(request)
        if session_here is None:
            return self._authorize.visit_own_pages(browser, language())
        if self._complaining.about(session_here.person_id, receipt_id) is not None:
            return self._to_receipt(receipt_id)
        return self._ask(session_here.person_id, receipt_id)

    def _take(self, person_id: str, receipt_id: str) -> Response:
        try:
            words = read_form(ComplaintForm, request.form).words
            self._complaining.complain(person_id, receipt_id, words)
        except (Unfinished, InvalidField):
            most = _("Write what happened, in up to %(most)s characters.", most=MOST_WORDS)
            return self._ask(person_id, receipt_id, (FormError("words", most),))
        return self._to_receipt(receipt_id)

    def _ask(self, person_id: str, receipt_id: str, errors: tuple[FormError, ...] = ()) -> Response:
        return show(
            "complaint.html",
            errors=errors,
            entry=self._rights.entry(person_id, receipt_id),
            words=request.form.get("words", ""),
            form_token=self._browsers.form_token(self._browsers.read(request), _FORM),
        )

    def _to_receipt(self, receipt_id: str) -> Response:
        return responses.see_other(url_for("pages.receipt", receipt_id=receipt_id, _anchor="complaint"))


def add_routes(routes: Blueprint, pages: Complaints) -> None:
    """The address of a complaint."""
    address = "/records/<receipt_id>/complaint"
    routes.add_url_rule(address, "complaint", pages.complain, methods=["GET", "POST"])
