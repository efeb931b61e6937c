"""Identity documents, ages, phone numbers and passcodes (Measures, articles 2, 4 and 15)."""

import json
import os
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netid.errors import InvalidField
from netid.identity.ages import Capacity, age_on, anniversary, birthdate_of_age, capacity_on
from netid.identity.check_digits import icao_731, mod_11_2
from netid.identity.documents import (
    DOCUMENT_KINDS,
    ResidentId,
    check_new_passcode,
    make_synthetic_document,
    make_synthetic_phone,
    parse_document,
    parse_passcode,
    parse_phone,
    register_kind,
)
from netid.identity.identity_document import BELONGS_TO_NOBODY, RESERVED_BY_THIS_MOCK
from netid.identity.names import parse_name

KINDS = (
    "resident_id",
    "overseas_citizen_passport",
    "hk_macao_exit_entry_permit",
    "hk_macao_travel_permit",
    "taiwan_travel_permit",
    "hk_macao_residence_permit",
    "taiwan_residence_permit",
    "permanent_residence_id",
)

ADULT = {"name": "林示例", "sex": "female", "birthdate": "1990-12-31", "expires_on": "2040-01-01"}

# Numbers of true form that could be somebody's. Sources: the examples in GB 11643-1999; the first
# number of the 2018 range of exit-entry permits; the published address codes 810000, 820000, 830000;
# the permanent-residence examples of two open-source validators (Kazakhstan, 398).
REAL_RANGE = {
    "resident_id": "11010519491231002X",
    "overseas_citizen_passport": "EA0000001",
    "hk_macao_exit_entry_permit": "CA0000001",
    "hk_macao_travel_permit": "H1234567800",
    "taiwan_travel_permit": "05616820",
    "hk_macao_residence_permit": "810000199408230021",
    "taiwan_residence_permit": "830000199408230026",
    "permanent_residence_id": "911398199012310021",
}

MALFORMED = {
    "resident_id": "10000019900517004",
    "overseas_citizen_passport": "EI000001",
    "hk_macao_exit_entry_permit": "WI0000001",
    "hk_macao_travel_permit": "T00000001",
    "taiwan_travel_permit": "000000018",
    "hk_macao_residence_permit": "839900198210100455",
    "taiwan_residence_permit": "829900199912200226",
    "permanent_residence_id": "QM1100740208130",
}

births = st.dates(date(1900, 1, 1), date(2090, 1, 1))
sexes = st.sampled_from(("female", "male"))


def made(kind="resident_id", birthdate=date(1990, 5, 17), sex="female", **more):
    return make_synthetic_document(
        kind, birthdate=birthdate, sex=sex, name="林示例", random=os.urandom, **more
    )


def refused(call, *arguments, **named):
    with pytest.raises(InvalidField) as caught:
        call(*arguments, **named)
    return caught.value


def result_or_error(call, *arguments):
    """Only InvalidField is caught: any other exception fails the test."""
    try:
        return call(*arguments), None
    except InvalidField as error:
        return None, error


def values_of(document):
    names = ("name", "number", "sex", "birthdate", "nationality", "expires_on")
    return {name: getattr(document, name) for name in names}


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("11010519491231002", "X"),  # GB 11643-1999, appendix A
        ("44052418800101001", "4"),  # GB 11643-1999, appendix A
        ("91139819901231002", "1"),  # a validator's example of the 2023 permanent-residence form
    ],
)
def test_mod_11_2_gives_the_published_check_characters(body, check):
    assert mod_11_2(body) == check


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("520727", "3"),  # ICAO Doc 9303-3, appendix A
        ("L898902C3", "6"),  # ICAO Doc 9303-4, the specimen passport: number, birth, expiry
        ("740812", "2"),
        ("120415", "9"),
        ("KAZ11009012310", "5"),  # a validator's example of the old permanent-residence form
    ],
)
def test_icao_731_gives_the_published_check_digits(body, check):
    assert icao_731(body) == check


def test_the_registry_holds_the_eight_kinds_in_the_order_of_the_measures():
    assert tuple(DOCUMENT_KINDS) == KINDS
    for kind, document_kind in DOCUMENT_KINDS.items():
        assert document_kind.kind == kind
        assert document_kind.label.zh
        assert document_kind.label.en


def test_a_kind_cannot_be_registered_twice():
    with pytest.raises(ValueError, match="resident_id"):
        register_kind(ResidentId)
    with pytest.raises(TypeError):
        DOCUMENT_KINDS["resident_id"] = ResidentId


