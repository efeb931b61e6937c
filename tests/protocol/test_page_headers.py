"""Every page of the provider, whoever looks at it, carries the headers that keep it to itself."""

import re

import pytest
import requests

from tests.pages import Visitor
from tests.running import Running

HEADERS = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


def addresses(running: Running) -> list[str]:
    """Every address that answers a GET, with a made-up value for each of its variables."""
    rules = [rule for rule in running.provider.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [re.sub(r"<[^>]+>", "1", rule.rule) for rule in rules if rule.endpoint != "static"]


@pytest.fixture(params=["a stranger", "somebody signed in"])
def browser(shared: Running, request: pytest.FixtureRequest) -> requests.Session:
    if request.param == "a stranger":
        return shared.browser()
    return Visitor(shared).open(shared.url("/records")).sign_in("an-adult").browser


def test_every_page_is_framed_by_nobody_and_runs_no_script_of_anybody(shared, browser):
    seen = 0
    for address in addresses(shared):
        page = browser.get(shared.url(address), allow_redirects=False, timeout=10)
        if not page.headers.get("Content-Type", "").startswith("text/html") or page.is_redirect:
            continue
        seen += 1
        policy = page.headers["Content-Security-Policy"]
        for directive in (
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'none'",
        ):
            assert directive in policy, address
        assert "unsafe" not in policy, address
        assert page.headers["Cache-Control"] == "no-store", address
        assert {name: page.headers[name] for name in HEADERS} == HEADERS, address
    assert seen > 10
