"""docs/quickstart-flask.md does what it says, against a real provider."""

import re
import secrets
from pathlib import Path

import pytest
import requests
from flask import Flask

from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.services.registration import load_registrations
from netid.storage.key_files import init_client_key

PAGE = Path(__file__).parents[2] / "docs" / "quickstart-flask.md"


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def app(provider, tmp_path, monkeypatch) -> Flask:
    """The page's app, word for word but for the provider's port."""
    for file in ("a-shop.json", "a-shop-dpop.json"):
        init_client_key(tmp_path / "keys" / file, Ambient.real())
    [registration] = load_registrations(
        snippets("yaml")[0],
        str(PAGE),
        read_public_keys=lambda name: public_keys_of(tmp_path / "keys" / name),
        platform_url=None,
    )
    provider.provider.services.registration.put(registration)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "quickstart"}
    for snippet in snippets("python"):
        exec(snippet.replace("http://127.0.0.1:8000", provider.issuer), namespace)  # noqa: S102
    app = namespace["app"]
    assert isinstance(app, Flask)
    return app


def come_back(browser, provider, **rule: object) -> str:
    """Presses sign-in; the persona decides by an approval rule. The address they come back to."""
    provider.decide_once("an-adult", **rule)
    answer = requests.get(browser.get("/sign-in").location, allow_redirects=False, timeout=10)
    assert answer.headers["Location"].startswith("http://localhost:5000/callback?")
    return answer.headers["Location"].removeprefix("http://localhost:5000")


def test_the_app_has_fewer_than_fifteen_lines():
    assert len([line for line in snippets("python")[0].splitlines() if line.strip()]) < 15


def test_a_person_who_ticks_everything_shares_everything(app, provider):
    browser = app.test_client()
    answer = browser.get(come_back(browser, provider, voluntary="all")).json

    assert answer.keys() == {"name", "phone_number", "level"}
    assert answer["level"] == "urn:netid:acr:credential+passcode"


def test_a_person_who_ticks_nothing_shares_what_is_essential(app, provider):
    browser = app.test_client()
    assert browser.get(come_back(browser, provider)).json.keys() == {"name", "level"}


def test_a_person_who_refuses_is_led_to_the_other_way(app, provider):
    browser = app.test_client()
    answer = browser.get(come_back(browser, provider, decision="refuse"))
    assert (answer.status_code, answer.location) == (303, "/other-way")


def test_a_return_that_was_made_up_signs_nobody_in(app, provider):
    browser = app.test_client()
    address = come_back(browser, provider)
    made_up = re.sub("code=[^&]*", f"code={secrets.token_urlsafe(32)}", address)
    assert browser.get(made_up).status_code == 400
