"""What a page refuses to somebody who is signed in is on record under their name, and nobody else's."""

import json

import pytest
from sqlalchemy import select

from netid.storage.tables import audit_events
from tests.protocol.meddling import held, latest_receipt, person_id_of
from tests.protocol.refusals import ON_RECORD, PLANTED, Refusals, audit_kinds
from tests.protocol.visiting import Visitor
from tests.running import Running


@pytest.fixture
def visitor(provider: Running) -> Visitor:
    """Somebody who is signed in, at their records."""
    visitor = Visitor(provider)
    visitor.walk(visitor.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    return visitor


def last_event(running: Running) -> tuple[str | None, str | None, dict[str, str]]:
    """Whose the last event is, which relying party's, and what it says."""
    with running.provider.stores.db.read() as tx:
        event = tx.execute(select(audit_events).order_by(audit_events.c.sequence.desc()).limit(1)).one()
    return event.person_id, event.client_id, json.loads(event.details)


def test_the_event_names_the_person_the_page_and_the_code_and_repeats_nothing(
    visitor: Visitor, refused: Refusals
) -> None:
    running = visitor.running
    url = running.url(f"/records/{PLANTED}/withdraw")
    refused(running, lambda: visitor.post(url, form_token=PLANTED), 403, None, audited=ON_RECORD)
    whose, client_id, details = last_event(running)
    assert whose == person_id_of(running, "an-adult")
    assert client_id is None
    assert details == {"error": "form_refused", "page": "pages.withdraw"}


def test_r1_whoever_asks_for_anothers_receipt_is_on_record_and_its_owner_is_not(
    visitor: Visitor, refused: Refusals
) -> None:
    running = visitor.running
    running.register().tokens("another-adult")
    _owner, theirs = latest_receipt(running, "another-adult")
    for receipt_id in (theirs, "A" * len(theirs)):
        url = running.url(f"/records/{receipt_id}")
        act = lambda address=url: visitor.browser.get(address)  # noqa: E731
        refused(running, act, 404, None, audited=ON_RECORD)
        whose, _client, details = last_event(running)
        assert whose == person_id_of(running, "an-adult")
        assert details == {"error": "not_found", "page": "pages.receipt"}


@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("cancel", {"decision": "agree"}),
        ("number", {"decision": "show"}),
        ("export", {"decision": "save"}),
    ],
)
def test_r2_so_is_an_act_without_a_fresh_sign_in(visitor: Visitor, page: str, form: dict[str, str]) -> None:
    shown = visitor.browser.get(visitor.running.url(f"/records/{page}"))
    seen = len(audit_kinds(visitor.running))
    assert "/passcode/" in visitor.send(shown, **form).headers["Location"]
    assert audit_kinds(visitor.running)[seen:] == list(ON_RECORD)
    assert last_event(visitor.running)[2] == {"error": "fresh_sign_in_required", "page": f"pages.{page}"}


def test_r1_and_asking_for_it_as_json(visitor: Visitor, refused: Refusals) -> None:
    running = visitor.running
    running.register().tokens("another-adult")
    _owner, theirs = latest_receipt(running, "another-adult")
    seen = len(audit_kinds(running))
    answer = visitor.browser.get(running.url(f"/records/{theirs}/receipt.json"))
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert audit_kinds(running)[seen:] == list(ON_RECORD)
    assert last_event(running)[0] == person_id_of(running, "an-adult")


@pytest.mark.parametrize("session", ["none", "another browser's", "one that has ended", "one that is over"])
def test_who_is_not_signed_in_is_a_log_line(visitor: Visitor, refused: Refusals, session: str) -> None:
    """The audit cannot be filled by strangers."""
    running, browser = visitor.running, visitor.browser
    if session == "none":
        browser = running.browser()
    elif session == "another browser's":
        browser = Visitor(running).browser
        browser.get(running.url("/records"))
        browser.cookies.set("netid_session", visitor.browser.cookies["netid_session"], domain="127.0.0.1")
    elif session == "one that has ended":
        with running.provider.stores.db.write() as tx:
            who = person_id_of(running, "an-adult")
            running.provider.services.sign_out.everywhere(tx, who, running.clock.now())
    else:
        running.clock.advance(hours=9)
    url = running.url(f"/records/{'A' * 22}/withdraw")
    refused(running, lambda: browser.post(url, data={"form_token": "x"}), 403, None)


def test_what_cannot_be_put_on_record_is_not_answered_either(
    visitor: Visitor, refused: Refusals, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = visitor.running
    url = running.url(f"/records/{'A' * 22}")
    with held(running, monkeypatch):
        answer = refused(running, lambda: visitor.browser.get(url), 503, None)
    assert answer.response.headers["Retry-After"] == "1"
    refused(running, lambda: visitor.browser.get(url), 404, None, audited=ON_RECORD)
