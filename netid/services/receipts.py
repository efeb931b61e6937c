"""Receipts: the signed record of each consent decision, chained per person (ISO/IEC TS 27560)."""

from datetime import datetime

from netid.ambient import Ambient
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jose import sign
from netid.credentials.receipts import RECEIPT_TYPE, IssuedReceipt
from netid.identity.claims import in_catalogue_order
from netid.identity.consent import Action, NoticeReference, Receipt, StoredReceipt
from netid.identity.relying_party import Purpose, RelyingParty
from netid.services.interaction import encode_secret
from netid.storage.persons import Person
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

RECEIPT_ID_BYTES = 16


class Receipts:
    """Writes receipts, each with its audit event, in the caller's transaction."""

    def __init__(self, stores: Stores, *, keys: CurrentKeys, issuer: str, ambient: Ambient) -> None:
        self._stores = stores
        self._keys = keys
        self._issuer = issuer
        self._ambient = ambient

    def decided(
        self,
        tx: Transaction,
        *,
        person: Person,
        guardian: Person | None,
        relying_party: RelyingParty,
        purpose: Purpose | None,
        offered: frozenset[str],
        agreed: frozenset[str],
        notice: NoticeReference,
        action: Action,
        now: datetime,
        expires_at: datetime | None,
    ) -> StoredReceipt:
        """Keeps what was decided on this notice; `guardian` decided for a person under 14."""
        sector = relying_party.legal_entity.sector
        return self._keep(
            tx,
            person.person_id,
            Receipt(
                receipt_id=self._new_id(),
                sequence=0,
                previous="",
                subject=self._subject(tx, person, sector),
                guardian_subject=self._subject(tx, guardian, sector) if guardian else None,
                client_id=relying_party.client_id,
                purpose=purpose.id if purpose else None,
                legal_basis=purpose.legal_basis.code if purpose and purpose.legal_basis else None,
                offered=_ordered(offered),
                agreed=_ordered(agreed),
                notice=notice,
                action=action,
                decided_at=now,
                expires_at=expires_at,
            ),
        )

    def withdrawn(self, tx: Transaction, ended: StoredReceipt, now: datetime) -> StoredReceipt:
        """Keeps that a person took a consent back (PIPL 15)."""
        changes = {
            "receipt_id": self._new_id(),
            "agreed": (),
            "action": Action.WITHDRAWN,
            "decided_at": now,
            "expires_at": None,
            "withdraws": ended.receipt.receipt_id,
        }
        return self._keep(tx, ended.person_id, ended.receipt.model_copy(update=changes))

    def _keep(self, tx: Transaction, person_id: str, receipt: Receipt) -> StoredReceipt:
        def build(sequence: int, previous: str) -> StoredReceipt:
            placed = receipt.model_copy(update={"sequence": sequence, "previous": previous})
            issued = IssuedReceipt(iss=self._issuer, mock=True, **dict(placed))
            record = sign(issued.model_dump(mode="json"), self._keys.receipt_key(), RECEIPT_TYPE)
            return StoredReceipt(placed, person_id, record, None)

        self._stores.audit.record(
            tx,
            f"consent_{receipt.action.value}",
            at=receipt.decided_at,
            person_id=person_id,
            client_id=receipt.client_id,
            receipt_id=receipt.receipt_id,
            details={"claims": " ".join(receipt.agreed)},
        )
        return self._stores.consents.append(tx, person_id, build)

    def _subject(self, tx: Transaction, person: Person, sector: str) -> str:
        return self._stores.subjects.subject_for(tx, person.person_id, sector).reveal()

    def _new_id(self) -> str:
        return encode_secret(self._ambient.random(RECEIPT_ID_BYTES))


def _ordered(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(claim.name for claim in in_catalogue_order(names))
