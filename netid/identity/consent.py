"""Separate consent: what a person was told (the notice) and what they decided (the receipt)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from netid.errors import NoticeIncomplete
from netid.identity.claims import CATALOGUE
from netid.identity.relying_party import Necessity, Purpose, RelyingParty
from netid.identity.text import Language, Text

NOTICE_VERSION = "2026-11-28"
"""Changes with any word below; a remembered decision holds for its own version only."""

_WORDS: Mapping[str, Text] = {
    "recipient": Text(
        zh="谁收到：{name}（{operator}），{contact}", en="Who receives it: {name} ({operator}), {contact}"
    ),
    "check": Text(
        zh="{name}会收到核验结果、核验方式、核验时间，以及只在该平台使用的标识。证件内容一项也不提供。",
        en="{name} will receive the check result, how and when you were checked, and an identifier it alone "
        "uses. Nothing from your document is shared.",
    ),
    "check_too": Text(
        zh="{name}还会收到核验结果、核验方式、核验时间，以及只在该平台使用的标识。",
        en="{name} will also receive the check result, how and when you were checked, and an identifier it "
        "alone uses.",
    ),
    "check_for_guardian": Text(
        zh="{name}会收到核验结果、核验方式、核验时间，以及只在该平台使用的标识。证件内容一项也不提供。",
        en="{name} will receive the check result, how and when your child was checked, and an identifier it "
        "alone uses. Nothing from the document is shared.",
    ),
    "check_too_for_guardian": Text(
        zh="{name}还会收到核验结果、核验方式、核验时间，以及只在该平台使用的标识。",
        en="{name} will also receive the check result, how and when your child was checked, and an "
        "identifier it alone uses.",
    ),
    "check_basis": Text(
        zh="依据：您的同意（《个人信息保护法》第十三条）。",
        en="Legal basis: your consent (PIPL, article 13).",
    ),
    "check_kept": Text(
        zh="存多久：{name}存到您撤回同意或注销网号为止，之后应当删除。",
        en="How long: {name} keeps it until you withdraw or cancel your net number, and then has to delete "
        "it.",
    ),
    "check_kept_for_guardian": Text(
        zh="存多久：{name}存到撤回同意、注销网号或孩子满14岁为止，之后应当删除，或者重新征求同意。",
        en="How long: {name} keeps it until the consent is withdrawn, the net number is cancelled or the "
        "child turns 14; then it has to delete it or ask anew.",
    ),
    "purpose": Text(zh="做什么：{purpose}", en="What for: {purpose}"),
    "basis": Text(zh="依据：{basis}", en="Legal basis: {basis}"),
    "no_basis": Text(
        zh="依据：您的同意。不提供证件内容，只回答是或否。",
        en="Legal basis: your consent. Nothing from your document is shared, only yes or no.",
    ),
    "essential": Text(
        zh="必需：办理“{purpose}”离不开这几项，要么都提供，要么都不提供。",
        en="Needed: {purpose} cannot be done without these. Share all of them or none.",
    ),
    "voluntary": Text(
        zh="自愿：不勾选，照样能办理“{purpose}”。", en="Optional: {purpose} works without these."
    ),
    "claim": Text(zh="{label}：{because}；{kept}", en="{label}: {because}; {kept}"),
    "kept": Text(zh="存{days}天", en="kept for {days} days"),
    "not_kept": Text(zh="不留存", en="not kept"),
    "rest": Text(zh="其他信息：一概不提供。", en="Everything else: not shared."),
    "refuse": Text(
        zh="不同意，就什么都不提供。您会回到{name}，可改用其他方式。",
        en="If you refuse, nothing is shared. You return to {name} and can use another way.",
    ),
    "withdraw": Text(zh="撤回：随时可在“我的记录”撤回。", en="Withdraw: at any time, in “My records”."),
    "complain": Text(zh="投诉：{contact}", en="Complain: {contact}"),
    "guardian": Text(
        zh="孩子未满14岁，由您阅读并决定。这次同意仅限这个平台、这项用途（《个人信息保护法》第三十一条）。",
        en="Your child is under 14, so you read this and decide. Your consent covers this platform and this "
        "purpose only (PIPL, article 31).",
    ),
    "permit_showing": Text(
        zh="出示：孩子每次在钱包里同意之后，钱包直接向{name}出示，公共服务平台不参与，也不会知道。",
        en="Showing it: your child’s wallet does so directly, each time your child agrees there. The "
        "provider takes no part and does not hear of it.",
    ),
    "permit_check": Text(
        zh="{name}会知道孩子持有有效的网证，并收到所出示副本的标识；不会知道核验方式和核验时间。"
        "证件内容一项也不提供。",
        en="{name} will learn that your child holds a valid net credential, and receive the identifier of "
        "the copy that is shown; not how and when your child was checked. Nothing from the document is "
        "shared.",
    ),
    "permit_check_too": Text(
        zh="{name}还会知道孩子持有有效的网证，并收到所出示副本的标识；不会知道核验方式和核验时间。",
        en="{name} will also learn that your child holds a valid net credential, and receive the identifier "
        "of the copy that is shown; not how and when your child was checked.",
    ),
    "permit_kept": Text(
        zh="存多久：{name}只能存到不再需要为止，之后应当删除（《个人信息保护法》第十九条、第四十七条）。",
        en="How long: {name} may keep it only while it needs it, and then has to delete it (PIPL, articles "
        "19 and 47).",
    ),
    "permit_refuse": Text(
        zh="不许可，就什么都不提供。孩子可以在{name}改用其他方式。",
        en="If you do not permit it, nothing is shared. Your child can use another way at {name}.",
    ),
    "permit_withdraw": Text(
        zh="撤回：在孩子的钱包里删除许可；最迟30天后自动失效。",
        en="Withdraw: delete the permission in your child’s wallet. It ends by itself after 30 days at most.",
    ),
    "wallet_recipient": Text(
        zh="谁收到：您自己的钱包，在您自己的设备上", en="Who receives it: your own wallet, on your own device"
    ),
    "wallet_recipient_for_guardian": Text(
        zh="谁收到：孩子自己的钱包，在孩子自己的设备上",
        en="Who receives it: your child’s own wallet, on your child’s own device",
    ),
    "wallet_contents": Text(
        zh="放进去的内容如下，以证件上有的为限；每一项都可以单独出示，也可以一项都不出示：",
        en="What goes in, as far as the document has it; each of these can be shown alone, or none:",
    ),
    "wallet_claim": Text(zh="{label}", en="{label}"),
    "wallet_number": Text(
        zh="网号也会放进去。任何互联网平台都不能索取网号。",
        en="The net number goes in too. No platform can ask for it.",
    ),
    "wallet_later": Text(
        zh="出示：以后由您的钱包直接向互联网平台出示，公共服务平台不参与，也不会知道；"
        "如果互联网平台与公共服务平台串通，仍然可以认出您。",
        en="Showing it: your wallet does so directly. The provider takes no part and does not hear of it; a "
        "platform and the provider together could still recognise you.",
    ),
    "wallet_later_for_guardian": Text(
        zh="出示：以后由孩子的钱包直接向互联网平台出示，公共服务平台不参与，也不会知道；"
        "如果互联网平台与公共服务平台串通，仍然可以认出孩子。",
        en="Showing it: your child’s wallet does so directly. The provider takes no part and does not hear "
        "of it; a platform and the provider together could still recognise your child.",
    ),
    "wallet_kept": Text(
        zh="存多久：存在您的钱包里，由您删除。短期副本两天内失效，长期副本30天内失效；"
        "公共服务平台只记下放进去的时间和长期副本的编号。",
        en="How long: in your wallet, until you delete it. Short copies end within two days, long ones "
        "within 30 days; the provider notes only when you got them, and the numbers of the long copies.",
    ),
    "wallet_kept_for_guardian": Text(
        zh="存多久：存在孩子的钱包里，在那里删除。短期副本两天内失效，长期副本30天内失效；"
        "公共服务平台只记下放进去的时间、长期副本的编号，以及这个钱包的公钥指纹。",
        en="How long: in your child’s wallet, until it is deleted there. Short copies end within two days, "
        "long ones within 30 days; the provider notes only when they were given, the numbers of the long "
        "copies, and a fingerprint of the wallet’s key.",
    ),
    "wallet_refuse": Text(
        zh="不同意，就什么都不放进钱包。", en="If you refuse, nothing is put into a wallet."
    ),
    "wallet_withdraw": Text(
        zh="撤回：注销网号后，长期副本会公布为失效，短期副本两天内失效。",
        en="Take it back: once you cancel your net number, long copies are published as void, and short ones "
        "end within two days.",
    ),
    "wallet_withdraw_for_guardian": Text(
        zh="撤回：注销孩子的网号后，长期副本会公布为失效，短期副本两天内失效。",
        en="Take it back: once your child’s net number is cancelled, long copies are published as void, and "
        "short ones end within two days.",
    ),
    "wallet_guardian": Text(
        zh="孩子未满14岁，由您阅读并决定。以后每次向互联网平台出示，还要有您对该平台、该用途的许可"
        "（《个人信息保护法》第三十一条）。",
        en="Your child is under 14, so you read this and decide. To show it to a platform later also takes "
        "your permission for that platform and purpose (PIPL, article 31).",
    ),
}


@dataclass(frozen=True)
class NoticeClaim:
    """One claim as the notice lists it."""

    name: str
    label: str
    necessity: Necessity
    because: str
    kept: str
    sensitive: str | None
    """What giving it means, for sensitive personal information."""


@dataclass(frozen=True)
class Notice:
    """Everything a person is told before they decide (Measures, article 10; PIPL 17, 23, 30).

    Pages render exactly this, and the receipt keeps the hash of exactly this.
    """

    version: str
    language: Language
    recipient: str
    """The relying party's name."""
    operator: str
    """The legal entity that answers for it."""
    contact: str
    purpose: str | None
    """None where only the check result is asked for."""
    basis: str
    claims: tuple[NoticeClaim, ...]
    for_guardian: bool
    is_permission: bool
    """Whether the guardian permits a child's wallet to show this itself, without the provider."""
    to_own_wallet: bool
    lines: tuple[str, ...]
    """The full text, a line per item."""

    @property
    def sha256(self) -> str:
        """The hash of the full text, in hex."""
        return hashlib.sha256("\n".join((self.version, self.language, *self.lines)).encode()).hexdigest()

    def of(self, necessity: Necessity) -> list[NoticeClaim]:
        """The claims of that necessity, in page order."""
        return [claim for claim in self.claims if claim.necessity is necessity]

    def line(self, key: str, **values: str) -> str:
        """One sentence of the notice, as the text itself has it; some are another to a guardian."""
        words = (self.for_guardian and _WORDS.get(f"{key}_for_guardian")) or _WORDS[key]
        purpose = self.purpose or ""
        known = {
            "name": self.recipient,
            "operator": self.operator,
            "contact": self.contact,
            "purpose": purpose,
        }
        return words.in_(self.language).format(**known, basis=self.basis, **values)


