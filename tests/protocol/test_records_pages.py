"""My records: a person reads what was asked and given, and takes a consent back (PIPL 15, 48)."""

import re

import requests

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
    refused, shared = re.split(r'data-testid="record-', page.text)[1:]
    assert "Refused, nothing shared" in refused
    assert refused.count("Name, Document number, Mobile number") == 1, "asked, and not given"
    assert shared.count("Name, Document number, Mobile number") == 2, "asked, and given"


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
    assert "Withdrawn" in browser.get(provider.url("/records")).text


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
    assert "Withdrawn" not in owner.get(provider.url("/records")).text


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
    assert "Withdrawn" not in browser.get(provider.url("/records")).text


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
