"""The eight kinds of legal identity document (Measures, articles 4 and 15): one class each.

Each class knows its number's true form, and the range of it that cannot belong to anybody; a
number outside that range is refused, so that no real person's document ever enters this mock.

Seven kinds are issued to citizens of China alone, residents of Hong Kong, Macao and Taiwan
included, so their `nationality` is CHN. The eighth takes it from the number.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import ClassVar, TypeVar

from netid.errors import InvalidField
from netid.identity.check_digits import icao_731
from netid.identity.entered import entered_date, entered_text, folded
from netid.identity.identity_document import (
    RESERVED_BY_THIS_MOCK,
    EighteenCharacters,
    IdentityDocument,
    Sex,
    check_eighteen,
    eighteen_characters,
)
from netid.identity.names import parse_name
from netid.identity.passcodes import check_new_passcode, parse_passcode
from netid.identity.phones import make_synthetic_phone, parse_phone
from netid.identity.text import Text

__all__ = [
    "DOCUMENT_KINDS",
    "IdentityDocument",
    "Sex",
    "check_new_passcode",
    "document_kind",
    "make_synthetic_document",
    "make_synthetic_phone",
    "parse_document",
    "parse_passcode",
    "parse_phone",
    "register_kind",
    "usual_expiry",
]

LAST_EXPIRY = date(2099, 12, 31)
"""When a made-up document expires unless told otherwise."""

_SEXES: Mapping[str, Sex] = {"female": "female", "male": "male"}
_ABSENT = (None, "")
_FIELDS = frozenset({"name", "number", "sex", "birthdate", "nationality", "expires_on"})

_KINDS: dict[str, type[IdentityDocument]] = {}
DOCUMENT_KINDS: Mapping[str, type[IdentityDocument]] = MappingProxyType(_KINDS)
"""Every kind by its name, in the order of the Measures."""

_Kind = TypeVar("_Kind", bound=type[IdentityDocument])


def register_kind(cls: _Kind) -> _Kind:
    """Adds a class to `DOCUMENT_KINDS`; ValueError if its kind is taken."""
    if cls.kind in _KINDS:
        raise ValueError(f"the document kind {cls.kind} is registered already")
    _KINDS[cls.kind] = cls
    return cls


@register_kind
class ResidentId(EighteenCharacters):
    """Resident ID card (GB 11643-1999). GB/T 2260 assigns the regions; 66 is in use informally."""

    kind = "resident_id"
    label = Text(zh="居民身份证", en="Resident ID card")
    number_rule = "18 characters: address, date of birth, sequence and check digit"
    synthetic_range = "first two digits 10, 16-20, 24-30, 38-40, 47-49, 55-60, 67-70 or 72-80"
    synthetic_form = re.compile(
        r"(?:10|1[6-9]|20|2[4-9]|30|3[89]|40|4[7-9]|5[5-9]|60|6[7-9]|70|7[2-9]|80)[0-9]{15}[0-9X]"
    )
    may_be_long_term = True
    _regions: ClassVar = (10, 16, 17, 18, 19, 20, 24, 25, 26, 27, 28, 29, 30)

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        place, area = divmod(serial // 499, 10_000)
        region = cls._regions[place % len(cls._regions)]
        return eighteen_characters(f"{region}{area:04d}", birthdate, sex, serial)


@register_kind
class OverseasCitizenPassport(IdentityDocument):
    """Ordinary passport of a citizen settled abroad.

    The National Immigration Administration numbers them E, then eight digits, or a second letter
    other than I and O and seven digits; G before 2012. A second letter I or O is never issued.
    """

    kind = "overseas_citizen_passport"
    label = Text(zh="普通护照（定居国外的中国公民）", en="Ordinary passport (citizens settled abroad)")
    number_rule = "9 characters: E or G, a digit or letter, and 7 digits"
    number_form = re.compile(r"[EG][0-9A-Z][0-9]{7}")
    synthetic_range = "EI or EO and 7 digits"
    synthetic_form = re.compile(r"E[IO][0-9]{7}")

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        return f"E{'IO'[serial % 2]}{serial // 2 % 10**7:07d}"


@register_kind
class HkMacaoExitEntryPermit(IdentityDocument):
    """Exit-entry permit for travelling to Hong Kong and Macao.

    C and eight digits (nearly all given out), and since 2018 a second letter other than I and O
    from CA0000001 on (National Immigration Administration, notice of 10 December 2018).
    """

    kind = "hk_macao_exit_entry_permit"
    label = Text(zh="往来港澳通行证", en="Exit-entry permit for travelling to Hong Kong and Macao")
    number_rule = "9 characters: C, a digit or letter, and 7 digits"
    number_form = re.compile(r"C[0-9A-Z][0-9]{7}")
    synthetic_range = "CI or CO and 7 digits"
    synthetic_form = re.compile(r"C[IO][0-9]{7}")

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        return f"C{'IO'[serial % 2]}{serial // 2 % 10**7:07d}"


@register_kind
class HkMacaoTravelPermit(IdentityDocument):
    """Mainland travel permit of Hong Kong (H) and Macao (M) residents.

    Eight digits for life and, on older cards, two for the renewal (Ministry of Public Security,
    notice of March 2010).
    """

    kind = "hk_macao_travel_permit"
    label = Text(zh="港澳居民来往内地通行证", en="Mainland travel permit for Hong Kong and Macao residents")
    number_rule = "H or M and 8 digits, or 10 with the number of renewals"
    number_form = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")
    synthetic_range = "H or M and 8 digits that begin with 0000"
    synthetic_form = re.compile(r"[HM]0000[0-9]{4}(?:[0-9]{2})?")
    standing = RESERVED_BY_THIS_MOCK

    @classmethod
    def lasting_part(cls, number: str) -> str:
        return number[:9]

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        return f"{'HM'[serial % 2]}0000{serial // 2 % 10**4:04d}"


@register_kind
class TaiwanTravelPermit(IdentityDocument):
    """Mainland travel permit of Taiwan residents: eight digits for life, since September 2008."""

    kind = "taiwan_travel_permit"
    label = Text(zh="台湾居民来往大陆通行证", en="Mainland travel permit for Taiwan residents")
    number_rule = "8 digits"
    number_form = re.compile(r"[0-9]{8}")
    synthetic_range = "8 digits that begin with 0000"
    synthetic_form = re.compile(r"0000[0-9]{4}")
    standing = RESERVED_BY_THIS_MOCK

    @classmethod
    def lasting_part(cls, number: str) -> str:
        return number

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        return f"0000{serial % 10**4:04d}"


@register_kind
class HkMacaoResidencePermit(EighteenCharacters):
    """Residence permit of Hong Kong and Macao residents; real ones have the address 810000 or 820000."""

    kind = "hk_macao_residence_permit"
    label = Text(zh="港澳居民居住证", en="Residence permit for Hong Kong and Macao residents")
    number_rule = "18 characters: 81 or 82 and four digits, date of birth, sequence and check digit"
    number_form = re.compile(r"8[12][0-9]{15}[0-9X]")
    synthetic_range = "first four digits 8199 or 8299"
    synthetic_form = re.compile(r"8[12]99[0-9]{13}[0-9X]")

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        address = f"8{'12'[serial % 2]}99{serial // 2 // 499 % 100:02d}"
        return eighteen_characters(address, birthdate, sex, serial // 2)


@register_kind
class TaiwanResidencePermit(EighteenCharacters):
    """Residence permit of Taiwan residents; real ones have the address 830000."""

    kind = "taiwan_residence_permit"
    label = Text(zh="台湾居民居住证", en="Residence permit for Taiwan residents")
    number_rule = "18 characters: 83 and four digits, date of birth, sequence and check digit"
    number_form = re.compile(r"83[0-9]{15}[0-9X]")
    synthetic_range = "first four digits 8399"
    synthetic_form = re.compile(r"8399[0-9]{13}[0-9X]")

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        return eighteen_characters(f"8399{serial // 499 % 100:02d}", birthdate, sex, serial)


@register_kind
class PermanentResidenceId(IdentityDocument):
    """Foreign permanent resident ID card, in both forms.

    2023: 9, province 2, country 3 (ISO 3166-1 numeric), date of birth 8, sequence 3, MOD 11-2.
    Before: country 3 (alpha-3), area 4, date of birth YYMMDD, sequence 1, check digit as in ICAO
    Doc 9303. ISO 3166-1 leaves QMA to QZZ and 900 to 999 to users, so no country ever has them;
    this mock pairs QMA to QMZ with 900 to 925.
    """

    kind = "permanent_residence_id"
    label = Text(zh="外国人永久居留身份证", en="Foreign permanent resident ID card")
    number_rule = "18 digits that begin with 9 (cards since 2023), or 3 letters and 12 digits"
    number_form = re.compile(r"9[0-9]{16}[0-9X]|[A-Z]{3}[0-9]{12}")
    synthetic_range = "country 900-925 in 18 digits, or QMA-QMZ in 15 characters"
    synthetic_form = re.compile(r"9[0-9]{2}9(?:[01][0-9]|2[0-5])[0-9]{11}[0-9X]|QM[A-Z][0-9]{12}")

    @classmethod
    def nationality_in(cls, number: str) -> str:
        if number.startswith("9"):
            return "QM" + chr(ord("A") + int(number[4:6]))
        return number[:3]

    @classmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        rest, country = divmod(serial, 26)
        address = f"9{rest // 499 % 100:02d}{900 + country}"
        return eighteen_characters(address, birthdate, sex, rest)

    def _check_inside(self) -> None:
        if self.number.startswith("9"):
            check_eighteen(self)
            return
        if icao_731(self.number[:14]) != self.number[14]:
            raise InvalidField("number", "must end in its check digit", "check the number for a slip")
        if self.number[7:13] != f"{self.birthdate:%y%m%d}":
            raise InvalidField("birthdate", "must agree with the number", "check number and date of birth")


def parse_document(kind: str, values: Mapping[str, object]) -> IdentityDocument:
    """A document of that kind from `name`, `number`, `sex`, `birthdate`, `expires_on` and `nationality`.

    Dates are `date` or YYYY-MM-DD; without `expires_on` (or with "") it is long-term, without
    `nationality` it is what the number implies. Anything malformed, of any type, is an InvalidField.
    """
    chosen = document_kind(kind)
    if not values.keys() <= _FIELDS:
        raise InvalidField("document", "has a field of no document", f"give {', '.join(sorted(_FIELDS))}")
    number = folded(entered_text(values.get("number"), "number", 40))
    chosen.check_form(number)
    nationality, expires_on = values.get("nationality"), values.get("expires_on")
    stated = chosen.nationality_in(number) if nationality in _ABSENT else nationality
    return chosen(
        name=parse_name(values.get("name")),
        number=number,
        sex=_sex(values.get("sex")),
        birthdate=entered_date(values.get("birthdate"), "birthdate"),
        nationality=folded(entered_text(stated, "nationality", 10)),
        expires_on=None if expires_on in _ABSENT else entered_date(expires_on, "expires_on"),
    )


def make_synthetic_document(
    kind: str,
    *,
    birthdate: date,
    sex: Sex,
    name: str,
    random: Callable[[int], bytes],
    expires_on: date | None = None,
) -> IdentityDocument:
    """A valid made-up document of that kind; without `expires_on` it has the `usual_expiry`."""
    number = document_kind(kind).compose_number(birthdate, sex, int.from_bytes(random(8), "big"))
    values = {"name": name, "number": number, "sex": sex, "birthdate": birthdate}
    return parse_document(kind, {**values, "expires_on": expires_on or usual_expiry(kind)})


def usual_expiry(kind: str) -> date | None:
    """Long-term where the kind may be, else `LAST_EXPIRY`."""
    return None if document_kind(kind).may_be_long_term else LAST_EXPIRY


def document_kind(kind: object) -> type[IdentityDocument]:
    """The class of that kind; InvalidField if there is none."""
    found = DOCUMENT_KINDS.get(entered_text(kind, "kind", 40))
    if found is None:
        raise InvalidField("kind", "must be a kind of identity document", f"give {', '.join(DOCUMENT_KINDS)}")
    return found


def _sex(value: object) -> Sex:
    sex = _SEXES.get(entered_text(value, "sex", 10))
    if sex is None:
        raise InvalidField("sex", "must be female or male", "give one of the two")
    return sex
