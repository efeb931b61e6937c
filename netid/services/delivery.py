"""Bringing messages to relying parties, in a thread of the provider: retried with pauses, then given up.

What an answer means. An event (RFC 8935): 202 says that the relying party has done what the event
asks, because `netid.client` answers so only once the app's handler has returned; 400 with an error
code says that it does not accept the event, and is not retried. A logout token (Back-Channel Logout
1.0, 2.8): 200 or 204 says that its sessions have ended, 400 that they have not. Anything else, and
silence, is no answer.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Semaphore, Thread
from urllib.parse import urlencode

from sqlalchemy.exc import SQLAlchemyError

from netid.ambient import Ambient
from netid.credentials import strict_json
from netid.errors import StorageBusy, Unanswered
from netid.identity.relying_party import RelyingParty
from netid.services.outgoing import OutgoingRequest, SendOut
from netid.storage.messages import Message, MessageKind, MessageState
from netid.storage.stores import Stores
from netid.storage.transaction import Transaction

log = logging.getLogger(__name__)

PAUSES: Mapping[MessageKind, tuple[timedelta, ...]] = {
    MessageKind.EVENT: (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(timedelta(hours=hours) for hours in (2, 6, 12, 24)),
    ),
    MessageKind.LOGOUT: tuple(timedelta(seconds=seconds) for seconds in (5, 15, 40)),
}
"""How long to wait after each attempt; after the last attempt a message is "not answered"."""

AT_ONCE = 4
"""How many relying parties one worker waits for at the same time."""

_DONE = {MessageKind.EVENT: {202}, MessageKind.LOGOUT: {200, 204}}
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    state: MessageState | None
    """None where it is to be tried again."""
    code: str | None
    """Why, for the operator; None where it was confirmed."""


class Delivery:
    """Tries what is due. Several workers may run one each: a claim in the database decides who sends."""

    def __init__(
        self, stores: Stores, *, send: SendOut, ambient: Ambient, interval_seconds: float = 1.0
    ) -> None:
        self._stores = stores
        self._send = send
        self._ambient = ambient
        self._interval = interval_seconds
        self._stopping = Event()
        self._free = Semaphore(AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery")
        self._thread: Thread | None = None

    def start(self) -> None:
        """Tries what is due from now on."""
        self._thread = Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends once the attempts under way are over."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown()

    def step(self) -> int:
        """Tries everything that is due, one after the other; how many attempts that were."""
        tried = 0
        while batch := self._claim():
            tried += self._deliver(batch)
        return tried

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            while self._free.acquire(blocking=False):
                batch: list[Message] = []
                with _outliving_faults():
                    batch = self._claim()
                if not batch:
                    self._free.release()
                    break
                self._pool.submit(self._in_pool, batch)

    def _in_pool(self, batch: list[Message]) -> None:
        try:
            with _outliving_faults():
                self._deliver(batch)
        finally:
            self._free.release()

    def _claim(self) -> list[Message]:
        now = self._ambient.now()
        with self._stores.db.read() as tx:
            if not self._stores.messages.is_due(tx, now):
                return []
        with self._stores.db.write() as tx:
            return self._stores.messages.claim(tx, now)

    def _deliver(self, batch: list[Message]) -> int:
        """Tries messages of one relying party; after one without an answer the rest waits with it."""
        for place, message in enumerate(batch):
            outcome = self._attempt(message)
            if not self._keep(message, outcome, batch[place + 1 :]):
                return place + 1
        return len(batch)

    def _attempt(self, message: Message) -> Outcome:
        with self._stores.db.read() as tx:
            relying_party = self._stores.relying_parties.get(tx, message.client_id)
        address = _address(relying_party, message.kind)
        if address is None or message.body is None:
            return Outcome(MessageState.NOT_ANSWERED, "no_address")
        headers, body = _form(message.kind, message.body)
        try:
            answer = self._send(OutgoingRequest(address, headers, body))
        except Unanswered as error:
            return Outcome(None, error.code)
        return read_answer(message.kind, answer.status, answer.body)

    def _keep(self, message: Message, outcome: Outcome, untried: list[Message]) -> bool:
        """Keeps what became of it; False where its relying party is not to be tried again now."""
        now, pauses = self._ambient.now(), PAUSES[message.kind]
        state = outcome.state
        if state is None and message.attempts > len(pauses):
            state = MessageState.NOT_ANSWERED
        with self._stores.db.write() as tx:
            if state is not None:
                self._stores.messages.end(tx, message.message_id, state, now, outcome.code)
                self._record(tx, message, state, now)
            else:
                later = now + pauses[message.attempts - 1]
                self._stores.messages.try_again(tx, message.message_id, later, outcome.code)
            if outcome.state is None:
                # They are not counted as tried, and go when the relying party may be back.
                self._stores.messages.put_back(tx, untried, now + pauses[0])
        return outcome.state is not None

    def _record(self, tx: Transaction, message: Message, state: MessageState, now: datetime) -> None:
        self._stores.audit.record(
            tx,
            f"{message.kind}_{state}",
            at=now,
            person_id=message.person_id,
            client_id=message.client_id,
            receipt_id=message.receipt_id,
        )


@contextmanager
def _outliving_faults() -> Iterator[None]:
    """What was not done now is done later: a claim ends after a minute."""
    try:
        yield
    except StorageBusy as busy:
        log.info("not delivered now: %s", busy.detail)
    except (SQLAlchemyError, sqlite3.Error) as fault:
        log.error("not delivered: %s", type(fault).__name__)


def read_answer(kind: MessageKind, status: int, body: bytes) -> Outcome:
    """What an answer means, as this module says."""
    if status in _DONE[kind]:
        return Outcome(MessageState.CONFIRMED, None)
    if status == 400:
        code = _error_code(body, "err" if kind is MessageKind.EVENT else "error")
        if kind is MessageKind.LOGOUT or code is not None:
            return Outcome(MessageState.REFUSED, code or "http_400")
    return Outcome(None, f"http_{status}")


def _error_code(body: bytes, member: str) -> str | None:
    """RFC 8935, 2.4, and Back-Channel Logout 1.0, 2.8: a JSON object with a code; nothing else is kept."""
    try:
        code = strict_json.parse_object(body).get(member)
    except ValueError:
        return None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _address(relying_party: RelyingParty | None, kind: MessageKind) -> str | None:
    if relying_party is None:
        return None
    is_event = kind is MessageKind.EVENT
    return relying_party.events_uri if is_event else relying_party.backchannel_logout_uri


def _form(kind: MessageKind, token: str) -> tuple[Mapping[str, str], bytes]:
    """RFC 8935, 2.1, or Back-Channel Logout 1.0, 2.5."""
    if kind is MessageKind.EVENT:
        return {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}, token.encode()
    form = urlencode({"logout_token": token}).encode()
    return {"Content-Type": "application/x-www-form-urlencoded"}, form
