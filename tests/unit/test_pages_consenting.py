"""The consent page: exactly the notice, nothing ticked, two answers of equal weight (PIPL 14-17, 23, 30)."""

import hashlib
import re
from typing import Any

import pytest

from netid.identity.consent import StoredReceipt
from netid.identity.net_number import NetNumber
from tests.pages import Page, Visitor
from tests.running import DEMO_PASSCODE, PARCEL_PURPOSE, Client, Running

PARCELS = "openid netid.verify netid.purpose.real-name-parcel"
GAME = "openid netid.verify netid.purpose.minors-mode"


def asked(provider: Running, client: Client | None = None, language: str = "en", **changes: Any) -> Visitor:
    return (
        Visitor(provider, language)
        .ask(client or provider.register(), **{"scope": PARCELS, **changes})
        .sign_in()
    )


def receipts(provider: Running, persona: str = "an-adult") -> list[StoredReceipt]:
    stores = provider.provider.stores
    with stores.db.read() as tx:
        person = stores.persons.by_persona(tx, persona)
        assert person
        return list(stores.consents.list(tx, person.person_id))


def hidden(page: Page, name: str) -> str:
    return str(page.form_of("agree").one("input", name=name).get("value"))


def test_refuse_and_agree_weigh_the_same_and_refuse_comes_first(provider: Running) -> None:
    for scope, words in (
        (PARCELS, ["Refuse", "Agree"]),
        ("openid netid.verify", ["Do not continue", "Continue"]),
    ):
        page = asked(provider, scope=scope).page
        buttons = page.form_of("agree").all("button")
        assert [button.text for button in buttons] == words
        assert [button.get("data-testid") for button in buttons] == ["refuse", "agree"]
        assert buttons[0].get("class") == buttons[1].get("class") == "button"
        assert page.test("choice").all("button") == buttons


def test_nothing_is_ticked_and_what_is_essential_has_no_box(provider: Running) -> None:
    page = asked(provider).page
    boxes = page.all("input", type="checkbox")
    assert [box.get("value") for box in boxes] == ["phone_number"]
    assert [box for box in boxes if "checked" in box.attributes] == []
    assert page.test("essential").all("input") == []
    assert page.test("claim-phone_number").one("label").text == "Mobile number"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_each_claim_says_what_why_and_how_long(language: str, provider: Running) -> None:
    page = asked(provider, language=language).page
    number = page.test("claim-document_number")
    if language == "en":
        assert number.one("h3").text == "Document number Sensitive"
        assert [d.text for d in number.all("dd")] == [
            "The value itself",
            "the rules ask for it",
            "kept for 180 days",
        ]
        assert "others may pose as you" in number.text
    else:
        assert number.one("h3").text == "证件号码 敏感"
        assert [d.text for d in number.all("dt")] == ["要什么", "为什么", "存多久"]
        assert [d.text for d in number.all("dd")] == ["具体内容", "法规要求登记", "存180天"]
        assert "别人可能冒用您的身份" in number.text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("scope", [PARCELS, GAME, "openid netid.verify"])
def test_the_page_says_everything_that_the_notice_says(scope: str, language: str, provider: Running) -> None:
    """Every sentence of the notice stands outside the folded full text too, in the page's own layout."""
    page = asked(provider, language=language, scope=scope).page
    _says_all_of_its_notice(page)


def _says_all_of_its_notice(page: Page) -> None:
    lines = [line.text for line in page.test("notice-text").all("li")]
    shown = page.one("main").text
    outside = shown.replace(page.test("disclosure").text, "")
    for line in lines:
        for part in re.split("；|; ", re.split("：|: ", line, maxsplit=1)[-1]):
            assert part in outside, part
    assert hidden(page, "notice") in page.test("disclosure").text
    assert page.test("complain").one("dd").text == "privacy@a-shop.example"


