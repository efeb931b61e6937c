"""Who saw what: the provider, the wallet, this platform, and the platform had the details been typed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from platform_demo.scenes import Scene
from platform_demo.words import CLAIMS, Words

HAS = Words("有", "yes")
HAS_NOT = Words("无", "no")
ONLY_YES_NO = Words("只有是否", "only yes or no")
CAN = Words("能", "can")
CANNOT = Words("不能", "cannot")
NOT_APPLICABLE = Words("—", "—")

_TOLD_BY_THE_NUMBER = frozenset({"birthdate", "age_over_18"})
"""Whoever has a resident number has the birthday in it, and so every age."""
_RESIDENT_NUMBER = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True)
class Row:
    """One thing that can be seen, and who sees it."""

    id: str
    what: Words
    provider: Words
    platform: Words
    wallet: Words
    old_way: Words


def who_saw_what(scene: Scene, way: str, details: Mapping[str, str | bool]) -> list[Row]:
    """The table for one account: `details` are what this platform has been given."""
    # The provider holds what its people enrolled with, and gave their wallets copies of it.
    provider = HAS_NOT if way == "other" else HAS
    wallet = HAS if way == "wallet" else HAS_NOT
    old = _TOLD_BY_THE_NUMBER.union(scene.old_way)
    rows = [
        Row(n, what, provider, _seen(n, details), wallet, HAS if n in old else HAS_NOT)
        for n, what in CLAIMS.items()
    ]
    return [*rows, _where_to(way), _across(way, details)]


def _seen(name: str, details: Mapping[str, str | bool]) -> Words:
    if name in _TOLD_BY_THE_NUMBER and _RESIDENT_NUMBER.fullmatch(str(details.get("document_number", ""))):
        return HAS
    if name not in details:
        return HAS_NOT
    return ONLY_YES_NO if name.startswith("age_over_") else HAS


def _where_to(way: str) -> Row:
    provider = HAS if way == "netid" else HAS_NOT
    what = Words("您去了哪家", "Which platform you went to")
    wallet = HAS if way == "wallet" else HAS_NOT
    return Row("where", what, provider, NOT_APPLICABLE, wallet, NOT_APPLICABLE)


def _across(way: str, details: Mapping[str, str | bool]) -> Row:
    """A document or mobile number is the same everywhere; a platform's own identifier is not."""
    linkable = {"document_number", "phone_number"} & details.keys()
    return Row(
        "across",
        Words("在不同互联网平台之间认出您", "Recognise you across platforms"),
        CAN if way == "netid" else CANNOT,
        CAN if linkable else CANNOT,
        CAN if way == "wallet" else CANNOT,
        CAN,
    )
