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
from netid.services.guardianship import Guardianship
from netid.services.messages import Messages
from netid.services.receipts import Receipts
from netid.storage.messages import Message, MessageState
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
class Told:
    """What a relying party has made of it that a consent was taken back."""

    state: MessageState | None
    """None where it cannot be told: it has registered no address for that."""
    at: datetime | None
    """When it answered, or was given up."""


NOT_TOLD = Told(None, None)


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
    """Whether the person agreed and has not taken it back: what was given may still be kept there."""
    told: Told | None
    """None where nothing was taken back."""


@dataclass(frozen=True)
class Platform:
    """One relying party, and what a person can undo there."""

    relying_party: RelyingParty
    entries: list[Entry]
    same_operator: list[RelyingParty]
    """Others of its legal entity that the person agreed to: they know the person by the same subject."""
    knows_the_person: bool
    """Whether a sign-in there would be as somebody known."""

    @property
    def can_withdraw(self) -> bool:
        """Whether anything is left to take back."""
        return any(entry.can_withdraw for entry in self.entries)


@dataclass(frozen=True)
class Child:
    """A child under 14, as the guardian sees them."""

    person_id: str
    entries: list[Entry]


@dataclass(frozen=True)
class _Looked:
    """What the entries of one person are read from, looked up once."""

    released: Mapping[str | None, frozenset[str]]
    """What was really handed over, by receipt."""
    messages: list[Message]


class Rights:
    """A person's own records."""

    def __init__(
        self,
        stores: Stores,
        *,
        receipts: Receipts,
        messages: Messages,
        guardianship: Guardianship,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._guardianship = guardianship
        self._receipts = receipts
        self._messages = messages
        self._ambient = ambient

    def history(self, person_id: str) -> list[Entry]:
        """Every decision of this person, the latest first; a withdrawal stands with what it ended."""
        with self._stores.db.read() as tx:
            return self._history(tx, person_id)

    def children(self, guardian_id: str) -> list[Child]:
        """The decisions of each child under 14 whose guardian this person is (Measures, article 5)."""
        with self._stores.db.read() as tx:
            children = self._guardianship.children(tx, guardian_id, self._ambient.now())
            return [Child(child.person_id, self._history(tx, child.person_id)) for child in children]

    def _history(self, tx: Transaction, person_id: str) -> list[Entry]:
        looked = self._look(tx, person_id)
        return [
            self._entry(tx, stored, looked)
            for stored in self._stores.consents.list(tx, person_id)
            if stored.receipt.action is not Action.WITHDRAWN
        ]

    def entry(self, person_id: str, receipt_id: str) -> Entry:
        """One of this person's decisions, or of a child's whose guardian they are.

        Raises NotFound, for another person's too.
        """
        with self._stores.db.read() as tx:
            stored = self.visible(tx, person_id, receipt_id, self._ambient.now())
            return self._entry(tx, stored, self._look(tx, stored.person_id))

    def platform(self, person_id: str, client_id: str) -> Platform:
        """What a person can undo at one relying party. Raises NotFound where they never agreed to it."""
        with self._stores.db.read() as tx:
            relying_party = self._stores.relying_parties.get(tx, client_id)
            history = self._history(tx, person_id)
            agreed = {
                one.stored.receipt.client_id for one in history if one.stored.receipt.action is Action.AGREED
            }
            if relying_party is None or client_id not in agreed:
                raise NotFound("nothing was agreed to there")
            sector = relying_party.legal_entity.sector
            others = (self._stores.relying_parties.get(tx, other) for other in sorted(agreed - {client_id}))
            return Platform(
                relying_party,
                [one for one in history if one.stored.receipt.client_id == client_id],
                [one for one in others if one is not None and one.legal_entity.sector == sector],
                self._stores.subjects.known_as(tx, person_id, sector) is not None,
            )

    def visible(self, tx: Transaction, person_id: str, receipt_id: str, now: datetime) -> StoredReceipt:
        """The receipt, for its person and for the guardian of a child. Raises NotFound for anybody else."""
        stored = self._stores.consents.get(tx, receipt_id)
        if stored is None:
            raise NotFound
        if stored.person_id == person_id or self._guardianship.acts_for(tx, person_id, stored.person_id, now):
            return stored
        raise NotFound

    def _look(self, tx: Transaction, person_id: str) -> _Looked:
        released: dict[str | None, frozenset[str]] = {}
        for event in self._stores.audit.of_person(tx, person_id):
            if event.kind in HANDED_OVER:
                claims = frozenset(event.details["claims"].split())
                released[event.receipt_id] = released.get(event.receipt_id, frozenset()) | claims
        return _Looked(released, self._stores.messages.of_person(tx, person_id))

    def _entry(self, tx: Transaction, stored: StoredReceipt, looked: _Looked) -> Entry:
        receipt = stored.receipt
        return Entry(
            stored,
            self._stores.relying_parties.get(tx, receipt.client_id),
            _outcome(stored),
            in_catalogue_order(frozenset(receipt.offered)),
            in_catalogue_order(looked.released.get(receipt.receipt_id, frozenset())),
            receipt.action is Action.AGREED and stored.withdrawn_at is None,
            _told(stored, looked.messages),
        )

    def withdraw(self, person_id: str, receipt_id: str) -> str:
        """Ends one consent, with the relying party's codes and tokens, at once (PIPL 15); whose it was.

        The relying party is told to delete what it got. Raises NotFound for what is neither this
        person's nor their child's. What has ended already stays as it is.
        """
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            stored = self.visible(tx, person_id, receipt_id, now)
            self._messages.consents_withdrawn(tx, self._withdraw(tx, [stored], now), now)
        return stored.person_id

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
        live = [one for one in consents if one.receipt.action is Action.AGREED and one.withdrawn_at is None]
        # Of two presses at once, one finds it already marked.
        ended = [one for one in live if self._stores.consents.mark_withdrawn(tx, one.receipt.receipt_id, now)]
        for stored in ended:
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


def _told(stored: StoredReceipt, messages: list[Message]) -> Told | None:
    """What became of the message about this consent, or of one that its whole subject has ended."""
    if stored.withdrawn_at is None:
        return None
    receipt, at = stored.receipt, stored.withdrawn_at
    about_it = [one for one in messages if one.receipt_id == receipt.receipt_id]
    about_all = [
        one
        for one in messages
        if one.receipt_id is None and one.client_id == receipt.client_id and one.created_at >= at
    ]
    latest = next(iter(about_all or about_it), None)
    return NOT_TOLD if latest is None else Told(latest.state, latest.ended_at)


def _outcome(stored: StoredReceipt) -> Outcome:
    if stored.withdrawn_at is not None:
        return Outcome.WITHDRAWN
    if stored.receipt.action is Action.REFUSED:
        return Outcome.REFUSED
    return Outcome.AGREED if stored.receipt.agreed else Outcome.CHECK_ONLY
