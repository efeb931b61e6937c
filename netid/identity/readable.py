"""How people read days, times and the values of a document. Times are China Standard Time, and say so."""

from collections.abc import Mapping
from datetime import date, datetime

from netid.identity.calendar import CHINA_STANDARD_TIME
from netid.identity.documents import DOCUMENT_KINDS
from netid.identity.text import Language, Text

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = frozenset({"birthdate", "document_expires_on"})
_WORDS: Mapping[tuple[str, str], Text] = {
    ("sex", "female"): Text(zh="女", en="Female"),
    ("sex", "male"): Text(zh="男", en="Male"),
    ("nationality", "CHN"): Text(zh="中国", en="China"),
}


def write_day(day: date, language: Language) -> str:
    """`2026年3月5日`, or `5 March 2026`."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def write_month(day: date, language: Language) -> str:
    """`2026年3月`, or `March 2026`: the month of that day."""
    return f"{day.year}年{day.month}月" if language == "zh" else f"{_MONTHS[day.month - 1]} {day.year}"


def write_moment(moment: datetime, language: Language) -> str:
    """`2026年3月5日 14:20（北京时间）`, or `5 March 2026, 14:20 (UTC+8)`."""
    day = write_day(moment.astimezone(CHINA_STANDARD_TIME).date(), language)
    return f"{day}{' ' if language == 'zh' else ', '}{write_clock(moment, language)}"


def write_clock(moment: datetime, language: Language) -> str:
    """`14:20（北京时间）`, or `14:20 (UTC+8)`."""
    local = moment.astimezone(CHINA_STANDARD_TIME)
    # Not strftime, which looks the machine's own time zone up at each call.
    clock = f"{local.hour:02}:{local.minute:02}"
    return f"{clock}（北京时间）" if language == "zh" else f"{clock} (UTC+8)"


def write_value(name: str, value: str, language: Language) -> str:
    """The value of that claim in words; one for which there are none stays as it is, as a number does."""
    if name == "document_kind" and value in DOCUMENT_KINDS:
        return DOCUMENT_KINDS[value].label.in_(language)
    if name in _DAYS:
        try:
            return write_day(date.fromisoformat(value), language)
        except ValueError:
            return value
    words = _WORDS.get((name, value))
    return words.in_(language) if words else value
