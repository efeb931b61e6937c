"""What a person is told before an enrolment takes anything (Measures, article 10; PIPL 17, 30, 31).

Three texts, each accepted by itself: the enrolment, the face (sensitive information needs a
separate consent: Measures, article 9) and, for a minor, the guardian's. Pages render exactly
these items, and the record keeps the hash of exactly these.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from netid.errors import NoticeIncomplete
from netid.identity.text import Language, Text

ENROLMENT_NOTICE_VERSION = "2026-11-28"
"""Changes with any word below."""


class Told(StrEnum):
    """Which text."""

    ENROLMENT = "enrolment"
    FACE = "face"
    GUARDIAN = "guardian"


@dataclass(frozen=True)
class NoticeItem:
    """One thing that has to be said."""

    name: str
    heading: Text
    words: Text


@dataclass(frozen=True)
class EnrolmentNotice:
    """One of the texts, in both languages."""

    about: Told
    version: str
    items: tuple[NoticeItem, ...]

    def require_complete(self) -> None:
        """NoticeIncomplete unless every item that the law asks for is there."""
        present = {item.name for item in self.items}
        if missing := [name for name in REQUIRED_ITEMS[self.about] if name not in present]:
            raise NoticeIncomplete(f"{self.about.value} notice lacks {', '.join(missing)}")

    def sha256(self, language: Language) -> str:
        """The hash of the full text in that language, in hex."""
        lines = [self.about.value, self.version, language]
        for item in self.items:
            lines += [item.name, item.heading.in_(language), item.words.in_(language)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def without(self, name: str) -> "EnrolmentNotice":
        """The same text with one item left out: what the flow has to stop at."""
        return replace(self, items=tuple(item for item in self.items if item.name != name))


REQUIRED_ITEMS: Mapping[Told, tuple[str, ...]] = MappingProxyType(
    {
        Told.ENROLMENT: (
            "who",
            "purpose",
            "basis",
            "taken",
            "sensitive",
            "kept",
            "recipients",
            "rights",
            "voluntary",
        ),
        Told.FACE: ("taken", "sensitive", "kept", "voluntary"),
        Told.GUARDIAN: ("basis", "taken", "meaning", "rights", "voluntary"),
    }
)
"""What each text must say (Measures, article 10; PIPL 17 and 30, and 31 for children)."""


def _item(name: str, heading: tuple[str, str], zh: str, en: str) -> NoticeItem:
    return NoticeItem(name, Text(zh=heading[0], en=heading[1]), Text(zh=zh, en=en))


_ENROLMENT = (
    _item(
        "who",
        ("谁处理", "Who processes it"),
        "这套NetID模拟服务，由启动它的人运行。疑问和投诉也找这个人。",
        "This copy of the NetID mock, run by whoever started it. Questions and complaints go to that person.",
    ),
    _item(
        "purpose",
        ("做什么", "What for"),
        "给您一个网号和一份网证。以后由您决定，在互联网平台上证明您是真实的人，不必交出证件内容。",
        "To give you a net number and a net credential. With them you can show platforms that you are a real "
        "person, when you choose to, without handing over what your document says.",
    ),
    _item(
        "basis",
        ("依据", "Legal basis"),
        "您的同意（《国家网络身份认证公共服务管理办法》第四条）。",
        "Your consent (Measures for the national network identity authentication service, article 4).",
    ),
    _item(
        "taken",
        ("要什么", "What is taken"),
        "证件种类、姓名、证件号码、性别、出生日期、国籍、有效期，手机号码，一个8位口令。不收证件照片。"
        "人像另行征求您的同意。",
        "Kind of document, name, document number, sex, date of birth, nationality and expiry; a mobile "
        "number; an 8-digit passcode. No picture of the document. For the face you are asked separately.",
    ),
    _item(
        "sensitive",
        ("敏感信息", "Sensitive information"),
        "证件号码一生不变，没有它就不能保证一人一个网号。泄露后，别人可能冒用您的身份，"
        "也能把您在各处的记录连起来。",
        "A document number never changes; without it nobody could be held to one net number. If it leaks, "
        "others may pose as you or link your records across places.",
    ),
    _item(
        "kept",
        ("怎么存，存多久", "How and how long it is kept"),
        "逐项加密，密钥另存；口令只存校验值。保存到您注销网号为止。中途停下，已填的内容30分钟后删除。",
        "Each item is encrypted, its key kept elsewhere; of the passcode only a check value. Kept until you "
        "cancel the net number. If you stop half-way, what you entered is deleted after 30 minutes.",
    ),
    _item(
        "recipients",
        ("给谁", "Who receives it"),
        "谁也不给。某个互联网平台要证件内容时，每次都单独问您。",
        "Nobody. When a platform asks for anything from your document, you are asked separately each time.",
    ),
    _item(
        "rights",
        ("您的权利", "Your rights"),
        "查看、复制、更正、删除、撤回同意、投诉。注销网号后，以上内容和密钥一并删除。",
        "See, copy, correct, delete, withdraw and complain. Cancelling the net number deletes all of this "
        "and its key.",
    ),
    _item(
        "voluntary",
        ("自愿", "Voluntary"),
        "申领网号全凭自愿。不申领，照样可以用其他合法方式使用互联网平台，享有同样的服务。",
        "Applying is up to you. Without a net number you can use platforms in other lawful ways and get the "
        "same service.",
    ),
)

_FACE = (
    _item(
        "taken",
        ("要什么", "What is taken"),
        "只有一个结果：人像与证件是否一致。这里是模拟，不开摄像头，不拍照片，结果由测试者选择。",
        "One result only: whether the face fits the document. It is simulated here: no camera, no photo; the "
        "tester chooses the result.",
    ),
    _item(
        "sensitive",
        ("为什么必需，有何影响", "Why it is needed, and what it means"),
        "人像属于敏感信息。比对人像，才能防止别人拿您的证件去申领。",
        "A face is sensitive information. Comparing it keeps others from applying with your document.",
    ),
    _item("kept", ("存多久", "How long it is kept"), "比对完就不再留存。", "Not kept after the comparison."),
    _item(
        "voluntary",
        ("自愿", "Voluntary"),
        "不同意，申领就到此为止，已填的内容立即删除。您可以用其他合法方式使用互联网平台。",
        "If you refuse, the application ends here and what you entered is deleted at once. You can use "
        "platforms in other lawful ways.",
    ),
)

_GUARDIAN = (
    _item(
        "basis",
        ("依据", "Legal basis"),
        "未满14岁的，由监护人同意并代为申领；14岁至17岁的，在监护人监护下申领"
        "（《国家网络身份认证公共服务管理办法》第四条，《个人信息保护法》第三十一条）。",
        "For a child under 14 the guardian consents and applies; from 14 to 17 the person applies under a "
        "guardian’s supervision (Measures, article 4; PIPL, article 31).",
    ),
    _item(
        "taken",
        ("要什么", "What is taken"),
        "记下您是这位未成年人的监护人。未成年人的证件内容、手机号码和口令，按申领告知处理。",
        "A record that you are this minor’s guardian. The minor’s document details, mobile number and "
        "passcode are handled as the enrolment notice says.",
    ),
    _item(
        "meaning",
        ("意味着什么", "What it means"),
        "未满14岁的，以后每次用网号也要先由您同意。这里是模拟，不核对监护关系。",
        "Until the child is 14, each use of the net number needs your agreement first. This is a mock: the "
        "relationship is not checked.",
    ),
    _item(
        "rights",
        ("权利", "Rights"),
        "您可以代未满14岁的孩子查看、更正、删除，也可以随时撤回同意。",
        "For a child under 14 you can see, correct and delete, and withdraw your consent at any time.",
    ),
    _item(
        "voluntary",
        ("自愿", "Voluntary"),
        "不同意，申领就到此为止，已填的内容立即删除。",
        "If you refuse, the application ends here and what was entered is deleted at once.",
    ),
)

ENROLMENT_NOTICES: Mapping[Told, EnrolmentNotice] = MappingProxyType(
    {
        about: EnrolmentNotice(about, ENROLMENT_NOTICE_VERSION, items)
        for about, items in (
            (Told.ENROLMENT, _ENROLMENT),
            (Told.FACE, _FACE),
            (Told.GUARDIAN, _GUARDIAN),
        )
    }
)
"""The three texts."""