@pytest.mark.parametrize(("language", "header"), [("zh", "zh-CN"), ("en", "en")])
def test_the_receipt_keeps_the_hash_of_what_was_on_the_page(
    language: str, header: str, provider: Running
) -> None:
    visitor = asked(provider, language=header)
    text = visitor.page.test("notice-text")
    version = visitor.page.test("disclosure").all("p")[-1].text
    visitor.press("agree")
    notice = receipts(provider)[-1].receipt.notice
    assert notice.language == language
    assert notice.version in version
    lines = "\n".join((notice.version, language, *(line.text for line in text.all("li"))))
    assert notice.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_no_value_of_any_document_is_on_the_page(provider: Running) -> None:
    page = asked(provider).page
    assert "林示例" not in page.response.text
    assert "115 0000" not in page.response.text
    assert "+8611500000001" not in page.response.text


@pytest.mark.parametrize(
    ("ticked", "agreed"),
    [([], ("name", "document_number")), (["phone_number"], ("name", "document_number", "phone_number"))],
)
def test_what_was_ticked_is_agreed_to_and_nothing_else(
    ticked: list[str], agreed: tuple[str, ...], provider: Running
) -> None:
    visitor = asked(provider).press("agree", claim=ticked)
    assert visitor.left
    assert provider.callback(visitor.left).code
    assert receipts(provider)[-1].receipt.agreed == agreed


def test_refusing_shares_nothing_and_leads_back(provider: Running) -> None:
    visitor = asked(provider).press("refuse", claim=["phone_number"])
    assert visitor.left
    assert provider.callback(visitor.left).error == "access_denied"
    receipt = receipts(provider)[-1].receipt
    assert (receipt.action, receipt.agreed) == ("refused", ())


def test_pressing_twice_shows_that_it_has_ended_and_decides_nothing_more(provider: Running) -> None:
    for button in ("agree", "refuse"):
        visitor = asked(provider)
        count, page = len(receipts(provider)), visitor.page
        visitor.press(button)
        visitor.page = page
        second = visitor.press("agree").page
        assert second.response.status_code == 409
        assert second.one("h1").text == "This sign-in has ended"
        assert not second.has("shared"), "something may have been shared"
        assert len(receipts(provider)) == count + 1


@pytest.mark.parametrize(
    "changed",
    [
        {"claim": ["name"]},
        {"claim": ["birthdate"]},
        {"claim": ["phone_number", "phone_number"]},
        {"decision": ["refuse", "agree"]},
        {"colour": "plum"},
    ],
)
def test_more_than_the_page_offers_is_refused(changed: dict[str, Any], provider: Running) -> None:
    visitor = asked(provider).press("agree", **changed)
    assert (visitor.left, visitor.page.name, visitor.page.response.status_code) == (None, "page-error", 400)
    assert receipts(provider) == []


@pytest.mark.parametrize(
    "changed",
    [{"decision": "maybe"}, {"decision": ""}, {"language": "fr"}, {"notice": "0"}, {"claim": ["x" * 65]}],
)
def test_an_answer_that_is_none_is_asked_for_again(changed: dict[str, Any], provider: Running) -> None:
    visitor = asked(provider).press("agree", **changed)
    assert visitor.page.faults == {"decision": "Choose one of the two answers."}
    assert receipts(provider) == []


def test_a_text_that_changed_meanwhile_is_read_again_before_anything_is_decided(provider: Running) -> None:
    client = provider.register()
    visitor = asked(provider, client)
    longer = {**PARCEL_PURPOSE, "retention_days": 365}
    provider.register(purposes=[longer])
    visitor.press("agree", claim=["phone_number"])
    assert "has changed" in visitor.page.faults["decision"]
    assert "kept for 365 days" in visitor.page.one("main").text
    assert [box for box in visitor.page.all("input", type="checkbox") if "checked" in box.attributes] == []
    assert receipts(provider) == []
    visitor.press("agree")
    assert receipts(provider)[-1].receipt.agreed == ("name", "document_number")


