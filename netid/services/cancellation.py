"""Giving up a net number (注销): a person leaves, and what is kept of them is deleted (PIPL 47).

Who confirms it is cancelled in one transaction: nobody can sign in, redeem or fetch from then on.
Then the data key is deleted, so that nothing can be read; then the rows; then what SQLite still
holds of them in its log. Each of these can be interrupted and is done again until it is through.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from netid.ambient import Ambient
from netid.credentials.status_list import Status
from netid.errors import NotFound, StorageBusy
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import SECRET_BYTES, OwnAction, digest_of, encode_secret
from netid.services.messages import Messages
from netid.services.sign_in import Browser
from netid.services.signing_out import SignOut
from netid.services.statuses import Statuses
from netid.storage.database import Database
from netid.storage.erasures import Erasure
from netid.storage.persons import PersonStatus
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


class Cancellation:
    """Cancels net numbers, and sees each deletion through."""

    def __init__(
        self,
        stores: Stores,
        *,
        keys_db: Database,
        destroy: Callable[[Transaction, str], None],
        fresh: FreshSignIn,
        statuses: Statuses,
        signing_out: SignOut,
        messages: Messages,
        ambient: Ambient,
    ) -> None:
        """`destroy` is the vault's: the data key first, then what it sealed."""
        self._stores = stores
        self._databases = (keys_db, stores.db)
        self._destroy = destroy
        self._fresh = fresh
        self._statuses = statuses
        self._signing_out = signing_out
        self._messages = messages
        self._ambient = ambient

    def children(self, person_id: str) -> int:
        """For how many people this person is the registered guardian, and would be no more."""
        with self._stores.db.read() as tx:
            return self._stores.persons.children(tx, person_id)

    def cancel(self, browser: Browser) -> str:
        """Cancels the net number of who has just signed in for it; the reference to ask by.

        Raises FreshSignInRequired, and then nothing has changed.
        """
        now = self._ambient.now()
        reference = encode_secret(self._ambient.random(SECRET_BYTES))
        with self._stores.db.write() as tx:
            person_id = self._fresh.take(tx, OwnAction.CANCEL, browser, now)
            self._begin(tx, person_id, digest_of(reference), now, asked_by="person")
        self.see_through()
        return reference

    def state(self, reference: str) -> Erasure:
        """How far a cancellation has come. Raises NotFound."""
        with self._stores.db.read() as tx:
            erasure = self._stores.erasures.by_reference(tx, digest_of(reference))
        if erasure is None:
            raise NotFound("no cancellation of that reference")
        return erasure

    def take_up(self, tx: Transaction, person_ids: Iterable[str]) -> None:
        """People whose data key is gone, as in an older copy of the database: they left already."""
        now = self._ambient.now()
        for person_id in person_ids:
            person = self._stores.persons.get(tx, person_id)
            if person is not None and person.status is not PersonStatus.CANCELLED:
                self._begin(tx, person_id, None, now, asked_by="sweep")

    def see_through(self) -> int:
        """Goes on with every deletion that is not through; how many are now."""
        with self._stores.db.read() as tx:
            pending = self._stores.erasures.pending(tx, self._ambient.now())
        try:
            for person_id in pending:
                with self._stores.db.write() as tx:
                    self._destroy(tx, person_id)
                    self._stores.erasures.erase(tx, person_id)
            if not pending or not all(database.checkpoint() for database in self._databases):
                return 0
            now = self._ambient.now()
            with self._stores.db.write() as tx:
                return sum(self._stores.erasures.complete(tx, person_id, now) for person_id in pending)
        except StorageBusy:
            return 0  # It stays due, and the page says so; housekeeping tries again.

    def _begin(
        self, tx: Transaction, person_id: str, reference: bytes | None, now: datetime, asked_by: str
    ) -> None:
        self._signing_out.everywhere(tx, person_id, now)
        self._messages.person_left(tx, person_id, now)
        self._stores.persons.set_status(tx, person_id, PersonStatus.CANCELLED, at=now)
        self._stores.tokens.revoke_for(tx, person_id, None, now)
        self._statuses.change(tx, person_id, Status.INVALID, now)
        self._stores.erasures.begin(tx, person_id, reference, now)
        self._stores.audit.record(
            tx, "cancelled", at=now, person_id=person_id, details={"asked_by": asked_by}
        )
