"""Registrations hold as soon as they are stored, in every worker; a sector has one legal entity."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Executable

from netid.errors import RegistrationRefused
from netid.identity.relying_party import RelyingParty
from netid.storage.database import Database
from netid.storage.relying_parties import RelyingParties
from netid.storage.transaction import Result, Transaction


class Watched:
    """A transaction that notes what is executed in it."""

    def __init__(self, tx: Transaction) -> None:
        self.statements: list[str] = []
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def execute(self, statement: Executable, values: Any = None, /) -> Result:
        self.statements.append(str(statement))
        return self._tx.execute(statement, values)


def relying_party(
    client_id: str = "forum", entity: str = "甲公司", sector: str = "a.example", **more: Any
) -> RelyingParty:
    return RelyingParty.model_validate(
        {
            "client_id": client_id,
            "name": {"zh": "论坛", "en": "Forum"},
            "contact": "help@forum.example",
            "legal_entity": {"name": {"zh": entity, "en": "Company"}, "sector": sector},
            "redirect_uris": ["https://forum.example/back"],
            "authentication": "client_secret_basic",
            "secret_digest": "0" * 64,
            **more,
        }
    )


def put(db: Database, *registrations: RelyingParty, now: datetime) -> RelyingParties:
    store = RelyingParties()
    with db.write() as tx:
        for registration in registrations:
            store.put(tx, registration, now)
    return store


def test_a_registration_is_found_as_it_was_put(db: Database, now: datetime) -> None:
    forum, game = relying_party(), relying_party("game")
    store = put(db, game, forum, now=now)
    with db.read() as tx:
        assert store.get(tx, "forum") == forum
        assert store.get(tx, "another") is None
        assert store.list(tx) == [forum, game]


@pytest.mark.parametrize("outside", ["a\0b", "\ud800", ""])
def test_a_client_id_that_no_database_can_hold_is_unknown(db: Database, outside: str) -> None:
    with db.read() as tx:
        assert RelyingParties().get(tx, outside) is None


def test_a_change_by_another_worker_holds_at_once(db: Database, now: datetime) -> None:
    here = put(db, relying_party(), now=now)
    with db.read() as tx:
        assert here.get(tx, "forum") == relying_party()
    changed = relying_party(contact="other@forum.example")
    elsewhere = put(db, changed, now=now)
    with db.read() as tx:
        assert here.get(tx, "forum") == changed
    with db.write() as tx:
        assert elsewhere.remove(tx, "forum")
        assert not elsewhere.remove(tx, "forum")
    with db.read() as tx:
        assert here.get(tx, "forum") is None
        assert here.list(tx) == []


def test_a_change_that_was_undone_does_not_stay_in_memory(db: Database, now: datetime) -> None:
    store = put(db, relying_party(), now=now)
    with db.write() as tx:
        store.put(tx, relying_party(contact="other@forum.example"), now)
        assert store.get(tx, "forum") == relying_party(contact="other@forum.example")
        tx.rollback()
    with db.read() as tx:
        assert store.get(tx, "forum") == relying_party()


def test_an_unchanged_registration_is_parsed_once(db: Database, now: datetime) -> None:
    store = put(db, relying_party(), now=now)
    with db.read() as tx:
        first = store.get(tx, "forum")
        watched = Watched(tx)
        assert store.get(watched, "forum") is first
    assert len(watched.statements) == 1
    assert "registration" not in watched.statements[0]


def test_relying_parties_of_one_legal_entity_share_its_sector(db: Database, now: datetime) -> None:
    store = put(db, relying_party("forum"), relying_party("game"), now=now)
    with db.read() as tx:
        assert len(store.list(tx)) == 2


def test_a_sector_of_two_legal_entities_is_refused(db: Database, now: datetime) -> None:
    store = put(db, relying_party(), now=now)
    with db.write() as tx, pytest.raises(RegistrationRefused, match="another legal entity"):
        store.put(tx, relying_party("game", entity="乙公司"), now)
    with db.read() as tx:
        assert store.get(tx, "game") is None


def test_a_second_sector_of_one_legal_entity_is_refused(db: Database, now: datetime) -> None:
    store = put(db, relying_party(), now=now)
    with db.write() as tx, pytest.raises(RegistrationRefused, match="has another sector"):
        store.put(tx, relying_party("game", sector="b.example"), now)


def test_a_sector_stays_its_legal_entitys_when_the_relying_party_is_gone(db: Database, now: datetime) -> None:
    store = put(db, relying_party(), now=now)
    with db.write() as tx:
        store.remove(tx, "forum")
    with db.write() as tx, pytest.raises(RegistrationRefused, match="another legal entity"):
        store.put(tx, relying_party(entity="乙公司"), now)
