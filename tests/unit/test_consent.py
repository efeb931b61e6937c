"""What a person is told before they decide, and the record of what they decided."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from netid.errors import NoticeIncomplete
from netid.identity.claims import CATALOGUE
from netid.identity.consent import (
    NOTICE_VERSION,
    Action,
    Notice,
    NoticeReference,
    Receipt,
    StoredReceipt,
    notice_for,
)
from netid.identity.own_wallet import PURPOSE as OWN_COPY
from netid.identity.own_wallet import own_wallet
from netid.identity.relying_party import LegalBasis, Necessity, Purpose, PurposeClaim, RelyingParty
from netid.identity.text import Language, Text

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = ("zh", "en")
PURPOSE = Purpose(
    id="real-name-parcel",
    text=Text(zh="寄件实名核验", en="Real-name check"),
    legal_basis=LegalBasis(
        code="CN-POSTAL-REALNAME", text=Text(zh="《条例》第二十二条", en="Rules, article 22")
    ),
    retention_days=180,
    claims=(
        PurposeClaim(
            name="phone_number", necessity="voluntary", because=Text(zh="方便联系", en="to reach you")
        ),
        PurposeClaim(
            name="document_number", necessity="essential", because=Text(zh="法规要求", en="rules ask")
        ),
        PurposeClaim(
            name="name", necessity="essential", because=Text(zh="核对寄件人", en="to check who sends")
        ),
    ),
)
PREDICATES = Purpose(
    id="minors-mode",
    text=Text(zh="未成年人模式", en="Minors’ mode"),
    retention_days=0,
    claims=(
        PurposeClaim(name="age_over_18", necessity="essential", because=Text(zh="时长", en="playing time")),
    ),
)
SHOP = RelyingParty.model_validate(
    {
        "client_id": "a-shop",
        "name": {"zh": "包裹站", "en": "Parcel point"},
        "contact": "privacy@parcels.example",
        "legal_entity": {"name": {"zh": "包裹公司", "en": "Parcels Ltd"}, "sector": "parcels.example"},
        "redirect_uris": ("https://parcels.example/callback",),
        "authentication": "client_secret_basic",
        "secret_digest": "0" * 64,
        "purposes": (PURPOSE, PREDICATES),
    }
)


def text_of(notice: Notice) -> str:
    return "\n".join(notice.lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_measures_10_the_notice_says_everything_the_law_asks_for(language: Language) -> None:
    said = text_of(notice_for(SHOP, PURPOSE, PURPOSE.names, language))
    assert PURPOSE.legal_basis is not None

    for words in (SHOP.name, SHOP.legal_entity.name, PURPOSE.text, PURPOSE.legal_basis.text):
        assert words.in_(language) in said
    assert SHOP.contact in said
    for claim in PURPOSE.claims:
        assert CATALOGUE[claim.name].label.in_(language) in said
        assert claim.because.in_(language) in said
    assert said.count("180") == 3  # how long each field is kept
    sensitive = CATALOGUE["document_number"].sensitive
    assert sensitive is not None
    assert sensitive.in_(language) in said
    for way_out in {
        "zh": ("一概不提供", "什么都不提供", "撤回", "投诉", "必需", "自愿"),
        "en": ("not shared", "nothing is shared", "Withdraw", "Complain", "Needed", "Optional"),
    }[language]:
        assert way_out in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_essential_claims_come_first_in_the_order_of_the_catalogue(language: Language) -> None:
    notice = notice_for(SHOP, PURPOSE, PURPOSE.names, language)

    assert [claim.name for claim in notice.claims] == ["name", "document_number", "phone_number"]
    assert [claim.name for claim in notice.of(Necessity.ESSENTIAL)] == ["name", "document_number"]
    assert [claim.name for claim in notice.of(Necessity.VOLUNTARY)] == ["phone_number"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_of_a_check_result_promises_nothing_from_the_document(language: Language) -> None:
    notice = notice_for(SHOP, None, frozenset(), language)

    assert notice.claims == ()
    assert notice.purpose is None
    said = text_of(notice)
    assert {"zh": "证件内容一项也不提供", "en": "Nothing from your document is shared"}[language] in said
    assert SHOP.contact in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_narrowed_request_tells_of_what_is_asked_and_no_more(language: Language) -> None:
    notice = notice_for(SHOP, PURPOSE, frozenset({"phone_number"}), language)

    assert [claim.name for claim in notice.claims] == ["phone_number"]
    assert CATALOGUE["name"].label.in_(language) + {"zh": "：", "en": ":"}[language] not in text_of(notice)


@pytest.mark.parametrize("language", LANGUAGES)
def test_predicates_without_a_legal_basis_rest_on_consent(language: Language) -> None:
    said = text_of(notice_for(SHOP, PREDICATES, PREDICATES.names, language))

    assert {"zh": "依据：您的同意", "en": "Legal basis: your consent"}[language] in said
    assert {"zh": "不留存", "en": "not kept"}[language] in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_pipl_31_a_guardian_is_told_for_whom_they_decide(language: Language) -> None:
    plain = notice_for(SHOP, PREDICATES, PREDICATES.names, language)
    for_guardian = notice_for(SHOP, PREDICATES, PREDICATES.names, language, for_guardian=True)

    lines = set(for_guardian.lines) - set(plain.lines)
    [added] = [line for line in lines if "31" in line or "三十一" in line]
    assert {"zh": "孩子未满14岁，由您阅读并决定", "en": "Your child is under 14"}[language] in added
    assert for_guardian.sha256 != plain.sha256


UNTRUE_OF_A_PERMISSION: dict[Language, tuple[str, ...]] = {
    "zh": ("我的记录", "会收到核验结果", "还会收到核验结果", "您会回到"),
    "en": ("My records", "receive the check result", "You return to"),
}
"""The provider takes no part in what a permission allows: it has no record of it and can end nothing."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", [None, PURPOSE])
def test_pipl_17_the_notice_of_a_permission_is_true_of_a_childs_wallet(
    language: Language, purpose: Purpose | None
) -> None:
    asked = purpose.names if purpose else frozenset()
    notice = notice_for(SHOP, purpose, asked, language, is_permission=True)

    assert notice.for_guardian
    said = text_of(notice)
    assert not [words for words in UNTRUE_OF_A_PERMISSION[language] if words in said]
    withdrawing = {
        "zh": "撤回：在孩子的钱包里删除许可；最迟30天后自动失效。",
        "en": "Withdraw: delete the permission in your child’s wallet. It ends by itself after 30 days at "
        "most.",
    }[language]
    refusing = {
        "zh": "不许可，就什么都不提供。孩子可以在包裹站改用其他方式。",
        "en": "If you do not permit it, nothing is shared. Your child can use another way at Parcel point.",
    }[language]
    assert {withdrawing, refusing, notice.line("guardian"), notice.line("rest")} <= set(notice.lines)
    assert SHOP.contact in notice.lines[-1]
    for beginning in {"zh": ("依据：", "存多久："), "en": ("Legal basis: ", "How long: ")}[language]:
        assert [line for line in notice.lines if line.startswith(beginning)]
    assert notice.sha256 != notice_for(SHOP, purpose, asked, language, for_guardian=True).sha256


