"""Applying for a net number in a browser: every page, in both languages, without scripts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from netid.ambient import Ambient
from netid.app import Provider, build
from netid.credentials.keyring import Keyring
from netid.identity.documents import DOCUMENT_KINDS
from netid.services.sign_in import Browser
from netid.settings import Settings

KEYRING = Keyring.generate(Ambient.real())
PASSCODE = "49027316"
PEOPLE = """\
personas:
  - id: a-guardian
    title: {zh: 监护人, en: A guardian}
    group: adult
    document: {kind: resident_id, name: 王示例, sex: female, birthdate: 1984-03-09, serial: 3}
    phone_number: "+86 115 0000 0003"
  - id: a-child
    title: {zh: 孩子, en: A child}
    group: under-14
    document: {kind: resident_id, name: 李示例, sex: male, birthdate: 2016-03-09, serial: 4}
    phone_number: "+86 115 0000 0004"
    guardian: a-guardian
  - id: a-suspended-adult
    title: {zh: 停用, en: Suspended}
    group: special
    document: {kind: resident_id, name: 周示例, sex: male, birthdate: 1980-03-09, serial: 5}
    phone_number: "+86 115 0000 0005"
    status: suspended
    suspension_reason: {zh: 演示, en: For show}
"""


class Inputs(HTMLParser):
    """The forms of a page: their fields, and which are filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.actions: list[str | None] = []
        self._selecting: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = dict(attrs)
        name, value = got.get("name"), got.get("value") or ""
        if tag == "form":
            self.forms.append({})
            self.actions.append(got.get("action"))
        elif tag == "input" and name and (got.get("type") != "radio" or "checked" in got):
            self.forms[-1][name] = value
        elif tag == "select" and name:
            self._selecting = name
        elif tag == "option" and self._selecting and "selected" in got:
            self.forms[-1][self._selecting] = value


@dataclass
class Page:
    """A page as a browser without scripts has it."""

    response: TestResponse
    address: str

    @property
    def text(self) -> str:
        return self.response.get_data(as_text=True)

    @property
    def testid(self) -> str:
        found = re.search(r'<main[^>]*data-testid="([^"]+)"', self.text)
        assert found, self.text
        return found[1]

    def shown(self, testid: str) -> str:
        found = re.search(rf'data-testid="{testid}"[^>]*>([^<]*)', self.text)
        assert found, f"{testid} is not on {self.testid}"
        return found[1].strip()

    @property
    def errors(self) -> list[str]:
        """The fields that the error summary links to; each has its words at the input too."""
        fields = re.findall(r'<li><a href="#([^"]+)">', self.text)
        assert all(f'id="{field}"' in self.text for field in fields)
        return fields

    def form(self, index: int) -> tuple[str, dict[str, str]]:
        inputs = Inputs()
        inputs.feed(self.text)
        return inputs.actions[index] or self.address, dict(inputs.forms[index])


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, client: FlaskClient, language: str = "en") -> None:
        self.client = client
        self.language = language
        self.page = self.open("/enrol")

    def open(self, address: str) -> Page:
        return self._arrive(self.client.get(address, headers={"Accept-Language": self.language}), address)

    def send(self, answers: dict[str, str], form: int = 0) -> Page:
        """Sends a form of the page with these answers in it, and follows the redirect."""
        address, fields = self.page.form(form)
        return self.post(address, fields | answers)

    def post(self, address: str, fields: dict[str, str]) -> Page:
        response = self.client.post(address, data=fields, headers={"Accept-Language": self.language})
        if response.status_code == 303:
            self.page = self.open(response.headers["Location"])
        else:
            self._arrive(response, address)
        return self.page

    def _arrive(self, response: TestResponse, address: str) -> Page:
        self.page = Page(response, address)
        return self.page

    @property
    def handle(self) -> str:
        return self.page.address.split("/")[2]

    # The steps of somebody who answers rightly

    def agree(self) -> Page:
        return self.send({"decision": "agree"})

    def up_to_document(self, kind: str = "resident_id") -> Page:
        self.agree()
        return self.send({"kind": kind})

    def made_up(self, age: str = "adult") -> Page:
        self.send({"age": age})
        return self.send({}, form=1)

    def face(self) -> Page:
        self.agree()
        return self.send({"outcome": "match"})

    def rest(self) -> Page:
        self.face()
        self.send({"phone_number": "+86 115 4902 7777"})
        return self.send({"passcode": PASSCODE})

    def up_to_check(self) -> Page:
        self.up_to_document()
        self.made_up()
        return self.rest()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(tmp_path: Path, clock: Clock) -> Iterator[Provider]:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    settings = Settings(
        mode="demo",
        database_url=f"sqlite:///{tmp_path}/main.db",
        key_database_url=f"sqlite:///{tmp_path}/keys.db",
        keys=tmp_path,
        personas=tmp_path / "people.yaml",
    )
    built = build(settings, KEYRING, Ambient(now=lambda: clock.now, random=Ambient.real().random))
    yield built
    built.close()


