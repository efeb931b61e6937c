"""The second road: from the provider's records into the phone, and from the phone to a platform."""

from urllib.parse import urlsplit

import pytest

from netid.identity.persona_file import DEMO_PASSCODE
from tests.journey.conftest import Open, Person


def fills_their_wallet(somebody: Person, persona: str = "an-adult") -> None:
    """An offer from the records page, opened by its link, with the transaction code typed."""
    page = somebody.page
    page.goto(f"{somebody.town.provider.issuer}/records/wallet")
    if page.get_by_test_id("to-passcode").count():
        somebody.presses("to-passcode")
    somebody.signs_in_as(persona)
    somebody.sees("page-wallet")
    somebody.presses("agree")
    somebody.sees("page-offer")
    code = somebody.reads("tx-code")
    page.goto(page.get_by_test_id("to-wallet").get_attribute("href") or "")
    page.get_by_test_id("field-code").fill(code)
    somebody.presses("agree")
    somebody.sees("copies-short")


@pytest.mark.parametrize(
    ("language", "scripts", "width"),
    [("zh-CN", True, 1280), ("en", True, 390), ("zh-CN", False, 390), ("en", False, 1280)],
)
def test_from_an_offer_to_an_account_without_the_provider(
    person: Open, language: str, scripts: bool, width: int
) -> None:  # S7
    somebody = person(language=language, scripts=scripts, width=width)
    fills_their_wallet(somebody)
    assert somebody.reads("copies-short") == "10"
    hosts: list[str | None] = []
    somebody.page.on("request", lambda request: hosts.append(urlsplit(request.url).netloc))

    somebody.goes_to("/parcels/")
    somebody.presses("present-from-wallet")
    somebody.sees("page-request")
    assert not somebody.page.get_by_test_id("essential").get_by_role("checkbox").count()
    assert not somebody.page.locator(":checked").count()
    assert not somebody.page.get_by_text("林示例").is_visible()
    assert somebody.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    somebody.presses("agree")
    somebody.sees("page-outcome")
    somebody.presses("return")
    somebody.sees("page-received")

    assert urlsplit(somebody.town.provider.issuer).netloc not in hosts
    somebody.page.goto(somebody.town.wallet_url)
    assert somebody.reads("copies-short") == "9"


def test_refusing_in_the_wallet_leads_back_to_another_way(person: Open) -> None:
    somebody = person()
    fills_their_wallet(somebody)
    somebody.goes_to("/forum/")
    somebody.presses("present-from-wallet")
    somebody.presses("refuse")
    somebody.sees("page-outcome")
    somebody.presses("return")
    assert somebody.at_platform
    somebody.goes_to("/forum/")
    somebody.sees("other-way")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_request_from_another_device_is_pasted_and_both_show_one_code(person: Open, scripts: bool) -> None:
    somebody, screen = person(), person(scripts=scripts)
    fills_their_wallet(somebody)
    screen.goes_to("/forum/")
    screen.presses("scan-with-wallet")
    screen.sees("page-waiting")
    link = screen.reads("request-link")
    somebody.page.goto(somebody.town.wallet_url)
    somebody.page.get_by_test_id("field-text").fill(link)
    somebody.presses("next")
    assert somebody.reads("pairing-code") == screen.reads("pairing-code")
    somebody.presses("agree")
    somebody.sees("page-outcome")
    assert not somebody.page.get_by_test_id("return").count()
    if not scripts:
        screen.presses("answered")
    screen.sees("page-received")


def test_new_copies_come_by_signing_in_from_the_phone(person: Open) -> None:
    somebody = person(language="en")
    somebody.page.goto(somebody.town.wallet_url)
    somebody.presses("get-copies")
    somebody.signs_in_as("an-adult")
    somebody.sees("page-wallet-consent")
    somebody.presses("agree")
    somebody.sees("page-home")
    assert somebody.reads("copies-short") == "10"
    assert somebody.reads("copies-long") == "3"
    assert DEMO_PASSCODE not in somebody.page.url


def test_the_phone_sets_no_cookie(person: Open) -> None:
    somebody = person()
    somebody.page.goto(somebody.town.wallet_url)
    somebody.presses("to-log")
    somebody.presses("to-settings")
    somebody.presses("language-switch")
    assert somebody.page.context.cookies() == []
