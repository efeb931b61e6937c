"""S13: what is logged, and above all what is logged when something goes wrong, tells nothing of a person."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import pytest
import requests
from sqlalchemy import exc

from tests.privacy.forms import Planted
from tests.privacy.people import PlantedPeople
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client, Running
from tests.watching import LogWatch, watching

ALL = "openid netid.verify netid.purpose.real-name-parcel"
log = logging.getLogger("netid.a_test")
PHONE = Planted("phone_number", "+8611544443210")


def plain() -> None:
    log.debug("calling %s", PHONE.value)


def in_other_words() -> None:
    log.info("calling 115 4444 3210")


def encoded() -> None:
    log.info("context: %s", PHONE.value.encode().hex())


def not_even_printed() -> None:
    log.info("called", extra={"callee": PHONE.value})


def in_a_traceback() -> None:
    try:
        int(PHONE.value + "x")
    except ValueError:
        log.exception("unexpected fault")


def in_the_cause_of_a_traceback() -> None:
    try:
        try:
            dict[str, str](known="x").pop(PHONE.value)
        except KeyError as cause:
            raise RuntimeError("no such person") from cause
    except RuntimeError:
        log.exception("unexpected fault")


def in_a_warning_of_a_library() -> None:
    logging.getLogger("some.library").warning("bad value %r", PHONE.value)


SLIPS = [
    plain,
    in_other_words,
    encoded,
    not_even_printed,
    in_a_traceback,
    in_the_cause_of_a_traceback,
    in_a_warning_of_a_library,
]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
def test_s13_a_planted_value_in_a_log_fails_the_test(slip: Callable[[], None]) -> None:
    with (
        pytest.raises(AssertionError, match=r"planted values were logged: .*phone_number"),
        watching([PHONE]),
    ):
        slip()


def test_s13_a_harmless_log_fails_nothing() -> None:
    with watching([PHONE]) as watch:
        log.info("GET userinfo: InvalidToken: the consent has ended")
    assert len(watch.lines) == 1


# The provider, where people mistype, meddle, and where something breaks


def sign_in_page(visitor: Visitor, client: Client, **changes: str) -> requests.Response:
    return visitor.open(client.authorize(visitor.browser, **changes))


def test_s13_signing_in_with_slips(provider: Running, people: PlantedPeople, watched_logs: LogWatch) -> None:
    elder, client = people["planted-elder"], provider.register()
    visitor = Visitor(provider)
    page = sign_in_page(visitor, client, scope=ALL)
    for typed in (elder.net_number[:-1] + "?", elder.persona.document.number, elder.persona.phone_number, ""):
        assert visitor.send(page, net_number=typed).status_code in (303, 400)
    page = visitor.open(visitor.send(page, net_number=elder.net_number))
    for passcode in (elder.persona.passcode[::-1], elder.net_number, "", elder.persona.passcode):
        answer = visitor.send(page, passcode=passcode)
    page = visitor.open(answer)
    meddled = visitor.send(page, decision="agree", claim=[elder.persona.document.name])
    assert meddled.status_code == 400
    assert visitor.send(page, **{elder.persona.document.number: "x", "decision": "agree"}).status_code == 400
    assert CALLBACK in visitor.send(page, decision="agree", claim=["phone_number"]).headers["Location"]
    assert watched_logs.lines


def test_s13_enrolling_with_slips(provider: Running, people: PlantedPeople, watched_logs: LogWatch) -> None:
    persona = people["planted-elder"].persona
    right = {**persona.fields, "number": persona.document.number, "expires_on": "2047-08-19"}
    document = {name: right[name] for name in ("name", "number", "sex", "birthdate", "expires_on")}
    visitor = Visitor(provider)
    page = visitor.browser.get(provider.url("/enrol"))
    page = visitor.open(visitor.send(page, decision="agree"))
    page = visitor.open(visitor.send(page, kind="resident_id"))
    slips: list[dict[str, str]] = [
        {"number": persona.document.number[:-1] + "9"},
        {"number": persona.phone_number},
        {"name": persona.document.name + "7"},
        {"name": persona.document.name * 400},
        {"name": persona.document.name + "\x00"},
        {"birthdate": "1914-13-14"},
        {"birthdate": persona.document.name},
        {"sex": persona.document.name},
        {"expires_on": persona.fields["birthdate"]},
        {persona.document.number: "1"},
    ]
    for slip in slips:
        assert visitor.send(page, **(document | slip)).status_code == 400
    assert visitor.send(page, **document).status_code == 303
    assert watched_logs.lines


def test_s13_meddling_with_addresses(
    provider: Running, people: PlantedPeople, watched_logs: LogWatch
) -> None:
    elder, client = people["planted-elder"], provider.register()
    for value in (planted.value for planted in elder.values):
        for address in (f"/records/{value}", f"/consent/{value}", f"/{value}", f"/enrol/{value}/phone"):
            requests.get(provider.url(address), allow_redirects=False, timeout=10)
        for name in ("client_id", "redirect_uri", "scope", "claims", "prompt", "max_age", "acr_values"):
            client.authorize(None, **{name: value})
        client.authorize(login_hint=value)
        client.redeem(value)
        client.redeem("x", client_id=value)
        client.userinfo(quote(value))
        requests.post(
            provider.url("/token"), data={value: value}, auth=(quote(value), quote(value)), timeout=10
        )
        headers = {"Authorization": f"Bearer {provider.management_token}"}
        for path in ("/relying-parties/x", f"/relying-parties/{value}"):
            requests.put(provider.management_url + path, json={"name": value}, headers=headers, timeout=10)
        body = {"persona": value, "decision": value}
        requests.post(provider.management_url + "/approvals", json=body, headers=headers, timeout=10)
    assert len(watched_logs.lines) > 10


@pytest.mark.parametrize("table", ["vault", "receipts", "access_tokens", "pairwise_subjects"])
def test_s13_a_database_that_breaks(
    provider: Running, people: PlantedPeople, watched_logs: LogWatch, table: str
) -> None:
    client = provider.register()
    tokens = client.tokens("planted-elder", scope=ALL)
    with sqlite3.connect(provider.directory / "netid.db") as broken:
        broken.execute("PRAGMA foreign_keys=OFF")
        broken.execute(f"ALTER TABLE {table} RENAME TO broken")

    assert client.userinfo(tokens["access_token"]).status_code == 500
    answer = client.authorize(login_hint="planted-elder", scope=ALL)
    assert answer.status_code in (303, 500)
    with suppress(exc.DBAPIError):
        provider.provider.services.enrolment.enrol_person(age=30)
    assert "unexpected fault" in "".join(watched_logs.lines)