@pytest.mark.parametrize("language", LANGUAGES)
def test_pipl_17_a_guardian_reads_of_the_childs_wallet_and_not_of_their_own(language: Language) -> None:
    wallet = own_wallet("https://netid.example", "https://wallet.example")
    lines = notice_for(wallet, OWN_COPY, OWN_COPY.names, language, for_guardian=True).lines

    own = {"zh": ("您的钱包", "您自己", "认出您"), "en": ("your wallet", "your own", "your net")}[language]
    assert not [line for line in lines for words in own if words in line]
    assert {"zh": "孩子自己的钱包", "en": "your child’s own wallet"}[language] in lines[0]


def _without(**changes: object) -> RelyingParty:
    """Past the registration's own checks, as a damaged row or a later version might be."""
    return SHOP.model_copy(update=changes)


BLANK = Text.model_construct(zh=" ", en="")
REASONLESS = PURPOSE.model_copy(
    update={"claims": (*PURPOSE.claims[:2], PURPOSE.claims[2].model_copy(update={"because": BLANK}))}
)


@pytest.mark.parametrize(
    ("relying_party", "purpose", "asked", "missing"),
    [
        (_without(name=BLANK), PURPOSE, PURPOSE.names, "recipient"),
        (_without(name=BLANK), None, frozenset(), "recipient"),
        (_without(contact=""), PURPOSE, PURPOSE.names, "contact"),
        (_without(contact=" "), None, frozenset(), "contact"),
        (
            _without(legal_entity=SHOP.legal_entity.model_copy(update={"name": BLANK})),
            PURPOSE,
            PURPOSE.names,
            "operator",
        ),
        (SHOP, PURPOSE.model_copy(update={"text": BLANK}), PURPOSE.names, "purpose"),
        (SHOP, PURPOSE.model_copy(update={"legal_basis": None}), PURPOSE.names, "legal basis"),
        (SHOP, REASONLESS, PURPOSE.names, "reason for name"),
        (SHOP, PURPOSE, PURPOSE.names | {"sex"}, "sex"),
        (SHOP, None, frozenset({"name"}), "legal basis, name"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_measures_10_a_notice_that_lacks_something_stops_the_flow(
    relying_party: RelyingParty,
    purpose: Purpose | None,
    asked: frozenset[str],
    missing: str,
    language: Language,
) -> None:
    with pytest.raises(NoticeIncomplete) as caught:
        notice_for(relying_party, purpose, asked, language)

    assert caught.value.detail == f"the notice lacks {missing}"


def test_the_hash_is_of_the_exact_text_its_version_and_its_language() -> None:
    """Known answer: SHA-256 of version, language and lines, one per line, computed with sha256sum."""
    notice = notice_for(SHOP, None, frozenset(), "en")

    assert NOTICE_VERSION == "2026-11-28"
    assert notice.lines == (
        "Who receives it: Parcel point (Parcels Ltd), privacy@parcels.example",
        "Parcel point will receive the check result, how and when you were checked, and an identifier it "
        "alone uses. Nothing from your document is shared.",
        "Legal basis: your consent (PIPL, article 13).",
        "How long: Parcel point keeps it until you withdraw or cancel your net number, and then has to "
        "delete it.",
        "Everything else: not shared.",
        "If you refuse, nothing is shared. You return to Parcel point and can use another way.",
        "Withdraw: at any time, in “My records”.",
        "Complain: privacy@parcels.example",
    )
    assert notice.sha256 == "3a8b8723f4c2ef647e9e7fcffacf59da9d97a80598da5a33161fc79d16e7f1fa"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("for_guardian", [False, True])
def test_pipl_17_every_notice_names_its_legal_basis_and_how_long_things_are_kept(
    language: Language, for_guardian: bool
) -> None:
    for purpose in (None, PURPOSE, PREDICATES):
        asked = purpose.names if purpose else frozenset()
        lines = notice_for(SHOP, purpose, asked, language, for_guardian=for_guardian).lines
        for beginning in {"zh": ("依据：", "存多久："), "en": ("Legal basis: ", "How long: ")}[language]:
            assert [line for line in lines if line.startswith(beginning)], (purpose, beginning)
        until_14 = [line for line in lines if "14" in line and line.startswith(("存多久", "How long"))]
        assert bool(until_14) is for_guardian


OTHER = Text(zh="别的", en="something else")
CHANGES = {
    "name": (_without(name=OTHER), PURPOSE),
    "contact": (_without(contact="other@parcels.example"), PURPOSE),
    "operator": (_without(legal_entity=SHOP.legal_entity.model_copy(update={"name": OTHER})), PURPOSE),
    "purpose": (SHOP, PURPOSE.model_copy(update={"text": OTHER})),
    "basis": (SHOP, PURPOSE.model_copy(update={"legal_basis": LegalBasis(code="CN-X", text=OTHER)})),
    "retention": (SHOP, PURPOSE.model_copy(update={"retention_days": 181})),
    "reason": (
        SHOP,
        PURPOSE.model_copy(
            update={"claims": (PURPOSE.claims[0].model_copy(update={"because": OTHER}), *PURPOSE.claims[1:])}
        ),
    ),
    "necessity": (
        SHOP,
        PURPOSE.model_copy(
            update={
                "claims": tuple(
                    c.model_copy(update={"necessity": Necessity.ESSENTIAL}) for c in PURPOSE.claims
                )
            }
        ),
    ),
}


@pytest.mark.parametrize(("relying_party", "purpose"), CHANGES.values(), ids=CHANGES)
def test_pipl_14_every_change_of_what_is_said_changes_the_hash(
    relying_party: RelyingParty, purpose: Purpose
) -> None:
    before = notice_for(SHOP, PURPOSE, PURPOSE.names, "zh")

    assert notice_for(relying_party, purpose, PURPOSE.names, "zh").sha256 != before.sha256
    assert notice_for(SHOP, PURPOSE, frozenset({"name"}), "zh").sha256 != before.sha256
    assert notice_for(SHOP, PURPOSE, PURPOSE.names, "en").sha256 != before.sha256


# Receipts


def receipt(**changes: object) -> Receipt:
    values: dict[str, object] = {
        "receipt_id": "r",
        "sequence": 1,
        "previous": "",
        "subject": "s",
        "client_id": "a-shop",
        "purpose": "real-name-parcel",
        "legal_basis": "CN-POSTAL-REALNAME",
        "offered": ("name", "phone_number"),
        "agreed": ("name",),
        "notice": NoticeReference(version="v", sha256="0" * 64, language="zh"),
        "action": Action.AGREED,
        "decided_at": NOW,
        "expires_at": NOW + timedelta(minutes=6),
    }
    return Receipt.model_validate(values | changes)


def test_measures_8_a_receipt_has_exactly_the_columns_of_the_record_and_none_for_a_value() -> None:
    """In the shape of ISO/IEC TS 27560; a new member is added once it surely holds no field value."""
    assert set(Receipt.model_fields) == {
        "receipt_id",
        "sequence",
        "previous",
        "subject",
        "guardian_subject",
        "client_id",
        "purpose",
        "legal_basis",
        "offered",
        "agreed",
        "notice",
        "action",
        "decided_at",
        "expires_at",
        "withdraws",
    }
    assert set(NoticeReference.model_fields) == {"version", "sha256", "language"}
    assert {field.name for field in fields(StoredReceipt)} == {
        "receipt",
        "person_id",
        "record",
        "withdrawn_at",
    }


def test_a_receipt_takes_no_further_member() -> None:
    with pytest.raises(ValidationError, match="extra"):
        receipt(name="林示例")


def test_a_receipt_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        receipt().agreed = ("name", "phone_number")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "withdrawn_at", "at", "holds"),
    [
        ({}, None, NOW, True),
        ({}, None, NOW + timedelta(minutes=6, microseconds=-1), True),
        ({}, None, NOW + timedelta(minutes=6), False),
        ({}, NOW + timedelta(minutes=1), NOW, False),
        ({"action": Action.REFUSED}, None, NOW, False),
        ({"action": Action.WITHDRAWN}, None, NOW, False),
        ({"expires_at": None}, None, NOW + timedelta(days=36500), True),
        ({"expires_at": None}, NOW, NOW, False),
    ],
)
def test_a_consent_holds_while_it_was_given_not_withdrawn_and_not_over(
    changes: dict[str, object], withdrawn_at: datetime | None, at: datetime, holds: bool
) -> None:
    assert StoredReceipt(receipt(**changes), "p", "jws", withdrawn_at).holds(at) is holds