@given(st.sampled_from(KINDS), births, sexes, st.binary(min_size=8, max_size=8))
def test_a_made_up_document_parses_back_to_itself(kind, birthdate, sex, drawn):
    document = make_synthetic_document(
        kind, birthdate=birthdate, sex=sex, name="古丽·示例", random=lambda count: drawn[:count]
    )
    assert parse_document(kind, values_of(document)) == document
    assert (document.birthdate, document.sex) == (birthdate, sex)


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_is_drawn(kind):
    def drawn(byte):
        return make_synthetic_document(
            kind,
            birthdate=date(1990, 5, 17),
            sex="male",
            name="林示例",
            random=lambda count: bytes([byte] * count),
        ).number

    assert drawn(1) == drawn(1)
    assert len({drawn(byte) for byte in range(200)}) > 190


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_could_be_somebodys_is_refused_and_says_why(kind):
    number = REAL_RANGE[kind]
    assert DOCUMENT_KINDS[kind].number_form.fullmatch(number), "the vector must have the kind's true form"
    error = refused(parse_document, kind, {**ADULT, "number": number})
    assert error.field == "number"
    assert "this mock only takes numbers that cannot belong to a real person" in error.rule
    assert DOCUMENT_KINDS[kind].synthetic_range in error.rule
    assert error.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_number_is_refused(kind):
    error = refused(parse_document, kind, {**ADULT, "number": MALFORMED[kind]})
    assert (error.field, error.rule) == ("number", f"must be {DOCUMENT_KINDS[kind].number_rule}")


def test_numbers_are_called_reserved_where_impossibility_cannot_be_shown():
    reserved = {kind for kind in KINDS if DOCUMENT_KINDS[kind].standing == RESERVED_BY_THIS_MOCK}
    assert reserved == {"hk_macao_travel_permit", "taiwan_travel_permit"}
    assert all(DOCUMENT_KINDS[kind].standing == BELONGS_TO_NOBODY for kind in set(KINDS) - reserved)


@pytest.mark.parametrize(
    "region", [*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), 50, 54, 65, 66, 71]
)
def test_an_assigned_region_is_never_a_made_up_resident_number(region):
    body = f"{region}010019901231002"
    error = refused(parse_document, "resident_id", {**ADULT, "number": body + mod_11_2(body)})
    assert "cannot belong to a real person" in error.rule


@pytest.mark.parametrize(
    "kind", ["resident_id", "hk_macao_residence_permit", "taiwan_residence_permit", "permanent_residence_id"]
)
class TestWhatAnEighteenCharacterNumberSays:
    def test_a_wrong_check_digit_is_refused(self, kind):
        number = made(kind).number
        wrong = number[:17] + ("0" if number[17] != "0" else "1")
        error = refused(parse_document, kind, {**values_of(made(kind)), "number": wrong, "nationality": None})
        assert (error.field, error.rule) == ("number", "must end in its check digit")

    def test_another_date_of_birth_is_refused(self, kind):
        error = refused(parse_document, kind, {**values_of(made(kind)), "birthdate": "1990-05-18"})
        assert (error.field, error.rule) == ("birthdate", "must agree with the number")

    def test_the_other_sex_is_refused(self, kind):
        error = refused(parse_document, kind, {**values_of(made(kind)), "sex": "male"})
        assert (error.field, error.rule) == ("sex", "must agree with the number")


class TestTheOldPermanentResidenceForm:
    number = "QMP110074020813"

    def parse(self, number, birthdate="1974-02-08"):
        return parse_document(
            "permanent_residence_id", {**ADULT, "sex": "male", "birthdate": birthdate, "number": number}
        )

    def test_it_carries_its_nationality(self):
        assert self.parse(self.number).nationality == "QMP"

    def test_a_wrong_check_digit_is_refused(self):
        assert refused(self.parse, "QMP110074020814").rule == "must end in its check digit"

    def test_another_date_of_birth_is_refused(self):
        assert refused(self.parse, self.number, "1974-02-09").field == "birthdate"

    def test_a_country_that_exists_is_refused(self):
        assert "cannot belong to a real person" in refused(self.parse, "KAZ110090123105", "1990-12-31").rule


