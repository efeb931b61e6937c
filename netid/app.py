"""The composition root: every part of a provider is built and named here, once."""

import gc
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask

from netid.ambient import Ambient
from netid.control.doubles import Doubles
from netid.control.faulty_line import serve_line
from netid.control.management import management_app, serve_management
from netid.control.realms import Realms
from netid.control.target import Target
from netid.credentials import base64url
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.keyring import Keyring
from netid.disclosure import Disclosure
from netid.errors import KeyFileError
from netid.identity.calendar import legal_day
from netid.identity.enrolment_notice import ENROLMENT_NOTICES
from netid.identity.own_wallet import own_wallet
from netid.identity.persons import Persona, load_personas, shipped_personas
from netid.identity.relying_party import RelyingParty
from netid.oauth.signing import Signer
from netid.services.applying import Applying
from netid.services.approval import Approvals, Outcomes
from netid.services.cancellation import Cancellation
from netid.services.complaining import Complaining
from netid.services.copying import Copying
from netid.services.correcting import Correcting
from netid.services.decisions import Decisions
from netid.services.delivery import Delivery
from netid.services.enrolment import Enrolment
from netid.services.exceptions import Exceptions
from netid.services.fresh_sign_in import FreshSignIn
from netid.services.grants import Grants
from netid.services.guardianship import Guardianship
from netid.services.housekeeping import Housekeeping
from netid.services.incidents import Incidents
from netid.services.issuing import Issuing
from netid.services.messages import Messages
from netid.services.notices import Notices
from netid.services.offers import Offers
from netid.services.outgoing import Outgoing
from netid.services.own_pages import own_pages
from netid.services.passcode_check import PasscodeCheck
from netid.services.permitting import Permitting
from netid.services.pushed_requests import PushedRequests
from netid.services.receipts import Receipts
from netid.services.records import Records
from netid.services.refusals import Refusals
from netid.services.registration import Registration, load_registrations
from netid.services.revocation import Revocation
from netid.services.rights import Rights
from netid.services.rotation import Rotation
from netid.services.services import Services
from netid.services.sign_in import SignIn
from netid.services.signing_out import SignOut
from netid.services.statuses import Statuses
from netid.services.suspensions import Suspensions
from netid.settings import Settings, SettingsError, read_settings
from netid.storage.applications import Applications
from netid.storage.audit import Sealer
from netid.storage.database import Database
from netid.storage.epoch import Epoch
from netid.storage.instance import Instance
from netid.storage.key_files import WatchedKeys, load_client_key
from netid.storage.persons import Persons, index_digest
from netid.storage.relying_parties import RelyingParties
from netid.storage.stores import Stores
from netid.storage.subjects import Subjects
from netid.storage.tables import keys_instance
from netid.storage.text_files import text_of
from netid.storage.vault import Vault
from netid.web import mounted, web_app

log = logging.getLogger("netid")


@dataclass(frozen=True)
class Provider:
    """One provider, ready to serve."""

    settings: Settings
    stores: Stores
    vault: Vault
    keys_db: Database
    services: Services
    sealer: Sealer
    housekeeping: Housekeeping
    delivery: Delivery
    app: Flask
    wsgi: WSGIApplication
    """The WSGI application, under the issuer's path, with its realms below."""
    people: tuple[Persona, ...]
    """The personas."""
    realms: Realms | None
    """In test mode with a management token."""
    management: Flask | None
    """The management API, where there are realms."""

    def close(self) -> None:
        """Drops the realms, stops the threads and gives the databases back."""
        if self.realms is not None:
            self.realms.close()
        self.delivery.stop()
        self.housekeeping.stop()
        self.sealer.stop()
        self.stores.db.close()
        self.keys_db.close()


def build(
    settings: Settings,
    keyring: Keyring,
    ambient: Ambient,
    doubles: Doubles | None = None,
    *,
    latest: Callable[[], Keyring] | None = None,
) -> Provider:
    """A provider of these settings: migrated, with its personas and registrations in place.

    `doubles` are what a realm swaps in; `latest` gives the keyring as rotations leave it. Raises
    SettingsError, KeyFileError, PersonaError or RegistrationRefused: one line each.
    """
    doubles = doubles or Doubles()
    db, keys_db = Database(settings.database_url, "main"), Database(settings.key_database_url, "keys")
    epoch = Epoch(db, keys_db)
    stores = _stores(settings, db, keyring, plays_personas=settings.mode != "serve")
    vault = Vault(keyring.wrapping.reveal(), keys_db, ambient.random)
    keys = CurrentKeys(latest or (lambda: keyring), ambient.now)
    services = _services(settings, stores, vault, keys_db, keyring, keys, ambient, doubles.outcomes)
    if doubles.enrolled is None:
        _prepare(settings, db, keys_db, vault, keyring, epoch, services.cancellation, ambient)
        services.statuses.begin()
        personas = _personas(settings, ambient)
        services.enrolment.seed(personas)
    else:
        personas = tuple(doubles.enrolled)
    for relying_party in _registrations(settings):
        services.registration.put(relying_party)
    app = web_app(settings, services, stores, personas, keyring, keys, ambient, doubles.signer(Signer(keys)))
    wsgi = mounted(doubles.middleware(app), settings.path)
    realms, management = None, None
    if services.approvals is not None and settings.management_token is not None:
        realms = Realms(settings, keyring=keyring, ambient=ambient, build=build)
        wsgi = realms.over(wsgi)
        management = management_app(
            settings.management_token,
            own=Target(services.registration, doubles.outcomes, personas),
            realms=realms,
        )
    sealer = Sealer(db, ambient)
    housekeeping = Housekeeping(
        stores,
        statuses=services.statuses,
        applying=services.applying,
        cancellation=services.cancellation,
        suspensions=services.suspensions,
        epoch=epoch,
        ambient=ambient,
    )
    delivery = Delivery(stores, send=Outgoing(settings.issuer).send, ambient=ambient)
    sealer.start()
    housekeeping.start()
    delivery.start()
    return Provider(
        settings=settings,
        stores=stores,
        vault=vault,
        keys_db=keys_db,
        services=services,
        sealer=sealer,
        housekeeping=housekeeping,
        delivery=delivery,
        app=app,
        wsgi=wsgi,
        people=personas,
        realms=realms,
        management=management,
    )


