"""The same provider on PostgreSQL, and two of them on one database, as two workers are."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest

from netid.credentials import jose
from netid.credentials.sd_jwt import SdJwt
from netid.identity.revocation import RevocationReason
from netid.identity.suspension import SuspensionReason
from netid.services.statuses import Statuses
from netid.storage.tokens import AccessTokens
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import rows
from tests.protocol.visiting import Visitor
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


# Two requests at once, on both databases


@pytest.fixture(params=["sqlite", "postgresql"])
def two_at_once(request: pytest.FixtureRequest, start: Starter) -> tuple[Running, Running]:
    """Two providers on one database of either kind."""
    changes = {}
    if request.param == "postgresql":
        changes = {"database_url": request.getfixturevalue("postgres_url")}
    first = start(**changes)
    return first, start(beside=first, **changes)


class Meanwhile:
    """Does something once, in another thread, when a method is called; both go on when they can."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, act: Callable[[], object]
    ) -> None:
        self._thread = Thread(target=act)
        self._real = getattr(owner, name)
        meanwhile = self

        def method(self: object, *given: Any, **named: Any) -> Any:
            if meanwhile._thread.ident is None:
                meanwhile._thread.start()
                meanwhile._thread.join(0.5)
            return meanwhile._real(self, *given, **named)

        monkeypatch.setattr(owner, name, method)

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def suspend(running: Running) -> None:
    person_id = person_id_of(running, "an-adult")
    running.provider.services.suspensions.suspend(person_id, SuspensionReason.DOCUMENT_LOST, 30)


def revoke(running: Running) -> None:
    person_id = person_id_of(running, "an-adult")
    running.provider.services.revocation.revoke(person_id, RevocationReason.DEVICE_LOST)


@pytest.mark.parametrize(("change", "left"), [(suspend, "SUSPENDED"), (revoke, "INVALID")])
def test_v8_copies_that_are_being_issued_do_not_outlive_a_suspension_or_a_revocation(
    two_at_once: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Running], None],
    left: str,
) -> None:
    first, second = two_at_once
    wallet = Wallet(first)
    token = wallet.token(scope="net_credential_long")
    wallet.receive(token, 1, "net_credential_long")
    meanwhile = Meanwhile(monkeypatch, Statuses, "assign", lambda: change(second))
    wallet.ask(token, wallet.request([new_key()], "net_credential_long"))
    meanwhile.join()
    with first.provider.stores.db.read() as tx:
        live = first.provider.stores.copies.of_person(tx, person_id_of(first, "an-adult"))
    assert {entry.status.name for entry, _ends in live} == {left}


def test_a_code_dies_with_its_session_also_in_the_middle_of_its_redemption(
    two_at_once: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logout token says that nothing of the session is left; no token may come after it."""
    first, second = two_at_once
    shop = first.register()
    visitor = Visitor(first)
    code = first.callback(visitor.walk(shop.authorize(visitor.browser))).code
    person_id = person_id_of(first, "an-adult")
    order: list[str] = []

    def sign_out() -> None:
        with second.provider.stores.db.write() as tx:
            second.provider.services.sign_out.everywhere(tx, person_id, second.clock.now())
        order.append("signed out")

    meanwhile = Meanwhile(monkeypatch, AccessTokens, "add", sign_out)
    answer = shop.redeem(code)
    order.append("redeemed" if answer.status_code == 200 else "refused")
    meanwhile.join()
    assert order in (["redeemed", "signed out"], ["signed out", "refused"])


def test_appealing_twice_at_once_is_one_appeal(two_at_once: tuple[Running, Running]) -> None:
    suspend(two_at_once[0])
    person_id = person_id_of(two_at_once[0], "an-adult")

    def appeal(running: Running) -> None:
        running.provider.services.suspensions.appeal(person_id, "It is not lost.")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(appeal, two_at_once * 4))
    assert len(two_at_once[0].provider.services.suspensions.unanswered()) == 1


def test_withdrawing_twice_at_once_is_one_withdrawal_and_one_event(
    two_at_once: tuple[Running, Running],
) -> None:
    first, _second = two_at_once
    first.register(events_uri="http://127.0.0.1:9/events").tokens(**RELEASE)
    person_id = person_id_of(first, "an-adult")
    [entry] = first.provider.services.rights.history(person_id)
    receipt_id = entry.stored.receipt.receipt_id

    def withdraw(running: Running) -> None:
        running.provider.services.rights.withdraw(person_id, receipt_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(withdraw, two_at_once * 4))
    with first.provider.stores.db.read() as tx:
        receipts = first.provider.stores.consents.list(tx, person_id)
    assert sum(one.receipt.withdraws == receipt_id for one in receipts) == 1
    assert len(rows(first)["messages"]) == 1
