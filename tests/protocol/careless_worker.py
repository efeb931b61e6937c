"""`netid serve` whose codes are looked up first and marked as used afterwards: the control of F4.

Between the two it waits until the other worker has looked as well, so that the race is always lost.
"""

import multiprocessing
import os
import socket
import sys
from datetime import datetime

from sqlalchemy import bindparam, update

from netid.cli import main
from netid.storage.single_use import Kind, SingleUse
from netid.storage.tables import single_use
from netid.storage.transaction import Transaction

MEETING_PLACE = "CARELESS_MEETING_PLACE"
"""The variable with the port at which both workers wait for each other."""

_MARK = (
    update(single_use)
    .where(single_use.c.digest == bindparam("b_digest"))
    .values(consumed_at=bindparam("b_now"))
)


def careless(self: SingleUse, tx: Transaction, kind: Kind, digest: bytes, now: datetime) -> str | None:
    """`SingleUse.consume` in two steps."""
    payload = self.peek(tx, kind, digest, now)
    if kind is Kind.CODE and payload is not None:
        with socket.create_connection(("127.0.0.1", int(os.environ[MEETING_PLACE]))) as meeting:
            meeting.recv(1)
    tx.execute(_MARK, {"b_digest": digest, "b_now": now})
    return payload


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")  # so that the workers have what is changed here
    SingleUse.consume = careless  # type: ignore[method-assign]
    sys.exit(main(["serve"]))
