"""Where realms' files lie: nothing of a server stays, however it ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from netid.control.workplace import Workplace, clear_abandoned

KILLED = """
import os, signal
from netid.control.workplace import Workplace

place = Workplace()
(place.path / "netid.db").write_bytes(b"left behind")
print(place.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_killed_servers_files_are_cleared_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(
        command, env={"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    left = Path(done.stdout.strip())
    assert (left / "netid.db").exists()

    Workplace().close()

    assert list(tmp_path.iterdir()) == []


def test_a_living_servers_files_stay(tmp_path: Path) -> None:
    living = Workplace()
    clear_abandoned(tmp_path)
    assert living.path.exists()
    living.close()
    assert list(tmp_path.iterdir()) == []


def test_others_cannot_look_in() -> None:
    place = Workplace()
    assert place.path.stat().st_mode & 0o077 == 0
    place.close()
