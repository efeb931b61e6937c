"""The copy of everything kept about a person, for that person (PIPL 45)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from netid.ambient import Ambient
from netid.credentials.receipts import copy_of
from netid.credentials.status_list import Status
from netid.disclosure import Disclosure
from netid.errors import NotFound
from netid.identity.net_number import NetNumber
from netid.identity.text import Text
from netid.services.complaining import Complaining, ComplaintAsRead
from netid.services.copy_form import (
    Copy,
    EventPart,
    MessagePart,
    NoticePart,
    PlatformPart,
    SessionPart,
    SuspensionPart,
    WalletCopyPart,
    WordsPart,
)
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.notices import Notices
from netid.services.sign_in import Browser
from netid.services.suspensions import AppealAsRead, Suspensions
from netid.storage.persons import Person
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

_STATUS: Mapping[Status, Literal["valid", "suspended", "revoked"]] = {
    Status.VALID: "valid",
    Status.SUSPENDED: "suspended",
    Status.INVALID: "revoked",
}
SCHEMA_PATH = "/schemas/copy.json"


class Copying:
    """Gives people what is kept about them, once they have just signed in for it."""

    def __init__(
        self,
        stores: Stores,
        *,
        disclosure: Disclosure,
        fresh: FreshSignIn,
        complaining: Complaining,
        suspensions: Suspensions,
        notices: Notices,
        issuer: str,
        ambient: Ambient,
    ) -> None:
        self._stores = stores
        self._disclosure = disclosure
        self._fresh = fresh
        self._complaining = complaining
        self._suspensions = suspensions
        self._notices = notices
        self._issuer = issuer
        self._ambient = ambient

    def show_number(self, browser: Browser) -> NetNumber:
        """The net number in full, once for each sign-in for it. Raises FreshSignInRequired."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            person_id = self._fresh.take(tx, OwnAction.SHOW_NUMBER, browser, now)
            self._stores.audit.record(tx, "number_shown", at=now, person_id=person_id)
            return self._disclosure.net_number_for_owner(tx, person_id)

    def copy(self, browser: Browser) -> Copy:
        """Everything, as it is now. Raises FreshSignInRequired; that it was taken is on record."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            person_id = self._fresh.require(tx, OwnAction.EXPORT, browser, now)
            person = self._stores.persons.get(tx, person_id)
            if person is None:
                raise NotFound("no such person")
            self._stores.audit.record(tx, "copied", at=now, person_id=person_id)
            return self._of(tx, person, now)

    def purposes(self, copy: Copy) -> dict[tuple[str, str], Text]:
        """The registered purposes of every relying party in this copy, by client id and purpose id."""
        clients = {one.receipt.client_id for one in copy.receipts} | {
            one.client_id for one in copy.events if one.client_id is not None
        }
        with self._stores.db.read() as tx:
            found = [self._stores.relying_parties.get(tx, client_id) for client_id in sorted(clients)]
        return {(one.client_id, purpose.id): purpose.text for one in found if one for purpose in one.purposes}

    def _of(self, tx: Transaction, person: Person, now: datetime) -> Copy:
        person_id = person.person_id
        suspension = person.suspension if person.is_suspended(now) else None
        receipts = reversed(self._stores.consents.list(tx, person_id))
        return Copy(
            **{"$schema": f"{self._issuer}{SCHEMA_PATH}"},
            mock=True,
            issuer=self._issuer,
            made_at=now,
            net_number=self._disclosure.net_number_for_owner(tx, person_id).reveal(),
            status="suspended" if suspension else "active",
            enrolled_at=person.created_at,
            suspension=SuspensionPart(**dict(suspension)) if suspension else None,
            has_guardian=person.guardian_id is not None,
            children=self._stores.persons.children(tx, person_id),
            document=dict(self._disclosure.release_to_owner(tx, person_id)),
            platforms=tuple(self._platforms(tx, person_id)),
            receipts=tuple(copy_of(stored) for stored in receipts),
            messages=tuple(
                MessagePart(
                    client_id=one.client_id,
                    receipt_id=one.receipt_id,
                    told_at=one.created_at,
                    state=one.state,
                    ended_at=one.ended_at,
                )
                for one in self._stores.messages.of_person(tx, person_id)
            ),
            sessions=tuple(self._sessions(tx, person_id, now)),
            wallet_copies=tuple(
                WalletCopyPart(
                    status_list=change.entry.list_id,
                    index=change.entry.index,
                    status=_STATUS[change.status],
                    ends_at=ends_at,
                )
                for change, ends_at in self._stores.copies.of_person(tx, person_id)
            ),
            complaints=tuple(_complaint(one) for one in self._complaining.of_person(tx, person_id)),
            appeals=tuple(_appeal(one) for one in self._suspensions.appeals_of(tx, person_id)),
            notices=tuple(
                NoticePart(
                    happened_at=one.happened_at,
                    told_at=one.told_at,
                    title=one.title,
                    facts=tuple(one.facts),
                )
                for one in self._notices.told_in(tx, person_id)
            ),
            events=tuple(
                EventPart(
                    at=one.at,
                    what=one.kind,
                    client_id=one.client_id,
                    receipt_id=one.receipt_id,
                    details=one.details,
                )
                for one in reversed(self._stores.audit.of_person(tx, person_id))
            ),
        )

    def _platforms(self, tx: Transaction, person_id: str) -> list[PlatformPart]:
        known = {one.sector: one.subject.reveal() for one in self._stores.subjects.of_person(tx, person_id)}
        parts = []
        for client_id in sorted(
            {stored.receipt.client_id for stored in self._stores.consents.list(tx, person_id)}
        ):
            found = self._stores.relying_parties.get(tx, client_id)
            parts.append(
                PlatformPart(
                    client_id=client_id,
                    name=found.name if found else None,
                    operator=found.legal_entity.name if found else None,
                    contact=found.contact if found else None,
                    subject=known.get(found.legal_entity.sector) if found else None,
                )
            )
        return parts

    def _sessions(self, tx: Transaction, person_id: str, now: datetime) -> list[SessionPart]:
        return [
            SessionPart(
                began_at=one.auth_time,
                ends_at=one.expires_at,
                checked_by=tuple(factor.value for factor in one.proved),
                platforms=tuple(self._stores.sessions.visited(tx, one.session_id)),
            )
            for one in self._stores.sessions.of_person(tx, person_id, now)
        ]


def _complaint(one: ComplaintAsRead) -> WordsPart:
    return WordsPart(
        about=one.complaint.receipt_id,
        client_id=one.complaint.client_id,
        made_at=one.complaint.made_at,
        words=one.words,
        answered_at=one.complaint.answered_at,
        answer=one.answer,
    )


def _appeal(one: AppealAsRead) -> WordsPart:
    return WordsPart(
        about=one.appeal.suspended_at.isoformat(),
        client_id=None,
        made_at=one.appeal.made_at,
        words=one.words,
        answered_at=one.appeal.answered_at,
        answer=one.answer,
    )
