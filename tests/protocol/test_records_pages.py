"""My records: a person reads what was asked and given, and takes a consent back (PIPL 15, 48)."""

import re
from datetime import timedelta

import pytest
import requests

from netid.identity.calendar import legal_day
from netid.identity.readable import write_day, write_month
from tests.listening import Listener, by_hand
from tests.pages import Page, Visitor
from tests.running import DEMO_PASSCODE, Running

RELEASE = {"scope": "openid netid.verify netid.purpose.real-name-parcel"}


def signed_in(provider: Running, persona: str = "an-adult") -> requests.Session:
    """A browser in which the persona has signed in for their own records."""
    browser = provider.browser()
    page = provider.get(browser, browser.get(provider.url("/records"), allow_redirects=False))
    passcode = provider.get(browser, provider.form(browser, page, who=f"persona:{persona}"))
    onward = provider.form(browser, passcode, passcode=DEMO_PASSCODE)
    assert onward.headers["Location"] == provider.url("/records")
    return browser


def receipts_on(page: requests.Response) -> list[str]:
    return re.findall(r'data-testid="record-([^"]+)"', page.text)


def entries_on(page: requests.Response) -> list[str]:
    """Each entry as it stands on the page, the latest first; what stands before them is left out."""
    return re.split(r'data-testid="record-', page.text)[1:]


def withdrawn_on(page: requests.Response) -> list[str]:
    """The entries that say they are withdrawn."""
    return [entry for entry in entries_on(page) if "Withdrawn" in entry]


def withdraw(provider: Running, browser: requests.Session, receipt_id: str) -> requests.Response:
    page = browser.get(provider.url(f"/records/{receipt_id}"))
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token
    return browser.post(
        provider.url(f"/records/{receipt_id}/withdraw"),
        data={"form_token": token[1]},
        headers={"Origin": provider.issuer},
        allow_redirects=False,
    )


def test_every_decision_is_listed_with_what_was_asked_and_given(provider: Running) -> None:
    shop = provider.register()
    tokens = shop.tokens(rule={"voluntary": "all"}, **RELEASE)
    shop.userinfo(tokens["access_token"])
    shop.headless(rule={"decision": "refuse"}, **RELEASE)
    page = signed_in(provider).get(provider.url("/records"))
    assert len(receipts_on(page)) == 2
    refused, shared = entries_on(page)
    assert "Refused, nothing shared" in refused
    everything = "<dd>Name, Document number, Mobile number</dd>"
    assert refused.count(everything) == 1, "asked, and not given"
    assert shared.count(everything) == 2, "asked, and given"


def test_a_withdrawn_consent_ends_the_token_at_once(provider: Running) -> None:
    shop, other = provider.register(), provider.register("other")
    tokens = shop.tokens(**RELEASE)
    elsewhere = other.tokens(**RELEASE)
    assert shop.userinfo(tokens["access_token"]).json()["name"]
    browser = signed_in(provider)
    newest = receipts_on(browser.get(provider.url("/records?platform=a-shop")))
    assert withdraw(provider, browser, newest[0]).status_code == 303
    assert shop.userinfo(tokens["access_token"]).status_code == 401
    assert other.userinfo(elsewhere["access_token"]).status_code == 200
    assert [entry.count("Withdrawn") for entry in entries_on(browser.get(provider.url("/records")))] == [0, 1]


WITHDRAWN = (
    "Consent withdrawn. The a-shop can no longer get these details. You can ask it to delete what it already "
    "has."
)


def test_after_a_withdrawal_the_page_says_from_whom_and_what_it_means(provider: Running) -> None:
    provider.register().tokens(**RELEASE)
    browser = signed_in(provider)
    [receipt_id] = receipts_on(browser.get(provider.url("/records")))
    address = provider.url(f"/records?withdrawn={receipt_id}")
    assert not Page(browser.get(address)).has("status"), "nothing was withdrawn yet"
    answer = withdraw(provider, browser, receipt_id)
    assert answer.headers["Location"] == address
    assert Page(browser.get(address)).test("status").text == WITHDRAWN
    assert not Page(browser.get(provider.url(f"/records?withdrawn={'A' * len(receipt_id)}"))).has("status")


def test_an_entry_says_until_when_the_platform_keeps_what_it_got(provider: Running) -> None:
    shop = provider.register()
    token = shop.tokens(**RELEASE)["access_token"]
    visitor = Visitor(provider).open(provider.url("/records")).sign_in()
    assert "kept until" not in visitor.page.one("article").text, "nothing was fetched yet"
    shop.userinfo(token)
    day = write_day(legal_day(provider.clock.now() + timedelta(days=180)), "en")
    visitor.open(provider.url("/records"))
    assert f"Real-name check for sending a parcel, kept until {day}" in visitor.page.one("article").text
    assert visitor.page.one("h3").text == write_month(legal_day(provider.clock.now()), "en")
    visitor.press("withdraw")
    assert "kept until" not in visitor.page.one("article").text, "it has to delete it now"


