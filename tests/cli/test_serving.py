"""`netid serve` as a process: how it ends, and what it is made of."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest
import requests

from netid.cli.serve import THREADS
from tests.serving import Served, Serving

REQUEST = b"grant_type=authorization_code&code=x"
HEAD = (
    b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n" % len(REQUEST)
)

REGISTERED = """
relying_parties:
  - client_id: shop
    name: {zh: 小店, en: Shop}
    contact: privacy@shop.example
    legal_entity: {name: {zh: 小店有限公司, en: Shop Ltd}, sector: shop.example}
    redirect_uris: [http://localhost:5000/callback]
    authentication: client_secret_basic
    secret: a-secret-of-at-least-32-characters-please
  - client_id: lock
    name: {zh: 门锁, en: Lock}
    contact: privacy@lock.example
    legal_entity: {name: {zh: 门锁有限公司, en: Lock Ltd}, sector: lock.example}
    redirect_uris: [http://localhost:5001/callback]
    jwks_uri: http://127.0.0.1:9/jwks
"""


def refuses_connections(served: Served) -> bool:
    """Whether nobody listens any more; waits for it, for as long as a test may."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    for _ in range(2000):
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            return True
        threading.Event().wait(0.005)
    return False


def test_f5_at_sigterm_what_is_in_flight_finishes_and_new_is_refused(serve: Serving) -> None:
    served = serve()
    served.wait_until_it_answers()
    host, _, port = served.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as in_flight:
        in_flight.sendall(HEAD + REQUEST[:10])
        requests.get(f"{served.address}/jwks", timeout=10)  # by now the half request has been taken
        served.process.terminate()
        assert refuses_connections(served)
        assert served.process.poll() is None

        in_flight.sendall(REQUEST[10:])
        assert in_flight.makefile("rb").readline() == b"HTTP/1.1 401 Unauthorized\r\n"
    assert served.process.wait(30) == 0
    started, refused = served.end().splitlines()
    assert started == f"{served.address}, mode demo, {serve.database}: running"
    assert refused.endswith("netid.refused: POST token.exchange: InvalidClient no authentication")


@pytest.mark.parametrize("key", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "terminal closed"])
def test_a_terminal_ends_it_in_order_and_nothing_is_left(serve: Serving, key: signal.Signals) -> None:
    served = serve()
    served.wait_until_it_answers()
    parts = served.tree()
    served.press(key)
    assert served.process.wait(30) == 0
    assert not psutil.wait_procs(parts, timeout=20)[1]
    assert served.end().splitlines()[1:] == []


def test_why_a_client_was_refused_is_in_the_log_and_its_secret_is_not(serve: Serving) -> None:
    """The answer is the same for all three, lest anybody learn who is registered."""
    registered = serve.directory / "relying-parties.yaml"
    registered.write_text(REGISTERED)
    served = serve(relying_parties=registered)
    served.wait_until_it_answers()
    for client, secret in (
        ("nobody", "a-wrong-secret"),
        ("shop", "a-wrong-secret"),
        ("lock", "a-wrong-secret"),
    ):
        answer = requests.post(
            f"{served.address}/token", data={"grant_type": "x"}, auth=(client, secret), timeout=10
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    said = served.end()
    for cause in (
        "no such client is registered",
        "the secret is not the registered one",
        "it came by client_secret_basic; registered is private_key_jwt",
    ):
        assert cause in said
    assert "a-wrong-secret" not in said


_TIMES = 5
"""How often the others ask: by then each thread that can be held is."""


@contextmanager
def connections(served: Served, count: int, sent: bytes) -> Iterator[None]:
    """So many clients that have sent this much and say nothing more."""
    host, _, port = served.address.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            client.sendall(sent)
        yield


def ask(served: Served, seconds: int) -> None:
    """Others ask, and are answered in that time."""
    for _ in range(_TIMES):
        assert requests.get(f"{served.address}/jwks", timeout=seconds).status_code == 200
        answer = requests.post(f"{served.address}/token", data={"grant_type": "x"}, timeout=seconds)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("count", "sent"),
    [
        pytest.param(200, b"", id="nothing"),
        pytest.param(200, b"POST /token HTTP/1.1\r\nHost: x\r\nContent-", id="half a head"),
        pytest.param(THREADS - 2, HEAD + REQUEST[:10], id="half a body"),
    ],
)
def test_f16_clients_that_stop_in_the_middle_hold_nobody_else_up(
    serve: Serving, count: int, sent: bytes
) -> None:
    served = serve()
    served.wait_until_it_answers()
    with connections(served, count, sent):
        ask(served, seconds=10)
    ask(served, seconds=10)


def test_f16_with_every_thread_held_others_wait_as_long_as_the_clients_stay(serve: Serving) -> None:
    """The control: what the test above would see if stalled clients held the server."""
    served = serve()
    served.wait_until_it_answers()
    with connections(served, THREADS, HEAD + REQUEST[:10]), pytest.raises(requests.ReadTimeout):
        ask(served, seconds=3)
    ask(served, seconds=10)


def test_a_worker_that_dies_is_replaced(serve: Serving) -> None:
    served = serve()
    served.wait_until_it_answers()
    first, *workers = served.tree()
    assert len(workers) == 1
    workers[0].kill()
    workers[0].wait(10)
    served.wait_until_it_answers()
    assert first.is_running()


def test_a_port_that_somebody_has_is_not_shared(serve: Serving) -> None:
    """Two providers on one port would answer by turns."""
    served = serve()
    served.wait_until_it_answers()
    port = int(served.address.rpartition(":")[2])
    other = serve(port=port)
    assert other.process.wait(60) == 2
    assert f"127.0.0.1 port {port} cannot be listened on" in other.end()
