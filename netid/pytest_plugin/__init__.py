"""The pytest plugin: a test that takes `netid` has a provider of its own.

`--netid-server` says where realms come from: `thread` (the default) serves them on loopback from this
process, `in-process` opens no socket, and a URL is the management port of a server that runs already,
whose token is in NETID_MANAGEMENT_TOKEN.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from netid.pytest_plugin.realm import NetID
    from netid.pytest_plugin.servers import Server

# Every pytest run of an environment that has NetID loads this module: what is heavy waits for its test.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --netid-server."""
    parser.getgroup("netid").addoption(
        "--netid-server",
        default=os.environ.get("NETID_SERVER", "thread"),
        help="thread, in-process, or the URL of a running server's management port ($NETID_SERVER; thread)",
    )


@pytest.fixture(scope="session")
def netid_server(request: pytest.FixtureRequest) -> "Iterator[Server]":
    """What makes the realms of this test process."""
    from netid.pytest_plugin import servers

    chosen = str(request.config.getoption("--netid-server"))
    server = servers.start(chosen, os.environ.get("NETID_MANAGEMENT_TOKEN", ""))
    yield server
    server.close()


@pytest.fixture
def netid(netid_server: "Server") -> "Iterator[NetID]":
    """A realm of the test's own: people, relying parties, outcomes, clock, faults, captured requests."""
    from netid.pytest_plugin.realm import NetID

    realm = NetID(netid_server)
    yield realm
    realm.drop()
