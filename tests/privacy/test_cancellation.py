"""Giving up a net number: R2, R5, T11, S10, S11, F19, and what is left when it is interrupted."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select

from netid.credentials.keyring import Keyring
from netid.services.enrolment import Applicant
from netid.services.interaction import OwnAction
from netid.services.sign_in import Browser
from netid.storage.erasures import STAYS
from netid.storage.persons import PersonStatus
from netid.storage.tables import MAIN, audit_events
from netid.storage.vault import _field_context, _key_context
from tests.privacy.leaving import files_of, leave, secret_bytes, signed_in_to_leave, traces
from tests.privacy.people import PlantedPeople, PlantedPerson
from tests.privacy.searching import Searcher
from tests.protocol.refusals import rows
from tests.protocol.visiting import Visitor
from tests.running import Client, Running
from tests.watching import LogWatch

SCOPE = "openid netid.verify netid.purpose.real-name-parcel"
Start = Callable[..., Running]


@pytest.fixture
def shop(provider: Running) -> Client:
    return provider.register()


@pytest.fixture
def elder(provider: Running, people: PlantedPeople, shop: Client) -> PlantedPerson:
    """Somebody with a past: releases, refusals, sessions, a sign-in under way."""
    one = people["planted-elder"]
    shop.userinfo(shop.tokens("planted-elder", scope=SCOPE)["access_token"])
    shop.headless("planted-elder", {"decision": "refuse"}, scope=SCOPE)
    provider.register("another-shop").tokens("planted-elder")
    visitor = Visitor(provider, who="persona:planted-elder", passcode=one.persona.passcode)
    visitor.walk(shop.authorize(visitor.browser, scope=SCOPE), stop="consent")
    return one


def status_of(provider: Running, person: PlantedPerson) -> PersonStatus:
    with provider.provider.stores.db.read() as tx:
        found = provider.provider.stores.persons.get(tx, person.person_id)
    assert found
    return found.status


# R2: a fresh sign-in, and the form of this browser


def browser_of(visitor: Visitor) -> Browser:
    return Browser(visitor.browser.cookies["netid_browser"], visitor.browser.cookies["netid_session"])


def form_token(page: requests.Response) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_r2_a_session_that_was_left_open_deletes_nothing(provider: Running, elder: PlantedPerson) -> None:
    visitor = Visitor(provider, who="persona:planted-elder", passcode=elder.persona.passcode)
    page = visitor.walk(visitor.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    page = visitor.browser.get(provider.url("/records/cancel"))
    assert 'data-testid="agree"' not in page.text
    before = rows(provider)
    answer = visitor.send(page, decision="agree")

    assert "/passcode/" in answer.headers["Location"]
    assert {name for name, kept in rows(provider).items() if kept != before[name]} == {"interactions"}
    assert status_of(provider, elder) is PersonStatus.ACTIVE


@pytest.mark.parametrize("token", ["", "A" * 43, "another browser's"])
def test_r2_a_form_of_another_page_deletes_nothing(
    provider: Running, elder: PlantedPerson, token: str
) -> None:
    visitor, page = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
    if token == "another browser's":
        _other, others = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
        token = form_token(others)
    before = rows(provider)

    assert visitor.send(page, decision="agree", form_token=token).status_code == 403
    assert rows(provider) == before


def test_r2_a_fresh_sign_in_is_good_for_minutes_once_and_for_its_own_act(
    provider: Running, elder: PlantedPerson
) -> None:
    visitor, page = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
    fresh, browser = provider.provider.services.fresh, browser_of(visitor)
    assert fresh.person_for(OwnAction.CANCEL, browser) == elder.person_id
    assert fresh.person_for(OwnAction.EXPORT, browser) is None
    assert fresh.person_for(OwnAction.CANCEL, Browser(browser.secret, "another session")) is None
    provider.clock.advance(minutes=6)
    assert fresh.person_for(OwnAction.CANCEL, browser) is None
    answer = visitor.send(page, decision="agree")

    assert "/passcode/" in answer.headers["Location"]
    assert status_of(provider, elder) is PersonStatus.ACTIVE


def test_the_one_who_signs_in_anew_is_the_one_whose_passcode_was_entered(
    provider: Running, people: PlantedPeople, elder: PlantedPerson
) -> None:
    """Two tabs of one browser: signing in as another person meanwhile does not pass the freshness on."""
    visitor, _page = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
    visitor.passcode = "58203947"
    start = visitor.browser.get(provider.url("/records/cancel"))
    onward = visitor.open(visitor.send(start, decision="sign-in"))
    chosen = visitor.browser.get(onward.url.replace("/passcode/", "/sign-in/"))
    page = visitor.open(visitor.send(chosen, who="persona:planted-foreigner"))
    visitor.send(page, passcode="58203947")

    fresh = provider.provider.services.fresh.person_for(OwnAction.CANCEL, browser_of(visitor))
    assert fresh == people["planted-foreigner"].person_id


def test_a_session_that_another_opened_meanwhile_may_not_do_the_act(
    provider: Running, people: PlantedPeople
) -> None:
    """The child's sign-in waits for the guardian; before that, somebody else signs in in this browser."""
    child = people["planted-child"]
    visitor = Visitor(provider, who="persona:planted-child", passcode=child.persona.passcode)
    asked = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="guardian"
    )
    shop = provider.register()
    visitor.who, visitor.passcode = "persona:planted-foreigner", "58203947"
    visitor.walk(shop.authorize(visitor.browser, prompt="login"), stop="consent")
    guardian = visitor.browser.get(asked.url.replace("/guardian/", "/sign-in/") + "?role=guardian")
    passcode = visitor.open(visitor.send(guardian, who="persona:planted-guardian"))

    assert visitor.send(passcode, passcode="94061735").status_code == 400
    assert provider.provider.services.fresh.person_for(OwnAction.CANCEL, browser_of(visitor)) is None


