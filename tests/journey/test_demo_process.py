"""`netid demo`, started as the README says: three processes, one sign-in, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from playwright.sync_api import Browser

from netid.identity.persona_file import DEMO_PASSCODE

NETID = (sys.executable, "-m", "netid.cli")
SCENES = ("forum", "game", "parcels")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Demo:
    """`netid demo` in a directory with its keys, on free ports."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.ports = [free_port() for _ in range(3)]
        options = ("--port", "--platform-port", "--wallet-port")
        given = [word for pair in zip(options, map(str, self.ports), strict=True) for word in pair]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NETID_PROVIDER_")}
        self.process = subprocess.Popen(
            [*NETID, "demo", *given, *arguments],
            cwd=directory,
            env=clean,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.said = "".join(iter(self._line, ""))
        self.parts = self._parts() if self.process.poll() is None else []

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return "" if "Ctrl-C" in line else line

    def _parts(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=60)

    def refused(self) -> str:
        """What it said when it did not start."""
        assert self.process.wait(60) == 2
        self.end()
        return self.said


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    keys = [word for scene in SCENES for word in ("--client", f"platform_demo-{scene}")]
    subprocess.run([*NETID, "keys", "init", *keys], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def demo(directory: Path) -> Iterator[Demo]:
    demo = Demo(directory)
    yield demo
    demo.end()


@pytest.mark.parametrize(
    "key",
    [signal.SIGINT, signal.SIGHUP, signal.SIGTERM],
    ids=["Ctrl-C", "terminal closed", "terminated"],
)
def test_a_stranger_signs_in_and_ending_the_demo_leaves_nothing(
    demo: Demo, chromium: Browser, key: signal.Signals
) -> None:
    address = re.search(r"http://localhost:\d+", demo.said)
    assert address, demo.said
    assert DEMO_PASSCODE in demo.said
    page = chromium.new_page(locale="en")
    page.goto(f"{address[0]}/forum/")
    page.get_by_test_id("sign-in-with-netid").click()
    page.get_by_test_id("persona-an-adult").check()
    page.get_by_test_id("next").first.click()
    page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
    page.get_by_test_id("next").click()
    page.get_by_test_id("agree").click()
    page.get_by_test_id("page-received").wait_for()
    page.close()

    assert len(demo.parts) >= 3
    os.killpg(demo.process.pid, key)
    os.killpg(demo.process.pid, key)  # impatient people press twice
    assert demo.process.wait(60) == 130
    _gone, alive = psutil.wait_procs(demo.parts, timeout=20)
    assert not alive


def test_a_second_demo_is_refused_and_does_the_first_no_harm(demo: Demo, directory: Path) -> None:
    second = Demo(directory)
    assert second.refused() == (
        "netid demo: --data var/demo: another demo runs there; end it, or choose another\n"
    )
    third = Demo(directory, "--data", "var/other", "--port", str(demo.ports[0]))
    assert f"port {demo.ports[0]} is taken" in third.refused()
    assert requests.get(f"http://localhost:{demo.ports[1]}/", timeout=10).status_code == 200


def test_without_keys_one_line_names_all_that_lack(tmp_path: Path) -> None:
    said = Demo(tmp_path).refused()
    assert said.count("\n") == 1
    remedy = said.rpartition("make them with `")[2].removesuffix("`\n").split()
    subprocess.run([*NETID, *remedy[1:]], cwd=tmp_path, check=True, capture_output=True)
    started = Demo(tmp_path)
    started.end()
    assert DEMO_PASSCODE in started.said


def test_what_a_part_said_before_it_ended_is_shown(directory: Path) -> None:
    (directory / "people.yaml").write_text("personas: 3\n")
    said = Demo(directory, "--personas", "people.yaml").refused()
    assert "a part of the demo ended:\nnetid serve: people.yaml: personas" in said


def test_one_port_for_two_parts_is_refused(directory: Path) -> None:
    assert "the three ports have to differ" in Demo(directory, "--port", "7", "--wallet-port", "7").refused()