def notice_for(
    relying_party: RelyingParty,
    purpose: Purpose | None,
    asked: frozenset[str],
    language: Language,
    *,
    for_guardian: bool = False,
    is_permission: bool = False,
) -> Notice:
    """The notice for one request: `asked` is registered ∩ requested, empty for a check result.

    `is_permission`: a guardian reads it, and permits a child's wallet to show this itself.

    Raises NoticeIncomplete, which stops the flow, when something that has to be said is missing.
    """
    basis = purpose.legal_basis if purpose else None
    bare = Notice(
        version=NOTICE_VERSION,
        language=language,
        recipient=relying_party.name.in_(language),
        operator=relying_party.legal_entity.name.in_(language),
        contact=relying_party.contact,
        purpose=purpose.text.in_(language) if purpose else None,
        basis=basis.text.in_(language) if basis else "",
        claims=_notice_claims(purpose, asked, language) if purpose else (),
        for_guardian=for_guardian or is_permission,
        is_permission=is_permission,
        to_own_wallet=relying_party.is_own_wallet,
        lines=(),
    )
    _require_complete(bare, asked)
    return Notice(**{**bare.__dict__, "lines": tuple(_lines(bare))})


def _require_complete(notice: Notice, asked: frozenset[str]) -> None:
    """Everything that PIPL 17, 23 and 30 ask for, whatever the registration came from."""
    said = {"recipient": notice.recipient, "operator": notice.operator, "contact": notice.contact}
    if notice.purpose is not None:
        said["purpose"] = notice.purpose
    if any(CATALOGUE[name].is_field for name in asked):
        said["legal basis"] = notice.basis
    for claim in notice.claims:
        said[f"reason for {claim.name}"] = claim.because
    missing = [item for item, words in said.items() if not words.strip()]
    missing += sorted(asked - {claim.name for claim in notice.claims})
    if missing:
        raise NoticeIncomplete(f"the notice lacks {', '.join(missing)}")