def _prepare(
    settings: Settings,
    db: Database,
    keys_db: Database,
    vault: Vault,
    keyring: Keyring,
    epoch: Epoch,
    cancellation: Cancellation,
    ambient: Ambient,
) -> None:
    """Databases of this version's form that belong together and to these keys, with nothing half done."""
    for database in (db, keys_db):
        database.migrate()
    _check_keys(db, keyring)
    for database, facts in ((db, Instance()), (keys_db, Instance(keys_instance))):
        _check_region(database, facts, settings.region)
    if epoch.settle(ambient.now()):
        log.warning("the main database is an older copy: its codes, tokens and sessions are void")
    with db.write() as tx:
        cancellation.take_up(tx, vault.sweep(tx))
    cancellation.see_through()


def _check_keys(db: Database, keyring: Keyring) -> None:
    """A database belongs to the keys it was made with; others would quietly read nothing in it."""
    mark = base64url.encode(index_digest(keyring.index.reveal(), "keyring", "which keys"))
    with db.write() as tx:
        if Instance().settle(tx, "keyring", mark) != mark:
            raise KeyFileError(
                "keys: are not the ones this database was made with; restore those, or begin anew "
                "by removing both databases (a demo's are in var/demo)"
            )


def _check_region(database: Database, facts: Instance, region: str) -> None:
    """Personal information stays in the region it was stored in (PIPL 40)."""
    with database.write() as tx:
        stored = facts.settle(tx, "region", region)
    if stored != region:
        raise SettingsError(f"NETID_PROVIDER_REGION: the {database.name} database lies in {stored}")


@dataclass(frozen=True)
class Office:
    """What an operator's command works with: the services of a provider, without pages and threads."""

    services: Services
    stores: Stores
    keys_db: Database
    region: str

    def close(self) -> None:
        """Gives the databases back."""
        self.stores.db.close()
        self.keys_db.close()


def open_office(settings: Settings, keyring: Keyring, ambient: Ambient) -> Office:
    """An office on the databases of a provider, which may be running. Raises KeyFileError."""
    db, keys_db = Database(settings.database_url, "main"), Database(settings.key_database_url, "keys")
    for database in (db, keys_db):
        database.migrate()
    _check_keys(db, keyring)
    stores = _stores(settings, db, keyring, plays_personas=True)
    vault = Vault(keyring.wrapping.reveal(), keys_db, ambient.random)
    keys = CurrentKeys(lambda: keyring, ambient.now)
    services = _services(settings, stores, vault, keys_db, keyring, keys, ambient, Outcomes())
    return Office(services, stores, keys_db, settings.region)


def _stores(settings: Settings, db: Database, keyring: Keyring, *, plays_personas: bool) -> Stores:
    wallet = own_wallet(settings.issuer, settings.wallet_url)
    return Stores(
        db,
        Subjects(keyring.pairwise.reveal()),
        persons=Persons(plays_personas=plays_personas),
        relying_parties=RelyingParties(wallet),
    )


