"""A server that is measured: its process tree, and how a person gets through its pages."""

import json
import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from tests.bench.browser import Answer, Browser, UnexpectedAnswer

REDIRECT_URI = "http://127.0.0.1:9/callback"
CLIENT_ID, CLIENT_SECRET = "bench", "a-secret-that-is-the-same-for-all-servers"
_START_LIMIT = 30.0


@dataclass(frozen=True)
class Endpoints:
    """Where the discovery document says that the flow goes."""

    authorize: str
    token: str
    userinfo: str


class Server(ABC):
    """A server under test: a process tree on loopback that this object starts and ends."""

    name: str
    scope = "openid"
    id_token_alg = "RS256"
    starts = 3
    """How often it is started, for the time that takes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: psutil.Popen | None = None
        self.origin = ""
        self.start_seconds: list[float] = []

    @abstractmethod
    def command(self, port: int) -> list[str | Path]:
        """The command line that serves on this port of 127.0.0.1."""

    def answer(self, page: Answer) -> tuple[str, Mapping[str, str]]:
        """Where a person's browser posts, and what, on this page. Servers without pages have none."""
        raise UnexpectedAnswer(f"{self.name} showed a page: {page.text[:300]}")

    def environment(self, port: int) -> Mapping[str, str]:
        """Variables for the process that serves on this port."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and note the seconds until the discovery document is first answered 200."""
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        command = [str(part) for part in self.command(port)]
        environment = _own_environment() | dict(self.environment(port))
        began = time.perf_counter()
        self._process = psutil.Popen(
            command,
            cwd=self._directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self._directory / f"{self.name}.log").open("wb"),
        )
        self._await_first_answer(began)
        self.start_seconds.append(time.perf_counter() - began)

    def _await_first_answer(self, began: float) -> None:
        while time.perf_counter() - began < _START_LIMIT:
            if self._process is None or self._process.poll() is not None:
                raise UnexpectedAnswer(f"{self.name} ended at its start: {self.log()}")
            try:
                self.endpoints()
            except OSError:
                time.sleep(0.005)  # the port is not open yet; nothing announces when it will be
            else:
                return
        raise UnexpectedAnswer(f"{self.name} did not answer within {_START_LIMIT:.0f} s: {self.log()}")

    def endpoints(self) -> Endpoints:
        """Read the discovery document."""
        with Browser(self.origin) as browser:
            answer = browser.get("/.well-known/openid-configuration")
        if answer.status != 200:
            raise UnexpectedAnswer(f"{self.name} answered {answer.status} to discovery: {self.log()}")
        document = json.loads(answer.body)
        return Endpoints(
            document["authorization_endpoint"], document["token_endpoint"], document["userinfo_endpoint"]
        )

    def log(self) -> str:
        """The end of what the process wrote to its standard error."""
        return (self._directory / f"{self.name}.log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """End the process tree and wait until it is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        tree = self._tree()
        self._process.terminate()
        _, alive = psutil.wait_procs(tree, timeout=5)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)
        self._process = None

    def cpu_seconds(self) -> float:
        """User and system time that the whole process tree has used so far."""
        return sum(times.user + times.system for times in (p.cpu_times() for p in self._tree()))

    def resident_bytes(self) -> int:
        """Resident memory of the process tree, pages that its processes share counted once for each."""
        return sum(int(process.memory_info().rss) for process in self._tree())

    def _tree(self) -> list[psutil.Process]:
        assert self._process is not None
        return [self._process, *self._process.children(recursive=True)]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own_environment() -> dict[str, str]:
    """The same short environment for every server, without the settings of whoever runs the bench."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
