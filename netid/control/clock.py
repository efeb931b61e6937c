"""A realm's clock: the server's time, and whatever a test adds to it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from netid.errors import InvalidField

_ROOM = timedelta(days=400)
"""What the provider may add to its own time when it works out an end."""


class RealmClock:
    """Runs on with the server's clock, ahead of it by what was advanced."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the server's clock."""
        return self._ahead

    def now(self) -> datetime:
        """The realm's time, as an aware datetime in UTC."""
        return self._now() + self._ahead

    def advance(self, amount: timedelta) -> None:
        """Moves the clock on; never back, since what was signed cannot be unsigned. Raises InvalidField."""
        if amount < timedelta():
            raise InvalidField("seconds", "must not be negative", "reset the realm to come back to today")
        try:
            self.now() + amount + _ROOM
        except OverflowError as error:
            raise InvalidField("seconds", "must stay within the calendar", "advance by less") from error
        self._ahead += amount

    def reset(self) -> None:
        """Back to the server's time."""
        self._ahead = timedelta()
