"""The three peers, each started as its own documentation starts it, installed from lock files with hashes."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from tests.bench.browser import Answer, UnexpectedAnswer, forms
from tests.bench.server import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Server

_ROOT = Path(__file__).parents[2]
_NODE = Path(__file__).parent / "node"
_VENV = _ROOT / "var" / "bench-venv"
_LOCK = _ROOT / "requirements" / "bench.txt"
_OLDEST_NODE = 20


class ToolMissing(Exception):
    """A program that the bench needs is not on this machine, or too old."""


class OidcProviderMock(Server):
    """oidc-provider-mock (PyPI): its command, its form with a subject to type."""

    name = "oidc-provider-mock"

    def command(self, port: int) -> list[str | Path]:
        return [_VENV / "bin" / "python", "-m", "oidc_provider_mock", "--port", str(port)]

    def answer(self, page: Answer) -> tuple[str, Mapping[str, str]]:
        form = forms(page)[0]
        return form.action, {**form.fields, "sub": "alice@example.org"}


class OidcProvider(Server):
    """oidc-provider (npm) with its development pages: a sign-in form, then a consent form."""

    name = "oidc-provider"

    def command(self, port: int) -> list[str | Path]:
        return ["node", _NODE / "oidc_provider.mjs", str(port), REDIRECT_URI, CLIENT_ID, CLIENT_SECRET]

    def answer(self, page: Answer) -> tuple[str, Mapping[str, str]]:
        form = forms(page)[0]
        match form.fields.get("prompt"):
            case "login":
                return form.action, {**form.fields, "login": "alice", "password": "any"}
            case "consent":
                return form.action, form.fields
        raise UnexpectedAnswer(f"{self.name} showed a page without a known form")


class OAuth2MockServer(Server):
    """oauth2-mock-server (npm): no pages, it redirects at once."""

    name = "oauth2-mock-server"

    def command(self, port: int) -> list[str | Path]:
        return ["node", _NODE / "oauth2_mock_server.mjs", str(port)]


def install() -> None:
    """Install the peers where they are not yet: npm packages beside their lock, PyPI ones under var/."""
    _require_node()
    if _is_stale(_NODE / "node_modules" / ".package-lock.json", _NODE / "package-lock.json"):
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], _NODE)
    marker = _VENV / "installed"
    if _is_stale(marker, _LOCK):
        venv.create(_VENV, with_pip=True, clear=True)
        _run([_VENV / "bin" / "pip", "install", "--quiet", "--require-hashes", "-r", _LOCK], _ROOT)
        marker.touch()


def _require_node() -> None:
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise ToolMissing(f"{tool} is not installed; the bench needs Node.js {_OLDEST_NODE} or newer")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < _OLDEST_NODE:
        raise ToolMissing(f"node is {version}; the bench needs Node.js {_OLDEST_NODE} or newer")


def _is_stale(installed: Path, lock: Path) -> bool:
    return not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime


def _run(command: list[str | Path], directory: Path) -> None:
    subprocess.run(command, cwd=directory, check=True, stdout=sys.stderr)
