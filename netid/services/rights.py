"""What a person can see and undo (PIPL 15, 45 and 48)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from netid.ambient import Ambient
from netid.errors import NotFound
from netid.identity.claims import Claim, in_catalogue_order
from netid.identity.consent import Action, StoredReceipt
from netid.identity.relying_party import RelyingParty
from netid.services.receipts import Receipts
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

HANDED_OVER = frozenset({"released", "code_redeemed"})
"""The audit events whose `claims` went to a relying party."""


class Outcome(StrEnum):
    """What became of a request."""

    CHECK_ONLY = "check-only"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Entry:
    """One decision, as its person reads it."""

    stored: StoredReceipt
    relying_party: RelyingParty | None
    """None once its registration was taken away."""
    outcome: Outcome
    asked: list[Claim]
    given: list[Claim]
    """What UserInfo or the ID token really handed over."""
    can_withdraw: bool
    """Whether the consent still permits something."""


class Rights:
    """A person's own records."""

    def __init__(self, stores: Stores, *, receipts: Receipts, ambient: Ambient) -> None:
        self._stores = stores
        self._receipts = receipts
        self._ambient = ambient

    def history(self, person_id: str) -> list[Entry]:
        """Every decision of this person, the latest first; a withdrawal stands with what it ended."""
        with self._stores.db.read() as tx:
            released = self._released(tx, person_id)
            return [
                self._entry(tx, stored, released)
                for stored in self._stores.consents.list(tx, person_id)
                if stored.receipt.action is not Action.WITHDRAWN
            ]

    def entry(self, person_id: str, receipt_id: str) -> Entry:
        """One of this person's decisions. Raises NotFound, for another person's too."""
        with self._stores.db.read() as tx:
            return self._entry(tx, self._own(tx, person_id, receipt_id), self._released(tx, person_id))

    def _own(self, tx: Transaction, person_id: str, receipt_id: str) -> StoredReceipt:
        stored = self._stores.consents.get(tx, receipt_id)
        if stored is None or stored.person_id != person_id:
            raise NotFound
        return stored

    def _released(self, tx: Transaction, person_id: str) -> Mapping[str | None, frozenset[str]]:
        """What was really handed over, by receipt."""
        released: dict[str | None, frozenset[str]] = {}
        for event in self._stores.audit.of_person(tx, person_id):
            if event.kind in HANDED_OVER:
                claims = frozenset(event.details["claims"].split())
                released[event.receipt_id] = released.get(event.receipt_id, frozenset()) | claims
        return released

    def _entry(
        self, tx: Transaction, stored: StoredReceipt, released: Mapping[str | None, frozenset[str]]
    ) -> Entry:
        return Entry(
            stored,
            self._stores.relying_parties.get(tx, stored.receipt.client_id),
            _outcome(stored),
            in_catalogue_order(frozenset(stored.receipt.offered)),
            in_catalogue_order(released.get(stored.receipt.receipt_id, frozenset())),
            stored.holds(self._ambient.now()),
        )

    def withdraw(self, person_id: str, receipt_id: str) -> None:
        """Ends one consent, with the relying party's codes and tokens, at once (PIPL 15).

        Raises NotFound for what is not this person's. What has ended already stays as it is.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            stored = self._own(tx, person_id, receipt_id)
            if stored.receipt.action is not Action.AGREED or stored.withdrawn_at is not None:
                return
            self._stores.consents.mark_withdrawn(tx, receipt_id, now)
            self._stores.tokens.revoke_for(tx, person_id, stored.receipt.client_id, now)
            self._receipts.withdrawn(tx, stored, now)


def _outcome(stored: StoredReceipt) -> Outcome:
    if stored.withdrawn_at is not None:
        return Outcome.WITHDRAWN
    if stored.receipt.action is Action.REFUSED:
        return Outcome.REFUSED
    return Outcome.AGREED if stored.receipt.agreed else Outcome.CHECK_ONLY
