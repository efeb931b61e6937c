"""A renewed document corrects what is kept; the net number and every subject stay (PIPL 46, 50)."""

from datetime import date
from typing import Any

import pytest

from netid.credentials.jose import unverified_payload
from netid.errors import FreshSignInRequired
from netid.identity.documents import IdentityDocument, make_synthetic_document, parse_document
from netid.identity.persons import shipped_personas
from netid.services.enrolment import Applicant
from netid.services.sign_in import Browser
from tests.pages import Visitor
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import audit_kinds, rows
from tests.protocol.test_own_data import fresh, net_number, owner
from tests.running import DEMO_PASSCODE, Running

PASSPORT, CARD = "passport-abroad", "an-adult"


def printed(provider: Running, persona: str, **changes: Any) -> dict[str, str]:
    """The persona's document as its holder types it, with changes; None leaves a field empty."""
    found = next(one for one in shipped_personas(provider.clock.now().date()) if one.id == persona).document
    values = {
        "name": found.name,
        "number": found.number,
        "sex": found.sex,
        "birthdate": found.birthdate.isoformat(),
        "expires_on": found.expires_on.isoformat() if found.expires_on else "",
    }
    return values | {name: value or "" for name, value in changes.items()}


def other_passport(provider: Running, birthdate: date = date(1988, 1, 30)) -> str:
    made = make_synthetic_document(
        "overseas_citizen_passport",
        birthdate=birthdate,
        sex="female",
        name="何示例",
        random=lambda count: b"\x2a" * count,
    )
    return made.number


def at_the_form(provider: Running, persona: str) -> Visitor:
    visitor = fresh(owner(provider, persona), "document")
    assert visitor.page.name == "page-document"
    assert visitor.page.has("present")
    return visitor


def kept(provider: Running, persona: str) -> dict[str, str]:
    with provider.provider.stores.db.read() as tx:
        disclosure = provider.provider.services.decisions._disclosure
        return dict(disclosure.release_to_owner(tx, person_id_of(provider, persona)))


def test_a_renewed_passport_takes_the_old_ones_place_and_everything_else_stays(provider: Running) -> None:
    shop = provider.register()
    before = shop.tokens(PASSPORT)["id_token"]
    number, old = net_number(provider, PASSPORT), kept(provider, PASSPORT)
    visitor = at_the_form(provider, PASSPORT)
    new = other_passport(provider)
    visitor.press("present", **printed(provider, PASSPORT, number=new, name="何新名"))
    assert "on record" in visitor.page.test("status").text
    assert "Taken. Changed: Name, Document number" in visitor.page.test("history").text
    assert kept(provider, PASSPORT) == old | {"document_number": new, "name": "何新名"}
    assert net_number(provider, PASSPORT) == number
    assert subject(before) == subject(shop.tokens(PASSPORT)["id_token"])
    assert audit_kinds(provider).count("corrected") == 1
    # By neither of the two does anybody get a second net number.
    enrolment = provider.provider.services.enrolment
    with provider.provider.stores.db.read() as tx:
        assert enrolment.is_enrolled(tx, document(provider, new))
        assert enrolment.is_enrolled(tx, document(provider, old["document_number"]))


def document(provider: Running, number: str) -> IdentityDocument:
    values = printed(provider, PASSPORT, number=number)
    return parse_document("overseas_citizen_passport", values | {"expires_on": values["expires_on"] or None})


def subject(id_token: str) -> object:
    return unverified_payload(id_token)["sub"]


def test_a_long_term_card_takes_the_expiry_away(provider: Running) -> None:
    visitor = at_the_form(provider, CARD)
    visitor.press("present", **printed(provider, CARD, expires_on=None))
    assert "document_expires_on" not in kept(provider, CARD)
    assert "Document valid until" in visitor.page.test("history").text


REFUSED = {
    "another birth date": (PASSPORT, {"birthdate": "1988-01-31"}, "is not shown to be yours"),
    "another sex": (PASSPORT, {"sex": "male"}, "is not shown to be yours"),
    "older": (CARD, {"expires_on": "2041-06-29"}, "expires before"),
    "the same again": (CARD, {}, "says what is on record already"),
}


