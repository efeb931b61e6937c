"""F2: a provider that is killed before any write to the disk leaves all of an act or nothing of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netid.credentials import keyring_file
from netid.credentials.keyring import Keyring
from netid.storage.key_files import KEYRING_FILE
from tests.protocol import killed_writer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keys(tmp_path: Path, keyring: Keyring) -> Path:
    """The keys of the template's databases, as files."""
    directory = tmp_path / "keys"
    directory.mkdir(mode=0o700)
    file = directory / KEYRING_FILE
    file.touch(mode=0o600)
    file.write_bytes(keyring_file.serialise(keyring))
    return directory


Run = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, keys: Path, template: Path) -> Run:
    """Does an act again and again, and dies of a later write each time."""

    def until_it_gets_through(act: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tests.protocol.killed_writer", act, template, keys, tmp_path]
        return subprocess.run(
            [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
        )

    return until_it_gets_through


@pytest.mark.parametrize("act", killed_writer.ACTS)
def test_f2_killed_at_any_write_it_leaves_nothing_by_half(run: Run, act: str) -> None:
    done = run(act)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 5, "it hardly wrote anything"


def test_f2_what_is_done_in_two_transactions_is_found_by_half(run: Run) -> None:
    done = run("redeem_carelessly")
    assert done.returncode != 0
    assert "a code is used up without its token" in done.stderr
