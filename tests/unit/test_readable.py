"""Dates as people write them, in China Standard Time wherever the server stands."""

from datetime import UTC, date, datetime

import pytest

from netid.identity.text import Language
from netid.pages.dates import write_clock, write_day, write_moment

EVENING = datetime(2026, 3, 4, 16, 5, tzinfo=UTC)
"""Already 5 March in China."""


@pytest.mark.parametrize(
    ("language", "day", "moment", "clock"),
    [
        ("zh", "2026年3月5日", "2026年3月5日 00:05（北京时间）", "00:05（北京时间）"),
        ("en", "5 March 2026", "5 March 2026, 00:05 (UTC+8)", "00:05 (UTC+8)"),
    ],
)
def test_dates(language: Language, day: str, moment: str, clock: str) -> None:
    assert write_day(date(2026, 3, 5), language) == day
    assert write_moment(EVENING, language) == moment
    assert write_clock(EVENING, language) == clock
