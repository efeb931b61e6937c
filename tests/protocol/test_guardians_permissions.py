"""Measures, article 5: what a child's wallet may answer is the guardian's to permit, platform by platform."""

import re
from datetime import datetime, timedelta

import pytest
import requests

from netid.credentials import guardian_grant
from netid.credentials.guardian_grant import Grant
from netid.credentials.jwk import PublicKeySet, SigningKey
from tests.pages import Page
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import rows
from tests.protocol.visiting import Visitor
from tests.running import MINORS_PURPOSE, Client, Running
from tests.wallets import Wallet

CHILD = "child-of-10"
STATE = guardian_grant.state


@pytest.fixture
def game(provider: Running) -> Client:
    return provider.register("a-game")


@pytest.fixture
def wallet(provider: Running) -> Wallet:
    """The child's, with copies in it."""
    wallet = Wallet(provider)
    wallet.receive(wallet.token_of_child())
    return wallet


class Guardian(Visitor):
    """The child's guardian, at the page of permissions."""

    def __init__(self, running: Running, who: str = "persona:guardian") -> None:
        super().__init__(running, who=who)

    def at_the_page(self) -> requests.Response:
        answer = self.browser.get(self.running.url("/records/permissions"), allow_redirects=False)
        page = self.walk(answer, stop="records")
        if Page(page).has("to-passcode"):
            page = self.walk(self.send(page, decision="sign-in"), stop="records")
        return page

    def choose(self, use: str) -> requests.Response:
        """The page that asks about this use, for the first child."""
        page = Page(self.at_the_page())
        child = page.all("input", name="child")[0].get("value") or ""
        answer = self.send(page.response, decision="choose", child=child, use=use)
        assert answer.status_code == 303, answer.text
        return self.open(answer)

    def permit(self, use: str) -> requests.Response:
        """The page with the permission."""
        page = self.choose(use)
        fields = {"decision": "agree"}
        answer = self.browser.post(
            self.running.url("/records/permissions/new"),
            data=_hidden(Page(page)) | fields,
            headers={"Origin": self.running.issuer},
            allow_redirects=False,
        )
        return self.open(answer) if answer.status_code == 303 else answer


def _hidden(page: Page) -> dict[str, str]:
    return {one.get("name") or "": one.get("value") or "" for one in page.all("input", type="hidden")}


def granted(running: Running, page: requests.Response) -> Grant:
    keys = requests.get(running.url("/.well-known/jwt-vc-issuer"), timeout=10).json()["jwks"]
    token = Page(page).test("token").text
    now = running.clock.now()
    return guardian_grant.verify(token, running.issuer, PublicKeySet.from_jwks(keys), now)


