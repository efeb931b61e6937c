"""Rotating the signing keys on schedule."""

import logging
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from netid.ambient import Ambient
from netid.errors import KeyFileError
from netid.storage.key_files import rotate_keys

log = logging.getLogger(__name__)


class Rotation:
    """A thread of the provider. Several workers may run one each: one of them rotates, all follow."""

    def __init__(
        self, directory: Path, *, period: timedelta, ambient: Ambient, interval_seconds: float = 60
    ) -> None:
        self._directory = directory
        self._period = period
        self._ambient = ambient
        self._interval = interval_seconds
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Looks now and once every interval."""
        self._thread = Thread(target=self._run, name="key rotation", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def rotate_when_due(self) -> None:
        """Rotates keys that have signed for the whole period; a fault is for the log, and tried again."""
        try:
            rotate_keys(self._directory, self._ambient, every=self._period)
        except KeyFileError as error:
            log.error("the keys could not be rotated: %s", error.detail)

    def _run(self) -> None:
        self.rotate_when_due()
        while not self._stopping.wait(self._interval):
            self.rotate_when_due()
