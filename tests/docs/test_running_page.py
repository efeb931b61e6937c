"""docs/running.md: its settings are settings, its commands run, and what it promises of them holds."""

import re
import shlex
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from netid.cli import main, serve
from netid.client import ClientSecretBasic, NetIDClient, Registration
from netid.credentials import keyring
from netid.settings import read_settings
from tests.docs.test_snippets import DOCS, snippets
from tests.running import CALLBACK

PAGE = DOCS / "running.md"


def commands(name: str) -> list[list[str]]:
    [block] = snippets(PAGE, name)
    lines = [shlex.split(line) for line in block.splitlines()]
    assert all(words[0] == "netid" for words in lines)
    return [words[1:] for words in lines]


def variables(name: str) -> dict[str, str]:
    [block] = snippets(PAGE, name)
    return dict(line.split("=", 1) for line in block.splitlines())


@pytest.fixture(autouse=True)
def _office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory to work in; what would serve until it is ended says so instead."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "relying-parties.yaml").write_text("relying_parties: []\n")
    monkeypatch.setattr(serve, "serve", lambda settings: sys.stdout.write(f"serves {settings.issuer}\n"))


@pytest.mark.parametrize("name", ["settings", "certificate", "workers"])
def test_every_setting_is_one(name: str) -> None:
    given = variables(name)
    settings = read_settings(given)
    for variable, value in given.items():
        assert str(getattr(settings, variable.removeprefix("NETID_PROVIDER_").lower())) == value


def test_it_starts_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in variables("settings").items():
        monkeypatch.setenv(name, value)
    assert [main(command) for command in commands("start")] == [0, 0, 0]
    assert capsys.readouterr().out.endswith("serves https://id.example\n")


def test_the_people_of_the_page_are_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(snippets(PAGE, "personas")[0], encoding="utf-8")
    assert main(["persona", "check", str(file)]) == 0
    assert capsys.readouterr().out == "2 personas, no mistake\n"


def test_https_by_a_local_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ISSUER", "TLS_CERTIFICATE", "TLS_KEY"):
        monkeypatch.setenv(f"NETID_PROVIDER_{name}", "")  # so that what the command sets is taken back
        monkeypatch.delenv(f"NETID_PROVIDER_{name}")
    assert main(["keys", "init"]) == 0
    [command] = commands("tls")
    assert main(command) == 0
    assert capsys.readouterr().out.endswith("serves https://127.0.0.1:8000\n")
    assert (tmp_path / "keys" / "tls-authority.pem").is_file()


def test_keys_are_listed_and_rotated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "init"]) == 0
    capsys.readouterr()
    list_them, rotate = commands("keys")

    def phases() -> list[tuple[str, str]]:
        lines = capsys.readouterr().out.splitlines()[1:]
        return [(line.split()[-1], line.split()[2]) for line in lines]

    assert main(list_them) == 0
    before = phases()
    assert main(rotate) == 0
    after = phases()
    assert [phase for _, phase in before] == ["current", "next"] * 4
    assert [phase for _, phase in after] == ["past", "current", "next"] * 4
    assert {kid for kid, phase in before if phase == "next"} == {
        kid for kid, phase in after if phase == "current"
    }
    retired = after[1][0]
    assert main(["keys", "retire", "--", retired]) == 0
    assert retired not in {kid for kid, _ in phases()}
    assert main(["keys", "retire", "--", retired]) == 2
    assert "netid keys list" in capsys.readouterr().err


def test_what_the_page_says_of_times_is_so() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "for ten minutes at least" in page
    assert keyring.ANNOUNCED.total_seconds() == 600
    assert "for seven days" in page
    assert keyring.STILL_PUBLISHED["id_token"] == timedelta(days=7)
    assert "for forty" in page
    assert keyring.STILL_PUBLISHED["credential"] == timedelta(days=40)
    assert f"up to {serve.GRACE_SECONDS} seconds" in page


def test_the_internal_address_is_given_as_the_page_says() -> None:
    [text] = snippets(PAGE, "internal")
    registration = Registration(
        issuer="https://id.example",
        client_id="shop",
        redirect_uri=CALLBACK,
        profile="oidc",
        authentication=ClientSecretBasic("a-secret-of-at-least-32-characters-please"),
    )
    names = {"NetIDClient": NetIDClient, "registration": registration}
    exec(compile(text, PAGE.name, "exec"), names)  # noqa: S102  (our own page is what is tested)
    assert isinstance(names["client"], NetIDClient)


def test_the_doctor_is_called_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [command] = commands("doctor")
    asked: list[str] = []

    def nowhere(*arguments: object, **_: object) -> None:
        asked.append(str(arguments))
        raise OSError

    monkeypatch.setattr("socket.socket.connect", nowhere)
    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    assert main(command) == 1
    assert "https://id.example" in capsys.readouterr().out
    assert all("id.example" in one for one in asked)


def test_every_variable_the_page_names_exists() -> None:
    known = {f"NETID_PROVIDER_{name.upper()}" for name in serve.Settings.model_fields}
    named = set(re.findall(r"NETID_PROVIDER_[A-Z_]+", PAGE.read_text(encoding="utf-8")))
    assert named <= known
