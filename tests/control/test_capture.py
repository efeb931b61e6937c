"""Captured requests: what is kept, what is masked, and waiting for one."""

from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from netid.control.capture import MOST_KEPT, Capture, Expectation
from netid.control.masking import Mask
from netid.errors import NothingCaptured, RequestDiffers

SECRETS = {
    "client_secret": "planted-client-secret",
    "code": "planted-code",
    "code_verifier": "planted-code-verifier",
    "client_assertion": "planted-assertion",
    "token": "planted-token",
    "passcode": "20250715",
    "net_number": "KO12345672",
    "name": "林示例",
    "something_new": "planted-unknown",
}


@pytest.fixture
def capture() -> Capture:
    return Capture(lambda: datetime(2026, 1, 1, tzinfo=UTC), Mask(bytes(32)))


@pytest.fixture
def browser(capture: Capture) -> Client:
    @Request.application
    def app(request: Request) -> Response:
        if request.path == "/refused":
            return Response('{"error": "invalid_grant"}', 400, mimetype="application/json")
        if request.path == "/back":
            return Response(status=303, headers={"Location": "http://x.example/?error=access_denied&state=s"})
        return Response(request.form.get("code", "no form"))

    return Client(capture.wrap(app))


def take(capture: Capture, **expected: Any) -> Any:
    return capture.take(Expectation(seconds=0, **expected))


def test_no_value_that_may_be_secret_is_kept(capture: Capture, browser: Client) -> None:
    browser.post("/token", data=SECRETS, headers={"Authorization": "Bearer planted-access-token"})
    browser.get("/authorize", query_string=SECRETS)
    shown = "".join(request.model_dump_json() for request in capture.all())
    for value in (*SECRETS.values(), "planted-access-token"):
        assert value not in shown
    assert shown.count("masked") == 2 * len(SECRETS)


def test_the_application_reads_the_form_that_was_captured(browser: Client) -> None:
    assert browser.post("/token", data={"code": "a-code"}).text == "a-code"


def test_equal_values_have_equal_marks_and_others_have_others(capture: Capture, browser: Client) -> None:
    for code in ("one", "one", "two"):
        browser.post("/token", data={"code": code})
    first, second, third = (request.parameters["code"] for request in capture.all())
    assert first == second != third


def test_a_secret_can_be_expected(capture: Capture, browser: Client) -> None:
    browser.post("/token", data={"code": "one"})
    assert take(capture, parameters={"code": "one", "scope": None}).number == 1


def test_answers_are_noted(capture: Capture, browser: Client) -> None:
    for path in ("/refused", "/back", "/fine"):
        browser.get(path)
    assert [(each.status, each.error) for each in capture.all()] == [
        (400, "invalid_grant"),
        (303, "access_denied"),
        (200, None),
    ]


def test_requests_are_taken_once_and_in_turn(capture: Capture, browser: Client) -> None:
    for scope in ("first", "second"):
        browser.get("/authorize", query_string={"scope": scope})
    browser.get("/jwks")
    assert take(capture, endpoint="jwks").number == 3
    assert take(capture).parameters == {"scope": "first"}
    assert take(capture).parameters == {"scope": "second"}
    with pytest.raises(NothingCaptured, match="received so far: /authorize 2, /jwks 1"):
        take(capture)


def test_one_that_differs_is_taken_all_the_same(capture: Capture, browser: Client) -> None:
    browser.get("/authorize", query_string={"scope": "openid"})
    with pytest.raises(RequestDiffers):
        take(capture, parameters={"scope": "email"})
    with pytest.raises(NothingCaptured):
        take(capture)


def test_a_take_waits_for_its_request(capture: Capture, browser: Client) -> None:
    taken: list[str] = []
    waiting = Thread(
        target=lambda: taken.append(capture.take(Expectation(endpoint="/token", seconds=30)).endpoint)
    )
    waiting.start()
    browser.get("/jwks")
    browser.post("/token", data={"code": "one"})
    waiting.join(timeout=30)
    assert taken == ["/token"]


def test_the_oldest_are_forgotten_and_still_counted(capture: Capture, browser: Client) -> None:
    for _ in range(MOST_KEPT + 3):
        browser.get("/jwks")
    kept = capture.all()
    assert (len(kept), kept[0].number) == (MOST_KEPT, 4)
    assert capture.counts() == {"/jwks": MOST_KEPT + 3}


def test_style_sheets_are_not_requests(capture: Capture, browser: Client) -> None:
    browser.get("/static/netid.css")
    assert capture.all() == []
