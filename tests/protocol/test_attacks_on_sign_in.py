"""Attacks on people at the pages: links, forms, frames, tabs and scripts."""

import re
from urllib.parse import urlsplit

import pytest
import requests

from netid.identity.consent import Action
from tests.protocol.meddling import latest_receipt, person_id_of, set_status
from tests.protocol.reading import signed
from tests.protocol.refusals import ON_RECORD, PLANTED, Refusals, rows
from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK, MINORS_PURPOSE, PARCEL_PURPOSE, Client, Running

PARCELS = "openid netid.purpose.real-name-parcel"
MINORS = "openid netid.purpose.minors-mode"


@pytest.fixture
def visitor(shop: Client) -> Visitor:
    return Visitor(shop.running)


def consent_page(client: Client, visitor: Visitor, **changes: str | None) -> requests.Response:
    """The page on which this visitor decides."""
    page = visitor.walk(client.authorize(visitor.browser, **changes), stop="consent")
    assert step_of(page) == "consent"
    return page


def hidden(page: requests.Response) -> dict[str, str]:
    """The hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))


def userinfo_of(client: Client, answer: requests.Response) -> set[str]:
    """The claims that come of a decision, but for `sub`."""
    token = client.redeem(client.running.callback(answer).code).json()["access_token"]
    return client.userinfo(token).json().keys() - {"sub"}


def receipts(running: Running, persona: str = "an-adult") -> list[tuple[str, str | None, Action]]:
    """Who asked, for what, and what was decided; the latest first."""
    person_id = person_id_of(running, persona)
    with running.provider.stores.db.read() as tx:
        kept = running.provider.stores.consents.list(tx, person_id)
    return [(one.receipt.client_id, one.receipt.purpose, one.receipt.action) for one in kept]


class TestLinks:
    def test_a3_a_sign_in_can_be_reloaded_before_it_ends_and_not_after(self, shop, visitor, refused):
        page = visitor.open(shop.authorize(visitor.browser))
        again = visitor.browser.get(page.url)
        assert again.status_code == 200
        assert shop.running.callback(visitor.walk(visitor.send(again, who=visitor.who))).code
        refused(shop.running, lambda: visitor.browser.get(page.url), 409, None, audited=ON_RECORD)

    def test_a3_a_sign_in_expires(self, provider, refused):
        client, visitor = provider.register(), Visitor(provider)
        page = visitor.open(client.authorize(visitor.browser))
        provider.clock.advance(minutes=14)
        assert visitor.browser.get(page.url).status_code == 200
        provider.clock.advance(minutes=2)
        refused(provider, lambda: visitor.browser.get(page.url), 400, None)
        refused(provider, lambda: visitor.send(page, who=visitor.who), 400, None)

    @pytest.mark.parametrize("handle", ["x", "x" * 43, "%00", "x" * 3000, "\u4f60"])
    @pytest.mark.parametrize("step", ["sign-in", "passcode", "face", "consent", "suspended", "guardian"])
    def test_a3_a_sign_in_that_never_was(self, shop, visitor, refused, handle, step):
        url = shop.running.url(f"/{step}/{handle}")
        refused(shop.running, lambda: visitor.browser.get(url, allow_redirects=False), 400, None)

    def test_a9_another_browser_cannot_go_on_with_a_sign_in(self, shop, visitor, refused):
        attacker = visitor
        page = attacker.open(shop.authorize(attacker.browser))
        victim = Visitor(shop.running)
        refused(shop.running, lambda: victim.browser.get(page.url), 400, None)
        refused(shop.running, lambda: victim.post(page.url, **hidden(page), who=victim.who), 400, None)
        assert step_of(attacker.browser.get(page.url)) == "sign-in"

    def test_a9_whoever_agrees_on_a_strangers_request_takes_the_code_along(self, shop, visitor):
        """The relying party then misses its own state in that browser; the stranger gets nothing."""
        attackers = shop.authorize(visitor.browser)
        victim = Visitor(shop.running)
        answer = victim.walk(shop.authorize(victim.browser))
        assert shop.running.callback(answer).code
        assert step_of(visitor.open(attackers)) == "sign-in"


class TestForms:
    """A10: only the page this browser was shown decides."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "null"},
            {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "http://127.0.0.1:9"},
            {"Origin": "http://127.0.0.1"},
        ],
    )
    def test_a10_a_form_from_another_origin(self, shop, visitor, refused, headers):
        page = consent_page(shop, visitor)
        data = hidden(page) | {"decision": "agree"}
        act = lambda: visitor.browser.post(  # noqa: E731
            page.url, data=data, headers=headers, allow_redirects=False
        )
        refused(shop.running, act, 403, None, audited=ON_RECORD)

    def test_a10_browsers_that_hide_the_origin_of_our_own_page_are_believed(self, shop, visitor):
        page = consent_page(shop, visitor)
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        data = hidden(page) | {"decision": "agree"}
        answer = visitor.browser.post(page.url, data=data, headers=headers, allow_redirects=False)
        assert shop.running.callback(answer).code

    def test_a10_without_a_token_or_with_another_pages(self, shop, visitor, refused):
        other = Visitor(shop.running)
        others_token = hidden(consent_page(shop, other))["form_token"]
        own_other_page = hidden(consent_page(shop, visitor))["form_token"]
        page = consent_page(shop, visitor)
        for token in ("", "x" * 43, "\u00fc", others_token, own_other_page):
            refused(
                shop.running,
                lambda value=token: visitor.send(page, form_token=value, decision="agree"),
                403,
                None,
                audited=ON_RECORD,
            )

    def test_a10_a_get_decides_nothing(self, shop, visitor):
        page = consent_page(shop, visitor)
        before = rows(shop.running)
        query = hidden(page) | {"decision": "agree"}
        answer = visitor.browser.get(page.url, params=query, allow_redirects=False)
        assert answer.status_code == 200
        assert rows(shop.running) == before
        for method in ("PUT", "DELETE", "PATCH"):
            assert visitor.browser.request(method, page.url, data=query).status_code == 405

    @pytest.mark.parametrize("step", ["sign-in", "passcode", "face", "leave"])
    def test_a10_the_other_forms_are_guarded_too(self, shop, visitor, refused, step):
        face = "urn:netid:acr:credential+face"
        level = {"face": face, "passcode": None}.get(step, "urn:netid:acr:credential+passcode")
        stop = "sign-in" if step == "leave" else step
        page = visitor.walk(shop.authorize(visitor.browser, acr_values=level), stop=stop)
        url = page.url.replace("/sign-in/", f"/{step}/")
        form = {"who": visitor.who, "passcode": visitor.passcode, "outcome": "match"}
        data = hidden(page) | {"form_token": "x" * 43} | form
        refused(shop.running, lambda: visitor.post(url, **data), 403, None)
        evil = {"Origin": "https://evil.example"}
        data = hidden(page) | form
        refused(shop.running, lambda: visitor.browser.post(url, data=data, headers=evil), 403, None)


