"""`netid serve`: a provider with the settings of the environment, served by granian."""

import os
import subprocess
import sys
from argparse import Namespace

from netid.settings import PREFIX, Settings, read_settings

THREADS = 2
"""Requests one worker handles at once: one waits for the disk while the other computes. More take the
interpreter's lock from each other: a sign-in then costs a third more (`make bench`). Add workers."""


def run(chosen: Namespace) -> int:
    """Serves until it is ended; a mistake in settings, keys, personas or registrations stops the start."""
    if chosen.settings:
        list_settings()
        return 0
    settings = read_settings(os.environ)
    if chosen.check:
        check(settings)
        return 0
    # In a process of its own, so that the one which watches over the workers stays small.
    checked = subprocess.run([sys.executable, "-m", "netid.cli", "serve", "--check"], check=False)
    if checked.returncode:
        return checked.returncode
    serve(settings)
    return 0


def check(settings: Settings) -> None:
    """Builds the provider once: migrations, keys, personas and registrations. Raises what is wrong."""
    from netid.ambient import Ambient
    from netid.app import build
    from netid.storage.key_files import load_keys

    build(settings, load_keys(settings.keys), Ambient.real()).close()


def serve(settings: Settings) -> None:
    """Serves with granian, which starts the workers and replaces one that dies."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "netid.app:from_environment",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=THREADS,
        backpressure=256,
        log_access=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
    ).serve()


def list_settings() -> None:
    """Every setting with its default and what it means."""
    for name, field in Settings.model_fields.items():
        print(f"{PREFIX}{name.upper()}={'' if field.default is None else field.default}")
        print(f"    {field.description}")
