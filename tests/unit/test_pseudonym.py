"""Pairwise subjects: one value per legal entity, and none that slips out."""

import copy
import json
import logging
import pickle
import pprint
import re

import pytest
from flask import Flask, jsonify
from hypothesis import assume, given
from hypothesis import strategies as st

from netid.credentials import strict_json
from netid.identity.net_number import NetNumber
from netid.identity.pseudonym import PairwiseSubject, derive_pairwise_subject, derive_session_name

KEY = bytes(range(32))
PERSON = "0123456789abcdef0123456789abcdef"
SECRET = "9RZ93aVcfnSkjOhOld4JtTuJm7Mug3hI-rzEUo9cysQ"
SUBJECT = PairwiseSubject(SECRET)

VECTORS = [
    ("parcels.example", 0, SECRET),
    ("parcels.example", 1, "ImalK0-BMU0K-iatlNjZRoLhhnffOzl1bwJHh_3BYoM"),
    ("games.example", 0, "7UwCSMzYy7UELg0WIDtWUDxqhcC-kw2FuWLXGGh55XI"),
]
r"""Made with OpenSSL 3.0.19, not with Python; for the first of them, K being 000102…1f in hex:

printf 'netid-sub-v1\0\0\0\x0fparcels.example\0\0\0\x20'$PERSON'\0\0\0\0' |
  openssl dgst -sha256 -mac HMAC -macopt hexkey:$K -binary | base64 | tr '+/' '-_' | tr -d =
"""

sectors = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True)
person_ids = st.binary(min_size=16, max_size=16).map(bytes.hex)


@pytest.mark.parametrize(("sector", "generation", "expected"), VECTORS)
def test_it_is_the_hmac_that_the_design_says(sector: str, generation: int, expected: str) -> None:
    assert derive_pairwise_subject(KEY, sector, PERSON, generation).reveal() == expected


def test_a_sid_is_the_hmac_over_recipient_session_and_subject() -> None:
    r"""Made with OpenSSL, from 'netid-sid-v1\0\0\0\x07parcels\0\0\0\x09a-session\0\0\0\x2b'$SUBJECT."""
    assert derive_session_name(KEY, "parcels", "a-session", SUBJECT) == (
        "LMUMdolTjPhJbH4U9jbDZ9JIyAmlY7gD5-NSjynMBfg"
    )


@given(sectors, sectors, person_ids)
def test_two_sectors_never_know_a_person_by_the_same_value(one: str, other: str, person: str) -> None:
    assume(one != other)
    assert derive_pairwise_subject(KEY, one, person, 0) != derive_pairwise_subject(KEY, other, person, 0)


@given(sectors, person_ids, person_ids)
def test_two_people_never_share_a_value(sector: str, one: str, other: str) -> None:
    assume(one != other)
    assert derive_pairwise_subject(KEY, sector, one, 0) != derive_pairwise_subject(KEY, sector, other, 0)


@given(st.text(min_size=1), st.text(), st.integers(1, 20))
def test_parts_carry_their_length_so_that_none_runs_into_the_next(
    sector: str, person: str, moved: int
) -> None:
    """The same characters in a row, divided at another place, are another input."""
    assume(moved <= len(sector))
    at = len(sector) - moved
    elsewhere = derive_pairwise_subject(KEY, sector[:at], sector[at:] + person, 0)
    assert derive_pairwise_subject(KEY, sector, person, 0) != elsewhere


def test_a_reset_and_another_key_give_other_values() -> None:
    one = derive_pairwise_subject(KEY, "parcels.example", PERSON, 0)
    assert derive_pairwise_subject(KEY, "parcels.example", PERSON, 1) != one
    assert derive_pairwise_subject(bytes(32), "parcels.example", PERSON, 0) != one


@given(sectors, person_ids, st.integers(0, 2**32 - 1))
def test_it_is_43_characters_of_base64url_and_nothing_of_its_input(
    sector: str, person: str, generation: int
) -> None:
    value = derive_pairwise_subject(KEY, sector, person, generation).reveal()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", value)
    assert person[:8] not in value


ACCIDENTS = {
    "str": str,
    "an f-string": lambda subject: f"{subject}",
    "an f-string with a width": lambda subject: f"{subject:>60}",
    "format": "{}".format,
    "percent": lambda subject: f"%{'s'}" % subject,
    "join": "".join,
    "json": json.dumps,
    "json in a list": lambda subject: json.dumps([{"sub": subject}]),
    "our own json": lambda subject: strict_json.dump({"sub": subject}),
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("slip", ACCIDENTS.values(), ids=ACCIDENTS)
def test_it_does_not_become_text_or_bytes_by_accident(slip) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError) as caught:
        slip(SUBJECT)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (str, "a pairwise subject becomes text only through reveal()"),
        (format, "a pairwise subject becomes text only through reveal()"),
        (pickle.dumps, "a pairwise subject cannot be pickled"),
    ],
)
def test_the_refusal_says_what_to_do_instead(slip, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError) as caught:
        slip(SUBJECT)
    assert str(caught.value) == said


def test_flask_does_not_serialise_it() -> None:
    """A frozen dataclass in its place would pass: Flask's JSON provider takes dataclasses."""
    app = Flask("shown")
    with app.app_context(), pytest.raises(TypeError):
        jsonify(sub=SUBJECT)


def test_a_debugger_a_log_and_pprint_show_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("who: %r", SUBJECT)
    assert SECRET not in caplog.text
    assert SECRET not in pprint.pformat({"sub": [SUBJECT]})
    assert repr(SUBJECT) == "<PairwiseSubject>"


def test_logging_it_as_text_fails_and_does_not_show_it(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("test", logging.INFO, __file__, 1, "who: %s", (SUBJECT,), None)
    with pytest.raises(TypeError):
        record.getMessage()


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError):
        SUBJECT._value = "another"
    assert SUBJECT.reveal() == SECRET


def test_it_equals_its_own_kind_only() -> None:
    assert PairwiseSubject(SECRET) == SUBJECT
    assert hash(PairwiseSubject(SECRET)) == hash(SUBJECT)
    assert len({hash(PairwiseSubject(str(one))) for one in range(8)}) > 1
    assert SUBJECT != SECRET
    number = NetNumber.draw(lambda count: bytes(count))
    assert PairwiseSubject(number.reveal()) != number
