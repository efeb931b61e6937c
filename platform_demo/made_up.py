"""Details that cannot be anybody's: the forms of the other way take nothing else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from platform_demo.words import Words

_RESIDENT_NUMBER = re.compile(r"(?:10|1[6-9]|20|2[4-9]|30)[0-9]{4}([0-9]{8})[0-9]{3}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PHONE = re.compile(r"(?:\+86)?(1(?:1[13-8]|2[13-9])[0-9]{8})")
_LONGEST = 60

EXAMPLE_NUMBER = "10010119900307001X"
EXAMPLE_PHONE = "115 0000 0001"


@dataclass(frozen=True)
class Fault:
    """What is wrong with one input, and what to do."""

    field: str
    words: Words


class Refused(ValueError):
    """An input is not one of the made-up values that this form takes."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


def _name(text: str) -> str:
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise Refused(
            Words(f"请填写姓名，最多{_LONGEST}个字。", f"Enter a name of at most {_LONGEST} characters.")
        )
    return text


def _document_number(text: str) -> str:
    number = text.upper().replace(" ", "")
    found = _RESIDENT_NUMBER.fullmatch(number)
    if not found or not _is_day(found[1]) or number[17] != _check_character(number):
        raise Refused(
            Words(
                f"只收不可能属于任何人的居民身份证号码，例如{EXAMPLE_NUMBER}。",
                "Only resident numbers that cannot belong to anybody are accepted, such as "
                f"{EXAMPLE_NUMBER}.",
            )
        )
    return number


def _check_character(number: str) -> str:
    """ISO 7064 MOD 11-2, as GB 11643-1999 uses it."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def _is_day(digits: str) -> bool:
    try:
        date.fromisoformat(digits)
    except ValueError:
        return False
    return True


def _phone_number(text: str) -> str:
    found = _PHONE.fullmatch(text.replace(" ", "").replace("-", ""))
    if not found:
        raise Refused(
            Words(
                f"只收没有分配给任何人的手机号码，例如{EXAMPLE_PHONE}。",
                f"Only mobile numbers that cannot belong to anybody are accepted, such as {EXAMPLE_PHONE}.",
            )
        )
    return f"+86{found[1]}"


_READERS: Mapping[str, Callable[[str], str]] = {
    "name": _name,
    "document_number": _document_number,
    "phone_number": _phone_number,
}


def read_details(
    form: Mapping[str, str], fields: tuple[str, ...], optional: frozenset[str]
) -> tuple[dict[str, str], list[Fault]]:
    """What was typed, in one form, and what is wrong with it."""
    details: dict[str, str] = {}
    faults: list[Fault] = []
    for field in fields:
        text = form.get(field, "").strip()
        if not text and field in optional:
            continue
        try:
            details[field] = _READERS[field](text)
        except Refused as refused:
            faults.append(Fault(field, refused.words))
    return details, faults


def is_adult(document_number: str, today: date) -> bool:
    """Whether the birthday in a resident number is at least 18 years ago."""
    born = date.fromisoformat(document_number[6:14])
    birthday_to_come = (today.month, today.day) < (born.month, born.day)
    return today.year - born.year - birthday_to_come >= 18
