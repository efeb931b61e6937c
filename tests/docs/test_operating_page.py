"""docs/operating.md: every command on it runs, in the page's order, and does what the page says."""

import io
import shlex
from pathlib import Path

import pytest

from netid.cli import main
from netid.credentials.keyring import Keyring
from netid.identity.exceptions import EXCEPTIONS, ExceptionCode
from netid.identity.incidents import Advice, Cause, Harm, Remedy
from tests.docs.test_snippets import DOCS, snippets
from tests.running import Running

PAGE = DOCS / "operating.md"


def run(name: str, *, status: int = 0) -> None:
    """Runs the commands of one block; the last one answers with that status."""
    [block] = snippets(PAGE, name)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert all(command[0] == "netid" for command in commands)
    assert [main(command[1:]) for command in commands] == [0] * (len(commands) - 1) + [status]


@pytest.fixture(autouse=True)
def _office(provider: Running, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory to work in, and the databases of a provider that runs."""
    settings = provider.provider.settings
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("NETID_PROVIDER_KEY_DATABASE_URL", settings.key_database_url)
    monkeypatch.setattr("netid.cli.operator.load_keys", lambda _directory: keyring)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def test_a_copy_is_made_and_put_back(
    provider: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.register().tokens()
    provider.provider.sealer.seal_once()
    run("backup")
    moved = tmp_path / "moved"
    moved.mkdir()
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", f"sqlite:///{moved / 'netid.db'}")
    run("restore")
    assert "nothing was changed" in capsys.readouterr().out
    run("restored")


def test_the_audit_log_is_verified_against_its_end(
    provider: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.register().tokens()
    provider.provider.sealer.seal_once()
    run("audit")
    head = capsys.readouterr().out.splitlines()[0]
    assert main(["audit", "verify", "--head", head]) == 0
    assert main(["audit", "verify", "--head", f"{head[:-1]}{'0' if head[-1] != '0' else '1'}"]) == 1
    assert "cut off or rolled back" in capsys.readouterr().out
    assert main(["audit", "verify", "--head", "yesterday's"]) == 2


def test_people_are_suspended_and_appeals_listed(capsys: pytest.CaptureFixture[str]) -> None:
    run("suspend")
    run("appeals")
    run("complaints")
    assert "suspended until" in capsys.readouterr().out


def test_an_authority_is_answered_and_a_task_left(capsys: pytest.CaptureFixture[str]) -> None:
    run("exceptions", status=1)
    assert capsys.readouterr().out.count("owed since") == 2
    words = PAGE.read_text(encoding="utf-8")
    for code in ExceptionCode:
        assert f"| `{code}` |" in words
    assert EXCEPTIONS[ExceptionCode.EMERGENCY].fields == {"name", "phone_number"}


def test_an_incident_is_declared_in_the_words_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [incident] = snippets(PAGE, "incident")[:1]
    (tmp_path / "incident.yaml").write_text(incident, encoding="utf-8")
    assert main(shlex.split(snippets(PAGE, "incident")[1])[1:]) == 0
    assert "演练" in capsys.readouterr().out
    words = PAGE.read_text(encoding="utf-8")
    assert [
        code for codes in (Cause, Harm, Remedy, Advice) for code in codes if f"`{code}`" not in words
    ] == []


def test_the_records_of_processing_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run("processing")
    assert '"purposes"' in capsys.readouterr().out
