"""Reading a declared fault from plain data: what is unknown is refused with the nearest valid names."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from netid.control.faults import AnswerFault, Fault, LineFault, TokenFault
from netid.errors import InvalidField
from netid.identity.claims import CATALOGUE
from netid.identity.shape import nearest

_FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)
_MODELS: tuple[type[BaseModel], ...] = get_args(AnswerFault | LineFault | TokenFault)

BY_NAME: Mapping[str, type[BaseModel]] = {
    name: model for model in _MODELS for name in get_args(model.model_fields["fault"].annotation)
}
"""Every fault's model, by the name that declares it."""


def read_fault(given: Mapping[str, Any]) -> Fault:
    """The fault that these members declare. Raises InvalidField with the nearest valid names."""
    try:
        return _FAULT.validate_python(given)
    except ValidationError as error:
        raise _refusal(given, error) from error


def _refusal(given: Mapping[str, Any], error: ValidationError) -> InvalidField:
    faults = error.errors(include_url=False, include_context=False)
    # A misspelt member shows twice, as missing and as unknown; the unknown one says more.
    first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    # The place begins with the fault's own name once that is known.
    path = [str(part) for part in first["loc"][1:]]
    where = ".".join(path) or "fault"
    valid = _valid(given, first["type"], path)
    if valid is not None:
        asked = path[-1] if first["type"] == "extra_forbidden" else first["input"]
        return InvalidField(where, _RULES[first["type"]], nearest(_named(asked), valid))
    return InvalidField(where, first["msg"].removeprefix("Value error, "), "see /openapi.json")


_RULES = {
    "union_tag_invalid": "there is no such fault",
    "union_tag_not_found": "says which fault, and is missing",
    "extra_forbidden": "there is no such member",
    "literal_error": "is not one of its values",
    "value_error": "is not in the catalogue",
}


def _named(asked: object) -> object:
    """Where the whole declaration is at fault, its name is."""
    return asked.get("fault", "") if isinstance(asked, Mapping) else asked


def _valid(given: Mapping[str, Any], kind: str, path: list[str]) -> list[str] | None:
    """The names that would do at this place, where it takes names."""
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return list(BY_NAME)
    model = BY_NAME[given["fault"]]
    if kind == "extra_forbidden":
        owner = model if len(path) == 1 else model.model_fields[path[0]].annotation
        return list(getattr(owner, "model_fields", ()))
    if kind == "literal_error":
        return [str(value) for value in get_args(model.model_fields[path[-1]].annotation)]
    return list(CATALOGUE) if kind == "value_error" and path[-1] == "field" else None
