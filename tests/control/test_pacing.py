"""Pacing: who decides without a page does so at once, in steps, or as slowly as people do."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from werkzeug.test import Client as WsgiClient
from werkzeug.wrappers import Request, Response

from netid.control import pacing
from netid.control.pacing import Pace, Paced, Pacing
from netid.control.realm import Realm
from netid.credentials.keyring import Keyring
from netid.errors import PageShown
from netid.pytest_plugin.realm import NetID
from netid.services.approval import ApprovalRule, Outcomes
from tests.control.conftest import Api
from tests.control.faulted import Faulted, faulted_provider
from tests.pages import Page, Visitor
from tests.running import Callback, Client

STATES = ["/pacing/open", "/pacing/sign-in", "/pacing/decide"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    with faulted_provider(tmp_path_factory.mktemp("paced") / "it", keyring, template) as provider:
        yield provider


@pytest.fixture
def paced(own: Faulted) -> Faulted:
    """The provider at its first pace, where nobody decides anything yet."""
    own.pacing.pace = "fast"
    own.faults.clear()
    own.outcomes.clear()
    return own


@pytest.fixture
def shop(paced: Faulted) -> Client:
    return paced.running.register("paced")


def walk(paced: Faulted, response: requests.Response) -> tuple[list[tuple[str, float]], requests.Response]:
    """Where a browser passes and how long it waits there; what leads away from the provider."""
    browser, passed = paced.running.browser(), []
    while True:
        refresh = re.fullmatch(r"(\d+); url=(.*)", response.headers.get("Refresh", ""))
        address = refresh.group(2) if refresh else response.headers.get("Location", "")
        passed.append((urlsplit(response.url).path, float(refresh.group(1)) if refresh else 0.0))
        if not address.startswith(paced.running.issuer):
            return passed, response
        response = browser.get(address, allow_redirects=False)


def test_at_the_fast_pace_one_redirect_leads_back(paced: Faulted, shop: Client) -> None:
    paced.running.approve("an-adult")
    assert paced.running.callback(shop.authorize(login_hint="an-adult")).code


@pytest.mark.parametrize(("pace", "waits"), [("normal", [0, 0, 0]), ("realistic", [2, 3, 4])])
@pytest.mark.parametrize("profile", ["oidc", "fapi2"])
def test_every_state_is_passed_and_the_same_comes_back(
    paced: Faulted, profile: str, pace: Pace, waits: list[float]
) -> None:
    shop = paced.running.register(f"paced-{profile}", profile=profile)
    paced.running.approve("an-adult")
    paced.pacing.pace = pace
    asked = shop.authorize(login_hint="an-adult", state="a state & more", claims='{"userinfo":{}}')
    passed, back = walk(paced, asked)

    assert passed == [("/authorize", 0), *zip(STATES, waits, strict=True), ("/pacing/decided", 0)]
    callback = paced.running.callback(back)
    assert callback.parameters["state"] == "a state & more"
    assert callback.code


def test_a_state_is_a_page_that_says_what_the_person_does(paced: Faulted, shop: Client) -> None:
    paced.running.approve("an-adult")
    paced.pacing.pace = "realistic"
    first = shop.authorize(login_hint="an-adult").headers["Location"]
    response = requests.get(first, allow_redirects=False, timeout=10)
    page = Page(response)

    assert page.name == "pacing-open"
    assert page.one("h1").text == "等待本人打开"
    assert "模拟" in page.one("aside").text
    assert response.headers["Cache-Control"] == "no-store"
    stylesheet = page.one("link").get("href")
    assert requests.get(str(stylesheet), timeout=10).status_code == 200


def test_nothing_is_decided_before_the_last_state(paced: Faulted, shop: Client) -> None:
    paced.outcomes.enqueue(ApprovalRule(persona="an-adult"))
    paced.pacing.pace = "realistic"
    for address in ("/authorize", *STATES):
        requests.get(paced.running.url(address), shop.request(), allow_redirects=False, timeout=10)

    assert len(paced.outcomes.queue) == 1
    _, back = walk(paced, shop.authorize())
    assert paced.running.callback(back).code
    assert not paced.outcomes.queue


def test_a_refusal_takes_its_time_too(paced: Faulted, shop: Client) -> None:
    paced.outcomes.set_default(ApprovalRule(persona="an-adult", decision="refuse"))
    paced.pacing.pace = "normal"
    passed, back = walk(paced, shop.authorize(scope="openid netid.verify netid.purpose.minors-mode"))

    assert len(passed) == 5
    location = urlsplit(back.headers["Location"])
    assert parse_qs(location.query)["error"] == ["access_denied"]


@pytest.mark.parametrize("pace", ["normal", "realistic"])
def test_who_decides_on_the_pages_is_not_held_up(paced: Faulted, shop: Client, pace: Pace) -> None:
    paced.running.approve("an-adult")
    paced.pacing.pace = pace
    assert Visitor(paced.running).ask(shop).page.name == "page-sign-in"
    assert Visitor(paced.running).ask(shop, login_hint="somebody").page.name == "page-sign-in"


@pytest.mark.parametrize("profile", ["oidc", "fapi2"])
def test_a_request_that_forbids_pages_sees_none(paced: Faulted, profile: str) -> None:
    shop = paced.running.register(f"silent-{profile}", profile=profile)
    paced.running.approve("an-adult")
    paced.pacing.pace = "realistic"
    silent = paced.running.callback(shop.authorize(login_hint="an-adult", prompt="none"))
    assert silent == Callback(silent.parameters | {"error": "login_required"})


def test_the_pushed_requests_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs for weeks keeps no more than a test needs."""
    monkeypatch.setattr(pacing, "MOST_PUSHED", 2)
    normal = Pacing()
    normal.pace = "normal"
    client = WsgiClient(
        Paced(pushing, "https://me.example", normal, lambda hint, _client_id: hint == "known")
    )
    for number in range(3):
        client.post("/par", data={"request_uri": f"urn:{number}", "login_hint": "known"})
    begun = [client.get("/authorize", query_string={"request_uri": f"urn:{number}"}) for number in range(3)]

    assert [answer.status_code for answer in begun] == [201, 303, 303]


