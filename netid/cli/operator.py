"""`netid operator`: what the people who run the service may do to others, each act on record.

Whom an act is about is read from standard input, or is a persona's id: a net number in an argument
would stay in the shell's history and show in the list of processes.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from netid.ambient import Ambient
from netid.app import Office, open_office
from netid.errors import InvalidField, NotFound
from netid.identity.exceptions import ExceptionRequest
from netid.identity.net_number import NetNumber
from netid.identity.revocation import RevocationReason
from netid.identity.shape import misshapen
from netid.identity.suspension import SuspensionReason
from netid.services.incidents import read_incident
from netid.services.processing import processing_records
from netid.settings import read_settings
from netid.storage.appeals import AppealOutcome
from netid.storage.key_files import load_keys
from netid.storage.text_files import text_of

MOST_WORDS = 1000


def run(chosen: Namespace) -> int:
    """Does one act. Raises what its service raises; `tasks` answers 1 while something is owed."""
    settings = read_settings(os.environ)
    office = open_office(settings, load_keys(settings.keys), Ambient.real())
    try:
        return _ACTS[chosen.action](office, chosen) or 0
    finally:
        office.close()


def _suspend(office: Office, chosen: Namespace) -> None:
    person_id = _whom(office, chosen)
    suspension = office.services.suspensions.suspend(person_id, SuspensionReason(chosen.reason), chosen.days)
    print(f"suspended until {suspension.until:%Y-%m-%d %H:%M} UTC; the person reads why and can appeal")


def _resume(office: Office, chosen: Namespace) -> None:
    office.services.suspensions.resume(_whom(office, chosen))
    print("the suspension is lifted")


def _revoke_copies(office: Office, chosen: Namespace) -> None:
    count = office.services.revocation.revoke(_whom(office, chosen), RevocationReason(chosen.reason))
    print(f"revoked: {count}; published within little more than two hours, and the person reads why")


def _appeals(office: Office, _chosen: Namespace) -> int:
    waiting = office.services.suspensions.unanswered()
    for appeal in waiting:
        print(f"{appeal.appeal_id}\tmade {appeal.made_at:%Y-%m-%d %H:%M} UTC")
    return 1 if waiting else 0


def _appeal(office: Office, chosen: Namespace) -> None:
    print(office.services.suspensions.read(chosen.appeal).words)


def _answer(office: Office, chosen: Namespace) -> None:
    words = _asked("The reasons, as the person will read them").strip()
    if not 1 <= len(words) <= MOST_WORDS or not words.isprintable():
        raise InvalidField("answer", f"must be one line of 1 to {MOST_WORDS} characters", "write the reasons")
    office.services.suspensions.answer(chosen.appeal, AppealOutcome(chosen.outcome), words)
    print(f"answered: {chosen.outcome}")


def _complaints(office: Office, _chosen: Namespace) -> int:
    waiting = office.services.complaining.unanswered()
    for one in waiting:
        print(f"{one.complaint_id}\tabout {one.client_id}\tmade {one.made_at:%Y-%m-%d %H:%M} UTC")
    return 1 if waiting else 0


def _complaint(office: Office, chosen: Namespace) -> None:
    read = office.services.complaining.read(chosen.complaint)
    print(f"about {read.complaint.client_id}, receipt {read.complaint.receipt_id}\n{read.words}")


def _reply(office: Office, chosen: Namespace) -> None:
    office.services.complaining.answer(chosen.complaint, _asked("The answer, as the person will read it"))
    print("answered")


def _give_out(office: Office, chosen: Namespace) -> None:
    request = _request({"code": chosen.code, "authority": chosen.authority, "case": chosen.case})
    given = office.services.exceptions.give_out(_whom(office, chosen), request)
    answer = {
        "mock": True,
        **request.model_dump(mode="json"),
        "identity": dict(given.release.claims),
        "log": [
            {"at": line.at.isoformat(timespec="seconds"), "what": line.kind, "where": line.client_id}
            for line in given.log
        ],
        "notice_owed": given.duty_id,
    }
    print(json.dumps(answer, ensure_ascii=False, indent=2))


def _request(values: Mapping[str, str]) -> ExceptionRequest:
    try:
        return ExceptionRequest.model_validate(values)
    except ValidationError as error:
        raise misshapen(error, ExceptionRequest) from error


def _tasks(office: Office, _chosen: Namespace) -> int:
    owed = office.services.notices.owed()
    for duty in owed:
        print(f"{duty.duty_id}\t{duty.kind}\towed since {duty.opened_at:%Y-%m-%d %H:%M} UTC")
    return 1 if owed else 0


def _notify(office: Office, chosen: Namespace) -> None:
    duty = office.services.notices.give(chosen.task)
    print("handed in" if duty.kind == "incident-report" else "the notice stands in the person's records now")


def _incident(office: Office, chosen: Namespace) -> None:
    declared = office.services.incidents.declare(read_incident(text_of(chosen.file)))
    notices = {
        "people": declared.people,
        "to_people": declared.to_people,
        "to_authority": declared.to_authority,
        "owed": declared.duties,
    }
    print(json.dumps(notices, ensure_ascii=False, indent=2))


def _processing(office: Office, _chosen: Namespace) -> None:
    records = processing_records(office.services.registration.list(), office.region)
    print(json.dumps(records, ensure_ascii=False, indent=2))


_ACTS: Mapping[str, Callable[[Office, Namespace], int | None]] = {
    "suspend": _suspend,
    "resume": _resume,
    "revoke-copies": _revoke_copies,
    "appeals": _appeals,
    "appeal": _appeal,
    "answer": _answer,
    "complaints": _complaints,
    "complaint": _complaint,
    "reply": _reply,
    "give-out": _give_out,
    "tasks": _tasks,
    "notify": _notify,
    "incident": _incident,
    "processing": _processing,
}


def _whom(office: Office, chosen: Namespace) -> str:
    """The person_id of a persona, or of the net number on standard input. Raises NotFound."""
    with office.stores.db.read() as tx:
        if chosen.persona is not None:
            person = office.stores.persons.by_persona(tx, chosen.persona)
        else:
            net_number = NetNumber.parse(_asked("Net number"))
            person, _digest = office.services.enrolment.by_net_number(tx, net_number)
    if person is None:
        raise NotFound("nobody with a net number")
    return person.person_id


def _asked(what: str) -> str:
    if sys.stdin.isatty():
        print(f"{what}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
