"""One platform in “My records”: taking everything back from it, and being somebody new to it."""

from flask import Blueprint, Response, request, url_for

from netid import responses
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.pages.entry_words import consent_withdrawn
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language, said
from netid.pages.owner import Owners
from netid.services.rights import Platform, Rights

_FORM = "platform"


class Platforms:
    """The page of one platform; without a session it begins with signing in."""

    def __init__(self, owners: Owners, *, browsers: Browsers, authorize: Authorize, rights: Rights) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._rights = rights

    def platform(self, client_id: str) -> Response:
        """/records/platforms/<client_id>: what it was given, and what can be undone. Raises NotFound."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        platform = self._rights.platform(session.person_id, client_id)
        return show(
            "platform.html",
            platform=platform,
            status=_status(platform),
            form_token=self._browsers.form_token(browser, _FORM),
        )

    def withdraw(self, client_id: str) -> Response:
        """Takes back every consent to this platform (PIPL 15)."""
        _browser, session = self._owners.act(request, _FORM)
        self._rights.withdraw_from(session.person_id, client_id)
        return responses.see_other(url_for("pages.platform", client_id=client_id, withdrawn=""))

    def begin_anew(self, client_id: str) -> Response:
        """Lets the platform know this person no longer."""
        _browser, session = self._owners.act(request, _FORM)
        self._rights.begin_anew(session.person_id, client_id)
        return responses.see_other(url_for("pages.platform", client_id=client_id, done=""))


def _status(platform: Platform) -> str | None:
    if "withdrawn" in request.args and not platform.can_withdraw:
        return consent_withdrawn(said(platform.relying_party.name))
    return _("Done. This takes effect at once.") if "done" in request.args else None


def add_routes(routes: Blueprint, pages: Platforms) -> None:
    """The addresses of one platform."""
    address = "/records/platforms/<client_id>"
    routes.add_url_rule(address, "platform", pages.platform)
    routes.add_url_rule(f"{address}/withdraw", "withdraw_from", pages.withdraw, methods=["POST"])
    routes.add_url_rule(f"{address}/new-identity", "begin_anew", pages.begin_anew, methods=["POST"])
