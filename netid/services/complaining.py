"""Complaints about a relying party: kept with the entry they are about, answered in words (PIPL 50, 65)."""

from dataclasses import dataclass

from netid.ambient import Ambient
from netid.disclosure import Disclosure
from netid.errors import NotFound
from netid.identity.entered import entered_words
from netid.services.rights import Rights
from netid.storage.complaints import Complaint
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

MOST_WORDS = 1000
_ID_BYTES = 12


@dataclass(frozen=True)
class ComplaintAsRead:
    """A complaint with what was written."""

    complaint: Complaint
    words: str
    answer: str | None


class Complaining:
    """Takes complaints, and what the operator answers."""

    def __init__(self, stores: Stores, *, rights: Rights, disclosure: Disclosure, ambient: Ambient) -> None:
        self._stores = stores
        self._rights = rights
        self._disclosure = disclosure
        self._ambient = ambient

    # What the person does

    def complain(self, person_id: str, receipt_id: str, words: str) -> None:
        """Keeps a complaint about one entry; a second one about it changes nothing.

        Raises InvalidField for words that are none, NotFound for an entry that is not this person's.
        """
        words = entered_words(words, "words", MOST_WORDS)
        now = self._ambient.now()
        complaint_id = self._ambient.random(_ID_BYTES).hex()
        with self._stores.db.write() as tx:
            stored = self._rights.visible(tx, person_id, receipt_id, now)
            owner, client_id = stored.person_id, stored.receipt.client_id
            if not self._stores.complaints.add(
                tx, complaint_id, person_id=owner, client_id=client_id, receipt_id=receipt_id, at=now
            ):
                return
            self._disclosure.keep_words(tx, owner, _asked(complaint_id), words)
            self._stores.audit.record(
                tx, "complained", at=now, person_id=owner, client_id=client_id, receipt_id=receipt_id
            )

    def about(self, person_id: str, receipt_id: str) -> ComplaintAsRead | None:
        """The complaint about that entry, with its answer. Raises NotFound as `complain` does."""
        with self._stores.db.read() as tx:
            owner = self._rights.visible(tx, person_id, receipt_id, self._ambient.now()).person_id
            made = self._stores.complaints.of_person(tx, owner)
            found = next((one for one in made if one.receipt_id == receipt_id), None)
            return self._read(tx, found) if found else None

    def of_person(self, tx: Transaction, person_id: str) -> list[ComplaintAsRead]:
        """Everything the person complained about, the latest first."""
        return [self._read(tx, one) for one in self._stores.complaints.of_person(tx, person_id)]

    # What the operator does

    def unanswered(self) -> list[Complaint]:
        """The complaints that wait for an answer, the earliest first."""
        with self._stores.db.read() as tx:
            return self._stores.complaints.unanswered(tx)

    def read(self, complaint_id: str) -> ComplaintAsRead:
        """A complaint as it was written, for who answers it; the reading is on record. Raises NotFound."""
        with self._stores.db.write() as tx:
            complaint = self._complaint(tx, complaint_id)
            self._record(tx, "complaint_read", complaint)
            return self._read(tx, complaint)

    def answer(self, complaint_id: str, words: str) -> None:
        """Answers in words. Raises NotFound if there is no such complaint or it was answered before."""
        words = entered_words(words, "answer", MOST_WORDS)
        with self._stores.db.write() as tx:
            complaint = self._complaint(tx, complaint_id)
            if not self._stores.complaints.answer(tx, complaint_id, self._ambient.now()):
                raise NotFound("answered before")
            self._disclosure.keep_words(tx, complaint.person_id, _answered(complaint_id), words)
            self._record(tx, "complaint_answered", complaint)

    def _complaint(self, tx: Transaction, complaint_id: str) -> Complaint:
        complaint = self._stores.complaints.get(tx, complaint_id)
        if complaint is None:
            raise NotFound("no such complaint")
        return complaint

    def _record(self, tx: Transaction, kind: str, complaint: Complaint) -> None:
        self._stores.audit.record(
            tx,
            kind,
            at=self._ambient.now(),
            person_id=complaint.person_id,
            client_id=complaint.client_id,
            receipt_id=complaint.receipt_id,
        )

    def _read(self, tx: Transaction, complaint: Complaint) -> ComplaintAsRead:
        about = (_asked(complaint.complaint_id), _answered(complaint.complaint_id))
        words = self._disclosure.kept_words(tx, complaint.person_id, about)
        return ComplaintAsRead(complaint, words.get(about[0], ""), words.get(about[1]))


def _asked(complaint_id: str) -> str:
    return f"complaint/{complaint_id}"


def _answered(complaint_id: str) -> str:
    return f"complaint-answer/{complaint_id}"