def test_the_2023_form_pairs_a_country_that_does_not_exist_with_a_user_assigned_code():
    document = made("permanent_residence_id")
    assert document.nationality == "QM" + chr(ord("A") + int(document.number[3:6]) - 900)
    error = refused(parse_document, document.kind, {**values_of(document), "nationality": "KAZ"})
    assert error.field == "nationality"


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_the_other_kinds_are_issued_to_citizens_of_china(kind):
    assert made(kind).nationality == "CHN"
    assert (
        refused(parse_document, kind, {**values_of(made(kind)), "nationality": "QMA"}).field == "nationality"
    )


def test_a_document_is_valid_through_its_last_day():
    document = made(expires_on=date(2026, 11, 23))
    assert document.is_valid_on(date(2026, 11, 23))
    assert not document.is_valid_on(date(2026, 11, 24))


def test_nobody_holds_a_document_before_birth():
    document = made(birthdate=date(2026, 11, 23))
    assert not document.is_valid_on(date(2026, 11, 22))
    assert document.is_valid_on(date(2026, 11, 23))


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_resident_id_card_may_be_long_term(kind):
    values = {**values_of(made(kind)), "expires_on": ""}
    if kind == "resident_id":
        assert parse_document(kind, values).is_valid_on(date(9999, 12, 31))
    else:
        assert refused(parse_document, kind, values).field == "expires_on"


def test_a_document_does_not_expire_before_birth():
    assert refused(made, expires_on=date(1990, 5, 17)).field == "expires_on"


@pytest.mark.parametrize(
    ("field", "value", "part_of_the_rule"),
    [
        ("name", "", "begin with a letter"),
        ("name", "林\x00示例", "only letters"),
        ("name", "林\n示例", "only letters"),
        ("name", "林\u202e示例", "only letters"),
        ("name", "林\ud800", "only letters"),
        ("name", "<b>林</b>", "begin with a letter"),
        ("name", "林" * 101, "at most 100"),
        ("name", "林" * 10_000_000, "at most 200"),
        ("name", "\u0301林", "begin with a letter"),
        ("number", "1" * 10_000_000, "at most 40"),
        ("number", "100000 199005170047", "must be 18 characters"),
        ("number", "١" * 18, "must be 18 characters"),
        ("sex", "Female", "female or male"),
        ("birthdate", "1990-02-30", "a day that exists"),
        ("birthdate", "19900517", "form YYYY-MM-DD"),
        ("birthdate", "1990-W20-4", "form YYYY-MM-DD"),
        ("birthdate", datetime(1990, 5, 17), "must be text"),  # noqa: DTZ001  (a value nobody should pass)
        ("birthdate", "1899-12-31", "1900 or later"),
        ("expires_on", 0, "must be text"),
        ("nationality", [], "must be text"),
    ],
)
def test_a_bad_value_names_its_field_and_rule(field, value, part_of_the_rule):
    error = refused(parse_document, "resident_id", {**values_of(made()), field: value})
    assert error.field == field
    assert part_of_the_rule in error.rule
    assert error.remedy
    assert len(error.description) < 400


@pytest.mark.parametrize("field", ["name", "number", "sex", "birthdate"])
@pytest.mark.parametrize("value", [None, 7, 1.5, [], {}, b"bytes", True])
def test_a_value_of_another_type_names_its_field(field, value):
    assert refused(parse_document, "resident_id", {**values_of(made()), field: value}).field == field


@pytest.mark.parametrize("kind", [None, 7, [], "", "passport", "x" * 1_000_000, "\ud800"])
def test_an_unknown_kind_is_refused(kind):
    assert refused(parse_document, kind, ADULT).field == "kind"


def test_a_misspelt_field_is_refused_rather_than_left_out():
    error = refused(parse_document, "resident_id", {**values_of(made()), "expires": "2030-01-01"})
    assert error.field == "document"


def test_no_message_repeats_the_value():
    for field in ("name", "number", "birthdate", "sex", "nationality"):
        error = refused(parse_document, "resident_id", {**values_of(made()), field: "~PLANTED~"})
        assert "PLANTED" not in str(error) + error.description


def test_full_width_characters_and_a_small_x_are_taken_for_what_they_stand_for():
    number = next(n for n in iter(lambda: made().number, None) if n.endswith("X"))
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in number)
    for typed in (number.lower(), full_width, full_width.lower(), f"\u3000{number} "):
        assert parse_document("resident_id", {**values_of(made()), "number": typed}).number == number


