"""Realms: each is a whole provider of its own below one server, and leaves nothing behind."""

import gc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Lock
from typing import Any

import psutil
import pytest
from werkzeug.test import Client

from netid.app import Provider
from netid.control.realm import Realm
from netid.control.realms import Realms
from netid.errors import InvalidField, NotFound
from tests.running import Clock

ROOMS = 200


def path_of(realm: Realm) -> str:
    return f"/netid/realms/{realm.id}"


def test_a_realm_describes_itself_in_both_well_known_forms(server: Provider, realm: Realm) -> None:
    browser = Client(server.wsgi)
    for address in (
        f"{path_of(realm)}/.well-known/openid-configuration",
        f"{path_of(realm)}/.well-known/oauth-authorization-server",
        f"/.well-known/openid-configuration{path_of(realm)}",
        f"/.well-known/oauth-authorization-server{path_of(realm)}",
    ):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert answer.json == answer.json | {
            "issuer": realm.issuer,
            "token_endpoint": f"{realm.issuer}/token",
        }
    assert realm.issuer == f"http://127.0.0.1:1{path_of(realm)}"


def test_the_server_still_answers_as_itself(server: Provider, realm: Realm) -> None:
    answer = Client(server.wsgi).get("/netid/.well-known/openid-configuration")
    assert answer.json is not None
    assert answer.json["issuer"] == "http://127.0.0.1:1/netid"


def test_a_realms_cookies_stay_below_its_path(server: Provider, realm: Realm) -> None:
    answer = Client(server.wsgi).get(f"{path_of(realm)}/records")
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    assert all(f"Path={path_of(realm)}" in cookie.split("; ") for cookie in cookies)


def test_a_realm_does_not_take_the_servers_cookies_for_its_own(server: Provider, realm: Realm) -> None:
    """A browser sends those of every path above, too."""
    answers = [Client(server.wsgi).get(f"{path}/records") for path in ("/netid", path_of(realm))]
    set_, own = ({one.split("=")[0] for one in answer.headers.getlist("Set-Cookie")} for answer in answers)
    assert set_
    assert own
    assert set_.isdisjoint(own)


def test_a_dropped_realm_leaves_nothing(server: Provider, realms: Realms) -> None:
    realm = realms.create()
    assert realm.directory.exists()

    realms.drop(realm.id)

    assert not realm.directory.exists()
    assert Client(server.wsgi).get(f"{path_of(realm)}/jwks").status_code == 404
    with pytest.raises(NotFound):
        realms.drop(realm.id)


def test_realms_that_are_asked_for_at_once_are_built_one_after_the_other(
    realms: Realms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CPython 3.11 fails now and then where two threads parse the code of routes at once."""
    build, alone = realms._build, Lock()

    def watched(*parts: Any) -> Any:
        assert alone.acquire(blocking=False), "two at once"
        try:
            return build(*parts)
        finally:
            alone.release()

    monkeypatch.setattr(realms, "_build", watched)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: realms.create(), range(8)))
    for realm in made:
        realms.drop(realm.id)


def test_an_expired_realm_is_gone_at_once_and_swept_away(
    server: Provider, realms: Realms, clock: Clock
) -> None:
    realm = realms.create(timedelta(minutes=10))

    clock.advance(minutes=10)

    assert realm not in realms.all()
    assert Client(server.wsgi).get(f"{path_of(realm)}/jwks").status_code == 404
    realms.sweep()
    assert not realm.directory.exists()


def test_two_realms_have_clocks_of_their_own(realms: Realms, realm: Realm) -> None:
    other = realms.create()
    realm.clock.advance(timedelta(days=400))
    assert timedelta(days=399) < realm.clock.now() - other.clock.now() < timedelta(days=401)
    realms.drop(other.id)


@pytest.mark.parametrize("amount", [timedelta(seconds=-1), timedelta(days=3_000_000)])
def test_a_clock_does_not_leave_the_calendar(realm: Realm, amount: timedelta) -> None:
    with pytest.raises(InvalidField):
        realm.clock.advance(amount)
    assert realm.clock.ahead == timedelta()


def test_rotated_keys_sign_and_the_old_ones_stay_published(server: Provider, realm: Realm) -> None:
    browser = Client(server.wsgi)

    def published() -> list[str]:
        answer = browser.get(f"{path_of(realm)}/jwks").json
        assert answer is not None
        return [key["kid"] for key in answer["keys"]]

    before = published()
    realm.rotate_keys()
    after = published()
    assert set(before) < set(after)
    assert len(after) == len(before) + 3
    assert browser.get(f"{path_of(realm)}/").status_code == 200


def test_a_reset_realm_is_as_it_began(server: Provider, realms: Realms, realm: Realm) -> None:
    browser = Client(server.wsgi)
    before = browser.get(f"{path_of(realm)}/jwks").json
    realm.clock.advance(timedelta(days=1))
    realm.rotate_keys()

    realm.reset()

    assert realm.clock.ahead == timedelta()
    assert browser.get(f"{path_of(realm)}/jwks").json == before
    assert realm.capture.counts() == {"/jwks": 1}


def test_two_hundred_realms_grow_neither_memory_nor_files(server: Provider, realms: Realms) -> None:
    process, browser = psutil.Process(), Client(server.wsgi)
    seen = []
    for number in range(ROOMS):
        realm = realms.create()
        assert browser.get(f"{path_of(realm)}/jwks").status_code == 200
        realms.drop(realm.id)
        if number in (ROOMS // 2, ROOMS - 1):  # every cache is warm by the first
            gc.collect()
            kept = process.memory_info().rss, len(gc.get_objects())
            seen.append((*kept, process.num_fds(), process.num_threads()))
    [(resident, objects, files, threads), (resident_later, objects_later, files_later, threads_later)] = seen
    assert resident_later - resident < 4 * 2**20
    assert objects_later - objects < 500
    assert files_later - files < 10  # the server's own housekeeping may open its database meanwhile
    assert threads_later == threads
    assert realms.directory is not None
    left = {entry.name.partition("-")[0] for entry in realms.directory.iterdir()}
    assert left == {"template", "owner.lock"}
