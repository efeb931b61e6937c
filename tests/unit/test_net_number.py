"""The net number (Measures, article 2): random, checked, and hard to let slip."""

import copy
import inspect
import json
import logging
import os
import pickle
from datetime import date
from itertools import combinations

import pytest
from flask import Flask, jsonify
from hypothesis import given
from hypothesis import strategies as st

from netid.errors import InvalidField
from netid.identity.documents import make_synthetic_document
from netid.identity.net_number import ALPHABET, LENGTH, NetNumber

draws = st.binary(min_size=16, max_size=16).map(lambda drawn: NetNumber.draw(lambda count: drawn[:count]))


def refused(call, *arguments):
    with pytest.raises(InvalidField) as caught:
        call(*arguments)
    return caught.value


def is_taken(text):
    """Only InvalidField is caught: any other exception fails the test."""
    try:
        NetNumber.parse(text)
    except InvalidField:
        return False
    return True


def test_the_alphabet_is_of_prime_size_and_has_no_look_alikes():
    assert len(set(ALPHABET)) == len(ALPHABET) == 31
    assert not set(ALPHABET) & set("IL1O0")
    assert ALPHABET.isascii()
    assert ALPHABET.isupper()


@given(draws)
def test_a_drawn_one_parses_back(number):
    plain = number.reveal()
    assert len(plain) == LENGTH
    assert set(plain) <= set(ALPHABET)
    assert NetNumber.parse(plain) == number
    assert NetNumber(plain) == number


@given(draws)
def test_case_spaces_hyphens_and_full_width_do_not_matter(number):
    plain = number.reveal()
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in plain)
    for typed in (plain.lower(), f" {plain[:5]} {plain[5:]} ", f"{plain[:4]}-{plain[4:]}", full_width):
        assert NetNumber.parse(typed) == number


@given(draws)
def test_every_single_wrong_character_is_caught(number):
    plain = number.reveal()
    for place in range(LENGTH):
        for wrong in set(ALPHABET) - {plain[place]}:
            assert not is_taken(plain[:place] + wrong + plain[place + 1 :])


@given(draws)
def test_every_swap_of_two_characters_is_caught(number):
    plain = number.reveal()
    for first, second in combinations(range(LENGTH), 2):
        swapped = list(plain)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        if swapped != list(plain):
            assert not is_taken("".join(swapped))


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        b"bytes",
        [],
        "",
        "2",
        "2" * 11,
        "2" * 10**7,
        "O" * 10,
        "I222222222",
        "\ud800",
        "\x00" * 10,
        "\u0131222222222",  # a dotless i, whose capital is I
        "222222222\u0662",  # an Arabic-Indic 2
    ],
)
def test_anything_else_is_an_invalid_field(value):
    assert refused(NetNumber.parse, value).field == "net_number"


@given(st.text(st.characters(categories=None, exclude_categories=()), max_size=80))
def test_any_text_gives_a_net_number_or_an_invalid_field(text):
    is_taken(text)


def test_a_wrong_check_character_says_so_without_repeating_the_number():
    plain = NetNumber.draw(os.urandom).reveal()
    wrong = plain[:9] + next(character for character in ALPHABET if character != plain[9])
    error = refused(NetNumber.parse, wrong)
    assert error.rule == "must end in its check character"
    assert wrong[:9] not in str(error)


def test_a_mask_shows_two_characters_at_each_end():
    number = NetNumber.draw(os.urandom)
    plain = number.reveal()
    assert number.masked == f"{plain[:2]}******{plain[8:]}"


class TestItDoesNotSlipOut:
    number = NetNumber.draw(os.urandom)

    @pytest.mark.parametrize(
        "leak",
        [
            str,
            lambda number: f"{number}",
            lambda number: f"{number:>12}",
            lambda number: "%s" % number,  # noqa: UP031
            lambda number: "{}".format(number),  # noqa: UP032
            lambda number: "".join(number),
            json.dumps,
            lambda number: json.dumps({"n": [number]}),
            lambda number: json.dumps(number, default=str),
            pickle.dumps,
            copy.copy,
            copy.deepcopy,
            vars,
            list,
            bytes,
        ],
    )
    def test_by_conversion(self, leak):
        with pytest.raises(TypeError):
            leak(self.number)

    def test_by_jsonify(self):
        with Flask(__name__).app_context(), pytest.raises(TypeError):
            jsonify(net_number=self.number)

    def test_by_repr(self):
        assert repr(self.number) == f"<NetNumber {self.number.masked}>"
        assert self.number.reveal() not in repr([self.number])

    def test_by_a_log_record(self, caplog):
        with caplog.at_level(logging.INFO):
            logging.getLogger("netid").info("%r", self.number)
        assert self.number.masked in caplog.text
        assert self.number.reveal() not in caplog.text

    def test_by_a_traceback(self):
        with pytest.raises(TypeError) as caught:
            str(self.number)
        assert self.number.reveal() not in str(caught.value)


def test_it_does_not_change():
    number = NetNumber.draw(os.urandom)
    with pytest.raises(AttributeError):
        number._plaintext = "2222222222"
    with pytest.raises(AttributeError):
        del number._plaintext
    with pytest.raises(AttributeError):
        number.other = 1


@given(draws, draws)
def test_equality_and_hash_follow_the_plaintext(one, other):
    assert (one == other) == (one.reveal() == other.reveal())
    assert one == NetNumber(one.reveal())
    assert hash(one) == hash(NetNumber(one.reveal()))
    assert one != one.reveal()


def test_it_depends_on_random_bytes_and_on_nothing_else():
    assert list(inspect.signature(NetNumber.draw).parameters) == ["random"]
    asked = []

    def random(count):
        asked.append(count)
        return bytes(range(count))

    assert NetNumber.draw(random) == NetNumber.draw(random)
    assert asked == [16, 16]
    assert NetNumber.draw(os.urandom) != NetNumber.draw(os.urandom)


def test_one_person_enrolled_twice_gets_unrelated_numbers():
    document = make_synthetic_document(
        "resident_id", birthdate=date(1990, 5, 17), sex="female", name="林示例", random=os.urandom
    )
    numbers = [NetNumber.draw(os.urandom).reveal() for _ in range(200)]
    assert len(set(numbers)) == 200
    parts = {document.number[start : start + 5] for start in range(14)}
    assert sum(part in number for number in numbers for part in parts) == 0


def test_every_character_is_drawn_at_every_random_place():
    seen = [set() for _ in range(LENGTH)]
    for _ in range(2000):
        for place, character in enumerate(NetNumber.draw(os.urandom).reveal()):
            seen[place].add(character)
    assert all(characters == set(ALPHABET) for characters in seen)
