"""“My records”: who asked, for what, what they got; each receipt; and taking a consent back."""

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, Response, request, url_for

from netid import responses
from netid.identity.calendar import CHINA_STANDARD_TIME
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.entry_words import outcome_name
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
            status=_("Done. This takes effect at once.") if "done" in request.args else None,
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
            status=_("Done. This takes effect at once.") if "done" in request.args else None,
            form_token=self._browsers.form_token(browser, _FORMS),
        )

    def withdraw(self, receipt_id: str) -> Response:
        """Takes one consent back (PIPL 15)."""
        _browser, session = self._owners.act(request, _FORMS)
        owner = self._rights.withdraw(session.person_id, receipt_id)
        if owner != session.person_id:
            return responses.see_other(url_for("pages.children", done=""))
        return self._authorize.to_own_pages("done")

    def sign_out(self) -> Response:
        """Ends the session of this browser."""
        browser, _session = self._owners.act(request, _FORMS)
        self._sign_out.here(browser)
        return self._browsers.forget_session(self._authorize.to_own_pages(""))


def wanted(asked: Mapping[str, str]) -> Wanted:
    """What an address looks for; what it says otherwise asks for nothing."""
    outcome = next((one for one in Outcome if one.value == asked.get("outcome")), None)
    return Wanted(asked.get("platform", ""), outcome, asked.get("words", "")[:MOST_SEARCHED])


def _month(entry: Entry) -> tuple[int, int]:
    local = entry.stored.receipt.decided_at.astimezone(CHINA_STANDARD_TIME)
    return local.year, local.month


def _platforms(history: list[Entry]) -> list[tuple[str, str]]:
    """Client id and name of every platform in the history, for the filter."""
    names = {
        entry.stored.receipt.client_id: entry.relying_party.name.in_(language())
        if entry.relying_party
        else entry.stored.receipt.client_id
        for entry in history
    }
    return sorted(names.items())


def add_routes(routes: Blueprint, pages: Recording) -> None:
    """The addresses of one's own records."""
    routes.add_url_rule("/records", "records", pages.overview)
    routes.add_url_rule("/records/children", "children", pages.children)
    routes.add_url_rule("/records/<receipt_id>", "receipt", pages.receipt)
    routes.add_url_rule("/records/<receipt_id>/withdraw", "withdraw", pages.withdraw, methods=["POST"])
    routes.add_url_rule("/sign-out", "sign_out", pages.sign_out, methods=["POST"])
