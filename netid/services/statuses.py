"""What became of long-lived copies: kept at once, published in lists on the quarter hour.

All copies of a person change together. Published together, they would show whoever compares two lists
which copies are one person's; so each change is published at one of the next eight times, drawn for
each copy alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock

from netid.ambient import Ambient
from netid.credentials import base64url, status_list
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.status_list import Bits, Status, StatusList, StatusReference
from netid.errors import CredentialRequestDenied, NotFound
from netid.storage.copies import LIST_SIZE, Change, shown_at
from netid.storage.epoch import restored_at
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

PERIOD = timedelta(minutes=15)
"""Lists are published on the clock, this far apart."""
SPREAD = 8
"""Over how many publications the changes of one person's copies are spread."""
LIST_LIFETIME = timedelta(hours=12)
"""How long a list that was fetched still counts, should no newer one be had."""
MOST_COPIES = 1000
"""How many long-lived copies one person can have at a time."""
_ID_BYTES = 9
_BITS: Bits = 2
"""For VALID, INVALID and SUSPENDED."""


@dataclass(frozen=True)
class Published:
    """One list as it is published now."""

    token: str
    etag: str
    """The same at every worker, while the list says the same."""
    next_at: datetime
    """When the next one comes."""


class Statuses:
    """Gives copies their entries, changes what these say, and publishes the lists."""

    def __init__(self, stores: Stores, *, issuer: str, keys: CurrentKeys, ambient: Ambient) -> None:
        self._stores = stores
        self._issuer = issuer
        self._keys = keys
        self._ambient = ambient
        self._published: dict[str, Published] = {}
        self._lock = Lock()

    def begin(self) -> None:
        """Sees to it that there is a list with room before anybody gets a copy.

        Relying parties fetch lists on a timer: one that began with its first copy they would not know.
        """
        with self._stores.db.read() as tx:
            if self._stores.copies.open_list(tx, _begun_after(tx)):
                return
        with self._stores.db.write() as tx:
            self._open_list(tx, self._ambient.now())

    def assign(
        self, tx: Transaction, person_id: str, count: int, expires_at: datetime, now: datetime
    ) -> list[StatusReference]:
        """An entry for each of so many copies. Raises CredentialRequestDenied for one who has too many."""
        if self._stores.copies.count(tx, person_id, now) + count > MOST_COPIES:
            raise CredentialRequestDenied(f"there are {MOST_COPIES} copies that have not expired; wait")
        taken = self._stores.copies.take(
            tx, self._open_list(tx, now), person_id, count, now, expires_at, self._draw
        )
        return [StatusReference(self._uri(entry.list_id), entry.index) for entry in taken]

    def _open_list(self, tx: Transaction, now: datetime) -> str:
        """A list with room. One of before the database was put back may have entries that it forgot."""
        found = self._stores.copies.open_list(tx, _begun_after(tx))
        if found is not None:
            return found
        list_id = base64url.encode(self._ambient.random(_ID_BYTES))
        self._stores.copies.begin_list(tx, list_id, now)
        return list_id

    def change(self, tx: Transaction, person_id: str, status: Status, now: datetime) -> int:
        """Lets the person's copies say this from one of the next publications on; how many there are.

        What was revoked stays so, and a copy that was to be suspended by then is not valid for longer.
        """
        changed = [one for one in self._stores.copies.live(tx, person_id, now) if one.status is not status]
        published_at = _period_of(now)
        for one in changed:
            shown_from = published_at + PERIOD * (1 + self._draw() % SPREAD)
            said_now = shown_at(one, published_at)
            if said_now is Status.VALID and Status.VALID not in (one.status, status):
                shown_from = min(shown_from, one.shown_from)
            self._stores.copies.change(tx, Change(one.entry, status, said_now, shown_from))
        return len(changed)

    def addresses(self) -> list[str]:
        """Where all lists are: who fetches every one says nothing of whose status is looked up."""
        with self._stores.db.read() as tx:
            return [self._uri(list_id) for list_id in self._stores.copies.list_ids(tx)]

    def published(self, list_id: str) -> Published:
        """The list of that name as it is published now. Raises NotFound."""
        now = self._ambient.now()
        found = self._published.get(list_id)
        # A clock that was put back makes what it was made for lie ahead.
        if found is not None and found.next_at - PERIOD <= now < found.next_at:
            return found
        with self._lock:
            self._published = {name: kept for name, kept in self._published.items() if kept.next_at > now}
            made = self._published[list_id] = self._make(list_id, _period_of(now))
        return made

    def _make(self, list_id: str, published_at: datetime) -> Published:
        with self._stores.db.read() as tx:
            begun_at = self._stores.copies.begun_at(tx, list_id)
            if begun_at is None:
                raise NotFound("no list of that name")
            if begun_at <= _begun_after(tx):
                # What was revoked since the copy of the database was made is not known any more.
                said: Mapping[int, int] = dict.fromkeys(range(LIST_SIZE), Status.SUSPENDED)
            else:
                said = self._stores.copies.said(tx, list_id, published_at)
        entries = StatusList.of(LIST_SIZE, _BITS, said)
        token = status_list.sign(
            entries,
            self._keys.credential_key(),
            uri=self._uri(list_id),
            issuer=self._issuer,
            issued_at=published_at,
            expires_at=published_at + LIST_LIFETIME,
            time_to_live=PERIOD,
        )
        contents = sha256(f"{list_id}{published_at.isoformat()}".encode() + entries.data).digest()
        return Published(token, base64url.encode(contents[:16]), published_at + PERIOD)

    def _uri(self, list_id: str) -> str:
        return f"{self._issuer}/status-lists/{list_id}"

    def _draw(self) -> int:
        return int.from_bytes(self._ambient.random(4))


def _begun_after(tx: Transaction) -> datetime:
    return restored_at(tx) or datetime.fromtimestamp(0, UTC)


def _period_of(now: datetime) -> datetime:
    """The time of the latest publication."""
    seconds = int(PERIOD.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)
