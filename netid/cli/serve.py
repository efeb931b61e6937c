"""`netid serve`: a provider with the settings of the environment, served by granian."""

import os
from argparse import Namespace

from netid.settings import PREFIX, Settings, read_settings

THREADS = 8
"""Requests one worker handles at once; most of their time is spent waiting for the disk."""


def run(chosen: Namespace) -> None:
    """Checks settings, keys, personas and registrations first, so that a mistake stops the start."""
    if chosen.settings:
        list_settings()
        return
    settings = read_settings(os.environ)
    check(settings)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    target = "netid.app:from_environment"
    Granian(
        target,
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


def check(settings: Settings) -> None:
    """Builds the provider once: migrations, keys, personas and registrations. Raises what is wrong."""
    from netid.ambient import Ambient
    from netid.app import build
    from netid.storage.key_files import load_keys

    build(settings, load_keys(settings.keys), Ambient.real()).close()


def list_settings() -> None:
    """Every setting with its default and what it means."""
    for name, field in Settings.model_fields.items():
        print(f"{PREFIX}{name.upper()}={'' if field.default is None else field.default}")
        print(f"    {field.description}")
