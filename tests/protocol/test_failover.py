"""F9: PostgreSQL dies under load and its synchronous standby takes over; nothing acknowledged is lost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

import pytest

from tests.postgres import Cluster
from tests.protocol.traffic import Acknowledged, missing, traffic
from tests.running import Client, Running, Starter

A_FEW = 5
_TURNS = 600
_TURN_SECONDS = 0.1


def until(true: Callable[[], bool]) -> None:
    """Waits for it, as long as a test may."""
    for _ in range(_TURNS):
        if true():
            return
        Event().wait(_TURN_SECONDS)
    pytest.fail("it did not happen")


@dataclass
class Pair:
    """A server, its standby, and a provider that writes to whichever of them takes it."""

    primary: Cluster
    standby: Cluster
    running: Running

    def fail_over(self) -> None:
        self.primary.stop("immediate")
        self.standby.promote()

    def fail_over_under_load(self, shop: Client) -> Acknowledged:
        """People sign in before it, while it lasts and after it."""
        with traffic(shop) as acknowledged:
            until(lambda: len(acknowledged.tokens) >= A_FEW)
            self.fail_over()
            before = len(acknowledged.tokens)
            until(lambda: len(acknowledged.tokens) >= before + A_FEW)
        return acknowledged


@pytest.fixture
def pair(start: Starter) -> Iterator[Pair]:
    primary = Cluster()
    clusters = [primary]
    try:
        primary.make()
        primary.execute("CREATE DATABASE netid")
        standby = primary.standby()
        clusters.append(standby)
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        until(lambda: ("sync",) in primary.execute("SELECT sync_state FROM pg_stat_replication"))
        hosts = f"{primary.folder},{standby.folder}"
        url = f"postgresql://postgres@/netid?host={hosts}&target_session_attrs=read-write"
        running = start(database_url=url)
        yield Pair(primary, standby, running)
        running.provider.close()
    finally:
        for cluster in clusters:
            cluster.remove()


def test_f9_nothing_acknowledged_is_lost_when_the_standby_takes_over(pair: Pair) -> None:
    acknowledged = pair.fail_over_under_load(pair.running.register())
    assert missing(pair.running.provider.stores, acknowledged) == []
    assert acknowledged.refused[503] > 0, "nobody noticed anything"
    assert set(acknowledged.refused) <= {303, 400, 503}


def test_f9_with_a_standby_that_had_fallen_behind_the_loss_would_be_found(pair: Pair) -> None:
    """The control: the primary no longer waits for the standby, which hears of nothing any more."""
    shop = pair.running.register()
    pair.primary.execute("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
    pair.standby.execute("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
    until(lambda: pair.standby.execute("SELECT pid FROM pg_stat_wal_receiver") == [])
    acknowledged = pair.fail_over_under_load(shop)
    assert "a code is gone" in missing(pair.running.provider.stores, acknowledged)
