"""Words in two languages, and how dates and levels are said."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from netid.client import AssuranceLevel, Language

_BEIJING = timezone(timedelta(hours=8))
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Words:
    """One thing said in Chinese and in English."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """The words in that language."""
        return self.zh if language == "zh" else self.en


LEVELS = {
    AssuranceLevel.CREDENTIAL: Words("网证", "net credential"),
    AssuranceLevel.CREDENTIAL_PASSCODE: Words("网证+口令", "net credential and passcode"),
    AssuranceLevel.CREDENTIAL_FACE: Words("网证+人像", "net credential and face"),
    AssuranceLevel.CREDENTIAL_PASSCODE_FACE: Words("网证+口令+人像", "net credential, passcode and face"),
}

CLAIMS = {
    "name": Words("姓名", "Name"),
    "document_number": Words("证件号码", "Document number"),
    "birthdate": Words("出生日期", "Date of birth"),
    "phone_number": Words("手机号码", "Mobile number"),
    "age_over_18": Words("已满18岁", "Aged 18 or over"),
}


def moment(at: datetime) -> Words:
    """A time as people in China read it, to the minute."""
    local = at.astimezone(_BEIJING)
    clock = f"{local:%H:%M}"
    return Words(
        f"{local.year}年{local.month}月{local.day}日 {clock}（北京时间）",
        f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {clock} (UTC+8)",
    )
