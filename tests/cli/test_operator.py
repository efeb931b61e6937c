"""`netid operator`: acts on other people, each on record, none with a net number in its arguments."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from netid.cli import AUTHORITIES, REVOCATION_REASONS, SUSPENSION_REASONS, main
from netid.credentials.keyring import Keyring
from netid.identity.claims import CATALOGUE
from netid.identity.exceptions import EXCEPTIONS, Authority, ExceptionCode, ExceptionRequest
from netid.identity.net_number import NetNumber
from netid.identity.revocation import RevocationReason
from netid.identity.suspension import SUSPENSION_RULES
from netid.storage.tables import PURPOSES, audit_events
from tests.privacy.forms import Planted
from tests.protocol.meddling import person_id_of
from tests.protocol.visiting import Visitor
from tests.running import Running
from tests.wallets import Wallet
from tests.watching import LogWatch

Run = Callable[..., int]

INCIDENT = """\
drill: true
happened_at: 2026-11-20T02:00:00+08:00
discovered_at: 2026-11-20T09:30:00+08:00
fields: [name, document_number]
cause: lost-copy
harms: [posing, linking]
remedies: [keys-replaced, sessions-ended]
advice: [check-records, cancel]
contact: {zh: 邮箱 privacy@netid.example, en: privacy@netid.example}
"""


@pytest.fixture
def run(provider: Running, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, watched_logs: LogWatch) -> Run:
    """Runs an act on the databases of the provider that runs; `typed` is what is on standard input."""
    settings = provider.provider.settings
    monkeypatch.setenv("NETID_PROVIDER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("NETID_PROVIDER_KEY_DATABASE_URL", settings.key_database_url)
    monkeypatch.setattr("netid.cli.operator.load_keys", lambda _directory: keyring)

    def act(*arguments: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(["operator", *arguments])

    return act


def net_number_of(provider: Running, persona: str) -> str:
    with provider.provider.stores.db.read() as tx:
        disclosure = provider.provider.services.decisions._disclosure
        return disclosure.net_number_for_owner(tx, person_id_of(provider, persona)).reveal()


def on_record(provider: Running) -> list[tuple[str, dict[str, str]]]:
    with provider.provider.stores.db.read() as tx:
        found = tx.execute(
            select(audit_events.c.kind, audit_events.c.details).order_by(audit_events.c.sequence)
        )
        return [(row.kind, json.loads(row.details)) for row in found]


def test_the_choices_of_the_command_are_the_closed_lists() -> None:
    assert set(SUSPENSION_REASONS) == set(SUSPENSION_RULES)
    assert set(AUTHORITIES) == set(Authority)
    assert set(REVOCATION_REASONS) == set(RevocationReason)


# Whom


def test_a_net_number_is_read_from_standard_input(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str], watched_logs: LogWatch
) -> None:
    number = net_number_of(provider, "an-adult")
    watched_logs.plant([Planted("net_number", number)])
    assert run("suspend", "--reason", "own-wish", "--days", "3", typed=f"{number}\n") == 0
    assert number not in capsys.readouterr().out
    assert provider.provider.services.suspensions.of(person_id_of(provider, "an-adult"))


@pytest.mark.parametrize(
    "typed",
    [NetNumber.draw(os.urandom).reveal(), "not a number", ""],
    ids=["well-formed", "malformed", "empty"],
)
def test_somebody_who_is_not_there_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    assert run("resume", typed=f"{typed}\n") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "nobody with a net number" in line or "net_number" in line
    assert not typed or typed not in line


def test_the_copies_in_a_persons_wallets_are_revoked_with_a_notice(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    wallet = Wallet(provider)
    wallet.receive(wallet.token(scope="net_credential_long"), 2, "net_credential_long")
    act = ("revoke-copies", "--reason", "device-lost", "--persona", "an-adult")

    assert run(*act) == 0
    assert "revoked: 2" in capsys.readouterr().out
    [notice] = provider.provider.services.notices.told(person_id_of(provider, "an-adult"))
    assert notice.facts[0][1].en == "The device with the wallet was reported lost"
    assert ("copies_changed", {"became": "invalid", "reason": "device-lost"}) in on_record(provider)
    assert run(*act) == 2, "there are none left"


# Rules 16 and 17: exceptions


def test_rule_17_legal_assistance_gives_the_identity_and_the_sign_ins_alone(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.register().tokens(scope="openid netid.purpose.real-name-parcel")
    act = ("give-out", "--code", "legal-assistance", "--authority", "court", "--case", "2026-A-17")
    assert run(*act, "--persona", "an-adult") == 0
    given = json.loads(capsys.readouterr().out)
    persona = next(one for one in provider.provider.people if one.id == "an-adult")

    assert given["identity"] == {
        "name": persona.document.name,
        "document_kind": persona.document.kind,
        "document_number": persona.document.number,
    }
    assert {line["what"] for line in given["log"]} == {"signed_in", "code_redeemed"}
    assert [set(line) for line in given["log"]] == [{"at", "what", "where"}] * len(given["log"])
    [(_kind, details)] = [event for event in on_record(provider) if event[0] == "given_out_by_law"]
    assert details == {
        "code": "legal-assistance",
        "authority": "court",
        "case": "2026-A-17",
        "claims": "document_kind document_number name",
        "duty": given["notice_owed"],
    }


@pytest.mark.parametrize("field", [*CATALOGUE, "net_number", "fields"])
def test_rule_17_no_other_field_can_be_put_in(field: str) -> None:
    right = {"code": "legal-assistance", "authority": "court", "case": "2026-A-17"}
    assert ExceptionRequest.model_validate(right)
    with pytest.raises(ValueError, match="Extra inputs"):
        ExceptionRequest.model_validate(right | {field: "true"})


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--authority", "rescue", "authority"), ("--case", "somebody's name", "case"), ("--case", "", "case")],
)
def test_rule_17_a_request_that_is_not_of_the_closed_form_gives_nothing(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    right = {"--code": "legal-assistance", "--authority": "court", "--case": "2026-A-17"}
    before = on_record(provider)
    arguments = [part for pair in (right | {option: value}).items() for part in pair]

    assert run("give-out", *arguments, "--persona", "an-adult") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert on_record(provider) == before


def test_rule_16_an_emergency_leaves_a_task_until_the_person_is_told(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("tasks") == 0
    act = ("give-out", "--code", "emergency", "--authority", "rescue", "--case", "FIRE-2026-3")
    assert run(*act, "--persona", "an-adult") == 0
    given = json.loads(capsys.readouterr().out)
    assert set(given["identity"]) == EXCEPTIONS[ExceptionCode.EMERGENCY].fields
    assert given["log"] == []
    assert run("tasks") == 1
    assert given["notice_owed"] in capsys.readouterr().out
    person = Visitor(provider)
    person.walk(person.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    assert 'data-testid="notice"' not in person.browser.get(provider.url("/records/notices")).text

    assert run("notify", given["notice_owed"]) == 0
    capsys.readouterr()
    assert run("tasks") == 0
    told = person.browser.get(provider.url("/records/notices")).text
    assert "Fire and rescue" in told
    assert "Name, Mobile number" in told
    assert run("notify", given["notice_owed"]) == 2, "it is given once"
    other = Visitor(provider, who="persona:another-adult")
    other.walk(other.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    assert "Fire and rescue" not in other.browser.get(provider.url("/records/notices")).text


def test_rule_17_what_cannot_be_put_on_record_is_not_given_out(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_values: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("netid.storage.audit.Audit.record", full)
    act = ("give-out", "--code", "legal-assistance", "--authority", "court", "--case", "2026-A-17")
    with pytest.raises(OSError, match="no space left"):
        run(*act, "--persona", "an-adult")
    assert capsys.readouterr().out == ""


# Rule 18: incidents


def test_rule_18_an_exercise_writes_both_notices_and_opens_both_tasks(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "incident.yaml"
    file.write_text(INCIDENT, encoding="utf-8")
    assert run("incident", str(file)) == 0
    written = json.loads(capsys.readouterr().out)
    people, authority = (
        {language: "\n".join(lines) for language, lines in written[whom].items()}
        for whom in ("to_people", "to_authority")
    )

    assert people["zh"].startswith("演练：")
    for said in (
        "姓名、证件号码",
        "一份备份丢失",
        "冒用您的身份",
        "已更换密钥",
        "注销网号",
        "privacy@netid.example",
    ):
        assert said in people["zh"]
        assert said in authority["zh"]
    assert f"People concerned: {written['people']}" in authority["en"]
    assert "Region of the stores: CN" in authority["en"]
    assert len(written["owed"]) == 2
    assert all(task.isalnum() for task in written["owed"])  # else a command would take it for an option
    assert run("tasks") == 1
    for task in written["owed"]:
        assert run("notify", task) == 0
    person = Visitor(provider)
    person.walk(person.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    told = person.browser.get(provider.url("/records/notices")).text
    assert told.count("Exercise: notice of a data incident") == 1
    assert "a backup was lost" in told


@pytest.mark.parametrize(
    ("line", "changed", "said"),
    [
        ("cause: lost-copy", "cause: none of your business", "cause"),
        ("drill: true", "drill: true\nname: 张三", "name"),
        ("fields: [name, document_number]", "fields: [shoe_size]", "fields"),
        ("happened_at: 2026-11-20T02:00:00+08:00", "happened_at: yesterday", "happened_at"),
    ],
)
def test_rule_18_an_incident_is_told_in_closed_words(
    provider: Running,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    line: str,
    changed: str,
    said: str,
) -> None:
    file = tmp_path / "incident.yaml"
    file.write_text(INCIDENT.replace(line, changed), encoding="utf-8")
    before = on_record(provider)
    assert run("incident", str(file)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "张三" not in error
    assert on_record(provider) == before


# Records of processing


def test_pipl_56_the_records_cover_every_column_and_every_purpose(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.register()
    assert run("processing") == 0
    records = json.loads(capsys.readouterr().out)

    assert records["stores"]["main"] | records["stores"]["keys"] == dict(PURPOSES)
    parcel = next(one for one in records["purposes"] if one["lawful"]["legal_basis"])
    assert parcel["lawful"]["legal_basis"]["code"] == "CN-POSTAL-REALNAME"
    assert "PIPL 55(1): sensitive" in parcel["why_assessed"]
    assert set(parcel["impact"]) == {"document_number"}
    assert all(one["because"]["en"] for one in parcel["needed"])
    assert [one["code"] for one in records["without_consent"]] == ["legal-assistance", "emergency"]


# Complaints


def test_complaints_are_listed_read_and_answered(
    provider: Running, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt_id = complained(provider, "They asked for too much.\nTwice.")
    assert run("complaints") == 1
    listed = capsys.readouterr().out
    complaint_id, about, _made = listed.split("\t")
    assert about == "about a-shop"
    assert "too much" not in listed
    assert run("complaint", complaint_id) == 0
    assert (
        capsys.readouterr().out == f"about a-shop, receipt {receipt_id}\nThey asked for too much.\nTwice.\n"
    )
    assert run("reply", complaint_id, typed="\n") == 2
    assert capsys.readouterr().err.startswith("netid operator: answer: must be 1 to 1000 characters")
    assert run("reply", complaint_id, typed="They were told to stop.\n") == 0
    assert run("reply", complaint_id, typed="Again.\n") == 2
    assert run("complaints") == 0
    kinds = [kind for kind, _details in on_record(provider)]
    assert kinds[-3:] == ["complained", "complaint_read", "complaint_answered"]
    person_id = person_id_of(provider, "an-adult")
    read = provider.provider.services.complaining.about(person_id, receipt_id)
    assert read
    assert read.answer == "They were told to stop."


@pytest.mark.parametrize("act", ["complaint", "reply"])
def test_a_complaint_that_is_not_there_is_one_line(
    run: Run, act: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(act, "nothing", typed="x\n") == 2
    assert capsys.readouterr().err.count("\n") == 1


def complained(provider: Running, words: str) -> str:
    """Somebody complains about a-shop; the receipt it is about."""
    provider.register().tokens()
    person_id = person_id_of(provider, "an-adult")
    [entry] = provider.provider.services.rights.history(person_id)
    receipt_id = entry.stored.receipt.receipt_id
    provider.provider.services.complaining.complain(person_id, receipt_id, words)
    return receipt_id
