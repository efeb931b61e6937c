"""`netid backup`: copies of the main database. The keys database is not part of them (docs/operating.md)."""

import os
from argparse import Namespace

from netid.settings import read_settings
from netid.storage import backup
from netid.storage.database import Database
from netid.storage.epoch import Epoch


def run(chosen: Namespace) -> None:
    """Makes a copy, puts one back, or says that one was put back. Raises BackupRefused."""
    settings = read_settings(os.environ)
    if chosen.action == "make":
        backup.make(settings.database_url, chosen.file)
        print(f"{chosen.file}: made; it opens nothing without the keys database and the key files")
        return
    if chosen.action == "restore":
        backup.restore(settings.database_url, chosen.file)
    else:
        main = Database(settings.database_url, "main", create=False)
        Epoch(main, Database(settings.key_database_url, "keys", create=False)).mark_restored()
    print("the next start makes its codes, tokens and sessions void, and finishes every cancellation")
