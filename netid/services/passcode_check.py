"""Checking the passcode of somebody who says who they are, slowed down for who guesses."""

import hmac

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.errors import SignInRefused
from netid.services.passcodes import passcode_matches
from netid.storage.persons import Person, PersonStatus
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


class PasscodeCheck:
    """One count of failures per account, whichever page asks."""

    def __init__(self, stores: Stores, *, keyring: Keyring, ambient: Ambient) -> None:
        self._stores = stores
        self._keyring = keyring
        self._ambient = ambient

    def require(self, person: Person | None, account: bytes, browser_digest: bytes, passcode: str) -> None:
        """SignInRefused, with the seconds to wait, unless it is this person's passcode.

        `account` names whose attempts are counted (the digest of the net number that was given). Unknown,
        cancelled and slowed-down accounts cost the same work and answer the same. Attempts count
        apart for browsers this person is known in, so that strangers cannot keep the owner out.
        """
        stored = person.passcode_hash if person and person.status is not PersonStatus.CANCELLED else None
        matches = passcode_matches(self._keyring.passcode.reveal(), passcode, stored)
        with self._stores.db.write() as tx:
            key = self._key(account, browser_digest if self._is_known(tx, person, browser_digest) else None)
            now = self._ambient.now()
            wait = self._stores.throttle.attempt(tx, key, now)
            if not wait and matches:
                self._stores.throttle.passed(tx, key)
                return
            wait = wait or self._stores.throttle.failed(tx, key, now)
        raise SignInRefused(wait, detail="passcode refused")

    def _is_known(self, tx: Transaction, person: Person | None, browser_digest: bytes) -> bool:
        known = self._stores.sessions.people_of(tx, browser_digest)  # asked for nobody too: equal work
        return person is not None and person.person_id in known

    def _key(self, account: bytes, device: bytes | None) -> bytes:
        return hmac.digest(self._keyring.index.reveal(), account + (device or b"unknown browser"), "sha256")
