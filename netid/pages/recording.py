"""“My records”: who asked, for what, what they got; each receipt; and taking a consent back."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from netid import responses
from netid.identity.calendar import legal_day
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.entry_words import consent_withdrawn, outcome_name, platform_name
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language
from netid.pages.owner import Owners
from netid.services.complaining import Complaining
from netid.services.records import Records
from netid.services.rights import Entry, Outcome, Rights
from netid.services.searching import Wanted
from netid.services.signing_out import SignOut

MOST_SEARCHED = 100
"""How many characters of a search are looked for."""

_FORMS = "records"


class Recording:
    """The pages of one's own records; without a session they begin with signing in."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        sign_out: SignOut,
        rights: Rights,
        complaining: Complaining,
        records: Records,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._sign_out = sign_out
        self._rights = rights
        self._complaining = complaining
        self._records = records

    def overview(self) -> Response:
        """/records: every decision, or those that are looked for, the latest first."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        history = self._rights.history(session.person_id)
        looked_for = wanted(request.args)
        found = [entry for entry in history if looked_for.fits(entry)]
        return show(
            "records.html",
            months=[(month, list(entries)) for month, entries in groupby(found, _month)],
            platforms=_platforms(history),
            outcomes=[(outcome.value, outcome_name(outcome)) for outcome in Outcome],
            wanted=looked_for,
            is_empty=not history,
            holding=self._records.holding(session.person_id),
            children=len(self._rights.children(session.person_id)),
            status=_copies_void() if "revoked" in request.args else _withdrawn(history),
            form_token=self._browsers.form_token(browser, _FORMS),
        )

    def receipt(self, receipt_id: str) -> Response:
        """/records/<id>: one receipt, decoded and as it was signed. Raises NotFound for another person's."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        entry = self._rights.entry(session.person_id, receipt_id)
        return show(
            "receipt.html",
            entry=entry,
            complaint=self._complaining.about(session.person_id, receipt_id),
            is_own=entry.stored.person_id == session.person_id,
            form_token=self._browsers.form_token(browser, _FORMS),
        )

    def children(self) -> Response:
        """/records/children: what the guardian of a child under 14 agreed to, and taking it back."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        children = self._rights.children(session.person_id)
        return show(
            "children.html",
            children=[(self._records.masked_label(child.person_id), child.entries) for child in children],
            status=_withdrawn(entry for child in children for entry in child.entries),
            form_token=self._browsers.form_token(browser, _FORMS),
        )

    def withdraw(self, receipt_id: str) -> Response:
        """Takes one consent back (PIPL 15)."""
        _browser, session = self._owners.act(request, _FORMS)
        owner = self._rights.withdraw(session.person_id, receipt_id)
        if owner != session.person_id:
            return responses.see_other(url_for("pages.children", withdrawn=receipt_id))
        return self._authorize.to_own_pages(urlencode({"withdrawn": receipt_id}))

    def sign_out(self) -> Response:
        """Ends the session of this browser."""
        browser, _session = self._owners.act(request, _FORMS)
        self._sign_out.here(browser)
        return self._browsers.forget_session(self._authorize.to_own_pages(""))


def wanted(asked: Mapping[str, str]) -> Wanted:
    """What an address looks for; what it says otherwise asks for nothing."""
    outcome = next((one for one in Outcome if one.value == asked.get("outcome")), None)
    return Wanted(asked.get("platform", ""), outcome, asked.get("words", "")[:MOST_SEARCHED])


def _month(entry: Entry) -> date:
    """The first day of the month of the decision."""
    return legal_day(entry.stored.receipt.decided_at).replace(day=1)


def _withdrawn(entries: Iterable[Entry]) -> str | None:
    """What is said of the entry that the address names, if it was taken back."""
    named = request.args.get("withdrawn")
    for entry in entries:
        if entry.stored.receipt.receipt_id == named and entry.outcome is Outcome.WITHDRAWN:
            return consent_withdrawn(platform_name(entry))
    return None


def _copies_void() -> str:
    return _(
        "The long copies are void. That is published within little more than two hours; short copies end "
        "within two days."
    )


def _platforms(history: list[Entry]) -> list[tuple[str, str]]:
    """Client id and name of every platform in the history, for the filter."""
    return sorted({entry.stored.receipt.client_id: platform_name(entry) for entry in history}.items())


def add_routes(routes: Blueprint, pages: Recording) -> None:
    """The addresses of one's own records."""
    routes.add_url_rule("/records", "records", pages.overview)
    routes.add_url_rule("/records/children", "children", pages.children)
    routes.add_url_rule("/records/<receipt_id>", "receipt", pages.receipt)
    routes.add_url_rule("/records/<receipt_id>/withdraw", "withdraw", pages.withdraw, methods=["POST"])
    routes.add_url_rule("/sign-out", "sign_out", pages.sign_out, methods=["POST"])
