"""What every page has: the banner, its language, one heading, no script and nothing inline."""

import re
from collections.abc import Callable

import pytest
import requests

from tests.pages import Page, Visitor
from tests.running import Running

FULL = "urn:netid:acr:credential+face"
PARCELS = "openid netid.verify netid.purpose.real-name-parcel"
GAME = "openid netid.verify netid.purpose.minors-mode"

WAYS: dict[str, Callable[[Visitor, Running], Visitor]] = {
    "page-home": lambda visitor, provider: visitor.open(provider.url("/")),
    "page-error": lambda visitor, provider: visitor.open(provider.url("/no-such-page")),
    "page-sign-in": lambda visitor, provider: visitor.ask(provider.register()),
    "page-passcode": lambda visitor, provider: visitor.ask(provider.register()).press(
        "next", who="persona:an-adult"
    ),
    "page-face": lambda visitor, provider: visitor.ask(provider.register(), acr_values=FULL).sign_in(),
    "page-suspended": lambda visitor, provider: visitor.ask(provider.register()).sign_in("suspended"),
    "page-guardian": lambda visitor, provider: visitor.ask(provider.register(), scope=GAME).sign_in(
        "child-of-10"
    ),
    "page-check-result": lambda visitor, provider: visitor.ask(provider.register()).sign_in(),
    "page-consent": lambda visitor, provider: visitor.ask(provider.register(), scope=PARCELS).sign_in(),
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", WAYS)
def test_every_page(name: str, language: str, provider: Running) -> None:
    page = WAYS[name](Visitor(provider, language), provider).page
    assert page.name == name
    _has_the_frame(page, language)
    _has_nothing_inline(page)
    _fits_together(page)
    for form in page.all("form"):
        assert form.get("method") == "post"
        assert "novalidate" in form.attributes
        assert (form.get("action") or "/").startswith("/")
        assert form.one("input", name="form_token").get("value")


def _has_the_frame(page: Page, language: str) -> None:
    assert page.one("html").get("lang") == language
    assert page.one("title").text.endswith({"zh-CN": "NetID 模拟", "en": "NetID mock"}[language])
    assert len(page.all("h1")) == 1
    first = page.one("body").all()[0]
    assert (first.tag, first.get("data-testid")) == ("aside", "mock-banner")
    assert {"zh-CN": "请勿输入真实信息", "en": "Do not enter real details"}[language] in first.text
    assert page.one("a", **{"class": "skip"}).get("href") == "#" + str(page.one("main").get("id"))


def _has_nothing_inline(page: Page) -> None:
    assert page.all("script", "style", "iframe", "img") == []
    handlers = {"style", "onclick", "onload", "onsubmit", "onerror"}
    assert [e for e in page.all() if handlers & e.attributes.keys()] == []
    headers = page.response.headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "no-referrer"


def _fits_together(page: Page) -> None:
    """Labels, ids and what refers to them; nothing stands in for a label, nothing is out of reach."""
    ids = [element.get("id") for element in page.all() if element.get("id")]
    assert len(ids) == len(set(ids))
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        for element in page.all():
            assert set((element.get(attribute) or "").split()) <= set(ids), element
    labelled = {label.get("for") for label in page.all("label")}
    visible = [e for e in page.all("input", "select") if e.get("type") != "hidden"]
    assert {e.get("id") for e in visible} <= labelled
    assert [e for e in page.all() if {"placeholder", "disabled"} & e.attributes.keys()] == []


def test_a_form_may_lead_back_to_the_relying_party_and_nowhere_else(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register()).page
    policy = page.response.headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:9;" in policy
    home = Visitor(provider).open(provider.url("/")).page
    assert "form-action 'self';" in home.response.headers["Content-Security-Policy"]


def test_the_switch_changes_the_language_and_is_remembered(provider: Running) -> None:
    visitor = Visitor(provider, "zh-CN").ask(provider.register())
    switch = visitor.page.test("language-switch")
    assert (switch.text, switch.get("lang"), switch.get("hreflang")) == ("English", "en", "en")
    visitor.open(provider.url(str(switch.get("href"))))
    assert visitor.page.name == "page-sign-in"
    assert visitor.page.one("html").get("lang") == "en"
    visitor.press("next", who="persona:an-adult")
    assert visitor.page.one("html").get("lang") == "en"
    assert visitor.page.test("language-switch").text == "中文"


def test_the_switch_keeps_the_rest_of_the_address(provider: Running) -> None:
    page = Visitor(provider).open(provider.url("/no-such-page?role=guardian&lang=en&x=%26")).page
    assert page.test("language-switch").get("href") == "/no-such-page?role=guardian&x=%26&lang=zh"


def test_the_relying_party_may_ask_for_a_language_but_the_person_decides(provider: Running) -> None:
    client = provider.register()
    visitor = Visitor(provider, "en").ask(client, ui_locales="zh-CN")
    assert visitor.page.one("html").get("lang") == "zh-CN"
    visitor.open(provider.url(str(visitor.page.test("language-switch").get("href"))))
    visitor.ask(client, ui_locales="zh-CN")
    assert visitor.page.one("html").get("lang") == "en"


def test_an_unknown_language_is_answered_in_chinese(provider: Running) -> None:
    assert Visitor(provider, "fr").open(provider.url("/?lang=xx")).page.one("html").get("lang") == "zh-CN"


def test_the_style_sheet_is_ours_alone(provider: Running) -> None:
    page = Visitor(provider).open(provider.url("/")).page
    css = requests.get(provider.url(str(page.one("link", rel="stylesheet").get("href"))), timeout=10)
    assert css.status_code == 200
    assert css.headers["Content-Type"].startswith("text/css")
    assert re.findall(r"url\(|@import|https?:", css.text) == []


def test_home_offers_the_demo_platform_where_there_is_one(start: Callable[..., Running]) -> None:
    without = start()
    assert not Visitor(without).open(without.url("/")).page.has("open-demo")
    with_demo = start(platform_url="http://localhost:1234")
    link = Visitor(with_demo).open(with_demo.url("/")).page.test("open-demo")
    assert link.get("href") == "http://localhost:1234"


def test_an_unknown_address_says_so_and_shares_nothing(provider: Running) -> None:
    page = Visitor(provider, "zh-CN").open(provider.url("/no-such-page")).page
    assert page.response.status_code == 404
    assert page.one("title").text.startswith("出错：")
    assert page.test("shared").text == "没有提供任何信息。"
    assert page.test("home").get("href") == "/"


def test_a_wrong_method_is_answered_with_the_allowed_ones(provider: Running) -> None:
    page = Visitor(provider).open(provider.url("/leave/anything")).page
    assert page.response.status_code == 405
    assert "POST" in page.response.headers["Allow"]
    assert page.test("language-switch").get("href") == "/?lang=zh"


@pytest.mark.parametrize("path", ["/%5cevil.example/x", "//evil.example/x", "/%2f%2fevil.example/x"])
def test_the_switch_of_an_address_that_is_none_leads_nowhere_else(provider: Running, path: str) -> None:
    page = Page(requests.get(provider.url(path), timeout=10, allow_redirects=False))
    href = str(page.test("language-switch").get("href"))
    assert not re.match(r"[/\\]{2}", href)
    assert "\\" not in href
