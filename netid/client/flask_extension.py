"""Sign-in with NetID in a Flask app: one object, one decorator."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from netid.client.errors import ClientError
from netid.client.netid_client import NetIDClient, SignedIn
from netid.client.pending import PENDING_LIFETIME
from netid.client.registration import Ask

_log = logging.getLogger("netid.client")

WhenSignedIn = Callable[[SignedIn], ResponseReturnValue]
"""A view that is called with a person who has come back."""


class NetIDFlask:
    """Adds the return address to the app and binds each sign-in to its browser by a cookie.

    A failure is raised as a ClientError for the app's own `errorhandler`; where it has none, a plain
    page answers and the log says what to do. Several relying parties can live in one app.
    """

    def __init__(self, app: Flask, client: NetIDClient) -> None:
        self.client = client
        self._app = app
        self._cookie = f"netid_{client.registration.client_id}"
        self._when_signed_in: WhenSignedIn | None = None
        path = urlsplit(client.registration.redirect_uri).path
        app.add_url_rule(path, f"netid_return_{client.registration.client_id}", self._return)
        app.error_handler_spec[None][None].setdefault(ClientError, _plain_page)

    def login(self, ask: Ask | None = None, *, purpose: str | None = None) -> Response:
        """The redirect to the provider: answer your sign-in button with it.

        `ask` says everything; `purpose` alone is short for the usual case.
        """
        browser = request.cookies.get(self._cookie) or self.client.new_browser()
        address = self.client.begin(browser, ask or Ask(purpose=purpose))
        response = _private(Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address}))
        response.set_cookie(
            self._cookie,
            browser,
            max_age=PENDING_LIFETIME,
            secure=self.client.registration.redirect_uri.startswith("https:"),
            httponly=True,
            samesite="Lax",
        )
        return response

    def signed_in(self, view: WhenSignedIn) -> WhenSignedIn:
        """Decorates the view for everybody who comes back; let it answer with a redirect."""
        self._when_signed_in = view
        return view

    def _return(self) -> Response:
        if self._when_signed_in is None:
            raise RuntimeError("decorate a view with signed_in")
        browser = request.cookies.get(self._cookie, "")
        query = request.query_string.decode("ascii", "replace")
        return _private(self._app.make_response(self._when_signed_in(self.client.finish(browser, query))))


def _private(response: Response) -> Response:
    """Code and state stand in these addresses: nobody keeps them or passes them on."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _plain_page(error: ClientError) -> Response:
    _log.warning("%s: %s", type(error).__name__, error)
    return _private(Response(f"{error.description}\n", error.status, mimetype="text/plain"))
