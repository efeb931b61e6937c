"""The catalogue: every claim that can leave the vault, one row each.

The consent page, the discovery document, the scope map and the tests follow from these rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from netid.identity.ages import age_on
from netid.identity.text import Text

Predicate = Callable[[str, date], bool]


@dataclass(frozen=True)
class Claim:
    """A field of an identity document, or a predicate derived from one."""

    name: str
    """Its name in tokens, in a purpose and in the `claims` parameter."""

    label: Text
    """What a person reads."""

    source: str
    """The vault field it is, or is derived from."""

    predicate: Predicate | None = None
    """For a yes/no: the answer from the source's value on a day (China Standard Time)."""

    sensitive: Text | None = None
    """For sensitive personal information: what giving it means (PIPL 28 to 30)."""

    @property
    def is_field(self) -> bool:
        """Whether it is a plaintext value, which needs a legal basis (Measures, article 8)."""
        return self.predicate is None


def _at_least(years: int) -> Predicate:
    return lambda birthdate, day: age_on(date.fromisoformat(birthdate), day) >= years


_ROWS = (
    Claim("name", Text(zh="姓名", en="Name"), "name"),
    Claim("document_kind", Text(zh="证件种类", en="Kind of document"), "document_kind"),
    Claim(
        "document_number",
        Text(zh="证件号码", en="Document number"),
        "document_number",
        sensitive=Text(
            zh="这个号码一生不变。泄露后，别人可能冒用您的身份，也能把您在各处的记录连起来。",
            en="This number never changes. If it leaks, others may pose as you or link your records "
            "across places.",
        ),
    ),
    Claim("sex", Text(zh="性别", en="Sex"), "sex"),
    Claim("birthdate", Text(zh="出生日期", en="Date of birth"), "birthdate"),
    Claim("nationality", Text(zh="国籍", en="Nationality"), "nationality"),
    Claim("document_expires_on", Text(zh="证件有效期至", en="Document valid until"), "document_expires_on"),
    Claim("phone_number", Text(zh="手机号码", en="Mobile number"), "phone_number"),
    Claim("age_over_14", Text(zh="已满14岁", en="Aged 14 or over"), "birthdate", _at_least(14)),
    Claim("age_over_16", Text(zh="已满16岁", en="Aged 16 or over"), "birthdate", _at_least(16)),
    Claim("age_over_18", Text(zh="已满18岁", en="Aged 18 or over"), "birthdate", _at_least(18)),
)

CATALOGUE: Mapping[str, Claim] = MappingProxyType({row.name: row for row in _ROWS})
"""Every claim by its name, in the order a page lists them."""

FIELDS = frozenset(row.name for row in _ROWS if row.is_field)
"""The names of those that are plaintext values, not yes or no."""


def in_catalogue_order(names: frozenset[str]) -> list[Claim]:
    """Those claims in the order a page lists them; unknown names are a programming error."""
    if unknown := names - CATALOGUE.keys():
        raise KeyError(f"not in the catalogue: {sorted(unknown)}")
    return [claim for claim in _ROWS if claim.name in names]