def _services(
    settings: Settings,
    stores: Stores,
    vault: Vault,
    keys_db: Database,
    keyring: Keyring,
    keys: CurrentKeys,
    ambient: Ambient,
    outcomes: Outcomes,
) -> Services:
    disclosure = Disclosure(vault)
    passcodes = PasscodeCheck(stores, keyring=keyring, ambient=ambient)
    enrolment = Enrolment(stores, vault=vault, disclosure=disclosure, keyring=keyring, ambient=ambient)
    own = own_pages(settings.issuer)
    wallet = own_wallet(settings.issuer, settings.wallet_url)
    messages = Messages(stores, keys=keys, issuer=settings.issuer, ambient=ambient)
    sign_in = SignIn(
        stores, own_pages=own, passcodes=passcodes, messages=messages, keyring=keyring, ambient=ambient
    )
    grants = Grants(stores, disclosure=disclosure, ambient=ambient)
    receipts = Receipts(stores, keys=keys, issuer=settings.issuer, ambient=ambient)
    pushed_requests = PushedRequests(stores, ambient=ambient)
    fresh = FreshSignIn(stores, ambient=ambient)
    sign_out = SignOut(stores, messages=messages, ambient=ambient)
    decisions = Decisions(
        stores,
        sign_in=sign_in,
        grants=grants,
        pushed_requests=pushed_requests,
        receipts=receipts,
        disclosure=disclosure,
        ambient=ambient,
    )
    guardianship = Guardianship(stores, disclosure=disclosure)
    rights = Rights(stores, receipts=receipts, messages=messages, guardianship=guardianship, ambient=ambient)
    complaining = Complaining(stores, rights=rights, disclosure=disclosure, ambient=ambient)
    statuses = Statuses(stores, issuer=settings.issuer, keys=keys, ambient=ambient)
    revocation = Revocation(stores, statuses=statuses, fresh=fresh, ambient=ambient)
    suspensions = Suspensions(stores, revocation=revocation, disclosure=disclosure, ambient=ambient)
    notices = Notices(stores, ambient=ambient)
    return Services(
        registration=Registration(stores, ambient=ambient),
        pushed_requests=pushed_requests,
        sign_in=sign_in,
        sign_out=sign_out,
        fresh=fresh,
        refusals=Refusals(stores, ambient=ambient),
        decisions=decisions,
        grants=grants,
        offers=Offers(
            stores,
            wallet=wallet,
            issuer=settings.issuer,
            fresh=fresh,
            grants=grants,
            receipts=receipts,
            disclosure=disclosure,
            keyring=keyring,
            ambient=ambient,
        ),
        issuing=Issuing(
            stores,
            wallet=wallet,
            issuer=settings.issuer,
            grants=grants,
            statuses=statuses,
            disclosure=disclosure,
            keys=keys,
            ambient=ambient,
        ),
        statuses=statuses,
        revocation=revocation,
        permissions=Permitting(
            stores,
            issuer=settings.issuer,
            guardianship=guardianship,
            fresh=fresh,
            disclosure=disclosure,
            keys=keys,
            ambient=ambient,
        ),
        enrolment=enrolment,
        applying=Applying(
            stores,
            enrolment=enrolment,
            applications=Applications(keyring.wrapping.reveal(), ambient.random),
            passcodes=passcodes,
            disclosure=disclosure,
            notices=ENROLMENT_NOTICES,
            ambient=ambient,
        ),
        rights=rights,
        records=Records(stores, disclosure=disclosure, ambient=ambient),
        complaining=complaining,
        copying=Copying(
            stores,
            disclosure=disclosure,
            fresh=fresh,
            complaining=complaining,
            suspensions=suspensions,
            notices=notices,
            issuer=settings.issuer,
            ambient=ambient,
        ),
        correcting=Correcting(
            stores, enrolment=enrolment, disclosure=disclosure, fresh=fresh, ambient=ambient
        ),
        cancellation=Cancellation(
            stores,
            keys_db=keys_db,
            destroy=vault.destroy,
            fresh=fresh,
            statuses=statuses,
            signing_out=sign_out,
            messages=messages,
            ambient=ambient,
        ),
        suspensions=suspensions,
        exceptions=Exceptions(stores, disclosure=disclosure, ambient=ambient),
        notices=notices,
        incidents=Incidents(stores, region=settings.region, ambient=ambient),
        approvals=Approvals(sign_in, decisions, outcomes) if settings.mode == "test" else None,
    )


def _personas(settings: Settings, ambient: Ambient) -> tuple[Persona, ...]:
    if settings.mode == "serve":
        return ()
    today = legal_day(ambient.now())
    if settings.personas is None:
        return shipped_personas(today)
    return load_personas(text_of(settings.personas), str(settings.personas), today)


def _registrations(settings: Settings) -> list[RelyingParty]:
    if settings.relying_parties is None:
        return []
    return load_registrations(
        text_of(settings.relying_parties),
        str(settings.relying_parties),
        read_public_keys=lambda name: public_keys_of(settings.keys / name),
        platform_url=settings.platform_url,
    )


def public_keys_of(path: Path) -> Mapping[str, Any]:
    """The public JWKS of a relying party's private key file."""
    return {"keys": [load_client_key(path).public.jwk()]}


def from_environment() -> Any:
    """The WSGI application of a worker process, from NETID_PROVIDER_* variables."""
    settings = read_settings(os.environ)
    keys = WatchedKeys(settings.keys)
    provider = build(settings, keys(), Ambient.real(), latest=keys)
    if settings.key_rotation_days is not None:
        period = timedelta(days=settings.key_rotation_days)
        Rotation(settings.keys, period=period, ambient=Ambient.real()).start()
    if provider.management is not None and settings.management_port is not None:
        serve_management(provider.management, settings.management_port)
    if provider.realms is not None and settings.line_port is not None:
        provider.realms.has_line = True
        serve_line(settings.line_port, (settings.host, settings.port), provider.realms.faults_for)
    # What is here now stays: the collector need not look through it again at every round.
    gc.collect()
    gc.freeze()
    return provider.wsgi