def test_a_permission_is_made_out_to_the_childs_wallet_for_one_use(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    grant = granted(provider, Guardian(provider).permit("a-game minors-mode"))
    assert grant.wallet_key == wallet.key.public.thumbprint
    assert (grant.client_id, grant.platform.en) == ("a-game", "The a-game")
    assert grant.purpose is not None
    assert (grant.purpose.id, grant.purpose.text.en) == ("minors-mode", "Minors’ mode")
    assert timedelta(days=29) < grant.expires_at - provider.clock.now() <= timedelta(days=30)


def test_the_check_result_alone_can_be_permitted(provider: Running, game: Client, wallet: Wallet) -> None:
    assert granted(provider, Guardian(provider).permit("a-game -")).purpose is None


def test_the_guardian_reads_who_asks_what_for_and_which_fields(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    page = Page(Guardian(provider).choose("a-game real-name-parcel"))
    assert page.name == "page-permit"
    for name in ("name", "document_number", "phone_number"):
        assert page.has(f"claim-{name}")
    words = page.one("main").text
    assert "The a-game" in words
    assert "privacy@a-game.example" in words
    assert "never changes" in words, "what a sensitive field means"
    assert page.test("claim-document_number").one("h3").text == "Document number Sensitive"
    assert page.all("input", type="checkbox") == [], "the child ticks, each time, in the wallet"
    assert page.test("child").text == f"Child {masked(provider)}"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("use", ["a-game -", "a-game minors-mode", "a-game real-name-parcel"])
def test_measures_10_all_of_the_notice_stands_on_the_page_itself(
    provider: Running, game: Client, wallet: Wallet, use: str, language: str
) -> None:
    guardian = Guardian(provider)
    guardian.browser.headers["Accept-Language"] = language
    page = Page(guardian.choose(use))
    outside = page.one("main").text.replace(page.test("disclosure").text, "")
    lines = [line.text for line in page.test("notice-text").all("li")]
    assert len(lines) > 9
    for line in lines:
        for part in re.split("；|; ", re.split("：|: ", line, maxsplit=1)[-1]):
            assert part in outside, part
    assert page.test("complain").one("dd").text == "privacy@a-game.example"


def masked(provider: Running) -> str:
    """The child's net number, as the guardian tells it by."""
    with provider.provider.stores.db.read() as tx:
        disclosure = provider.provider.services.decisions._disclosure
        return disclosure.net_number_for_owner(tx, person_id_of(provider, CHILD)).masked


def test_it_is_for_the_wallet_that_got_copies_last(provider: Running, game: Client, wallet: Wallet) -> None:
    provider.clock.advance(minutes=1)
    later = Wallet(provider)
    later.receive(later.token_of_child())
    grant = granted(provider, Guardian(provider).permit("a-game -"))
    assert grant.wallet_key == later.key.public.thumbprint


def test_refusing_permits_nothing(provider: Running, game: Client, wallet: Wallet) -> None:
    guardian = Guardian(provider)
    page = Page(guardian.choose("a-game -"))
    answer = guardian.post(
        provider.url("/records/permissions/new"), **(_hidden(page) | {"decision": "refuse"})
    )
    assert answer.headers["Location"].endswith("/records/permissions")
    assert rows(provider)["permissions"] == []


def test_r2_nothing_is_permitted_without_a_fresh_sign_in(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    guardian = Guardian(provider)
    page = Page(guardian.choose("a-game -"))
    provider.clock.advance(minutes=6)
    answer = guardian.post(
        provider.url("/records/permissions/new"), **(_hidden(page) | {"decision": "agree"})
    )
    assert "/passcode/" in answer.headers["Location"]
    assert rows(provider)["permissions"] == []


def test_r1_nobody_permits_for_anothers_child_or_sees_it(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    mine = Guardian(provider)
    shown = mine.permit("a-game -")
    child = _hidden(Page(mine.choose("a-game -")))["child"]
    stranger = Guardian(provider, who="persona:an-adult")
    page = Page(stranger.at_the_page())
    assert page.has("no-children")
    other_childs = Wallet(provider)
    other_childs.receive(other_childs.token_of_child("day-before-14", "another-guardian"))
    others = Guardian(provider, who="persona:another-guardian")
    own = _hidden(Page(others.choose("a-game -")))
    for who in (stranger, others):
        assert who.browser.get(shown.url, allow_redirects=False).status_code == 404
        asked = who.browser.get(
            provider.url("/records/permissions/new"), params={"child": child, "use": "a-game -"}
        )
        assert asked.status_code == 404
        assert masked(provider) not in asked.text
    answer = others.post(
        provider.url("/records/permissions/new"), **(own | {"child": child, "decision": "agree"})
    )
    assert answer.status_code == 404
    assert len(rows(provider)["permissions"]) == 1


@pytest.mark.parametrize("use", ["another -", "a-game another", "netid-wallet net-credential", "", "a"])
def test_only_what_is_registered_can_be_permitted(
    provider: Running, game: Client, wallet: Wallet, use: str
) -> None:
    guardian = Guardian(provider)
    child = _hidden(Page(guardian.choose("a-game -")))["child"]
    answer = guardian.browser.get(
        provider.url("/records/permissions/new"), params={"child": child, "use": use}
    )
    assert answer.status_code == 404


def test_a_child_whose_wallet_is_empty_is_not_offered(provider: Running, game: Client) -> None:
    page = Page(Guardian(provider).at_the_page())
    assert page.has("ward")
    assert not page.has("to-passcode")
    assert not page.has("choose")


def test_the_key_of_a_wallet_is_kept_of_children_alone(provider: Running, wallet: Wallet) -> None:
    adult = Wallet(provider)
    adult.receive(adult.token())
    kept = rows(provider)["child_wallets"]
    assert [row[:2] for row in kept] == [(person_id_of(provider, CHILD), wallet.key.public.thumbprint)]


def test_a_permission_ends_on_the_14th_birthday(provider: Running, game: Client) -> None:
    child = Wallet(provider)
    child.receive(child.token_of_child("day-before-14", "another-guardian"))
    guardian = Guardian(provider, who="persona:another-guardian")
    page = Page(guardian.at_the_page())
    value = page.all("input", name="child")[0].get("value") or ""
    answer = guardian.send(page.response, decision="choose", child=value, use="a-game -")
    asked = Page(guardian.open(answer))
    answer = guardian.post(
        provider.url("/records/permissions/new"), **(_hidden(asked) | {"decision": "agree"})
    )
    grant = granted(provider, guardian.open(answer))
    assert grant.expires_at - provider.clock.now() <= timedelta(days=1)


def test_it_is_listed_and_forgotten_when_it_has_ended(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    guardian = Guardian(provider)
    guardian.permit("a-game minors-mode")
    assert "The a-game · Minors’ mode" in Page(guardian.at_the_page()).test("permission").text
    provider.clock.advance(days=31)
    provider.provider.housekeeping.forget()
    assert rows(provider)["permissions"] == []


def test_pipl_14_what_was_registered_anew_has_to_be_permitted_anew(
    provider: Running, game: Client, wallet: Wallet
) -> None:
    guardian = Guardian(provider)
    guardian.permit("a-game minors-mode")
    guardian.permit("a-game -")
    provider.register("a-game", purposes=[{**MINORS_PURPOSE, "text": {"zh": "别的", "en": "Something else"}}])
    page = Page(guardian.at_the_page())
    assert page.test("permission").text == "The a-game · check result alone"
    past = page.test("permission-past")
    assert past.text.startswith("The a-game · Minors’ mode"), "as it was read"
    assert past.all("a") == []
    guardian.permit("a-game minors-mode")
    names = [one.text for one in Page(guardian.at_the_page()).all("a", data_testid="permission")]
    assert names[0] == "The a-game · Something else"


def _of_another_issuer(grant: Grant, issuer: str, key: SigningKey, now: datetime) -> str:
    return STATE(grant, f"{issuer}/before", key, now)


@pytest.mark.parametrize("change", ["issuer", "clock"])
def test_f11_a_permission_that_no_wallet_takes_now_keeps_its_guardian_from_nothing(
    provider: Running, game: Client, wallet: Wallet, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with monkeypatch.context() as before:
        if change == "issuer":
            before.setattr(guardian_grant, "state", _of_another_issuer)
        Guardian(provider).permit("a-game minors-mode")
    if change == "clock":
        provider.clock.advance(hours=-2)
    guardian = Guardian(provider)
    assert Page(guardian.at_the_page()).all("a", data_testid="permission") == []
    guardian.permit("a-game -")
    [listed] = Page(guardian.at_the_page()).all("a", data_testid="permission")
    assert listed.text == "The a-game · check result alone"


def test_a_permission_too_long_for_a_qr_code_is_shown_as_text(provider: Running, wallet: Wallet) -> None:
    long = {"zh": "未成年人模式" * 66, "en": "Minors’ mode for every day of the week. " * 10}
    provider.register("a-game", purposes=[{**MINORS_PURPOSE, "text": long}])
    page = Page(Guardian(provider).permit("a-game minors-mode"))
    assert page.has("token")
    assert page.has("qr") is (len(page.test("token").text) < 2900)
