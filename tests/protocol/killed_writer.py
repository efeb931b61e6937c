"""Kills a provider before its first write to the disk, its second, … until an act gets through.

SQLite's own table of system calls (`sqlite3_vfs.xSetSystemCall`, there for tests) is where the writes are
counted. A process that is killed between two writes leaves what it had written, as a crash does.
"""

import _sqlite3
import ctypes
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import select

from netid.ambient import Ambient
from netid.app import Office, open_office
from netid.errors import InvalidGrant
from netid.identity.levels import AssuranceLevel
from netid.services.grants import stored_grant
from netid.services.interaction import AuthorizationRequest, Prompt, digest_of
from netid.services.registration import checked_registration
from netid.services.sign_in import Browser
from netid.storage.key_files import load_keys
from netid.storage.persons import PersonStatus
from netid.storage.single_use import Kind
from netid.storage.tables import persons
from tests.protocol.traffic import Acknowledged, missing
from tests.running import CALLBACK, entry_of, settings_for

_NOW = datetime.now(UTC)
AMBIENT = Ambient(now=lambda: _NOW, random=os.urandom)
"""A clock that stands: however long it takes, the code does not expire."""
CLIENT_ID, PERSONA = "a-shop", "an-adult"
CODE = "code.txt"
"""The file with a code that has not been redeemed."""
_SECRET = "s" * 43


# What is done; each can be done again


def sign_in(office: Office, _directory: Path) -> str:
    """From the request to a code: three transactions."""
    request = AuthorizationRequest(
        client_id=CLIENT_ID,
        redirect_uri=CALLBACK,
        scope=("openid", "netid.verify"),
        level=AssuranceLevel.CREDENTIAL,
        prompt=frozenset({Prompt.CONSENT}),
    )
    services = office.services
    begun = services.sign_in.begin(request, Browser(_SECRET, None))
    proved = services.sign_in.simulate_persona(begun, Browser(_SECRET, None), PERSONA)
    there = Browser(_SECRET, proved.new_session)
    return services.decisions.agree(proved.interaction, there, frozenset(), "en")


def redeem(office: Office, directory: Path) -> None:
    """A code for a token."""
    with office.stores.db.read() as tx:
        shop = office.stores.relying_parties.get(tx, CLIENT_ID)
    assert shop is not None
    with suppress(InvalidGrant):  # redeemed before it died; the answer was lost
        office.services.grants.redeem(shop, (directory / CODE).read_text())


def redeem_carelessly(office: Office, directory: Path) -> None:
    """The control: the code is used up in one transaction, and its token kept in the next."""
    now, code = AMBIENT.now(), digest_of((directory / CODE).read_text())
    with office.stores.db.write() as tx:
        payload = office.stores.single_use.consume(tx, Kind.CODE, code, now)
    if payload is not None:
        grant = stored_grant(payload)
        with office.stores.db.write() as tx:
            office.stores.tokens.add(
                tx,
                digest=b"of a token",
                code_digest=code,
                client_id=grant.client_id,
                person_id=grant.person_id,
                receipt_id=grant.receipt_id,
                grant=payload,
                expires_at=grant.checked_at,
            )


def withdraw(office: Office, _directory: Path) -> None:
    """Everything that the relying party may have is taken back."""
    office.services.rights.withdraw_from(_person_id(office), CLIENT_ID)


def enrol(office: Office, _directory: Path) -> None:
    """Somebody gets a net number: their data key lies in the other database."""
    office.services.enrolment.enrol_person()


def leave(office: Office, _directory: Path) -> None:
    """Somebody's net number is cancelled, and what was kept of them is deleted."""
    cancellation, person_id = office.services.cancellation, _person_id(office)
    with office.stores.db.write() as tx:
        person = office.stores.persons.get(tx, person_id)
        if person is not None and person.status is not PersonStatus.CANCELLED:
            cancellation._begin(tx, person_id, None, AMBIENT.now(), asked_by="person")
    cancellation.see_through()


Act = Callable[[Office, Path], object]
ACTS: dict[str, Act] = {one.__name__: one for one in (sign_in, redeem, withdraw, enrol, leave)}
CARELESS: dict[str, Act] = {"redeem_carelessly": redeem_carelessly}


def _person_id(office: Office) -> str:
    # Personas are unbound when they leave; the one who was enrolled first is the same person.
    with office.stores.db.read() as tx:
        return str(tx.execute(select(persons.c.person_id).order_by(persons.c.created_at).limit(1)).scalar())


# What has to hold whenever it died


