"""`netid relying-party`: registering from a YAML file."""

import os
from argparse import Namespace

from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.errors import NotFound
from netid.services.registration import Registration, load_registrations
from netid.settings import read_settings
from netid.storage.database import Database, without_password
from netid.storage.key_files import load_keys
from netid.storage.stores import Stores
from netid.storage.subjects import Subjects
from netid.storage.text_files import text_of


def run(chosen: Namespace) -> None:
    """Adds, lists or removes in the database that the settings name."""
    settings = read_settings(os.environ)
    db = Database(settings.database_url, "main")
    db.migrate()
    keyring = load_keys(settings.keys)
    registration = Registration(Stores(db, Subjects(keyring.pairwise.reveal())), ambient=Ambient.real())
    if chosen.action == "add":
        for relying_party in load_registrations(
            text_of(chosen.file),
            str(chosen.file),
            read_public_keys=lambda name: public_keys_of(settings.keys / name),
            platform_url=settings.platform_url,
        ):
            registration.put(relying_party)
            print(f"{relying_party.client_id}: registered in {without_password(settings.database_url)}")
    elif chosen.action == "remove":
        if not registration.remove(chosen.client_id):
            raise NotFound(f"{chosen.client_id}: is not registered")
        print(f"{chosen.client_id}: removed")
    else:
        for relying_party in registration.list():
            purposes = ", ".join(purpose.id for purpose in relying_party.purposes) or "check result only"
            print(f"{relying_party.client_id}\t{relying_party.name.en}\t{purposes}")
