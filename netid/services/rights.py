"""What a person can see and undo (PIPL 15, 45 and 48)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netid.ambient import Ambient
from netid.errors import NotFound
from netid.identity.claims import Claim, in_catalogue_order
from netid.identity.consent import Action, StoredReceipt
from netid.identity.relying_party import RelyingParty
from netid.services.messages import Messages
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

    def __init__(self, stores: Stores, *, receipts: Receipts, messages: Messages, ambient: Ambient) -> None:
        self._stores = stores
        self._receipts = receipts
        self._messages = messages
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

        The relying party is told to delete what it got. Raises NotFound for what is not this
        person's. What has ended already stays as it is.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            stored = self._own(tx, person_id, receipt_id)
            self._messages.consents_withdrawn(tx, self._withdraw(tx, [stored], now), now)

    def withdraw_from(self, person_id: str, client_id: str) -> None:
        """Ends every consent to one relying party, as `withdraw` ends one. Raises NotFound likewise."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            given = self._given_to(tx, person_id, frozenset({client_id}))
            self._messages.consents_withdrawn(tx, self._withdraw(tx, given, now), now)

    def begin_anew(self, person_id: str, client_id: str) -> None:
        """Lets one legal entity know this person no longer: the next sign-in there is as somebody new.

        Ends every consent to its relying parties, and what they know the person by; they hear that
        this subject has ended, and nothing else. The receipts stay the person's. Raises NotFound for
        a relying party that this person never agreed to.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            self._given_to(tx, person_id, frozenset({client_id}))
            relying_party = self._stores.relying_parties.get(tx, client_id)
            if relying_party is None:
                raise NotFound("the relying party is no longer registered")
            sector = relying_party.legal_entity.sector
            everyone = self._stores.relying_parties.list(tx)
            clients = frozenset(one.client_id for one in everyone if one.legal_entity.sector == sector)
            self._leave_sessions(tx, person_id, clients, now)
            self._withdraw(tx, self._given_to(tx, person_id, clients), now)
            subject = self._stores.subjects.end(tx, person_id, sector, now)
            if subject is not None:
                self._messages.subject_ended(tx, person_id, sector, subject, now)

    def _given_to(self, tx: Transaction, person_id: str, clients: frozenset[str]) -> list[StoredReceipt]:
        agreed = [
            stored
            for stored in self._stores.consents.list(tx, person_id)
            if stored.receipt.client_id in clients and stored.receipt.action is Action.AGREED
        ]
        if not agreed:
            raise NotFound("nothing was agreed to there")
        return agreed

    def _withdraw(self, tx: Transaction, consents: list[StoredReceipt], now: datetime) -> list[StoredReceipt]:
        """Ends those that nobody has taken back yet; answers which they are."""
        ended = [one for one in consents if one.receipt.action is Action.AGREED and one.withdrawn_at is None]
        for stored in ended:
            self._stores.consents.mark_withdrawn(tx, stored.receipt.receipt_id, now)
            self._stores.tokens.revoke_for(tx, stored.person_id, stored.receipt.client_id, now)
            self._receipts.withdrawn(tx, stored, now)
        return ended

    def _leave_sessions(
        self, tx: Transaction, person_id: str, clients: frozenset[str], now: datetime
    ) -> None:
        """Ends the person's sessions at these relying parties, and there alone, under the old subject."""
        for session in self._stores.sessions.of_person(tx, person_id, now):
            for client_id in clients & set(self._stores.sessions.visited(tx, session.session_id)):
                self._messages.session_ended_at(tx, session, client_id, now)
                self._stores.sessions.leave(tx, session.session_id, client_id)


def _outcome(stored: StoredReceipt) -> Outcome:
    if stored.withdrawn_at is not None:
        return Outcome.WITHDRAWN
    if stored.receipt.action is Action.REFUSED:
        return Outcome.REFUSED
    return Outcome.AGREED if stored.receipt.agreed else Outcome.CHECK_ONLY
