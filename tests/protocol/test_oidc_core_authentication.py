"""OpenID Connect Core: what a request can ask of a sign-in, and what the ID token says of it."""

import base64
import hashlib
import json
import re
import time

import pytest

from tests.protocol.reading import id_token, signed
from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK

CHECK = {"iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "at_hash", "mock", "nonce"}


@pytest.fixture
def visitor(shop):
    return Visitor(shop.running)


def signed_in(client, visitor) -> Visitor:
    """The visitor after a first sign-in at this relying party."""
    assert client.running.callback(visitor.walk(client.authorize(visitor.browser))).code
    return visitor


class TestIdToken:
    def test_it_says_this_and_nothing_else(self, shop):
        assert id_token(shop).keys() == CHECK | {"verified_claims"}
        assert id_token(shop, scope="openid").keys() == CHECK
        assert id_token(shop, scope="openid profile email phone", nonce=None).keys() == CHECK - {"nonce"}

    def test_fields_are_never_in_it(self, shop):
        claims = '{"id_token": {"name": {"essential": true}, "document_number": null}}'
        scope = "openid netid.purpose.real-name-parcel"
        assert id_token(shop, scope=scope, claims=claims).keys() == CHECK

    def test_it_is_from_here_for_this_client_and_short(self, shop):
        before = int(time.time())
        claims = id_token(shop)
        assert (claims["iss"], claims["aud"]) == (shop.running.issuer, shop.client_id)
        assert before - 1 <= claims["auth_time"] <= claims["iat"] <= time.time() + 1
        assert claims["exp"] - claims["iat"] == 300
        assert claims["mock"] is True

    def test_at_hash_is_half_the_hash_of_the_access_token(self, shop):
        """OpenID Connect Core, 3.1.3.6."""
        tokens = shop.tokens()
        half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
        expected = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
        assert signed(shop.running, tokens["id_token"])["at_hash"] == expected

    @pytest.mark.parametrize("nonce", ["a-nonce", "ä\U00020bb7 \"'<>", "x" * 2048])
    def test_the_nonce_comes_back_as_it_was_given(self, shop, nonce):
        assert id_token(shop, nonce=nonce)["nonce"] == nonce

    def test_it_is_signed_with_rs256_unless_the_registration_says_es256(self, shared):
        client = shared.register("by-default", id_token_signed_response_alg=None)
        header = client.tokens()["id_token"].split(".")[0]
        decoded = json.loads(base64.urlsafe_b64decode(header + "=="))
        assert decoded == {"alg": "RS256", "kid": shared.keys.id_token_key("RS256").public.kid}

    def test_the_subject_is_stable_and_opaque(self, shop):
        first, second = id_token(shop)["sub"], id_token(shop)["sub"]
        assert first == second
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", first)

    def test_each_person_is_another_subject(self, shop):
        assert id_token(shop)["sub"] != id_token(shop, "another-adult")["sub"]


class TestPromptNone:
    def test_a6_nobody_is_signed_in(self, shop, refused):
        refused(shop.running, lambda: shop.authorize(prompt="none"), 303, "login_required")

    def test_a6_somebody_is_who_was_never_asked(self, shop, another_shop, visitor, refused):
        signed_in(shop, visitor)
        refused(
            shop.running,
            lambda: another_shop.authorize(visitor.browser, prompt="none"),
            303,
            "consent_required",
            effects={"interactions"},
            audited=("left",),
        )

    def test_a6_fields_are_asked_for_every_time(self, shop, visitor, refused):
        scope = "openid netid.purpose.real-name-parcel"
        for changes in ({}, {"scope": scope}):
            shop.running.callback(visitor.walk(shop.authorize(visitor.browser, **changes)))
        refused(
            shop.running,
            lambda: shop.authorize(visitor.browser, prompt="none", scope=scope),
            303,
            "consent_required",
            effects={"interactions"},
            audited=("left",),
        )

    def test_a_remembered_decision_is_answered_without_a_page(self, shop, visitor):
        signed_in(shop, visitor)
        answer = shop.running.callback(shop.authorize(visitor.browser, prompt="none", state="silent"))
        assert answer.parameters["state"] == "silent"
        assert shop.redeem(answer.code).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"acr_values": "urn:netid:acr:credential+face"},
            {"max_age": "0"},
            {"login_hint": "another-adult"},
            {"claims": '{"id_token": {"sub": {"value": "somebody else"}}}'},
            {"claims": '{"id_token": {"sub": {"value": "\u00e9"}}}'},
        ],
    )
    def test_a6_a_session_that_does_not_do_is_none(self, shop, visitor, refused, changes):
        signed_in(shop, visitor)
        act = lambda: shop.authorize(visitor.browser, prompt="none", **changes)  # noqa: E731
        refused(shop.running, act, 303, "login_required")

    def test_the_subject_that_is_asked_for_is_answered(self, shop, visitor):
        signed_in(shop, visitor)
        subject = {"id_token": {"sub": {"value": id_token(shop)["sub"]}}}
        answer = shop.authorize(visitor.browser, prompt="none", claims=json.dumps(subject))
        assert shop.running.callback(answer).code

    def test_another_browsers_session_cookie_is_worth_nothing(self, shop, visitor, refused):
        signed_in(shop, visitor)
        thief = shop.running.browser()
        thief.cookies.set("netid_session", visitor.browser.cookies["netid_session"], domain="127.0.0.1")
        refused(shop.running, lambda: shop.authorize(thief, prompt="none"), 303, "login_required")


