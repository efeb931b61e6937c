"""Made-up documents for an applicant who has none, which is everybody here."""

from collections.abc import Callable, Mapping
from datetime import date

from netid.identity.ages import Capacity, anniversary, birthdate_of_age
from netid.identity.documents import IdentityDocument, make_synthetic_document

_AGES: Mapping[Capacity, int] = {Capacity.UNDER_14: 10, Capacity.FROM_14_UNDER_18: 15, Capacity.ADULT: 30}
_VALID_FOR_YEARS = 5
_CHINESE_NAMES = ("林示例", "陈样本", "王虚构", "赵样例", "李示例", "吴样本")
_FOREIGN_NAMES = ("ALEX SAMPLE", "MARIA EXAMPLE", "KIM SPECIMEN")


def made_up_document(
    kind: str, capacity: Capacity, today: date, random: Callable[[int], bytes]
) -> IdentityDocument:
    """A valid document of that kind for somebody of 10, 15 or 30 years."""
    names = _FOREIGN_NAMES if kind == "permanent_residence_id" else _CHINESE_NAMES
    days, sex, name = random(3)
    return make_synthetic_document(
        kind,
        birthdate=birthdate_of_age(_AGES[capacity], days, today),
        sex="female" if sex % 2 else "male",
        name=names[name % len(names)],
        random=random,
        expires_on=anniversary(today, _VALID_FOR_YEARS),
    )
