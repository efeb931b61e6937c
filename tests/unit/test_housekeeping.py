"""What has expired is forgotten, and what is still good stays."""

from sqlalchemy import func, select

from netid.storage.tables import access_tokens, interactions, sessions, single_use
from tests.running import Running

TABLES = (access_tokens, interactions, sessions, single_use)


def rows(provider: Running) -> list[int]:
    with provider.provider.stores.db.read() as tx:
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES]


def test_nothing_is_forgotten_before_its_time(provider: Running) -> None:
    tokens = provider.register().tokens()
    before = rows(provider)
    assert all(before)
    provider.provider.housekeeping.forget()
    assert rows(provider) == before
    assert provider.register().userinfo(tokens["access_token"]).status_code == 200


def test_everything_is_forgotten_after_a_day(provider: Running) -> None:
    shop = provider.register()
    shop.tokens()
    provider.clock.advance(days=1)
    assert provider.provider.housekeeping.forget() >= len(TABLES)
    assert rows(provider) == [0] * len(TABLES)
