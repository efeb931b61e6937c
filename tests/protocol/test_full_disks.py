"""F18: what cannot be put on record does not take place; a log of requests that is full stops nobody."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
import requests

from tests.protocol.meddling import latest_receipt
from tests.protocol.refusals import rows
from tests.protocol.visiting import Visitor
from tests.running import Client, Running

FULL = Path("/dev/full")
"""A file on which every write fails with "no space left on device" (full(4))."""
SCOPE = "openid netid.purpose.real-name-parcel"


@pytest.fixture
def shop(provider: Running) -> Client:
    return provider.register()


class Straight(io.StringIO):
    """A log file whose every line goes to the disk at once."""

    def __init__(self, file: FileIO) -> None:
        super().__init__()
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode()) or 0


@contextmanager
def no_room_for_the_audit(provider: Running) -> Iterator[None]:
    """SQLite finds no page for one more audit event, and for nothing else."""
    db = provider.provider.stores.db
    with db.write() as tx:
        tx.exec_driver_sql("CREATE TABLE full (filled BLOB)")
        tx.exec_driver_sql(
            "CREATE TEMP TRIGGER no_room BEFORE INSERT ON main.audit_events "
            "BEGIN INSERT INTO full VALUES (zeroblob(1000000)); END"
        )
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 8}")
    try:
        yield
    finally:
        with db.write() as tx:
            tx.exec_driver_sql("DROP TRIGGER no_room")
            tx.exec_driver_sql("PRAGMA max_page_count=1073741823")


def test_f18_without_room_for_its_event_an_operation_fails_and_changes_nothing(
    provider: Running, shop: Client
) -> None:
    token = shop.tokens(scope=SCOPE)["access_token"]
    code = shop.headless(scope=SCOPE).code
    _person_id, receipt_id = latest_receipt(provider)
    visitor = Visitor(provider)
    page = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    withdrawing = visitor.browser.get(provider.url(f"/records/{receipt_id}"))
    with no_room_for_the_audit(provider):
        before = rows(provider)
        refused = [
            shop.userinfo(token),
            shop.redeem(code),
            visitor.send(page, decision="agree"),
            visitor.send(withdrawing),
        ]
        assert rows(provider) == before
        assert [answer.status_code for answer in refused[:3]] == [503, 503, 503]
        assert requests.get(provider.url("/jwks"), timeout=10).status_code == 200

    assert shop.userinfo(token).status_code == 200, "and once there is room it goes on"
    assert shop.redeem(code).status_code == 200
    assert "/cancelled/" in visitor.send(page, decision="agree").headers["Location"]


def test_f18_a_full_log_of_requests_stops_nobody(
    provider: Running, shop: Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "netid")
    with FULL.open("wb", buffering=0) as file:
        handler = logging.StreamHandler(Straight(file))
        logging.getLogger("netid").addHandler(handler)
        try:
            assert shop.redeem("no code").status_code == 400, "which is logged"
            assert shop.tokens(scope=SCOPE)["access_token"]
        finally:
            logging.getLogger("netid").removeHandler(handler)
    assert "No space left on device" in capsys.readouterr().err
