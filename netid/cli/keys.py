"""`netid keys`: the only place where keys are made, and where people exchange them."""

import os
from argparse import Namespace
from datetime import datetime
from pathlib import Path

from netid.ambient import Ambient
from netid.credentials.keyring import Keyring
from netid.settings import read_settings
from netid.storage.key_files import (
    KEYRING_FILE,
    complete_keys,
    init_client_key,
    init_keys,
    load_keys,
    retire_key,
    rotate_keys,
)


def run(chosen: Namespace) -> None:
    """Makes, lists or exchanges keys. A provider that runs sees a change by itself."""
    ambient = Ambient.real()
    directory = chosen.directory or read_settings(os.environ).keys
    if chosen.action == "init":
        _init(directory, chosen.client, ambient)
    elif chosen.action == "list":
        _print(load_keys(directory), ambient.now())
    elif chosen.action == "rotate":
        _print(rotate_keys(directory, ambient), ambient.now())
    else:
        _print(retire_key(directory, chosen.kid, ambient), ambient.now())


def _init(directory: Path, clients: list[str], ambient: Ambient) -> None:
    """Makes what is missing and says so; what exists stays as it is."""
    keyring = directory / KEYRING_FILE
    if not keyring.exists():
        init_keys(directory, ambient)
        print(f"{keyring}: made")
    elif complete_keys(directory, ambient):
        print(f"{keyring}: is of an earlier version; what is new was added, the rest left as it is")
    else:
        print(f"{keyring}: is there, left as it is")
    for name in clients:
        # One proves who it is, the other is what its tokens are bound to (RFC 9449).
        for path in (directory / f"{name}.json", directory / f"{name}-dpop.json"):
            there = path.exists()
            print(f"{path}: {'is there, left as it is' if there else 'made'}")
            if not there:
                init_client_key(path, ambient)


def _print(keyring: Keyring, now: datetime) -> None:
    """A line for each signing key; of the secrets there is nothing to see."""
    print(f"{'signs':<13}{'alg':<7}{'phase':<9}{'signs from (UTC)':<22}kid")
    for entry, phase in keyring.phases(now):
        begins = f"{entry.signs_from:%Y-%m-%d %H:%M:%S}" if entry.signs_from else "the next rotation"
        print(f"{entry.use:<13}{entry.public.algorithm:<7}{phase:<9}{begins:<22}{entry.public.kid}")
