"""Sessions at the provider: where a person is signed in, and ending them with all that they led to."""

from dataclasses import dataclass
from datetime import datetime

from netid.ambient import Ambient
from netid.identity.relying_party import RelyingParty
from netid.services.interaction import digest_of
from netid.services.messages import Messages
from netid.services.sign_in import Browser
from netid.storage.sessions import Session
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class OpenSession:
    """One session, as its person reads it."""

    session: Session
    platforms: list[RelyingParty]
    """Where it led to."""
    is_this_browser: bool


class SignOut:
    """Ends sessions; the relying parties that each of them led to are told."""

    def __init__(self, stores: Stores, *, messages: Messages, ambient: Ambient) -> None:
        self._stores = stores
        self._messages = messages
        self._ambient = ambient

    def sessions(self, person_id: str, browser: Browser) -> list[OpenSession]:
        """Where the person is signed in, the latest first."""
        with self._stores.db.read() as tx:
            open_ones = self._stores.sessions.of_person(tx, person_id, self._ambient.now())
            return [
                OpenSession(one, self._platforms(tx, one), one.browser_digest == browser.digest)
                for one in open_ones
            ]

    def _platforms(self, tx: Transaction, session: Session) -> list[RelyingParty]:
        visited = self._stores.sessions.visited(tx, session.session_id)
        found = (self._stores.relying_parties.get(tx, client_id) for client_id in visited)
        return [relying_party for relying_party in found if relying_party is not None]

    def here(self, browser: Browser) -> None:
        """Ends this browser's session, if it has one."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            if (session := self.of_browser(tx, browser, now)) is not None:
                self.end(tx, session, now)

    def of_browser(self, tx: Transaction, browser: Browser, now: datetime) -> Session | None:
        """Who is signed in in this browser."""
        if browser.session is None:
            return None
        return self._stores.sessions.get(tx, digest_of(browser.session), browser.digest, now)

    def one(self, person_id: str, session_id: str) -> None:
        """Ends one of the person's sessions; for another's, or one that has ended, nothing happens."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            for session in self._stores.sessions.of_person(tx, person_id, now):
                if session.session_id == session_id:
                    self.end(tx, session, now)

    def others(self, person_id: str, browser: Browser) -> None:
        """Ends every session of the person but this browser's."""
        now = self._ambient.now()
        with self._stores.db.write() as tx:
            for session in self._stores.sessions.of_person(tx, person_id, now):
                if session.browser_digest != browser.digest:
                    self.end(tx, session, now)

    def everywhere(self, tx: Transaction, person_id: str, now: datetime) -> None:
        """Ends every session of the person, in the caller's transaction."""
        for session in self._stores.sessions.of_person(tx, person_id, now):
            self.end(tx, session, now)

    def end(self, tx: Transaction, session: Session, now: datetime) -> None:
        """Ends one session, in the caller's transaction."""
        if self._stores.sessions.end(tx, session.digest, now):
            self._messages.session_ended(tx, session, now)
