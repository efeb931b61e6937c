"""The same provider on PostgreSQL, and two of them on one database, as two workers are."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from netid.credentials import jose
from netid.credentials.sd_jwt import SdJwt
from netid.identity.revocation import RevocationReason
from tests.protocol.meddling import person_id_of
from tests.running import Client, Running, Starter
from tests.wallets import Owner, Wallet, new_key

RELEASE = {"scope": "openid netid.verify netid.purpose.real-name-parcel"}


@pytest.fixture
def two_workers(start: Starter, postgres_url: str) -> tuple[Running, Running]:
    """Two providers on one PostgreSQL database; the data keys lie in a SQLite file beside it."""
    first = start(database_url=postgres_url)
    return first, start(beside=first, database_url=postgres_url)


def clients(workers: tuple[Running, Running]) -> tuple[Client, Client]:
    """One relying party, at each of the two."""
    first, second = workers
    here = first.register()
    return here, Client(second, here.relying_party, here.secret, here.verifier)


def test_a_release_from_the_request_to_the_fields(two_workers: tuple[Running, Running]) -> None:
    shop = two_workers[0].register()
    tokens = shop.tokens(rule={"voluntary": "all"}, **RELEASE)
    fields = shop.userinfo(tokens["access_token"]).json()
    assert set(fields) == {"sub", "name", "document_number", "phone_number"}


def test_a_code_of_one_worker_is_redeemed_once_at_either(two_workers: tuple[Running, Running]) -> None:
    here, there = clients(two_workers)
    code = here.headless().code
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.redeem(code), [here, there] * 4))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [400] * 7
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_grant"}


def test_a_withdrawal_at_one_worker_holds_at_the_other(two_workers: tuple[Running, Running]) -> None:
    first, _second = two_workers
    here, there = clients(two_workers)
    tokens = here.tokens(**RELEASE)
    assert there.userinfo(tokens["access_token"]).status_code == 200
    services = first.provider.services
    with first.provider.stores.db.read() as tx:
        person = first.provider.stores.persons.by_persona(tx, "an-adult")
    assert person is not None
    [entry] = services.rights.history(person.person_id)
    services.rights.withdraw(person.person_id, entry.stored.receipt.receipt_id)
    assert there.userinfo(tokens["access_token"]).status_code == 401


def test_c1_c2_an_offer_and_a_nonce_work_once_at_either(two_workers: tuple[Running, Running]) -> None:
    offered = Owner(two_workers[0]).offer()
    offer = offered.fetch()
    wallets = [Wallet(worker) for worker in two_workers * 4]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one.redeem_offer(offer, offered.tx_code), wallets))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    [won] = [at for at, answer in enumerate(answers) if answer.status_code == 200]
    token = answers[won].json()["access_token"]
    body = wallets[won].request([new_key()], "net_credential_long")
    there = Wallet(two_workers[(won + 1) % 2], wallets[won].key)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one.ask(token, body), [wallets[won], there] * 4))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_nonce"}


def test_copies_of_both_workers_have_entries_of_their_own(two_workers: tuple[Running, Running]) -> None:
    wallets = [Wallet(worker) for worker in two_workers]
    tokens = [wallet.token(scope="net_credential_long") for wallet in wallets]
    with ThreadPoolExecutor(2) as pool:
        batches = pool.map(
            lambda one: one[0].receive(one[1], 50, "net_credential_long"), zip(wallets, tokens, strict=True)
        )
        texts = [text for batch in batches for text, _key in batch]
    claims = [jose.unverified_payload(SdJwt.parse(text).issued, 32_768) for text in texts]
    assert len({json.dumps(one["status"], sort_keys=True) for one in claims}) == 100
    person_id = person_id_of(two_workers[0], "an-adult")
    revocation = two_workers[0].provider.services.revocation
    assert revocation.revoke(person_id, RevocationReason.OWN_WISH) == 100
