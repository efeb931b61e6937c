"""One server whose realms the tests of a file share, and its management API."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from netid.ambient import Ambient
from netid.app import Provider, build
from netid.control.realm import Realm
from netid.control.realms import Realms
from netid.credentials.keyring import Keyring
from tests.running import MANAGEMENT_TOKEN, Clock, settings_for


class Api:
    """The management API, called as over HTTP."""

    def __init__(self, provider: Provider, token: str = MANAGEMENT_TOKEN) -> None:
        assert provider.management is not None
        self._client = Client(provider.management)
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        headers = self._headers | options.pop("headers", {})
        caller = {"REMOTE_ADDR": "127.0.0.1"} | options.pop("environ_overrides", {})
        return self._client.open(
            path, method=method, json=body, headers=headers, environ_overrides=caller, **options
        )

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a call that has to succeed."""
        answer = self(method, path, body)
        assert answer.status_code < 300, (answer.status_code, answer.text)
        return answer.json if answer.data else None


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The server's own clock."""
    return Clock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, clock: Clock) -> Iterator[Provider]:
    """A provider below a path."""
    settings = settings_for(tmp_path_factory.mktemp("server"), "http://127.0.0.1:1/netid")
    provider = build(settings, keyring, Ambient(now=clock.now, random=Ambient.real().random))
    yield provider
    provider.close()


@pytest.fixture
def realms(server: Provider) -> Realms:
    """The server's realms."""
    assert server.realms is not None
    return server.realms


@pytest.fixture
def realm(realms: Realms) -> Iterator[Realm]:
    """One realm."""
    made = realms.create()
    yield made
    if made in realms.all():
        realms.drop(made.id)


@pytest.fixture
def api(server: Provider) -> Api:
    """Its management API."""
    return Api(server)
