"""What was refused to somebody who is signed in is on record; of anybody else there is a log line."""

from netid.ambient import Ambient
from netid.errors import NetIDError
from netid.services.interaction import digest_of
from netid.services.sign_in import Browser
from netid.storage.stores import Stores


class Refusals:
    """Puts refusals on record. Who is not signed in cannot fill the disk with them."""

    def __init__(self, stores: Stores, *, ambient: Ambient) -> None:
        self._stores = stores
        self._ambient = ambient

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
