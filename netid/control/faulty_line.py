"""The line in front of a provider: a small TCP proxy that delays, hangs, resets and cuts off.

It reads as much HTTP/1.1 (RFC 9112) as it needs to know which request it carries: one request per
connection, with a body of known length. It is for loopback, and speaks no TLS.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, parse_headers
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import BinaryIO
from urllib.parse import urlsplit

from netid.control.addressed import endpoint_of, unverified_client_id
from netid.control.faults import CutBody, Delay, Fault, Hang, Reset
from netid.control.standing_faults import Faults

MAX_BODY = 1024 * 1024
_CHUNK = 64 * 1024
_LONGEST_LINE = 64 * 1024
_SILENCE = 30.0
"""Seconds that either side may be silent."""
_RESET = struct.pack("ii", 1, 0)
"""Lingering for zero seconds makes close() send a reset (socket(7), SO_LINGER)."""
_NOT_CARRIED = "HTTP/1.1 {} Not Carried\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

FaultsFor = Callable[[str], Faults | None]
"""The faults that count for requests to this path; None where there are none."""


class Line:
    """Carries requests to a provider, but for what a declared fault does to them."""

    def __init__(self, listener: socket.socket, upstream: tuple[str, int], faults_for: FaultsFor) -> None:
        """`listener` is bound and listens on loopback; `upstream` is where the provider answers."""
        self._upstream = upstream
        self._faults_for = faults_for
        self._stopped = Event()
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self._server = _server(listener, self._carry)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="line", daemon=True)

    def start(self) -> None:
        """Answers from now on, from threads of this process."""
        self._thread.start()

    def stop(self) -> None:
        """Ends every connection, also one that hangs, and closes the listener."""
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def _carry(self, client: socket.socket) -> None:
        client.settimeout(_SILENCE)
        with (
            self._ends_with_the_line(client),
            suppress(OSError, HTTPException),
            client.makefile("rb") as stream,
        ):
            request = _read_request(stream)
            if isinstance(request, _Carried):
                self._pass_on(client, request, self._fault(request))
            else:
                client.sendall(_NOT_CARRIED.format(request).encode())

    @contextmanager
    def _ends_with_the_line(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _fault(self, request: "_Carried") -> Fault | None:
        path, query = urlsplit(request.target)[2:4]
        faults, endpoint = self._faults_for(path), endpoint_of(path)
        if faults is None or endpoint is None:
            return None
        return faults.take("line", endpoint, unverified_client_id(query, request.authorization, request.body))

    def _pass_on(self, client: socket.socket, request: "_Carried", fault: Fault | None) -> None:
        match fault:
            case Reset():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
            case Hang():
                client.settimeout(None)
                client.recv(1)
            case Delay() if self._stopped.wait(fault.seconds):
                pass
            case _:
                self._relay(client, request, fault)

    def _relay(self, client: socket.socket, request: "_Carried", fault: Fault | None) -> None:
        with (
            socket.create_connection(self._upstream, _SILENCE) as upstream,
            self._ends_with_the_line(upstream),
        ):
            upstream.sendall(request.forwarded)
            if isinstance(fault, CutBody):
                client.sendall(_cut(b"".join(_chunks(upstream)), fault.after))
                return
            for chunk in _chunks(upstream):
                client.sendall(chunk)


def serve_line(port: int, upstream: tuple[str, int], faults_for: FaultsFor) -> Line:
    """A line on this port of loopback, from a thread of this process."""
    line = Line(socket.create_server(("127.0.0.1", port)), upstream, faults_for)
    line.start()
    return line


@dataclass(frozen=True)
class _Carried:
    """One request, as far as the line reads it."""

    target: str
    authorization: str
    body: bytes
    forwarded: bytes
    """As it came, but asking for the connection to be closed."""


def _server(listener: socket.socket, carry: Callable[[socket.socket], None]) -> ThreadingTCPServer:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            carry(self.request)

    server = ThreadingTCPServer(listener.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    return server


def _read_request(stream: BinaryIO) -> _Carried | int:
    """The request, or the status that refuses it. Raises HTTPException for what is no HTTP."""
    start = stream.readline(_LONGEST_LINE).decode("latin-1").strip()
    if start.count(" ") != 2:
        return 400
    headers = parse_headers(stream)
    length = headers.get("Content-Length", "0")
    if "Transfer-Encoding" in headers or not length.isdigit():
        return 411
    if int(length) > MAX_BODY:
        return 413
    body = stream.read(int(length))
    del headers["Connection"]
    fields = [f"{name}: {value}" for name, value in (*headers.items(), ("Connection", "close"))]
    forwarded = "\r\n".join((start, *fields, "", "")).encode("latin-1") + body
    return _Carried(start.split(" ")[1], headers.get("Authorization", ""), body, forwarded)


def _chunks(upstream: socket.socket) -> Iterator[bytes]:
    while chunk := upstream.recv(_CHUNK):
        yield chunk


def _cut(response: bytes, after: int) -> bytes:
    head, _, body = response.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[: max(0, min(after, len(body) - 1))]