def _notice_claims(purpose: Purpose, asked: frozenset[str], language: Language) -> tuple[NoticeClaim, ...]:
    kept = _WORDS["kept" if purpose.retention_days else "not_kept"].in_(language)
    return tuple(
        NoticeClaim(
            name=claim.name,
            label=claim.label.in_(language),
            necessity=Necessity.ESSENTIAL if claim.name in purpose.essential else Necessity.VOLUNTARY,
            because=purpose.because(claim.name).in_(language),
            kept=kept.format(days=purpose.retention_days),
            sensitive=claim.sensitive.in_(language) if claim.sensitive else None,
        )
        for claim in purpose.ordered(asked)
    )


def _lines(notice: Notice) -> list[str]:
    if notice.to_own_wallet:
        return _wallet_lines(notice)
    if notice.is_permission:
        asked = _asked_lines(notice, "permit_check", "permit_check_too")
        rest = ["permit_kept", "permit_showing", "guardian", "rest", "permit_refuse", "permit_withdraw"]
    else:
        asked = _asked_lines(notice, "check", "check_too")
        guardian = ["guardian"] if notice.for_guardian else []
        rest = ["check_kept", *guardian, "rest", "refuse", "withdraw"]
    return [*asked, *(notice.line(key) for key in (*rest, "complain"))]


