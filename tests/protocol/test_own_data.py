"""One's own data: the net number, a copy of everything, receipt files, records as JSON (PIPL 45, 48)."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema_rs import Draft202012Validator

from netid.cli import main
from netid.credentials.status_list import Status
from netid.identity.suspension import SuspensionReason
from netid.storage.copies import Change, Entry
from tests.pages import Visitor
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import audit_kinds
from tests.running import DEMO_PASSCODE, Running

RELEASE = {"scope": "openid netid.verify netid.purpose.real-name-parcel"}
FORMULA = '=HYPERLINK("http://evil.example","x")'
MARKUP = "<script>alert(1)</script>"


def owner(provider: Running, persona: str = "an-adult", language: str = "en") -> Visitor:
    """Somebody signed in for their own records."""
    return Visitor(provider, language).open(provider.url("/records")).sign_in(persona)


def fresh(visitor: Visitor, page: str) -> Visitor:
    """The same, who has just entered the passcode for that page."""
    visitor.open(visitor.running.url(f"/records/{page}")).press("to-passcode")
    assert visitor.page.name == "page-passcode"
    visitor.press("next", passcode=DEMO_PASSCODE)
    if visitor.page.name == "page-face":
        visitor.press("face-match")
    return visitor


def net_number(provider: Running, persona: str = "an-adult") -> str:
    with provider.provider.stores.db.read() as tx:
        disclosure = provider.provider.services.decisions._disclosure
        return disclosure.net_number_for_owner(tx, person_id_of(provider, persona)).reveal()


def saved(visitor: Visitor) -> dict[str, Any]:
    """The copy as a file."""
    form = visitor.page.form_of("save")
    token = form.one("input", name="form_token").get("value")
    answer = visitor.browser.post(
        visitor.running.url("/records/export"),
        data={"form_token": token, "decision": "save"},
        headers={"Origin": visitor.running.issuer},
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="netid-copy.json"'
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    assert not set("<>&") & set(answer.text)
    copy: dict[str, Any] = answer.json()
    return copy


# The net number


def test_the_net_number_is_masked_and_shown_once_after_a_fresh_sign_in(provider: Running) -> None:
    number = net_number(provider)
    visitor = owner(provider)
    assert visitor.page.test("masked-number").text == f"{number[:2]}******{number[-2:]}"
    assert number not in visitor.page.response.text
    fresh(visitor, "number")
    assert visitor.page.name == "page-number"
    assert number not in visitor.page.response.text
    before = visitor.page
    visitor.press("show")
    shown = visitor.page.response
    assert visitor.page.test("net-number").text == number
    assert number not in visitor.page.one("title").text
    assert number not in str(shown.headers) + shown.url
    assert "no-store" in shown.headers["Cache-Control"]
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "number_shown" in audit_kinds(provider)
    visitor.page = before
    visitor.press("show")
    assert visitor.page.name == "page-passcode", "once for each sign-in"


@pytest.mark.parametrize(("page", "decision"), [("number", "show"), ("export", "show"), ("export", "save")])
def test_r2_nothing_is_shown_without_a_fresh_sign_in_or_without_the_form(
    provider: Running, page: str, decision: str
) -> None:
    hidden = [net_number(provider), "林示例"]
    visitor = owner(provider).open(provider.url(f"/records/{page}"))
    token = visitor.page.form_of("to-passcode").one("input", name="form_token").get("value")
    visitor.send(f"/records/{page}", {"form_token": token, "decision": decision})
    assert visitor.page.name == "page-passcode"
    fresh(visitor, page)
    for form_token in ("", "x" * 43):
        refused = visitor.browser.post(
            provider.url(f"/records/{page}"),
            data={"form_token": form_token, "decision": decision},
            headers={"Origin": provider.issuer},
        )
        assert refused.status_code == 403
        assert not [value for value in hidden if value in refused.text]
    foreign = visitor.browser.post(
        provider.url(f"/records/{page}"),
        data={"form_token": token},
        headers={"Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    assert {"number_shown", "copied"}.isdisjoint(audit_kinds(provider))


@pytest.mark.parametrize("page", ["number", "export"])
def test_r2_a_fresh_sign_in_is_good_for_its_act_its_browser_and_five_minutes(
    provider: Running, page: str
) -> None:
    other = {"number": "export", "export": "number"}[page]
    visitor = fresh(owner(provider), page)
    assert visitor.page.has("show")
    assert not visitor.open(provider.url(f"/records/{other}")).page.has("show")
    assert not owner(provider).open(provider.url(f"/records/{page}")).page.has("show")
    provider.clock.advance(minutes=5, seconds=1)
    visitor.open(provider.url(f"/records/{page}"))
    assert not visitor.page.has("show")
    token = visitor.page.form_of("to-passcode").one("input", name="form_token").get("value")
    visitor.send(f"/records/{page}", {"form_token": token, "decision": "show"})
    assert visitor.page.name == "page-passcode"


# The copy


def lived(provider: Running) -> Visitor:
    """Somebody of whom there is something of everything."""
    shop, other = provider.register(), provider.register("other")
    shop.userinfo(shop.tokens(rule={"voluntary": "all"}, **RELEASE)["access_token"])
    other.headless(rule={"decision": "refuse"}, **RELEASE)
    visitor = owner(provider)
    [refused, _given] = [str(link.get("href")) for link in visitor.page.all("a", data_testid="receipt")]
    visitor.open(provider.url(f"{refused}/complaint")).press("send-complaint", words=f"{FORMULA}\n{MARKUP}")
    provider.provider.services.suspensions.suspend(
        person_id_of(provider, "an-adult"), SuspensionReason.OWN_WISH, 3
    )
    visitor.open(provider.url("/records/notices")).press("send-appeal", words=f"+cmd {MARKUP}")
    return visitor


def test_the_copy_has_everything_and_is_what_its_schema_says(provider: Running) -> None:
    copy = saved(fresh(lived(provider), "export"))
    schema = requests.get(copy["$schema"], timeout=10)
    assert schema.headers["Content-Type"] == "application/schema+json"
    validator = Draft202012Validator(schema.json(), validate_formats=True)
    assert list(validator.iter_errors(copy)) == []
    assert list(validator.iter_errors(copy | {"planted": 1})), "the schema is closed"
    assert copy["net_number"] == net_number(provider)
    assert copy["document"]["name"] == "林示例"
    assert copy["document"].keys() >= {"document_number", "birthdate", "phone_number", "sex"}
    assert [one["receipt"]["action"] for one in copy["receipts"]] == ["agreed", "refused"]
    assert {one["client_id"] for one in copy["platforms"]} == {"a-shop", "other"}
    assert [one["words"] for one in copy["complaints"]] == [f"{FORMULA}\n{MARKUP}"]
    assert [one["words"] for one in copy["appeals"]] == [f"+cmd {MARKUP}"]
    assert copy["suspension"]
    assert copy["sessions"]
    with provider.provider.stores.db.read() as tx:
        kept = provider.provider.stores.audit.of_person(tx, person_id_of(provider, "an-adult"))
    what = [one["what"] for one in copy["events"]]
    assert what == [event.kind for event in reversed(kept)]
    assert {"consent_agreed", "released", "complained", "appealed", "copied"} <= set(what)


def test_the_copy_has_what_is_kept_of_copies_in_wallets(provider: Running) -> None:
    stores, now = provider.provider.stores, provider.clock.now()
    ends = now + timedelta(days=30)
    with stores.db.write() as tx:
        stores.copies.begin_list(tx, "a-list", now)
        for persona, index in (("an-adult", 7), ("another-adult", 8)):
            person_id = person_id_of(provider, persona)
            stores.copies.take(tx, "a-list", person_id, 1, now, ends, iter([index]).__next__)
        revoked = Change(Entry("a-list", 7), Status.INVALID, Status.VALID, now)
        stores.copies.change(tx, revoked)
    visitor = fresh(owner(provider), "export")
    [kept] = saved(visitor)["wallet_copies"]
    assert (kept["status_list"], kept["index"], kept["status"]) == ("a-list", 7, "revoked")
    assert datetime.fromisoformat(kept["ends_at"]) == ends.replace(
        microsecond=ends.microsecond // 1000 * 1000
    )
    visitor.press("show")
    assert "a-list · 7" in [cell.text for cell in visitor.page.all("td")]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            {
                "net credential in this browser, passcode",
                "Real-name check for sending a parcel",
                "17 May 1990",
                "China",
                "Resident ID card",
            },
        ),
        ("zh-CN", {"这个浏览器里的网证、口令", "寄件实名核验", "1990年5月17日", "中国", "居民身份证"}),
    ],
)
def test_the_copy_is_read_in_words_and_not_in_codes(
    provider: Running, language: str, words: set[str]
) -> None:
    visitor = fresh(owner_of_a_receipt(provider, language), "export")
    visitor.press("show")
    cells = [cell.text for cell in visitor.page.all("td", "dd")]
    assert words <= set(cells)
    codes = {"pin pop", "factors: pin pop", "real-name-parcel", "CHN", "resident_id", "1990-05-17"}
    assert not codes & set(cells)
    heads = [head.text for head in visitor.page.test("events").all("th")]
    assert heads[1] == {"en": "Event", "zh-CN": "事项"}[language]


def owner_of_a_receipt(provider: Running, language: str) -> Visitor:
    """Somebody who agreed to a purpose."""
    provider.register().tokens(**RELEASE)
    return owner(provider, language=language)


def test_r3_a_value_is_no_formula_and_no_markup_for_whoever_opens_it(provider: Running) -> None:
    visitor = fresh(lived(provider), "export")
    copy = saved(visitor)
    assert copy["complaints"][0]["words"].startswith("="), "JSON keeps what was written"
    visitor.press("show")
    assert visitor.page.name == "page-copy"
    assert MARKUP not in visitor.page.response.text
    cells = [cell.text for cell in visitor.page.all("td", "dd")]
    assert f"“{FORMULA} {MARKUP}”" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell for cell in cells if cell.startswith("“+86")], "a mobile number begins with a plus"


def test_the_receipts_of_a_copy_and_one_by_itself_are_verified_offline(
    provider: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visitor = lived(provider)
    copy, one, keys = (tmp_path / name for name in ("copy.json", "one.json", "jwks.json"))
    keys.write_text(requests.get(provider.url("/jwks"), timeout=10).text)
    link = visitor.open(provider.url("/records")).page.all("a", data_testid="receipt")[0].get("href")
    answer = visitor.browser.get(provider.url(f"{link}/receipt.json"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="netid-receipt-2.json"'
    schema = requests.get(answer.json()["$schema"], timeout=10).json()
    assert list(Draft202012Validator(schema).iter_errors(answer.json())) == []
    one.write_text(answer.text)
    copy.write_text(json.dumps(saved(fresh(visitor, "export"))))
    assert main(["receipt", "verify", str(copy), "--keys", str(keys)]) == 0
    assert main(["receipt", "verify", str(one), "--keys", str(keys)]) == 0
    said = capsys.readouterr().out
    assert "receipts 1 to 2" in said
    assert "what came before receipt 2 is not in this file" in said
    one.write_text(answer.text.replace('"refused"', '"agreed"'))
    assert main(["receipt", "verify", str(one), "--keys", str(keys)]) == 1


# Searching and explaining


@pytest.fixture
def searcher(provider: Running) -> Visitor:
    """Somebody with three entries: shared at a-shop, refused at other, a check result at third."""
    shop, other = provider.register(), provider.register("other")
    shop.userinfo(shop.tokens(**RELEASE)["access_token"])
    other.headless(rule={"decision": "refuse"}, **RELEASE)
    provider.register("third").tokens()
    return owner(provider)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["third", "other", "a-shop"]),
        ("platform=other", ["other"]),
        ("outcome=check-only", ["third"]),
        ("outcome=refused&platform=a-shop", []),
        ("outcome=nonsense", ["third", "other", "a-shop"]),
        ("words=MOBILE+number", ["other", "a-shop"]),
        ("words=%E5%AF%84%E4%BB%B6", ["other", "a-shop"]),
        ("words=third+ltd", ["third"]),
        ("words=nowhere", []),
        ("words=%3Cscript%3E%00", []),
    ],
)
def test_entries_are_found_by_platform_outcome_and_words(
    searcher: Visitor, query: str, expected: list[str]
) -> None:
    page = searcher.open(searcher.running.url(f"/records?{query}")).page
    assert page.response.status_code == 200
    assert [one.one("h4").text.split(" ")[1] for one in page.all("article")] == expected
    assert page.has("none-found") is (not expected)
    data = searcher.browser.get(searcher.running.url(f"/records.json?{query}")).json()
    assert [one["client_id"] for one in data["records"]] == expected


def test_each_entry_is_explained_in_words(searcher: Visitor) -> None:
    check, refused, shared = (one.all("li") for one in searcher.page.all("details", data_testid="why"))
    assert [one.text for one in shared][1:4] == [
        "It may ask for details under Express rules, 22, and only with consent.",
        "You agreed.",
        "It got: Name, Document number.",
    ]
    assert "asked on" in shared[0].text
    assert shared[4].text == "It did not get: Mobile number."
    assert shared[-1].text == "By its registration it keeps this for 180 days."
    assert refused[-1].text == "You refused, so nothing was given."
    assert [one.text for one in check][1:] == [
        "Its only basis is consent, and no detail from the document is part of it.",
        "You agreed.",
        "It could get the check result, and nothing from the document.",
        "The consent holds until it is withdrawn.",
    ]


def test_the_same_is_explained_in_chinese(searcher: Visitor) -> None:
    page = searcher.open(searcher.running.url("/records?lang=zh")).page
    sentences = [line.text for line in page.all("details", data_testid="why")[2].all("li")]
    assert sentences[1:4] == [
        "它索取证件内容的依据是《快递暂行条例》第二十二条，而且须经同意。",
        "您同意了。",
        "它得到了：姓名、证件号码。",
    ]


# Complaints


def test_a_complaint_is_kept_read_by_the_operator_and_answered(searcher: Visitor, provider: Running) -> None:
    link = searcher.page.all("a", data_testid="receipt")[1].get("href")
    searcher.open(provider.url(f"{link}/complaint")).press(
        "send-complaint", words="  They asked twice.\nWhy? "
    )
    assert searcher.page.name == "page-receipt"
    assert searcher.page.test("complaint-answer").text == "not answered yet"
    complaining = provider.provider.services.complaining
    [waiting] = complaining.unanswered()
    assert waiting.client_id == "other"
    assert complaining.read(waiting.complaint_id).words == "They asked twice.\nWhy?"
    complaining.answer(waiting.complaint_id, "They have been told to stop.")
    assert complaining.unanswered() == []
    searcher.open(provider.url(str(link)))
    assert searcher.page.test("complaint-words").text == "They asked twice. Why?"
    assert searcher.page.test("complaint-answer").text == "They have been told to stop."
    searcher.open(provider.url(f"{link}/complaint"))
    assert searcher.page.name == "page-receipt", "one complaint for each entry"
    assert audit_kinds(provider)[-3:] == ["complained", "complaint_read", "complaint_answered"]


@pytest.mark.parametrize("words", ["", "   ", "x" * 1001, "a\x00b", "\x1b[31m"])
def test_a_complaint_that_is_none_is_asked_for_again(searcher: Visitor, words: str) -> None:
    link = searcher.page.all("a", data_testid="receipt")[0].get("href")
    searcher.open(searcher.running.url(f"{link}/complaint")).press("send-complaint", words=words)
    assert searcher.page.faults == {"words": "Write what happened, in up to 1000 characters."}
    assert searcher.running.provider.services.complaining.unanswered() == []


# R1: what is another's


def test_r1_what_is_anothers_is_not_found_with_the_bytes_of_what_is_missing(provider: Running) -> None:
    provider.register().tokens()
    theirs = str(owner(provider).page.all("a", data_testid="receipt")[0].get("href")).rsplit("/", 1)[1]
    missing = "A" * len(theirs)
    visitor = owner(provider, "another-adult")
    token = visitor.page.form_of("sign-out").one("input", name="form_token").get("value")
    for address in ("", "/complaint", "/receipt.json"):
        anothers, none = (
            visitor.browser.get(provider.url(f"/records/{receipt_id}{address}"))
            for receipt_id in (theirs, missing)
        )
        assert anothers.status_code == none.status_code == 404
        assert anothers.text.replace(theirs, "") == none.text.replace(missing, "")
        assert anothers.headers["Content-Type"] == none.headers["Content-Type"]
    for address in ("/withdraw", "/complaint"):
        sent = {"form_token": token, "words": "x"} if address == "/complaint" else {"form_token": token}
        if address == "/complaint":
            sent["form_token"] = complaint_token(visitor)
        anothers, none = (
            visitor.browser.post(
                provider.url(f"/records/{receipt_id}{address}"),
                data=sent,
                headers={"Origin": provider.issuer},
            )
            for receipt_id in (theirs, missing)
        )
        assert anothers.status_code == none.status_code == 404
        assert anothers.text.replace(theirs, "") == none.text.replace(missing, "")
    assert provider.provider.services.complaining.unanswered() == []
    assert "Withdrawn" not in owner(provider).page.one("main").all("article")[0].text


def complaint_token(visitor: Visitor) -> str | None:
    """The form token of this browser's complaint pages, from an entry of its own."""
    visitor.running.register("mine").tokens("another-adult")
    link = visitor.open(visitor.running.url("/records")).page.all("a", data_testid="receipt")[0].get("href")
    visitor.open(visitor.running.url(f"{link}/complaint"))
    return visitor.page.form_of("send-complaint").one("input", name="form_token").get("value")


def test_r1_a_copy_is_of_nobody_else(provider: Running) -> None:
    provider.register().tokens()
    provider.register("other").tokens("another-adult")
    copy = saved(fresh(owner(provider, "another-adult"), "export"))
    assert [one["client_id"] for one in copy["platforms"]] == ["other"]
    assert net_number(provider) not in json.dumps(copy)


# Without a session


@pytest.mark.parametrize("path", ["/records.json", "/records/abc/receipt.json"])
def test_json_without_a_session_is_refused_as_a_problem(provider: Running, path: str) -> None:
    answer = requests.get(provider.url(path), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_required")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("page", ["number", "export", "document", "children"])
def test_pages_without_a_session_begin_with_signing_in(provider: Running, page: str) -> None:
    assert Visitor(provider).open(provider.url(f"/records/{page}")).page.name == "page-sign-in"
