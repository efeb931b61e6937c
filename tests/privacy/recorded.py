"""A relying party of which every byte is kept that reaches it, from browsers and from the provider."""

import json
import socket
import socketserver
import threading
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from tests.running import Client, Running

_PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Site:
    """The relying party's web server: it keeps what browsers send, to the byte, and answers "ok"."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        # Another host name than the provider's: cookies ignore ports.
        self.callback = f"http://localhost:{server.server_address[1]}/callback"
        self.received: list[bytes] = []


class _Keeping(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b""
        while line := self.rfile.readline():
            head += line
            if line == b"\r\n":
                break
        length = next((int(v) for n, v in _headers(head) if n == "content-length"), 0)
        self.server.site.received.append(head + self.rfile.read(length))  # type: ignore[attr-defined]
        self.wfile.write(_PAGE)


@contextmanager
def site() -> Iterator[Site]:
    """Serves a relying party's site on a free port of localhost."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Keeping) as server:
        server.daemon_threads = True
        opened = Site(server)
        server.site = opened  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield opened
        server.shutdown()


@dataclass
class Arrived:
    """What one flow brought to the relying party."""

    callback: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    id_token: dict[str, Any] = field(default_factory=dict)
    rest: list[bytes] = field(default_factory=list)
    """Every byte but UserInfo's."""
    userinfo_bytes: bytes = b""

    def bytes_but(self, released: Mapping[str, object]) -> bytes:
        """Every byte that arrived, but for these claims, each once in its place in UserInfo."""
        return b"\n".join([*self.rest, _without(self.userinfo_bytes, released)])


class RecordedShop:
    """Runs flows against a provider and keeps what arrives."""

    def __init__(self, running: Running, site: Site, client_id: str = "a-shop", **registration: Any) -> None:
        self.running = running
        self._site = site
        self.client: Client = running.register(client_id, redirect_uris=[site.callback], **registration)

    def flow(self, persona: str, rule: dict[str, Any] | None = None, **changes: str | None) -> Arrived:
        """A whole sign-in by an approval rule, up to UserInfo, as far as it comes."""
        self.running.approve(persona=persona, **(rule or {}))
        return self.flow_in(requests.Session(), **{"login_hint": persona, **changes})

    def flow_in(self, browser: requests.Session, **changes: str | None) -> Arrived:
        """The same in a browser, which may hold cookies."""
        asked = {"redirect_uri": self._site.callback, **changes}
        answer = self.client.authorize(browser, **asked)
        return self.arrive(browser, answer)

    def arrive(self, browser: requests.Session, answer: requests.Response) -> Arrived:
        """Follows the provider's last answer to the relying party, which then asks for the rest."""
        arrived = Arrived()
        location = answer.headers.get("Location", "")
        if not location.startswith(self._site.callback):
            return arrived
        browser.get(location)
        arrived.rest += self._site.received
        self._site.received.clear()
        arrived.callback = dict(parse_qsl(urlsplit(location).query))
        if "code" in arrived.callback:
            self._redeem(arrived, arrived.callback["code"])
        return arrived

    def _redeem(self, arrived: Arrived, code: str) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._site.callback,
            "code_verifier": self.client.verifier,
        }
        raw = self.post("/token", form)
        arrived.rest.append(raw)
        arrived.tokens = json.loads(_body(raw))
        if "id_token" in arrived.tokens:
            arrived.id_token = _decoded(arrived.tokens["id_token"])
        if "access_token" in arrived.tokens:
            arrived.userinfo_bytes = self.userinfo(arrived.tokens["access_token"])
            arrived.userinfo = _userinfo(arrived.userinfo_bytes)

    def userinfo(self, access_token: str) -> bytes:
        """The raw answer of UserInfo."""
        return self._exchange("GET", "/userinfo", {"Authorization": f"Bearer {access_token}"})

    def post(self, path: str, form: Mapping[str, str]) -> bytes:
        """The raw answer to an authenticated POST."""
        basic = b64encode(f"{self.client.client_id}:{self.client.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        return self._exchange("POST", path, headers, urlencode(form).encode())

    def get(self, path: str) -> bytes:
        """The raw answer to a GET."""
        return self._exchange("GET", path, {})

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        parts = urlsplit(self.running.issuer)
        lines = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body)), **headers}
        head = f"{method} {parts.path}{path} HTTP/1.1\r\n" + "".join(
            f"{n}: {v}\r\n" for n, v in lines.items()
        )
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10) as connection:
            connection.sendall(head.encode() + b"\r\n" + body)
            with connection.makefile("rb") as stream:
                return _without_length(stream.read())


def _headers(raw: bytes) -> list[tuple[str, str]]:
    lines = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _body(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def _without_length(raw: bytes) -> bytes:
    """A true Content-Length says nothing that the body does not; its digits would only look like an age."""
    length = dict(_headers(raw)).get("content-length")
    assert length == str(len(_body(raw))), (length, raw[:500])
    return raw.replace(f"Content-Length: {length}\r\n".encode(), b"", 1)


def _part(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(_part(token.split(".")[1]))
    return claims


def _userinfo(raw: bytes) -> dict[str, Any]:
    body = _body(raw).decode()
    is_token = dict(_headers(raw)).get("content-type", "").startswith("application/jwt")
    claims: dict[str, Any] = _decoded(body) if is_token else json.loads(body)
    return claims


def _without(raw: bytes, released: Mapping[str, object]) -> bytes:
    """The answer with those members taken out, each of which has to be there once."""
    if not raw:
        assert not released
        return b""
    head, _, body = raw.partition(b"\r\n\r\n")
    if b"application/jwt" in head:
        header, payload, signature = body.decode().split(".")
        content, others = _part(payload), f"{header}.{signature}"
    else:
        content, others = body, ""
    members = json.loads(content, object_pairs_hook=list)
    for member in released.items():
        members.remove(member)
    return head + b"\r\n\r\n" + json.dumps(members).encode() + others.encode()
