"""The line: it carries everything as it is, delays, hangs, resets and cuts off where that is declared."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from netid import sending
from netid.client.errors import ClientError, ProviderUnreachable
from netid.control.faulty_line import Line
from netid.credentials.keyring import Keyring
from tests.control.faulted import Faulted, Shop, faulted_provider
from tests.running import listen


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    with faulted_provider(tmp_path_factory.mktemp("faulted") / "it", keyring, template) as provider:
        yield provider


@pytest.fixture
def faulted(own: Faulted) -> Faulted:
    """The provider without a fault."""
    own.faults.clear()
    return own


def jwks(faulted: Faulted, timeout: float = 10) -> requests.Response:
    return requests.get(faulted.running.url("/jwks"), timeout=timeout)


def raw(faulted: Faulted, request: bytes) -> bytes:
    """What comes back for these bytes until the connection ends."""
    host, port = faulted.running.issuer.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_without_a_fault_everything_is_carried_as_it_is(faulted: Faulted) -> None:
    shop = faulted.running.register("carried")
    tokens = shop.tokens(scope="openid netid.verify netid.purpose.real-name-parcel")

    assert shop.userinfo(tokens["access_token"]).json()["name"]
    assert jwks(faulted).json() == faulted.running.keys.jwks("id_token", "receipt")


def test_each_connection_carries_one_request_and_the_provider_is_told_so() -> None:
    front, back = listen(), listen()
    line = Line(front, back.getsockname()[:2], lambda path: None)
    line.start()
    try:
        with socket.create_connection(front.getsockname()[:2], 10) as client:
            client.sendall(b"POST /a?b HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\n")
            client.sendall(b"Content-Length: 3\r\nX-Name: caf\xc3\xa9\r\n\r\nabc")
            with back.accept()[0] as carried:
                received = carried.recv(65536)
                carried.sendall(b"as it came")
            assert client.makefile("rb").read() == b"as it came"
    finally:
        line.stop()
        back.close()
    assert received == (
        b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX-Name: caf\xc3\xa9\r\n"
        b"Connection: close\r\n\r\nabc"
    )


def test_a_provider_that_is_away_ends_the_connection() -> None:
    front, back = listen(), listen()
    away = back.getsockname()[:2]
    back.close()
    line = Line(front, away, lambda path: None)
    line.start()
    try:
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{front.getsockname()[1]}/jwks", timeout=10)
    finally:
        line.stop()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"POST /token HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /token HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    ],
)
def test_what_the_line_cannot_carry_is_refused(faulted: Faulted, request_: bytes, status: bytes) -> None:
    assert raw(faulted, request_).startswith(b"HTTP/1.1 " + status)


def test_a_reset_ends_the_connection_without_an_answer(faulted: Faulted) -> None:
    faulted.declare("jwks", "reset", count=1)
    with pytest.raises(requests.ConnectionError, match="reset"):
        jwks(faulted)
    assert jwks(faulted).status_code == 200


def test_a_delay_is_as_long_as_it_says(faulted: Faulted) -> None:
    faulted.declare("jwks", "delay", seconds=0.3, count=1)
    began = time.monotonic()
    assert jwks(faulted).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_hanging_request_gets_no_answer_and_holds_up_no_other(faulted: Faulted) -> None:
    faulted.declare("jwks", "hang", count=1)
    with pytest.raises(requests.ReadTimeout):
        jwks(faulted, timeout=0.3)
    assert jwks(faulted).status_code == 200


def test_the_line_stops_while_a_request_hangs(tmp_path: Path, keyring: Keyring, template: Path) -> None:
    came_back: list[type[BaseException]] = []

    def ask() -> None:
        try:
            jwks(provider)
        except requests.RequestException as error:
            came_back.append(type(error))

    with faulted_provider(tmp_path / "it", keyring, template) as provider:
        provider.declare("jwks", "hang")
        asking = Thread(target=ask)
        asking.start()
        while not provider.faults.all()[0].struck:
            asking.join(0.01)
    asking.join(10)
    assert came_back == [requests.ConnectionError]


@pytest.mark.parametrize(("after", "comes"), [(0, 0), (10, 10), (65_536, None)])
def test_a_body_is_cut_off(faulted: Faulted, after: int, comes: int | None) -> None:
    whole = jwks(faulted).content
    faulted.declare("jwks", "cut_body", after=after, count=1)
    head, _, body = raw(faulted, b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")

    assert f"Content-Length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) - 1 if comes is None else comes]


def test_a_fault_of_the_line_strikes_for_its_relying_party_alone(faulted: Faulted) -> None:
    struck, spared = faulted.running.register("line-struck"), faulted.running.register("line-spared")
    codes = [shop.headless().code for shop in (struck, spared)]
    faulted.declare("token", "reset", match={"client_id": "line-struck"})

    with pytest.raises(requests.ConnectionError):
        struck.redeem(codes[0])
    assert spared.redeem(codes[1]).status_code == 200


def sign_in(shop: Shop) -> object:
    return shop.sign_in()


def read_fields(shop: Shop) -> object:
    return shop.client.fields(shop.sign_in())


SDK: dict[str, tuple[dict[str, Any], Callable[[Shop], object]]] = {
    "discovery hangs": ({"endpoint": "discovery", "fault": "hang"}, sign_in),
    "the keys are unreachable": ({"endpoint": "jwks", "fault": "reset"}, sign_in),
    "the keys are cut off": ({"endpoint": "jwks", "fault": "cut_body"}, sign_in),
    "the token answer hangs": ({"endpoint": "token", "fault": "hang"}, sign_in),
    "the token answer is reset": ({"endpoint": "token", "fault": "reset"}, sign_in),
    "the token answer is cut off": ({"endpoint": "token", "fault": "cut_body", "after": 65_536}, sign_in),
    "UserInfo is reset": ({"endpoint": "userinfo", "fault": "reset"}, read_fields),
    "UserInfo comes too late": ({"endpoint": "userinfo", "fault": "delay", "seconds": 2}, read_fields),
}


@pytest.mark.parametrize(("declared", "use"), SDK.values(), ids=SDK)
def test_the_sdk_says_that_the_provider_is_unreachable_and_recovers(
    faulted: Faulted, monkeypatch: pytest.MonkeyPatch, declared: dict[str, Any], use: Callable[[Shop], object]
) -> None:
    monkeypatch.setattr(sending, "READ_TIMEOUT", 0.5)
    shop = faulted.shop("sdk-line")
    faulted.declare(**declared, count=1)

    with pytest.raises(ClientError) as raised:
        use(shop)
    assert type(raised.value) is ProviderUnreachable
    monkeypatch.undo()
    assert use(shop)
