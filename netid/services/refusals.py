"""What was refused to somebody who proved who they are is on record; of anybody else there is a log line."""

from collections.abc import Iterator
from contextlib import contextmanager

from netid.ambient import Ambient
from netid.errors import CodeReplayed, NetIDError, OAuthError
from netid.identity.relying_party import RelyingParty
from netid.services.interaction import digest_of
from netid.services.sign_in import Browser
from netid.storage.stores import Stores


class Refusals:
    """Puts refusals on record. Who is not signed in, or not authenticated, cannot fill the disk with them."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

    @contextmanager
    def of_client(self, relying_party: RelyingParty, kind: str) -> Iterator[None]:
        """Keeps what is refused to this authenticated relying party meanwhile, and passes it on."""
        try:
            yield
        except CodeReplayed:
            raise  # on record with the tokens it ended
        except OAuthError as refusal:
            if not relying_party.is_own_wallet:  # nobody has proved to be it
                self._keep_of_client(relying_party, refusal, kind)
            raise

    def _keep_of_client(self, relying_party: RelyingParty, refusal: OAuthError, kind: str) -> None:
        with self._stores.db.write() as tx:
            self._stores.audit.record(
                tx,
                kind,
                at=self._ambient.now(),
                client_id=relying_party.client_id,
                details={"error": refusal.code},
            )

    @contextmanager
    def of_holder(self, person_id: str, kind: str) -> Iterator[None]:
        """The same for the wallet of a person, who is known by the token that was shown."""
        try:
            yield
        except OAuthError as refusal:
            with self._stores.db.write() as tx:
                details = {"error": refusal.code}
                self._stores.audit.record(
                    tx, kind, at=self._ambient.now(), person_id=person_id, details=details
                )
            raise

    def keep(self, browser: Browser, error: NetIDError, place: str) -> None:
        """One event of the person who is signed in in this browser, if anybody is.

        `place` names the page, and nothing of what was sent to it. Raises StorageBusy.
        """
        if browser.session is None:
            return
        digest, now = digest_of(browser.session), self._ambient.now()
        with self._stores.db.read() as tx:
            session = self._stores.sessions.get(tx, digest, browser.digest, now)
        if session is None:
            return
        with self._stores.db.write() as tx:
            self._stores.audit.record(
                tx,
                "page_refused",
                at=now,
                person_id=session.person_id,
                details={"error": error.code, "page": place},
            )
