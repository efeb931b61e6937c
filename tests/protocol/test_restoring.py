"""F19: a backup under load, put back: spent codes stay spent, who left stays gone, nothing live returns."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from netid.errors import BackupRefused
from netid.storage import backup
from netid.storage.epoch import Epoch
from netid.storage.persons import PersonStatus
from netid.storage.tables import audit_events
from tests.protocol.forging import Keyed
from tests.protocol.meddling import person_id_of
from tests.protocol.visiting import Visitor
from tests.running import Client, Running

Start = Callable[..., Running]
LEFT_OUT = ("access_tokens", "sessions", "interactions", "applications", "session_relying_parties")


@pytest.fixture
def shop(provider: Running) -> Client:
    return provider.register()


def url_of(provider: Running) -> str:
    return provider.provider.settings.database_url


@contextmanager
def load(shop: Client) -> Iterator[list[str]]:
    """People sign in without a pause; the codes that were redeemed."""
    spent: list[str] = []
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            code = shop.headless().code
            if shop.redeem(code).status_code == 200:
                spent.append(code)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        while len(spent) < 4:
            threads[0].join(0.01)
        yield spent
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def put_back(provider: Running, start: Start, copy: Path) -> Running:
    """The provider ends, its database is lost, the copy takes its place, and a provider starts."""
    provider.provider.close()
    for file in provider.directory.glob("netid.db*"):
        file.unlink()
    backup.restore(url_of(provider), copy)
    return start(beside=provider)


def again(shop: Client, restored: Running) -> Client:
    """The same relying party at the provider that started."""
    return Client(restored, shop.relying_party, shop.secret, shop.verifier)


def test_f19_a_backup_under_load_brings_back_what_was_decided_and_nothing_live(
    provider: Running, start: Start, shop: Client, tmp_path: Path
) -> None:
    token = shop.tokens()["access_token"]
    live = shop.headless().code
    browser = Visitor(provider)
    browser.walk(browser.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    copy = tmp_path / "copy.db"
    with load(shop) as spent:
        backup.make(url_of(provider), copy)
    person_id = person_id_of(provider, "an-adult")
    restored = put_back(provider, start, copy)
    shop = again(shop, restored)

    for code in (*spent, live):
        assert shop.redeem(code).json()["error"] == "invalid_grant"
    assert shop.userinfo(token).status_code == 401
    signed_out = browser.browser.get(restored.url("/records"), allow_redirects=False)
    assert "/sign-in/" in signed_out.headers["Location"]
    with restored.provider.stores.db.read() as tx:
        assert restored.provider.stores.consents.list(tx, person_id)
        assert restored.provider.stores.consents.first_broken(tx, person_id) is None
        assert restored.provider.stores.audit.verify(tx).first_bad_row is None
        kinds = tx.execute(select(audit_events.c.kind)).scalars().all()
        assert kinds.count("restored") == 1
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert shop.tokens()["access_token"]


def test_f19_a_copy_holds_nothing_live_and_is_private(
    provider: Running, shop: Client, tmp_path: Path
) -> None:
    shop.tokens()
    shop.headless()
    copy = tmp_path / "copy.db"
    backup.make(url_of(provider), copy)
    with closing(sqlite3.connect(copy)) as connection:
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for name in (*LEFT_OUT, "single_use", "receipts")
        }
    assert {name for name, count in counts.items() if count} == {"receipts"}
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.glob("*copy*")] == ["copy.db"]


def test_f19_who_left_after_the_backup_stays_gone(
    provider: Running, start: Start, shop: Client, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    shop.tokens()
    backup.make(url_of(provider), copy)
    person_id = person_id_of(provider, "an-adult")
    visitor = Visitor(provider)
    page = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    visitor.send(page, decision="agree")
    restored = put_back(provider, start, copy)

    with restored.provider.stores.db.read() as tx:
        person = restored.provider.stores.persons.get(tx, person_id)
        assert person
        assert person.status is PersonStatus.CANCELLED
        assert restored.provider.stores.consents.list(tx, person_id) == []
    assert person_id_of(restored, "an-adult") != person_id


# A copy made by other means


def test_r6_an_older_copy_is_noticed_by_the_end_of_the_audit_that_the_keys_database_keeps(
    provider: Running, start: Start, shop: Client, tmp_path: Path
) -> None:
    token = shop.tokens()["access_token"]
    old = tmp_path / "old.db"
    with (
        closing(sqlite3.connect(provider.directory / "netid.db")) as source,
        closing(sqlite3.connect(old)) as new,
    ):
        source.backup(new)
    shop.tokens()
    provider.provider.sealer.seal_once()
    provider.provider.housekeeping.round()
    provider.provider.close()
    for file in provider.directory.glob("netid.db*"):
        file.unlink()
    shutil.copy(old, provider.directory / "netid.db")
    restored = start(beside=provider)

    assert again(shop, restored).userinfo(token).status_code == 401
    twice = start(beside=restored)
    with twice.provider.stores.db.read() as tx:
        kinds = tx.execute(select(audit_events.c.kind)).scalars().all()
    assert kinds.count("restored") == 1, "it is noticed once"


def test_an_ordinary_start_voids_nothing(provider: Running, start: Start, shop: Client) -> None:
    token = shop.tokens()["access_token"]
    provider.provider.sealer.seal_once()
    provider.provider.housekeeping.round()

    assert again(shop, start(beside=provider)).userinfo(token).status_code == 200


def test_an_operator_can_say_that_a_database_was_put_back(
    provider: Running, start: Start, shop: Client
) -> None:
    token = shop.tokens()["access_token"]
    Epoch(provider.provider.stores.db, provider.provider.keys_db).mark_restored()

    assert again(shop, start(beside=provider)).userinfo(token).status_code == 401


# Refusals


def test_a_database_that_is_there_is_not_replaced(provider: Running, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    backup.make(url_of(provider), copy)
    with pytest.raises(BackupRefused, match=r"netid\.db: is still there"):
        backup.restore(url_of(provider), copy)
    with pytest.raises(BackupRefused, match="is there already"):
        backup.make(url_of(provider), copy)
    with pytest.raises(BackupRefused, match="pg_dump"):
        backup.make("postgresql://somewhere/netid", tmp_path / "other.db")


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing"])
def test_a_damaged_copy_is_not_put_back(provider: Running, tmp_path: Path, damage: str) -> None:
    copy, target = tmp_path / "copy.db", tmp_path / "elsewhere" / "netid.db"
    target.parent.mkdir()
    backup.make(url_of(provider), copy)
    if damage == "cut":
        copy.write_bytes(copy.read_bytes()[:-5000])
    elif damage == "foreign":
        copy.write_bytes(b"not a database at all" * 100)
    else:
        copy.unlink()
    with pytest.raises(BackupRefused, match=r"copy\.db"):
        backup.restore(f"sqlite:///{target}", copy)
    assert list(target.parent.iterdir()) == []


def test_p3_an_assertion_from_before_the_restoration_is_refused_and_a_later_one_taken(
    provider: Running, start: Start
) -> None:
    keyed = Keyed.register(provider, "a-keyed-shop")
    provider.clock.stop()
    used = keyed.assertion(exp=int(provider.clock.now().timestamp()) + 3000)
    assert keyed.push(used).status_code == 201
    with provider.provider.stores.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM single_use WHERE kind = 'assertion_jti'")  # as in an older copy
    Epoch(provider.provider.stores.db, provider.provider.keys_db).mark_restored()
    provider.clock.advance(seconds=5)
    restored = start(beside=provider)
    keyed = keyed.at(restored)

    def status(assertion: str) -> int:
        return keyed.push(assertion).status_code

    assert [status(used), status(keyed.assertion()), status(keyed.assertion(iat=None))] == [401, 401, 401]
    restored.clock.advance(seconds=30)
    assert [status(used), status(keyed.assertion()), status(keyed.assertion(iat=None))] == [401, 201, 401]
    restored.clock.advance(hours=2)
    assert status(keyed.assertion(iat=None)) == 201


def test_f19_what_was_taken_back_after_the_backup_is_asked_anew(
    provider: Running, start: Start, shop: Client, tmp_path: Path
) -> None:
    shop.tokens()  # a check result, which is remembered
    copy = tmp_path / "copy.db"
    backup.make(url_of(provider), copy)
    person_id = person_id_of(provider, "an-adult")
    provider.provider.services.rights.withdraw_from(person_id, shop.client_id)
    restored = put_back(provider, start, copy)
    rights, shop = restored.provider.services.rights, again(shop, restored)

    decided = len(rights.history(person_id))
    shop.tokens()
    shop.tokens()
    assert len(rights.history(person_id)) == decided + 1, "asked once, and remembered again"
