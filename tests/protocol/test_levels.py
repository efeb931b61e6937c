"""The four levels: which factors are checked, what `acr` and `amr` say, and what guessing costs."""

import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
from sqlalchemy import Engine, event

from netid.identity.net_number import NetNumber
from netid.services import passcodes
from netid.services.interaction import digest_of
from tests.protocol.meddling import person_id_of, set_status_of
from tests.protocol.reading import signed
from tests.protocol.visiting import Visitor, step_of
from tests.running import DEMO_PASSCODE, Client, Starter

WRONG = "19283746"
LEVELS = {
    "urn:netid:acr:credential": ["pop"],
    "urn:netid:acr:credential+passcode": ["pin", "pop"],
    "urn:netid:acr:credential+face": ["face", "pop"],
    "urn:netid:acr:credential+passcode+face": ["face", "pin", "pop"],
}
PAGES = {"pop": "sign-in", "pin": "passcode", "face": "face"}


def token_of(client: Client, answer: requests.Response) -> dict[str, object]:
    """The ID token's claims, after the pages have led back."""
    code = client.running.callback(answer).code
    return signed(client.running, client.redeem(code).json()["id_token"])


def passcode_page(client: Client, visitor: Visitor) -> requests.Response:
    """The page that asks for the passcode of this visitor."""
    return visitor.walk(client.authorize(visitor.browser), stop="passcode")


