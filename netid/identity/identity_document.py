"""What every identity document is, and what the 18-character numbers share."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from netid.errors import InvalidField
from netid.identity.check_digits import mod_11_2
from netid.identity.names import parse_name
from netid.identity.text import Text

Sex = Literal["female", "male"]

BELONGS_TO_NOBODY = Text(zh="不可能属于任何人的号码", en="a number that cannot belong to anybody")
RESERVED_BY_THIS_MOCK = Text(zh="由本模拟服务保留的号码", en="a number reserved by this mock")

_OLDEST_BIRTH = date(1900, 1, 1)


@dataclass(frozen=True, repr=False)
class IdentityDocument(ABC):
    """A valid document of a person who cannot be real; a broken rule raises InvalidField on making it."""

    name: str
    """As printed, in NFC; see `names.parse_name`."""

    number: str
    """In capitals, without spaces."""

    sex: Sex
    birthdate: date

    nationality: str
    """ISO 3166-1 alpha-3; a user-assigned code stands for a country that does not exist."""

    expires_on: date | None
    """The last day on which it is valid; None is long-term (长期)."""

    kind: ClassVar[str]
    """Its name in code, forms and claims."""

    label: ClassVar[Text]
    """What a person calls it."""

    number_rule: ClassVar[str]
    """The true form of the number, in words."""

    number_form: ClassVar[re.Pattern[str]]
    synthetic_range: ClassVar[str]
    """The numbers that this mock takes, in words."""

    synthetic_form: ClassVar[re.Pattern[str]]
    standing: ClassVar[Text] = BELONGS_TO_NOBODY
    """How sure it is that a number of this range is nobody's."""

    may_be_long_term: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if parse_name(self.name) != self.name:
            raise InvalidField("name", "must be normalised", "use parse_document")
        self.check_form(self.number)
        self._check_dates()
        self._check_inside()
        if self.nationality != self.nationality_in(self.number):
            raise InvalidField("nationality", "must agree with the number", "leave it out or correct it")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: fields not shown>"

    def is_valid_on(self, day: date) -> bool:
        """Whether the holder is born and the document has not expired; the last day still counts."""
        return self.birthdate <= day and (self.expires_on is None or day <= self.expires_on)

    def fields(self) -> dict[str, str]:
        """Field name to value, as the claim catalogue names them; dates are ISO 8601.

        A long-term document has no `document_expires_on`.
        """
        fields = {
            "name": self.name,
            "document_kind": self.kind,
            "document_number": self.number,
            "sex": self.sex,
            "birthdate": self.birthdate.isoformat(),
            "nationality": self.nationality,
        }
        if self.expires_on is not None:
            fields["document_expires_on"] = self.expires_on.isoformat()
        return fields

    @classmethod
    def check_form(cls, number: str) -> None:
        """InvalidField unless the number has this kind's form and is one of its synthetic range."""
        if not cls.number_form.fullmatch(number):
            raise InvalidField("number", f"must be {cls.number_rule}", "enter it as it is printed")
        if not cls.synthetic_form.fullmatch(number):
            raise InvalidField(
                "number",
                f"this mock only takes numbers that cannot belong to a real person: {cls.synthetic_range}",
                "use a made-up document",
            )

    @classmethod
    def lasting_part(cls, number: str) -> str:
        """What of a number a renewed document of this kind has again; empty where it gets another one."""
        return ""

    @classmethod
    def nationality_in(cls, number: str) -> str:
        """The nationality that a number of this kind implies."""
        return "CHN"

    @classmethod
    @abstractmethod
    def compose_number(cls, birthdate: date, sex: Sex, serial: int) -> str:
        """A number of the synthetic range with valid check digits; one serial gives one number."""

    def _check_dates(self) -> None:
        if self.birthdate < _OLDEST_BIRTH:
            raise InvalidField("birthdate", "must be in 1900 or later", "check the year")
        if self.expires_on is None and not self.may_be_long_term:
            raise InvalidField(
                "expires_on", "is required for this kind of document", "enter its last valid day"
            )
        if self.expires_on is not None and self.expires_on <= self.birthdate:
            raise InvalidField("expires_on", "must be after the date of birth", "check both dates")

    def _check_inside(self) -> None:  # noqa: B027  (most numbers tell nothing about their holder)
        """Check digit, date of birth and sex, for the kinds whose number carries them."""


def eighteen_characters(address: str, birthdate: date, sex: Sex, serial: int) -> str:
    """Six digits of address, date of birth, a sequence odd for men and even for women, check digit."""
    sequence = serial % 499 * 2 + (1 if sex == "male" else 2)
    body = f"{address}{birthdate:%Y%m%d}{sequence:03d}"
    return body + mod_11_2(body)


def check_eighteen(document: IdentityDocument) -> None:
    """GB 11643-1999: address 6, date of birth 8, sequence 3 (odd is male), check character."""
    number = document.number
    if mod_11_2(number[:17]) != number[17]:
        raise InvalidField("number", "must end in its check digit", "check the number for a slip")
    if number[6:14] != f"{document.birthdate:%Y%m%d}":
        raise InvalidField("birthdate", "must agree with the number", "check number and date of birth")
    if (int(number[16]) % 2 == 1) != (document.sex == "male"):
        raise InvalidField("sex", "must agree with the number", "check number and sex")


class EighteenCharacters(IdentityDocument):
    """What a citizen's number and the numbers modelled on it share."""

    number_form = re.compile(r"[0-9]{17}[0-9X]")

    @classmethod
    def lasting_part(cls, number: str) -> str:
        return number

    def _check_inside(self) -> None:
        check_eighteen(self)