def test_an_answer_in_the_language_that_was_read_is_kept_so(provider: Running) -> None:
    """The switch in another tab does not change what this tab showed."""
    visitor = asked(provider)
    page = visitor.page
    visitor.open(provider.url(str(page.test("language-switch").get("href"))))
    assert visitor.page.one("html").get("lang") == "zh-CN"
    visitor.page = page
    visitor.press("agree")
    assert receipts(provider)[-1].receipt.notice.language == "en"


def test_a_person_who_changed_in_another_tab_cannot_be_decided_for(provider: Running) -> None:
    visitor = asked(provider)
    page = visitor.page
    visitor.open(page.response.url.replace("/consent/", "/sign-in/")).sign_in("another-adult")
    assert visitor.page.name == "page-consent"
    visitor.page = page
    assert visitor.press("agree").page.response.status_code == 403
    assert receipts(provider) == receipts(provider, "another-adult") == []


def test_predicates_are_said_to_be_yes_or_no(provider: Running) -> None:
    page = asked(provider, scope=GAME).page
    assert page.test("claim-age_over_18").all("dd")[0].text == "Only yes or no"
    assert "your consent" in page.test("basis").text


def test_a_guardian_decides_for_the_child_and_the_receipt_says_so(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register(), scope=GAME).sign_in("child-of-10")
    visitor.open(provider.url(str(visitor.page.test("next").get("href")))).sign_in("guardian")
    assert visitor.page.one("h1").text == "Let your child share these details with The a-shop?"
    assert visitor.page.test("child").text == "Child A child of 10"
    _says_all_of_its_notice(visitor.page)
    visitor.press("agree")
    assert visitor.left
    assert provider.callback(visitor.left).code
    assert receipts(provider, "child-of-10")[-1].receipt.guardian_subject


def test_the_guardian_of_a_child_who_typed_the_net_number_reads_which_child_it_is(provider: Running) -> None:
    with provider.provider.stores.db.read() as tx:
        child = provider.provider.stores.persons.by_persona(tx, "child-of-10")
        assert child
        number = NetNumber(provider.provider.vault.open(tx, child.person_id, {"net_number"})["net_number"])
    visitor = Visitor(provider).ask(provider.register()).press("next-typed", net_number=number.reveal())
    visitor.press("next", passcode=DEMO_PASSCODE)
    assert visitor.page.name == "page-guardian"
    assert number.masked in visitor.page.one("main").text
    visitor.open(provider.url(str(visitor.page.test("next").get("href")))).sign_in("guardian")
    assert visitor.page.name == "page-check-result"
    assert visitor.page.test("child").text == f"Child {number.masked}"
    assert number.reveal() not in visitor.page.response.text


@pytest.mark.parametrize("scope", [PARCELS, "openid netid.verify"])
def test_whoever_is_signed_in_is_named_and_somebody_else_can_take_over(provider: Running, scope: str) -> None:
    """In a browser with a session nobody was asked who they are."""
    client = provider.register()
    visitor = asked(provider, client, scope=scope).press("agree")
    visitor.ask(client, scope=scope, prompt="consent")
    assert visitor.page.test("acting").text == "Made-up person An adult Change"

    visitor.open(provider.url(str(visitor.page.test("change").get("href"))))
    visitor.sign_in("another-adult")
    assert visitor.page.test("acting").text == "Made-up person Another adult Change"
    visitor.press("agree")
    assert len(receipts(provider, "another-adult")) == 1
    assert len(receipts(provider)) == 1


def test_to_a_guardian_the_child_is_named(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register(), scope=PARCELS).sign_in("child-of-10")
    visitor.open(provider.url(str(visitor.page.test("next").get("href")))).sign_in("guardian")
    assert visitor.page.name == "page-consent"
    assert visitor.page.test("child").text == "Child A child of 10"
    assert not visitor.page.has("acting")
