"""The management port's page: a tester tries the API in a browser, and nothing is loaded from elsewhere."""

from playwright.sync_api import Browser

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
