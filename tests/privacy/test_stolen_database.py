"""S8 and S9: whoever steals the databases without the key files has nobody's values and no key."""

import hashlib
import hmac
import sqlite3
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netid.credentials import base64url
from netid.credentials.keyring import Keyring
from netid.identity.exceptions import Authority, ExceptionCode, ExceptionRequest
from netid.storage import backup
from tests.privacy.forms import digests_of, salted_digests_of
from tests.privacy.people import PlantedPeople, PlantedPerson
from tests.privacy.searching import Leak, Searcher, views
from tests.protocol.visiting import Visitor
from tests.running import Running

SCOPE = "openid netid.verify netid.purpose.real-name-parcel"
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")
Row = tuple[Any, ...]


@pytest.fixture
def used(provider: Running, people: PlantedPeople) -> Running:
    """A provider after a day's work: sign-ins, consents, refusals, an enrolment left half-way."""
    shop = provider.register()
    for persona in ("planted-elder", "planted-foreigner", "planted-child", "planted-teenager"):
        shop.userinfo(shop.tokens(persona, scope=SCOPE)["access_token"])
        shop.headless(persona, {"decision": "refuse"}, scope=SCOPE)
        shop.headless(persona, {"voluntary": "all"}, scope=SCOPE)
    _sign_in_half_way(provider, people["planted-elder"].net_number)
    _enrol_half_way(provider, people["planted-foreigner"].persona.fields)
    _appeal(provider, people["planted-suspended"])
    for code, authority in ((ExceptionCode.LEGAL_ASSISTANCE, "court"), (ExceptionCode.EMERGENCY, "rescue")):
        request = ExceptionRequest(code=code, authority=Authority(authority), case="2026-A-17")
        provider.provider.services.exceptions.give_out(people["planted-elder"].person_id, request)
    provider.provider.sealer.seal_once()
    backup.make(provider.provider.settings.database_url, provider.directory / "netid.db.copy")
    return provider


