"""RFC 8935: events are pushed until they are answered, and a party that does not answer holds nobody up."""

import sqlite3
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from netid.errors import StorageBusy
from netid.services.delivery import PAUSES
from netid.storage.messages import Message, MessageKind, MessageState, OutgoingMessages
from netid.storage.tables import messages as table
from netid.storage.transaction import Transaction
from tests.listening import Listener, by_hand
from tests.protocol.meddling import latest_receipt, person_id_of
from tests.protocol.reading import signed
from tests.protocol.refusals import audit_kinds
from tests.running import Client, Running, Starter

LONGEST = len(PAUSES[MessageKind.EVENT]) + 1


@pytest.fixture
def shop(provider: Running, listener: Listener) -> Client:
    """A relying party that hears of events; each step of delivering them is the test's."""
    by_hand(provider)
    return provider.register(events_uri=f"{listener.url}/events")


def withdraw(running: Running) -> None:
    person_id, receipt_id = latest_receipt(running)
    running.provider.services.rights.withdraw(person_id, receipt_id)


def given_and_withdrawn(client: Client) -> None:
    client.tokens(scope="openid netid.verify netid.purpose.real-name-parcel")
    withdraw(client.running)


def events(running: Running) -> list[Message]:
    with running.provider.stores.db.read() as tx:
        return running.provider.stores.messages.of_person(tx, person_id_of(running, "an-adult"))


def step(running: Running) -> int:
    return running.provider.delivery.step()


def test_the_token_alone_is_the_body(shop: Client, listener: Listener) -> None:
    given_and_withdrawn(shop)
    assert step(shop.running) == 1
    [came] = listener.received
    assert came.path == "/events"
    assert came.headers["Content-Type"] == "application/secevent+jwt"
    assert came.headers["Accept"] == "application/json"
    assert "Cookie" not in came.headers
    assert signed(shop.running, came.body)["aud"] == "a-shop"


def test_202_is_confirmed_and_nothing_is_sent_again(shop: Client, listener: Listener) -> None:
    given_and_withdrawn(shop)
    step(shop.running)
    shop.running.clock.advance(days=3)
    assert step(shop.running) == 0
    [message] = events(shop.running)
    assert (message.state, message.body, message.answer) == (MessageState.CONFIRMED, None, None)
    assert audit_kinds(shop.running)[-1] == "event_confirmed"


@pytest.mark.parametrize("code", ["invalid_request", "invalid_key", "invalid_issuer", "invalid_audience"])
def test_400_with_a_code_is_a_refusal_which_is_kept(shop: Client, listener: Listener, code: str) -> None:
    listener.answers(400, f'{{"err": "{code}", "description": "no"}}')
    given_and_withdrawn(shop)
    step(shop.running)
    shop.running.clock.advance(days=3)
    assert step(shop.running) == 0
    [message] = events(shop.running)
    assert (message.state, message.answer) == (MessageState.REFUSED, code)


UNANSWERED = {
    "400 without a code": (400, "", "http_400"),
    "400 with a code that is none": (400, '{"err": "<b>Lin</b>"}', "http_400"),
    "400 with two codes": (400, '{"err": "invalid_key", "err": "invalid_request"}', "http_400"),
    "200, which is no answer of RFC 8935": (200, "", "http_200"),
    "401": (401, "", "http_401"),
    "429": (429, "", "http_429"),
    "500": (500, "", "http_500"),
    "too long": (202, "x" * 70_000, "unanswered"),
}


@pytest.mark.parametrize(("status", "body", "kept"), UNANSWERED.values(), ids=UNANSWERED)
def test_whatever_else_comes_is_no_answer(
    shop: Client, listener: Listener, status: int, body: str, kept: str
) -> None:
    listener.answers(status, body)
    given_and_withdrawn(shop)
    step(shop.running)
    [message] = events(shop.running)
    assert (message.state, message.answer) == (MessageState.WAITING, kept)
    listener.answers(202)
    shop.running.clock.advance(seconds=10)
    step(shop.running)
    assert [message.state for message in events(shop.running)] == [MessageState.CONFIRMED]


def test_a_redirect_is_not_followed(shop: Client, listener: Listener, another_listener: Listener) -> None:
    listener.answers(307, Location=f"{another_listener.url}/elsewhere")
    given_and_withdrawn(shop)
    step(shop.running)
    assert another_listener.received == []
    assert [message.answer for message in events(shop.running)] == ["http_307"]


