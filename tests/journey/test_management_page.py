"""The management port's page: a tester tries the API in a browser, and nothing is loaded from elsewhere."""

from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.journey.test_accessibility import violations
from tests.running import Running


def test_a_tester_makes_a_realm_on_the_page(provider: Running, chromium: Browser) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{provider.management_url}/")
    page.get_by_label("Token").fill(provider.management_token)
    operation = page.locator("details", has_text="POST /realms Make a realm")
    operation.locator("summary").click()
    operation.locator("textarea").fill("{}")
    operation.get_by_role("button", name="Call").click()
    operation.locator("pre", has_text="201").wait_for()
    assert f'"issuer":"{provider.issuer}/' in operation.locator("pre").inner_text().replace(" ", "")
    page.close()
    assert len(asked) >= 4
    assert all(url.startswith(provider.management_url) for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_page_scrolls_down_only_and_says_that_it_is_a_mock(
    provider: Running, chromium: Browser, axe: str, scheme: Literal["light", "dark"]
) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.goto(f"{provider.management_url}/")
    assert page.get_by_test_id("mock-banner").inner_text() == (
        "This is a mock. Every person and document in it is made up. Do not enter real details."
    )
    page.locator("main h1").wait_for()
    page.locator("summary").nth(40).wait_for()
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page, axe) == []
    page.close()


def test_without_its_token_the_page_can_read_the_description_and_do_nothing(
    provider: Running, chromium: Browser
) -> None:
    page = chromium.new_page()
    page.goto(f"{provider.management_url}/")
    operation = page.locator("details", has_text="GET /realms Every realm")
    operation.locator("summary").click()
    operation.get_by_role("button", name="Call").click()
    operation.locator("pre", has_text="401").wait_for()
    page.close()
