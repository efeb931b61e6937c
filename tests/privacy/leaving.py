"""A person who gives up their net number at the pages, and what is left of them in the files."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import requests

from tests.privacy.people import PlantedPerson
from tests.protocol.visiting import Visitor
from tests.running import Running


def signed_in_to_leave(running: Running, who: str, passcode: str) -> tuple[Visitor, requests.Response]:
    """At the page that asks, freshly signed in."""
    visitor = Visitor(running, who=who, passcode=passcode)
    page = visitor.walk(
        visitor.browser.get(running.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    assert 'data-testid="page-cancel"' in page.text
    assert 'data-testid="agree"' in page.text
    return visitor, page


def leave(running: Running, person: PlantedPerson) -> requests.Response:
    """Leaves for good; the page that says how far the deletion has come."""
    visitor, page = signed_in_to_leave(running, f"persona:{person.persona.id}", person.persona.passcode)
    answer = visitor.send(page, decision="agree")
    assert re.search(r"/cancelled/[A-Za-z0-9_-]{43}$", answer.headers["Location"]), answer.text
    return visitor.open(answer)


def secret_bytes(provider: Running, person_id: str) -> list[bytes]:
    """What the person's values stand as in the files: ciphertexts, the wrapped key, digests, receipts."""
    with closing(sqlite3.connect(provider.directory / "netid.db")) as main:
        sealed = main.execute("SELECT sealed FROM vault WHERE person_id = ?", (person_id,)).fetchall()
        digests = main.execute(
            "SELECT net_number_digest, document_digest, passcode_hash FROM persons WHERE person_id = ?",
            (person_id,),
        ).fetchall()
        receipts = main.execute(
            "SELECT record, record_hash FROM receipts WHERE person_id = ?", (person_id,)
        ).fetchall()
        subjects = main.execute(
            "SELECT subject FROM pairwise_subjects WHERE person_id = ?", (person_id,)
        ).fetchall()
    with closing(sqlite3.connect(provider.directory / "keys.db")) as keys:
        wrapped = keys.execute("SELECT wrapped FROM data_keys WHERE person_id = ?", (person_id,)).fetchall()
    assert all((sealed, wrapped, receipts, subjects))
    found = [value for row in (*sealed, *wrapped, *digests, *receipts, *subjects) for value in row]
    return [value.encode() if isinstance(value, str) else value for value in found]


def files_of(directory: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file())


def traces(directory: Path, hidden: list[bytes]) -> list[bytes]:
    """What is found in the files, whole or in part: a page's end may have cut it."""
    data = files_of(directory)
    return [value for value in hidden if any(part in data for part in _parts(value))]


def _parts(value: bytes) -> tuple[bytes, ...]:
    # Not the beginning: every signed record begins alike.
    middle = len(value) // 2
    return value, value[middle - 12 : middle + 12], value[-24:]
