"""The plugin beside Playwright: without an outcome set, a browser sees the pages of the test's own realm."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from netid.client import Ask
from netid.identity.persona_file import DEMO_PASSCODE
from netid.pytest_plugin.realm import NetID

CALLBACK = "http://localhost:9/callback"


@pytest.mark.parametrize("decision", ["agree", "refuse"])
def test_a_person_decides_on_the_pages_of_a_realm(netid: NetID, chromium: Browser, decision: str) -> None:
    client = netid.relying_party("my-shop", redirect_uri=CALLBACK).client()
    browser = client.new_browser()
    page = chromium.new_page(locale="en")

    def answer(route: Route) -> None:
        route.fulfill(body="back at the shop")

    page.route(f"{CALLBACK}*", answer)
    page.goto(client.begin(browser, Ask()))
    page.get_by_test_id("persona-an-adult").check()
    page.get_by_test_id("next").first.click()
    page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
    page.get_by_test_id("next").click()
    page.get_by_test_id(decision).click()
    page.wait_for_url(f"{CALLBACK}*")
    query = urlsplit(page.url).query
    page.close()
    if decision == "refuse":
        assert "error=access_denied" in query
    else:
        assert client.finish(browser, query).check.subject.reveal()
    assert netid.requests.count("/authorize") == 1
