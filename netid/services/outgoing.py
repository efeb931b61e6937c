"""Requests to servers of relying parties: bounded in time and size, and to no place they could misuse.

An address comes from a registration, and may lead anywhere: to a machine of the provider's own
network, to one that never ends its answer, or to one that sends on. So every address that the name
stands for is looked at before a connection is made to exactly that one, nothing is followed, and an
answer that takes too long or is too large is none.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Thread
from urllib.parse import urlsplit

from netid.errors import Unanswered
from netid.settings import LOOPBACK_HOSTS

SECONDS = 2.0
"""How long a server may take altogether, from looking up its name to the last byte."""

MAX_ANSWER = 64 * 1024
"""How many bytes of an answer count, at most."""

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


@dataclass(frozen=True)
class OutgoingRequest:
    """What is sent; a body makes it a POST."""

    url: str
    """https, or http where the provider is on loopback."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OutgoingAnswer:
    """What came back, whatever its status. Nothing of it is proven."""

    status: int
    media_type: str
    """The content type in lower case, without parameters."""
    body: bytes = field(repr=False)


SendOut = Callable[[OutgoingRequest], OutgoingAnswer]
"""Sends a request. Raises Unanswered."""


class Outgoing:
    """Sends requests; keeps no connection, and takes no proxy, cookie or password from anywhere."""

    def __init__(self, issuer: str, *, seconds: float = SECONDS) -> None:
        """`issuer`: only a provider that is on loopback itself may send to private addresses."""
        self._may_be_private = urlsplit(issuer).hostname in LOOPBACK_HOSTS
        self._seconds = seconds

    def send(self, request: OutgoingRequest) -> OutgoingAnswer:
        """The answer. Raises Unanswered, in time whatever the server does."""
        exchange = _Exchange(request, self._resolve, self._seconds)
        # Neither a name server nor a trickle of bytes can be given a deadline from within.
        thread = Thread(target=exchange.run, name="outgoing", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            exchange.close()
            raise Unanswered("it takes too long")
        return exchange.result()

    def _resolve(self, host: str, port: int) -> tuple[str, int]:
        """The first address that the name stands for; refused if any of them is not to be reached."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._may_be_private and not all(_is_public(address) for address in addresses):
            raise Unanswered("it is at a private address")
        return addresses[0], port


class _Exchange:
    """One request and its answer, in a thread that its sender may give up."""

    def __init__(
        self, request: OutgoingRequest, resolve: Callable[[str, int], tuple[str, int]], seconds: float
    ) -> None:
        self._request = request
        self._resolve = resolve
        self._seconds = seconds
        self._handle: socket.socket | None = None
        self._answer: OutgoingAnswer | None = None
        self._fault = "it did not answer"

    def run(self) -> None:
        try:
            self._answer = self._exchange()
        except Unanswered as error:
            self._fault = error.detail
        except (OSError, HTTPException, ValueError) as error:
            self._fault = type(error).__name__

    def result(self) -> OutgoingAnswer:
        if self._answer is None:
            raise Unanswered(self._fault)
        return self._answer

    def close(self) -> None:
        """Ends a connection that somebody waits on in the other thread."""
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _exchange(self) -> OutgoingAnswer:
        parts = urlsplit(self._request.url)
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        # `connect` asks this for its socket, after which TLS still proves the name.
        connection._create_connection = self._connect  # type: ignore[attr-defined]
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        headers = {"Accept-Encoding": "identity", "User-Agent": "netid", **self._request.headers}
        try:
            method = "GET" if self._request.body is None else "POST"
            connection.request(method, path, self._request.body, headers)
            return _read(connection.getresponse())
        finally:
            connection.close()
            if self._handle is not None:
                self._handle.close()

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme == "https":
            return HTTPSConnection(host, port, timeout=self._seconds, context=ssl.create_default_context())
        if scheme == "http":
            return HTTPConnection(host, port, timeout=self._seconds)
        raise Unanswered("it is neither https nor http")

    def _connect(self, address: tuple[str, int], *_options: object) -> socket.socket:
        connected = socket.create_connection(self._resolve(*address), self._seconds)
        # TLS takes the socket over; a second handle on it can end the connection all the same.
        self._handle = connected.dup()
        return connected


def _read(response: HTTPResponse) -> OutgoingAnswer:
    body = response.read(MAX_ANSWER + 1)
    if len(body) > MAX_ANSWER:
        raise Unanswered(f"its answer is longer than {MAX_ANSWER} bytes")
    media_type = (response.getheader("Content-Type") or "").split(";")[0].strip().lower()
    return OutgoingAnswer(response.status, media_type, body)


def _is_public(text: str) -> bool:
    """Whether the address is one of the internet's, also where one form of address carries another."""
    address: _IPAddress = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address.sixtofour or address.teredo or any(address in net for net in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
