"""The forms in which a value gives its person away: written differently, masked, cut short, hashed."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from netid.identity.ages import age_on

_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s", "sm3")
_SALTED = ("md5", "sha1", "sha256", "sm3")
_DATES = frozenset({"birthdate", "document_expires_on"})
_MONTHS = tuple(date(2000, month, 1).strftime("%B") for month in range(1, 13))
_CHINESE_DIGITS = "〇一二三四五六七八九"
_FIRST_IDEOGRAPH = "\u2e80"
_ENOUGH = 4
_SHORT_BYTES = 6
_SHORT_DIGITS = 8


@dataclass(frozen=True)
class Planted:
    """One value of one person that must not be found."""

    field: str
    value: str


@dataclass(frozen=True)
class Form:
    """One way to write a planted value."""

    label: str
    text: str

    @property
    def whole_word(self) -> bool:
        """Whether it is so short that inside longer text it would be a coincidence."""
        return is_coincidental(self.text)


def is_coincidental(text: str) -> bool:
    """Whether it is so short that random text holds it now and then."""
    is_number = text.lstrip("-").isdecimal()
    return len(text.encode()) < _SHORT_BYTES or (is_number and len(text) < _SHORT_DIGITS)


def forms_of(planted: Planted, today: date) -> list[Form]:
    """Every form that is looked for, masks apart (see `shows_through`)."""
    forms = [Form("as it is", planted.value), Form("reversed", planted.value[::-1])]
    if planted.field == "name":
        forms += _of_name(planted.value)
    elif planted.field in _DATES:
        forms += _of_date(date.fromisoformat(planted.value))
        if planted.field == "birthdate":
            forms.append(Form("age", str(age_on(date.fromisoformat(planted.value), today))))
    elif any(character.isdigit() for character in planted.value):
        forms += _of_number(planted.value)
    return [form for form in dict.fromkeys(forms) if len(form.text.encode()) > 2]


def _of_name(name: str) -> Iterator[Form]:
    parts = name.split()
    if len(parts) == 1 and not name.isascii():
        yield Form("given name", name[1:])
        yield Form("surname last", name[1:] + name[0])
    if len(parts) > 1:
        yield Form("other order", " ".join(reversed(parts)))
        yield from (Form("part of it", part) for part in parts if len(part) >= _SHORT_BYTES)


def _of_number(number: str) -> Iterator[Form]:
    yield Form("last four", number[-4:])
    if number.startswith("+86"):
        yield Form("national", number[3:])
        yield Form("national, reversed", number[:2:-1])


def _of_date(day: date) -> Iterator[Form]:
    month, short = _MONTHS[day.month - 1], _MONTHS[day.month - 1][:3]
    for pattern in (
        "%Y%m%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%y%m%d",
    ):
        yield Form(pattern, day.strftime(pattern))
    for text in (f"{day.year}/{day.month}/{day.day}", f"{day.year}-{day.month}-{day.day}"):
        yield Form("without zeros", text)
    for name in (month, short):
        yield Form("English", f"{day.day} {name} {day.year}")
        yield Form("English", f"{name} {day.day}, {day.year}")
    yield Form("Chinese", f"{day.year}年{day.month}月{day.day}日")
    yield Form("Chinese", f"{day.year}年{day.month:02}月{day.day:02}日")
    yield Form("Chinese numerals", "".join(_CHINESE_DIGITS[int(digit)] for digit in str(day.year)))
    yield Form("year and month", day.strftime("%Y-%m"))
    yield Form("year and month", day.strftime("%Y%m"))
    yield Form("year", str(day.year))
    yield from _counted(day)


def _counted(day: date) -> Iterator[Form]:
    for zone in (UTC, timezone(timedelta(hours=8))):
        moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        seconds = int(moment.timestamp())
        yield Form("epoch seconds", str(seconds))
        yield Form("epoch milliseconds", str(seconds * 1000))
    yield Form("days since 1970", str((day - date(1970, 1, 1)).days))


def shows_through(value: str, before: str, after: str) -> bool:
    """Whether what stands around a run of mask characters is the two ends of the value.

    One Chinese character of a name says enough; of letters and digits it takes four.
    """
    if before[-1:] not in value and after[:1] not in value:
        return False
    head = max(n for n in range(len(value)) if before.endswith(value[:n]))
    tail = max(n for n in range(len(value)) if n == 0 or after.startswith(value[-n:]))
    shown = value[:head] + value[len(value) - tail :]
    told = sum(_ENOUGH if character >= _FIRST_IDEOGRAPH else 1 for character in shown)
    return head + tail < len(value) and told >= _ENOUGH


def digests_of(value: str) -> dict[str, bytes]:
    """Common hashes of a value: name to digest."""
    return {name: hashlib.new(name, value.encode()).digest() for name in _DIGESTS}


def salted_digests_of(value: str, salts: Iterable[bytes]) -> dict[str, bytes]:
    """The most common ones with a salt before or behind the value, and HMAC with the salt as key."""
    plain, found = value.encode(), dict[str, bytes]()
    for salt in salts:
        for name in _SALTED:
            found[f"{name} salted with {salt!r}"] = hashlib.new(name, salt + plain).digest()
            found[f"{name} with {salt!r} behind"] = hashlib.new(name, plain + salt).digest()
        found[f"HMAC with {salt!r}"] = hmac.digest(salt, plain, "sha256")
    return found
