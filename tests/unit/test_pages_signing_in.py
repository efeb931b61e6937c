"""The pages on which a person shows who they are: what they say, keep to themselves and refuse."""

from collections.abc import Callable

import pytest
from markupsafe import Markup

from netid.identity.net_number import NetNumber
from netid.identity.persons import shipped_personas
from netid.pages.language import phrases
from tests.pages import Visitor
from tests.running import DEMO_PASSCODE, Running

FACE = "urn:netid:acr:credential+face"
GAME = "openid netid.verify netid.purpose.minors-mode"


def net_number_of(provider: Running, persona: str) -> NetNumber:
    with provider.provider.stores.db.read() as tx:
        person = provider.provider.stores.persons.by_persona(tx, persona)
        assert person
        return NetNumber(provider.provider.vault.open(tx, person.person_id, {"net_number"})["net_number"])


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/records", "Sign in to see your records"),
        ("/records/export", "Sign in to go on"),
        ("/records/document", "Sign in to go on"),
    ],
)
def test_signing_in_for_ones_own_pages_says_what_for(provider: Running, path: str, heading: str) -> None:
    visitor = Visitor(provider).open(provider.url(path))
    assert visitor.page.one("h1").text == heading
    visitor.press("next", who="persona:an-adult")
    assert visitor.page.one("h1").text == heading
    visitor.press("next", passcode=DEMO_PASSCODE)
    if path == "/records/document":
        assert visitor.page.one("h1").text == "Face check to go on"


def test_a_chinese_heading_is_broken_where_a_phrase_ends() -> None:
    assert phrases(Markup("是否向檐下论坛提供以下信息？")) == "是否<wbr>向檐下论坛<wbr>提供以下信息？"
    assert phrases(Markup("登录，继续前往&lt;店&gt;")) == "登录，<wbr>继续前往&lt;店&gt;"
    assert phrases(Markup("Share these details?")) == "Share these details?"


def test_every_persona_is_offered_and_nobody_is_chosen(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register()).page
    radios = page.all("input", type="radio")
    today = provider.clock.now().date()
    assert {radio.get("data-testid") for radio in radios} == {
        f"persona-{p.id}" for p in shipped_personas(today)
    }
    assert [radio for radio in radios if "checked" in radio.attributes] == []


def test_a_login_hint_fills_in_the_choice(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register(), login_hint="guardian").page
    chosen = [
        radio.get("value") for radio in page.all("input", type="radio") if "checked" in radio.attributes
    ]
    assert chosen == ["persona:guardian"]


def test_without_demo_nobody_is_listed_and_a_net_number_is_typed(start: Callable[..., Running]) -> None:
    provider = start(mode="serve", management_port=None, management_token=None)
    page = Visitor(provider).ask(provider.register()).page
    assert page.all("input", type="radio") == []
    assert page.has("net_number")
    assert page.has("leave")


def test_choosing_nobody_says_so_at_the_top_and_at_the_list(provider: Running) -> None:
    page = Visitor(provider, "zh-CN").ask(provider.register()).press("next").page
    assert page.response.status_code == 400
    assert page.faults == {"who": "请选择谁来登录。"}
    assert page.one("title").text.startswith("出错：")
    summary = page.test("error-summary")
    assert {"tabindex": "-1", "autofocus": None}.items() <= summary.attributes.items()
    assert page.one("fieldset", id="who").get("aria-invalid") == "true"


def test_a_cancelled_net_number_cannot_be_chosen(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register()).press("next", who="persona:cancelled").page
    assert list(page.faults) == ["who"]


def test_a_slip_in_the_net_number_is_named_and_kept_to_be_corrected(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register()).press("next-typed", net_number="K2345").page
    assert list(page.faults) == ["net_number"]
    assert page.test("net_number").get("value") == "K2345"
    assert page.test("net_number").get("aria-invalid") == "true"


def test_a_typed_net_number_tells_nobody_whether_it_is_anybodys(provider: Running) -> None:
    """The page after it and the answer to a wrong passcode are the same, and name no persona."""
    client, answers = provider.register(), []
    nobodys = NetNumber.draw(lambda count: b"\x07" * count)
    for number in (net_number_of(provider, "an-adult"), nobodys):
        visitor = Visitor(provider).ask(client).press("next-typed", net_number=number.reveal())
        asked = visitor.page.one("main").text
        refused = visitor.press("next", passcode="13572468").page.one("main").text
        answers.append((asked, refused))
    assert answers[0] == answers[1]
    assert "That net number or passcode is not right." in answers[0][1]
    assert DEMO_PASSCODE not in "".join(answers[0])


