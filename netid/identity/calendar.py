"""Which day it is where the law counts days."""

from datetime import UTC, date, datetime, timedelta, timezone

CHINA_STANDARD_TIME = timezone(timedelta(hours=8), "UTC+8")
"""China has one time zone and no summer time."""


def legal_day(now: datetime) -> date:
    """The calendar day in China at that moment: birthdays and expiry dates are counted by it."""
    return now.astimezone(CHINA_STANDARD_TIME).date()


def start_of_legal_day(day: date) -> datetime:
    """The moment (UTC) at which that day begins in China."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA_STANDARD_TIME).astimezone(UTC)