def test_a_receipt_says_its_legal_basis_in_words_with_its_code(provider: Running) -> None:
    provider.register().tokens(**RELEASE)
    visitor = Visitor(provider).open(provider.url("/records")).sign_in()
    visitor.open(provider.url(str(visitor.page.test("receipt").get("href"))))
    assert "Legal basis Express rules, 22 CN-POSTAL-REALNAME " in visitor.page.one("main").text


def test_a_code_is_worth_nothing_once_the_consent_is_withdrawn(provider: Running) -> None:
    shop = provider.register()
    code = shop.headless(**RELEASE).code
    browser = signed_in(provider)
    withdraw(provider, browser, receipts_on(browser.get(provider.url("/records")))[0])
    answer = shop.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_withdrawn_check_result_is_asked_for_again(provider: Running) -> None:
    shop = provider.register()
    shop.tokens()
    browser = signed_in(provider)
    first = shop.authorize(browser, prompt="none")
    assert "code=" in first.headers["Location"]
    withdraw(provider, browser, receipts_on(browser.get(provider.url("/records")))[0])
    again = shop.authorize(browser, prompt="none")
    assert "error=consent_required" in again.headers["Location"]


def test_anothers_receipt_is_not_found_with_the_bytes_of_a_missing_one(provider: Running) -> None:
    provider.register().tokens("another-adult")
    browser, owner = signed_in(provider), signed_in(provider, "another-adult")
    [theirs] = receipts_on(owner.get(provider.url("/records")))
    foreign = browser.get(provider.url(f"/records/{theirs}"))
    missing = browser.get(provider.url(f"/records/{'A' * len(theirs)}"))
    assert foreign.status_code == missing.status_code == 404
    assert _stable(foreign) == _stable(missing)
    assert withdrawn_as_another(provider, browser, theirs).status_code == 404
    assert not withdrawn_on(owner.get(provider.url("/records")))


def withdrawn_as_another(provider: Running, browser: requests.Session, receipt_id: str) -> requests.Response:
    token = re.search(r'name="form_token" value="([^"]+)"', browser.get(provider.url("/records")).text)
    assert token
    return browser.post(
        provider.url(f"/records/{receipt_id}/withdraw"),
        data={"form_token": token[1]},
        headers={"Origin": provider.issuer},
        allow_redirects=False,
    )


def _stable(page: requests.Response) -> str:
    """The page without its reference number and its own address."""
    return re.sub(r"[A-Za-z0-9_-]{8,}", "", page.text)


def test_withdrawing_needs_the_form_of_this_browser(provider: Running) -> None:
    provider.register().tokens()
    browser = signed_in(provider)
    [receipt_id] = receipts_on(browser.get(provider.url("/records")))
    bare = browser.post(provider.url(f"/records/{receipt_id}/withdraw"), allow_redirects=False)
    assert bare.status_code == 403
    assert not withdrawn_on(browser.get(provider.url("/records")))


def test_signing_out_ends_the_session_and_nothing_else(provider: Running) -> None:
    browser = signed_in(provider)
    page = browser.get(provider.url("/records"))
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token
    browser.post(provider.url("/sign-out"), data={"form_token": token[1]}, allow_redirects=False)
    again = browser.get(provider.url("/records"), allow_redirects=False)
    assert "/sign-in/" in again.headers["Location"]


def test_nobody_can_register_or_ask_as_the_records_themselves(provider: Running) -> None:
    answer = provider.register().authorize(client_id="netid-records")
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    refused = requests.put(
        f"{provider.management_url}/relying-parties/netid-records",
        headers={"Authorization": f"Bearer {provider.management_token}"},
        json={
            "name": {"zh": "店", "en": "Shop"},
            "contact": "a@shop.example",
            "legal_entity": {"name": {"zh": "店", "en": "Shop"}, "sector": "records.example"},
            "redirect_uris": ["http://localhost/cb"],
            "authentication": "client_secret_basic",
            "secret": "x" * 40,
        },
        timeout=10,
    )
    assert refused.status_code == 400


# What a platform makes of it


def told_on(page: requests.Response) -> list[str]:
    """What each entry says of what the platform has, in the order of the page."""
    return [one.text for one in Page(page).all(data_testid="told")]


TOLD = {
    "asked to delete; no answer yet": None,
    "confirmed: deleted there,": (202, ""),
    "asked to delete; the platform did not accept the message. Write to privacy@a-shop.example.": (
        400,
        '{"err": "invalid_key"}',
    ),
}


