"""The demo platform against a real provider: what it receives, what it keeps, and the other way."""

import json
import re

import pytest
import requests

from netid.credentials import jose
from netid.credentials.jwk import PublicKeySet
from platform_demo.app import PlatformSettings, create_app
from platform_demo.made_up import EXAMPLE_NUMBER
from platform_demo.scenes import SCENES
from tests.protocol.demo_platform import TYPED, URL, Platform, cells, shown
from tests.protocol.demo_wallets import refresh


def verified(platform: Platform, token: str) -> dict[str, object]:
    keys = PublicKeySet.from_jwks(requests.get(platform.provider.url("/jwks"), timeout=10).json())
    return dict(jose.verify(token, key_source=jose.Pinned(keys), algorithms=("ES256",), typ=None).payload)


def test_the_forum_receives_the_check_result_and_nothing_else(platform):
    page = platform.sign_in("forum")
    claims = verified(platform, shown(page, "id-token-raw"))

    assert claims.keys() == {
        *("iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "nonce", "at_hash", "mock", "sid"),
        "verified_claims",
    }
    assert claims["verified_claims"] == {"verification": {"trust_framework": "cn_netid_mock"}, "claims": {}}
    assert json.loads(shown(page, "id-token-decoded")) == claims
    assert shown(page, "received-subject") == claims["sub"]
    assert shown(page, "received-nothing") == "nothing"
    assert "UserInfo was never asked" in shown(page, "received-userinfo")
    rows = json.loads(shown(page, "database-rows"))
    assert rows["details"] == []
    assert rows["accounts"][0]["subject"] == claims["sub"]
    for row in ("name", "document_number", "birthdate", "phone_number", "age_over_18"):
        assert cells(page, row)[1] == "no"
    assert cells(page, "across")[1] == "cannot"


def test_the_token_answer_is_shown_as_it_came_and_its_token_is_ended(platform):
    page = platform.sign_in("parcels")
    answer = json.loads(shown(page, "token-answer-raw"))

    assert answer["id_token"] == shown(page, "id-token-raw")
    header = {"Authorization": f"Bearer {answer['access_token']}"}
    assert requests.get(platform.provider.url("/userinfo"), headers=header, timeout=10).status_code == 401


def test_what_is_no_longer_all_that_was_received_is_not_called_so(platform):
    page = platform.sign_in("parcels")
    assert shown(page, "all-of-it") == "Everything Kite Parcels received, nothing left out."
    platform.provider.clock.advance(minutes=31)
    page = platform.get("/parcels/received")
    assert shown(page, "all-of-it") == "Everything Kite Parcels still keeps, nothing left out."
    platform.sign_out("parcels")
    platform.sign_up("parcels")
    page = platform.get("/parcels/received")
    assert shown(page, "all-of-it") == "Everything Kite Parcels received, nothing left out."


def test_who_came_through_the_provider_can_look_again_from_the_wallet(platform):
    page = platform.sign_in("forum")
    assert 'data-testid="present-again"' in page.text
    assert "form-action 'self' http://localhost:8200;" in page.headers["Content-Security-Policy"]
    refresh(platform)
    sent = platform.post(page, "/forum/present")
    assert (sent.status_code, sent.location.startswith("http://localhost:8200/present?")) == (303, True)
    platform.sign_out("forum")
    platform.sign_up("forum")
    assert 'data-testid="present-again"' not in platform.get("/forum/received").text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scene", ["forum", "game", "parcels"])
def test_every_landing_page_says_beforehand_what_the_check_result_tells(platform, scene, language):
    page = platform.get(f"/{scene}/", language).text
    told = {
        "zh": ("核验结果", "核验方式", "核验时间", "标识"),
        "en": ("check result", "how and when you were checked", "an identifier it alone uses"),
    }
    for words in told[language]:
        assert words in page


def test_a_page_that_is_not_there_has_a_way_home(platform):
    page = platform.get("/nothing").text
    assert '<a class="aside-link" href="/" data-testid="home">' in page[page.index("<main") :]


def test_the_game_learns_yes_or_no(platform):
    page = platform.sign_in("game")

    assert json.loads(shown(page, "userinfo-raw")).keys() == {"sub", "age_over_18"}
    assert shown(page, "received-age_over_18") == "yes"
    assert cells(page, "age_over_18") == ["yes", "only yes or no", "no", "yes"]
    assert cells(page, "birthdate")[1] == "no"
    assert json.loads(shown(page, "database-rows"))["details"][0]["value"] == "true"
    assert "Minors’ mode is off" in platform.get("/game/account").text


def test_minors_mode_is_on_for_a_child_whose_guardian_agreed(platform):
    page = platform.sign_in("game", "child-of-10")

    assert shown(page, "received-age_over_18") == "no"
    assert "Minors’ mode is on" in platform.get("/game/account").text


@pytest.mark.parametrize(
    ("voluntary", "names"),
    [("none", {"name", "document_number"}), ("all", {"name", "document_number", "phone_number"})],
)
def test_the_parcel_service_receives_what_the_person_ticked(platform, voluntary, names):
    page = platform.sign_in("parcels", voluntary=voluntary)
    claims = verified(platform, shown(page, "userinfo-raw"))

    assert claims.keys() == {"iss", "aud", "sub", "mock", *names}
    assert json.loads(shown(page, "userinfo-decoded")) == claims
    kept = {row["name"]: row["value"] for row in json.loads(shown(page, "database-rows"))["details"]}
    assert kept == {name: claims[name] for name in names}
    assert cells(page, "phone_number")[1] == ("yes" if voluntary == "all" else "no")
    assert cells(page, "across")[1] == "can"


def test_three_platforms_know_one_person_by_three_names(platform):
    subjects = {shown(platform.sign_in(scene.id), "received-subject") for scene in SCENES}
    assert len(subjects) == 3


def test_a_person_who_comes_again_has_the_same_account(platform):
    first = json.loads(shown(platform.sign_in("forum"), "database-rows"))["accounts"][0]["account_id"]
    platform.sign_out("forum")
    assert platform.count("forum", "sessions") == 0
    again = json.loads(shown(platform.sign_in("forum"), "database-rows"))["accounts"][0]["account_id"]

    assert first == again
    assert platform.count("forum", "accounts") == 1


def test_what_is_not_ticked_again_is_kept_no_longer(platform):
    platform.sign_in("parcels", voluntary="all")
    platform.sign_out("parcels")
    page = platform.sign_in("parcels", voluntary="none")
    names = [row["name"] for row in json.loads(shown(page, "database-rows"))["details"]]
    assert sorted(names) == ["document_number", "name"]


@pytest.mark.parametrize("decision", ["refuse", "leave"])
@pytest.mark.parametrize("scene", ["forum", "game", "parcels"])
def test_who_declines_lands_where_the_other_way_works(platform, scene, decision):
    back = platform.get(platform.come_back(scene, decision=decision))
    assert (back.status_code, back.location) == (303, f"/{scene}/declined")
    page = platform.get(back.location)
    assert "You did not agree, so nothing was shared" in page.text
    assert "sign-in-with-netid" not in page.text

    fields = {field: TYPED[field] for field in platform.scene(scene).other_way_fields}
    assert platform.post(page, f"/{scene}/other-way", **fields).location == f"/{scene}/account"


@pytest.mark.parametrize("scene", ["forum", "game", "parcels"])
def test_both_ways_end_with_the_same_features(platform, scene):
    def features() -> list[str]:
        page = platform.get(f"/{scene}/account")
        text = "hello" if platform.scene(scene).deed.prompt else ""
        assert platform.post(page, f"/{scene}/account", text=text).status_code == 303
        page = platform.get(f"/{scene}/account")
        assert page.text.count("<li>") >= 1
        return re.findall('data-testid="(feature-[a-z]+|do|deeds|minors-mode)"', page.text)

    platform.sign_in(scene)
    with_netid = features()
    platform.sign_out(scene)
    platform.sign_up(scene)

    assert features() == with_netid
    assert len(with_netid) >= 5


def test_the_other_way_says_what_it_handed_over(platform):
    platform.sign_up("parcels")
    page = platform.get("/parcels/received")

    assert shown(page, "received-document_number") == EXAMPLE_NUMBER
    assert cells(page, "document_number") == ["no", "yes", "no", "yes"]
    assert cells(page, "birthdate")[1] == "yes"
    assert cells(page, "across")[:2] == ["cannot", "can"]


def test_a_member_of_the_other_way_comes_back_with_the_code(platform):
    page = platform.sign_up("forum")
    code = shown(page, "member-code")
    platform.sign_out("forum")
    assert platform.get("/forum/account").location == "/forum/"

    form = platform.get("/forum/other-way")
    assert platform.post(form, "/forum/member-code", member_code=code.lower()).location == "/forum/account"
    assert 'data-testid="member-code"' not in platform.get("/forum/account").text


def test_a_wrong_member_code_is_a_fault_at_its_input(platform):
    page = platform.post(platform.get("/forum/other-way"), "/forum/member-code", member_code="NONE")

    assert page.status_code == 400
    assert 'data-testid="error-summary"' in page.text
    assert 'href="#member_code"' in page.text


@pytest.mark.parametrize(
    ("scene", "field", "value"),
    [
        ("parcels", "document_number", "11010119900307001X"),
        ("parcels", "document_number", "100101199003070011"),
        ("parcels", "document_number", "100101199013070013"),
        ("parcels", "document_number", ""),
        ("parcels", "name", ""),
        ("parcels", "name", "x" * 61),
        ("parcels", "phone_number", "13800138000"),
        ("forum", "phone_number", ""),
    ],
)
def test_details_that_could_be_somebodys_are_not_taken(platform, scene, field, value):
    typed = {f: TYPED[f] for f in platform.scene(scene).other_way_fields} | {field: value}
    page = platform.post(platform.get(f"/{scene}/other-way"), f"/{scene}/other-way", **typed)

    assert page.status_code == 400
    assert f'href="#{field}"' in page.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    assert platform.count(scene, "accounts") == 0


def test_a_voluntary_detail_may_be_left_out(platform):
    typed = {"name": TYPED["name"], "document_number": TYPED["document_number"], "phone_number": ""}
    answer = platform.post(platform.get("/parcels/other-way"), "/parcels/other-way", **typed)
    assert answer.location == "/parcels/account"


def test_deleting_an_account_leaves_no_trace_in_the_database(platform):
    page = platform.sign_in("parcels", voluntary="all")
    fields = {row["value"] for row in json.loads(shown(page, "database-rows"))["details"]}
    subject = shown(page, "received-subject")
    assert all(value.encode() in platform.database("parcels") for value in {*fields, subject})

    page = platform.get("/parcels/delete")
    answer = platform.post(page, "/parcels/delete")
    assert answer.location == "/parcels/deleted"
    for value in {*fields, subject}:
        assert value.encode() not in platform.database("parcels")
    for table in ("accounts", "details", "deeds", "sessions"):
        assert platform.count("parcels", table) == 0
    assert platform.get("/parcels/received").location == "/parcels/"


def test_fields_are_kept_no_longer_than_registered(platform):
    platform.sign_in("parcels")
    platform.provider.clock.advance(days=365)
    platform.sign_in("forum")
    assert platform.count("parcels", "details") == 2
    platform.sign_up("parcels")
    assert platform.count("parcels", "details") == 3


def test_originals_are_shown_for_half_an_hour(platform):
    platform.sign_in("forum")
    platform.provider.clock.advance(minutes=31)
    page = platform.get("/forum/received")

    assert "id-token-raw" not in page.text
    assert "originals are kept for 30 minutes" in shown(page, "evidence-gone")


def test_a_session_ends_after_eight_hours(platform):
    platform.sign_in("forum")
    session = platform.browser.get_cookie("platform_forum", domain="localhost", path="/forum").value
    platform.provider.clock.advance(hours=8)
    # The browser would drop the cookie too; a copy of it is worth nothing either.
    platform.browser.set_cookie("platform_forum", session, domain="localhost", path="/forum")
    assert platform.get("/forum/account").location == "/forum/"


def test_a_session_is_worth_nothing_at_another_platform(platform):
    platform.sign_in("forum")
    session = platform.browser.get_cookie("platform_forum", domain="localhost", path="/forum")
    platform.browser.set_cookie("platform_parcels", session.value, domain="localhost", path="/parcels")
    assert platform.get("/parcels/account").location == "/parcels/"


@pytest.mark.parametrize("path", ["/forum/sign-in", "/forum/other-way", "/forum/delete", "/forum/sign-out"])
def test_a_form_of_another_browser_is_refused(platform, path):
    token = re.search(
        r'name="form_token" value="([^"]+)"', platform.app.test_client().get("/forum/", base_url=URL).text
    )
    platform.get("/forum/")
    answer = platform.browser.post(path, base_url=URL, data={"form_token": token[1]}, headers={"Origin": URL})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8100", "http://localhost:8101", "null"])
def test_a_form_from_another_origin_is_refused(platform, origin):
    page = platform.get("/forum/")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    answer = platform.browser.post(
        "/forum/sign-in", base_url=URL, data={"form_token": token[1]}, headers={"Origin": origin}
    )
    assert answer.status_code == 403


def test_a_return_to_another_browser_signs_nobody_in(platform):
    path = platform.come_back("forum")
    answer = platform.app.test_client().get(path, base_url=URL)

    assert answer.status_code == 400
    assert "other-way" in answer.text
    assert platform.count("forum", "accounts") == 0


def test_a_provider_that_is_down_leaves_the_other_way(platform, tmp_path):
    keys = tmp_path / "keys"
    settings = PlatformSettings("http://127.0.0.1:9", keys, tmp_path / "other", URL)
    alone = Platform(
        None, None, None, tmp_path / "other", create_app(settings, platform.ambient).test_client()
    )

    page = alone.post(alone.get("/parcels/"), "/parcels/sign-in")
    assert page.status_code == 503
    assert "The provider cannot be reached" in page.text
    alone.sign_up("parcels")


def test_every_page_carries_its_headers_and_the_banner(platform):
    platform.sign_in("parcels")
    paths = ["/", "/forum/", "/forum/other-way", "/forum/declined", "/forum/deleted", "/nothing"]
    for path in [*paths, "/parcels/account", "/parcels/received", "/parcels/delete"]:
        for language, tag in (("zh", "zh-CN"), ("en", "en")):
            page = platform.get(path, language)
            assert page.headers["Cache-Control"] == "no-store", path
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'"
            )
            assert f'<html lang="{tag}">' in page.text
            assert 'data-testid="mock-banner"' in page.text
            assert page.text.count("<h1>") == 1
            assert "<script" not in page.text


