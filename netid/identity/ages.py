"""How old somebody is, and what the Measures ask for at that age.

An age is reached on the birthday itself, as in civil and administrative practice. (The day *after*
the birthday, which the Supreme People's Court fixed in Fa Shi [2006] No. 1, article 2, holds for
criminal liability under article 17 of the Criminal Law, and for nothing else.) Who was born on
29 February reaches an age on 28 February of a common year: where the month lacks the
corresponding day, its last day stands in (Civil Code, article 202).

A day here is a day of the calendar in China (UTC+8); the caller turns an instant into it.
"""

from datetime import date, timedelta
from enum import Enum

from netid.errors import InvalidField


class Capacity(Enum):
    """The three ages that the Measures distinguish (articles 4 and 5)."""

    UNDER_14 = "under_14"
    """A guardian applies on the child's behalf, and consents to each use."""

    FROM_14_UNDER_18 = "from_14_under_18"
    """Applies under a guardian's supervision."""

    ADULT = "adult"
    """Applies alone."""


def anniversary(day: date, years: int) -> date:
    """The same day that many years later (or earlier, if negative); 28 February for a missing 29th."""
    year = day.year + years
    if not date.min.year <= year <= date.max.year:
        raise InvalidField("years", "must lead to a year from 1 to 9999", "use fewer years")
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def age_on(birthdate: date, day: date) -> int:
    """Whole years of age on a day; the birthday counts as reached.

    InvalidField if the day comes before the birth.
    """
    if day < birthdate:
        raise InvalidField("birthdate", "must not be in the future", "check the date of birth")
    years = day.year - birthdate.year
    return years if anniversary(birthdate, years) <= day else years - 1


def capacity_on(birthdate: date, day: date) -> Capacity:
    """Which of the three ages somebody has on a day; InvalidField if the day comes before the birth."""
    years = age_on(birthdate, day)
    if years < 14:
        return Capacity.UNDER_14
    return Capacity.FROM_14_UNDER_18 if years < 18 else Capacity.ADULT


def birthdate_of_age(years: int, days: int, today: date) -> date:
    """The date of birth of somebody who today is that many days past a birthday.

    `days` below zero means days before it: (14, -1) is the day before the 14th birthday. Where
    today would ask for a birth on a 29 February that never was, the border still holds: before a
    birthday it moves to 1 March, otherwise to 28 February.
    """
    birthday = today - timedelta(days=days)
    birthdate = anniversary(birthday, -years)
    moved = birthdate.day != birthday.day
    return birthdate + timedelta(days=1) if moved and days < 0 else birthdate