def test_a_typed_net_number_and_its_passcode_sign_in(provider: Running) -> None:
    number = net_number_of(provider, "an-adult").reveal()
    visitor = (
        Visitor(provider)
        .ask(provider.register())
        .press("next-typed", net_number=f"{number[:5]} {number[5:].lower()}")
    )
    assert visitor.press("next", passcode=DEMO_PASSCODE).page.name == "page-check-result"


def test_the_passcode_is_one_field_and_never_written_back(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register()).press("next", who="persona:an-adult")
    page = visitor.press("next", passcode="13572468").page
    assert "13572468" not in page.response.text
    field = page.test("passcode")
    assert field.get("value") is None
    expected = {"type": "password", "inputmode": "numeric", "autocomplete": "current-password"}
    assert expected.items() <= field.attributes.items()
    assert page.faults == {"passcode": "That passcode is not right."}


def test_spaces_in_a_pasted_passcode_do_not_matter(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register()).press("next", who="persona:an-adult")
    assert (
        visitor.press("next", passcode=f" {DEMO_PASSCODE[:4]} {DEMO_PASSCODE[4:]} ").page.name
        == "page-check-result"
    )


def test_no_passcode_is_asked_for_again(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register()).press("next", who="persona:an-adult")
    assert visitor.press("next", passcode="").page.faults == {"passcode": "Enter the 8-digit passcode."}


def test_many_wrong_passcodes_name_the_seconds_to_wait(provider: Running) -> None:
    visitor = Visitor(provider, "zh-CN").ask(provider.register()).press("next", who="persona:an-adult")
    for _ in range(4):
        visitor.press("next", passcode="13572468")
    words = visitor.page.faults["passcode"]
    assert words.startswith("口令不对。请在")
    assert words.endswith("秒后再试。")
    assert visitor.press("next", passcode=DEMO_PASSCODE).page.name == "page-passcode"
    provider.clock.advance(minutes=6)
    assert visitor.press("next", passcode=DEMO_PASSCODE).page.name == "page-check-result"


def test_only_a_personas_passcode_is_hinted_at(provider: Running) -> None:
    page = Visitor(provider).ask(provider.register()).press("next", who="persona:an-adult").page
    hint = page.test("disclosure")
    assert DEMO_PASSCODE in hint.text
    assert "open" not in hint.attributes


def test_somebody_else_can_be_chosen_on_the_passcode_page(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register()).press("next", who="persona:an-adult")
    assert visitor.page.test("acting").text == "Made-up person An adult Change"
    visitor.open(provider.url(str(visitor.page.test("change").get("href"))))
    assert visitor.sign_in("another-adult").page.name == "page-check-result"


@pytest.mark.parametrize(
    ("button", "words"), [("face-differs", "does not match"), ("face-not-live", "did not see a live person")]
)
def test_a_failed_face_check_asks_again_and_says_what_happened(
    button: str, words: str, provider: Running
) -> None:
    visitor = Visitor(provider).ask(provider.register(), acr_values=FACE).sign_in().press(button)
    assert words in visitor.page.faults["face"]
    assert "Nothing was shared" in visitor.page.faults["face"]
    assert visitor.press("face-match").page.name == "page-check-result"


def test_a_suspended_person_reads_why_and_goes_back_another_way(provider: Running) -> None:
    client = provider.register()
    visitor = Visitor(provider, "zh-CN").ask(client).sign_in("suspended")
    assert "本人报告手机遗失" in visitor.page.one("main").text
    assert visitor.page.all("time")
    visitor.press("leave")
    assert visitor.left
    assert provider.callback(visitor.left).error == "access_denied"


def test_the_way_without_a_net_number_is_open_on_every_page(provider: Running) -> None:
    client = provider.register()
    for reach in (
        lambda visitor: visitor.ask(client),
        lambda visitor: visitor.ask(client).press("next", who="persona:an-adult"),
        lambda visitor: visitor.ask(client, acr_values=FACE).sign_in(),
        lambda visitor: visitor.ask(client, scope=GAME).sign_in("child-of-10"),
    ):
        visitor = reach(Visitor(provider))
        assert visitor.page.test("leave").text == "Go back to The a-shop without a net number"
        visitor.press("leave")
        assert visitor.left
        assert provider.callback(visitor.left).parameters["error"] == "access_denied"
        assert provider.callback(visitor.left).parameters["state"] == "a-state"