def test_only_the_landing_page_lets_its_form_lead_to_the_provider(platform):
    assert (
        f"form-action 'self' {platform.provider.issuer} http://localhost:8200;"
        in platform.get("/forum/").headers["Content-Security-Policy"]
    )
    assert "form-action 'self' ;" in platform.get("/forum/other-way").headers["Content-Security-Policy"]


def test_the_switch_of_an_address_that_is_none_leads_nowhere_else(platform):
    page = platform.get("/%5cevil.example/x")
    assert page.status_code == 404
    assert 'href="/%5Cevil.example/x?lang=zh"' in page.text


def test_the_language_switch_is_remembered(platform):
    assert "使用网号登录" in platform.get("/forum/?lang=zh").text
    assert "使用网号登录" in platform.get("/forum/").text
    assert "Sign in with NetID" in platform.get("/forum/?lang=en").text


def test_the_session_cookie_is_hidden_from_scripts_and_from_the_other_scenes(platform):
    cookies = platform.get(platform.come_back("forum")).headers.getlist("Set-Cookie")
    [session] = [cookie for cookie in cookies if cookie.startswith("platform_forum=")]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/forum"):
        assert part in session


def test_another_host_name_reaches_nothing(platform):
    answer = platform.browser.get("/forum/", base_url="http://rebound.example:8100")
    assert (answer.status_code, answer.text) == (400, "请打开 / Open http://localhost:8100\n")
