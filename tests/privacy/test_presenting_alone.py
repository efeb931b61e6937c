"""S7: while somebody shows their net credential, nothing reaches the provider, and nothing changes there."""

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from netid.client import WalletClient
from platform_demo.app import wallet_clients
from tests.phones import Phone
from tests.protocol.demo_platform import Platform
from tests.protocol.demo_wallets import entered, phone_of, refresh
from tests.protocol.refusals import rows


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that anything in this process connects to."""
    addresses: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        addresses.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    return addresses


def is_provider(platform: Platform) -> Callable[[Any], bool]:
    port = urlsplit(platform.provider.address).port
    return lambda address: isinstance(address, tuple) and address[1] == port


@pytest.fixture
def phone(platform: Platform) -> Phone:
    found = phone_of(platform, "planted-elder", configuration="net_credential_long")
    refresh(platform)
    return found


@pytest.mark.parametrize("scene", ["forum", "game", "parcels"])
def test_s7_a_presentation_does_not_touch_the_provider(
    platform: Platform, phone: Phone, reached: list[Any], scene: str
) -> None:
    before = rows(platform.provider)
    reached.clear()
    for _ in range(2):
        entered(platform, scene, phone)

    assert not any(map(is_provider(platform), reached))
    assert rows(platform.provider) == before


def test_s7_control_a_verifier_that_fetches_for_each_person_is_found(
    platform: Platform, phone: Phone, reached: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = WalletClient.answer

    def asking(self: WalletClient, *given: Any) -> str | None:
        self.refresh()
        return answer(self, *given)

    monkeypatch.setattr(WalletClient, "answer", asking)
    reached.clear()
    entered(platform, "forum", phone)

    assert any(map(is_provider(platform), reached))


def test_s7_the_timer_asks_the_same_whoever_presents(
    platform: Platform, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's status is looked up: every list is fetched, in the same order, presented or not."""

    def asked() -> list[str]:
        [client, *_] = wallet_clients(platform.app)
        urls: list[str] = []
        standings = client._standings
        send = standings._send

        def watched(request: Any) -> Any:
            urls.append(request.url)
            return send(request)

        monkeypatch.setattr(standings, "_send", watched)
        client.refresh()
        monkeypatch.setattr(standings, "_send", send)
        return urls

    nobody = asked()
    entered(platform, "forum", phone)

    assert asked() == nobody
    assert any("/status-lists/" in url for url in nobody)
