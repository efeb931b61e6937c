"""Answers that arrive by form post and by redirect, in a browser over two origins and a third."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, Response, redirect, request
from playwright.sync_api import Browser, Page

from netid.identity.persona_file import DEMO_PASSCODE
from tests.running import Client, Running, listen, serve_in_thread


@dataclass
class Shop:
    """A relying party on an origin of its own."""

    address: str
    client: Client
    received: list[dict[str, str]] = field(default_factory=list)
    onward: str | None = None
    """Where its callback redirects to; None answers with a page."""


@pytest.fixture
def shop(start: Callable[..., Running]) -> Iterator[Shop]:
    listener = listen()
    address = f"http://localhost:{listener.getsockname()[1]}"
    shop = Shop(address, start().register(redirect_uris=[f"{address}/callback"]))
    app = Flask(__name__)

    @app.route("/callback", methods=["GET", "POST"])
    def callback() -> Any:
        shop.received.append(request.values.to_dict())
        return redirect(shop.onward, 303) if shop.onward else Response("<h1>back at the shop</h1>")

    @app.get("/account")
    def account() -> str:
        return "<h1>the account</h1>"

    server = serve_in_thread(app, listener)
    yield shop
    server.shutdown()
    server.server_close()
    listener.close()


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser; the parameter says whether it runs scripts."""
    context = chromium.new_context(locale="en", java_script_enabled=getattr(request, "param", True))
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, shop: Shop, decision: str = "agree", mode: str = "form_post") -> None:
    given = shop.client.request(redirect_uri=f"{shop.address}/callback", response_mode=mode)
    page.goto(shop.client.running.url(f"/authorize?{urlencode(given)}"))
    page.get_by_test_id("persona-an-adult").check()
    page.get_by_test_id("next").first.click()
    page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
    page.get_by_test_id("next").click()
    page.get_by_test_id(decision).click()


@pytest.mark.parametrize("page", [True], indirect=True)
def test_with_scripts_the_answer_sends_itself(page: Page, shop: Shop) -> None:
    sign_in(page, shop)
    page.get_by_text("back at the shop").wait_for()
    (received,) = shop.received
    assert received.keys() == {"code", "state", "iss"}
    answer = shop.client.redeem(received["code"], redirect_uri=f"{shop.address}/callback")
    assert answer.status_code == 200
    assert "?" not in page.url


@pytest.mark.parametrize("page", [False], indirect=True)
@pytest.mark.parametrize("decision", ["agree", "refuse"])
def test_without_scripts_the_person_presses_a_button(page: Page, shop: Shop, decision: str) -> None:
    sign_in(page, shop, decision)
    page.get_by_test_id("page-form-post").wait_for()
    assert shop.received == []
    page.get_by_test_id("next").click()
    page.get_by_text("back at the shop").wait_for()
    assert ("code" in shop.received[0]) == (decision == "agree")


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a14_the_callback_may_redirect_on_its_own_origin(page: Page, shop: Shop, mode: str) -> None:
    shop.onward = f"{shop.address}/account"
    sign_in(page, shop, mode=mode)
    page.get_by_text("the account").wait_for()


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a14_a_redirect_to_a_third_origin_is_stopped_by_the_browser(
    page: Page, shop: Shop, mode: str
) -> None:
    """Chromium holds the redirects after a form to `form-action`: docs/openid-connect.md says what to do."""
    shop.onward = shop.address.replace("localhost", "127.0.0.1") + "/account"
    stopped: list[str] = []
    page.on("console", lambda message: stopped.append(message.text))
    sign_in(page, shop, mode=mode)
    while not any("form-action" in words for words in stopped):
        page.wait_for_event("console")
    assert page.url.startswith(shop.client.running.issuer)
    assert shop.received[0].keys() == {"code", "state", "iss"}
