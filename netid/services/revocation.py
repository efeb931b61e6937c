"""Suspending, resuming and revoking the copies in a person's wallets, with a notice each time.

Short copies have no status: they end within two days, and no new ones are issued meanwhile.
"""

from netid.ambient import Ambient
from netid.credentials.status_list import Status
from netid.errors import NotFound
from netid.identity.revocation import RevocationReason
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.interaction import OwnAction
from netid.services.sign_in import Browser
from netid.services.statuses import Statuses
from netid.storage.duties import DutyKind
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

_ID_BYTES = 12


class Revocation:
    """Changes what a person's copies are good for, and tells the person."""

    def __init__(self, stores: Stores, *, statuses: Statuses, fresh: FreshSignIn, ambient: Ambient) -> None:
        self._stores = stores
        self._statuses = statuses
        self._fresh = fresh
        self._ambient = ambient

    def live(self, person_id: str) -> int:
        """How many copies of this person can still be revoked."""
        with self._stores.db.read() as tx:
            return len(self._stores.copies.live(tx, person_id, self._ambient.now()))

    def revoke(self, person_id: str, reason: RevocationReason) -> int:
        """Revokes them, for good; how many. Raises NotFound for somebody who has none."""
        with self._stores.db.write() as tx:
            return self._revoke(tx, person_id, reason)

    def revoke_own(self, browser: Browser) -> int:
        """The same for who has just signed in to do something about their wallets.

        Raises FreshSignInRequired, or NotFound; then nothing has changed.
        """
        with self._stores.db.write() as tx:
            person_id = self._fresh.take(tx, OwnAction.WALLET, browser, self._ambient.now())
            return self._revoke(tx, person_id, RevocationReason.OWN_WISH)

    def _revoke(self, tx: Transaction, person_id: str, reason: RevocationReason) -> int:
        self._stores.persons.claim(tx, person_id)
        count = self.became(tx, person_id, Status.INVALID, reason.value)
        if not count:
            raise NotFound("no copies that could be revoked")
        self._stores.tokens.revoke_for(tx, person_id, None, self._ambient.now())
        return count

    def became(self, tx: Transaction, person_id: str, status: Status, reason: str) -> int:
        """Changes the copies, puts it on record and tells the person why; how many there are."""
        now = self._ambient.now()
        count = self._statuses.change(tx, person_id, status, now)
        if count:
            details = {"became": status.name.lower(), "reason": reason}
            duty_id = self._ambient.random(_ID_BYTES).hex()
            self._stores.duties.add(tx, duty_id, DutyKind.COPIES, person_id, details, now)
            self._stores.duties.close(tx, duty_id, now)
            self._stores.audit.record(tx, "copies_changed", at=now, person_id=person_id, details=details)
        return count