def test_it_is_tried_again_with_growing_pauses_and_then_no_more(shop: Client, listener: Listener) -> None:
    listener.answers(503)
    given_and_withdrawn(shop)
    for number, pause in enumerate(PAUSES[MessageKind.EVENT], start=1):
        assert step(shop.running) == 1
        assert len(listener.received) == number
        shop.running.clock.advance(seconds=pause.total_seconds() - 1)
        assert step(shop.running) == 0, "not before its time"
        shop.running.clock.advance(seconds=1)
    assert [message.state for message in events(shop.running)] == [MessageState.WAITING]
    assert step(shop.running) == 1
    [message] = events(shop.running)
    assert (message.state, message.body, message.attempts) == (MessageState.NOT_ANSWERED, None, LONGEST)
    shop.running.clock.advance(days=30)
    assert step(shop.running) == 0
    assert len(listener.received) == LONGEST
    assert len(set(listener.tokens)) == 1, "the same token each time"
    assert sorted(PAUSES[MessageKind.EVENT]) == list(PAUSES[MessageKind.EVENT])


def test_a_server_that_is_not_there_is_tried_again(shop: Client, listener: Listener) -> None:
    given_and_withdrawn(shop.running.register(events_uri="http://127.0.0.1:9/events"))
    step(shop.running)
    shop.running.register(events_uri=f"{listener.url}/events")
    shop.running.clock.advance(seconds=10)
    step(shop.running)
    assert [message.state for message in events(shop.running)] == [MessageState.CONFIRMED]


def test_who_takes_its_address_away_meanwhile_is_not_told(shop: Client, listener: Listener) -> None:
    given_and_withdrawn(shop)
    shop.running.register(events_uri=None)
    step(shop.running)
    assert listener.received == []
    [message] = events(shop.running)
    assert (message.state, message.answer) == (MessageState.NOT_ANSWERED, "no_address")


# Who is held up


def test_what_waits_behind_an_unanswered_one_waits_with_it(
    shop: Client, listener: Listener, another_listener: Listener
) -> None:
    other = shop.running.register("other", events_uri=f"{another_listener.url}/events")
    for client in (shop, shop, shop, other):
        given_and_withdrawn(client)
    listener.answers(500)
    step(shop.running)
    assert len(listener.received) == 1, "a server that is down is asked once"
    assert len(another_listener.received) == 1
    listener.answers(202)
    shop.running.clock.advance(seconds=10)
    step(shop.running)
    states = [message.state for message in events(shop.running)]
    assert states == [MessageState.CONFIRMED] * 4


def test_a_party_that_hangs_holds_up_neither_people_nor_other_parties(
    provider: Running, listener: Listener, another_listener: Listener
) -> None:
    listener.hangs()
    shop = provider.register(events_uri=f"{listener.url}/events")
    other = provider.register("other", events_uri=f"{another_listener.url}/events")
    given_and_withdrawn(shop)
    assert listener.came.wait(30), "the provider's own thread is at it now, and stays there"
    given_and_withdrawn(other)
    assert another_listener.came.wait(30)


def test_delivery_outlives_a_fault_of_its_database(
    provider: Running, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([sqlite3.OperationalError("disk I/O error"), StorageBusy("locked")])
    claim = OutgoingMessages.claim

    def fail_at_first(self: OutgoingMessages, tx: Transaction, now: datetime) -> list[Message]:
        if (fault := next(faults, None)) is not None:
            raise fault
        return claim(self, tx, now)

    monkeypatch.setattr(OutgoingMessages, "claim", fail_at_first)
    given_and_withdrawn(provider.register(events_uri=f"{listener.url}/events"))
    assert listener.came.wait(30)


@pytest.mark.parametrize("round_", range(3))
def test_f4_of_two_workers_one_sends(start: Starter, listener: Listener, round_: int) -> None:
    """F4: two workers, one message."""
    one = by_hand(start())
    two = start(beside=one)
    two.provider.delivery.stop()
    given_and_withdrawn(one.register(events_uri=f"{listener.url}/events"))
    barrier = threading.Barrier(2)

    def deliver(running: Running) -> None:
        barrier.wait()
        step(running)

    threads = [threading.Thread(target=deliver, args=(running,)) for running in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listener.received) == 1


def test_what_a_worker_took_and_never_sent_goes_out_a_minute_later(shop: Client, listener: Listener) -> None:
    given_and_withdrawn(shop)
    with shop.running.provider.stores.db.write() as tx:
        assert shop.running.provider.stores.messages.claim(tx, shop.running.clock.now())
    shop.running.clock.advance(seconds=59)
    assert step(shop.running) == 0
    shop.running.clock.advance(seconds=2)
    assert step(shop.running) == 1
    assert len(listener.received) == 1


def test_no_answer_is_kept_but_a_code(shop: Client, listener: Listener) -> None:
    listener.answers(400, '{"err": "invalid_request", "description": "林示例 110101"}')
    given_and_withdrawn(shop)
    step(shop.running)
    with shop.running.provider.stores.db.read() as tx:
        kept = [tuple(row) for row in tx.execute(select(table))]
    assert "林示例" not in repr(kept)


def test_a_message_is_tried_for_almost_two_days() -> None:
    whole = sum(PAUSES[MessageKind.EVENT], timedelta())
    assert timedelta(days=1) < whole < timedelta(days=2)
