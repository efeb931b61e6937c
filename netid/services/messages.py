"""What relying parties are told: signed, and kept in the transaction of what it tells of.

`Delivery` brings it to them afterwards. Each message is for one relying party, under the subject
and the names that it alone knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from netid.ambient import Ambient
from netid.credentials import base64url
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jose import sign
from netid.identity.consent import Action, StoredReceipt
from netid.identity.events import (
    BACKCHANNEL_LOGOUT,
    CONSENT_WITHDRAWN,
    EVENT_TYPE,
    LOGOUT_TYPE,
    SUBJECT_ENDED,
    EndedSubject,
    SubjectId,
    WithdrawnConsent,
)
from netid.identity.pseudonym import PairwiseSubject
from netid.identity.relying_party import RelyingParty
from netid.storage.messages import MessageKind
from netid.storage.sessions import Session
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

LOGOUT_LIFETIME = timedelta(minutes=2)
"""Back-Channel Logout 1.0, 4: two minutes at most, so that a captured token is soon worth nothing."""

APART_SECONDS = 600
"""Somebody who leaves for good is reported at moments this far apart at most."""

_ID_BYTES = 16
_TYPES = {MessageKind.EVENT: EVENT_TYPE, MessageKind.LOGOUT: LOGOUT_TYPE}


@dataclass(frozen=True)
class _Concerning:
    """Whom a message concerns, and as whom the recipient knows them."""

    person_id: str
    subject: PairwiseSubject
    receipt_id: str | None = None


class Messages:
    """Writes messages in the caller's transaction; who has no address for them is not told."""

    def __init__(self, stores: Stores, *, keys: CurrentKeys, issuer: str, ambient: Ambient) -> None:
        self._stores = stores
        self._keys = keys
        self._issuer = issuer
        self._ambient = ambient

    def consents_withdrawn(self, tx: Transaction, ended: list[StoredReceipt], now: datetime) -> None:
        """Tells one relying party that these consents of one person were taken back."""
        transaction = self._new_id()
        for stored in ended:
            receipt = stored.receipt
            relying_party = self._stores.relying_parties.get(tx, receipt.client_id)
            if relying_party is None or not self._knows(tx, relying_party, stored):
                continue
            told = WithdrawnConsent(
                receipt_id=receipt.receipt_id, purpose=receipt.purpose, claims=receipt.agreed
            )
            event = {CONSENT_WITHDRAWN: told.model_dump(mode="json", exclude_none=True)}
            whom = _Concerning(stored.person_id, PairwiseSubject(receipt.subject), receipt.receipt_id)
            self._event(tx, relying_party, whom, event, transaction, now)

    def _knows(self, tx: Transaction, relying_party: RelyingParty, stored: StoredReceipt) -> bool:
        """Not so where the client_id has passed to a legal entity that never heard of this subject."""
        sector = relying_party.legal_entity.sector
        known = self._stores.subjects.known_as(tx, stored.person_id, sector)
        return known is not None and known.reveal() == stored.receipt.subject

    def subject_ended(
        self, tx: Transaction, person_id: str, sector: str, subject: PairwiseSubject, due_at: datetime
    ) -> None:
        """Tells a legal entity's relying parties, then, that nobody will come as this subject again.

        Only those that the person ever agreed to have heard of the subject.
        """
        whom = _Concerning(person_id, subject)
        for relying_party in self._who_knows(tx, whom, sector):
            event = {SUBJECT_ENDED: EndedSubject().model_dump()}
            self._event(tx, relying_party, whom, event, self._new_id(), due_at)

    def person_left(self, tx: Transaction, person_id: str, now: datetime) -> None:
        """Ends every subject of somebody who leaves for good, and tells who knew them.

        Before it, `SignOut.everywhere` ends their sessions, while their subjects still have a name.
        The events go out at random moments within ten minutes: told in one second, two relying
        parties that compare their logs would know that both had known the same person.
        """
        for known in self._stores.subjects.of_person(tx, person_id):
            ended = self._stores.subjects.end(tx, person_id, known.sector, now)
            if ended is not None:
                self.subject_ended(tx, person_id, known.sector, ended, now + self._apart())

    def session_ended(self, tx: Transaction, session: Session, now: datetime) -> None:
        """Tells the relying parties that got a code at this session (Back-Channel Logout 1.0)."""
        for client_id in self._stores.sessions.visited(tx, session.session_id):
            self.session_ended_at(tx, session, client_id, now)

    def session_ended_at(self, tx: Transaction, session: Session, client_id: str, now: datetime) -> None:
        """Tells one relying party that a session has ended for it."""
        relying_party = self._stores.relying_parties.get(tx, client_id)
        if relying_party is None or relying_party.backchannel_logout_uri is None:
            return
        sector = relying_party.legal_entity.sector
        subject = self._stores.subjects.known_as(tx, session.person_id, sector)
        if subject is None:
            return
        claims = {
            "iat": int(now.timestamp()),
            "exp": int((now + LOGOUT_LIFETIME).timestamp()),
            "sub": subject.reveal(),
            "sid": self._stores.subjects.session_name(client_id, session.session_id, subject),
            "events": {BACKCHANNEL_LOGOUT: {}},
        }
        whom = _Concerning(session.person_id, subject)
        self._keep(tx, MessageKind.LOGOUT, relying_party, whom, claims, now)

    def _event(
        self,
        tx: Transaction,
        relying_party: RelyingParty,
        whom: _Concerning,
        events: Mapping[str, object],
        transaction: str,
        due_at: datetime,
    ) -> None:
        if relying_party.events_uri is None:
            return
        claims = {
            # RFC 8417, 2.2: when it was issued, which is when it goes out.
            "iat": int(due_at.timestamp()),
            "sub_id": SubjectId(iss=self._issuer, sub=whom.subject.reveal()).model_dump(),
            "txn": transaction,
            "events": events,
        }
        self._keep(tx, MessageKind.EVENT, relying_party, whom, claims, due_at)

    def _keep(
        self,
        tx: Transaction,
        kind: MessageKind,
        relying_party: RelyingParty,
        whom: _Concerning,
        claims: Mapping[str, object],
        due_at: datetime,
    ) -> None:
        message_id = self._new_id()
        head = {"iss": self._issuer, "aud": relying_party.client_id, "jti": message_id, "mock": True}
        key = self._keys.id_token_key(relying_party.id_token_signed_response_alg)
        self._stores.messages.add(
            tx,
            message_id=message_id,
            kind=kind,
            client_id=relying_party.client_id,
            person_id=whom.person_id,
            receipt_id=whom.receipt_id,
            body=sign({**head, **claims}, key, _TYPES[kind]),
            created_at=self._ambient.now(),
            due_at=due_at,
        )

    def _who_knows(self, tx: Transaction, whom: _Concerning, sector: str) -> list[RelyingParty]:
        agreed = {
            stored.receipt.client_id
            for stored in self._stores.consents.list(tx, whom.person_id)
            if stored.receipt.action is Action.AGREED and stored.receipt.subject == whom.subject.reveal()
        }
        registered = (self._stores.relying_parties.get(tx, client_id) for client_id in sorted(agreed))
        return [one for one in registered if one is not None and one.legal_entity.sector == sector]

    def _apart(self) -> timedelta:
        return timedelta(seconds=int.from_bytes(self._ambient.random(4), "big") % APART_SECONDS)

    def _new_id(self) -> str:
        return base64url.encode(self._ambient.random(_ID_BYTES))
