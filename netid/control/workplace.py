"""The directory of one server's realms; those of servers that died are cleared away by the next."""

import shutil
import tempfile
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

_PREFIX = "netid-realms-"
_LOCK = "owner.lock"


class Workplace:
    """A temporary directory for its owner alone, held until it is closed or its process ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = (self.path / _LOCK).open("wb")
        flock(self._lock, LOCK_EX)
        clear_abandoned(self.path.parent)

    def close(self) -> None:
        """Leaves nothing."""
        shutil.rmtree(self.path)
        self._lock.close()


def clear_abandoned(parent: Path) -> None:
    """Removes the workplaces in that directory whose owner was killed: nobody holds their lock."""
    for place in parent.glob(f"{_PREFIX}*"):
        try:
            with (place / _LOCK).open("rb") as lock:
                flock(lock, LOCK_EX | LOCK_NB)
                shutil.rmtree(place)
        except OSError:
            continue  # in use, just being made, another user's, or cleared by somebody else meanwhile
