"""Plain data that does not have a model's shape: the first thing that is wrong with it, and what to do."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from netid.errors import InvalidField


def misshapen(error: ValidationError, model: type[BaseModel]) -> InvalidField:
    """The first fault that validating this model found: which field, what was expected, what to do."""
    faults = error.errors(include_url=False)
    # A misspelt name shows twice, as missing and as unknown; the unknown one says more.
    first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    where = ".".join(str(step) for step in first["loc"] if not _is_alternative(step))
    if first["type"] in {"model_type", "dict_type"}:
        return InvalidField(where, "must be a mapping", "correct it")
    if first["type"] == "missing":
        return InvalidField(where, "is missing", "add it")
    if first["type"] == "extra_forbidden":
        members = _members(model, first["loc"][:-1])
        return InvalidField(where, "there is no such field", nearest(first["loc"][-1], members))
    if first["type"] in {"literal_error", "enum"}:
        return InvalidField(where, "is not one of its values", nearest(first["input"], _values(first)))
    return _as_said(where, first["msg"])


def nearest(name: object, valid: Collection[str]) -> str:
    """The remedy for an unknown name: those most like it, or all of them where none is."""
    close = get_close_matches(str(name), valid)
    return f"did you mean {' or '.join(close)}?" if close else f"choose from {', '.join(sorted(valid))}"


def _members(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    for step in place:
        if isinstance(step, str):
            model = next(_models(model.model_fields[step].annotation))
    return list(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _is_alternative(step: int | str) -> bool:
    """Whether it names one of several types that a field may have, and not a place in the data."""
    return isinstance(step, str) and "[" in step


def _values(fault: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", str(fault["ctx"]["expected"]))


def _as_said(where: str, message: str) -> InvalidField:
    """Our own words are “rule; remedy”, after the field where it is about several; pydantic's are not."""
    words = re.sub(r"^[A-Z]\w+ should ", "must ", message.removeprefix("Value error, "))
    words = re.sub(r"a valid (?:tuple|frozenset)$", "a list", words)
    if not where:
        where, _colon, words = words.partition(": ")
    rule, semicolon, remedy = words.rpartition("; ")
    return InvalidField(where, rule, remedy) if semicolon else InvalidField(where, words, "correct it")
