"""The plugin's three modes, and several test processes at once, each as a user would run them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import MANAGEMENT_TOKEN, Starter

TESTS = """
import pytest

@pytest.mark.parametrize("turn", range(3))
def test_a_realm_of_its_own(netid, turn):
    assert netid.requests.all() == []
    shop = netid.relying_party("shop", essential=["name"])
    person = netid.person(age=20 + turn, name="陈样本")
    netid.advance(days=turn)
    assert dict(shop.login(person).fields()) == {"name": "陈样本"}
    assert netid.requests.take("/token", status=200).client_id == "shop"
    assert netid.requests.count("/token") == 1
"""
LIGHT = """
import sys

def test_light():
    assert not {"netid.app", "flask", "sqlalchemy"} & sys.modules.keys()
"""


@pytest.fixture
def users_tests(tmp_path: Path) -> Path:
    """A directory of somebody else's tests."""
    (tmp_path / "test_users.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    return tmp_path


@contextmanager
def run(directory: Path, *arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A pytest of the user's own, without the other plugins of this environment; ended with the block."""
    plugins = ["-p", "netid.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, *arguments]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    with subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def passed(process: "subprocess.Popen[str]") -> None:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "3 passed" in output


@pytest.mark.parametrize("mode", ["thread", "in-process"])
def test_each_mode_gives_every_test_a_realm(users_tests: Path, mode: str) -> None:
    with run(users_tests, f"--netid-server={mode}") as process:
        passed(process)


def test_under_xdist(users_tests: Path) -> None:
    with run(users_tests, "-p", "xdist", "-n", "2") as process:
        passed(process)


def test_two_test_processes_share_one_server(users_tests: Path, start: Starter) -> None:
    server = start()
    environment = {"NETID_SERVER": server.management_url, "NETID_MANAGEMENT_TOKEN": MANAGEMENT_TOKEN}
    with run(users_tests, **environment) as one, run(users_tests, **environment) as other:
        passed(one)
        passed(other)
    assert server.provider.realms is not None
    assert server.provider.realms.all() == []


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("treads", "choose thread, in-process, or a URL"),
        ("http://127.0.0.1:9", "NETID_MANAGEMENT_TOKEN is not set"),
    ],
)
def test_a_server_that_cannot_be_is_said_so(users_tests: Path, chosen: str, said: str) -> None:
    with run(users_tests, f"--netid-server={chosen}", "-x", NETID_MANAGEMENT_TOKEN="") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said in output


def test_a_server_that_does_not_run_is_said_so(users_tests: Path) -> None:
    with run(
        users_tests, "-x", NETID_SERVER="http://127.0.0.1:9", NETID_MANAGEMENT_TOKEN="a-token"
    ) as process:
        output, _ = process.communicate(timeout=60)
    assert "no management port answers at http://127.0.0.1:9; is it running?" in output


def test_the_plugin_loads_no_provider_before_a_test_asks(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(LIGHT, encoding="utf-8")
    with run(tmp_path) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
