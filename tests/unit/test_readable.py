"""Dates and values as people write them, in China Standard Time wherever the server stands."""

from datetime import UTC, date, datetime

import pytest

from netid.identity.readable import write_clock, write_day, write_moment, write_month, write_value
from netid.identity.text import Language

EVENING = datetime(2026, 3, 4, 16, 5, tzinfo=UTC)
"""Already 5 March in China."""


@pytest.mark.parametrize(
    ("language", "day", "month", "moment", "clock"),
    [
        ("zh", "2026年3月5日", "2026年3月", "2026年3月5日 00:05（北京时间）", "00:05（北京时间）"),
        ("en", "5 March 2026", "March 2026", "5 March 2026, 00:05 (UTC+8)", "00:05 (UTC+8)"),
    ],
)
def test_dates(language: Language, day: str, month: str, moment: str, clock: str) -> None:
    assert write_day(date(2026, 3, 5), language) == day
    assert write_month(date(2026, 3, 5), language) == month
    assert write_moment(EVENING, language) == moment
    assert write_clock(EVENING, language) == clock


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("document_kind", "resident_id", "居民身份证", "Resident ID card"),
        ("document_kind", "another", "another", "another"),
        ("sex", "female", "女", "Female"),
        ("sex", "male", "男", "Male"),
        ("birthdate", "1994-06-21", "1994年6月21日", "21 June 1994"),
        ("document_expires_on", "2036-01-02", "2036年1月2日", "2 January 2036"),
        ("document_expires_on", "some day", "some day", "some day"),
        ("nationality", "CHN", "中国", "China"),
        ("nationality", "QMA", "QMA", "QMA"),
        ("name", "female", "female", "female"),
        ("document_number", "1994-06-21", "1994-06-21", "1994-06-21"),
    ],
)
def test_values(name: str, value: str, zh: str, en: str) -> None:
    assert write_value(name, value, "zh") == zh
    assert write_value(name, value, "en") == en
