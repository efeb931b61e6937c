"""Where realms come from: a thread of this process, this process without a socket, or a running server."""

import secrets
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import requests
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from netid.ambient import Ambient
from netid.app import build
from netid.client.messages import HttpAnswer, HttpRequest, Send
from netid.client.transport import Transport
from netid.control.faulty_line import Line
from netid.control.management import management_app
from netid.control.realms import Realms
from netid.credentials.keyring import Keyring
from netid.errors import ManagementRefused
from netid.settings import Settings

_LONGEST_SECONDS = 90
"""A take may wait for a minute."""


@dataclass(frozen=True)
class Answered:
    """An answer of the management API."""

    status: int
    body: Any
    """The JSON value; None where there is none."""


class Server(Protocol):
    """What a realm's handle stands on."""

    @property
    def wsgi(self) -> WSGIApplication | None:
        """The realms as a WSGI application, where they are in this process."""

    @property
    def send(self) -> Send:
        """How the SDK reaches them."""

    def call(self, method: str, path: str, body: object = None) -> Answered:
        """Calls the management API."""

    def visit(self, url: str) -> str | None:
        """A new browser's GET; where it is redirected to, or None."""

    def close(self) -> None:
        """Ends what was started."""


def start(chosen: str, token: str) -> Server:
    """The server of that name or management URL. Raises ManagementRefused for one that cannot be."""
    if chosen == "thread":
        return InThread()
    if chosen == "in-process":
        return InProcess()
    if not urlsplit(chosen).hostname:
        raise ManagementRefused(f"{chosen!r} is no server; choose thread, in-process, or a URL")
    if not token:
        raise ManagementRefused("NETID_MANAGEMENT_TOKEN is not set; give the running server's token")
    return Running(chosen.rstrip("/"), token)


class InProcess:
    """Realms without a socket, reached as a WSGI application."""

    def __init__(self, issuer: str = "http://127.0.0.1") -> None:
        ambient = Ambient.real()
        token = secrets.token_urlsafe(32)
        settings = Settings(mode="test", issuer=issuer, management_token=token)
        self.realms = Realms(settings, keyring=Keyring.generate(ambient), ambient=ambient, build=build)
        self.wsgi: WSGIApplication = self.realms.over(Response("no such realm", status=404))
        self._management = Client(management_app(token, own=None, realms=self.realms))
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: object = None) -> Answered:
        """Calls the management API."""
        with self._management.open(
            path,
            method=method,
            json=body,
            headers=self._headers,
            environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
        ) as answer:
            return Answered(answer.status_code, answer.get_json(silent=True))

    @property
    def send(self) -> Send:
        """Straight into the application."""
        return self._send

    def _send(self, request: HttpRequest) -> HttpAnswer:
        client = Client(self.wsgi)
        with client.open(
            request.url,
            method=request.method,
            headers=dict(request.headers),
            data=request.form if request.json is None else request.json,
            content_type=None if request.json is None else "application/json",
        ) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            return HttpAnswer(answer.status_code, answer.mimetype or "", answer.get_data(), received)

    def visit(self, url: str) -> str | None:
        """A new browser's GET."""
        with Client(self.wsgi).get(url) as answer:
            return answer.headers.get("Location")

    def close(self) -> None:
        """Drops every realm."""
        self.realms.close()


class InThread(InProcess):
    """The same, served on loopback behind a line that can be made faulty."""

    def __init__(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(f"http://127.0.0.1:{listener.getsockname()[1]}")
        self.realms.has_line = True
        app = whole_answers(self.wsgi)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="netid", daemon=True)
        self._thread.start()
        self._line = Line(listener, ("127.0.0.1", self._server.server_port), self.realms.faults_for)
        self._line.start()
        self._transport = Transport(Ambient.real())

    @property
    def send(self) -> Send:
        """Over HTTP."""
        return self._transport.send

    def visit(self, url: str) -> str | None:
        """A new browser's GET."""
        return _visit(url)

    def close(self) -> None:
        """Stops serving and drops every realm."""
        self._transport.close()
        self._line.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        super().close()


class Running:
    """A server that runs already, in test mode, with its management port."""

    wsgi = None

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._transport = Transport(Ambient.real())

    def call(self, method: str, path: str, body: object = None) -> Answered:
        """Calls the management API. Raises ManagementRefused when it cannot be reached."""
        try:
            with self._session.request(
                method, f"{self._url}{path}", json=body, timeout=_LONGEST_SECONDS
            ) as answer:
                return Answered(answer.status_code, answer.json() if answer.content else None)
        except requests.RequestException as error:
            raise ManagementRefused(f"no management port answers at {self._url}; is it running?") from error

    @property
    def send(self) -> Send:
        """Over HTTP."""
        return self._transport.send

    def visit(self, url: str) -> str | None:
        """A new browser's GET."""
        return _visit(url)

    def close(self) -> None:
        """Gives the connections back; the server runs on."""
        self._session.close()
        self._transport.close()


def whole_answers(app: WSGIApplication) -> WSGIApplication:
    """The app, with each answer read to its end before any of it is sent.

    Werkzeug's server leaves an answer's file open when a browser resets the connection, and a test
    that takes warnings for errors then fails, or the next one.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as parts:
            return [*parts]

    return answer


def _visit(url: str) -> str | None:
    with requests.Session() as browser:
        browser.trust_env = False
        with browser.get(url, allow_redirects=False, timeout=_LONGEST_SECONDS) as answer:
            headers: Mapping[str, str] = answer.headers
            return headers.get("Location")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests print what they assert, not every request."""