@pytest.mark.parametrize(("persona", "changes", "words"), REFUSED.values(), ids=REFUSED)
def test_pipl_50_a_refused_correction_has_its_reason_in_writing_and_changes_nothing(
    provider: Running, persona: str, changes: dict[str, str], words: str
) -> None:
    before, vault = kept(provider, persona), rows(provider)["vault"]
    visitor = at_the_form(provider, persona).press("present", **printed(provider, persona, **changes))
    assert "nothing has changed" in visitor.page.test("status").text
    assert words in visitor.page.test("history").text
    assert kept(provider, persona) == before
    assert rows(provider)["vault"] == vault
    assert "correction_refused" in audit_kinds(provider)
    # It stays in writing, and what it says holds no value.
    later = owner(provider, persona).open(provider.url("/records/document"))
    assert words in later.page.test("history").text


def test_a_number_for_life_that_is_another_is_not_shown_to_be_yours(provider: Running) -> None:
    other = make_synthetic_document(
        "resident_id",
        birthdate=date(1990, 5, 17),
        sex="female",
        name="林示例",
        random=lambda count: b"\x2a" * count,
    )
    visitor = at_the_form(provider, CARD).press("present", **printed(provider, CARD, number=other.number))
    assert "is not shown to be yours" in visitor.page.test("history").text


def test_a_document_that_somebody_else_has_a_net_number_by_is_refused(provider: Running) -> None:
    number = other_passport(provider)
    visitor = at_the_form(provider, PASSPORT)
    enrolment = provider.provider.services.enrolment
    with provider.provider.stores.db.write() as tx:
        applicant = Applicant(
            document(provider, number), "+8611500000098", enrolment.hash_passcode(DEMO_PASSCODE)
        )
        enrolment.enrol(tx, applicant, provider.clock.now())
    visitor.press("present", **printed(provider, PASSPORT, number=number))
    assert "somebody has a net number by this document" in visitor.page.test("history").text


MISTAKES = {
    "a check digit": ({"number": "110000199005170001"}, "number"),
    "a date": ({"birthdate": "17 May"}, "birthdate"),
    "nothing": ({"name": None}, "name"),
    "an expired one": ({"expires_on": "2020-01-01"}, "expires_on"),
}


@pytest.mark.parametrize(("changes", "field"), MISTAKES.values(), ids=MISTAKES)
def test_a_slip_is_named_at_its_field_and_the_sign_in_is_still_good(
    provider: Running, changes: dict[str, str | None], field: str
) -> None:
    visitor = at_the_form(provider, CARD).press("present", **printed(provider, CARD, **changes))
    assert list(visitor.page.faults) == [field]
    assert {"corrected", "correction_refused"}.isdisjoint(audit_kinds(provider))
    visitor.press("present", **printed(provider, CARD, name="林新名"))
    assert kept(provider, CARD)["name"] == "林新名"


def test_r2_presenting_takes_passcode_and_face_just_now(provider: Running) -> None:
    visitor = owner(provider).open(provider.url("/records/document"))
    token = visitor.page.form_of("to-passcode").one("input", name="form_token").get("value")
    visitor.send("/records/document", {"form_token": token, **printed(provider, CARD, name="林新名")})
    assert visitor.page.name == "page-passcode"
    visitor.press("next", passcode=DEMO_PASSCODE)
    assert visitor.page.name == "page-face"
    visitor.press("face-match").press("present", **printed(provider, CARD, name="林新名"))
    visitor.press("to-passcode")
    assert visitor.page.name == "page-passcode", "one sign-in is good for one document"
    assert audit_kinds(provider).count("corrected") == 1


def test_a_face_that_differs_presents_nothing(provider: Running) -> None:
    visitor = owner(provider).open(provider.url("/records/document")).press("to-passcode")
    visitor.press("next", passcode=DEMO_PASSCODE).press("face-differs")
    assert not visitor.open(provider.url("/records/document")).page.has("present")
    nobody = Browser("x" * 43, "y" * 43)
    with pytest.raises(FreshSignInRequired):
        provider.provider.services.correcting.correct(nobody, {})


def test_a_child_presents_a_document_only_with_the_guardian(provider: Running) -> None:
    visitor = owner(provider, "child-of-10").open(provider.url("/records/document")).press("to-passcode")
    visitor.press("next", passcode=DEMO_PASSCODE).press("face-match")
    assert visitor.page.name == "page-guardian"
    assert "renewed document" in visitor.page.one("main").text
    visitor.open(provider.url(str(visitor.page.test("next").get("href"))))
    visitor.press("next", who="persona:guardian").press("next", passcode=DEMO_PASSCODE)
    if visitor.page.name == "page-face":
        visitor.press("face-match")
    assert visitor.page.has("present")
