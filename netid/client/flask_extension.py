"""NetID in a Flask app: signing in, and what the provider tells afterwards, a decorator each."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from netid.client.errors import (
    ClientError,
    ConfigurationRefused,
    EventRefused,
    LogoutRefused,
    ProviderUnreachable,
)
from netid.client.events import OLDEST_EVENT, SecurityEvent, SignedOut
from netid.client.netid_client import NetIDClient, SignedIn
from netid.client.pending import PENDING_LIFETIME
from netid.client.registration import Ask
from netid.client.seen import SeenInMemory, SeenStore
from netid.credentials.jose import MAX_BYTES, SKEW
from netid.identity.events import EVENT_TYPE

_log = logging.getLogger("netid.client")

WhenSignedIn = Callable[[SignedIn], ResponseReturnValue]
"""A view that is called with a person who has come back."""
WhenEvent = Callable[[SecurityEvent], None]
"""Does what an event asks for, and returns once it is done. It may be called twice for one event."""
WhenSignedOut = Callable[[SignedOut], None]
"""Ends the app's own sessions that were opened on a session at the provider."""


class NetIDFlask:
    """Adds the return address to the app and binds each sign-in to its browser by a cookie.

    A failure is raised as a ClientError for the app's own `errorhandler`; where it has none, a plain
    page answers and the log says what to do. Several relying parties can live in one app.
    """

    def __init__(self, app: Flask, client: NetIDClient, *, seen: SeenStore | None = None) -> None:
        """`seen` keeps which events were done; without it, this process's memory does."""
        self.client = client
        self._seen = seen or SeenInMemory(client.now)
        self._app = app
        self._cookie = f"netid_{client.registration.client_id}"
        self._when_signed_in: WhenSignedIn | None = None
        path = path_within(app, client.registration.redirect_uri)
        app.add_url_rule(path, f"netid_return_{client.registration.client_id}", self._return)
        app.error_handler_spec[None][None].setdefault(ClientError, answer_plainly)

    def login(self, ask: Ask | None = None, *, purpose: str | None = None) -> Response:
        """The redirect to the provider: answer your sign-in button with it.

        `ask` says everything; `purpose` alone is short for the usual case. Raises ConfigurationRefused for
        both, and as `NetIDClient.begin` does.
        """
        if ask is not None and purpose is not None:
            raise ConfigurationRefused("login: takes an Ask or a purpose; name the purpose in the Ask")
        browser = request.cookies.get(self._cookie) or self.client.new_browser()
        address = self.client.begin(browser, ask or Ask(purpose=purpose))
        response = private(Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address}))
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

    def events(self, handler: WhenEvent) -> WhenEvent:
        """Decorates what is done on security events, which come to `events_uri` (RFC 8935).

        The provider is answered that it is done (202) once the handler has returned, and that it is not
        (500, which it repeats later) when the handler raises.
        """

        def receive() -> Response:
            return self._receive_event(handler)

        self._add_address("events_uri", receive)
        return handler

    def signed_out(self, handler: WhenSignedOut) -> WhenSignedOut:
        """Decorates what ends the app's own sessions, as logout tokens come to `backchannel_logout_uri`."""

        def receive() -> Response:
            return self._receive_logout(handler)

        self._add_address("backchannel_logout_uri", receive)
        return handler

    def _add_address(self, name: str, view: Callable[[], Response]) -> None:
        address = getattr(self.client.registration, name)
        if address is None:
            raise ConfigurationRefused(f"{name}: is needed for this; register it, and give it here")
        endpoint = f"netid_{name}_{self.client.registration.client_id}"
        self._app.add_url_rule(path_within(self._app, address), endpoint, view, methods=["POST"])

    def _receive_event(self, handler: WhenEvent) -> Response:
        try:
            event = self.client.event(_pushed_token())
        except EventRefused as error:
            _log.warning("%s: %s", type(error).__name__, error)
            response = jsonify(err=error.err, description=error.description)
            response.headers["Content-Language"] = "en"
            return _refused(response)
        except ProviderUnreachable as error:
            return _later(error)
        if not self._seen.has(event.event_id):
            handler(event)
            self._seen.add(event.event_id, event.issued_at + OLDEST_EVENT + SKEW)
        return private(Response(status=HTTPStatus.ACCEPTED))

    def _receive_logout(self, handler: WhenSignedOut) -> Response:
        try:
            signed_out = self.client.signed_out(request.form.get("logout_token", ""))
        except LogoutRefused as error:
            _log.warning("%s: %s", type(error).__name__, error)
            return _refused(jsonify(error=error.code, error_description=error.description))
        except ProviderUnreachable as error:
            return _later(error)
        if not self._seen.has(signed_out.event_id):
            handler(signed_out)
            self._seen.add(signed_out.event_id, signed_out.expires_at + SKEW)
        return private(Response(status=HTTPStatus.OK))

    def _return(self) -> Response:
        if self._when_signed_in is None:
            raise RuntimeError("decorate a view with signed_in")
        browser = request.cookies.get(self._cookie, "")
        query = request.query_string.decode("ascii", "replace")
        return private(self._app.make_response(self._when_signed_in(self.client.finish(browser, query))))


def path_within(app: Flask, address: str) -> str:
    """The path of a registered address as the app has it: below APPLICATION_ROOT, where it is mounted."""
    path = urlsplit(address).path
    root = app.config["APPLICATION_ROOT"].rstrip("/")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def private(response: Response) -> Response:
    """Code and state stand in these addresses: nobody keeps them or passes them on."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _pushed_token() -> str:
    """RFC 8935, 2.1: the token alone is the body. Raises EventRefused."""
    if request.mimetype != f"application/{EVENT_TYPE}":
        raise EventRefused(f"the content type is not application/{EVENT_TYPE}")
    # One byte more than counts, whatever the sender says of its length: the gate refuses that.
    return request.stream.read(MAX_BYTES + 1).decode("ascii", "replace")


def _refused(response: Response) -> Response:
    response.status_code = HTTPStatus.BAD_REQUEST
    return private(response)


def _later(error: ProviderUnreachable) -> Response:
    """The token cannot be verified now; the provider tries again."""
    _log.warning("%s: %s", type(error).__name__, error)
    return private(Response(status=HTTPStatus.SERVICE_UNAVAILABLE))


def answer_plainly(error: ClientError) -> Response:
    """A page for an app that has none of its own for this."""
    _log.warning("%s: %s", type(error).__name__, error)
    return private(Response(f"{error.description}\n", error.status, mimetype="text/plain"))
