"""Forgetting what has expired: sign-ins under way cost strangers nothing, so they may not pile up."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from netid.storage.stores import Stores

EVERY = timedelta(minutes=1)


class Tidying:
    """Deletes expired rows at most once a minute, within a transaction that writes anyway."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._last: datetime | None = None

    def tidy(self, tx: Connection, now: datetime) -> None:
        """Forgets sign-ins, sessions, codes, tokens and counts of failures that are over."""
        if self._last is not None and self._last <= now < self._last + EVERY:
            return
        self._last = now
        stores = self._stores
        for table in (
            stores.interactions,
            stores.sessions,
            stores.single_use,
            stores.tokens,
            stores.throttle,
        ):
            table.purge(tx, now)
