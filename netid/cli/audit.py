"""`netid audit`: whether the audit chain holds, and its end to be kept elsewhere."""

import os
from argparse import Namespace

from netid.errors import InvalidField
from netid.settings import read_settings
from netid.storage.audit import Audit, AuditHead
from netid.storage.database import Database


def run(chosen: Namespace) -> int:
    """`verify` names the first bad row, with status 1; `head` prints the chain's end."""
    db = Database(read_settings(os.environ).database_url, "main", create=False)
    try:
        return _print_head(db) if chosen.action == "head" else _verify(db, _head(chosen.head))
    finally:
        db.close()


def _print_head(db: Database) -> int:
    with db.read() as tx:
        head = Audit().head(tx)
    if head is None:
        print("nothing is sealed yet")
        return 1
    print(f"{head.seal}:{head.hash}")
    return 0


def _verify(db: Database, head: AuditHead | None) -> int:
    with db.read() as tx:
        state = Audit().verify(tx, head)
        missing = head is not None and not Audit().contains(tx, head)
    if missing:
        print("the end that was kept elsewhere is not in this chain: it was cut off or rolled back")
    if state.first_bad_row is not None:
        print(f"row {state.first_bad_row} was changed, removed or slipped in")
        return 1
    print(f"sealed to row {state.sealed_to}; {state.unsealed} not sealed yet; nothing was changed")
    return 0


def _head(kept: str | None) -> AuditHead | None:
    if kept is None:
        return None
    seal, _colon, sha256 = kept.partition(":")
    if not (seal.isascii() and seal.isdecimal() and len(sha256) == 64):
        raise InvalidField("head", "must be NUMBER:HASH", "give it as `netid audit head` printed it")
    return AuditHead(int(seal), sha256)
