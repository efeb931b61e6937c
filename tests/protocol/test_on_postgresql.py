"""The same provider on PostgreSQL, and two of them on one database, as two workers are."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.running import Client, Running, Starter

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