def test_keeping_the_net_number_changes_nothing(provider: Running, elder: PlantedPerson) -> None:
    visitor, page = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
    before = rows(provider)

    assert visitor.send(page, decision="refuse").headers["Location"] == provider.url("/records")
    assert rows(provider) == before


# What ends, and what stays


def test_t11_codes_tokens_and_sessions_end_at_once(
    provider: Running, people: PlantedPeople, shop: Client, elder: PlantedPerson
) -> None:
    token = shop.tokens("planted-elder", scope=SCOPE)["access_token"]
    code = shop.headless("planted-elder", scope=SCOPE).code
    elsewhere = Visitor(provider, who="persona:planted-elder", passcode=elder.persona.passcode)
    elsewhere.walk(elsewhere.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    others = shop.tokens("planted-foreigner", scope=SCOPE)["access_token"]
    leave(provider, elder)

    assert shop.userinfo(token).status_code == 401
    refused = shop.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    signed_out = elsewhere.browser.get(provider.url("/records"), allow_redirects=False)
    assert "/sign-in/" in signed_out.headers["Location"]
    assert shop.userinfo(others).status_code == 200


def naming(provider: Running, person_id: str) -> dict[str, int]:
    """The tables that have rows of a person, by the columns that name one or could."""
    found = {}
    with provider.provider.stores.db.read() as tx:
        for table in MAIN.sorted_tables:
            texts = [column for column in table.c if str(column.type) == "TEXT"]
            count = sum(
                tx.execute(
                    select(func.count()).select_from(table).where(column.contains(person_id))
                ).scalar_one()
                for column in texts
            )
            if count:
                found[table.name] = count
    return found


def test_measures_9_nothing_but_the_value_free_record_names_who_left(
    provider: Running, elder: PlantedPerson
) -> None:
    before = naming(provider, elder.person_id)
    assert {"vault", "receipts", "pairwise_subjects", "access_tokens", "interactions", "personas"} <= set(
        before
    )
    leave(provider, elder)

    assert set(naming(provider, elder.person_id)) <= set(STAYS)
    with provider.provider.stores.db.read() as tx:
        left = provider.provider.stores.persons.get(tx, elder.person_id)
        kinds = tx.execute(select(audit_events.c.kind).order_by(audit_events.c.sequence.desc()).limit(1))
        assert kinds.scalars().all() == ["cancelled"]
    assert left
    assert (left.net_number_digest, left.passcode_hash, left.guardian_id, left.suspension) == (None,) * 4


def test_r5_who_enrols_again_is_somebody_new(
    provider: Running, people: PlantedPeople, shop: Client, elder: PlantedPerson
) -> None:
    services, stores = provider.provider.services, provider.provider.stores

    def subject() -> str:
        return str(shop.userinfo(shop.tokens("planted-elder", scope=SCOPE)["access_token"]).json()["sub"])

    known_as = subject()
    leave(provider, elder)
    persona = elder.persona
    applicant = Applicant(
        persona.document, persona.phone_number, services.enrolment.hash_passcode(persona.passcode)
    )
    with stores.db.write() as tx:
        again = services.enrolment.enrol(tx, applicant, provider.clock.now())
        stores.persons.bind_persona(tx, "planted-elder", again.person_id)

    assert again.person_id != elder.person_id
    assert again.net_number.reveal() != elder.net_number
    assert services.rights.history(again.person_id) == []
    assert subject() != known_as


def test_a_persona_that_left_is_a_new_person_at_the_next_start(
    provider: Running, start: Start, elder: PlantedPerson
) -> None:
    leave(provider, elder)
    again = start(beside=provider, personas=provider.provider.settings.personas)
    with again.provider.stores.db.read() as tx:
        assert again.provider.stores.persons.personas(tx)["planted-elder"] != elder.person_id


# Guardians and children


def test_a_child_leaves_with_its_guardian_and_a_guardian_leaves_the_child_behind(
    provider: Running, people: PlantedPeople, shop: Client
) -> None:
    child, guardian = people["planted-child"], people["planted-guardian"]
    visitor = Visitor(provider, who="persona:planted-child", passcode=child.persona.passcode)
    asked = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="guardian"
    )
    assert 'data-testid="page-guardian"' in asked.text
    assert provider.provider.services.fresh.person_for(OwnAction.CANCEL, browser_of(visitor)) is None

    page = leave(provider, guardian)
    assert 'data-testid="erased"' in page.text
    assert shop.headless("planted-child").error == "access_denied", "nobody is left who could agree"
    assert 'data-testid="erased"' in leave(provider, child).text


