"""Dates and times as people write them: always China Standard Time, and said so."""

from datetime import UTC, date, datetime

from flask import Flask
from markupsafe import Markup

from netid.identity.calendar import CHINA_STANDARD_TIME
from netid.identity.text import Language
from netid.pages.language import language

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_TIME = Markup('<time datetime="{}">{}</time>')


def write_day(day: date, in_language: Language) -> str:
    """`2026年3月5日`, or `5 March 2026`."""
    if in_language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def write_moment(moment: datetime, in_language: Language) -> str:
    """`2026年3月5日 14:20（北京时间）`, or `5 March 2026, 14:20 (UTC+8)`."""
    day = write_day(moment.astimezone(CHINA_STANDARD_TIME).date(), in_language)
    return f"{day}{' ' if in_language == 'zh' else ', '}{write_clock(moment, in_language)}"


def write_clock(moment: datetime, in_language: Language) -> str:
    """`14:20（北京时间）`, or `14:20 (UTC+8)`."""
    local = moment.astimezone(CHINA_STANDARD_TIME)
    # Not strftime, which looks the machine's own time zone up at each call.
    clock = f"{local.hour:02}:{local.minute:02}"
    return f"{clock}（北京时间）" if in_language == "zh" else f"{clock} (UTC+8)"


def _machine(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _day(day: date) -> Markup:
    return _TIME.format(day.isoformat(), write_day(day, language()))


def _moment(moment: datetime) -> Markup:
    return _TIME.format(_machine(moment), write_moment(moment, language()))


def _clock(moment: datetime) -> Markup:
    return _TIME.format(_machine(moment), write_clock(moment, language()))


def install(app: Flask) -> None:
    """Filters for templates: `day`, `moment` and `clock` answer a `<time>` element."""
    app.jinja_env.filters.update(day=_day, moment=_moment, clock=_clock)
