"""`netid serve` as people start it: processes on free ports, which end with the test."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from netid.credentials import keyring_file
from netid.credentials.keyring import Keyring
from netid.storage.key_files import KEYRING_FILE

PROGRAM = ("-m", "netid.cli", "serve")
_PATIENCE = 60


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Served:
    """One `netid serve`, with the processes it started."""

    def __init__(
        self,
        address: str,
        settings: dict[str, str],
        *arguments: str,
        program: Sequence[str],
        verify: str | bool,
    ) -> None:
        self.address = address
        """Where it answers, which is not its issuer where somebody else has that."""
        self.verify = verify
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NETID_PROVIDER_")}
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            env=clean | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_until_it_answers(self) -> None:
        """Asks until there is an answer; fails with what the process said when it ended instead."""
        for _ in range(_PATIENCE * 20):
            if self.process.poll() is not None:
                break
            try:
                requests.get(f"{self.address}/jwks", timeout=5, verify=self.verify)
            except requests.exceptions.SSLError:
                raise
            except OSError:  # nobody listens yet, or the certificate to verify with is not made yet
                self._let_it_work()
            else:
                return
        self.process.kill()
        pytest.fail(f"it did not start: {self.process.communicate()[0]}")

    def _let_it_work(self) -> None:
        try:
            self.process.wait(0.05)
        except subprocess.TimeoutExpired:
            return

    def tree(self) -> list[psutil.Process]:
        """Its processes."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def press(self, key: signal.Signals) -> None:
        """What a terminal sends to all in front: SIGINT for Ctrl-C, SIGHUP when it is closed."""
        os.killpg(self.process.pid, key)

    def kill(self) -> None:
        """SIGKILL for all its processes, as when the power goes."""
        tree = self.tree()
        for process in tree:
            process.kill()
        psutil.wait_procs(tree)

    def end(self) -> str:
        """Ends it, if it still runs, and returns what it said."""
        tree = self.tree() if self.process.poll() is None else []
        if tree:
            self.process.terminate()
        try:
            said, _ = self.process.communicate(timeout=_PATIENCE)
        finally:
            for process in psutil.wait_procs(tree, timeout=5)[1]:
                process.kill()
        return said


class Serving:
    """Starts servers on the databases of one directory, with one set of keys."""

    def __init__(self, directory: Path, keyring: Keyring) -> None:
        self.directory = directory
        self.keys = directory / "keys"
        self.database = f"sqlite:///{directory / 'netid.db'}"
        self.keys.mkdir(mode=0o700)
        file = self.keys / KEYRING_FILE
        file.touch(mode=0o600)
        file.write_bytes(keyring_file.serialise(keyring))
        self._started: list[Served] = []

    def __call__(
        self, *arguments: str, program: Sequence[str] = PROGRAM, port: int | None = None, **settings: Any
    ) -> Served:
        """Starts one, which does not answer yet; with `--tls` it is verified by its own authority."""
        port = port or free_port()
        verify = str(self.keys / "tls-authority.pem") if "--tls" in arguments else True
        address = f"{'http' if verify is True else 'https'}://127.0.0.1:{port}"
        given = {
            "mode": "demo",
            "port": port,
            "issuer": address,
            "keys": self.keys,
            "database_url": self.database,
            "key_database_url": f"sqlite:///{self.directory / 'netid-keys.db'}",
            **settings,
        }
        named = {f"NETID_PROVIDER_{name.upper()}": str(value) for name, value in given.items()}
        served = Served(address, named, *arguments, program=program, verify=verify)
        self._started.append(served)
        return served

    def end(self) -> None:
        """Ends them all."""
        for served in self._started:
            served.end()


@pytest.fixture
def serve(tmp_path: Path, keyring: Keyring) -> Iterator[Serving]:
    """Starts real servers for one test."""
    serving = Serving(tmp_path, keyring)
    yield serving
    serving.end()
