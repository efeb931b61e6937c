"""Declaring faults: what is unknown is refused with the nearest valid names, and each strikes in turn."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from netid.control.fault_reading import BY_NAME, read_fault
from netid.control.faults import ErrorAnswer, WrongTime
from netid.control.standing_faults import Faults
from netid.errors import InvalidField

EXP = {"fault": "exp", "endpoint": "token"}

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown fault": ({"fault": "expp", "endpoint": "token"}, "fault", "did you mean exp?"),
    "no fault": ({"endpoint": "token"}, "fault", f"choose from {', '.join(sorted(BY_NAME))}"),
    "a fault that is no text": ({"fault": 7}, "fault", f"choose from {', '.join(sorted(BY_NAME))}"),
    "an unknown endpoint": ({**EXP, "endpoint": "tokn"}, "endpoint", "did you mean token?"),
    "an endpoint without that fault": ({**EXP, "endpoint": "jwks"}, "endpoint", "choose from token"),
    "no endpoint": ({"fault": "exp"}, "endpoint", "see /openapi.json"),
    "an unknown member": ({**EXP, "second": 1}, "second", "did you mean seconds?"),
    "a member with a fault's name": ({**EXP, "exp": 1}, "exp", "choose from count, endpoint, fault"),
    "an unknown match": ({**EXP, "match": {"client": "x"}}, "match.client", "did you mean client_id?"),
    "a match that is none": ({**EXP, "match": 3}, "match", "see /openapi.json"),
    "a count of nothing": ({**EXP, "count": 0}, "count", "see /openapi.json"),
    "an unknown field": (
        {"fault": "missing_field", "endpoint": "userinfo", "field": "nam"},
        "field",
        "did you mean name?",
    ),
    "another status": (
        {"fault": "unavailable", "endpoint": "token", "status": 999},
        "status",
        "choose from 429, 500, 502, 503, 504",
    ),
}


@pytest.mark.parametrize(("given", "field", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_is_unknown_is_refused_with_the_nearest_names(
    given: dict[str, Any], field: str, remedy: str
) -> None:
    with pytest.raises(InvalidField) as raised:
        read_fault(given)
    assert (raised.value.status, raised.value.field) == (400, field)
    assert raised.value.remedy.startswith(remedy)


def test_a_refusal_repeats_no_value() -> None:
    with pytest.raises(InvalidField) as raised:
        read_fault({"fault": "exp", "endpoint": "a-secret-by-mistake"})
    assert "a-secret" not in raised.value.description


def test_every_fault_has_a_description_and_each_of_its_members_too() -> None:
    for model in BY_NAME.values():
        assert model.__doc__
        described = {n for n, field in model.model_fields.items() if field.description}
        assert model.model_fields.keys() - described <= {"fault", "endpoint"}


def test_the_oldest_strikes_first_and_gives_way_when_its_count_is_reached() -> None:
    faults = Faults(has_line=False)
    faults.declare(read_fault({**EXP, "count": 2, "seconds": 1}))
    faults.declare(read_fault({**EXP, "seconds": 2}))
    taken = [faults.take("token", "token", "a-shop") for _ in range(4)]

    assert [fault.seconds for fault in taken if isinstance(fault, WrongTime)] == [1, 1, 2, 2]
    assert [(each.id, each.struck, each.is_over) for each in faults.all()] == [(1, 2, True), (2, 2, False)]


def test_it_strikes_at_its_endpoint_for_its_relying_party_and_in_its_layer_alone() -> None:
    faults = Faults(has_line=False)
    declared = {"fault": "error", "endpoint": "token", "code": "invalid_grant", "match": {"client_id": "a"}}
    faults.declare(read_fault(declared))

    assert faults.take("answer", "revoke", "a") is None
    assert faults.take("token", "token", "a") is None
    assert faults.take("answer", "token", "b") is None
    assert faults.take("answer", "token", None) is None
    assert faults.take("answer", "token", "a", lambda fault: False) is None
    assert [each.struck for each in faults.all()] == [0]
    assert isinstance(faults.take("answer", "token", "a"), ErrorAnswer)


def test_a_fault_can_be_taken_away_and_numbers_are_never_given_twice() -> None:
    faults = Faults(has_line=False)
    first, second = faults.declare(read_fault(EXP)), faults.declare(read_fault(EXP))

    assert faults.withdraw(first.id)
    assert not faults.withdraw(first.id)
    assert faults.all() == (second,)
    faults.clear()
    assert faults.all() == ()
    assert faults.declare(read_fault(EXP)).id == 3


def test_a_fault_of_the_line_needs_a_line() -> None:
    reset = read_fault({"fault": "reset", "endpoint": "jwks"})
    with pytest.raises(InvalidField) as raised:
        Faults(has_line=False).declare(reset)
    assert raised.value.field == "fault"
    assert Faults(has_line=True).declare(reset).fault is reset


def test_of_many_requests_at_once_exactly_the_count_is_struck() -> None:
    faults = Faults(has_line=False)
    faults.declare(read_fault({**EXP, "count": 50}))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: faults.take("token", "token", None), range(400)))
    assert sum(fault is not None for fault in taken) == 50