@pytest.fixture
def visitor(provider: Provider) -> Visitor:
    return Visitor(provider.app.test_client())


def people(provider: Provider) -> int:
    with provider.stores.db.read() as tx:
        return int(tx.exec_driver_sql("SELECT count(*) FROM persons").scalar_one())


def drafts(provider: Provider) -> int:
    with provider.stores.db.read() as tx:
        return int(tx.exec_driver_sql("SELECT count(*) FROM applications").scalar_one())


# The whole way


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_adult_applies_and_sees_the_net_number_once(provider: Provider, language: str) -> None:
    visitor = Visitor(provider.app.test_client(), language)
    way = [visitor.page.testid]
    way.append(visitor.agree().testid)
    way.append(visitor.send({"kind": "resident_id"}).testid)
    way.append(visitor.send({"age": "adult"}).testid)
    assert visitor.page.shown("proposed")
    way.append(visitor.send({}, form=1).testid)
    way.append(visitor.agree().testid)
    way.append(visitor.send({"outcome": "match"}).testid)
    way.append(visitor.send({"phone_number": "+86 115 4902 7777"}).testid)
    way.append(visitor.send({"passcode": PASSCODE}).testid)
    way.append(visitor.send({}).testid)
    assert way == [
        "page-enrol-notice",
        "page-enrol-kind",
        "page-enrol-document",
        "page-enrol-document",
        "page-enrol-face",
        "page-enrol-face",
        "page-enrol-phone",
        "page-enrol-passcode",
        "page-enrol-check",
        "page-enrol-done",
    ]
    number = visitor.page.shown("net-number")
    assert re.fullmatch("[2-9A-HJKMNP-Z]{10}", number)
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in visitor.page.text

    again = visitor.open(visitor.page.address)
    assert again.shown("net-number") == f"{number[:2]}******{number[-2:]}"
    assert number not in again.text
    assert people(provider) == 4


