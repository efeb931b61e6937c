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
from playwright.sync_api import Browser

from netid.identity.persona_file import DEMO_PASSCODE

SCENES = ("forum", "game", "parcels")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    netid = [sys.executable, "-m", "netid.cli"]
    keys = [
        "--client",
        "platform_demo-forum",
        "--client",
        "platform_demo-game",
        "--client",
        "platform_demo-parcels",
    ]
    subprocess.run([*netid, "keys", "init", *keys], cwd=tmp_path, check=True, capture_output=True)
    ports = ["--port", str(free_port()), "--platform-port", str(free_port())]
    ports += ["--wallet-port", str(free_port())]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NETID_PROVIDER_")}
    process = subprocess.Popen(
        [*netid, "demo", *ports], cwd=tmp_path, env=clean, stdout=subprocess.PIPE, text=True
    )
    greeting = ""
    assert process.stdout is not None
    for line in process.stdout:
        greeting += line
        if "Ctrl-C" in line:
            break
    yield process, greeting
    if process.poll() is None:
        process.kill()
        process.wait()
    process.stdout.close()


def test_a_stranger_signs_in_and_ending_the_demo_leaves_nothing(
    demo: tuple[subprocess.Popen[str], str], chromium: Browser
) -> None:
    process, greeting = demo
    address = re.search(r"http://localhost:\d+", greeting)
    assert address, greeting
    assert DEMO_PASSCODE in greeting
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

    parts = psutil.Process(process.pid).children(recursive=True)
    assert len(parts) >= 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, 130)
    _gone, alive = psutil.wait_procs(parts, timeout=20)
    assert not alive
