"""Suspending a net credential: with a reason, a term, notice to the person, and an appeal.

The relying party learns nothing of it: a request ends as if the person had not agreed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from netid.ambient import Ambient
from netid.credentials.status_list import Status
from netid.disclosure import Disclosure
from netid.errors import InvalidField, NotFound
from netid.identity.entered import entered_words
from netid.identity.suspension import SUSPENSION_RULES, SuspensionReason
from netid.services.revocation import Revocation
from netid.storage.appeals import Appeal, AppealOutcome
from netid.storage.persons import Person, PersonStatus, Suspension
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

MOST_WORDS = 1000
_ID_BYTES = 12


@dataclass(frozen=True)
class AppealAsRead:
    """An appeal with what was written."""

    appeal: Appeal
    words: str
    answer: str | None


@dataclass(frozen=True)
class SuspendedPerson:
    """A suspension as its person reads it."""

    suspension: Suspension
    appeal: AppealAsRead | None


class Suspensions:
    """Begins and ends suspensions, and takes appeals against them."""

    def __init__(
        self, stores: Stores, *, revocation: Revocation, disclosure: Disclosure, ambient: Ambient
    ) -> None:
        self._stores = stores
        self._revocation = revocation
        self._disclosure = disclosure
        self._ambient = ambient

    # What the operator does

    def suspend(self, person_id: str, reason: SuspensionReason, days: int) -> Suspension:
        """Suspends for that many days. Raises InvalidField for a term the reason does not allow, NotFound."""
        rule = SUSPENSION_RULES[reason]
        if not 1 <= days <= rule.longest.days:
            raise InvalidField(
                "days", f"must be 1 to {rule.longest.days} for {reason}", "give a term the reason allows"
            )
        now = self._ambient.now().replace(microsecond=0)
        suspension = Suspension(reason=rule.text, since=now, until=now + timedelta(days=days))
        with self._stores.db.write() as tx:
            if not self._set(tx, person_id, PersonStatus.SUSPENDED, now, suspension):
                raise NotFound("nobody with a net number")
            self._stores.tokens.revoke_for(tx, person_id, None, now)
            self._revocation.became(tx, person_id, Status.SUSPENDED, reason.value)
            details = {"reason": reason.value, "days": str(days)}
            self._stores.audit.record(tx, "suspended", at=now, person_id=person_id, details=details)
        return suspension

    def resume(self, person_id: str) -> None:
        """Lifts a suspension. Raises NotFound if there is none."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            person = self._stores.persons.get(tx, person_id)
            if person is None or person.status is not PersonStatus.SUSPENDED:
                raise NotFound("not suspended")
            self._lift(tx, person_id, now, "operator")

    def end_due(self) -> int:
        """Lifts what has reached its term; how many."""
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            due = [person for person in self._stores.persons.suspended(tx) if not person.is_suspended(now)]
        for person in due:
            with self._stores.db.write() as tx:
                again = self._stores.persons.get(tx, person.person_id)
                if again is not None and again.suspension == person.suspension:
                    self._lift(tx, person.person_id, now, "term")
        return len(due)

    def _lift(self, tx: Transaction, person_id: str, now: datetime, ended_by: str) -> None:
        self._set(tx, person_id, PersonStatus.ACTIVE, now, None)
        self._revocation.became(tx, person_id, Status.VALID, "ended")
        details = {"ended_by": ended_by}
        self._stores.audit.record(tx, "resumed", at=now, person_id=person_id, details=details)

    def _set(
        self,
        tx: Transaction,
        person_id: str,
        status: PersonStatus,
        now: datetime,
        suspension: Suspension | None,
    ) -> bool:
        return self._stores.persons.set_status(tx, person_id, status, at=now, suspension=suspension)

    # What the person does

    def of(self, person_id: str) -> SuspendedPerson | None:
        """The person's suspension as it stands now, with their appeal against it."""
        with self._stores.db.read() as tx:
            person = self._stores.persons.get(tx, person_id)
            suspension = self._standing(person)
            if suspension is None:
                return None
            appeal = self._stores.appeals.against(tx, person_id, suspension.since)
            return SuspendedPerson(suspension, self._read(tx, appeal) if appeal else None)

    def appeal(self, person_id: str, words: str) -> None:
        """Takes an appeal, once for each suspension. Raises InvalidField; NotFound without one."""
        words = entered_words(words, "words", MOST_WORDS)
        now = self._ambient.now()
        appeal_id = self._ambient.random(_ID_BYTES).hex()
        with self._stores.db.write() as tx:
            suspension = self._standing(self._stores.persons.get(tx, person_id))
            if suspension is None:
                raise NotFound("not suspended")
            if not self._stores.appeals.add(tx, appeal_id, person_id, suspension.since, now):
                return
            self._disclosure.keep_words(tx, person_id, _asked(appeal_id), words)
            self._stores.audit.record(tx, "appealed", at=now, person_id=person_id)

    def appeals_of(self, tx: Transaction, person_id: str) -> list[AppealAsRead]:
        """Every appeal of the person with what was written, the earliest first."""
        return [self._read(tx, appeal) for appeal in self._stores.appeals.of_person(tx, person_id)]

    def _standing(self, person: Person | None) -> Suspension | None:
        return person.suspension if person and person.is_suspended(self._ambient.now()) else None

    # What becomes of an appeal

    def unanswered(self) -> list[Appeal]:
        """The appeals that wait for the operator, the earliest first."""
        with self._stores.db.read() as tx:
            return self._stores.appeals.unanswered(tx)

    def read(self, appeal_id: str) -> AppealAsRead:
        """An appeal as it was written, for who answers it; the reading is on record. Raises NotFound."""
        with self._stores.db.write() as tx:
            appeal = self._appeal(tx, appeal_id)
            self._stores.audit.record(tx, "appeal_read", at=self._ambient.now(), person_id=appeal.person_id)
            return self._read(tx, appeal)

    def answer(self, appeal_id: str, outcome: AppealOutcome, words: str) -> None:
        """Answers in words (PIPL 50); `lifted` ends the suspension. Raises NotFound if answered before."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            appeal = self._appeal(tx, appeal_id)
            if not self._stores.appeals.answer(tx, appeal_id, outcome, now):
                raise NotFound("answered before")
            self._disclosure.keep_words(tx, appeal.person_id, _answered(appeal_id), words)
            details = {"outcome": outcome.value}
            self._stores.audit.record(
                tx, "appeal_answered", at=now, person_id=appeal.person_id, details=details
            )
            person = self._stores.persons.get(tx, appeal.person_id)
            standing = self._standing(person)
            if outcome is AppealOutcome.LIFTED and standing and standing.since == appeal.suspended_at:
                self._lift(tx, appeal.person_id, now, "appeal")

    def _appeal(self, tx: Transaction, appeal_id: str) -> Appeal:
        appeal = self._stores.appeals.get(tx, appeal_id)
        if appeal is None:
            raise NotFound("no such appeal")
        return appeal

    def _read(self, tx: Transaction, appeal: Appeal) -> AppealAsRead:
        about = (_asked(appeal.appeal_id), _answered(appeal.appeal_id))
        words = self._disclosure.kept_words(tx, appeal.person_id, about)
        return AppealAsRead(appeal, words.get(about[0], ""), words.get(about[1]))


def _asked(appeal_id: str) -> str:
    return f"appeal/{appeal_id}"


def _answered(appeal_id: str) -> str:
    return f"appeal-answer/{appeal_id}"
