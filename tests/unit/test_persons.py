"""Personas: the shipped ones, and what a mistake in one's own file says."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netid.errors import PersonaError
from netid.identity.ages import Capacity, age_on, capacity_on
from netid.identity.claims import CATALOGUE
from netid.identity.documents import DOCUMENT_KINDS
from netid.identity.persons import (
    GROUP_LABELS,
    Group,
    PersonaStatus,
    fields_of,
    load_personas,
    shipped_personas,
)
from netid.identity.text import Text

TODAY = date(2026, 11, 23)

ONE = """\
personas:
  - id: somebody
    title: {zh: 某人, en: Somebody}
    group: adult
    document: {kind: resident_id, name: 林示例, sex: female, birthdate: 1990-05-17, serial: 1}
    phone_number: "+86 115 0000 0001"
"""

ANOTHER = """\
  - id: another
    title: {zh: 另一人, en: Another}
    group: adult
    document: {kind: resident_id, name: 陈样本, sex: male, birthdate: 1985-11-02, serial: 2}
    phone_number: "+86 115 0000 0002"
"""

CHILD = """\
  - id: a-child
    title: {zh: 孩子, en: A child}
    group: under-14
    document: {kind: resident_id, name: 李示例, sex: male, age: {years: 10}, serial: 3}
    phone_number: "+86 115 0000 0003"
    guardian: somebody