class TestWhatIsTicked:
    """A11: released ⊆ requested ∩ ticked, whatever a form says."""

    def test_a11_only_what_was_ticked(self, shop, visitor):
        page = consent_page(shop, visitor, scope=PARCELS)
        answer = visitor.send(page, decision="agree", claim=["phone_number"])
        assert userinfo_of(shop, answer) == {"name", "document_number", "phone_number"}

    @pytest.mark.parametrize(
        "extra",
        [
            {"claim": ["birthdate"]},
            {"claim": ["name"]},
            {"claim": ["phone_number", "age_over_18"]},
            {"claim": [PLANTED]},
            {"claim": ["phone_number", "phone_number"]},
            {"claims": ["birthdate"]},
            {"birthdate": "on"},
            {"essential": ""},
        ],
    )
    def test_a11_a_field_that_the_page_did_not_offer(self, shop, visitor, refused, extra):
        page = consent_page(shop, visitor, scope=PARCELS)
        act = lambda: visitor.send(page, decision="agree", **extra)  # noqa: E731
        refused(shop.running, act, 400, None, audited=ON_RECORD)
        assert userinfo_of(shop, visitor.send(page, decision="agree")) == {"name", "document_number"}

    def test_a11_a_voluntary_field_that_was_not_requested_cannot_be_ticked(self, shop, visitor, refused):
        page = consent_page(shop, visitor, scope=PARCELS, claims='{"userinfo": {"name": null}}')
        act = lambda: visitor.send(page, decision="agree", claim=["phone_number"])  # noqa: E731
        refused(shop.running, act, 400, None, audited=ON_RECORD)

    @pytest.mark.parametrize("decision", ["", "yes", "AGREE", "agree refuse"])
    def test_no_decision_is_no_agreement(self, shop, visitor, decision):
        page = consent_page(shop, visitor, scope=PARCELS)
        before = rows(shop.running)
        answer = visitor.send(page, decision=decision)
        assert answer.status_code == 400
        assert rows(shop.running) == before

    def test_refusing_gives_nothing_and_is_kept(self, shop, visitor):
        page = consent_page(shop, visitor, scope=PARCELS)
        answer = shop.running.callback(visitor.send(page, decision="refuse", claim=["phone_number"]))
        assert answer.parameters.keys() == {"error", "error_description", "state", "iss"}
        assert answer.error == "access_denied"
        assert receipts(shop.running)[0] == (shop.client_id, "real-name-parcel", Action.REFUSED)

    def test_a_second_press_gives_no_second_code(self, shop, visitor, refused):
        page = consent_page(shop, visitor)
        assert shop.running.callback(visitor.send(page, decision="agree")).code
        act = lambda: visitor.send(page, decision="agree")  # noqa: E731
        refused(shop.running, act, 409, None, audited=ON_RECORD)