def test_a_child_is_led_to_the_guardian(provider: Running) -> None:
    visitor = Visitor(provider, "zh-CN").ask(provider.register(), scope=GAME).sign_in("child-of-10")
    words = visitor.page.one("main").text
    assert "10岁的孩子" in words
    assert "您未满14岁，在a-shop商店用网号办理“未成年人模式”，要先由监护人同意。请监护人登录。" in words
    assert "仅限这个平台、这项用途" in words
    visitor.open(provider.url(str(visitor.page.test("next").get("href"))))
    assert not visitor.page.has("persona-child-of-10")
    visitor.sign_in("guardian")
    assert visitor.page.name == "page-consent"
    assert "孩子未满14岁，由您阅读并决定" in visitor.page.test("for-guardian").text
    assert visitor.page.test("child").text == "孩子 10岁的孩子"


def test_somebody_who_is_not_the_guardian_is_told_so(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register(), scope=GAME).sign_in("child-of-10")
    visitor.open(provider.url(str(visitor.page.test("next").get("href")))).sign_in("another-adult")
    assert visitor.page.name == "page-sign-in"
    assert visitor.page.faults == {
        "who": "This person is not the registered guardian. Ask the guardian to sign in."
    }
    assert visitor.sign_in("guardian").page.name == "page-consent"


@pytest.mark.parametrize("page", ["passcode", "face", "suspended", "guardian", "consent"])
def test_no_page_can_be_reached_before_its_turn(page: str, provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register())
    later = visitor.page.response.url.replace("/sign-in/", f"/{page}/")
    assert visitor.open(later).page.name == "page-sign-in"
    visitor.press("next", who="persona:child-of-10")
    if page != "passcode":
        assert visitor.open(later).page.name == "page-passcode"


def test_a_guardian_cannot_come_before_the_child(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register(), scope=GAME)
    assert (
        visitor.open(f"{visitor.page.response.url}?role=guardian").page.one("h1").text.startswith("Sign in")
    )


def test_another_browser_cannot_take_the_sign_in_over(provider: Running) -> None:
    url = Visitor(provider).ask(provider.register()).page.response.url
    page = Visitor(provider, "zh-CN").open(url).page
    assert page.response.status_code == 400
    assert page.one("h1").text == "链接已过期"
    assert page.test("shared").text == "没有提供任何信息。"


def test_a_sign_in_expires_at_the_time_it_names(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register())
    assert visitor.page.one("time").get("datetime")
    provider.clock.advance(minutes=16)
    page = visitor.open(visitor.page.response.url).page
    assert page.one("h1").text == "This link has expired"


@pytest.mark.parametrize(
    "sent",
    [
        {"who": "persona:an-adult", "colour": "plum"},
        {"who": ["persona:an-adult", "persona:guardian"]},
        {"net_number": ["a", "b"]},
        {"who": "persona:an-adult", "net_number": "x"},
    ],
)
def test_a_form_that_no_page_of_ours_sends_is_refused(sent: dict[str, object], provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register())
    token = visitor.page.all("input", name="form_token")[0].get("value")
    page = visitor.send(None, {"form_token": token} | sent).page
    assert (page.response.status_code, page.name) == (400, "page-error")


@pytest.mark.parametrize(
    "who", ["persona:nobody", "person:an-adult", "persona:../x", "", "persona:\x00", "x" * 9999]
)
def test_nonsense_in_the_choice_is_a_choice_of_nobody(who: str, provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register())
    assert list(visitor.press("next", who=who).page.faults) == ["who"]


def test_a_form_of_another_browser_or_site_is_refused(provider: Running) -> None:
    visitor = Visitor(provider).ask(provider.register())
    forged = visitor.send(None, {"form_token": "x" * 43, "who": "persona:an-adult"}).page
    assert forged.response.status_code == 403
    assert forged.one("h1").text == "This form could not be accepted"
    token = Visitor(provider).ask(provider.register()).page.all("input", name="form_token")[0].get("value")
    visitor = Visitor(provider).ask(provider.register())
    assert (
        visitor.send(None, {"form_token": token, "who": "persona:an-adult"}).page.response.status_code == 403
    )


def test_a_check_result_that_was_agreed_to_is_not_asked_for_again(provider: Running) -> None:
    client = provider.register()
    visitor = Visitor(provider).ask(client).sign_in().press("agree").ask(client)
    assert visitor.left, "neither a passcode nor an answer is asked for"
    assert provider.callback(visitor.left).code
