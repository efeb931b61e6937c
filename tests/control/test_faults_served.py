"""`netid serve` in test mode with a line in front: realms are reached through it, and it goes wrong."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from netid.ambient import Ambient
from netid.settings import PREFIX, SettingsError, read_settings
from netid.storage.key_files import init_keys
from tests.running import MANAGEMENT_TOKEN, listen

SECONDS_TO_START = 60


def free_port() -> int:
    with listen() as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("PORT", "LINE_PORT", "MANAGEMENT_PORT")}


@pytest.fixture
def environment(tmp_path: Path, ports: dict[str, int]) -> dict[str, str]:
    """The settings of a server in test mode with a line."""
    init_keys(tmp_path / "keys", Ambient.real())
    chosen: dict[str, Any] = {
        "MODE": "test",
        "ISSUER": f"http://127.0.0.1:{ports['LINE_PORT']}",
        "KEYS": tmp_path / "keys",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'netid.db'}",
        "KEY_DATABASE_URL": f"sqlite:///{tmp_path / 'keys.db'}",
        "MANAGEMENT_TOKEN": MANAGEMENT_TOKEN,
        **ports,
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return own | {f"{PREFIX}{name}": str(value) for name, value in chosen.items()}


def answers(server: subprocess.Popen[bytes], url: str) -> None:
    """Returns once the address answers; fails when the server ends or takes too long."""
    latest = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < latest:
        try:
            requests.get(url, timeout=10).raise_for_status()
        except requests.RequestException:
            try:
                server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
        break
    pytest.fail("the server did not come up")


def test_a_realm_is_reached_through_the_line_and_its_keys_become_unreachable(
    environment: dict[str, str], ports: dict[str, int]
) -> None:
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {MANAGEMENT_TOKEN}"
    management = f"http://127.0.0.1:{ports['MANAGEMENT_PORT']}"
    with subprocess.Popen([sys.executable, "-m", "netid.cli", "serve"], env=environment) as server:
        try:
            answers(server, f"http://127.0.0.1:{ports['LINE_PORT']}/jwks")
            struck, spared = (api.post(f"{management}/realms").json() for _ in range(2))
            fault = {"endpoint": "jwks", "fault": "reset", "count": 1}
            declared = api.post(f"{management}/realms/{struck['id']}/faults", json=fault)
            assert declared.status_code == 201, declared.text

            assert struck["issuer"].startswith(f"http://127.0.0.1:{ports['LINE_PORT']}/realms/")
            assert requests.get(f"{spared['issuer']}/jwks", timeout=10).json()["keys"]
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{struck['issuer']}/jwks", timeout=10)
            assert requests.get(f"{struck['issuer']}/jwks", timeout=10).json()["keys"]
        finally:
            server.terminate()


@pytest.mark.parametrize(
    "changes",
    [
        {"MODE": "serve"},
        {"MODE": "demo"},
        {"MANAGEMENT_PORT": None},
        {"ISSUER": "http://127.0.0.1:1"},
        {"ISSUER": "http://127.0.0.1"},
        {"PORT": "8002", "LINE_PORT": "8002", "ISSUER": "http://127.0.0.1:8002"},
    ],
    ids=str,
)
def test_a_line_that_nothing_would_go_through_stops_the_start(
    environment: dict[str, str], changes: dict[str, str | None]
) -> None:
    given: dict[str, str | None] = environment | {PREFIX + name: value for name, value in changes.items()}
    with pytest.raises(SettingsError):
        read_settings({name: value for name, value in given.items() if value is not None})
    assert read_settings(environment).line_port
