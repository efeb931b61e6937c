"""The rules of disclosure as one truth table: a release is permitted if every rule is content, else not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from netid.errors import NoticeIncomplete
from netid.identity.ages import Capacity
from netid.identity.consent import Action, NoticeReference, Receipt, StoredReceipt, notice_for
from netid.identity.policy import PERMIT, RULES, ProposedRelease, Refuse, judge
from netid.identity.relying_party import LegalBasis, Purpose, PurposeClaim, RelyingParty
from netid.identity.text import Text

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WORDS = Text(zh="原因", en="a reason")
PURPOSE = Purpose(
    id="real-name-parcel",
    text=Text(zh="寄件", en="Sending a parcel"),
    legal_basis=LegalBasis(code="CN-POSTAL-REALNAME", text=Text(zh="条例", en="Rules")),
    retention_days=180,
    claims=(
        PurposeClaim(name="name", necessity="essential", because=WORDS),
        PurposeClaim(name="age_over_18", necessity="essential", because=WORDS),
        PurposeClaim(name="phone_number", necessity="voluntary", because=WORDS),
    ),
)
OTHER_PURPOSE = PURPOSE.model_copy(update={"id": "another-purpose"})
WITHOUT_BASIS = PURPOSE.model_copy(update={"legal_basis": None})
"""No registration can be like this; the rule holds all the same."""


def relying_party(client_id: str, *purposes: Purpose) -> RelyingParty:
    return RelyingParty.model_validate(
        {
            "client_id": client_id,
            "name": {"zh": "包裹", "en": "Parcels"},
            "contact": "privacy@parcels.example",
            "legal_entity": {"name": {"zh": "公司", "en": "Ltd"}, "sector": "parcels.example"},
            "redirect_uris": ("https://parcels.example/callback",),
            "authentication": "client_secret_basic",
            "secret_digest": "0" * 64,
        }
    ).model_copy(update={"purposes": purposes})


def consent(to: RelyingParty, purpose: Purpose, agreed: tuple[str, ...], **changes: Any) -> StoredReceipt:
    guardian = changes.pop("guardian_subject", None)
    offered = purpose.names
    notice = notice_for(to, PURPOSE, offered, "en", for_guardian=guardian is not None)
    values = {
        "receipt_id": "r",
        "sequence": 1,
        "previous": "",
        "subject": "s",
        "guardian_subject": guardian,
        "client_id": to.client_id,
        "purpose": purpose.id,
        "legal_basis": purpose.legal_basis.code if purpose.legal_basis else None,
        "offered": tuple(offered),
        "agreed": agreed,
        "notice": NoticeReference(version=notice.version, sha256=notice.sha256, language="en"),
        "action": Action.AGREED,
        "decided_at": NOW - timedelta(minutes=1),
        "expires_at": NOW + timedelta(minutes=5),
    }
    withdrawn_at = changes.pop("withdrawn_at", None)
    return StoredReceipt(Receipt(**(values | changes)), "a-person", "jws", withdrawn_at)


def proposed(**changes: Any) -> ProposedRelease:
    shop = changes.pop("shop", None) or relying_party("a-shop", PURPOSE, OTHER_PURPOSE)
    release = ProposedRelease(
        recipient=shop,
        purpose=PURPOSE,
        claims=frozenset({"name"}),
        person_id="a-person",
        capacity=Capacity.ADULT,
        consent=consent(shop, PURPOSE, ("name", "age_over_18")),
        now=NOW,
    )
    return replace(release, **changes)


RECEIPTS: dict[str, dict[str, Any]] = {
    "agreed": {},
    "refused": {"action": Action.REFUSED},
    "withdrawal": {"action": Action.WITHDRAWN},
    "withdrawn": {"withdrawn_at": NOW - timedelta(seconds=1)},
    "expired": {"expires_at": NOW},
}
TABLE = list(
    product(
        (True, False),  # a legal basis is registered
        RECEIPTS,
        ("a-shop", "another-shop"),  # the recipient
        ("real-name-parcel", "another-purpose", "nobody's-purpose"),
        ("a-person", "another-person"),  # whose data it is
        Capacity,
        (True, False),  # a guardian agreed
        ("name", "age_over_18", "phone_number"),  # agreed to, agreed to, not agreed to
    )
)


def permitted(
    basis: bool,
    receipt: str,
    recipient: str,
    purpose: str,
    person: str,
    capacity: Capacity,
    guardian: bool,
    claim: str,
) -> bool:
    """The Measures in one line each, written without a look at the rules."""
    has_separate_consent = receipt == "agreed" and (recipient, person) == ("a-shop", "a-person")
    for_this = purpose == "real-name-parcel" and claim in {"name", "age_over_18"}
    by_the_right_person = guardian or capacity is not Capacity.UNDER_14
    # A purpose that has lost its legal basis asks anew, predicates included.
    return has_separate_consent and for_this and by_the_right_person and basis


def test_measures_8_the_whole_truth_table() -> None:
    allowed = 0
    for row in TABLE:
        basis, receipt, recipient, purpose_id, person, capacity, guardian, claim = row
        registered = PURPOSE if basis else WITHOUT_BASIS
        shop = relying_party("a-shop", PURPOSE, OTHER_PURPOSE)
        to = relying_party(recipient, registered, OTHER_PURPOSE)
        purpose = {p.id: p for p in to.purposes}.get(
            purpose_id, PURPOSE.model_copy(update={"id": purpose_id})
        )
        changes = {**RECEIPTS[receipt], "guardian_subject": "g" if guardian else None}
        verdict = judge(
            proposed(
                recipient=to,
                purpose=purpose,
                claims=frozenset({claim}),
                person_id=person,
                capacity=capacity,
                consent=consent(shop, PURPOSE, ("name", "age_over_18"), **changes),
            )
        )
        assert (verdict == PERMIT) is permitted(*row), (row, verdict)
        allowed += verdict == PERMIT
    assert len(TABLE) == 2160
    assert allowed == 10  # 5 kinds of people who may decide, 2 claims


def refusal(**changes: Any) -> str:
    verdict = judge(proposed(**changes))
    assert isinstance(verdict, Refuse)
    assert verdict.article
    return f"{verdict.rule}: {verdict.reason}"


SHOP = relying_party("a-shop", PURPOSE)
NARROW = PURPOSE.model_copy(update={"claims": PURPOSE.claims[:1]})
REASONED = PURPOSE.model_copy(
    update={
        "claims": (
            PURPOSE.claims[0].model_copy(update={"because": Text(zh="新", en="new")}),
            *PURPOSE.claims[1:],
        )
    }
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"claims": frozenset({"sex", "birthdate"})},
            "PurposeRegistered: outside the purpose: birthdate, sex",
        ),
        (
            {"purpose": OTHER_PURPOSE, "shop": SHOP},
            "PurposeRegistered: the purpose is not registered for this relying party",
        ),
        (
            {
                "purpose": WITHOUT_BASIS,
                "recipient": relying_party("a-shop", WITHOUT_BASIS),
                "claims": frozenset({"phone_number", "name"}),
            },
            "LegalBasisRequired: no legal basis for name, phone_number",
        ),
        (
            {"consent": consent(SHOP, PURPOSE, ("name",), expires_at=NOW)},
            "SeparateConsentRequired: the consent was refused, withdrawn or has ended",
        ),
        (
            {"person_id": "another-person"},
            "SeparateConsentRequired: the consent is another person's",
        ),
        (
            {"recipient": relying_party("another-shop", PURPOSE)},
            "SeparateConsentRequired: the consent is for another recipient",
        ),
        (
            {"purpose": OTHER_PURPOSE},
            "SeparateConsentRequired: the consent is for another purpose",
        ),
        (
            {"claims": frozenset({"name", "phone_number"}), "consent": consent(SHOP, PURPOSE, ())},
            "SeparateConsentRequired: not agreed to: name, phone_number",
        ),
        (
            {"capacity": Capacity.UNDER_14},
            "GuardianConsentRequired: the person is under 14 and no guardian agreed",
        ),
    ],
)
def test_measures_8_9_each_refusal_says_which_rule_and_why(changes: dict[str, Any], said: str) -> None:
    assert refusal(**changes) == said


CHANGED = {
    "text": PURPOSE.model_copy(update={"text": Text(zh="广告", en="Advertising")}),
    "retention": PURPOSE.model_copy(update={"retention_days": 3650}),
    "reason": REASONED,
    "necessity": PURPOSE.model_copy(
        update={"claims": tuple(c.model_copy(update={"necessity": "essential"}) for c in PURPOSE.claims)}
    ),
    "basis": PURPOSE.model_copy(
        update={"legal_basis": LegalBasis(code="CN-ANOTHER-RULE", text=Text(zh="别的", en="Another"))}
    ),
    "fewer claims": NARROW,
}


SAID = dict.fromkeys(CHANGED, "the text is another than the person was shown") | {
    "basis": "the legal basis is another than the person was told",
    "fewer claims": "no longer part of the purpose: age_over_18, phone_number",
}


@pytest.mark.parametrize("change", CHANGED)
def test_pipl_14_a_changed_purpose_needs_a_new_consent(change: str) -> None:
    purpose = CHANGED[change]

    said = refusal(purpose=purpose, recipient=relying_party("a-shop", purpose))

    assert said == f"PurposeUnchanged: {SAID[change]}"


def test_pipl_14_another_recipient_of_the_same_name_in_the_registry_needs_a_new_consent() -> None:
    moved = relying_party("a-shop", PURPOSE).model_copy(update={"contact": "somebody@else.example"})

    assert refusal(recipient=moved).startswith("PurposeUnchanged: the text is another")


def test_pipl_14_a_purpose_that_won_claims_still_holds_for_those_agreed_to() -> None:
    more = PURPOSE.model_copy(
        update={"claims": (*PURPOSE.claims, PurposeClaim(name="sex", necessity="voluntary", because=WORDS))}
    )

    assert judge(proposed(purpose=more, recipient=relying_party("a-shop", more))) == PERMIT


CAUGHT_BY_ONE_RULE: dict[str, dict[str, Any]] = {
    "PurposeRegistered": {"claims": frozenset({"sex"}), "consent": consent(SHOP, PURPOSE, ("sex",))},
    "SeparateConsentRequired": {"claims": frozenset({"phone_number"})},
    "PurposeUnchanged": {"purpose": CHANGED["text"], "recipient": relying_party("a-shop", CHANGED["text"])},
    "GuardianConsentRequired": {"capacity": Capacity.UNDER_14},
}


@pytest.mark.parametrize(("name", "changes"), CAUGHT_BY_ONE_RULE.items(), ids=CAUGHT_BY_ONE_RULE)
def test_no_rule_is_idle(name: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, something would leave that no other rule holds back."""
    assert refusal(**changes).startswith(name)

    _switch_off(name, monkeypatch)
    assert judge(proposed(**changes)) == PERMIT


def test_measures_8_a_field_without_a_legal_basis_is_held_back_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """No notice can be made for it either."""
    shop = relying_party("a-shop", WITHOUT_BASIS)
    agreed = consent(shop, PURPOSE, ("name",), legal_basis=None)
    changes = {"purpose": WITHOUT_BASIS, "recipient": shop, "consent": agreed}
    assert refusal(**changes).startswith("LegalBasisRequired")

    _switch_off("LegalBasisRequired", monkeypatch)
    with pytest.raises(NoticeIncomplete):
        judge(proposed(**changes))


def _switch_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [rule for rule in RULES if type(rule).__name__ != name]
    assert len(others) == len(RULES) - 1
    monkeypatch.setattr("netid.identity.policy.RULES", tuple(others))
