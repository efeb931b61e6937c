"""Relying parties that nobody has met yet, and the post-condition of every refusal."""

from collections.abc import Callable
from itertools import count

import pytest
import requests

from netid.storage.single_use import Kind
from tests.protocol.refusals import Refusal, Refusals, rows
from tests.running import Client, Running

_NUMBERS = count(1)

NotTaken = Callable[..., Refusal]


@pytest.fixture
def shop(shared: Running) -> Client:
    """A relying party at the provider that the file shares."""
    return shared.register(f"shop-{next(_NUMBERS)}")


@pytest.fixture
def another_shop(shared: Running) -> Client:
    """A second one, of another legal entity."""
    return shared.register(f"other-{next(_NUMBERS)}")


@pytest.fixture
def refused(caplog: pytest.LogCaptureFixture) -> Refusals:
    """Asserts that an act is refused, and that it leaves nothing else behind."""
    return Refusals(caplog)


@pytest.fixture
def bank(shared: Running) -> Client:
    """A relying party of profile fapi2."""
    return shared.register(f"bank-{next(_NUMBERS)}", profile="fapi2")


@pytest.fixture
def not_taken(refused: Refusals) -> NotTaken:
    """Asserts that an authenticated push is refused and on record, and that no request_uri comes of it."""

    def refuse(client: Client, act: Callable[[], requests.Response], error: str, *secrets: str) -> Refusal:
        before = _pushed(client.running)
        effects = {"single_use"} if client.key else set()  # the assertion's jti
        refusal = refused(
            client.running, act, 400, error, effects=effects, audited=("push_refused",), secrets=secrets
        )
        assert _pushed(client.running) == before
        return refusal

    return refuse


def _pushed(running: Running) -> list[tuple[object, ...]]:
    """What is stored of pushed requests."""
    return [row for row in rows(running)["single_use"] if row[0] == Kind.REQUEST_URI]


@pytest.fixture(params=["authorize", "par"])
def asked_wrongly(request: pytest.FixtureRequest, refused: Refusals, not_taken: NotTaken) -> NotTaken:
    """Asserts that a request is refused: by redirect at /authorize, as JSON where it is pushed."""

    def refuse(client: Client, error: str, **changes: str | None) -> Refusal:
        if request.param == "par":
            return not_taken(client, lambda: client.push(**changes), error)
        return refused(client.running, lambda: client.authorize(**changes), 303, error)

    return refuse