def test_no_page_is_kept_by_caches_and_no_address_carries_a_value(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.send({"age": "adult"})
    _, entered = visitor.page.form(1)
    seen = [visitor.page]
    seen.append(visitor.send({}, form=1))
    seen.append(visitor.rest())
    seen.append(visitor.send({}))
    for page in seen:
        assert page.response.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in page.response.headers["Content-Security-Policy"]
        assert entered["number"] not in page.address
        assert re.fullmatch(r"/enrol/[\w-]{43}/[a-z]+", page.address)


def test_every_kind_can_be_applied_with(provider: Provider) -> None:
    for kind in DOCUMENT_KINDS:
        visitor = Visitor(provider.app.test_client())
        visitor.up_to_document(kind)
        assert visitor.made_up().testid == "page-enrol-face", kind


def test_the_steps_say_where_one_is(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.made_up("under_14")
    assert re.search(r'aria-current="step">4\. Guardian', visitor.page.text)
    assert "Step 4 of 8" in visitor.page.text
    other = Visitor(visitor.client)
    other.up_to_document()
    other.made_up()
    assert "Step 4 of 7" in other.page.text


def test_check_answers_shows_ones_own_values_and_leads_back_to_each(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.send({"age": "adult"})
    _, entered = visitor.page.form(1)
    visitor.send({}, form=1)
    check = visitor.rest()
    for value in (entered["name"], entered["number"], "+8611549027777"):
        assert value in check.text
    assert PASSCODE not in check.text
    for step in ("kind", "document", "phone", "passcode"):
        assert f'href="/enrol/{visitor.handle}/{step}"' in check.text
        assert visitor.open(f"/enrol/{visitor.handle}/{step}").testid == f"page-enrol-{step}"
    changed = visitor.open(f"/enrol/{visitor.handle}/phone")
    assert 'value="+8611549027777"' in changed.text
    assert visitor.send({"phone_number": "+86 115 0000 0009"}).testid == "page-enrol-passcode"


# The notice


def test_the_notice_comes_before_anything_is_taken(provider: Provider, visitor: Visitor) -> None:
    for item in ("Who processes it", "Legal basis", "What is taken", "Your rights", "Voluntary"):
        assert item in visitor.page.text
    assert drafts(provider) == 0
    assert visitor.send({}).errors == ["decision"]
    assert drafts(provider) == 0


def test_refusing_lands_on_a_way_that_works_and_keeps_nothing(provider: Provider, visitor: Visitor) -> None:
    page = visitor.send({"decision": "refuse"})
    assert page.testid == "page-enrol-refused"
    assert "lawful ways" in page.shown("way-on")
    assert drafts(provider) == 0


def test_refuse_comes_first_and_looks_the_same(visitor: Visitor) -> None:
    buttons = re.findall(r'<button class="([^"]+)" name="decision" value="(\w+)"', visitor.page.text)
    assert buttons == [("button", "refuse"), ("button", "agree")]


def test_another_text_than_the_one_shown_is_not_accepted(provider: Provider, visitor: Visitor) -> None:
    page = visitor.send({"decision": "agree", "sha256": "0" * 64})
    assert page.errors == ["decision"]
    assert drafts(provider) == 0


@pytest.mark.parametrize("step", ["guardian", "face"])
def test_refusing_the_guardians_or_the_face_notice_deletes_the_draft(
    provider: Provider, visitor: Visitor, step: str
) -> None:
    visitor.up_to_document()
    visitor.made_up("adult" if step == "face" else "from_14_under_18")
    if step == "guardian":
        visitor.send({"who": "persona:a-guardian", "passcode": "20250715"})
    assert visitor.send({"decision": "refuse"}).testid == "page-enrol-refused"
    assert drafts(provider) == 0


# Refusals


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"number": "110101199005170021"}, "number"),
        ({"number": "x"}, "number"),
        ({"birthdate": "1990-02-30"}, "birthdate"),
        ({"birthdate": "2030-01-01"}, "birthdate"),
        ({"expires_on": "2026-11-22"}, "expires_on"),
        ({"name": "x" * 101}, "name"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_document_is_said_at_the_top_and_at_its_input_and_kept(
    provider: Provider, language: str, wrong: dict[str, str], field: str
) -> None:
    visitor = Visitor(provider.app.test_client(), language)
    visitor.up_to_document()
    visitor.send({"age": "adult"})
    _, entered = visitor.page.form(1)
    page = visitor.send(wrong, form=1)
    assert page.response.status_code == 400
    assert page.errors == [field]
    assert f'id="{field}-error"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert re.search(r"<title>(Error:|出错：)", page.text)
    _, kept = page.form(1)
    for name, value in (entered | wrong).items():
        assert kept[name] == value
    if language == "zh":
        message = re.findall(r'<li><a href="#[^"]+">([^<]*)', page.text)[0]
        assert not re.search("[a-z]{4}", message), message


def test_a_real_looking_number_is_refused_with_the_reason(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.send({"age": "adult"})
    page = visitor.send({"number": "110101199005170021"}, form=1)
    summary = page.text.split('role="alert"')[1].split("</ul>")[0]
    assert "cannot belong to a real person" in summary
    assert "110101199005170021" not in summary


@pytest.mark.parametrize("outcome", ["differs", "not-live"])
def test_a_face_that_does_not_match_can_try_again(visitor: Visitor, outcome: str) -> None:
    visitor.up_to_document()
    visitor.made_up()
    visitor.agree()
    assert visitor.send({"outcome": outcome}).errors == ["face"]
    assert visitor.send({}).errors == ["face"]
    assert visitor.send({"outcome": "match"}).testid == "page-enrol-phone"


def test_a_wrong_phone_is_kept_and_a_wrong_passcode_is_not(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.made_up()
    visitor.face()
    page = visitor.send({"phone_number": "13800138000"})
    assert page.errors == ["phone_number"]
    assert 'value="13800138000"' in page.text
    visitor.send({"phone_number": "115 0000 0001"})
    page = visitor.send({"passcode": "12345678"})
    assert page.errors == ["passcode"]
    assert "12345678" not in page.text


def test_a_kind_has_to_be_chosen(visitor: Visitor) -> None:
    visitor.agree()
    assert visitor.send({}).errors == ["kind"]
    assert visitor.send({"kind": "driving_licence"}).errors == ["kind"]


# Guardians


@pytest.mark.parametrize(("age", "words"), [("under_14", "apply for them"), ("from_14_under_18", "confirm")])
def test_a_minor_enrols_with_a_guardian_in_the_same_application(
    provider: Provider, visitor: Visitor, age: str, words: str
) -> None:
    visitor.up_to_document()
    page = visitor.made_up(age)
    assert page.testid == "page-enrol-guardian"
    assert words in page.text
    assert "persona-a-guardian" in page.text
    assert "persona-a-child" not in page.text
    assert "persona-a-suspended-adult" not in page.text
    for step in ("face", "phone", "passcode", "check"):
        assert visitor.open(f"/enrol/{visitor.handle}/{step}").response.status_code == 303
    visitor.open(f"/enrol/{visitor.handle}/guardian")

    assert visitor.send({"who": "persona:a-guardian", "passcode": "20250715"}).testid == "page-enrol-guardian"
    assert "Agree as guardian" in visitor.page.text
    assert visitor.agree().testid == "page-enrol-face"
    visitor.rest()
    assert visitor.send({}).testid == "page-enrol-done"
    with provider.stores.db.read() as tx:
        bound = provider.stores.persons.personas(tx)
        guardians = list(
            tx.exec_driver_sql("SELECT guardian_id FROM persons WHERE guardian_id IS NOT NULL").scalars()
        )
    assert guardians == [bound["a-guardian"]] * 2


def test_no_step_after_the_guardians_can_be_posted_without_one(provider: Provider, visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.made_up("under_14")
    _, hidden = visitor.page.form(0)
    token = {"form_token": hidden["form_token"]}
    for step, answer in (
        ("face", {"outcome": "match"}),
        ("phone", {"phone_number": "115 0000 0001"}),
        ("passcode", {"passcode": PASSCODE}),
        ("check", {}),
    ):
        assert visitor.post(f"/enrol/{visitor.handle}/{step}", token | answer).testid == "page-enrol-guardian"
    assert people(provider) == 3


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({}, "who"),
        ({"who": "typed", "net_number": "", "passcode": PASSCODE}, "net_number"),
        ({"who": "typed", "net_number": "2222222222", "passcode": PASSCODE}, "passcode"),
        ({"who": "persona:a-guardian", "passcode": PASSCODE}, "passcode"),
        ({"who": "persona:a-guardian", "passcode": "x"}, "passcode"),
        ({"who": "persona:a-suspended-adult", "passcode": "20250715"}, "who"),
        ({"who": "persona:a-child", "passcode": "20250715"}, "who"),
        ({"who": "persona:nobody", "passcode": "20250715"}, "passcode"),
    ],
)
def test_a_guardian_who_cannot_act_is_refused(visitor: Visitor, answer: dict[str, str], field: str) -> None:
    visitor.up_to_document()
    visitor.made_up("under_14")
    page = visitor.send(answer)
    assert page.testid == "page-enrol-guardian"
    assert page.errors == [field]
    assert "20250715" not in page.text.split("disclosure")[0]


# Pressing twice, two tabs, other browsers, leaving, waiting


def test_a_second_press_shows_the_outcome_of_the_first(provider: Provider, visitor: Visitor) -> None:
    visitor.up_to_check()
    address, fields = visitor.page.form(0)
    first = visitor.post(address, fields)
    second = visitor.post(address, fields)
    assert (first.testid, second.testid) == ("page-enrol-done", "page-enrol-done")
    assert people(provider) == 4


def test_every_answer_sent_twice_goes_on(visitor: Visitor) -> None:
    visitor.up_to_document()
    visitor.made_up()
    address, fields = visitor.page.form(0)
    visitor.post(address, fields | {"decision": "agree"})
    visitor.post(address, fields | {"decision": "agree"})
    address, fields = visitor.page.form(0)
    visitor.post(address, fields | {"outcome": "match"})
    assert visitor.post(address, fields | {"outcome": "match"}).testid == "page-enrol-phone"


def test_two_tabs_do_not_mix(visitor: Visitor) -> None:
    visitor.up_to_document()
    first = visitor.page
    second = Visitor(visitor.client)
    second.agree()
    assert second.page.testid == "page-enrol-kind"
    visitor.page = first
    visitor.send({"age": "adult"})
    assert second.open(second.page.address).testid == "page-enrol-kind"


def test_another_browser_sees_nothing(provider: Provider, visitor: Visitor) -> None:
    check = visitor.up_to_check()
    stranger = Visitor(provider.app.test_client())
    for step in ("check", "document", "done"):
        page = stranger.open(f"/enrol/{visitor.handle}/{step}")
        assert (page.response.status_code, page.testid) == (400, "page-enrol-expired")
        assert "+8611549027777" not in page.text
    address, fields = check.form(0)
    assert stranger.post(address, fields).testid == "page-error", "not its form"
    assert people(provider) == 3


def test_a_form_from_elsewhere_is_refused(provider: Provider, visitor: Visitor) -> None:
    visitor.up_to_check()
    address, fields = visitor.page.form(0)
    assert visitor.client.post(address, data={}).status_code == 403
    foreign = visitor.client.post(address, data=fields, headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert people(provider) == 3


def test_a_form_with_a_field_too_many_is_refused_without_a_fault(visitor: Visitor) -> None:
    visitor.up_to_check()
    page = visitor.send({"status": "active"})
    assert (page.response.status_code, page.testid) == (400, "page-error")


def test_leaving_deletes_what_was_entered(provider: Provider, visitor: Visitor) -> None:
    visitor.up_to_check()
    handle = visitor.handle
    assert visitor.send({}, form=1).testid == "page-enrol-refused"
    assert drafts(provider) == 0
    assert visitor.open(f"/enrol/{handle}/check").testid == "page-enrol-expired"


def test_an_application_ends_after_30_minutes(visitor: Visitor, clock: Clock) -> None:
    visitor.up_to_check()
    assert "12:30 (UTC+8)" in visitor.page.text
    clock.now += timedelta(minutes=30)
    page = visitor.send({})
    assert (page.response.status_code, page.testid) == (400, "page-enrol-expired")


def test_a_document_with_a_net_number_is_told_after_the_face_and_shows_nothing(
    provider: Provider, visitor: Visitor
) -> None:
    visitor.up_to_document()
    visitor.send({"age": "adult"})
    _, entered = visitor.page.form(1)
    visitor.send({}, form=1)
    visitor.rest()
    number = visitor.send({}).shown("net-number")

    second = Visitor(provider.app.test_client())
    second.up_to_document()
    second.send(
        {name: entered[name] for name in ("name", "number", "sex", "birthdate", "expires_on")}, form=1
    )
    assert second.page.testid == "page-enrol-face"
    page = second.face()
    assert page.testid == "page-enrol-already"
    assert number not in page.text
    assert "******" not in page.text
    assert people(provider) == 4


def test_looking_ahead_does_not_use_up_the_one_time(visitor: Visitor) -> None:
    visitor.up_to_check()
    address, fields = visitor.page.form(0)
    location = visitor.client.post(address, data=fields).headers["Location"]
    visitor.client.head(location)
    visitor.client.get(location, headers={"Sec-Purpose": "prefetch"})
    assert len(visitor.open(location).shown("net-number").replace("*", "")) == 10


def test_this_browser_then_knows_the_person_and_no_other_does(provider: Provider, visitor: Visitor) -> None:
    Visitor(provider.app.test_client()).up_to_check()
    visitor.up_to_check()
    visitor.send({})
    cookie = visitor.client.get_cookie("netid_browser")
    assert cookie is not None
    with provider.stores.db.read() as tx:
        known = provider.stores.sessions.people_of(tx, Browser(cookie.value, None).digest)
        rows = tx.exec_driver_sql("SELECT count(*) FROM browser_people").scalar_one()
    assert (len(known), rows) == (1, 1)


def test_the_language_can_be_switched_half_way(visitor: Visitor) -> None:
    visitor.up_to_document()
    page = visitor.open(f"/enrol/{visitor.handle}/document?lang=zh")
    assert "居民身份证" in page.text
    assert '<html lang="zh-CN"' in visitor.open(f"/enrol/{visitor.handle}/document").text
