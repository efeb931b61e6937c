"""Where the law lets a field leave without the person's consent: a closed list of exceptions.

Each names its article and exactly what it covers. A request names authority and case, and has no
place where another field could be put in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from netid.identity.text import Text


class ExceptionCode(StrEnum):
    """The code of an exception, as commands and the audit name it."""

    LEGAL_ASSISTANCE = "legal-assistance"
    EMERGENCY = "emergency"


class Authority(StrEnum):
    """Who may ask for it."""

    PUBLIC_SECURITY = "public-security"
    STATE_SECURITY = "state-security"
    PROCURATORATE = "procuratorate"
    COURT = "court"
    RESCUE = "rescue"


@dataclass(frozen=True)
class LegalException:
    """One exception."""

    article: Text
    """The rules it rests on."""
    text: Text
    """What the person is told it was for."""
    fields: frozenset[str]
    """The fields it covers: these, and no others."""
    with_log: bool
    """Whether the log of the person's sign-ins belongs to it."""
    authorities: frozenset[Authority]


EXCEPTIONS: Mapping[ExceptionCode, LegalException] = MappingProxyType(
    {
        ExceptionCode.LEGAL_ASSISTANCE: LegalException(
            Text(
                zh="《管理办法》（2025年）依法协助；《个人信息保护法》第三十五条",
                en="Measures (2025), legal assistance; PIPL 35",
            ),
            Text(zh="依法协助办案", en="Legal assistance in a case"),
            frozenset({"name", "document_kind", "document_number"}),
            True,
            frozenset(Authority) - {Authority.RESCUE},
        ),
        ExceptionCode.EMERGENCY: LegalException(
            Text(
                zh="《管理办法》第十一条；《个人信息保护法》第十三条第一款第四项、第十八条",
                en="Measures, article 11; PIPL 13(4) and 18",
            ),
            Text(
                zh="紧急情况下保护生命、健康和财产安全",
                en="An emergency that threatened life, health or property",
            ),
            frozenset({"name", "phone_number"}),
            False,
            frozenset({Authority.PUBLIC_SECURITY, Authority.RESCUE}),
        ),
    }
)
"""Every exception there is. Article 11 of the Measures is cited from the draft of 2024."""

AUTHORITY_LABELS: Mapping[Authority, Text] = MappingProxyType(
    {
        Authority.PUBLIC_SECURITY: Text(zh="公安机关", en="Public security"),
        Authority.STATE_SECURITY: Text(zh="国家安全机关", en="State security"),
        Authority.PROCURATORATE: Text(zh="检察院", en="A procuratorate"),
        Authority.COURT: Text(zh="法院", en="A court"),
        Authority.RESCUE: Text(zh="消防和急救", en="Fire and rescue"),
    }
)


class ExceptionRequest(BaseModel):
    """What is on record of a request under an exception; whom it is about comes apart from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    code: ExceptionCode
    authority: Authority
    case: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{3,39}$")]
    """The authority's number for the case."""
