"""Reading what a test sends: one JSON object, and a refusal that names the nearest valid names."""

from collections.abc import Collection
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from netid.control.fault_reading import nearest
from netid.credentials import strict_json
from netid.errors import InvalidField, UnsupportedMediaType
from netid.identity.claims import CATALOGUE

M = TypeVar("M", bound=BaseModel)


def json_object() -> dict[str, Any]:
    """The body, one JSON object. Raises UnsupportedMediaType, InvalidField."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return strict_json.parse_object(request.get_data())
    except ValueError as error:
        raise InvalidField("body", f"must be one JSON object ({error})", "correct it") from error


def read(model: type[M], body: dict[str, Any]) -> M:
    """The body as this model. Raises InvalidField for the first thing that is wrong in it."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # A misspelt member shows twice, as missing and as unknown; the unknown one says more.
        first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
        where = [str(part) for part in first["loc"]]
        valid = _valid(model, first["type"], first.get("ctx", {}), where)
        remedy = "see /openapi.json" if valid is None else nearest(_named(first, where), valid)
        rule = _RULES.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise InvalidField(".".join(where) or "body", rule, remedy) from error


def known(where: str, name: str, valid: Collection[str]) -> str:
    """The name, if there is one of it. Raises InvalidField with the nearest valid names."""
    if name not in valid:
        raise InvalidField(
            where, "there is none of that name", nearest(name, valid) if valid else "make one first"
        )
    return name


_RULES = {"extra_forbidden": "there is no such member", "missing": "is missing"}


def _named(fault: Any, where: list[str]) -> str:
    return where[-1] if fault["type"] == "extra_forbidden" else str(fault["input"])


def _valid(model: type[BaseModel], kind: str, context: dict[str, Any], where: list[str]) -> list[str] | None:
    """The names that would do at this place, where it takes names."""
    if kind == "extra_forbidden":
        return list(model.model_fields)
    if kind in {"literal_error", "enum"}:
        return [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
    return list(CATALOGUE) if where[:1] == ["voluntary"] else None
