"""A browser just large enough to sign in: one kept connection, cookies, forms; too cheap to be measured."""

import html
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S | re.I)
_CONTROL = re.compile(r"<(?:input|button)\b([^>]*)>", re.S | re.I)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class UnexpectedAnswer(Exception):
    """A server under test answered something the flow cannot go on with."""


@dataclass(frozen=True)
class Answer:
    """One HTTP response: status, headers with lower-case names, and the body as bytes."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Form:
    """A form of a page: where it is posted to, its hidden and prefilled fields, and the buttons it offers."""

    action: str
    fields: Mapping[str, str]
    buttons: tuple[tuple[str, str], ...]


def forms(page: Answer) -> list[Form]:
    """Every form of the page, in order of appearance."""
    found = []
    for attributes, content in _FORM.findall(page.text):
        fields, buttons = _controls(content)
        action = _attributes(attributes).get("action", page.url)
        found.append(Form(urljoin(page.url, action), fields, tuple(buttons)))
    return found


def _controls(content: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    fields: dict[str, str] = {}
    buttons = []
    for control in _CONTROL.finditer(content):
        attributes = _attributes(control.group(1))
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if control.group(0).lower().startswith("<button") or attributes.get("type") == "submit":
            buttons.append((name, value))
        elif name and attributes.get("type") not in ("checkbox", "radio"):
            fields[name] = value
    return fields, buttons


def _attributes(text: str) -> dict[str, str]:
    return {name.lower(): html.unescape(a or b) for name, a, b in _ATTRIBUTE.findall(text)}


@dataclass
class Browser:
    """One browser on one kept connection to one server. `forget()` makes it a new browser."""

    origin: str
    _cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    _socket: socket.socket | None = None
    _unread: bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def forget(self) -> None:
        """Drop every cookie."""
        self._cookies.clear()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET one address; redirects are answers."""
        return self._send("GET", url, dict(headers or {}), b"")

    def post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """POST fields to one address; redirects are answers."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._send("POST", url, sent, urlencode(fields).encode())

    def submit(self, url: str, fields: Mapping[str, str]) -> Answer:
        """POST a form of a page of this origin, as a browser does."""
        return self.post(url, fields, {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"})

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(urljoin(self.origin, url))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        cookies = "; ".join(
            f"{name}={value}" for (name, path), value in self._cookies.items() if parts.path.startswith(path)
        )
        if cookies:
            lines.append(f"Cookie: {cookies}")
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        status, received, content = self._exchange(request)
        self._keep_cookies(received)
        return Answer(parts.geturl(), status, dict(received), content)

    def _exchange(self, request: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send on the kept connection; once more on a new one when the server had closed it."""
        kept = self._socket is not None
        try:
            return self._attempt(request)
        except (ConnectionError, EOFError):
            self._close()
            if not kept:
                raise
            return self._attempt(request)

    def _attempt(self, request: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if self._socket is None:
            address = urlsplit(self.origin)
            self._socket = socket.create_connection((address.hostname, address.port or 80), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        status, headers = self._read_head()
        body = self._read_body(status, dict(headers))
        if dict(headers).get("connection", "").lower() == "close":
            self._close()
        return status, headers, body

    def _read_head(self) -> tuple[int, list[tuple[str, str]]]:
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            self._read_more()
        head, self._unread = self._unread[:end].decode("latin-1"), self._unread[end + 4 :]
        first, *rest = head.split("\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
        return int(first.split(" ", 2)[1]), headers

    def _read_body(self, status: int, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        if "content-length" in headers:
            return self._read_exactly(int(headers["content-length"]))
        if status in (204, 304):
            return b""
        raise UnexpectedAnswer("a response without a length")

    def _read_chunk(self) -> bytes:
        while (end := self._unread.find(b"\r\n")) < 0:
            self._read_more()
        size, self._unread = int(self._unread[:end], 16), self._unread[end + 2 :]
        return self._read_exactly(size + 2)[:-2]

    def _read_exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._read_more()
        content, self._unread = self._unread[:size], self._unread[size:]
        return content

    def _read_more(self) -> None:
        assert self._socket is not None
        received = self._socket.recv(65536)
        if not received:
            raise EOFError("the server closed the connection")
        self._unread += received

    def _keep_cookies(self, headers: list[tuple[str, str]]) -> None:
        for name, value in headers:
            if name != "set-cookie":
                continue
            pair, *attributes = [part.strip() for part in value.split(";")]
            cookie, _, content = pair.partition("=")
            path = next((a[5:] for a in attributes if a.lower().startswith("path=")), "/")
            if content and "max-age=0" not in value.lower():
                self._cookies[cookie, path] = content
            else:
                self._cookies.pop((cookie, path), None)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._unread = None, b""
