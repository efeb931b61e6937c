"""Several processes that do the same thing to one database at once.

Each says "ready" when it has the database open, waits for a character, does its deed and says what
came of it. They are forks of one process, which has loaded everything once, and touched no database.
"""

import json
import os
import sys
from datetime import datetime

from netid.identity.consent import Action, NoticeReference, Receipt, StoredReceipt
from netid.storage.audit import Audit
from netid.storage.consents import Consents
from netid.storage.database import Database
from netid.storage.messages import OutgoingMessages
from netid.storage.single_use import Kind, SingleUse
from netid.storage.throttle import Throttle


def consume(db: Database, now: datetime) -> object:
    """Take one code."""
    with db.write() as tx:
        return SingleUse().consume(tx, Kind.CODE, b"the code", now)


def put_once(db: Database, now: datetime) -> object:
    """Show one `jti`."""
    with db.write() as tx:
        return SingleUse().put_once(tx, Kind.ASSERTION_JTI, b"a jti", now)


def append(db: Database, now: datetime, person_id: str, count: str) -> object:
    """Add receipts to one person's chain."""
    sequences = []
    for _ in range(int(count)):
        with db.write() as tx:
            stored = Consents().append(tx, person_id, lambda s, p: receipt(f"receipt-{s}", s, p, now))
            sequences.append(stored.receipt.sequence)
    return sequences


def record(db: Database, now: datetime, count: str) -> object:
    """Add audit events, a transaction each."""
    for _ in range(int(count)):
        with db.write() as tx:
            Audit().record(tx, "tested", at=now)
    return int(count)


def attempt(db: Database, now: datetime) -> object:
    """Try a passcode."""
    with db.write() as tx:
        return Throttle().attempt(tx, b"an account", now)


def claim(db: Database, now: datetime) -> object:
    """Take what is due to be sent."""
    with db.write() as tx:
        return [message.message_id for message in OutgoingMessages().claim(tx, now)]


def receipt(receipt_id: str, sequence: int, previous: str, now: datetime) -> StoredReceipt:
    """A receipt for that place of the chain."""
    made = Receipt(
        receipt_id=receipt_id,
        sequence=sequence,
        previous=previous,
        subject="a-subject",
        client_id="forum",
        purpose=None,
        legal_basis=None,
        offered=(),
        agreed=(),
        notice=NoticeReference(version="1", sha256="0" * 64, language="en"),
        action=Action.AGREED,
        decided_at=now,
        expires_at=None,
    )
    return StoredReceipt(made, "", f"signed.{receipt_id}.{sequence}.{previous}", None)


def rival(deed: str, url: str, moment: str, *rest: str) -> None:
    """Be one of them."""
    database = Database(url, "main", patience_seconds=30)
    with database.read():
        os.write(1, b"ready\n")
        os.read(0, 1)
    answer = globals()[deed](database, datetime.fromisoformat(moment), *rest)
    os.write(1, json.dumps(answer).encode() + b"\n")
    database.close()


def main(count: int, *deed: str) -> int:
    """Start them all, and wait; how many failed."""
    for _ in range(count):
        if os.fork() == 0:
            rival(*deed)
            os._exit(0)
    return sum(os.wait()[1] != 0 for _ in range(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
