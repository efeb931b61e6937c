"""A provider and the demo platform on loopback, and a real Chromium in front of them."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.identity.persona_file import DEMO_PASSCODE
from netid.services.registration import load_registrations
from netid.storage.key_files import init_client_key
from netid.wallet.phone.app import PhoneSettings
from netid.wallet.phone.app import create_app as create_phone
from platform_demo.app import PlatformSettings, create_app, wallet_clients
from tests.running import Running, listen, serve_in_thread

REGISTRATIONS = Path(__file__).parents[2] / "platform_demo" / "registration.yaml"


@dataclass
class Town:
    """The provider, the demo platform, and where each answers."""

    provider: Running
    platform_url: str
    data: Path
    wallet_url: str
    wallet_data: Path


@pytest.fixture(scope="session")
def axe(node_clients: Path) -> str:
    """axe-core, as a script."""
    return (node_clients / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def town(start: Callable[..., Running], tmp_path: Path) -> Iterator[Town]:
    """Everything a person meets, each on a port of its own."""
    keys = tmp_path / "keys"
    for scene in ("forum", "game", "parcels"):
        for file in (f"platform_demo-{scene}.json", f"platform_demo-{scene}-dpop.json"):
            init_client_key(keys / file, Ambient.real())
    listener, phone_listener = listen(), listen()
    platform_url, wallet_url = (
        f"http://localhost:{one.getsockname()[1]}" for one in (listener, phone_listener)
    )
    provider = start(
        mode="demo",
        management_port=None,
        management_token=None,
        platform_url=platform_url,
        wallet_url=wallet_url,
    )
    for relying_party in load_registrations(
        REGISTRATIONS.read_text(encoding="utf-8"),
        "registration.yaml",
        read_public_keys=lambda name: public_keys_of(keys / name),
        platform_url=platform_url,
    ):
        provider.provider.services.registration.put(relying_party)
    data = tmp_path / "platform"
    data.mkdir()
    ambient = Ambient(now=provider.clock.now, random=secrets.token_bytes)
    app = create_app(PlatformSettings(provider.issuer, keys, data, platform_url, wallet=wallet_url), ambient)
    for client in wallet_clients(app):
        client.refresh()
    wallet_data = tmp_path / "wallet"
    phone = create_phone(PhoneSettings(provider.issuer, wallet_url, wallet_data), ambient)
    servers = [serve_in_thread(app, listener), serve_in_thread(phone, phone_listener)]
    yield Town(provider, platform_url, data, wallet_url, wallet_data)
    for server in servers:
        server.shutdown()
        server.server_close()
    listener.close()
    phone_listener.close()


Open = Callable[..., "Person"]


@dataclass
class Person:
    """Somebody at a browser, who knows pages by their test ids."""

    page: Page
    town: Town

    def goes_to(self, path: str) -> None:
        self.page.goto(f"{self.town.platform_url}{path}")

    def sees(self, test_id: str) -> None:
        self.page.get_by_test_id(test_id).first.wait_for()
        self.page.wait_for_load_state()  # with its styles: without them it is another page

    def presses(self, test_id: str) -> None:
        self.page.get_by_test_id(test_id).first.click()

    def reads(self, test_id: str) -> str:
        return self.page.get_by_test_id(test_id).first.inner_text()

    def signs_in_as(self, persona: str) -> None:
        """Picks a persona on the sign-in page and enters the demo passcode."""
        self.page.get_by_test_id(f"persona-{persona}").check()
        self.presses("next")
        self.page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
        self.presses("next")

    def opens_their_account(self) -> None:
        """From “what I received”, where a sign-in ends, to the account."""
        self.sees("page-received")
        self.presses("to-account")

    @property
    def at_platform(self) -> bool:
        return self.page.url.startswith(self.town.platform_url)


@pytest.fixture
def person(chromium: Browser, town: Town) -> Iterator[Open]:
    """Opens browsers; `language` is zh-CN or en, `scripts` switches JavaScript."""
    contexts = []

    def open_browser(*, language: str = "zh-CN", scripts: bool = True, width: int = 1280) -> Person:
        context = chromium.new_context(
            locale=language, java_script_enabled=scripts, viewport={"width": width, "height": 900}
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Person(context.new_page(), town)

    yield open_browser
    for context in contexts:
        context.close()
