"""docs/events.md does what it says, against a real provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask

from netid.services.registration import load_registrations
from tests.docs.test_snippets import DOCS, snippets
from tests.listening import by_hand
from tests.protocol.meddling import latest_receipt, person_id_of
from tests.running import Running, listen, serve_in_thread

PAGE = DOCS / "events.md"


@dataclass
class Shop:
    """The page's app on a port of its own, and the provider it is registered at."""

    provider: Running
    url: str
    names: dict[str, Any]

    def sign_in(self) -> None:
        browser = requests.Session()
        asked = browser.get(f"{self.url}/sign-in", allow_redirects=False)
        self.provider.decide_once("an-adult")
        answer = browser.get(asked.headers["Location"], allow_redirects=False)
        assert browser.get(answer.headers["Location"], allow_redirects=False).status_code == 302

    def deliver(self) -> None:
        self.provider.provider.delivery.step()


@pytest.fixture
def shop(provider: Running) -> Iterator[Shop]:
    listener = listen()
    url = f"http://localhost:{listener.getsockname()[1]}"
    [yaml], [text] = snippets(PAGE, "registration"), snippets(PAGE, "events")
    yaml = yaml.replace("http://localhost:5000", url)
    [entry] = load_registrations(yaml, "events.md", read_public_keys=lambda _: {}, platform_url=None)
    provider.provider.services.registration.put(entry)
    names: dict[str, Any] = {"__name__": "events"}
    text = text.replace("http://127.0.0.1:8000", provider.issuer).replace("http://localhost:5000", url)
    exec(compile(text, "events.md", "exec"), names)  # noqa: S102  (our own page is what is tested)
    assert isinstance(names["app"], Flask)
    server = serve_in_thread(names["app"], listener)
    shop = Shop(by_hand(provider), url, names)
    shop.sign_in()
    yield shop
    server.shutdown()
    server.server_close()
    listener.close()


def test_a_person_is_kept_and_a_session_is_known(shop: Shop) -> None:
    [(session, subject)] = shop.names["sessions"].items()
    assert session
    assert list(shop.names["members"]) == [subject]


def test_a_withdrawal_is_heard_and_confirmed(shop: Shop) -> None:
    person_id, receipt_id = latest_receipt(shop.provider)
    rights = shop.provider.provider.services.rights
    rights.withdraw(person_id, receipt_id)
    shop.deliver()
    told = rights.entry(person_id, receipt_id).told
    assert told is not None
    assert told.state == "confirmed"


def test_a_subject_that_ended_is_forgotten(shop: Shop) -> None:
    rights = shop.provider.provider.services.rights
    rights.begin_anew(person_id_of(shop.provider, "an-adult"), "a-shop")
    shop.deliver()
    assert shop.names["members"] == {}
    assert shop.names["sessions"] == {}


def test_the_sign_out_button_leads_to_the_providers_question(shop: Shop) -> None:
    answer = requests.get(f"{shop.url}/sign-out", allow_redirects=False, timeout=10)
    assert answer.headers["Location"].startswith(f"{shop.provider.issuer}/logout?client_id=a-shop")
    back = requests.get(answer.headers["Location"], allow_redirects=False, timeout=10)
    assert back.headers["Location"] == f"{shop.url}/"