def test_a_document_does_not_print_its_fields():
    document = made()
    for text in (repr(document), str(document), f"{document}"):
        assert document.number not in text
        assert document.name not in text
    with pytest.raises(TypeError):
        json.dumps(document)


def test_a_document_cannot_be_changed_into_an_invalid_one():
    document = made()
    with pytest.raises(AttributeError):
        document.number = "11010519491231002X"
    assert refused(replace, document, sex="male").field == "sex"
    assert refused(replace, document, name=" 林示例").field == "name"


anything = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.lists(st.integers(), max_size=3),
    st.dates(),
    st.datetimes(),
    st.text(st.characters(categories=None, exclude_categories=()), max_size=60),
    st.from_regex(r"\A[0-9]{17}[0-9X]\Z"),
    st.from_regex(r"\A[A-Z]{1,3}[0-9]{7,12}\Z"),
    st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"),
)


@given(
    st.one_of(st.sampled_from(KINDS), anything),
    st.dictionaries(st.sampled_from((*ADULT, "number")), anything),
)
@example("permanent_residence_id", {**ADULT, "number": "9" * 18})
@example("permanent_residence_id", {**ADULT, "number": "9009Ⅳ" + "1" * 12})
def test_any_input_gives_a_document_or_an_invalid_field(kind, values):
    document, error = result_or_error(parse_document, kind, {**ADULT, **values})
    if error:
        assert error.field
        assert error.rule
        assert error.remedy
    else:
        assert document.synthetic_form.fullmatch(document.number)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "林示例",
            "𠮷示例",
            "\U00031350示例",
            "O'SAMPLE-SPÉCIMEN ANNE-MARIE",
            "古丽示例·阿卜杜样本",
            "Ж. Образец",
        ],
    )
    def test_names_of_many_scripts_are_taken_as_they_are(self, name):
        assert parse_name(name) == name

    def test_a_name_is_brought_into_one_form(self):
        assert parse_name(" SPE\u0301CIMEN\u3000 ANNE ") == "SPÉCIMEN ANNE"

    @pytest.mark.parametrize("dot", "•‧・･")
    def test_the_dots_that_people_type_become_the_middle_dot(self, dot):
        assert parse_name(f"古丽{dot}示例") == "古丽·示例"

    @given(st.text(st.characters(categories=None, exclude_categories=()), max_size=120))
    def test_a_normalised_name_stays_as_it_is(self, text):
        name, error = result_or_error(parse_name, text)
        assert error or parse_name(name) == name


class TestAges:
    @pytest.mark.parametrize(
        ("birthdate", "day", "age"),
        [
            (date(2012, 11, 23), date(2026, 11, 22), 13),
            (date(2012, 11, 23), date(2026, 11, 23), 14),
            (date(2012, 11, 23), date(2026, 11, 24), 14),
            (date(2026, 11, 23), date(2026, 11, 23), 0),
            (date(2012, 2, 29), date(2026, 2, 27), 13),
            (date(2012, 2, 29), date(2026, 2, 28), 14),  # Civil Code, article 202
            (date(2012, 2, 29), date(2028, 2, 28), 15),
            (date(2012, 2, 29), date(2028, 2, 29), 16),
            (date(2000, 2, 29), date(2100, 2, 28), 100),  # 2100 is no leap year
        ],
    )
    def test_an_age_is_reached_on_the_birthday_itself(self, birthdate, day, age):
        assert age_on(birthdate, day) == age

    def test_nobody_has_an_age_before_birth(self):
        assert refused(age_on, date(2026, 11, 24), date(2026, 11, 23)).field == "birthdate"

    @pytest.mark.parametrize(
        ("years", "before", "on"),
        [
            (14, Capacity.UNDER_14, Capacity.FROM_14_UNDER_18),
            (18, Capacity.FROM_14_UNDER_18, Capacity.ADULT),
        ],
    )
    def test_the_borders_of_the_measures(self, years, before, on):
        birthdate = date(2010, 6, 1)
        birthday = anniversary(birthdate, years)
        assert capacity_on(birthdate, birthday - timedelta(days=1)) is before
        assert capacity_on(birthdate, birthday) is on

    @given(
        st.integers(1, 100),
        st.integers(-300, 300),
        st.dates(date(2020, 1, 1), date(2080, 1, 1)),
    )
    @example(14, 0, date(2028, 2, 29))
    @example(14, -1, date(2028, 2, 28))
    @example(14, 0, date(2028, 3, 1))
    def test_a_relative_age_holds_on_every_day(self, years, days, today):
        expected = years if days >= 0 else years - 1
        assert age_on(birthdate_of_age(years, days, today), today) == expected

    @given(st.integers(1, 100), st.dates(date(2020, 1, 1), date(2080, 1, 1)))
    def test_the_day_before_a_birthday_is_followed_by_the_birthday(self, years, today):
        birthdate = birthdate_of_age(years, -1, today)
        assert age_on(birthdate, today) == years - 1
        assert age_on(birthdate, today + timedelta(days=2)) == years


