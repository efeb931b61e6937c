"""Two workers, each a `netid serve` of its own, on one PostgreSQL: what may happen once happens once."""

import copy
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import pytest
import requests

from netid.credentials.keyring import Keyring
from tests.postgres import empty_database
from tests.protocol import careless_worker
from tests.protocol.forging import Keyed
from tests.protocol.visiting import Visitor
from tests.running import ASSERTION_TYPE, Client, Running, Starter
from tests.serving import PROGRAM, Served, Serving

CARELESS = (str(Path(careless_worker.__file__)),)
TIMES = 8


class Workers:
    """Two servers with one issuer, and a third part of them in this process, which registers and sees."""

    def __init__(
        self, serve: Serving, start: Starter, database_url: str, program: tuple[str, ...] = PROGRAM
    ) -> None:
        key_database_url = f"sqlite:///{serve.directory / 'netid-keys.db'}"
        first = serve(database_url=database_url, program=program)
        first.wait_until_it_answers()
        second = serve(database_url=database_url, issuer=first.address, program=program)
        second.wait_until_it_answers()
        self.served = (first, second)
        self.inside = start(
            issuer=first.address, database_url=database_url, key_database_url=key_database_url
        )

    def at(self, served: Served) -> Running:
        """The provider as it is reached at this worker."""
        there = copy.copy(self.inside)
        there.address = served.address
        return there

    def clients(self, client: Client) -> list[Client]:
        """This relying party at either worker, by turns."""
        return [replace(client, running=self.at(served)) for served in self.served] * (TIMES // 2)

    def code(self, client: Client) -> str:
        """A code, by a sign-in through the pages of the first worker."""
        visitor = Visitor(self.at(self.served[0]))
        back = visitor.walk(replace(client, running=visitor.running).authorize(visitor.browser))
        return self.inside.callback(back).code


@pytest.fixture(scope="module")
def workers(
    tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path, postgres_server: str
) -> Iterator[Workers]:
    """Two workers for the whole file."""
    serve = Serving(tmp_path_factory.mktemp("served"), keyring)
    start = Starter(tmp_path_factory.mktemp("inside"), keyring, template)
    with empty_database(postgres_server) as url:
        try:
            yield Workers(serve, start, url)
        finally:
            serve.end()
            start.end()


def together(act: Callable[[Client], requests.Response], clients: list[Client]) -> list[requests.Response]:
    """The answers to what all of them do at once."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(act, clients))


def test_t2_f4_of_eight_redemptions_at_two_workers_exactly_one_succeeds(workers: Workers) -> None:
    client = workers.inside.register("eight-at-once")
    for _ in range(3):
        code = workers.code(client)
        answers = together(methodcaller("redeem", code), workers.clients(client))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * (TIMES - 1)
        refused = [answer.json()["error"] for answer in answers if answer.status_code == 400]
        assert refused == ["invalid_grant"] * (TIMES - 1)


def test_t1_the_token_of_a_code_that_came_again_is_dead_at_either_worker(workers: Workers) -> None:
    client = workers.inside.register("one-again")
    first, second, *_ = workers.clients(client)
    code = workers.code(client)
    token = first.redeem(code).json()["access_token"]
    assert second.userinfo(token).status_code == 200
    assert second.redeem(code).status_code == 400
    assert [at.userinfo(token).status_code for at in (first, second)] == [401, 401]


def test_p3_an_assertion_counts_once_whichever_worker_sees_it(workers: Workers) -> None:
    party = Keyed.register(workers.inside, "pushing", profile="fapi2")
    assertion = party.assertion()
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def push(at: Client) -> requests.Response:
        return requests.post(at.running.url("/par"), data=at.request() | proof, timeout=10)

    answers = together(push, workers.clients(party.client))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * (TIMES - 1)
    refused = {answer.json()["error"] for answer in answers if answer.status_code == 401}
    assert refused == {"invalid_client"}
    for served in workers.served:
        at = party.at(workers.at(served))
        answer = at.redeem("a-code", assertion)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_p3_an_assertion_at_the_token_endpoint_counts_once(workers: Workers) -> None:
    party = Keyed.register(workers.inside, "keyed")
    code, assertion = workers.code(party.client), party.assertion()

    def redeem(at: Client) -> requests.Response:
        return Keyed(at, party.key).redeem(code, assertion)

    answers = together(redeem, workers.clients(party.client))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * (TIMES - 1)


# The control: this is how it goes where one looks first and writes afterwards


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where both careless workers wait for each other."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        place.settimeout(60)
        monkeypatch.setenv(careless_worker.MEETING_PLACE, str(place.getsockname()[1]))
        yield place


def test_f4_workers_that_look_first_and_write_afterwards_give_a_code_out_twice(
    serve: Serving, start: Starter, postgres_url: str, meeting: socket.socket
) -> None:
    workers = Workers(serve, start, postgres_url, program=CARELESS)
    client = workers.inside.register()
    code = workers.code(client)

    def let_both_go() -> None:
        both = [meeting.accept()[0], meeting.accept()[0]]
        for one in both:
            one.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(let_both_go)
        answers = list(pool.map(lambda at: at.redeem(code), workers.clients(client)[:2]))

    assert [answer.status_code for answer in answers] == [200, 200]
