"""Mobile numbers that no network can have given to anybody.

Mainland mobile numbers have eleven digits and begin with a network code from 13X to 19X (Ministry
of Industry and Information Technology, numbering plan of 2017 and its list of allocated network
codes of March 2023). 10X is left out, because +86 10 is Beijing's area code; so are 110, 112,
119, 120 and 122, which call for help when only their start is dialled.
"""

import re
from collections.abc import Callable

from netid.errors import InvalidField
from netid.identity.entered import entered_text, folded

_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[0-9]{10})")
_UNASSIGNED = re.compile(r"1(?:1[13-8]|2[13-9])[0-9]{8}")


def parse_phone(text: object) -> str:
    """The number in E.164 form, `+86` and eleven digits; spaces and hyphens in it do not matter.

    InvalidField if it is no mainland mobile number, or one that could be somebody's.
    """
    entered = folded(entered_text(text, "phone_number", 40)).replace(" ", "").replace("-", "")
    mainland = _MAINLAND.fullmatch(entered)
    if not mainland:
        raise InvalidField(
            "phone_number", "must be a mainland mobile number of 11 digits", "write it like +86 115 0000 0001"
        )
    if not _UNASSIGNED.fullmatch(mainland[1]):
        raise InvalidField(
            "phone_number",
            "this mock only takes numbers that cannot belong to a real person: 111, 113-118, 121, 123-129",
            "use a made-up number such as +86 115 0000 0001",
        )
    return "+86" + mainland[1]


def make_synthetic_phone(random: Callable[[int], bytes]) -> str:
    """A made-up number in E.164 form."""
    return f"+86115{int.from_bytes(random(8), 'big') % 10**8:08d}"
