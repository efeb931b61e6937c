"""The command line: what each command does, and that a mistake is one line with file and field."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from netid.cli import main
from netid.storage.audit import Audit
from netid.storage.database import Database
from tests.running import Running

REGISTRATION = """
relying_parties:
  - client_id: a-shop
    name: {zh: 商店, en: A shop}
    contact: privacy@a-shop.example
    legal_entity: {name: {zh: 公司, en: A company}, sector: a-shop.example}
    redirect_uris: [http://localhost:5000/callback]
    authentication: client_secret_basic
    secret: a-secret-of-at-least-32-characters-please
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation with keys, and the settings that name it."""
    for name in list(os.environ):
        if name.startswith("NETID_PROVIDER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETID_PROVIDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", f"sqlite:///{tmp_path / 'netid.db'}")
    monkeypatch.setenv("NETID_PROVIDER_KEY_DATABASE_URL", f"sqlite:///{tmp_path / 'keys.db'}")
    assert main(["keys", "init", "--directory", str(tmp_path / "keys")]) == 0
    return tmp_path


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on standard error, which must be one line."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_help_imports_nothing_it_does_not_need() -> None:
    heavy = ["flask", "sqlalchemy", "cryptography", "pydantic", "granian", "requests", "yaml", "alembic"]
    program = (
        "import sys; from netid.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{version('netid')}\n"


def test_keys_are_made_once_and_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["keys", "init", "--directory", str(tmp_path), "--client", "a-shop"]
    assert main(arguments) == 0
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == {"keyring.json", "a-shop.json", "a-shop-dpop.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert main(arguments) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == made
    assert "left as it is" in capsys.readouterr().out


def test_signing_keys_are_listed_in_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "init", "--directory", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["keys", "list", "--directory", str(tmp_path)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["signs", "alg", "phase"]
    uses = {tuple(row.split()[:2]) for row in rows}
    assert uses == {
        ("id_token", "RS256"),
        ("id_token", "ES256"),
        ("receipt", "ES256"),
        ("credential", "ES256"),
    }


def test_relying_parties_are_added_listed_and_removed(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = installed / "shops.yaml"
    file.write_text(REGISTRATION, encoding="utf-8")
    assert main(["relying-party", "add", str(file)]) == 0
    capsys.readouterr()
    assert main(["relying-party", "list"]) == 0
    assert capsys.readouterr().out == "a-shop\tA shop\tcheck result only\n"
    assert main(["relying-party", "remove", "a-shop"]) == 0
    assert main(["relying-party", "remove", "a-shop"]) == 2
    assert "a-shop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("client_secret_basic", "a-password", "authentication"),
        ("http://localhost:5000/callback", "http://shop.example/callback", "redirect_uris.0"),
        ("a-secret-of-at-least-32-characters-please", "short", "secret"),
        ("en: A shop}", "en: ''}", "name.en"),
        ("contact:", "kontact:", "kontact: there is no such field; did you mean contact?"),
        ("sector:", "secto:", "legal_entity.secto: there is no such field; did you mean sector?"),
        (
            "    contact",
            "    profile: fapi\n    contact",
            "profile: is not one of its values; did you mean fapi2?",
        ),
        ("    contact: privacy@a-shop.example\n", "", "contact: is missing; add it"),
        ("relying_parties:", "parties:", "relying_parties"),
        ("- client_id: a-shop", "- {", "line"),
    ],
)
def test_a_mistake_in_a_registration_names_file_and_field(
    installed: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, field: str
) -> None:
    file = installed / "shops.yaml"
    file.write_text(REGISTRATION.replace(old, new), encoding="utf-8")
    assert main(["relying-party", "add", str(file)]) == 2
    line = one_line(capsys)
    assert "shops.yaml" in line
    assert field in line
    assert main(["relying-party", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_one_client_id_twice_in_a_file_is_refused(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second would quietly take the place of the first."""
    file = installed / "shops.yaml"
    file.write_text(REGISTRATION + REGISTRATION.partition("parties:\n")[2], encoding="utf-8")
    assert main(["relying-party", "add", str(file)]) == 2
    assert "relying_parties[a-shop]: client_id: stands here twice" in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("COLOUR", "plum", "NETID_PROVIDER_COLOUR: there is no such setting; `netid serve --settings`"),
        ("ISUER", "https://a.example", "there is no such setting; write NETID_PROVIDER_ISSUER"),
        ("PORT", "http", "NETID_PROVIDER_PORT: "),
        ("ISSUER", "http://netid.example", "NETID_PROVIDER_ISSUER: uses http"),
        ("MANAGEMENT_PORT", "8001", "NETID_PROVIDER_MANAGEMENT_PORT: is for mode test only"),
        ("PORT", "0", "NETID_PROVIDER_ISSUER: is needed with port 0"),
        ("DATABASE_URL", "mysql://x", "NETID_PROVIDER_DATABASE_URL: must be sqlite"),
        ("KEY_DATABASE_URL", "sqlite:////", "NETID_PROVIDER_KEY_DATABASE_URL: / is not a file"),
        ("DATABASE_URL", f"sqlite:///{__file__}", "is not a SQLite database; name another file"),
        ("KEYS", "/nowhere", "/nowhere/keyring.json: there is no key file"),
        ("RELYING_PARTIES", sys.executable, "is not UTF-8 text; save it as that"),
        ("RELYING_PARTIES", "/nowhere.yaml", "/nowhere.yaml: No such file or directory; name a file"),
    ],
)
def test_a_mistake_in_the_settings_stops_the_start(
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    expected: str,
) -> None:
    monkeypatch.setenv(f"NETID_PROVIDER_{name}", value)
    assert main(["serve", "--check"]) == 2
    assert expected in one_line(capsys)


