"""An incident in closed words: what PIPL 57 asks to be told, to people and to the authority."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from netid.identity.claims import CATALOGUE, in_catalogue_order
from netid.identity.relying_party import ClaimName
from netid.identity.text import Text


class Cause(StrEnum):
    """Why it happened."""

    INTRUSION = "intrusion"
    LOST_COPY = "lost-copy"
    WRONG_RECIPIENT = "wrong-recipient"
    SOFTWARE_FAULT = "software-fault"


class Harm(StrEnum):
    """What may come of it."""

    POSING = "posing"
    LINKING = "linking"
    UNWANTED_CALLS = "unwanted-calls"


class Remedy(StrEnum):
    """What was done about it."""

    CUT_OFF = "cut-off"
    KEYS_REPLACED = "keys-replaced"
    SESSIONS_ENDED = "sessions-ended"
    COPY_DELETED = "copy-deleted"


class Advice(StrEnum):
    """What people can do."""

    CHANGE_PASSCODE = "change-passcode"
    CHECK_RECORDS = "check-records"
    CANCEL = "cancel"


_WORDS: Mapping[StrEnum, Text] = MappingProxyType(
    {
        Cause.INTRUSION: Text(zh="有人侵入", en="somebody broke in"),
        Cause.LOST_COPY: Text(zh="一份备份丢失", en="a backup was lost"),
        Cause.WRONG_RECIPIENT: Text(zh="发给了错误的对象", en="something went to the wrong recipient"),
        Cause.SOFTWARE_FAULT: Text(zh="软件故障", en="a fault in the software"),
        Harm.POSING: Text(zh="别人可能冒用您的身份", en="others may pose as you"),
        Harm.LINKING: Text(zh="别人可能把您在各处的记录连起来", en="others may link your records"),
        Harm.UNWANTED_CALLS: Text(zh="您可能接到骚扰电话", en="you may get unwanted calls"),
        Remedy.CUT_OFF: Text(zh="已切断来源", en="the source was cut off"),
        Remedy.KEYS_REPLACED: Text(zh="已更换密钥", en="keys were replaced"),
        Remedy.SESSIONS_ENDED: Text(zh="已结束全部登录", en="everybody was signed out"),
        Remedy.COPY_DELETED: Text(zh="已删除外流的副本", en="the copy was deleted"),
        Advice.CHANGE_PASSCODE: Text(zh="更换口令", en="change your passcode"),
        Advice.CHECK_RECORDS: Text(zh="查看“我的记录”", en="look through “My records”"),
        Advice.CANCEL: Text(zh="必要时注销网号", en="cancel your net number if you want to"),
    }
)


class Incident(BaseModel):
    """What happened; nothing in it names a person or carries a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    drill: bool
    """Whether it is an exercise; both notices then say so first."""
    happened_at: AwareDatetime
    discovered_at: AwareDatetime
    fields: Annotated[tuple[ClaimName, ...], Field(min_length=1)]
    """Which kinds of information are concerned."""
    cause: Cause
    harms: Annotated[tuple[Harm, ...], Field(min_length=1)]
    remedies: Annotated[tuple[Remedy, ...], Field(min_length=1)]
    advice: Annotated[tuple[Advice, ...], Field(min_length=1)]
    contact: Text
    """How to reach who answers for it (PIPL 57(3))."""

    @property
    def title(self) -> Text:
        """The notice's heading."""
        if self.drill:
            return Text(zh="演练：个人信息安全事件通知", en="Exercise: notice of a data incident")
        return Text(zh="个人信息安全事件通知", en="Notice of a data incident")

    def facts(self) -> list[tuple[Text, Text]]:
        """What both notices have to say, in the order of PIPL 57."""
        labels = [claim.label for claim in in_catalogue_order(frozenset(self.fields) & CATALOGUE.keys())]
        return [
            (Text(zh="涉及的信息", en="What is concerned"), _listed(labels)),
            (Text(zh="原因", en="Cause"), _WORDS[self.cause]),
            (Text(zh="可能的危害", en="What may come of it"), _said(self.harms)),
            (Text(zh="已采取的措施", en="What was done"), _said(self.remedies)),
            (Text(zh="您可以做什么", en="What you can do"), _said(self.advice)),
            (Text(zh="联系方式", en="Contact"), self.contact),
        ]


def _said(codes: tuple[StrEnum, ...]) -> Text:
    return _listed([_WORDS[code] for code in codes])


def _listed(words: list[Text]) -> Text:
    return Text(zh="、".join(one.zh for one in words), en=", ".join(one.en for one in words))
