"""The copy of everything as tables to read (PIPL 45)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from netid.identity.claims import CATALOGUE
from netid.identity.readable import write_moment, write_value
from netid.identity.text import Text
from netid.pages.language import gettext as _
from netid.pages.language import language, said
from netid.pages.log_words import event_name, factor_names
from netid.services.copy_form import Copy, EventPart, WordsPart

Purposes = Mapping[tuple[str, str], Text]
"""Purposes in words, by client id and purpose id."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
    """One kind of thing that is kept."""

    id: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def inert(value: str) -> str:
    """The value as a page shows it: in quotation marks where a spreadsheet would take it for a formula.

    Markup in it is escaped by the template, as everywhere.
    """
    return f"“{value}”" if value.startswith(_FORMULA) else value


def fields(copy: Copy) -> list[tuple[str, str]]:
    """What is kept of the document and with it, by label."""
    kept = copy.document
    return [
        (said(claim.label), write_value(name, kept[name], language()))
        for name, claim in CATALOGUE.items()
        if name in kept
    ]


def tables(copy: Copy, purposes: Purposes) -> list[Table]:
    """Everything else, a table for each kind of thing."""
    names = {one.client_id: one.name for one in copy.platforms}
    return [
        _platforms(copy),
        _receipts(copy, names, purposes),
        _messages(copy, names),
        _sessions(copy, names),
        _wallet_copies(copy),
        _words("complaints", _("Complaints"), copy.complaints, names),
        _words("appeals", _("Appeals"), copy.appeals, names),
        _notices(copy),
        _events(copy, names, purposes),
    ]


def _platforms(copy: Copy) -> Table:
    return Table(
        "platforms",
        _("Platforms"),
        (_("Platform"), _("Operator"), _("Contact"), _("Knows you as")),
        [
            (
                inert(said(one.name) if one.name else one.client_id),
                inert(said(one.operator) if one.operator else ""),
                inert(one.contact or ""),
                inert(one.subject or _("nobody")),
            )
            for one in copy.platforms
        ],
    )


def _receipts(copy: Copy, names: Mapping[str, Text | None], purposes: Purposes) -> Table:
    actions = {"agreed": _("Agreed"), "refused": _("Refused"), "withdrawn": _("Withdrawn")}
    return Table(
        "receipts",
        _("Receipts"),
        (_("Number"), _("When"), _("Platform"), _("Decision"), _("Asked for"), _("Agreed to"), _("Purpose")),
        [
            (
                str(one.receipt.sequence),
                _when(one.receipt.decided_at),
                _name(one.receipt.client_id, names),
                actions[one.receipt.action],
                _claims(one.receipt.offered),
                _claims(one.receipt.agreed),
                _purpose(one.receipt.client_id, one.receipt.purpose, purposes),
            )
            for one in copy.receipts
        ],
    )


def _messages(copy: Copy, names: Mapping[str, Text | None]) -> Table:
    states = {
        "waiting": _("no answer yet"),
        "confirmed": _("confirmed"),
        "refused": _("not accepted"),
        "not_answered": _("not answered"),
    }
    return Table(
        "messages",
        _("What platforms were told"),
        (_("When"), _("Platform"), _("Answer")),
        [(_when(one.told_at), _name(one.client_id, names), states[one.state]) for one in copy.messages],
    )


def _sessions(copy: Copy, names: Mapping[str, Text | None]) -> Table:
    return Table(
        "sessions",
        _("Where you are signed in"),
        (_("Since"), _("Until"), _("Led to")),
        [
            (
                _when(one.began_at),
                _when(one.ends_at),
                _(", ").join(_name(client_id, names) for client_id in one.platforms) or _("no platform"),
            )
            for one in copy.sessions
        ],
    )


def _wallet_copies(copy: Copy) -> Table:
    status = {"valid": _("valid"), "suspended": _("suspended"), "revoked": _("revoked")}
    return Table(
        "wallet-copies",
        _("Long-lived copies in your wallet"),
        (_("Place in the status list"), _("State"), _("Until")),
        [
            (f"{one.status_list} · {one.index}", status[one.status], _when(one.ends_at))
            for one in copy.wallet_copies
        ],
    )


def _words(id: str, title: str, parts: Sequence[WordsPart], names: Mapping[str, Text | None]) -> Table:
    return Table(
        id,
        title,
        (_("When"), _("Platform"), _("Written"), _("Answer")),
        [
            (
                _when(one.made_at),
                _name(one.client_id, names) if one.client_id else "",
                inert(one.words),
                inert(one.answer or _("not answered yet")),
            )
            for one in parts
        ],
    )


def _notices(copy: Copy) -> Table:
    return Table(
        "notices",
        _("Notices"),
        (_("Happened"), _("Told"), _("Event")),
        [
            (
                _when(one.happened_at),
                _when(one.told_at),
                inert(
                    _("; ").join(
                        [said(one.title), *(_pair(said(name), said(value)) for name, value in one.facts)]
                    )
                ),
            )
            for one in copy.notices
        ],
    )


def _events(copy: Copy, names: Mapping[str, Text | None], purposes: Purposes) -> Table:
    return Table(
        "events",
        _("Log"),
        (_("When"), _("Event"), _("Platform"), _("Details")),
        [
            (
                _when(one.at),
                event_name(one.what),
                _name(one.client_id, names) if one.client_id else "",
                inert(_details(one, purposes)),
            )
            for one in copy.events
        ],
    )


def _details(event: EventPart, purposes: Purposes) -> str:
    """The circumstances: claims, factors and purposes in words, the others as the log has them."""
    parts = (_detail(event, name, value, purposes) for name, value in event.details.items())
    return _("; ").join(part for part in parts if part)


def _detail(event: EventPart, name: str, value: str, purposes: Purposes) -> str:
    if name == "claims":
        return _claims([claim for claim in value.split() if claim in CATALOGUE])
    if name == "factors":
        return factor_names(value.split())
    if name == "purpose":
        return _purpose(event.client_id, value or None, purposes)
    return _pair(name, value) if value else ""


def _pair(name: str, value: str) -> str:
    return _("%(name)s: %(value)s", name=name, value=value)


def _purpose(client_id: str | None, purpose: str | None, purposes: Purposes) -> str:
    """The purpose in words, or its id where it is no longer registered; without one, the check result."""
    if purpose is None:
        return _("check result")
    text = purposes.get((client_id or "", purpose))
    return inert(said(text) if text else purpose)


def _name(client_id: str, names: Mapping[str, Text | None]) -> str:
    name = names.get(client_id)
    return inert(said(name) if name else client_id)


def _claims(claims: Sequence[str]) -> str:
    return _(", ").join(said(CATALOGUE[name].label) for name in claims)


def _when(moment: datetime) -> str:
    return write_moment(moment, language())


def install(app: Flask) -> None:
    """Lets templates show what somebody wrote."""
    app.jinja_env.filters["inert"] = inert
