"""Sessions: where a person is signed in, ending them, and signing out when a platform asks for it."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from netid import responses
from netid.oauth.authorize import Authorize
from netid.oauth.browsers import Browsers
from netid.oauth.logout import EndSession, LogoutRequest
from netid.oauth.parameters import parameters
from netid.pages.forms import FormError
from netid.pages.frame import show
from netid.pages.language import gettext as _
from netid.pages.language import language, prefer
from netid.pages.owner import Owners
from netid.responses import redirect_origin
from netid.services.signing_out import SignOut

_FORM = "sessions"
_ASKED = "logout"
_FORM_FIELDS = frozenset({"form_token", "decision"})


class Sessions:
    """The pages about being signed in here."""

    def __init__(
        self,
        owners: Owners,
        *,
        browsers: Browsers,
        authorize: Authorize,
        sign_out: SignOut,
        end_session: EndSession,
    ) -> None:
        self._owners = owners
        self._browsers = browsers
        self._authorize = authorize
        self._sign_out = sign_out
        self._end_session = end_session

    def sessions(self) -> Response:
        """/records/sessions: each with its time, its factors and where it led to."""
        browser, session = self._owners.come(request)
        if session is None:
            return self._authorize.visit_own_pages(browser, language())
        return show(
            "sessions.html",
            sessions=self._sign_out.sessions(session.person_id, browser),
            status=_("Done. This takes effect at once.") if "done" in request.args else None,
            form_token=self._browsers.form_token(browser, _FORM),
        )

    def end(self, session_id: str) -> Response:
        """Ends one of the person's sessions."""
        _browser, session = self._owners.act(request, _FORM)
        self._sign_out.one(session.person_id, session_id)
        return responses.see_other(url_for("pages.sessions", done=""))

    def end_others(self) -> Response:
        """Ends every session of the person but this browser's."""
        browser, session = self._owners.act(request, _FORM)
        self._sign_out.others(session.person_id, browser)
        return responses.see_other(url_for("pages.sessions", done=""))

    # A platform asks

    def logout(self) -> Response:
        """/logout: a platform lets a person sign out here (RP-Initiated Logout 1.0, 2).

        The person is always asked: a platform could otherwise sign them out of every other one.
        """
        given = parameters(request)
        asked = self._end_session.read(given)
        if request.method == "POST" or "id_token_hint" in given:
            # A cross-site POST comes without our cookies; and no ID token stays in an address.
            kept: dict[str, Any] = {**asked.parameters}
            return responses.see_other(url_for("pages.logout", **kept))
        return self._ask(asked)

    def _ask(self, asked: LogoutRequest, errors: tuple[FormError, ...] = ()) -> Response:
        prefer(asked.language)
        browser, session = self._owners.come(request)
        if session is None:
            return self._onward(asked)
        here = [one for one in self._sign_out.sessions(session.person_id, browser) if one.is_this_browser]
        return show(
            "logout.html",
            errors=errors,
            form_action_origins=[redirect_origin(asked.redirect_uri)] if asked.redirect_uri else [],
            asked=asked,
            platforms=[platform for one in here for platform in one.platforms],
            form_token=self._browsers.form_token(browser, _ASKED),
        )

    def decide(self) -> Response:
        """Ends this browser's session, or leaves it, and leads back to the platform."""
        given = parameters(request)
        asked = self._end_session.read({n: v for n, v in given.items() if n not in _FORM_FIELDS})
        browser = self._browsers.read(request)
        self._browsers.check_form(request, browser, _ASKED)
        if given.get("decision") not in ("agree", "refuse"):
            return self._ask(asked, (FormError("decision", _("Choose one of the two answers.")),))
        if given["decision"] == "agree":
            self._sign_out.here(browser)
            return self._browsers.forget_session(self._onward(asked))
        return self._onward(asked)

    def _onward(self, asked: LogoutRequest) -> Response:
        """Back to the platform, or to a page that says how things stand."""
        return responses.see_other(asked.way_back or url_for("pages.signed_out"))

    def signed_out(self) -> Response:
        """/signed-out: whether anybody is signed in here now."""
        _browser, session = self._owners.come(request)
        return show("signed_out.html", is_signed_in=session is not None)


def add_routes(routes: Blueprint, pages: Sessions) -> None:
    """The addresses of sessions."""
    routes.add_url_rule("/records/sessions", "sessions", pages.sessions)
    routes.add_url_rule("/records/sessions/others/end", "end_others", pages.end_others, methods=["POST"])
    routes.add_url_rule("/records/sessions/<session_id>/end", "end_session", pages.end, methods=["POST"])
    routes.add_url_rule("/logout", "logout", pages.logout, methods=["GET", "POST"])
    routes.add_url_rule("/logout/decide", "decide_logout", pages.decide, methods=["POST"])
    routes.add_url_rule("/signed-out", "signed_out", pages.signed_out)
