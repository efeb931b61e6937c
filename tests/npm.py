"""The npm packages that tests lean on, installed as locked."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

_NODE = Path(__file__).parent / "interop" / "node"
_OLDEST_NODE = 20


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """The folder of the npm packages, with all of them in `node_modules`."""
    _require_node()
    installed, lock = _NODE / "node_modules" / ".package-lock.json", _NODE / "package-lock.json"
    with (_NODE / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # several test processes share the folder
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            done = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=_NODE,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                pytest.fail(f"npm ci failed: {done.stderr}")
    return _NODE


def _require_node() -> None:
    for tool, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(tool) is None:
            pytest.fail(
                f"{tool} is missing: install the Debian package {package}, version {_OLDEST_NODE} or newer"
            )
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < _OLDEST_NODE:
        pytest.fail(f"node is {version}: the clients need Node.js {_OLDEST_NODE} or newer")
