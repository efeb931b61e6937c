"""Names as documents print them, in any script."""

import re
import unicodedata

from netid.errors import InvalidField
from netid.identity.entered import entered_text

LONGEST_NAME = 100
"""Characters, after normalisation; the longest real names are well below."""

_MIDDLE_DOT = "\u00b7"
_DOTS_TYPED_FOR_IT = str.maketrans(dict.fromkeys("\u2022\u2027\u30fb\uff65", _MIDDLE_DOT))
_PUNCTUATION = frozenset(" '\u2019-." + _MIDDLE_DOT)
_SPACES = re.compile("[ \u3000]+")


def parse_name(value: object) -> str:
    """The name in NFC, single spaces, with the middle dot U+00B7 between parts of a transliterated name.

    InvalidField if it is empty or longer than `LONGEST_NAME`, does not begin with a letter, or has
    anything but letters, their marks, spaces, middle dots, apostrophes, hyphens and full stops.
    """
    text = unicodedata.normalize("NFC", entered_text(value, "name", 2 * LONGEST_NAME))
    name = _SPACES.sub(" ", text.translate(_DOTS_TYPED_FOR_IT)).strip(" ")
    if len(name) > LONGEST_NAME:
        raise InvalidField("name", f"must have at most {LONGEST_NAME} characters", "shorten it")
    if not name or not _is_letter(name[0]):
        raise InvalidField("name", "must begin with a letter or a Chinese character", "enter it as printed")
    if not all(_may_be_in_a_name(character) for character in name):
        raise InvalidField(
            "name",
            "must have only letters, spaces, middle dots, apostrophes, hyphens and full stops",
            "leave out other characters",
        )
    return name


def _may_be_in_a_name(character: str) -> bool:
    return (
        character in _PUNCTUATION or _is_letter(character) or unicodedata.category(character).startswith("M")
    )


def _is_letter(character: str) -> bool:
    # Planes 2 and 3 hold nothing but ideographs; Python's tables lag behind the newest extensions.
    newest_ideograph = 0x20000 <= ord(character) <= 0x3FFFD and ord(character) & 0xFFFF < 0xFFFE
    return newest_ideograph or unicodedata.category(character).startswith("L")
