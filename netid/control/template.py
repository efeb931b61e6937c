"""What every realm begins as: migrated databases with the personas enrolled, made once a day."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from netid.identity.persons import Persona
from netid.settings import Settings

_MAIN, _KEYS = "netid.db", "keys.db"


@dataclass(frozen=True)
class Template:
    """A directory with the two databases, and who is in them."""

    directory: Path
    people: Sequence[Persona]
    made_on: date
    """The legal day on which the personas' ages are right."""

    def copy_to(self, directory: Path) -> None:
        """Fills a directory that does not exist yet, for its owner alone."""
        directory.mkdir(mode=0o700)
        for name in (_MAIN, _KEYS):
            shutil.copy(self.directory / name, directory / name)


def settings_in(directory: Path, settings: Settings, issuer: str) -> Settings:
    """The settings of an instance in that directory, with neither a management port nor realms of its own."""
    changes = {
        "issuer": issuer,
        "database_url": f"sqlite:///{directory / _MAIN}",
        "key_database_url": f"sqlite:///{directory / _KEYS}",
        "management_port": None,
        "management_token": None,
    }
    return settings.model_copy(update=changes)
