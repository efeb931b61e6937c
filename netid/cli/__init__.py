"""The command line; `netid --help` lists its commands.

Each command imports what it needs when it runs, so that `netid --help` answers at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

REVOCATION_REASONS = ("own-wish", "device-lost", "suspected-misuse")
SUSPENSION_REASONS = ("own-wish", "document-lost", "document-doubtful", "suspected-misuse", "lawful-order")
AUTHORITIES = ("public-security", "state-security", "procuratorate", "court", "rescue")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a mistake in what it is given is one line on standard error and status 2."""
    chosen = _parser().parse_args(arguments)
    room = import_module(f"netid.cli.{chosen.command.replace('-', '_')}")
    from netid.errors import NetIDError
    from netid.settings import SettingsError

    try:
        return int(room.run(chosen) or 0)
    except (NetIDError, SettingsError) as error:
        print(f"netid {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read the output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535")
    return int(text)


def _client(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise argparse.ArgumentTypeError("takes letters, digits, - and _; it becomes the name of two files")
    return name


class _Version(argparse.Action):
    """Looked up only when it is asked for: that takes longer than the rest of `netid --help`."""

    def __call__(self, parser: argparse.ArgumentParser, *_given: object) -> None:
        from importlib.metadata import version

        print(version("netid"))
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netid",
        description="An open mock of a national network identity authentication service.",
        epilog="Settings are NETID_PROVIDER_* variables; `netid serve --settings` lists them.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="run a provider, relying parties and a wallet on this machine")
    demo.add_argument("--port", type=_port, default=8000, help="the provider's port (8000)")
    demo.add_argument("--platform-port", type=_port, default=8100, help="the demo platform's port (8100)")
    demo.add_argument("--wallet-port", type=_port, default=8200, help="the wallet's port (8200)")
    demo.add_argument("--keys", type=Path, default=Path("keys"), help="the key directory (keys)")
    demo.add_argument(
        "--data", type=Path, default=Path("var/demo"), help="where the databases lie (var/demo)"
    )
    demo.add_argument("--tls", action="store_true", help="serve https with a local authority")
    demo.add_argument("--personas", type=Path, help="a persona file instead of the shipped personas")

    serve = commands.add_parser("serve", help="run a provider with the settings of the environment")
    serve.add_argument("--settings", action="store_true", help="list every setting and leave")
    serve.add_argument("--tls", action="store_true", help="serve https with a local authority")
    serve.add_argument("--check", action="store_true", help="check everything a start needs and leave")

    keys = commands.add_parser("keys", help="make, list and exchange the provider's keys")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--directory", type=Path, help="where they lie (NETID_PROVIDER_KEYS, else keys)")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    init = actions.add_parser("init", parents=[place], help="make them; existing ones are never replaced")
    init.add_argument(
        "--client",
        action="append",
        type=_client,
        default=[],
        metavar="NAME",
        help="also make a relying party's two keys",
    )
    actions.add_parser("list", parents=[place], help="list the signing keys and what each is now")
    actions.add_parser("rotate", parents=[place], help="sign with the next keys; old ones stay published")
    retire = actions.add_parser("retire", parents=[place], help="end one key that somebody else has")
    retire.add_argument("kid", help="as `netid keys list` shows it; write -- before one that begins with -")

    relying_party = commands.add_parser("relying-party", help="register relying parties")
    actions = relying_party.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register or replace those of a YAML file")
    add.add_argument("file", type=Path)
    actions.add_parser("list", help="list them")
    remove = actions.add_parser("remove", help="take one away")
    remove.add_argument("client_id")

    persona = commands.add_parser("persona", help="look at synthetic people")
    persona.add_argument("action", choices=["list", "check"], help="check: look for mistakes in a file")
    persona.add_argument("file", nargs="?", type=Path, help="a persona file instead of the shipped personas")

    doctor = commands.add_parser("doctor", help="ask a running provider whether it is as it says")
    doctor.add_argument("issuer", help="its issuer, such as https://id.example")
    doctor.add_argument("--trust", type=Path, metavar="FILE", help="the certificate of its own authority")

    audit = commands.add_parser("audit", help="check the audit chain")
    checks = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = checks.add_parser("verify", help="name the first bad row")
    verify.add_argument(
        "--head", metavar="NUMBER:HASH", help="an end that was kept elsewhere; the chain holds it"
    )
    checks.add_parser("head", help="print the chain's end, to keep it elsewhere")

    rules = commands.add_parser("rules", help="report on the rules, article by article")
    reports = rules.add_subparsers(dest="action", required=True, metavar="ACTION")
    report = reports.add_parser("report", help="print each duty with its place, tests, records, violations")
    report.add_argument("--format", choices=["html", "json"], default="html")
    report.add_argument("--records", action="store_true", help="count the records of the database")

    receipt = commands.add_parser("receipt", help="check receipts of consent decisions")
    verifies = receipt.add_subparsers(dest="action", required=True, metavar="ACTION")
    proof = verifies.add_parser("verify", help="whether they are as signed, without asking the provider")
    proof.add_argument("file", type=Path, help="receipts as a person downloaded them, or the whole copy")
    proof.add_argument(
        "--keys", type=Path, required=True, metavar="FILE", help="the provider's /jwks, saved to a file"
    )

    backup = commands.add_parser("backup", help="copy the main database, and put a copy back")
    copies = backup.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = copies.add_parser("make", help="copy it while it is in use, without what is live in it")
    make.add_argument("file", type=Path)
    put_back = copies.add_parser("restore", help="put a copy where the database was")
    put_back.add_argument("file", type=Path)
    copies.add_parser("restored", help="say that the database was put back by other means (PostgreSQL)")
    _add_operator(commands)
    return parser


def _add_operator(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    operator = commands.add_parser(
        "operator", help="suspend, answer people and authorities, give notices; each act is on record"
    )
    acts = operator.add_subparsers(dest="action", required=True, metavar="ACT")
    whom = argparse.ArgumentParser(add_help=False)
    whom.add_argument(
        "--persona", metavar="ID", help="a persona; else the net number is read from standard input"
    )

    suspend = acts.add_parser("suspend", parents=[whom], help="suspend a net credential, for a term")
    suspend.add_argument("--reason", required=True, choices=SUSPENSION_REASONS)
    suspend.add_argument("--days", required=True, type=int, help="after so many it ends by itself")
    acts.add_parser("resume", parents=[whom], help="lift a suspension")
    revoke = acts.add_parser(
        "revoke-copies",
        parents=[whom],
        help="revoke the long copies in a person's wallets; the net number stays",
    )
    revoke.add_argument("--reason", required=True, choices=REVOCATION_REASONS)
    acts.add_parser("appeals", help="list the appeals that wait; status 1 while there are any")
    acts.add_parser("appeal", help="read one").add_argument("appeal")
    answer = acts.add_parser("answer", help="answer one; the reasons are read from standard input")
    answer.add_argument("appeal")
    answer.add_argument("--outcome", required=True, choices=["lifted", "upheld"])

    acts.add_parser("complaints", help="list the complaints that wait; status 1 while there are any")
    acts.add_parser("complaint", help="read one").add_argument("complaint")
    reply = acts.add_parser("reply", help="answer a complaint; the words are read from standard input")
    reply.add_argument("complaint")

    give_out = acts.add_parser("give-out", parents=[whom], help="answer an authority under a legal exception")
    give_out.add_argument("--code", required=True, choices=["legal-assistance", "emergency"])
    give_out.add_argument("--authority", required=True, choices=AUTHORITIES)
    give_out.add_argument("--case", required=True, help="the authority's number for the case")
    acts.add_parser("tasks", help="list the notices that are owed; status 1 while there are any")
    acts.add_parser("notify", help="give a notice that is owed").add_argument("task")
    incident = acts.add_parser("incident", help="declare an incident, or an exercise, and write its notices")
    incident.add_argument("file", type=Path)
    acts.add_parser("processing", help="print the records of processing and the assessments (PIPL 55, 56)")