def test_measures_4_a_child_leaves_once_the_guardian_has_agreed(
    provider: Running, people: PlantedPeople
) -> None:
    child = people["planted-child"]
    visitor = Visitor(provider, who="persona:planted-child", passcode=child.persona.passcode)
    asked = visitor.walk(
        visitor.browser.get(provider.url("/records/cancel"), allow_redirects=False), stop="guardian"
    )
    asked = visitor.browser.get(asked.url.replace("/guardian/", "/sign-in/") + "?role=guardian")
    passcode = visitor.open(visitor.send(asked, who="persona:planted-guardian"))
    arrived = visitor.send(passcode, passcode="94061735")
    assert arrived.headers["Location"] == provider.url("/records/cancel")
    answer = visitor.send(visitor.open(arrived), decision="agree")

    assert 'data-testid="erased"' in visitor.open(answer).text


# S10: no byte left


def test_s10_every_file_of_the_instance_is_without_who_left(
    provider: Running, people: PlantedPeople, keyring: Keyring, elder: PlantedPerson, watched_logs: LogWatch
) -> None:
    hidden = secret_bytes(provider, elder.person_id)
    assert traces(provider.directory, hidden) == hidden, "the positive control: they are there before"
    page = leave(provider, elder)
    provider.provider.sealer.seal_once()

    assert 'data-testid="erased"' in page.text
    assert traces(provider.directory, hidden) == []
    values = [one for one in elder.values if one.field != "person_id"]
    searcher = Searcher(values, people.today)
    logs = "\n".join(watched_logs.lines).encode()
    assert searcher.leaks(files_of(provider.directory) + logs, words=False) == []


@contextmanager
def reading(provider: Running) -> Iterator[None]:
    """Somebody reads in both databases meanwhile, as a backup does."""
    names = ("netid.db", "keys.db")
    connections = [sqlite3.connect(provider.directory / name, isolation_level=None) for name in names]
    try:
        for connection in connections:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield
    finally:
        for connection in connections:
            connection.close()


