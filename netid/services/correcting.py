"""Correcting what is kept by presenting a renewed document (PIPL 46): the net number and subjects stay."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from netid.ambient import Ambient
from netid.disclosure import Disclosure
from netid.errors import AlreadyEnrolled
from netid.identity.calendar import legal_day
from netid.identity.claims import CATALOGUE, Claim, in_catalogue_order
from netid.identity.documents import DOCUMENT_KINDS, IdentityDocument, parse_document
from netid.services.enrolment import Enrolment
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.sign_in import Browser
from netid.storage.audit import AuditEvent
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

_CORRECTED, _REFUSED = "corrected", "correction_refused"


class RefusedBecause(StrEnum):
    """Why a document cannot take the place of the one on record."""

    SOMEBODY_ELSE = "somebody-else"
    """It names another birth date, sex or nationality, or another number where that lasts for life."""
    TAKEN = "taken"
    """Its number has a net number of its own."""
    OLDER = "older"
    """It expires before the one on record."""
    SAME = "same"
    """It says what is on record already."""


@dataclass(frozen=True)
class Correction:
    """One attempt, as its person reads it."""

    at: datetime
    refused: RefusedBecause | None
    changed: list[Claim]
    """Which fields say something else since; empty where it was refused."""


class Correcting:
    """Takes renewed documents from people who have just signed in with passcode and face."""

    def __init__(
        self,
        stores: Stores,
        *,
        enrolment: Enrolment,
        disclosure: Disclosure,
        fresh: FreshSignIn,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._enrolment = enrolment
        self._disclosure = disclosure
        self._fresh = fresh
        self._ambient = ambient

    def kind_of(self, person_id: str) -> type[IdentityDocument]:
        """The kind of document on record: a renewed one is of the same kind."""
        with self._stores.db.read() as tx:
            return DOCUMENT_KINDS[self._kept(tx, person_id)["document_kind"]]

    def history(self, person_id: str) -> list[Correction]:
        """Every attempt, the latest first."""
        with self._stores.db.read() as tx:
            events = self._stores.audit.of_person(tx, person_id)
        return [_correction(event) for event in events if event.kind in (_CORRECTED, _REFUSED)]

    def correct(self, browser: Browser, values: dict[str, object]) -> Correction:
        """Puts the document in the place of the one on record, or refuses it with a reason.

        Either is on record and uses the sign-in up. Raises FreshSignInRequired, and InvalidField for what
        is no valid document today; then nothing has changed, and the sign-in is still good.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            person_id = self._fresh.take(tx, OwnAction.CORRECT, browser, now)
            kept = self._kept(tx, person_id)
            document = parse_document(kept["document_kind"], values)
            self._enrolment.check_document(document, legal_day(now))
            refused = _objection(document, kept)
            changed = _changed(document, kept)
            if refused is None:
                try:
                    self._enrolment.renew(tx, person_id, document)
                except AlreadyEnrolled:
                    refused = RefusedBecause.TAKEN
            details = {"reason": refused.value} if refused else {"claims": " ".join(sorted(changed))}
            kind = _REFUSED if refused else _CORRECTED
            self._stores.audit.record(tx, kind, at=now, person_id=person_id, details=details)
        return Correction(now, refused, [] if refused else in_catalogue_order(changed))

    def _kept(self, tx: Transaction, person_id: str) -> dict[str, str]:
        return dict(self._disclosure.release_to_owner(tx, person_id))


def _objection(document: IdentityDocument, kept: dict[str, str]) -> RefusedBecause | None:
    new = document.fields()
    if any(new[name] != kept[name] for name in ("birthdate", "sex", "nationality")):
        return RefusedBecause.SOMEBODY_ELSE
    if document.lasting_part(document.number) != document.lasting_part(kept["document_number"]):
        return RefusedBecause.SOMEBODY_ELSE
    if _last_day(new) < _last_day(kept):
        return RefusedBecause.OLDER
    return None if _changed(document, kept) else RefusedBecause.SAME


def _last_day(fields: dict[str, str]) -> date:
    expires_on = fields.get("document_expires_on")
    return date.fromisoformat(expires_on) if expires_on else date.max


def _changed(document: IdentityDocument, kept: dict[str, str]) -> frozenset[str]:
    new = document.fields()
    names = [name for name, claim in CATALOGUE.items() if claim.is_field and name != "phone_number"]
    return frozenset(name for name in names if new.get(name) != kept.get(name))


def _correction(event: AuditEvent) -> Correction:
    if event.kind == _REFUSED:
        return Correction(event.at, RefusedBecause(event.details["reason"]), [])
    return Correction(event.at, None, in_catalogue_order(frozenset(event.details["claims"].split())))