"""


def load(text):
    return load_personas(text, "own.yaml", TODAY)


def mistake_in(text):
    with pytest.raises(PersonaError) as caught:
        load(text)
    line = caught.value.detail
    assert line.isprintable(), "one printable line"
    assert len(line) < 700
    assert line.startswith("own.yaml: ")
    return line


@pytest.fixture(scope="module")
def shipped():
    return {persona.id: persona for persona in shipped_personas(TODAY)}


def test_at_least_twenty_are_shipped(shipped):
    assert len(shipped) >= 20
    assert {persona.group for persona in shipped.values()} == set(Group) == set(GROUP_LABELS)


def test_every_kind_of_document_is_shipped_and_both_forms_of_permanent_residence(shipped):
    assert {persona.document.kind for persona in shipped.values()} == set(DOCUMENT_KINDS)
    assert len(shipped["permanent-resident"].document.number) == 18
    assert len(shipped["permanent-resident-old-form"].document.number) == 15
    assert shipped["hong-kong-visitor"].document.number.startswith("H")
    assert shipped["macao-visitor"].document.number.startswith("M")
    assert shipped["hong-kong-resident"].document.number.startswith("81")
    assert shipped["macao-resident"].document.number.startswith("82")


@given(st.dates(date(2025, 7, 15), date(2060, 12, 31)))
@settings(max_examples=60, deadline=None)
@example(date(2039, 7, 14))  # the demo's passcode is the date of birth of day-before-14
@example(date(2028, 2, 28))
@example(date(2028, 2, 29))
@example(date(2027, 2, 28))
@example(date(2027, 3, 1))
def test_the_borders_stay_true_on_any_day(today):
    people = {persona.id: persona.document for persona in shipped_personas(today)}
    ages = {name: age_on(document.birthdate, today) for name, document in people.items()}
    expected = {
        "child-of-10": 10,
        "day-before-14": 13,
        "on-14": 14,
        "teen-of-15": 15,
        "day-before-16": 15,
        "on-16": 16,
        "day-before-18": 17,
        "on-18": 18,
    }
    assert {name: ages[name] for name in expected} == expected
    in_two_days = today + timedelta(days=2)
    assert age_on(people["day-before-14"].birthdate, in_two_days) == 14
    assert age_on(people["day-before-18"].birthdate, in_two_days) == 18
    assert not people["document-expired"].is_valid_on(today)
    assert people["document-expires-today"].is_valid_on(today)
    assert not people["document-expires-today"].is_valid_on(today + timedelta(days=1))


def test_all_documents_but_the_expired_one_are_valid(shipped):
    invalid = {name for name, persona in shipped.items() if not persona.document.is_valid_on(TODAY)}
    assert invalid == {"document-expired"}


def test_children_have_guardians_who_are_adults(shipped):
    assert shipped["child-of-10"].guardian == shipped["teen-of-15"].guardian == "guardian"
    for persona in shipped.values():
        if capacity_on(persona.document.birthdate, TODAY) is not Capacity.ADULT:
            guardian = shipped[persona.guardian]
            assert capacity_on(guardian.document.birthdate, TODAY) is Capacity.ADULT


def test_names_that_break_things_are_shipped(shipped):
    assert any(0x20000 <= ord(character) <= 0x2A6DF for character in shipped["rare-name"].document.name)
    assert len(shipped["long-name"].document.name) > 80
    assert "\u00b7" in shipped["middle-dot-name"].document.name
    assert {"'", "-", "É"} <= set(shipped["foreign-name"].document.name)


def test_what_has_become_of_a_credential_is_shipped(shipped):
    assert shipped["suspended"].status is PersonaStatus.SUSPENDED
    assert shipped["suspended"].suspension_reason.zh
    assert shipped["cancelled"].status is PersonaStatus.CANCELLED
    assert [persona.id for persona in shipped.values() if not persona.has_nfc] == ["without-nfc"]
    assert shipped["an-adult"].status is PersonaStatus.ACTIVE


def test_no_two_share_a_name_number_or_phone(shipped):
    for field in ("name", "document_number", "phone_number"):
        values = [persona.fields[field] for persona in shipped.values()]
        assert len(set(values)) == len(values)


def test_the_fields_are_the_catalogues(shipped):
    fields = {claim.name for claim in CATALOGUE.values() if claim.is_field}
    persona = shipped["an-adult"]
    assert set(persona.fields) == fields
    assert persona.fields == fields_of(persona.document, persona.phone_number)
    assert persona.fields["birthdate"] == "1990-05-17"
    assert persona.fields["document_expires_on"] == "2041-06-30"
    assert persona.fields["phone_number"] == "+8611500000001"
    long_term = shipped["another-adult"]
    assert set(long_term.fields) == fields - {"document_expires_on"}


def test_a_persona_does_not_print_its_fields(shipped):
    persona = shipped["an-adult"]
    for value in ("林示例", persona.document.number, persona.phone_number, persona.passcode):
        assert value not in repr(persona)


def test_own_personas_are_loaded_in_their_order():
    somebody, another, child = load(ONE + ANOTHER + CHILD)
    assert somebody.title == Text(zh="某人", en="Somebody")
    assert (somebody.id, another.id, child.id) == ("somebody", "another", "a-child")
    assert somebody.passcode == "20250715"
    assert somebody.guardian is None
    assert somebody.has_nfc is True
    assert child.guardian == "somebody"


def test_numbers_and_phones_may_be_written_without_quotes():
    text = ONE.replace('"+86 115 0000 0001"', "+8611500000001") + "    passcode: 01830592\n"
    (persona,) = load(text)
    assert persona.phone_number == "+8611500000001"
    assert persona.passcode == "01830592"


def test_a_persona_keeps_its_number_from_one_start_to_the_next():
    assert load(ONE) == load(ONE)


MISTAKES = [
    # what is wrong, the text, and what the line must say
    ("unknown key", ONE + "    nickname: x\n", ["persona somebody", "nickname", "there is no such field"]),
    ("missing key", ONE.replace("    group: adult\n", ""), ["persona somebody", "group", "add it"]),
    ("unknown group", ONE.replace("adult", "adults"), ["persona somebody", "group"]),
    ("id not in kebab case", ONE.replace("id: somebody", "id: Some_Body"), ["Some_Body", ": id: "]),
    ("title in one language", ONE.replace(", en: Somebody", ""), ["persona somebody", "title.en", "add it"]),
    (
        "bad check digit",
        ONE.replace("serial: 1", 'number: "100000199005170048"'),
        ["persona somebody", "document.number", "check digit"],
    ),
    (
        "real number",
        ONE.replace("serial: 1", 'number: "11010519491231002X"').replace("1990-05-17", "1949-12-31"),
        ["persona somebody", "document.number", "cannot belong to a real person"],
    ),
    (
        "real phone",
        ONE.replace("115 0000 0001", "138 0013 8000"),
        ["persona somebody", "phone_number", "real"],
    ),
    ("weak passcode", ONE + "    passcode: 12345678\n", ["persona somebody", "passcode", "consecutive"]),
    ("unknown kind", ONE.replace("resident_id", "driving_licence"), ["document.kind"]),
    ("bad sex", ONE.replace("sex: female", "sex: f"), ["document.sex"]),
    ("no such day", ONE.replace("1990-05-17", "1990-02-30"), ["document.birthdate", "a day that exists"]),
    ("birth in the future", ONE.replace("1990-05-17", "2026-11-24"), ["document.birthdate", "future"]),
    (
        "neither birthdate nor age",
        ONE.replace("birthdate: 1990-05-17, ", ""),
        ["document", "birthdate or age"],
    ),
    ("number and serial", ONE.replace("serial: 1", "serial: 1, number: x"), ["document", "number or serial"]),
    ("negative serial", ONE.replace("serial: 1", "serial: -1"), ["document.serial"]),
    ("endless age", ONE.replace("birthdate: 1990-05-17", "age: {years: 99999}"), ["document.age.years"]),
    (
        "guardian who does not exist",
        ONE + CHILD.replace("somebody", "nobody"),
        ["a-child", "guardian", "exists"],
    ),
    (
        "minor without guardian",
        ONE + CHILD.replace("    guardian: somebody\n", ""),
        ["a-child", "guardian", "required"],
    ),
    (
        "guardian who is a minor",
        ONE
        + CHILD
        + CHILD.replace("a-child", "b-child")
        .replace("serial: 3", "serial: 4")
        .replace("somebody", "a-child"),
        ["b-child", "guardian", "adult"],
    ),
    ("own guardian", ONE + "    guardian: somebody\n", ["somebody", "guardian", "somebody else"]),
    (
        "cancelled guardian",
        ONE + "    status: cancelled\n" + CHILD,
        ["a-child", "guardian", "cancelled"],
    ),
    ("duplicate id", ONE + ANOTHER.replace("another", "somebody"), ["persona somebody", ": id: ", "unique"]),
    (
        "duplicate document",
        ONE
        + ANOTHER.replace(
            "male, birthdate: 1985-11-02, serial: 2", "female, birthdate: 1990-05-17, serial: 1"
        ),
        ["persona another", "document", "unique"],
    ),
    (
        "suspended without a reason",
        ONE + "    status: suspended\n",
        ["persona somebody", "suspension_reason"],
    ),
    ("reason without suspension", ONE + "    suspension_reason: {zh: 因, en: r}\n", ["suspension_reason"]),
    ("YAML syntax", ONE + "    title: {zh: x\n", ["line 8"]),
    ("duplicate key", ONE + "    group: adult\n", ["line 7", "each key once"]),
    ("alias", "a: &a [x]\nb: *a\n", ["line 2", "aliases"]),
    ("recursive alias", "a: &a [*a]\n", ["line 1", "aliases"]),
    ("deep nesting", "[" * 5000, ["line 1", "nested"]),
    ("list as a key", "? [a]\n: b\n", ["line 1", "plain key"]),
    ("NUL", "a: \x00\n", ["line 1", "printable"]),
    ("lone surrogate", "a: 1\nb: \ud800\n", ["line 2", "printable"]),
    ("two documents", ONE + "---\n" + ONE, ["line 7"]),
    ("too large", "#" * 1_000_001, ["at most"]),
    ("empty file", "", ["mapping"]),
    ("list at the top", "- a\n", ["mapping"]),
    ("no persona", "personas: []\n", ["personas"]),
    ("personas is text", "personas: none\n", ["personas"]),
    ("entry is text", "personas: [none]\n", ["persona number 1", "mapping"]),
    ("unknown top-level key", ONE + "version: 1\n", ["version"]),
    ("key with a line break", ONE + '    "nick\\nname": x\n', ["nick?name"]),
    ("object tag", "!!python/object/apply:os.system ['true']\n", ["mapping"]),
]


@pytest.mark.parametrize(
    ("text", "says"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_a_mistake_is_one_line_with_persona_field_rule_and_remedy(text, says):
    line = mistake_in(text)
    assert all(part in line for part in says), line
    assert ";" in line


def test_a_mistake_does_not_repeat_document_number_or_passcode():
    line = mistake_in(ONE.replace("serial: 1", 'number: "100000199005170048"'))
    assert "100000199005170048" not in line


def test_an_yaml_bomb_is_refused_before_it_grows():
    levels = "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    assert "aliases" in mistake_in("a: &a [lol]\n" + levels)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_is_refused_with_a_persona_error(text):
    mistake_in(text)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_damaged_file_loads_or_is_refused_with_a_persona_error(data):
    text = ONE + ANOTHER + CHILD
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    damaged = text[:start] + data.draw(st.text(max_size=8)) + text[end:]
    with suppress(PersonaError):
        assert load(damaged)
