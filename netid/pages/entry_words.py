"""One entry of the records in plain words (PIPL 48): who asked, on what basis, what was given."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from flask import Flask

from netid.identity.calendar import legal_day
from netid.identity.claims import Claim
from netid.identity.consent import Action
from netid.identity.readable import write_moment
from netid.identity.relying_party import Purpose
from netid.pages.language import gettext as _
from netid.pages.language import language, ngettext, said
from netid.services.rights import Entry, Outcome


def outcome_name(outcome: Outcome) -> str:
    """What became of a request, in a word or two."""
    return {
        Outcome.CHECK_ONLY: _("Check result only"),
        Outcome.AGREED: _("Agreed"),
        Outcome.REFUSED: _("Refused, nothing shared"),
        Outcome.WITHDRAWN: _("Withdrawn"),
    }[outcome]


def platform_name(entry: Entry) -> str:
    """Who asked; the client id where the registration was taken away."""
    relying_party = entry.relying_party
    return said(relying_party.name) if relying_party else entry.stored.receipt.client_id


def consent_withdrawn(platform: str) -> str:
    """What a page says once a consent was taken back from that platform."""
    return _(
        "Consent withdrawn. %(platform)s can no longer get these details. You can ask it to delete what it "
        "already has.",
        platform=platform,
    )


def kept_until(entry: Entry) -> date | None:
    """The day until which the platform keeps what it got by this consent; None where it keeps nothing."""
    purpose = _purpose(entry)
    is_kept = bool(entry.given) and entry.outcome is Outcome.AGREED
    if purpose is None or not purpose.retention_days or not is_kept:
        return None
    return legal_day(entry.stored.receipt.decided_at + timedelta(days=purpose.retention_days))


def explained(entry: Entry) -> list[str]:
    """The entry, a sentence each."""
    return list(_sentences(entry))


def _sentences(entry: Entry) -> Iterator[str]:
    receipt, purpose = entry.stored.receipt, _purpose(entry)
    yield _asked(entry, purpose)
    yield _basis(entry)
    if receipt.action is Action.REFUSED:
        by_guardian = _("The guardian refused, so nothing was given.")
        yield by_guardian if receipt.guardian_subject else _("You refused, so nothing was given.")
        return
    yield _("The guardian agreed.") if receipt.guardian_subject else _("You agreed.")
    yield from _given(entry)
    yield from _until(entry)
    if purpose is not None and entry.given:
        yield _kept(purpose)


def _purpose(entry: Entry) -> Purpose | None:
    receipt, relying_party = entry.stored.receipt, entry.relying_party
    return relying_party.purpose(receipt.purpose) if relying_party and receipt.purpose else None


def _asked(entry: Entry, purpose: Purpose | None) -> str:
    receipt, relying_party = entry.stored.receipt, entry.relying_party
    who = receipt.client_id
    if relying_party is not None:
        who = _(
            "%(platform)s (%(operator)s)",
            platform=said(relying_party.name),
            operator=said(relying_party.legal_entity.name),
        )
    when = _when(receipt.decided_at)
    if receipt.purpose is None:
        return _("%(who)s asked on %(when)s whether you are a real person.", who=who, when=when)
    what_for = said(purpose.text) if purpose else receipt.purpose
    return _("%(who)s asked on %(when)s for: %(purpose)s.", who=who, when=when, purpose=what_for)


def basis_text(entry: Entry) -> str | None:
    """The legal basis in words; None where there was none, or the registration names another now."""
    purpose = _purpose(entry)
    basis = purpose.legal_basis if purpose else None
    return said(basis.text) if basis and basis.code == entry.stored.receipt.legal_basis else None


def _basis(entry: Entry) -> str:
    receipt = entry.stored.receipt
    if receipt.legal_basis is None:
        return _("Its only basis is consent, and no detail from the document is part of it.")
    words = basis_text(entry) or receipt.legal_basis
    return _("It may ask for details under %(basis)s, and only with consent.", basis=words)


def _given(entry: Entry) -> Iterator[str]:
    if entry.outcome is Outcome.CHECK_ONLY or not entry.stored.receipt.agreed:
        yield _("It could get the check result, and nothing from the document.")
    elif entry.given:
        yield _("It got: %(what)s.", what=_names(entry.given))
    else:
        yield _("It has not fetched anything.")
    if missing := [claim for claim in entry.asked if claim not in entry.given]:
        yield _("It did not get: %(what)s.", what=_names(missing))


def _until(entry: Entry) -> Iterator[str]:
    if entry.stored.withdrawn_at is not None:
        yield _(
            "This was taken back on %(when)s. It can get nothing more.", when=_when(entry.stored.withdrawn_at)
        )
    elif (expires_at := entry.stored.receipt.expires_at) is not None:
        yield _("The consent ends by itself on %(when)s.", when=_when(expires_at))
    else:
        yield _("The consent holds until it is withdrawn.")


def _kept(purpose: Purpose) -> str:
    if not purpose.retention_days:
        return _("By its registration it keeps none of this.")
    return ngettext(
        "By its registration it keeps this for %(num)s day.",
        "By its registration it keeps this for %(num)s days.",
        purpose.retention_days,
    )


def _names(claims: Iterable[Claim]) -> str:
    return _(", ").join(said(claim.label) for claim in claims)


def _when(moment: datetime) -> str:
    return write_moment(moment, language())


def install(app: Flask) -> None:
    """Lets templates explain an entry."""
    app.jinja_env.globals.update(
        explained=explained,
        outcome_name=outcome_name,
        platform_name=platform_name,
        kept_until=kept_until,
        basis_text=basis_text,
    )
