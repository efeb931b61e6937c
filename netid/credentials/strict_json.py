"""JSON that means the same to everybody who reads it (RFC 8259; I-JSON, RFC 7493).

Python's reader lets the last of two members with one name win, takes NaN and 1e999, and keeps lone
surrogates; another reader of the same bytes may then see something else. All of that is refused
here. Callers limit the size before they ask.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import NoReturn

MAX_DEPTH = 32
"""How deep objects and arrays may be nested."""

_LONGEST_INTEGER = 20
"""A sign and 19 digits: a 64-bit integer."""

_LONGEST_NUMBER = 40

_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(data: bytes) -> dict[str, object]:
    """The one JSON object that these UTF-8 bytes are.

    Raises ValueError, whose text repeats nothing of the data, for anything else and for: a member
    that occurs twice at any depth, NaN and infinities, numbers of absurd length, nesting below
    MAX_DEPTH, lone surrogates, a byte order mark.
    """
    value = _parse(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def parse_array(data: bytes) -> list[object]:
    """The one JSON array that these UTF-8 bytes are, as strictly as `parse_object`."""
    value = _parse(data)
    if not isinstance(value, list):
        raise ValueError("not a JSON array")
    return value


def dump(value: object) -> bytes:
    """The compact UTF-8 form, members in the order given; ValueError for NaN and lone surrogates."""
    return text(value).encode("utf-8")


def dump_even(value: object) -> bytes:
    """The same with a space behind it for each yes in it: a yes then takes as much room as a no.

    Spaces mean nothing there (RFC 8259, 2), and who counts bytes learns no answer.
    """
    return dump(value) + b" " * _yeses(value)


def _yeses(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(map(_yeses, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_yeses, value))
    return int(value is True)


def _parse(data: bytes) -> object:
    given = data.decode("utf-8")
    # Counting every bracket, even inside strings, is enough for nearly all; the rest is looked at.
    if given.count("{") + given.count("[") > MAX_DEPTH and _depth(given) > MAX_DEPTH:
        raise ValueError("nested too deep")
    value: object = _DECODER.decode(given)
    if _SURROGATE.search(given):
        dump(value)
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    in_string = False
    for found in _STRUCTURE.finditer(text):
        token = found.group()
        if token == '"':
            in_string = not in_string
        elif not in_string and token in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif not in_string and token in "}]":
            depth -= 1
    return deepest


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _integer(text: str) -> int:
    # Before int(): turning thousands of digits into a number costs quadratic time.
    if len(text) > _LONGEST_INTEGER:
        raise ValueError("an integer of absurd length")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or not isfinite(number := float(text)):
        raise ValueError("a number out of range")
    return number


def _refuse_constant(_text: str) -> NoReturn:
    raise ValueError("not a JSON number")


text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""What `dump` gives, before it is bytes: for a part of something larger. Lone surrogates are still in it."""

_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_refuse_constant,
)
