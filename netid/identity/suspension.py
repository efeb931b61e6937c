"""Why a net credential may be suspended, and for how long at most: a closed list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from netid.identity.text import Text


class SuspensionReason(StrEnum):
    """The code of a reason, as commands and the audit name it."""

    OWN_WISH = "own-wish"
    DOCUMENT_LOST = "document-lost"
    DOCUMENT_DOUBTFUL = "document-doubtful"
    SUSPECTED_MISUSE = "suspected-misuse"
    LAWFUL_ORDER = "lawful-order"


@dataclass(frozen=True)
class SuspensionRule:
    """What the person reads, and the longest term: every suspension ends by itself."""

    text: Text
    longest: timedelta


SUSPENSION_RULES: Mapping[SuspensionReason, SuspensionRule] = MappingProxyType(
    {
        SuspensionReason.OWN_WISH: SuspensionRule(
            Text(zh="您本人要求暂停", en="You asked for it yourself"), timedelta(days=365)
        ),
        SuspensionReason.DOCUMENT_LOST: SuspensionRule(
            Text(zh="证件已报失", en="The document was reported lost"), timedelta(days=90)
        ),
        SuspensionReason.DOCUMENT_DOUBTFUL: SuspensionRule(
            Text(zh="证件是否有效，正在核实", en="Whether the document is valid is being checked"),
            timedelta(days=30),
        ),
        SuspensionReason.SUSPECTED_MISUSE: SuspensionRule(
            Text(zh="疑似有人冒用您的网号", en="Somebody else seems to be using your net number"),
            timedelta(days=14),
        ),
        SuspensionReason.LAWFUL_ORDER: SuspensionRule(
            Text(zh="有权机关依法决定暂停", en="An authority has ordered it by law"), timedelta(days=180)
        ),
    }
)
"""Every reason there is."""