def test_one_database_is_not_two(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NETID_PROVIDER_KEY_DATABASE_URL", os.environ["NETID_PROVIDER_DATABASE_URL"])
    assert main(["serve", "--check"]) == 2
    assert "NETID_PROVIDER_KEY_DATABASE_URL: is the main database" in one_line(capsys)


@pytest.mark.parametrize("setting", ["MANAGEMENT_PORT", "LINE_PORT"])
def test_a_port_is_for_one_thing(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    settings = {"MODE": "test", "MANAGEMENT_PORT": "8001", "MANAGEMENT_TOKEN": "of-more-than-16-letters"}
    for name, value in (settings | {"PORT": "8000", setting: "8000"}).items():
        monkeypatch.setenv(f"NETID_PROVIDER_{name}", value)
    assert main(["serve", "--check"]) == 2
    assert f"NETID_PROVIDER_{setting}: is " in one_line(capsys)


def test_what_is_asked_of_a_database_does_not_make_one(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["audit", "verify"], ["audit", "head"], ["backup", "restored"]):
        assert main(command) == 2
        assert "netid.db is not there; name the database" in one_line(capsys)
    assert not list(installed.glob("*.db"))


def test_the_directory_of_a_database_is_made(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default both lie in `var`, which a new installation does not have."""
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", f"sqlite:///{installed}/var/netid.db")
    assert main(["serve", "--check"]) == 0
    assert (installed / "var").stat().st_mode & 0o777 == 0o700


def test_without_an_issuer_it_is_this_machine_at_the_chosen_port(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NETID_PROVIDER_PORT", "8123")
    assert main(["serve", "--check"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"http://127.0.0.1:8123, mode serve, sqlite:///{installed}/netid.db: ready to start"
    )


def test_keys_are_where_the_settings_say(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["keys", "init", "--client", "a-shop"]) == 0
    assert str(installed / "keys" / "a-shop.json") in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["keys", "init", "--client", "../a-shop"])
    assert "takes letters, digits, - and _" in capsys.readouterr().err


def test_output_that_nobody_reads_is_no_fault() -> None:
    command = f"{sys.executable} -m netid.cli persona list | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_mistake_in_a_persona_file_stops_the_start(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = installed / "people.yaml"
    file.write_text("personas:\n  - id: somebody\n    nickname: Bob\n", encoding="utf-8")
    monkeypatch.setenv("NETID_PROVIDER_MODE", "demo")
    monkeypatch.setenv("NETID_PROVIDER_PERSONAS", str(file))
    assert main(["serve", "--check"]) == 2
    line = one_line(capsys)
    assert "people.yaml" in line
    assert "somebody" in line


def test_a_database_refuses_to_start_with_other_keys(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from netid.cli.serve import check
    from netid.settings import read_settings

    check(read_settings(os.environ))
    others = installed / "other-keys"
    assert main(["keys", "init", "--directory", str(others)]) == 0
    capsys.readouterr()
    monkeypatch.setenv("NETID_PROVIDER_KEYS", str(others))
    assert main(["serve", "--check"]) == 2
    assert "not the ones this database was made with" in one_line(capsys)


def test_every_setting_is_listed_with_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "NETID_PROVIDER_MODE=serve" in lines
    assert all(line.startswith("    ") and len(line) > 10 for line in lines[1::2])


def test_personas_are_listed_and_files_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["persona", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) >= 20
    assert any(line.startswith("child-of-10") for line in listed)
    file = tmp_path / "people.yaml"
    file.write_text("personas: [", encoding="utf-8")
    assert main(["persona", "check", str(file)]) == 2
    assert "people.yaml" in one_line(capsys)


def test_audit_verify_names_the_first_bad_row(
    provider: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = provider.provider.settings.database_url
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", url)
    provider.register().tokens()
    provider.provider.sealer.seal_once()
    assert main(["audit", "verify"]) == 0
    db = Database(url, "main")
    with db.write() as tx:
        last = max(event.sequence for event in Audit().of_person(tx, _somebody(tx)))
        tx.exec_driver_sql("update audit_events set kind = 'forged' where sequence = ?", (last,))
    db.close()
    capsys.readouterr()
    assert main(["audit", "verify"]) == 1
    assert f"row {last} " in capsys.readouterr().out


def _somebody(tx: object) -> str:
    row = tx.exec_driver_sql(  # type: ignore[attr-defined]
        "select person_id from audit_events where person_id is not null order by sequence desc limit 1"
    ).first()
    return str(row[0])


def test_serving_stops_with_one_line_before_anything_listens(installed: Path) -> None:
    environment = os.environ | {"NETID_PROVIDER_PORT": "http"}
    command = [sys.executable, "-m", "netid.cli", "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert "NETID_PROVIDER_PORT" in done.stderr


def test_a_database_stays_in_its_region(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """PIPL 40."""
    from netid.cli.serve import check
    from netid.settings import read_settings

    monkeypatch.setenv("NETID_PROVIDER_REGION", "CN-SH")
    check(read_settings(os.environ))
    capsys.readouterr()
    monkeypatch.setenv("NETID_PROVIDER_REGION", "CN-BJ")
    assert main(["serve", "--check"]) == 2
    assert "the main database lies in CN-SH" in one_line(capsys)
    monkeypatch.setenv("NETID_PROVIDER_REGION", "US")
    assert main(["serve", "--check"]) == 2
    assert "NETID_PROVIDER_REGION" in one_line(capsys)
