"""Dates, times and values on a page: as people write them, in the page's language."""

from datetime import UTC, date, datetime

from flask import Flask
from markupsafe import Markup

from netid.identity.readable import write_clock, write_day, write_moment, write_month, write_value
from netid.pages.language import language

_TIME = Markup('<time datetime="{}">{}</time>')


def _machine(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _day(day: date) -> Markup:
    return _TIME.format(day.isoformat(), write_day(day, language()))


def _moment(moment: datetime) -> Markup:
    return _TIME.format(_machine(moment), write_moment(moment, language()))


def _clock(moment: datetime) -> Markup:
    return _TIME.format(_machine(moment), write_clock(moment, language()))


def install(app: Flask) -> None:
    """Filters for templates: `day`, `moment` and `clock` answer a `<time>` element, the others plain text."""
    app.jinja_env.filters.update(
        day=_day,
        month=lambda day: write_month(day, language()),
        moment=_moment,
        clock=_clock,
        written=lambda value, name: write_value(name, value, language()),
    )
