"""The main job: a person signs in at the demo platform, which receives the check result and nothing else."""

import json
import re
import sqlite3

import pytest

from tests.journey.conftest import Open, Person

CHECK_RESULT = frozenset(
    ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "mock", "sid")
) | {"verified_claims"}


def received_id_token(somebody: Person) -> dict[str, object]:
    """The ID token's payload as the platform's page shows it."""
    shown = somebody.page.get_by_test_id("id-token-decoded").text_content() or ""
    payload = json.loads(shown[shown.index("{") :])
    return dict(payload.get("payload", payload))


@pytest.mark.parametrize(
    ("language", "scripts", "width"),
    [("zh-CN", True, 1280), ("en", True, 390), ("zh-CN", False, 390), ("en", False, 1280)],
)
def test_the_forum_receives_the_check_result_and_nothing_else(
    person: Open, language: str, scripts: bool, width: int
) -> None:
    somebody = person(language=language, scripts=scripts, width=width)
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.sees("page-check-result")
    somebody.presses("agree")
    somebody.sees("page-received")
    token = received_id_token(somebody)
    assert set(token) == CHECK_RESULT
    assert token["verified_claims"] == {
        "verification": {"trust_framework": "cn_netid_mock"},
        "claims": {},
    }
    whole = somebody.page.content()
    for value in ("林示例", "11500000001", "1990-05-17", "19900517"):
        assert value not in whole


def test_a_returning_person_is_not_asked_again(person: Open) -> None:
    somebody = person()
    for expected in ("page-check-result", None):
        somebody.goes_to("/forum/")
        somebody.presses("sign-in-with-netid")
        if expected:
            somebody.signs_in_as("an-adult")
            somebody.sees(expected)
            somebody.presses("agree")
        somebody.opens_their_account()
        somebody.presses("sign-out")


def test_refusing_leads_back_to_another_way_that_works(person: Open) -> None:
    somebody = person(language="en")
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("refuse")
    assert somebody.at_platform
    somebody.sees("other-way")


def test_leaving_before_signing_in_leads_back_as_well(person: Open) -> None:
    somebody = person()
    somebody.goes_to("/game/")
    somebody.presses("sign-in-with-netid")
    somebody.presses("leave")
    assert somebody.at_platform
    somebody.sees("other-way")


def test_the_game_learns_yes_or_no(person: Open) -> None:
    for persona, answer in (("an-adult", "true"), ("teen-of-15", "false")):
        somebody = person()
        somebody.goes_to("/game/")
        somebody.presses("sign-in-with-netid")
        somebody.signs_in_as(persona)
        somebody.sees("page-consent")
        somebody.presses("agree")
        somebody.sees("page-received")
        userinfo = somebody.page.get_by_test_id("received-userinfo").first.text_content() or ""
        assert re.search(rf'"age_over_18":\s*{answer}', userinfo)
        assert "birthdate" not in userinfo


def test_a_child_plays_after_the_guardian_agrees_in_the_same_browser(person: Open) -> None:
    somebody = person()
    somebody.goes_to("/game/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("child-of-10")
    somebody.sees("page-guardian")
    somebody.presses("next")
    somebody.signs_in_as("guardian")
    somebody.sees("for-guardian")
    somebody.presses("agree")
    somebody.opens_their_account()
    somebody.sees("minors-mode")


def test_another_adult_cannot_agree_for_the_child(person: Open) -> None:
    somebody = person()
    somebody.goes_to("/game/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("child-of-10")
    somebody.presses("next")
    somebody.page.get_by_test_id("persona-another-guardian").check()
    somebody.presses("next")
    somebody.page.get_by_test_id("passcode").fill("20250715")
    somebody.presses("next")
    assert "此人不是登记的监护人" in somebody.reads("error-summary")
    assert not somebody.at_platform
    assert somebody.page.get_by_test_id("agree").count() == 0


@pytest.mark.parametrize("ticked", [False, True])
def test_the_parcel_service_gets_what_was_ticked_and_the_rest_stays(person: Open, ticked: bool) -> None:
    somebody = person()
    somebody.goes_to("/parcels/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.sees("page-consent")
    boxes = somebody.page.locator("input[type=checkbox]")
    assert [box.is_checked() for box in boxes.all()] == [False]
    if ticked:
        somebody.page.get_by_text("手机号码").first.click()
    somebody.presses("agree")
    assert somebody.at_platform
    rows = _rows(somebody, "parcels")
    assert "林示例" in rows
    assert ("11500000001" in rows) is ticked
    assert "1990-05-17" not in rows
    assert "林示例" not in _rows(somebody, "forum")


def _rows(somebody: Person, scene: str) -> str:
    """Everything a scene's database holds."""
    connection = sqlite3.connect(somebody.town.data / f"platform-{scene}.db")
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def test_a_person_withdraws_in_my_records(person: Open) -> None:
    somebody = person(language="en")
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("agree")
    somebody.page.goto(somebody.town.provider.url("/"))
    somebody.presses("records")
    somebody.sees("page-records")
    somebody.presses("withdraw")
    somebody.sees("status")
    assert "Withdrawn" in somebody.page.content()
    somebody.goes_to("/forum/received")
    somebody.opens_their_account()
    somebody.presses("sign-out")
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.sees("page-check-result")


def test_a_wrong_passcode_says_so_at_the_top_and_at_the_input(person: Open) -> None:
    somebody = person(language="en")
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.page.get_by_test_id("persona-an-adult").check()
    somebody.presses("next")
    somebody.page.get_by_test_id("passcode").fill("11112222")
    somebody.presses("next")
    somebody.sees("error-summary")
    assert somebody.page.title().startswith("Error: ")
    assert somebody.page.get_by_test_id("passcode").get_attribute("aria-invalid") == "true"
    assert somebody.page.get_by_test_id("passcode").input_value() == ""


def test_nothing_personal_stays_in_the_browsers_storage(person: Open) -> None:
    somebody = person()
    somebody.goes_to("/parcels/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("agree")
    kept = somebody.page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    cookies = json.dumps(somebody.page.context.cookies())
    assert "林" not in cookies
    assert all(cookie["httpOnly"] for cookie in somebody.page.context.cookies() if cookie["name"] != "lang")
