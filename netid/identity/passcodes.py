"""The 8-digit passcode, and which ones are too easy to guess for its owner."""

import re
from itertools import pairwise

from netid.errors import InvalidField
from netid.identity.entered import entered_text, folded
from netid.identity.identity_document import IdentityDocument

_EIGHT_DIGITS = re.compile(r"[0-9]{8}")


def parse_passcode(text: object) -> str:
    """Exactly 8 digits, spaces around trimmed; InvalidField otherwise."""
    passcode = folded(entered_text(text, "passcode", 32))
    if not _EIGHT_DIGITS.fullmatch(passcode):
        raise _refused("must be exactly 8 digits")
    return passcode


def check_new_passcode(text: object, document: IdentityDocument, phone: str) -> str:
    """The passcode, if it may become this person's; InvalidField says which rule it breaks.

    It is not one digit repeated, not digits in sequence up or down (9 and 0 are neighbours), not
    the date of birth in any usual order, and not a part of the document or phone number.
    """
    passcode = parse_passcode(text)
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(passcode)}
    if steps == {0}:
        raise _refused("must not be one digit repeated")
    if steps in ({1}, {9}):
        raise _refused("must not be consecutive digits")
    if passcode in {document.birthdate.strftime(order) for order in ("%Y%m%d", "%d%m%Y", "%m%d%Y")}:
        raise _refused("must not be the date of birth")
    if passcode in document.number or passcode in phone:
        raise _refused("must not be part of the document number or the phone number")
    return passcode


def _refused(rule: str) -> InvalidField:
    return InvalidField("passcode", rule, "choose 8 digits that are hard to guess")
