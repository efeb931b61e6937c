"""`netid keys init`: the only place where keys are made."""

from argparse import Namespace
from pathlib import Path

from netid.ambient import Ambient
from netid.storage.key_files import KEYRING_FILE, init_client_key, init_keys


def run(chosen: Namespace) -> None:
    """Makes what is missing and says so; what exists stays as it is."""
    ambient = Ambient.real()
    directory: Path = chosen.directory
    if _missing(directory / KEYRING_FILE):
        init_keys(directory, ambient)
    for name in chosen.client:
        path = directory / f"{name}.json"
        if _missing(path):
            init_client_key(path, ambient)


def _missing(path: Path) -> bool:
    there = path.exists()
    print(f"{path}: {'is there, left as it is' if there else 'made'}")
    return not there