@pytest.mark.parametrize(("words", "answer"), TOLD.items())
def test_what_became_of_a_withdrawal_is_said_as_it_is(
    provider: Running, listener: Listener, words: str, answer: tuple[int, str] | None
) -> None:
    by_hand(provider)
    provider.register(events_uri=listener.url).tokens(**RELEASE)
    browser = signed_in(provider)
    withdraw(provider, browser, receipts_on(browser.get(provider.url("/records")))[0])
    if answer is not None:
        listener.answers(*answer)
        provider.provider.delivery.step()
    [said] = told_on(browser.get(provider.url("/records")))
    assert said.startswith(words)


def test_a_platform_that_never_answers_is_said_not_to_have_answered(
    provider: Running, listener: Listener
) -> None:
    by_hand(provider)
    listener.answers(500)
    provider.register(events_uri=listener.url).tokens(**RELEASE)
    browser = signed_in(provider)
    withdraw(provider, browser, receipts_on(browser.get(provider.url("/records")))[0])
    while provider.provider.delivery.step():
        provider.clock.advance(days=1)
    [said] = told_on(signed_in(provider).get(provider.url("/records")))
    assert said == "asked to delete; not answered. Write to privacy@a-shop.example."


def test_a_platform_without_an_address_cannot_be_told_and_that_is_said(provider: Running) -> None:
    provider.register().tokens(**RELEASE)
    browser = signed_in(provider)
    withdraw(provider, browser, receipts_on(browser.get(provider.url("/records")))[0])
    [said] = told_on(browser.get(provider.url("/records")))
    assert said.startswith("This platform cannot be told automatically.")
    assert "privacy@a-shop.example" in said


def test_a_release_can_be_withdrawn_after_its_token_has_ended(provider: Running, listener: Listener) -> None:
    """The platform keeps what it got for as long as it said, which is longer than a token lives."""
    by_hand(provider)
    provider.register(events_uri=listener.url).tokens(**RELEASE)
    provider.clock.advance(hours=1)
    browser = signed_in(provider)
    page = browser.get(provider.url("/records"))
    assert 'data-testid="withdraw"' in page.text
    withdraw(provider, browser, receipts_on(page)[0])
    provider.provider.delivery.step()
    assert len(listener.received) == 1


def at_platform(provider: Running, client_id: str = "a-shop", persona: str = "an-adult") -> Visitor:
    """A person at the page of one platform."""
    visitor = Visitor(provider).open(provider.url("/records")).sign_in(persona)
    return visitor.open(provider.url(f"/records/platforms/{client_id}"))


def test_one_press_takes_everything_back_from_a_platform(provider: Running) -> None:
    shop, other = provider.register(), provider.register("other")
    held, elsewhere = shop.tokens(**RELEASE), other.tokens(**RELEASE)
    shop.tokens()
    visitor = at_platform(provider)
    assert visitor.page.has("cannot-be-told")
    visitor.press("withdraw-all")
    assert visitor.page.test("status").text == WITHDRAWN
    assert not visitor.page.has("withdraw-all")
    assert [one.text.count("Withdrawn") for one in visitor.page.all("article")] == [1, 1]
    assert shop.userinfo(held["access_token"]).status_code == 401
    assert other.userinfo(elsewhere["access_token"]).status_code == 200


def test_a_new_identity_is_explained_and_given(provider: Running) -> None:
    entity = {"name": {"zh": "一家公司", "en": "One Ltd"}, "sector": "one.example"}
    shop, sister = (provider.register(name, legal_entity=entity) for name in ("a-shop", "sister"))
    shop.tokens()
    sister.tokens()
    visitor = at_platform(provider)
    assert "The sister" in visitor.page.test("same-operator").text
    visitor.press("begin-anew")
    assert visitor.page.test("status").text == "Done. This takes effect at once."
    assert not visitor.page.has("begin-anew"), "there is nobody to be known as any more"


@pytest.mark.parametrize("path", ["a-shop", "never-heard-of"])
def test_a_platform_one_never_agreed_to_is_not_found_like_a_missing_one(provider: Running, path: str) -> None:
    provider.register().tokens("another-adult")
    provider.register("mine").tokens()
    visitor = at_platform(provider, "mine")
    token = visitor.page.all("input", name="form_token")[0].get("value")
    missing = visitor.open(provider.url("/records/platforms/missing")).page
    assert missing.response.status_code == 404
    visitor.open(provider.url(f"/records/platforms/{path}"))
    assert visitor.page.response.status_code == 404
    assert visitor.page.response.text.replace(path, "") == missing.response.text.replace("missing", "")
    for act in ("withdraw", "new-identity"):
        visitor.send(f"/records/platforms/{path}/{act}", {"form_token": token})
        assert visitor.page.response.status_code == 404


@pytest.mark.parametrize("act", ["withdraw", "new-identity"])
def test_a_platforms_forms_are_this_browsers_own(provider: Running, act: str) -> None:
    provider.register().tokens()
    visitor = at_platform(provider)
    visitor.send(f"/records/platforms/a-shop/{act}", {"form_token": "x" * 43})
    assert visitor.page.response.status_code == 403
    assert at_platform(provider).page.has("withdraw-all")
