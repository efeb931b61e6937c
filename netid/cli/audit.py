"""`netid audit verify`: whether the audit chain holds."""

import os
from argparse import Namespace

from netid.settings import read_settings
from netid.storage.audit import Audit
from netid.storage.database import Database


def run(_chosen: Namespace) -> int:
    """Names the first bad row, with status 1; status 0 while the chain holds."""
    db = Database(read_settings(os.environ).database_url, "main")
    with db.read() as tx:
        state = Audit().verify(tx)
    if state.first_bad_row is not None:
        print(f"row {state.first_bad_row} was changed, removed or slipped in")
        return 1
    print(f"sealed to row {state.sealed_to}; {state.unsealed} not sealed yet; nothing was changed")
    return 0
