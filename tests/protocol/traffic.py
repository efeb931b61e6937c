"""People who sign in at a provider that may die, and what it has acknowledged to them."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from sqlalchemy import select

from netid.services.interaction import digest_of
from netid.storage.single_use import Kind
from netid.storage.stores import Stores
from netid.storage.tables import access_tokens, receipts, single_use
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client, Clock, Running

VISITORS = 4
_PAUSE = 0.02


class Elsewhere(Running):
    """A provider in processes of its own, known by its address alone."""

    def __init__(self, address: str) -> None:
        self.issuer = self.address = address
        self.clock = Clock()


@dataclass
class Acknowledged:
    """What somebody was told is done: it has to be there, whatever happened after."""

    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    codes: list[str] = field(default_factory=list)
    """Those that came back to the relying party."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Access tokens that were answered, by their codes."""
    tried: set[str] = field(default_factory=set)
    """Codes that were sent for redemption, with whatever outcome."""
    refused: Counter[int] = field(default_factory=Counter)
    """Answers that said no, by their status."""


@contextmanager
def traffic(client: Client) -> Iterator[Acknowledged]:
    """Several people sign in one after another while the block runs; none stops because of an error."""
    acknowledged, over = Acknowledged(), threading.Event()

    def visit() -> None:
        while not over.is_set():
            try:
                _sign_in(client, acknowledged)
            except requests.RequestException:
                over.wait(_PAUSE)

    people = [threading.Thread(target=visit) for _ in range(VISITORS)]
    for one in people:
        one.start()
    try:
        yield acknowledged
    finally:
        over.set()
        for one in people:
            one.join()


def _sign_in(client: Client, acknowledged: Acknowledged) -> None:
    visitor = Visitor(client.running)
    back = visitor.walk(client.authorize(visitor.browser, prompt="consent"))
    if not back.headers.get("Location", "").startswith(f"{CALLBACK}?code="):
        acknowledged.refused[back.status_code] += 1
        return
    code = client.running.callback(back).code
    acknowledged.codes.append(code)
    acknowledged.tried.add(code)
    answer = client.redeem(code)
    if answer.status_code == 200:
        acknowledged.tokens[code] = answer.json()["access_token"]
    else:
        acknowledged.refused[answer.status_code] += 1


def missing(stores: Stores, acknowledged: Acknowledged) -> list[str]:
    """What was acknowledged and is not there; what was done twice, or half; where the logs do not hold."""
    with stores.db.read() as tx:
        spent = {
            row.digest: row.consumed_at is not None
            for row in tx.execute(_CODES)
            if _recent(row, acknowledged)
        }
        issued = {row.digest: row.code_digest for row in tx.execute(select(*_TOKEN))}
        decided = tx.execute(select(receipts.c.receipt_id)).all()
        found = [] if stores.audit.verify(tx).first_bad_row is None else ["the audit log is broken"]
        if stores.db.is_sqlite and tx.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            found.append("the database is damaged")
    results = Counter(issued.values())
    found += ["a code is gone" for code in acknowledged.codes if digest_of(code) not in spent]
    found += [
        "a token is gone"
        for code, token in acknowledged.tokens.items()
        if issued.get(digest_of(token)) != digest_of(code)
    ]
    found += ["a code was used twice" for digest in spent if results[digest] > 1]
    found += [
        "a code is used up without its token" for digest, used in spent.items() if used > results[digest]
    ]
    found += [
        "a token has a code that still works" for digest, used in spent.items() if results[digest] > used
    ]
    if len(decided) < len(acknowledged.codes):
        found.append("a decision is gone")
    return found


_CODES = select(single_use.c.digest, single_use.c.consumed_at, single_use.c.expires_at).where(
    single_use.c.kind == Kind.CODE
)
_TOKEN = (access_tokens.c.digest, access_tokens.c.code_digest)


def _recent(row: object, acknowledged: Acknowledged) -> bool:
    """Tokens of long ago were forgotten since."""
    return row.expires_at > acknowledged.since  # type: ignore[attr-defined]