class TestWhatIsRemembered:
    def test_a12_a_larger_request_is_asked_again(self, shop, visitor):
        visitor.walk(shop.authorize(visitor.browser))
        assert shop.running.callback(shop.authorize(visitor.browser)).code
        for _ in range(2):
            page = consent_page(shop, visitor, scope=PARCELS)
            assert userinfo_of(shop, visitor.send(page, decision="agree")) == {"name", "document_number"}

    def test_a12_a_relying_party_that_changed_its_name_asks_again(self, shared, visitor):
        client = shared.register("renamed")
        visitor.walk(client.authorize(visitor.browser))
        shared.register("renamed", name={"zh": "新名字", "en": "Another name"})
        assert step_of(visitor.open(client.authorize(visitor.browser))) == "consent"

    def test_a_consent_for_one_relying_party_does_not_count_at_another(self, shop, another_shop, visitor):
        visitor.walk(shop.authorize(visitor.browser))
        assert step_of(visitor.open(another_shop.authorize(visitor.browser))) == "consent"

    def test_a_refusal_is_not_remembered_as_an_agreement(self, shop, visitor):
        visitor.send(consent_page(shop, visitor), decision="refuse")
        assert step_of(visitor.open(shop.authorize(visitor.browser))) == "consent"

    def test_a_withdrawn_agreement_is_asked_for_again(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        visitor.walk(client.authorize(visitor.browser))
        provider.provider.services.rights.withdraw(*latest_receipt(provider))
        assert step_of(visitor.open(client.authorize(visitor.browser))) == "consent"

    def test_a_notice_that_changed_while_it_was_read_decides_nothing(self, shared, visitor):
        client = shared.register("changing")
        page = consent_page(client, visitor, scope=PARCELS)
        changed = {**PARCEL_PURPOSE, "retention_days": 999}
        shared.register("changing", purposes=[changed])
        answer = visitor.send(page, decision="agree")
        assert not answer.is_redirect
        assert "999" in answer.text


class TestTwoTabs:
    def test_a13_the_code_is_for_the_person_who_was_shown_and_nobody_else(self, shop, visitor, refused):
        first_tab = consent_page(shop, visitor, scope=PARCELS)
        second_tab = visitor.browser.get(first_tab.url.replace("/consent/", "/sign-in/"))
        visitor.who = "persona:another-adult"
        visitor.walk(visitor.send(second_tab, who=visitor.who), stop="consent")
        act = lambda: visitor.send(first_tab, decision="agree")  # noqa: E731
        refused(shop.running, act, 403, None, audited=ON_RECORD)

    def test_a13_two_sign_ins_of_two_people_in_one_browser_stay_apart(self, shop, visitor, refused):
        first = consent_page(shop, visitor, state="first")
        visitor.who = "persona:another-adult"
        second = consent_page(shop, visitor, state="second", prompt="login")
        act = lambda: visitor.send(first, decision="agree")  # noqa: E731
        refused(shop.running, act, 403, None, audited=ON_RECORD)
        answer = shop.running.callback(visitor.send(second, decision="agree"))
        assert answer.parameters["state"] == "second"
        token = signed(shop.running, shop.redeem(answer.code).json()["id_token"])
        other = signed(shop.running, shop.tokens("another-adult")["id_token"])
        assert token["sub"] == other["sub"]


class TestFramesAndScripts:
    def test_a14_no_page_can_be_framed(self, shop, visitor):
        page = visitor.open(shop.authorize(visitor.browser))
        for answer in (
            page,
            consent_page(shop, visitor),
            visitor.browser.get(shop.running.url("/authorize")),
        ):
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Frame-Options"] == "DENY"

    def test_a14_form_action_names_the_proven_redirect_origin_and_nothing_wider(self, shared):
        client = shared.register("far", redirect_uris=["https://far.example:8443/back?x=1"])
        visitor = Visitor(shared)
        page = consent_page(client, visitor, redirect_uri="https://far.example:8443/back?x=1")
        directives = dict(
            part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";")
        )
        assert directives["form-action"] == "'self' https://far.example:8443"
        assert directives["default-src"] == "'none'"
        assert "script-src" not in directives

    def test_a15_script_in_a_name_a_state_or_an_error_is_text(self, shared):
        script = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        named = {"zh": script, "en": script}
        purpose = {**MINORS_PURPOSE, "text": named}
        client = shared.register("scripted", name=named, purposes=[purpose])
        visitor = Visitor(shared)
        response = client.authorize(visitor.browser, state=script, login_hint=script, scope=MINORS)
        while visitor.is_here(response):
            page = visitor.open(response)
            assert "<script" not in page.text
            assert "<img" not in page.text
            assert "unsafe" not in page.headers["Content-Security-Policy"]
            response = visitor.answer(page)
        assert shared.callback(response).parameters["state"] == script

    def test_a16_every_post_is_answered_with_303_or_a_page(self, shop, visitor):
        response = shop.authorize(visitor.browser, acr_values="urn:netid:acr:credential+passcode+face")
        statuses = []
        while visitor.is_here(response):
            response = visitor.answer(visitor.open(response))
            statuses.append(response.status_code)
        assert statuses == [303] * 4

    def test_no_page_leaks_its_address_or_is_kept(self, shop, visitor):
        page = consent_page(shop, visitor)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"