def _appeal(provider: Running, person: PlantedPerson) -> None:
    """With everything that could be said of oneself, first in a form that cannot be taken."""
    visitor = Visitor(provider, who=f"persona:{person.persona.id}", passcode=person.persona.passcode)
    visitor.walk(visitor.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    page = visitor.browser.get(provider.url("/records/notices"))
    words = " ".join(value.value for value in person.values if value.field != "person_id")
    assert visitor.send(page, words=words + "\x00").status_code == 400
    assert visitor.send(page, words=words).status_code == 303


def _sign_in_half_way(provider: Running, net_number: str) -> None:
    visitor = Visitor(provider)
    page = visitor.open(provider.register("another-shop").authorize(visitor.browser, scope=SCOPE))
    page = visitor.open(visitor.send(page, net_number=net_number))
    assert visitor.send(page, passcode="00000000").status_code in (200, 400)


def _enrol_half_way(provider: Running, fields: dict[str, str]) -> None:
    """With values of somebody who is enrolled, but as typed, with a number of another kind."""
    visitor = Visitor(provider)
    page = visitor.browser.get(provider.url("/enrol"))
    page = visitor.open(visitor.send(page, decision="agree"))
    page = visitor.open(visitor.send(page, kind="permanent_residence_id"))
    number = fields["document_number"]
    typed = {name: fields[name] for name in ("name", "sex", "birthdate")}
    answer = visitor.send(page, **typed, number=number, expires_on=fields["document_expires_on"])
    assert answer.status_code == 303, answer.text


def stolen(directory: Path, name: str) -> bytes:
    """Every byte of a database: the file, its write-ahead log and index."""
    files = sorted(directory.glob(f"{name}*"))
    assert files
    return b"\n".join(file.read_bytes() for file in files)


def leaks_in(directory: Path, people: PlantedPeople) -> list[Leak]:
    """Values that a thief reads; `person_id` is what the database knows people by."""
    searcher = Searcher([value for value in people.values if value.field != "person_id"], people.today)
    both = stolen(directory, "netid.db") + stolen(directory, "keys.db")
    return searcher.leaks(both, words=False)


def test_s8_a_stolen_database_holds_no_value_and_no_net_number(used: Running, people: PlantedPeople) -> None:
    assert leaks_in(used.directory, people) == []


@pytest.fixture
def bad(tmp_path: Path) -> Callable[..., Path]:
    """Makes small databases whose one row holds what it should not."""

    def make(*row: object) -> Path:
        for name in ("netid.db", "keys.db"):
            with closing(sqlite3.connect(tmp_path / name)) as connection, connection:
                connection.execute("CREATE TABLE kept (who, what, extra)")
                connection.execute("INSERT INTO kept VALUES (?, ?, 'something else')", row)
        return tmp_path

    return make


WAYS_TO_KEEP: dict[str, tuple[str, Callable[[str], object]]] = {
    "as it is": ("name", lambda value: value),
    "in base64": ("net_number", lambda value: b64encode(value.encode()).decode()),
    "in hex": ("phone_number", lambda value: value[3:].encode().hex()),
    "in UTF-16": ("birthdate", lambda value: value.encode("utf-16-le")),
    "hashed": ("passcode", lambda value: hashlib.sha256(value.encode()).hexdigest()),
}


@pytest.mark.parametrize(("field", "keep"), WAYS_TO_KEEP.values(), ids=WAYS_TO_KEEP)
def test_s8_a_value_that_is_stored_is_found(
    people: PlantedPeople, bad: Callable[..., Path], field: str, keep: Callable[[str], object]
) -> None:
    [value] = [planted.value for planted in people["planted-elder"].values if planted.field == field]

    assert field in {leak.field for leak in leaks_in(bad("somebody", keep(value)), people)}


# Hashes of document numbers: their space is small enough to try out


def rows_of(file: Path) -> Iterator[Row]:
    with closing(sqlite3.connect(file)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            yield from connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608


def forms_of_stored(value: object) -> set[bytes]:
    """A stored value as bytes: as it is, and what it says in hex or base64."""
    raw = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
    found = {raw}
    with suppress(ValueError):
        found.add(bytes.fromhex(raw.decode()))
    for decode in (b64decode, urlsafe_b64decode):
        with suppress(ValueError):
            found.add(decode(raw + b"=="))
    return {one for one in found if 8 <= len(one) <= 64}


def guessed(directory: Path, identifiers: list[str]) -> set[str]:
    """How a thief confirms guesses of these: by hashing them, with whatever stands in the same row."""
    plain = {digest: name for value in identifiers for name, digest in digests_of(value).items()}
    found = set()
    for row in (row for name in ("netid.db", "keys.db") for row in rows_of(directory / name)):
        stored = set().union(*(forms_of_stored(value) for value in row))
        salted = (salted_digests_of(value, stored) for value in identifiers)
        tried = plain | {digest: name for digests in salted for name, digest in digests.items()}
        found |= {tried[digest].split(" ")[0] for digest in stored & tried.keys()}
    return found


def identifiers_of(people: PlantedPeople) -> list[str]:
    """What a thief would try out for one of them, with and without the kind of document."""
    known = {"document_number", "net_number", "phone_number"}
    numbers = [value.value for value in people["planted-elder"].values if value.field in known]
    return numbers + [f"resident_id:{number}" for number in numbers]


def test_s8_no_document_number_can_be_confirmed_by_hashing_it(used: Running, people: PlantedPeople) -> None:
    assert guessed(used.directory, identifiers_of(people)) == set()


HASHES: dict[str, tuple[str, Callable[[str, bytes], object]]] = {
    "plain": ("sha256", lambda number, _: hashlib.sha256(number.encode()).digest()),
    "in hex": ("md5", lambda number, _: hashlib.md5(number.encode()).hexdigest()),  # noqa: S324
    "with its kind": ("sm3", lambda number, _: hashlib.new("sm3", f"resident_id:{number}".encode()).digest()),
    "salted": ("sha256", lambda number, who: hashlib.sha256(who + number.encode()).digest()),
    "keyed": ("HMAC", lambda number, who: hmac.digest(who, number.encode(), "sha256")),
}


@pytest.mark.parametrize(("name", "hashed"), HASHES.values(), ids=HASHES)
def test_s8_a_hash_that_can_be_tried_out_is_found(
    people: PlantedPeople, bad: Callable[..., Path], name: str, hashed: Callable[[str, bytes], object]
) -> None:
    elder = people["planted-elder"]
    digest = hashed(elder.persona.document.number, elder.person_id.encode())

    assert guessed(bad(elder.person_id, digest), identifiers_of(people)) == {name}


# Keys


def private_keys(keyring: Keyring) -> dict[str, bytes]:
    """Every secret byte string of a keyring by its name."""
    names = ("wrapping", "index", "pairwise", "passcode", "browser", "access")
    secrets = {name: getattr(keyring, name).reveal() for name in names}
    for at, entry in enumerate(keyring.signing_keys):
        jwk = entry.signing.private_jwk()
        secrets |= {f"signing key {at}: {m}": base64url.decode(jwk[m]) for m in PRIVATE if m in jwk}
    return secrets


def data_keys(provider: Running, keyring: Keyring) -> dict[str, bytes]:
    """Everybody's data key, unwrapped with the key that is in neither database."""
    wrapping = AESGCM(keyring.wrapping.reveal())
    with closing(sqlite3.connect(provider.directory / "keys.db")) as connection:
        rows = connection.execute("SELECT person_id, wrapped FROM data_keys").fetchall()
    return {
        person: wrapping.decrypt(wrapped[:12], wrapped[12:], b"data_keys\0" + person.encode())
        for person, wrapped in rows
    }


def keys_in(data: bytes, keys: dict[str, bytes]) -> set[str]:
    return {name for _, view in views(data) for name, key in keys.items() if key in view}


def test_s9_no_key_is_in_a_database(used: Running, keyring: Keyring) -> None:
    keys = private_keys(keyring) | data_keys(used, keyring)
    assert len(keys) >= 5 + 6 + 6

    for name in ("netid.db", "keys.db"):
        assert keys_in(stolen(used.directory, name), keys) == set()


@pytest.mark.parametrize("written", [bytes, bytes.hex, base64url.encode, lambda key: b64encode(key).decode()])
def test_s9_a_key_that_is_stored_is_found(
    keyring: Keyring, bad: Callable[..., Path], written: Callable[[bytes], object]
) -> None:
    keys = private_keys(keyring)
    directory = bad("somebody", written(keys["pairwise"]))

    assert keys_in(stolen(directory, "netid.db"), keys) == {"pairwise"}


def test_s8_the_keys_apart_open_what_the_database_holds(
    used: Running, people: PlantedPeople, keyring: Keyring
) -> None:
    """The values are really in there: with both databases and the key file they come out."""
    elder = people["planted-elder"]
    key = AESGCM(data_keys(used, keyring)[elder.person_id])
    with closing(sqlite3.connect(used.directory / "netid.db")) as connection:
        rows = connection.execute("SELECT field, sealed FROM vault WHERE person_id = ?", (elder.person_id,))
        opened = {
            field: key.decrypt(
                sealed[:12], sealed[12:], b"\0".join((b"vault", elder.person_id.encode(), field.encode()))
            ).decode()
            for field, sealed in rows
        }

    assert opened == elder.persona.fields | {"net_number": elder.net_number}
