"""The disclosure rules: one class is one rule, and answers `Permit` or `Refuse(reason, article)`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from netid.identity.ages import Capacity
from netid.identity.claims import CATALOGUE
from netid.identity.consent import StoredReceipt, notice_for
from netid.identity.relying_party import Purpose, RelyingParty


@dataclass(frozen=True)
class ProposedRelease:
    """What would leave the vault, to whom, why, and on whose word."""

    recipient: RelyingParty
    purpose: Purpose
    """As it is registered now, not as it was when the person agreed."""
    claims: frozenset[str]
    person_id: str
    capacity: Capacity
    """The person's age band today."""
    consent: StoredReceipt
    now: datetime


@dataclass(frozen=True)
class Permit:
    """The rule has nothing against it."""


@dataclass(frozen=True)
class Refuse:
    """The rule forbids it."""

    rule: str
    article: str
    reason: str


Verdict = Permit | Refuse
PERMIT = Permit()


class Rule:
    """One rule of the Measures about giving out."""

    article: ClassVar[str]

    def judge(self, release: ProposedRelease) -> Verdict:
        """Whether this rule permits the release."""
        raise NotImplementedError

    def refuse(self, reason: str) -> Refuse:
        """The refusal of this rule."""
        return Refuse(type(self).__name__, self.article, reason)


class PurposeRegistered(Rule):
    """Only what a registered purpose of this relying party names (Measures, article 8)."""

    article = "Measures 8"

    def judge(self, release: ProposedRelease) -> Verdict:
        """Refuses claims outside the purpose, and purposes of somebody else."""
        if release.recipient.purpose(release.purpose.id) != release.purpose:
            return self.refuse("the purpose is not registered for this relying party")
        if extra := release.claims - release.purpose.names:
            return self.refuse(f"outside the purpose: {', '.join(sorted(extra))}")
        return PERMIT


class LegalBasisRequired(Rule):
    """A plaintext field needs a registered legal basis (Measures, article 8)."""

    article = "Measures 8"

    def judge(self, release: ProposedRelease) -> Verdict:
        """Refuses fields of a purpose without a legal basis."""
        fields = sorted(name for name in release.claims if CATALOGUE[name].is_field)
        if fields and release.purpose.legal_basis is None:
            return self.refuse(f"no legal basis for {', '.join(fields)}")
        return PERMIT


class SeparateConsentRequired(Rule):
    """Each release needs a consent to this recipient, this purpose and these claims (articles 8 and 9)."""

    article = "Measures 8, 9; PIPL 23"

    def judge(self, release: ProposedRelease) -> Verdict:
        """Refuses without a receipt that holds, and beyond what it says."""
        receipt = release.consent.receipt
        if not release.consent.holds(release.now):
            return self.refuse("the consent was refused, withdrawn or has ended")
        if release.consent.person_id != release.person_id:
            return self.refuse("the consent is another person's")
        if receipt.client_id != release.recipient.client_id:
            return self.refuse("the consent is for another recipient")
        if receipt.purpose != release.purpose.id:
            return self.refuse("the consent is for another purpose")
        if extra := release.claims - set(receipt.agreed):
            return self.refuse(f"not agreed to: {', '.join(sorted(extra))}")
        return PERMIT


class PurposeUnchanged(Rule):
    """A purpose that says something else than when the person agreed asks anew (PIPL 14)."""

    article = "PIPL 14"

    def judge(self, release: ProposedRelease) -> Verdict:
        """Refuses unless the person would read the same text now; claims added since are not in it."""
        receipt, basis = release.consent.receipt, release.purpose.legal_basis
        if receipt.legal_basis != (basis.code if basis else None):
            return self.refuse("the legal basis is another than the person was told")
        offered = frozenset(receipt.offered)
        if gone := offered - release.purpose.names:
            return self.refuse(f"no longer part of the purpose: {', '.join(sorted(gone))}")
        notice = notice_for(
            release.recipient,
            release.purpose,
            offered,
            receipt.notice.language,
            for_guardian=receipt.guardian_subject is not None,
        )
        if notice.sha256 != receipt.notice.sha256:
            return self.refuse("the text is another than the person was shown")
        return PERMIT


class GuardianConsentRequired(Rule):
    """Under 14, the guardian decides about the use as well (Measures, article 5; PIPL 31)."""

    article = "Measures 5; PIPL 31"

    def judge(self, release: ProposedRelease) -> Verdict:
        """Refuses a child's own consent."""
        if release.capacity is Capacity.UNDER_14 and release.consent.receipt.guardian_subject is None:
            return self.refuse("the person is under 14 and no guardian agreed")
        return PERMIT


RULES: tuple[Rule, ...] = (
    PurposeRegistered(),
    LegalBasisRequired(),
    SeparateConsentRequired(),
    PurposeUnchanged(),
    GuardianConsentRequired(),
)


def judge(release: ProposedRelease) -> Verdict:
    """The first refusal of any rule, or a permit."""
    for rule in RULES:
        verdict = rule.judge(release)
        if isinstance(verdict, Refuse):
            return verdict
    return PERMIT