class TestSuspension:
    def test_a_suspended_person_reads_why_and_the_relying_party_does_not(self, shop):
        visitor = Visitor(shop.running, who="persona:suspended")
        page = visitor.walk(shop.authorize(visitor.browser), stop="suspended")
        assert "The owner reported the phone lost" in page.text
        left = visitor.post(page.url.replace("/suspended/", "/leave/"), **hidden(page))
        assert shop.running.callback(left).error == "access_denied"
        assert "suspend" not in left.headers["Location"]

    def test_who_is_suspended_while_deciding_gives_nothing(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        page = consent_page(client, visitor)
        set_status(provider, "suspended")
        answer = visitor.send(page, decision="agree")
        assert step_of(visitor.open(answer)) == "suspended"
        assert rows(provider)["receipts"] == []

    def test_who_leaves_for_good_while_deciding_gives_nothing(self, provider, refused: Refusals):
        client, visitor = provider.register(), Visitor(provider)
        page = consent_page(client, visitor)
        set_status(provider, "cancelled")
        act = lambda: visitor.send(page, decision="agree")  # noqa: E731
        answer = refused(provider, act, 400, None, audited=ON_RECORD)
        assert urlsplit(answer.response.url).path.startswith("/consent/")

    def test_a_cancelled_person_cannot_sign_in(self, shop):
        visitor = Visitor(shop.running, who="persona:cancelled")
        page = visitor.open(shop.authorize(visitor.browser))
        answer = visitor.send(page, who=visitor.who)
        assert (answer.status_code, step_of(answer)) == (400, "sign-in")


class TestGuardians:
    """Measures, article 5: under 14, the child's own guardian decides, for this platform and this purpose."""

    @pytest.fixture
    def child(self, shop: Client) -> Visitor:
        return Visitor(shop.running, who="persona:child-of-10")

    def test_the_guardian_signs_in_within_the_flow_and_is_on_the_receipt(self, shop, child):
        assert userinfo_of(shop, child.walk(shop.authorize(child.browser, scope=MINORS))) == {"age_over_18"}
        guardian = signed(shop.running, shop.tokens("guardian")["id_token"])["sub"]
        assert receipt(shop.running, "child-of-10").guardian_subject == guardian

    @pytest.mark.parametrize("who", ["persona:an-adult", "persona:another-guardian", "persona:child-of-10"])
    def test_nobody_else_can_decide(self, shop, child, who):
        child.guardian = who
        response = shop.authorize(child.browser, scope=MINORS)
        page = child.walk(response, stop="guardian")
        asked = child.browser.get(page.url.replace("/guardian/", "/sign-in/") + "?role=guardian")
        chosen = child.send(asked, who=who)
        page = child.open(child.send(child.open(chosen), passcode=child.passcode))
        assert (step_of(page), "role=guardian" in page.url) == ("sign-in", True)
        assert "not the registered guardian" in page.text
        consent = child.browser.get(
            page.url.replace("/sign-in/", "/consent/").split("?")[0], allow_redirects=False
        )
        assert "/sign-in/" in consent.headers["Location"]

    def test_a_guardian_whose_own_net_credential_is_suspended_cannot_decide(self, provider):
        client, child = provider.register(), Visitor(provider, who="persona:child-of-10")
        set_status(provider, "suspended", "guardian")
        page = child.walk(client.authorize(child.browser, scope=MINORS), stop="guardian")
        asked = child.browser.get(page.url.replace("/guardian/", "/sign-in/") + "?role=guardian")
        page = child.open(child.send(asked, who=child.guardian))
        answer = child.open(child.send(page, passcode=child.passcode))
        assert step_of(answer) == "sign-in"

    def test_a_guardian_who_is_suspended_while_deciding_cannot(self, provider):
        client, child = provider.register(), Visitor(provider, who="persona:child-of-10")
        page = child.walk(client.authorize(child.browser, scope=MINORS), stop="consent")
        set_status(provider, "suspended", "guardian")
        answer = child.send(page, decision="agree")
        assert not answer.headers.get("Location", "").startswith(CALLBACK)
        assert rows(provider)["receipts"] == []

    def test_a_consent_for_one_platform_does_not_count_at_another(self, shop, another_shop, child):
        child.walk(shop.authorize(child.browser))
        assert shop.running.callback(shop.authorize(child.browser)).code
        assert step_of(child.open(another_shop.authorize(child.browser))) == "guardian"

    def test_from_14_a_person_decides_alone(self, shop):
        for persona in ("on-14", "teen-of-15"):
            visitor = Visitor(shop.running, who=f"persona:{persona}")
            assert step_of(consent_page(shop, visitor, scope=MINORS)) == "consent"

    def test_the_day_before_the_14th_birthday_a_guardian_does(self, shop):
        visitor = Visitor(shop.running, who="persona:day-before-14")
        page = visitor.walk(shop.authorize(visitor.browser), stop="guardian")
        assert step_of(page) == "guardian"

    def test_a_guardians_word_ends_on_the_14th_birthday(self, provider):
        client, visitor = provider.register(), Visitor(provider, who="persona:day-before-14")
        visitor.guardian = "persona:another-guardian"
        visitor.walk(client.authorize(visitor.browser))
        assert provider.callback(client.authorize(visitor.browser)).code
        provider.clock.advance(days=2)
        assert step_of(consent_page(client, visitor)) == "consent"


def receipt(running: Running, persona: str):
    """The latest receipt of a persona."""
    with running.provider.stores.db.read() as tx:
        kept = running.provider.stores.consents.list(tx, person_id_of(running, persona))
    return kept[0].receipt
