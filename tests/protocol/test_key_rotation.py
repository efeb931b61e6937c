"""Keys change under a running provider, and nobody who keeps to the rules of caching notices."""

import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
import requests

from netid.ambient import Ambient
from netid.credentials import base64url, jose, keyring_file, strict_json
from netid.credentials.jwk import PublicKeySet
from netid.credentials.keyring import Keyring
from netid.storage.key_files import KEYRING_FILE, WatchedKeys, retire_key, rotate_keys
from tests.protocol.meddling import person_id_of
from tests.running import Client, Running, Starter

MAX_AGE = timedelta(seconds=300)
"""How long /jwks may be kept, as its Cache-Control says."""

Workers = tuple[Running, Running]


@pytest.fixture
def key_directory(tmp_path: Path, keyring: Keyring) -> Path:
    """The keys of all tests in a file of this one."""
    directory = tmp_path / "keys"
    directory.mkdir()
    (directory / KEYRING_FILE).write_bytes(keyring_file.serialise(keyring))
    (directory / KEYRING_FILE).chmod(0o600)
    return directory


@pytest.fixture
def workers(start: Starter, key_directory: Path) -> Workers:
    """Two workers; each watches the key file for itself."""
    first = start(latest=WatchedKeys(key_directory))
    return first, start(beside=first, latest=WatchedKeys(key_directory))


def ambient(running: Running) -> Ambient:
    return Ambient(now=running.clock.now, random=secrets.token_bytes)


def published(running: Running) -> list[dict[str, str]]:
    answer = requests.get(running.url("/jwks"), timeout=10)
    assert answer.headers["Cache-Control"] == f"public, max-age={int(MAX_AGE.total_seconds())}"
    keys: list[dict[str, str]] = answer.json()["keys"]
    return keys


def kid_of(token: str) -> str:
    return str(strict_json.parse_object(base64url.decode(token.split(".")[0]))["kid"])


class StrictCache:
    """A relying party that keeps /jwks as long as it may, and asks for no unknown key before."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._kept: tuple[datetime, jose.Pinned] | None = None

    def verify(self, token: str) -> None:
        """Raises TokenRefused."""
        now = self._running.clock.now()
        if self._kept is None or now - self._kept[0] >= MAX_AGE:
            self._kept = now, jose.Pinned(PublicKeySet.from_jwks({"keys": published(self._running)}))
        jose.verify(token, key_source=self._kept[1], algorithms=("ES256", "RS256"), typ=None)


class SignIns:
    """A thread of sign-ins that go from worker to worker, until it is told to stop."""

    def __init__(self, workers: Workers, client_id: str, algorithm: str, moves: Callable[[], int]) -> None:
        here = workers[0].register(client_id, id_token_signed_response_alg=algorithm)
        self._at = [here, Client(workers[1], here.relying_party, here.secret, here.verifier)]
        self._cache = StrictCache(workers[1])
        self._moves = moves
        self._one_before: str | None = None
        self.count = 0
        self.stopping = Event()

    def run(self) -> None:
        """Raises what fails."""
        while not self.stopping.is_set():
            self._sign_in()

    def _sign_in(self) -> None:
        before = self._moves()
        first, second = self._at
        code = first.headless().code
        answer = second.redeem(code)
        if answer.status_code == 400 and self._moves() != before:
            return  # time was moved on between code and token, which lives for a minute
        assert answer.status_code == 200, answer.text
        token = answer.json()["id_token"]
        for shown in (token, self._one_before or token):
            self._cache.verify(shown)
        self._one_before = token
        self._at.reverse()
        self.count += 1


def test_f12_rotations_under_load_fail_no_verification(workers: Workers, key_directory: Path) -> None:
    """Two rotations in 300 seconds, caches of up to 300, two workers, both algorithms."""
    clock, moves = workers[0].clock, [0]
    clock.stop()
    sign_ins = [
        SignIns(workers, f"shop-{algorithm.lower()}", algorithm, lambda: moves[0])
        for algorithm in ("ES256", "RS256")
    ]
    kids = set()
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(one.run) for one in sign_ins]
        try:
            for step in range(18):
                if step % 3:
                    rotate_keys(key_directory, ambient(workers[0]))
                clock.advance(seconds=100)
                moves[0] += 1
                wait_for_more(sign_ins, running)
                kids |= {key["kid"] for key in published(workers[0])}
        finally:
            for one in sign_ins:
                one.stopping.set()
    for one in running:
        one.result()
    assert len(kids) == 6 + 12 * 3


def wait_for_more(sign_ins: list[SignIns], running: "list[Future[None]]") -> None:
    """Until each has signed in twice more under the keys and the time of now, or one has failed."""
    goals = [one.count + 2 for one in sign_ins]
    while any(one.count < goal for one, goal in zip(sign_ins, goals, strict=True)):
        if wait(running, timeout=0.005).done:
            return


def test_a_rotation_is_seen_by_every_worker_without_a_restart(workers: Workers, key_directory: Path) -> None:
    client = workers[0].register()
    before = kid_of(client.tokens()["id_token"])
    announced = {key["kid"] for key in published(workers[0])}

    rotate_keys(key_directory, ambient(workers[0]))

    after = kid_of(client.tokens()["id_token"])
    assert after != before
    assert {before, after} <= announced
    assert published(workers[0]) == published(workers[1])
    assert {before, after} <= {key["kid"] for key in published(workers[1])}


def test_a_retired_key_verifies_nothing_from_now_on(workers: Workers, key_directory: Path) -> None:
    client = workers[0].register()
    token = client.tokens()["id_token"]

    retire_key(key_directory, kid_of(token), ambient(workers[0]))

    for worker in workers:
        assert kid_of(token) not in {key["kid"] for key in published(worker)}
    assert kid_of(client.tokens()["id_token"]) in {key["kid"] for key in published(workers[1])}


def test_a_receipt_is_verified_by_what_is_published_years_and_rotations_later(
    workers: Workers, key_directory: Path
) -> None:
    running = workers[0]
    running.register().tokens(scope="openid netid.verify netid.purpose.real-name-parcel")
    with running.provider.stores.db.read() as tx:
        record = running.provider.stores.consents.list(tx, person_id_of(running, "an-adult"))[0].record
    for _ in range(3):
        running.clock.advance(days=400)
        rotate_keys(key_directory, ambient(running))

    keys = jose.Pinned(PublicKeySet.from_jwks({"keys": published(running)}))
    jose.verify(record, key_source=keys, algorithms=("ES256",), typ="netid-receipt+jwt")
    # Of ID tokens: the one that has just ended, the one that signs, the one that waits.
    assert len(published(running)) == 5 + 2 * 3