def test_s10_it_is_not_called_erased_while_bytes_are_left(
    provider: Running, keyring: Keyring, elder: PlantedPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = secret_bytes(provider, elder.person_id)
    for database in (provider.provider.stores.db, provider.provider.keys_db):
        with database.write() as tx:
            tx.exec_driver_sql("PRAGMA busy_timeout=50")
    with reading(provider):
        page = leave(provider, elder)
        assert 'data-testid="erasing"' in page.text
        assert traces(provider.directory, hidden) != []
        provider.provider.housekeeping.round()
        assert 'data-testid="erasing"' in requests.get(page.url, timeout=10).text
    provider.provider.housekeeping.round()

    assert 'data-testid="erased"' in requests.get(page.url, timeout=10).text
    assert traces(provider.directory, hidden) == []


def test_an_unknown_reference_leads_nowhere(provider: Running) -> None:
    assert requests.get(provider.url(f"/cancelled/{'A' * 43}"), timeout=10).status_code == 404


# Interrupted


@pytest.mark.parametrize("when", ["before the key is deleted", "after the key is deleted"])
def test_an_interrupted_cancellation_is_finished_by_the_next_start(
    provider: Running,
    start: Start,
    elder: PlantedPerson,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    hidden = secret_bytes(provider, elder.person_id)
    cancellation, destroy = provider.provider.services.cancellation, provider.provider.vault.destroy

    def killed(tx: object, person_id: str) -> None:
        if when == "after the key is deleted":
            destroy(tx, person_id)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(cancellation, "_destroy", killed)
    visitor, _page = signed_in_to_leave(provider, "persona:planted-elder", elder.persona.passcode)
    with pytest.raises(KeyboardInterrupt):
        cancellation.cancel(browser_of(visitor))
    assert status_of(provider, elder) is PersonStatus.CANCELLED
    assert traces(provider.directory, hidden) != []
    # Without personas, or the same document would be enrolled again.
    start(beside=provider, mode="serve", management_port=None, management_token=None)

    assert traces(provider.directory, hidden) == []


# S11: backups


def opened(directory: Path, keyring: Keyring, person: PlantedPerson) -> set[str]:
    """The fields of a person that these databases and keys give away, whichever key is tried."""
    wrapping = AESGCM(keyring.wrapping.reveal())
    with closing(sqlite3.connect(directory / "keys.db")) as connection:
        kept = connection.execute("SELECT person_id, wrapped FROM data_keys").fetchall()
    keys = [wrapping.decrypt(wrapped[:12], wrapped[12:], _key_context(owner)) for owner, wrapped in kept]
    with closing(sqlite3.connect(directory / "netid.db")) as connection:
        sealed = connection.execute(
            "SELECT field, sealed FROM vault WHERE person_id = ?", (person.person_id,)
        ).fetchall()
    assert sealed, "the backup does hold the person"
    return {field for field, value in sealed for key in keys if _opens(key, value, person.person_id, field)}


def _opens(key: bytes, sealed: bytes, person_id: str, field: str) -> bool:
    try:
        AESGCM(key).decrypt(sealed[:12], sealed[12:], _field_context(person_id, field))
    except InvalidTag:
        return False
    return True


def test_s11_an_old_backup_and_every_surviving_key_reveal_nothing_of_who_left(
    provider: Running, people: PlantedPeople, keyring: Keyring, elder: PlantedPerson, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(provider.directory, backup)
    assert "name" in opened(backup, keyring, elder), "the positive control: with the key it opens"
    leave(provider, elder)
    for file in backup.glob("keys.db*"):
        file.unlink()
    shutil.copy(provider.directory / "keys.db", backup)

    assert opened(backup, keyring, elder) == set()
    assert "name" in opened(backup, keyring, people["planted-foreigner"])


def test_f19_a_restored_backup_does_not_bring_back_who_left(
    provider: Running, start: Start, shop: Client, elder: PlantedPerson, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    with (
        closing(sqlite3.connect(provider.directory / "netid.db")) as source,
        closing(sqlite3.connect(old)) as copy,
    ):
        source.backup(copy)
    leave(provider, elder)
    provider.provider.close()
    for file in provider.directory.glob("netid.db*"):
        file.unlink()
    shutil.copy(old, provider.directory / "netid.db")
    restored = start(beside=provider, personas=provider.provider.settings.personas)

    assert status_of(restored, elder) is PersonStatus.CANCELLED
    assert set(naming(restored, elder.person_id)) <= set(STAYS)
    with restored.provider.stores.db.read() as tx:
        assert restored.provider.stores.persons.personas(tx)["planted-elder"] != elder.person_id
