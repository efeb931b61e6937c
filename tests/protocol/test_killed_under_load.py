"""F1: what was acknowledged is there after SIGKILL, and nothing is there twice or by half."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from random import Random
from threading import Event

import pytest
from sqlalchemy import delete, update

from netid.ambient import Ambient
from netid.app import open_office
from netid.credentials.keyring import Keyring
from netid.services.interaction import digest_of
from netid.services.registration import checked_registration
from netid.storage.stores import Stores
from netid.storage.tables import access_tokens, receipts, single_use
from tests.protocol.traffic import Acknowledged, Elsewhere, missing, traffic
from tests.running import Client, entry_of, settings_for
from tests.serving import Serving, free_port

ROUNDS = 25
PATIENCE = 60


class Mortal:
    """A provider that dies and is started again at the same address, and a relying party of its."""

    def __init__(self, serve: Serving, keyring: Keyring) -> None:
        self._serve = serve
        self._keyring = keyring
        entry = entry_of("a-shop")
        registrations = serve.directory / "registration.yaml"
        registrations.write_text(json.dumps({"relying_parties": [entry]}), encoding="utf-8")
        self._settings = {"port": free_port(), "relying_parties": registrations}
        self.start()
        self.client = Client(Elsewhere(self.served.address), checked_registration(entry), entry["secret"])

    def start(self) -> None:
        self.served = self._serve(**self._settings)
        self.served.wait_until_it_answers()

    @contextmanager
    def stores(self) -> Iterator[Stores]:
        """What its files hold."""
        settings = settings_for(
            self._serve.directory,
            self.client.running.issuer,
            key_database_url=f"sqlite:///{self._serve.directory / 'netid-keys.db'}",
        )
        with closing(open_office(settings, self._keyring, Ambient.real())) as office:
            yield office.stores

    def dies_under_load(self, seconds: float = 0) -> Acknowledged:
        """So long after the first sign-ins were done, however long the machine took for them."""
        with traffic(self.client) as acknowledged:
            for _ in range(PATIENCE * 100):
                if len(acknowledged.tokens) >= 2:
                    break
                Event().wait(0.01)
            Event().wait(seconds)
            self.served.kill()
        return acknowledged


@pytest.fixture
def mortal(serve: Serving, keyring: Keyring) -> Mortal:
    return Mortal(serve, keyring)


def test_f1_nothing_acknowledged_is_lost_when_all_processes_are_killed(mortal: Mortal) -> None:
    chance = Random(1)  # when it dies
    cut_off = 0
    for _ in range(ROUNDS):
        acknowledged = mortal.dies_under_load(chance.uniform(0, 0.4))
        assert acknowledged.tokens
        with mortal.stores() as stores:
            assert missing(stores, acknowledged) == []
        mortal.start()
        for code in acknowledged.tried - acknowledged.tokens.keys():
            cut_off += 1
            assert mortal.client.redeem(code).status_code in (200, 400)
        with mortal.stores() as stores:
            assert missing(stores, acknowledged) == []
    assert cut_off > 0, "it never died between a request and its answer"


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (delete(single_use), "a code is gone"),
        (delete(access_tokens), "a token is gone"),
        (update(single_use).values(consumed_at=None), "a token has a code that still works"),
        (delete(access_tokens), "a code is used up without its token"),
        (delete(receipts), "a decision is gone"),
    ],
)
def test_f1_what_is_missing_would_be_found(mortal: Mortal, planted: object, found: str) -> None:
    acknowledged = mortal.dies_under_load()
    assert acknowledged.tokens
    with mortal.stores() as stores:
        assert missing(stores, acknowledged) == []
        with stores.db.write() as tx:
            tx.execute(planted)  # type: ignore[arg-type]
        assert found in missing(stores, acknowledged)


def test_f1_a_token_issued_twice_for_one_code_would_be_found(mortal: Mortal) -> None:
    acknowledged = mortal.dies_under_load()
    _, token = next(iter(acknowledged.tokens.items()))
    with mortal.stores() as stores:
        with stores.db.write() as tx:
            first = stores.tokens.get(tx, digest_of(token), acknowledged.since)
            assert first is not None
            stores.tokens.add(tx, **{**first.__dict__, "digest": digest_of("another")})
        assert "a code was used twice" in missing(stores, acknowledged)
