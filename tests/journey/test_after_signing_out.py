"""S14: a browser keeps nothing personal once somebody has signed out; no page lets its address out."""

import re
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Response

from tests.journey.conftest import Open, Person
from tests.privacy.forms import Planted
from tests.privacy.searching import Searcher
from tests.protocol.meddling import person_id_of
from tests.running import Running

PHONE = "+8611500000001"
_STORED = """async () => ({
  local: {...localStorage}, session: {...sessionStorage},
  databases: indexedDB.databases ? (await indexedDB.databases()).map(one => one.name) : [],
  caches: await caches.keys(), workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""


def personal(provider: Running) -> Searcher:
    """Looks for what tells who an-adult is."""
    with provider.provider.stores.db.read() as tx:
        person_id = person_id_of(provider, "an-adult")
        disclosure = provider.provider.services.decisions._disclosure
        fields = disclosure.release_to_owner(tx, person_id)
        number = disclosure.net_number_for_owner(tx, person_id).reveal()
    told = {name: fields[name] for name in ("name", "document_number", "birthdate", "phone_number")}
    values = {**told, "person_id": person_id, "net_number": number}
    return Searcher([Planted(*one) for one in values.items()], provider.clock.now().date())


def kept_by(page: Page) -> dict[str, Any]:
    """What the browser has stored for the page's origin, and its cookies."""
    stored: dict[str, Any] = page.evaluate(_STORED)
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(page.url)}
    return stored | {"cookies": cookies}


@pytest.fixture
def signed_out(person: Open) -> Person:
    """Somebody who has seen everything that is kept about them, and then signed out."""
    somebody = person(language="en")
    page, url = somebody.page, somebody.town.provider.url
    page.goto(url("/records"))
    somebody.signs_in_as("an-adult")
    for path, act in (("/records/number", "show"), ("/records/export", "show")):
        page.goto(url(path))
        somebody.presses("to-passcode")
        page.locator("#passcode").fill("20250715")
        somebody.presses("next")
        somebody.presses(act)
    somebody.sees("page-copy")
    assert PHONE in page.content()
    page.goto(url("/records"))
    somebody.presses("sign-out")
    somebody.sees("page-sign-in")
    return somebody


def test_s14_nothing_personal_is_left_in_the_browser(signed_out: Person) -> None:
    kept = kept_by(signed_out.page)
    assert set(kept.pop("cookies")) <= {"netid_browser", "netid_language"}
    assert not any(kept.values()), kept
    assert personal(signed_out.town.provider).leaks(repr(kept_by(signed_out.page)).encode()) == []


def test_s14_going_back_shows_nothing_of_it(signed_out: Person) -> None:
    for _ in range(6):
        with suppress(Error):  # the answer to a form: the browser has not kept it (ERR_CACHE_MISS)
            signed_out.page.go_back()
        shown = signed_out.page.locator("html").inner_html()
        assert PHONE not in shown
        assert not re.search(r"data-testid=\"(net-number|masked-number)\"", shown)


def test_s14_what_a_page_had_stored_would_be_found(signed_out: Person) -> None:
    signed_out.page.evaluate("() => localStorage.setItem('who', '林示例')")
    kept = kept_by(signed_out.page)
    assert kept["local"]
    assert personal(signed_out.town.provider).leaks(repr(kept).encode()) != []


def test_s14_every_page_of_the_provider_keeps_its_address_to_itself(person: Open) -> None:
    somebody = person()
    answers: list[Response] = []
    somebody.page.on("response", lambda answer: answers.append(answer))
    somebody.page.goto(somebody.town.provider.url("/records"))
    somebody.signs_in_as("an-adult")
    for path in ("records", "records/number", "records/export", "records/sessions", "nowhere", "enrol"):
        somebody.page.goto(somebody.town.provider.url(f"/{path}"))
    pages = [one for one in answers if "/static/" not in one.url]
    assert len(pages) > 10
    for answer in pages:
        assert answer.headers.get("referrer-policy") == "no-referrer", answer.url
        assert "no-store" in answer.headers["cache-control"], answer.url
