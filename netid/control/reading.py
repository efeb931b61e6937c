"""Reading what a test sends: one JSON object, and a refusal that names the nearest valid names."""

from collections.abc import Collection
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from netid.credentials import strict_json
from netid.errors import InvalidField, UnsupportedMediaType
from netid.identity.shape import misshapen, nearest

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
        raise misshapen(error, model) from error


def known(where: str, name: str, valid: Collection[str]) -> str:
    """The name, if there is one of it. Raises InvalidField with the nearest valid names."""
    if name not in valid:
        raise InvalidField(
            where, "there is none of that name", nearest(name, valid) if valid else "make one first"
        )
    return name