class TestPromptAndMaxAge:
    @pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
    def test_somebody_who_is_signed_in_signs_in_again(self, shop, visitor, prompt):
        signed_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, prompt=prompt))
        assert step_of(page) == "sign-in"

    def test_consent_asks_again_what_is_remembered(self, shop, visitor):
        signed_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, prompt="consent"))
        assert step_of(page) == "consent"

    @pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
    def test_a7_leaving_instead_of_signing_in_again_gives_no_code(self, shop, visitor, changes):
        signed_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, **changes))
        skipped = visitor.browser.get(page.url.replace("/sign-in/", "/consent/"), allow_redirects=False)
        assert skipped.headers["Location"] == page.url
        token = re.search(r'name="form_token" value="([^"]+)"', page.text).group(1)
        left = visitor.post(page.url.replace("/sign-in/", "/leave/"), form_token=token)
        assert shop.running.callback(left).parameters.keys() == {"error", "error_description", "state", "iss"}
        assert shop.running.callback(left).error == "access_denied"

    def test_max_age_counts_from_the_last_check(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        signed_in(client, visitor)
        provider.clock.advance(minutes=30)
        young = provider.callback(client.authorize(visitor.browser, max_age="3600"))
        checked_at = signed(provider, client.redeem(young.code).json()["id_token"])["auth_time"]
        assert time.time() - 5 < checked_at <= time.time()
        provider.clock.advance(minutes=31)
        assert step_of(visitor.open(client.authorize(visitor.browser, max_age="3600"))) == "sign-in"

    def test_signing_in_again_is_a_new_check(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        signed_in(client, visitor)
        provider.clock.advance(hours=1)
        answer = provider.callback(visitor.walk(client.authorize(visitor.browser, max_age="600")))
        claims = signed(provider, client.redeem(answer.code).json()["id_token"])
        assert claims["iat"] - claims["auth_time"] <= 5

    def test_a_session_ends_by_itself(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        signed_in(client, visitor)
        provider.clock.advance(hours=8, minutes=1)
        assert step_of(visitor.open(client.authorize(visitor.browser))) == "sign-in"

    @pytest.mark.parametrize("max_age", ["0", "1", "9999999999"])
    def test_any_number_of_seconds_is_understood(self, shop, max_age):
        assert shop.headless(max_age=max_age).code


class TestSingleSignOn:
    def test_the_second_relying_party_asks_no_passcode_but_asks(self, shop, another_shop, visitor):
        signed_in(shop, visitor)
        page = visitor.open(another_shop.authorize(visitor.browser))
        assert step_of(page) == "consent"
        answer = another_shop.running.callback(visitor.send(page, decision="agree"))
        claims = signed(shop.running, another_shop.redeem(answer.code).json()["id_token"])
        assert claims["acr"] == "urn:netid:acr:credential+passcode"
        assert claims["amr"] == ["pin", "pop"]

    def test_the_third_time_nothing_is_asked(self, shop, visitor):
        signed_in(shop, visitor)
        assert shop.running.callback(shop.authorize(visitor.browser)).code

    def test_a_higher_level_asks_only_for_what_is_missing(self, shop, visitor):
        signed_in(shop, visitor)
        answer = shop.authorize(visitor.browser, acr_values="urn:netid:acr:credential+passcode+face")
        page = visitor.open(answer)
        assert step_of(page) == "face"
        answer = shop.running.callback(visitor.send(page, outcome="match"))
        assert signed(shop.running, shop.redeem(answer.code).json()["id_token"])["amr"] == [
            "face",
            "pin",
            "pop",
        ]

    def test_a8_the_session_is_another_after_each_sign_in_and_the_old_one_is_dead(self, shop, visitor):
        signed_in(shop, visitor)
        old = visitor.browser.cookies["netid_session"]
        assert shop.running.callback(visitor.walk(shop.authorize(visitor.browser, prompt="login"))).code
        assert visitor.browser.cookies["netid_session"] != old
        visitor.browser.cookies.set("netid_session", None)
        visitor.browser.cookies.set("netid_session", old, domain="127.0.0.1", path="/")
        answer = shop.running.callback(shop.authorize(visitor.browser, prompt="none"))
        assert answer.error == "login_required"

    def test_a8_a_session_that_was_planted_before_is_not_taken_up(self, shop, visitor):
        visitor.browser.cookies.set("netid_session", "p" * 43, domain="127.0.0.1", path="/")
        signed_in(shop, visitor)
        values = {cookie.value for cookie in visitor.browser.cookies if cookie.name == "netid_session"}
        assert "p" * 43 not in values

    def test_cookies_are_out_of_reach_of_scripts_and_other_sites(self, shop, visitor):
        page = visitor.open(shop.authorize(visitor.browser))
        chosen = visitor.send(page, who=visitor.who)
        answer = visitor.send(visitor.open(chosen), passcode=visitor.passcode)
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Path=/" in cookie


class TestLoginHint:
    def test_a_hint_that_names_nobody_changes_nothing(self, shop, visitor):
        for hint in ("nobody", "13800000000", "a\tb", "<b>", "é"):
            page = visitor.open(shop.authorize(visitor.browser, login_hint=hint))
            assert (page.status_code, step_of(page)) == (200, "sign-in")
            assert "checked" not in page.text

    def test_a_hint_is_chosen_beforehand_and_can_be_changed(self, shop, visitor):
        page = visitor.open(shop.authorize(visitor.browser, login_hint="another-adult"))
        assert re.search(r'value="persona:another-adult"[^>]* checked', page.text)
        visitor.who = "persona:an-adult"
        assert step_of(visitor.open(visitor.send(page, who=visitor.who))) == "passcode"

    def test_a_hint_at_somebody_else_asks_who_it_is(self, shop, visitor):
        signed_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, login_hint="another-adult"))
        assert step_of(page) == "sign-in"

    def test_a_hint_at_who_is_signed_in_asks_nothing(self, shop, visitor):
        signed_in(shop, visitor)
        assert shop.running.callback(shop.authorize(visitor.browser, login_hint="an-adult")).code


class TestSubjectThatIsAskedFor:
    """OpenID Connect Core, 3.1.2.2: no other person may answer a request for one `sub`."""

    def test_somebody_else_who_signs_in_goes_back_without_a_code(self, shop, visitor):
        wanted = json.dumps({"id_token": {"sub": {"value": id_token(shop, "another-adult")["sub"]}}})
        answer = visitor.walk(shop.authorize(visitor.browser, claims=wanted))
        assert shop.running.callback(answer).error == "access_denied"

    def test_the_one_who_was_asked_for_gets_through(self, shop, visitor):
        wanted = json.dumps({"id_token": {"sub": {"value": id_token(shop)["sub"]}}})
        answer = visitor.walk(shop.authorize(visitor.browser, claims=wanted))
        assert shop.running.callback(answer).code

    def test_a_session_of_somebody_else_is_not_taken_up(self, shop, visitor):
        wanted = json.dumps({"id_token": {"sub": {"value": id_token(shop, "another-adult")["sub"]}}})
        signed_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, claims=wanted))
        assert step_of(page) == "sign-in"


class TestUiLocales:
    @pytest.mark.parametrize(
        ("locales", "language"),
        [
            ("zh", "zh-CN"),
            ("zh-Hant-TW en", "zh-CN"),
            ("fr ZH-hans en", "zh-CN"),
            ("en-GB zh", "en"),
            ("fr de", "en"),
            (None, "en"),
        ],
    )
    def test_the_first_language_that_the_pages_speak(self, shop, visitor, locales, language):
        page = visitor.open(shop.authorize(visitor.browser, ui_locales=locales))
        assert f'<html lang="{language}">' in page.text

    def test_the_persons_own_choice_goes_before_it(self, shop, visitor):
        page = visitor.open(shop.authorize(visitor.browser, ui_locales="zh"))
        switched = visitor.browser.get(f"{page.url}?lang=en")
        assert '<html lang="en">' in switched.text
        assert '<html lang="en">' in visitor.browser.get(page.url).text


def test_the_whole_way_ends_at_the_redirect_uri_with_code_state_and_iss(shop, visitor):
    answer = visitor.walk(shop.authorize(visitor.browser))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    assert shop.running.callback(answer).parameters.keys() == {"code", "state", "iss"}
