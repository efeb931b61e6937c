"""The search is only worth something if it finds what was hidden: one planted leak per encoding and form."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from datetime import date
from random import Random
from urllib.parse import quote

import pytest

from tests.privacy.forms import Planted, digests_of, shows_through
from tests.privacy.searching import Leak, Searcher

TODAY = date(2026, 11, 23)
NAME = Planted("name", "璩翊曌")
LATIN_NAME = Planted("name", "ZEPHYRINE QUILLFEATHER")
NUMBER = Planted("document_number", "100000191410147645")
PHONE = Planted("phone_number", "+8611549387261")
BIRTHDATE = Planted("birthdate", "1914-10-14")
EVERYTHING = (NAME, LATIN_NAME, NUMBER, PHONE, BIRTHDATE)
SEARCHER = Searcher(EVERYTHING, TODAY)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data)


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe="").encode(),
    "percent of every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "percent, in GBK": lambda text: quote(text.encode("gbk")).encode(),
    "HTML, decimal": lambda text: "".join(f"&#{ord(c)};" for c in text).encode(),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(c):X};" for c in text).encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "\\u of every character": lambda text: "".join(f"\\u{ord(c):04x}" for c in text).encode(),
    "\\u{}": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text).encode(),
    "%u": lambda text: "".join(f"%u{ord(c):04X}" for c in text).encode(),
    "\\x": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()).encode(),
    "base64 at 0": lambda text: _base64(text.encode()),
    "base64 at 1": lambda text: _base64(b"x" + text.encode() + b"tail"),
    "base64 at 2": lambda text: _base64(b"xy" + text.encode() + b"tail"),
    "base64 behind a prefix": lambda text: b"abcde" + _base64(text.encode()),
    "base64, for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + text.encode()).rstrip(b"="),
    "base64 in lines": lambda text: base64.encodebytes(b"." * 50 + text.encode() + b"." * 50),
    "base64 of base64": lambda text: _base64(_base64(text.encode())),
    "hex": lambda text: text.encode().hex().encode(),
    "hex, capitals, behind a digit": lambda text: b"7" + text.encode().hex().upper().encode(),
    "UTF-16, little": lambda text: text.encode("utf-16-le"),
    "UTF-16, big, at an odd place": lambda text: b"\x00" + text.encode("utf-16-be"),
    "GBK": lambda text: text.encode("gbk"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zlib behind other bytes": lambda text: b"\x00\x01" + zlib.compress(text.encode()),
    "gzip in base64 in percent": lambda text: quote(_base64(gzip.compress(text.encode()))).encode(),
    "in a JWT": lambda text: b"e30." + base64.urlsafe_b64encode(json.dumps({"x": text}).encode()) + b".c2ln",
    "capitals and small letters": lambda text: text.swapcase().encode(),
    "with spaces between": lambda text: " ".join(text).encode(),
    "with hyphens between": lambda text: "-".join(text).encode(),
    "in an SQLite page": lambda text: bytes(range(128, 192)) + text.encode() + bytes(64),
}
"""Ways to hide a text in a response."""


@pytest.mark.parametrize("planted", EVERYTHING, ids=lambda planted: f"{planted.field}-{planted.value[:3]}")
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_s1_finds_a_value_in_every_encoding(planted: Planted, encode: Callable[[str], bytes]) -> None:
    hidden = b"HTTP/1.1 200 OK\r\n\r\nbefore=1&x=" + encode(planted.value) + b"&after=2"

    assert planted.field in {leak.field for leak in SEARCHER.leaks(hidden)}


FORMS = [
    ("name", "曌翊璩"),
    ("name", "翊曌"),
    ("name", "璩**"),
    ("name", "璩＊曌"),
    ("name", "**曌"),
    ("name", "QUILLFEATHER, ZEPHYRINE"),
    ("name", "quillfeather"),
    ("name", "Zeph****"),
    ("document_number", "546741014191000001"),
    ("document_number", "1000**********7645"),
    ("document_number", "**************7645"),
    ("document_number", "100000xxxxxxxxxx45"),
    ("document_number", "ending in 7645."),
    ("document_number", "100000 19141014 7645"),
    ("phone_number", "115 4938 7261"),
    ("phone_number", "115-****-7261"),
    ("phone_number", "16278394511"),
    ("phone_number", '"tail":"7261"'),
    ("birthdate", "19141014"),
    ("birthdate", "1914/10/14"),
    ("birthdate", "14.10.1914"),
    ("birthdate", "10/14/1914"),
    ("birthdate", "14 October 1914"),
    ("birthdate", "Oct 14, 1914"),
    ("birthdate", "1914年10月14日"),
    ("birthdate", "一九一四"),
    ("birthdate", "born 1914"),
    ("birthdate", "141014"),
    ("birthdate", '{"age":112}'),
    ("birthdate", "-1742515200"),
    ("birthdate", "-1742544000000"),
    ("birthdate", "days=-20168"),
]


@pytest.mark.parametrize(("field", "text"), FORMS)
def test_s1_finds_a_value_in_other_forms(field: str, text: str) -> None:
    assert field in {leak.field for leak in SEARCHER.leaks(f"HTTP/1.1 200 OK\r\n\r\n{text}\n".encode())}
    payload = base64.urlsafe_b64encode(json.dumps({"x": text}, ensure_ascii=False).encode()).rstrip(b"=")
    assert field in {leak.field for leak in SEARCHER.leaks(b"e30." + payload + b".c2ln")}


@pytest.mark.parametrize("name", digests_of("a"))
def test_s1_finds_the_hash_of_a_value(name: str) -> None:
    digest = digests_of(NUMBER.value)[name]

    for written in (
        digest,
        digest.hex().encode(),
        base64.urlsafe_b64encode(digest),
        digest[:12].hex().encode(),
    ):
        assert {leak.form for leak in SEARCHER.leaks(b'{"sub":"' + written + b'"}')} == {name}


def test_s1_says_which_value_in_which_form_through_which_encodings() -> None:
    [leak, *_] = Searcher([NUMBER], TODAY).leaks(b"x=" + _base64(NUMBER.value.encode()))

    assert leak == Leak("document_number", "as it is, utf-8", "plain, base64 at 0")


HARMLESS = [
    b'HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 06:50:23 GMT\r\nAge: 121\r\n\r\n{"expires_in":300}',
    b'{"sub":"PV6yXBGAZpD547fQMqMuxLCIf26x0a9SJgAv_m6akdQ","age_over_18":true,"mock":true}',
    b"code=PV6yXBGAZpD547f-7645-IxuLCIf26x0a9SJgAv",
    b"code=aaaa7645bbbb&state=x1914y&iss=http%3A%2F%2F127.0.0.1%3A41127",
    "网号核验：姓名、证件号码一项也不提供。**".encode(),
    b"# 3. a list -- of ---- things *** and ... more",
]


@pytest.mark.parametrize("data", HARMLESS)
def test_s1_finds_nothing_where_nothing_is(data: bytes) -> None:
    assert SEARCHER.leaks(data) == []


def test_s1_random_bytes_are_no_leak() -> None:
    random = Random(20250715).randbytes(20_000)

    assert SEARCHER.leaks(random + base64.urlsafe_b64encode(random) + random.hex().encode()) == []


def test_s1_short_forms_can_be_left_out() -> None:
    assert SEARCHER.leaks(b"line 112, year 1914", words=False) == []
    assert SEARCHER.leaks(b"line 112, year 1914") != []


@pytest.mark.parametrize(
    ("value", "before", "after", "shows"),
    [
        ("KHR7T9WX2C", "KH", "2C", True),
        ("KHR7T9WX2C", "KH", "C", False),
        ("KHR7T9WX2C", "", "WX2C", True),
        ("KHR7T9WX2C", "id=KHR7", "", True),
        ("KHR7T9WX2C", "", "", False),
        ("璩翊曌", "璩", "", True),
        ("璩翊曌", "姓名", "，", False),
    ],
)
def test_s1_a_mask_shows_through(value: str, before: str, after: str, shows: bool) -> None:
    assert shows_through(value, before, after) is shows
