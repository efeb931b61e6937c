"""The only clock and the only randomness; everything else receives them as a value."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Ambient:
    """What a computation takes from the world around it.

    Tests and realms pass their own; nothing else in NetID reads a clock or draws a random number.
    """

    now: Callable[[], datetime]
    """The time as an aware datetime in UTC."""

    random: Callable[[int], bytes]
    """That many unpredictable bytes."""

    @classmethod
    def real(cls) -> "Ambient":
        """The machine's clock and its cryptographic random source."""
        return cls(now=lambda: datetime.now(UTC), random=secrets.token_bytes)
