"""F7: a database that may only be read. What writes says so, what only reads goes on, and it heals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
import requests

from tests.protocol.refusals import Refusals
from tests.protocol.visiting import Visitor
from tests.running import Running, Starter

ReadOnly = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, start: Starter) -> Running:
    if request.param == "sqlite":
        return start()
    return start(database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def read_only(running: Running) -> ReadOnly:
    """Lets the database refuse writes meanwhile, as after a remount or on a standby."""
    db = running.provider.stores.db

    @contextmanager
    def on_sqlite() -> Iterator[None]:
        with db.write() as tx:
            tx.exec_driver_sql("PRAGMA query_only=ON")
        yield
        with db.read(), db._file.turn(1):  # type: ignore[union-attr]
            db._file.writer().execute("PRAGMA query_only=OFF")  # type: ignore[union-attr]

    @contextmanager
    def on_postgresql() -> Iterator[None]:
        with psycopg.connect(running.provider.settings.database_url, autocommit=True) as admin:
            [name] = admin.execute("SELECT quote_ident(current_database())").fetchone() or []
            for setting in ("on", "off"):
                admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}")
                db._engine.dispose()
                if setting == "on":
                    yield

    return on_sqlite if db.is_sqlite else on_postgresql


def test_f7_what_writes_answers_503_and_what_reads_goes_on(
    running: Running, read_only: ReadOnly, refused: Refusals
) -> None:
    client = running.register()
    code, token = client.headless().code, client.tokens()["access_token"]
    visitor = Visitor(running)
    page = visitor.open(client.authorize(visitor.browser))

    with read_only():
        for address in ("/.well-known/openid-configuration", "/jwks", "/openapi.json", "/"):
            assert requests.get(running.url(address), timeout=10).status_code == 200
        assert client.userinfo(token).status_code == 200
        told = [
            refused(running, lambda: client.redeem(code), 503, "temporarily_unavailable"),
            refused(running, client.push, 503, "temporarily_unavailable"),
            refused(
                running, lambda: client.post("/revoke", {"token": token}), 503, "temporarily_unavailable"
            ),
            refused(running, lambda: visitor.send(page, who=visitor.who), 503, None),
        ]
        assert {answer.response.headers["Retry-After"] for answer in told} == {"1"}
        refused(running, client.authorize, 303, "temporarily_unavailable")

    assert client.redeem(code).status_code == 200
    assert visitor.send(page, who=visitor.who).status_code == 303
