"""What is due: forgetting what has expired, seeing deletions through, ending suspensions at their term."""

import logging
from threading import Event, Thread

from sqlalchemy.exc import SQLAlchemyError

from netid.ambient import Ambient
from netid.errors import StorageBusy
from netid.services.applying import Applying
from netid.services.cancellation import Cancellation
from netid.services.statuses import Statuses
from netid.services.suspensions import Suspensions
from netid.storage.epoch import Epoch
from netid.storage.stores import Stores

log = logging.getLogger(__name__)


class Housekeeping:
    """A thread of the provider; several workers may run one each."""

    def __init__(
        self,
        stores: Stores,
        *,
        statuses: Statuses,
        applying: Applying,
        cancellation: Cancellation,
        suspensions: Suspensions,
        epoch: Epoch,
        ambient: Ambient,
        interval_seconds: float = 60,
    ) -> None:
        self._stores = stores
        self._statuses = statuses
        self._applying = applying
        self._cancellation = cancellation
        self._suspensions = suspensions
        self._epoch = epoch
        self._ambient = ambient
        self._interval = interval_seconds
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Does one round every interval from now on."""
        self._thread = Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def forget(self) -> int:
        """Deletes what has expired; how many rows."""
        now = self._ambient.now()
        stores = self._stores
        kept_too_long = (
            stores.single_use, stores.tokens, stores.sessions, stores.interactions, stores.throttle,
            stores.messages, stores.copies,
            stores.permissions, stores.erasures,
        )  # fmt: skip
        with stores.db.write() as tx:
            forgotten = sum(store.purge(tx, now) for store in kept_too_long)
        return forgotten + self._applying.purge()

    def round(self) -> None:
        """Does everything that is due. Raises StorageBusy."""
        self.forget()
        self._statuses.begin()
        self._cancellation.see_through()
        self._suspensions.end_due()
        self._epoch.remember()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.round()
            except StorageBusy:
                log.info("the database is busy; the next round goes on")
            except SQLAlchemyError as fault:
                # What is due stays due; a thread that ended here would leave it for good.
                log.error("housekeeping: %s; the next round tries again", type(fault).__name__)
