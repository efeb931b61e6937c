"""What every refusal has to leave behind, and what it may not say."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from netid.credentials import base64url
from netid.identity.persons import shipped_personas
from netid.storage.tables import MAIN, audit_events
from tests.running import MANAGEMENT_TOKEN, Running

PLANTED = "planted-5f1c"
"""Put into malformed values: no answer may repeat it."""

ON_RECORD = ("page_refused",)
"""The event of a page that refused somebody who was signed in."""

_LEFT_ALONE = frozenset({"audit_events", "audit_seals", "throttle"})
_TRACES = ("Traceback", "site-packages", "sqlalchemy", "sqlite3", 'File "')

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Refusal:
    """What a refusal said, wherever it said it."""

    response: requests.Response

    @property
    def error(self) -> str | None:
        """The error code of OAuth JSON, problem+json or a redirect; None for a page."""
        if self.response.is_redirect:
            return parse_qs(urlsplit(self.response.headers["Location"]).query).get("error", [None])[0]
        if "json" not in self.response.headers["Content-Type"]:
            return None
        body = self.response.json()
        return body.get("error") or body.get("code")

    @property
    def description(self) -> str:
        """The words of it."""
        if self.response.is_redirect:
            query = parse_qs(urlsplit(self.response.headers["Location"]).query)
            return query.get("error_description", [""])[0]
        body = self.response.json()
        return str(body.get("error_description") or body.get("detail"))


class Refusals:
    """Takes an act that must be refused, and looks at what it did and said.

    The logical database is as before, but for audit, throttle and the tables that the test names;
    an authenticated caller is on record once, anybody else is a log line; nothing may be cached;
    no planted value, no secret and no trace is in the answer or in the log.
    """

    def __init__(self, log: pytest.LogCaptureFixture) -> None:
        self._log = log

    def __call__(
        self,
        running: Running,
        act: Callable[[], requests.Response],
        status: int,
        error: str | None,
        *,
        effects: frozenset[str] | set[str] = frozenset(),
        audited: tuple[str, ...] = (),
        secrets: tuple[str, ...] = (),
    ) -> Refusal:
        before, events = rows(running), audit_kinds(running)
        self._log.clear()
        with self._log.at_level(logging.DEBUG, logger="netid"):
            refusal = Refusal(act())
        response = refusal.response
        assert (response.status_code, refusal.error) == (status, error), response.text[:2000]
        assert "no-store" in response.headers["Cache-Control"]
        if response.headers.get("Content-Type") == "application/json":
            assert response.json().keys() == {"error", "error_description"}
        after = rows(running)
        changed = {name for name in before if before[name] != after[name]}
        assert changed <= effects, f"changed: {changed - effects}"
        assert audit_kinds(running)[len(events) :] == list(audited)
        refused = [record for record in self._log.records if record.name == "netid.refused"]
        assert len(refused) == 1
        hidden = (*secrets_of(running), *secrets, PLANTED)
        self._check_silent(response, refused[0].getMessage(), hidden)
        return refusal

    def _check_silent(self, response: requests.Response, line: str, hidden: tuple[str, ...]) -> None:
        echoed = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("state", [""])[0]
        said = "\n".join([response.text, *map(": ".join, response.headers.items())]).replace(echoed, "")
        for place in (said, line):
            assert not [trace for trace in _TRACES if trace in place], place
            assert not [value for value in hidden if value in place], place


def rows(running: Running) -> Rows:
    """The logical database: every row of every table that a refusal may not touch."""
    with running.provider.stores.db.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in MAIN.sorted_tables
            if table.name not in _LEFT_ALONE
        }


def audit_kinds(running: Running) -> list[str]:
    """What is on record, in its order."""
    with running.provider.stores.db.read() as tx:
        statement = select(audit_events.c.kind).order_by(audit_events.c.sequence)
        return [str(kind) for kind in tx.execute(statement).scalars()]


def secrets_of(running: Running) -> list[str]:
    """What may never be in an answer: keys, the token of the port, and everybody's numbers."""
    names = ("wrapping", "index", "pairwise", "passcode", "browser", "access")
    keys = [getattr(running.keyring, name).reveal() for name in names]
    return [
        MANAGEMENT_TOKEN,
        *map(base64url.encode, keys),
        *map(bytes.hex, keys),
        *_numbers(running.clock.now().date()),
    ]


@lru_cache
def _numbers(today: date) -> list[str]:
    personas = shipped_personas(today)
    return [number for one in personas for number in (one.document.number, one.phone_number)]