def examine(office: Office) -> list[str]:
    """What is broken in the databases."""
    found = missing(office.stores, Acknowledged(since=_NOW))
    with office.keys_db.read() as keys:
        if keys.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            found.append("the keys database is damaged")
    disclosure = office.services.decisions._disclosure
    with office.stores.db.read() as tx:
        if tx.exec_driver_sql("PRAGMA foreign_key_check").all():
            found.append("a row names another that is not there")
        for person_id, status in tx.execute(select(persons.c.person_id, persons.c.status)):
            if office.stores.consents.first_broken(tx, person_id) is not None:
                found.append("a chain of receipts is broken")
            if status != PersonStatus.CANCELLED:
                disclosure.net_number_for_owner(tx, person_id)  # raises where their key is gone
    return found


# Dying


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3 (https://www.sqlite.org/c3ref/vfs.html)."""


_SetSystemCall = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Vfs), ctypes.c_char_p, ctypes.c_void_p)
_Write = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64)
_Vfs._fields_ = [
    ("iVersion", ctypes.c_int),
    ("szOsFile", ctypes.c_int),
    ("mxPathname", ctypes.c_int),
    *((name, ctypes.c_void_p) for name in ("pNext", "zName", "pAppData")),
    *((f"method{number}", ctypes.c_void_p) for number in range(13)),
    ("xSetSystemCall", _SetSystemCall),
]
_kept: list[object] = []


def die_before_write(number: int) -> None:
    """From here on this process ends before its write of that number."""
    sqlite = ctypes.CDLL(_sqlite3.__file__)  # whichever library Python's own module has loaded
    sqlite.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.pwrite64.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64]
    libc.pwrite64.restype = ctypes.c_ssize_t
    writes = count(1)

    def write(file: int, data: int, size: int, at: int) -> int:
        if next(writes) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return int(libc.pwrite64(file, data, size, at))

    counted = _Write(write)
    _kept.append(counted)
    vfs = sqlite.sqlite3_vfs_find(None)
    for name in (b"pwrite64", b"pwrite"):
        set_call = vfs.contents.xSetSystemCall(vfs, name, ctypes.cast(counted, ctypes.c_void_p))
        assert set_call == 0, "this SQLite cannot be watched"


def in_a_child(deed: Callable[[], None]) -> int:
    """The wait status of a fork of this process that did it."""
    child = os.fork()
    if child == 0:
        failed = True
        try:
            deed()
            failed = False
        finally:
            if failed:
                traceback.print_exc()
            os._exit(failed)
    return os.waitpid(child, 0)[1]


class Writer:
    """One provider's databases, as often as they are needed anew."""

    def __init__(self, template: Path, keys: Path, directory: Path) -> None:
        self._keyring = load_keys(keys)
        self._base, self._place = directory / "base", directory / "place"
        shutil.copytree(template, self._base)
        with self.office(self._base) as office:
            entry = {**entry_of(CLIENT_ID), "backchannel_logout_uri": "http://127.0.0.1:9/logout"}
            office.services.registration.put(checked_registration(entry))
            (self._base / CODE).write_text(sign_in(office, self._base))

    @contextmanager
    def office(self, directory: Path) -> Iterator[Office]:
        settings = settings_for(directory, "http://127.0.0.1:1")
        with closing(open_office(settings, self._keyring, AMBIENT)) as office:
            yield office

    def dies(self, act: Act, number: int) -> bool:
        """Whether it died of that write, on databases of its own."""
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._base, self._place)

        def deed() -> None:
            with self.office(self._place) as office:
                die_before_write(number)
                act(office, self._place)
                os._exit(0)

        status = in_a_child(deed)
        if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
            sys.exit(f"before write {number} the act itself failed")
        return os.WIFSIGNALED(status)

    def comes_back(self, act: Act) -> bool:
        """Whether everything holds, before the act is done once more and after it."""

        def deed() -> None:
            for repeat in (False, True):
                with self.office(self._place) as office:
                    if repeat:
                        act(office, self._place)
                    if found := examine(office):
                        raise AssertionError(f"{'again' if repeat else 'at once'}: {found}")

        return in_a_child(deed) == 0


def main(name: str, template: str, keys: str, directory: str) -> int:
    """How often it was killed."""
    writer, act = Writer(Path(template), Path(keys), Path(directory)), (ACTS | CARELESS)[name]
    for number in count(1):
        died = writer.dies(act, number)
        if not writer.comes_back(act):
            sys.exit(f"broken when it died before write {number}")
        if not died:
            return number - 1
    return 0


if __name__ == "__main__":
    sys.stdout.write(str(main(*sys.argv[1:])))