def pushing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A provider that answers every push with the name that the test wants."""
    form = Request(environ).form
    answer = json.dumps({"request_uri": form.get("request_uri")})
    return Response(answer, status=201, mimetype="application/json")(environ, start_response)


def test_a_request_that_names_no_relying_party_is_answered_as_ever(paced: Faulted) -> None:
    paced.pacing.pace = "realistic"
    assert requests.get(paced.running.url("/authorize"), timeout=10).status_code == 400


def test_outcomes_say_beforehand_what_they_would_decide() -> None:
    outcomes = Outcomes()
    assert not outcomes.decides("an-adult", "a-shop")
    outcomes.set(ApprovalRule(persona="an-adult", client_id="a-shop"))
    assert outcomes.decides("an-adult", "a-shop")
    assert not outcomes.decides("an-adult", "another")
    assert not outcomes.decides(None, "a-shop")
    outcomes.enqueue(ApprovalRule(persona="an-adult", client_id="another"))
    assert outcomes.decides(None, "another")
    assert outcomes.take(None, "another") is not None
    assert not outcomes.decides(None, "another")
    outcomes.set_default(ApprovalRule(persona="an-adult"))
    assert outcomes.decides(None, "another")


def test_a_realm_has_a_pace_of_its_own_until_it_is_reset(api: Api, realm: Realm) -> None:
    address = f"/realms/{realm.id}/pacing"
    assert api.done("GET", address) == {"pace": "fast"}
    assert api.done("PUT", address, {"pace": "normal"}) == {"pace": "normal"}
    realm.outcomes.set_default(ApprovalRule(persona="an-adult"))
    client = WsgiClient(realm.provider.wsgi)
    path = urlsplit(realm.issuer).path
    assert client.get(f"{path}/authorize?client_id=x").location.startswith(f"{realm.issuer}/pacing/open?")

    realm.reset()
    assert api.done("GET", address) == {"pace": "fast"}


def test_an_unknown_pace_is_refused_with_the_nearest(api: Api, realm: Realm) -> None:
    answer = api("PUT", f"/realms/{realm.id}/pacing", {"pace": "norml"})
    assert answer.status_code == 400
    assert answer.json["remedy"] == "did you mean normal?"


def test_a_test_sets_the_pace_of_its_realm(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    netid.pace("normal")
    shop.login("an-adult")
    assert netid.requests.count("/pacing/decide") == 1
    netid.pace("realistic")
    with pytest.raises(PageShown):
        shop.login("an-adult")
