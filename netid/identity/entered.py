"""Text as somebody entered it: bounded first, then brought into one form.

Numbers copied from Chinese forms often come in full-width digits and letters; those and small
letters are taken for what they stand for. Digits and letters of other scripts are not.
"""

import re
from datetime import date, datetime

from netid.errors import InvalidField

_FULL_WIDTH = {0xFF01 + offset: chr(0x21 + offset).upper() for offset in range(94)}
_SMALL = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
_TO_ASCII_CAPITALS = {**_FULL_WIDTH, **_SMALL, 0x3000: " "}
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def entered_text(value: object, field: str, longest: int) -> str:
    """The value if it is text of at most `longest` characters; anything else is an InvalidField.

    The length is looked at before the content, so that no later step works on a huge string.
    """
    if value is None:
        raise InvalidField(field, "is required", "enter it")
    if not isinstance(value, str):
        raise InvalidField(field, "must be text", "enter it as text")
    if len(value) > longest:
        raise InvalidField(field, f"must have at most {longest} characters", "enter it as it is printed")
    return value


def entered_words(value: str, field: str, longest: int) -> str:
    """What somebody wrote in their own words, over as many lines as they like, without spaces around.

    Nothing, too much, or control characters are an InvalidField.
    """
    words = value.strip()
    if not words or len(words) > longest:
        raise InvalidField(field, f"must be 1 to {longest} characters", "write what you mean")
    if any(character not in "\r\n" and not character.isprintable() for character in words):
        raise InvalidField(field, "must be printable text", "leave control characters out")
    return words


def folded(text: str) -> str:
    """Full-width characters as ASCII, a to z as capitals, without spaces around.

    `str.upper` would also turn letters such as the Turkish dotless i into ASCII; this does not.
    """
    return text.translate(_TO_ASCII_CAPITALS).strip(" ")


def entered_date(value: object, field: str) -> date:
    """A calendar date, or text in the form YYYY-MM-DD; anything else is an InvalidField."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = folded(entered_text(value, field, 32))
    if not _ISO_DATE.fullmatch(text):
        raise InvalidField(field, "must be a date in the form YYYY-MM-DD", "write it like 1990-05-17")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField(field, "must be a day that exists", "check month and day") from error
