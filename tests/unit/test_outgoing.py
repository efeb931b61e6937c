"""What goes out to relying parties: to no private address, not followed, bounded in time and size."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from netid.errors import Unanswered
from netid.services.outgoing import MAX_ANSWER, Outgoing, OutgoingRequest
from tests.listening import Listener
from tests.running import listen

PUBLIC = "https://provider.example"
LOOPBACK = "http://127.0.0.1:8000"
SOON = 0.3

PRIVATE = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1"),
    *(
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::1",
    ),
)


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple[str, int]]:
    """Every name stands for these addresses; where connections would have gone."""
    reached: list[tuple[str, int]] = []

    def look_up(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connect(address: tuple[str, int], _timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    return reached


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_goes_to_a_private_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    reached = resolved(monkeypatch, address)
    with pytest.raises(Unanswered, match="private"):
        Outgoing(PUBLIC).send(OutgoingRequest("https://shop.example/jwks"))
    assert reached == []


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = resolved(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(Unanswered, match="private"):
        Outgoing(PUBLIC).send(OutgoingRequest("https://shop.example/jwks"))
    assert reached == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_the_address_that_was_looked_at_is_the_one_that_is_reached(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A second look-up could answer otherwise."""
    reached = resolved(monkeypatch, address)
    with pytest.raises(Unanswered):
        Outgoing(PUBLIC).send(OutgoingRequest("https://shop.example/jwks"))
    assert reached == [(address, 443)]


@pytest.mark.parametrize(
    "url", ["ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/", "shop"]
)
def test_nothing_but_http_is_spoken(url: str) -> None:
    with pytest.raises(Unanswered):
        Outgoing(LOOPBACK).send(OutgoingRequest(url))


def test_a_provider_on_loopback_reaches_its_neighbours(listener: Listener) -> None:
    listener.answers(200, '{"keys": []}')
    answer = Outgoing(LOOPBACK).send(OutgoingRequest(f"{listener.url}/jwks?a=b"))
    assert (answer.status, answer.media_type, answer.body) == (200, "application/json", b'{"keys": []}')
    assert listener.received[0].headers["Accept-Encoding"] == "identity"


def test_a_body_makes_it_a_post(listener: Listener) -> None:
    Outgoing(LOOPBACK).send(OutgoingRequest(f"{listener.url}/x", {"Content-Type": "text/plain"}, b"hello"))
    [came] = listener.received
    assert (came.body, came.headers["Content-Type"]) == ("hello", "text/plain")


def test_a_redirect_is_an_answer(listener: Listener, another_listener: Listener) -> None:
    listener.answers(302, Location=another_listener.url)
    assert Outgoing(LOOPBACK).send(OutgoingRequest(listener.url)).status == 302
    assert another_listener.received == []


def test_an_answer_has_a_largest_size(listener: Listener) -> None:
    listener.answers(200, "x" * MAX_ANSWER)
    assert len(Outgoing(LOOPBACK).send(OutgoingRequest(listener.url)).body) == MAX_ANSWER
    listener.answers(200, "x" * (MAX_ANSWER + 1))
    with pytest.raises(Unanswered, match="longer"):
        Outgoing(LOOPBACK).send(OutgoingRequest(listener.url))


def test_a_server_that_says_nothing_is_given_up(listener: Listener) -> None:
    listener.hangs()
    with pytest.raises(Unanswered):
        Outgoing(LOOPBACK, seconds=SOON).send(OutgoingRequest(listener.url))


@contextmanager
def trickling(first: bytes) -> Iterator[str]:
    """A server that sends this, then a byte now and then, and never ends."""
    over, server = threading.Event(), listen()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(first)
            try:
                while not over.wait(SOON / 10):
                    connection.sendall(b"x")
            except OSError:
                gone.set()

    gone = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    assert gone.wait(10), "the connection was left open"
    over.set()
    thread.join()
    server.close()


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 "],
    ids=["body", "head", "status"],
)
def test_a_trickle_does_not_stretch_the_time(first: bytes) -> None:
    with trickling(first) as url, pytest.raises(Unanswered, match="too long"):
        Outgoing(LOOPBACK, seconds=SOON).send(OutgoingRequest(url))


def test_a_name_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_: object, **__: object) -> list[Any]:
        over.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        with pytest.raises(Unanswered, match="too long"):
            Outgoing(PUBLIC, seconds=SOON).send(OutgoingRequest("https://shop.example/"))
    finally:
        over.set()


def test_a_certificate_has_to_prove_the_name(listener: Listener) -> None:
    """Nothing here speaks TLS; what matters is that nothing goes on without it."""
    with pytest.raises(Unanswered, match="SSL"):
        Outgoing(LOOPBACK).send(OutgoingRequest(listener.url.replace("http:", "https:")))
    assert listener.received == []
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch, listener: Listener) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Outgoing(LOOPBACK).send(OutgoingRequest(listener.url)).status == 202