class TestPhoneNumbers:
    @pytest.mark.parametrize(
        "typed",
        [
            "+8611500000001",
            "8611500000001",
            "008611500000001",
            "11500000001",
            "115-0000-0001",
            " +86 115 0000 0001 ",
            "＋８６１１５００００" + "０００１",
        ],
    )
    def test_the_usual_ways_to_write_one(self, typed):
        assert parse_phone(typed) == "+8611500000001"

    @pytest.mark.parametrize(
        "typed",
        [
            "13800138000",
            "15400000000",
            "19900000000",
            "10100000000",
            "11000000000",
            "11200000000",
            "11900000000",
            "12000000000",
            "12200000000",
        ],
    )
    def test_a_number_that_could_ring_somewhere_is_refused_and_says_why(self, typed):
        error = refused(parse_phone, typed)
        assert error.field == "phone_number"
        assert "cannot belong to a real person" in error.rule

    @pytest.mark.parametrize(
        "typed",
        [
            None,
            11500000001,
            "",
            "1150000000",
            "115000000011",
            "+85291234567",
            "1" * 10**6,
            "\ud800",
            "١" * 11,
        ],
    )
    def test_what_is_no_mainland_mobile_number_is_refused(self, typed):
        assert refused(parse_phone, typed).field == "phone_number"

    @given(st.binary(min_size=8, max_size=8))
    def test_a_made_up_one_is_taken_as_it_is(self, drawn):
        phone = make_synthetic_phone(lambda count: drawn[:count])
        assert parse_phone(phone) == phone

    @given(anything)
    def test_any_input_gives_a_number_or_an_invalid_field(self, value):
        phone, error = result_or_error(parse_phone, value)
        assert error.field == "phone_number" if error else parse_phone(phone) == phone


class TestPasscodes:
    phone = "+8611527182818"

    def document(self):
        return parse_document(
            "overseas_citizen_passport",
            {**ADULT, "number": "EI3141592", "birthdate": "1990-05-17", "expires_on": "2040-01-01"},
        )

    @pytest.mark.parametrize("typed", ["20250715", " 20250715 ", "２０２５０７１５"])
    def test_eight_digits_are_taken(self, typed):
        assert check_new_passcode(typed, self.document(), self.phone) == "20250715"
        assert parse_passcode(typed) == "20250715"

    @pytest.mark.parametrize(
        ("typed", "rule"),
        [
            ("1234567", "exactly 8 digits"),
            ("123456789", "exactly 8 digits"),
            ("1234567a", "exactly 8 digits"),
            ("١٢٣٤٥٦٧٨", "exactly 8 digits"),
            ("12345678", "consecutive"),
            ("87654321", "consecutive"),
            ("67890123", "consecutive"),
            ("32109876", "consecutive"),
            ("00000000", "one digit repeated"),
            ("19900517", "date of birth"),
            ("17051990", "date of birth"),
            ("05171990", "date of birth"),
            ("27182818", "document number or the phone"),
        ],
    )
    def test_easy_guesses_are_refused(self, typed, rule):
        error = refused(check_new_passcode, typed, self.document(), self.phone)
        assert error.field == "passcode"
        assert rule in error.rule
        assert typed not in error.description

    def test_a_part_of_the_document_number_is_refused(self):
        document = make_synthetic_document(
            "resident_id", birthdate=date(1990, 5, 17), sex="male", name="林", random=lambda n: b"\x27" * n
        )
        error = refused(check_new_passcode, document.number[:8], document, self.phone)
        assert "document number" in error.rule

    @given(anything)
    def test_any_input_gives_eight_digits_or_an_invalid_field(self, value):
        passcode, error = result_or_error(check_new_passcode, value, self.document(), self.phone)
        assert error.field == "passcode" if error else len(passcode) == 8