class TestLevels:
    @pytest.mark.parametrize("acr", LEVELS)
    def test_each_level_asks_for_its_factors_and_says_so(self, shop, acr):
        visitor = Visitor(shop.running)
        seen = []
        response = shop.authorize(visitor.browser, acr_values=acr)
        while visitor.is_here(response):
            page = visitor.open(response)
            seen.append(step_of(page))
            response = visitor.answer(page)
        assert sorted(seen) == sorted([*(PAGES[factor] for factor in LEVELS[acr]), "consent"])
        claims = token_of(shop, response)
        assert (claims["acr"], claims["amr"]) == (acr, LEVELS[acr])

    @pytest.mark.parametrize("acr", LEVELS)
    def test_each_level_without_a_browser(self, shop, acr):
        code = shop.headless(acr_values=acr).code
        claims = signed(shop.running, shop.redeem(code).json()["id_token"])
        assert (claims["acr"], claims["amr"]) == (acr, LEVELS[acr])

    @pytest.mark.parametrize(
        ("asked", "reached"),
        [
            ("urn:x urn:netid:acr:credential+face urn:netid:acr:credential", "urn:netid:acr:credential+face"),
            ("urn:x", "urn:netid:acr:credential+passcode"),
            ("urn:netid:acr:credential+FACE", "urn:netid:acr:credential+passcode"),
            (None, "urn:netid:acr:credential+passcode"),
        ],
    )
    def test_the_first_level_that_exists_counts(self, shop, asked, reached):
        code = shop.headless(acr_values=asked).code
        assert signed(shop.running, shop.redeem(code).json()["id_token"])["acr"] == reached

    def test_a_registration_has_its_own_default(self, shared):
        client = shared.register("light", default_level="urn:netid:acr:credential")
        code = client.headless().code
        assert signed(shared, client.redeem(code).json()["id_token"])["acr"] == "urn:netid:acr:credential"

    @pytest.mark.parametrize("outcome", ["differs", "not-live"])
    def test_a_face_that_does_not_match_asks_again(self, shop, outcome):
        visitor = Visitor(shop.running)
        answer = shop.authorize(visitor.browser, acr_values="urn:netid:acr:credential+face")
        page = visitor.walk(answer, stop="face")
        again = visitor.open(visitor.send(page, outcome=outcome))
        assert step_of(again) == "face"
        skipped = visitor.browser.get(page.url.replace("/face/", "/consent/"), allow_redirects=False)
        assert skipped.headers["Location"] == page.url
        assert token_of(shop, visitor.walk(visitor.send(again, outcome="match")))["amr"] == ["face", "pop"]

    def test_a_step_that_was_not_reached_leads_back_to_the_one_that_is_due(self, shop):
        visitor = Visitor(shop.running)
        page = visitor.open(shop.authorize(visitor.browser))
        for step in ("passcode", "face", "consent", "suspended", "guardian"):
            answer = visitor.browser.get(page.url.replace("sign-in", step), allow_redirects=False)
            assert answer.headers["Location"] == page.url

    def test_a_typed_net_number_stands_for_no_key_so_the_passcode_is_asked(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        enrolled = provider.provider.services.enrolment.enrol_person()
        page = visitor.open(client.authorize(visitor.browser, acr_values="urn:netid:acr:credential"))
        page = visitor.open(visitor.send(page, net_number=enrolled.net_number.reveal()))
        assert step_of(page) == "passcode"
        claims = token_of(client, visitor.walk(visitor.send(page, passcode=visitor.passcode)))
        assert "pop" not in claims["amr"]


class TestGuessing:
    @pytest.fixture(autouse=True)
    def _time_stands_still(self, provider):
        provider.clock.stop()

    def guesses(self, client: Client, count: int, visitor: Visitor | None = None) -> requests.Response:
        """That many wrong passcodes in one sign-in, at once; the last answer."""
        visitor = visitor or Visitor(client.running)
        page = passcode_page(client, visitor)
        for _ in range(count):
            page = visitor.send(page, passcode=WRONG)
        return page

    def gets_in(self, client: Client, visitor: Visitor) -> bool:
        """Whether the right passcode is taken, in a sign-in of its own."""
        return visitor.send(passcode_page(client, visitor), passcode=visitor.passcode).is_redirect

    def test_a_passcode_in_full_width_digits_is_the_same(self, shop):
        """An input method may leave them behind; enrolment takes them too."""
        visitor = Visitor(shop.running)
        page = passcode_page(shop, visitor)
        full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in DEMO_PASSCODE)
        assert visitor.send(page, passcode=f" {full_width[:4]} {full_width[4:]} ").status_code == 303

    def test_a_wrong_passcode_says_so_and_nothing_else(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        page = self.guesses(client, 1, visitor)
        assert (page.status_code, step_of(page)) == (400, "passcode")
        assert "That passcode is not right." in page.text
        assert WRONG not in page.text
        assert visitor.send(page, passcode=visitor.passcode).is_redirect

    def test_each_failure_after_the_third_doubles_the_wait_up_to_five_minutes(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        page, waits = passcode_page(client, visitor), []
        for _ in range(11):
            page = visitor.send(page, passcode=WRONG)
            waits.append(wait_of(page))
            provider.clock.advance(seconds=waits[-1])
        assert waits == [0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300]
        assert self.gets_in(client, visitor)

    def test_a18_another_address_or_browser_does_not_start_the_count_anew(self, provider):
        client = provider.register()
        for number in range(5):
            visitor = Visitor(provider)
            visitor.browser.headers["X-Forwarded-For"] = f"198.51.100.{number}"
            visitor.browser.headers["Forwarded"] = f"for=198.51.100.{number}"
            page = self.guesses(client, 1, visitor)
        assert wait_of(page) > 0

    def test_a18_while_the_account_is_slowed_down_the_right_one_is_not_looked_at(self, provider):
        client, owner = provider.register(), Visitor(provider)
        self.guesses(client, 4)
        assert not self.gets_in(client, owner)
        provider.clock.advance(seconds=4)
        assert not self.gets_in(client, owner)
        provider.clock.advance(seconds=1)
        assert self.gets_in(client, owner)

    def test_a18_a_browser_that_knows_its_owner_is_not_slowed_down_by_strangers(self, provider):
        client, owner = provider.register(), Visitor(provider)
        client.authorize(owner.browser)
        stores, person_id = provider.provider.stores, person_id_of(provider, "an-adult")
        with stores.db.write() as tx:
            browser = digest_of(owner.browser.cookies["netid_browser"])
            stores.sessions.introduce(tx, browser, person_id, provider.clock.now())
        self.guesses(client, 6)
        assert not self.gets_in(client, Visitor(provider))
        assert self.gets_in(client, owner)

    def test_the_right_passcode_forgets_the_failures(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        self.guesses(client, 3)
        assert self.gets_in(client, visitor)
        assert wait_of(self.guesses(client, 3)) == 0

    def test_a_day_without_an_attempt_forgets_them_too(self, provider):
        client = provider.register()
        self.guesses(client, 5)
        provider.clock.advance(days=1, minutes=1)
        assert wait_of(self.guesses(client, 3)) == 0

    def test_attempts_made_all_at_once_are_counted_each(self, provider):
        client, together = provider.register(), threading.Barrier(8)
        visitor = Visitor(provider)
        page = passcode_page(client, visitor)

        def guess(_number: int) -> int:
            together.wait()
            return wait_of(visitor.send(page, passcode=WRONG))

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(guess, range(8))) == [0, 0, 0, 5, 5, 5, 5, 5]

    def test_one_accounts_failures_slow_down_no_other(self, provider):
        client = provider.register()
        self.guesses(client, 6)
        assert self.gets_in(client, Visitor(provider, who="persona:another-adult"))


def wait_of(page: requests.Response) -> int:
    """The seconds that a page says to wait."""
    found = re.search(r"Try again in (\d+) second", page.text)
    return int(found.group(1)) if found else 0


@contextmanager
def work_of_requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is done meanwhile: each SQL statement but the audit's, and each passcode derivation."""
    work: list[str] = []
    derive = passcodes._derive

    def counted(pepper: bytes, passcode: str, salt: bytes) -> bytes:
        work.append("passcode derived")
        return derive(pepper, passcode, salt)

    def executed(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "audit" not in statement:
            work.append(statement)

    event.listen(Engine, "before_cursor_execute", executed)
    monkeypatch.setattr(passcodes, "_derive", counted)
    try:
        yield work
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
        monkeypatch.setattr(passcodes, "_derive", derive)


class TestTypedNetNumber:
    """A17: the typed form answers the same, for the same work, whoever the number belongs to."""

    KINDS = ("known", "suspended", "cancelled", "unknown")

    @pytest.fixture
    def numbers(self, provider) -> dict[str, str]:
        """A net number of each kind; time stands still, so that every wait is the same."""
        provider.clock.stop()
        enrolment = provider.provider.services.enrolment
        people = {kind: enrolment.enrol_person() for kind in self.KINDS[:3]}
        set_status_of(provider, people["suspended"].person_id, "suspended")
        set_status_of(provider, people["cancelled"].person_id, "cancelled")
        numbers = {kind: enrolled.net_number.reveal() for kind, enrolled in people.items()}
        return numbers | {"unknown": NetNumber.draw(secrets.token_bytes).reveal()}

    def type_in(self, client: Client, visitor: Visitor, number: str) -> list[requests.Response]:
        """Types a net number and a wrong passcode; every answer on the way."""
        page = visitor.open(client.authorize(visitor.browser))
        sent = visitor.send(page, net_number=number)
        asked = visitor.open(sent)
        return [sent, asked, visitor.send(asked, passcode=WRONG)]

    def seen(self, answers: list[requests.Response]) -> list[str]:
        """Status, headers and bytes, without what is random in each sign-in."""
        handle = answers[0].headers["Location"].rsplit("/", 1)[1]
        told = []
        for answer in answers:
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            text = f"{answer.status_code} {headers} {answer.text}".replace(handle, "HANDLE")
            text = re.sub(r'name="form_token" value="[^"]+"', "TOKEN", text)
            told.append(re.sub(r"netid_browser=[^']+", "COOKIE", text))
        return told

    def test_a17_equal_bytes_at_every_number_of_failures(self, provider, numbers):
        client = provider.register()
        for _ in range(5):
            told = {
                kind: self.seen(self.type_in(client, Visitor(provider), numbers[kind])) for kind in numbers
            }
            for kind in self.KINDS[1:]:
                for here, there in zip(told[kind], told["known"], strict=True):
                    assert here == there
        assert "Try again in" in told["unknown"][2]

    def test_a17_equal_work_at_every_number_of_failures(self, provider, numbers, monkeypatch):
        client = provider.register()
        client.authorize()
        for _ in range(5):
            done = {}
            for kind in self.KINDS:
                with work_of_requests(monkeypatch) as work:
                    self.type_in(client, Visitor(provider), numbers[kind])
                done[kind] = list(work)
            assert done["known"].count("passcode derived") == 1
            for kind in self.KINDS[1:]:
                assert done[kind] == done["known"]

    def test_a_wrong_number_is_told_from_a_slip_of_the_pen_only(self, shop):
        """The check character says "a slip"; it says nothing of who holds which number."""
        visitor = Visitor(shop.running)
        page = visitor.open(shop.authorize(visitor.browser))
        answer = visitor.send(page, net_number="2222222223")
        assert (answer.status_code, step_of(answer)) == (400, "sign-in")
        assert "Check it for a slip" in answer.text

    def test_its_owner_gets_in(self, provider, numbers):
        client, visitor = provider.register(), Visitor(provider)
        page = visitor.open(client.authorize(visitor.browser))
        page = visitor.open(visitor.send(page, net_number=f" {numbers['known'].lower()} "))
        assert client.running.callback(visitor.walk(visitor.send(page, passcode=visitor.passcode))).code

    def test_a_suspended_owner_is_told_so_after_the_passcode(self, provider, numbers):
        client, visitor = provider.register(), Visitor(provider)
        page = visitor.open(client.authorize(visitor.browser))
        page = visitor.open(visitor.send(page, net_number=numbers["suspended"]))
        assert step_of(visitor.open(visitor.send(page, passcode=visitor.passcode))) == "suspended"

    def test_a_cancelled_numbers_old_passcode_opens_nothing(self, provider, numbers):
        client, visitor = provider.register(), Visitor(provider)
        page = visitor.open(client.authorize(visitor.browser))
        page = visitor.open(visitor.send(page, net_number=numbers["cancelled"]))
        assert visitor.send(page, passcode=visitor.passcode).status_code == 400


def test_without_personas_nobody_is_one_though_the_database_may_have_them(start: Starter) -> None:
    """Mode `serve` on the files of a demo: what its list of people let in needs a net number now."""
    running = start(mode="serve", management_port=None, management_token=None)
    shop = running.register(default_level="urn:netid:acr:credential")
    visitor = Visitor(running)
    page = visitor.open(shop.authorize(visitor.browser))
    assert "persona:" not in page.text
    answer = visitor.send(page, who="persona:an-adult")
    assert answer.status_code == 400
    assert "/consent/" not in answer.headers.get("Location", "")