def _asked_lines(notice: Notice, check: str, check_too: str) -> list[str]:
    """Who asks, what for, on what basis, for which claims; and what is learned without any."""
    if notice.purpose is None:
        return [notice.line(key) for key in ("recipient", check, "check_basis")]
    lines = [notice.line(key) for key in ("recipient", "purpose", "basis" if notice.basis else "no_basis")]
    for necessity in Necessity:
        if claims := notice.of(necessity):
            lines.append(notice.line(necessity.value))
            lines.extend(_claim_lines(notice, claims))
    return [*lines, notice.line(check_too)]


def _wallet_lines(notice: Notice) -> list[str]:
    lines = [notice.line(key) for key in ("wallet_recipient", "purpose", "basis", "wallet_contents")]
    for claim in notice.claims:
        lines.append(notice.line("wallet_claim", label=claim.label))
        if claim.sensitive:
            lines.append(claim.sensitive)
    guardian = ("wallet_guardian",) if notice.for_guardian else ()
    about = ("wallet_number", "wallet_later", "wallet_kept", *guardian, "wallet_refuse", "wallet_withdraw")
    return [*lines, *(notice.line(key) for key in (*about, "complain"))]


def _claim_lines(notice: Notice, claims: list[NoticeClaim]) -> list[str]:
    lines = []
    for claim in claims:
        lines.append(notice.line("claim", label=claim.label, because=claim.because, kept=claim.kept))
        if claim.sensitive:
            lines.append(claim.sensitive)
    return lines


class Action(StrEnum):
    """What a person decided."""

    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class NoticeReference(BaseModel):
    """Which exact text a decision was made on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    sha256: str
    language: Language


class Receipt(BaseModel):
    """The record of one consent decision, in the shape of ISO/IEC TS 27560. No field value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    receipt_id: str
    sequence: int
    """Its place in this person's chain, from 1."""
    previous: str
    """The hash of the record before it, in hex; empty for the first."""
    subject: str
    """The person, as this relying party knows them."""
    guardian_subject: str | None = None
    """The guardian who decided for a person under 14, as this relying party would know them."""
    client_id: str
    purpose: str | None
    """The purpose's id; None for a check result."""
    legal_basis: str | None
    offered: tuple[str, ...]
    agreed: tuple[str, ...]
    notice: NoticeReference
    action: Action
    decided_at: datetime
    expires_at: datetime | None
    """When the consent ends by itself; None lasts until it is withdrawn."""
    withdraws: str | None = None
    """For a withdrawal: the receipt that it ends."""


@dataclass(frozen=True)
class StoredReceipt:
    """A receipt with its signature and what became of it."""

    receipt: Receipt
    person_id: str
    record: str
    """The receipt as the provider signed it (compact JWS)."""
    withdrawn_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it still permits what it says."""
        agreed = self.receipt.action is Action.AGREED and self.withdrawn_at is None
        return agreed and (self.receipt.expires_at is None or now < self.receipt.expires_at)
