"""The parameters of an OAuth request: each at most once, of bounded size, plain text."""

from collections.abc import Mapping

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from netid.errors import InvalidRequest, RequestTooLarge

MAX_REQUEST_BYTES = 32 * 1024
MAX_PARAMETERS = 100
MAX_VALUE = 8 * 1024

FORM = "application/x-www-form-urlencoded"


def parameters(request: Request) -> Mapping[str, str]:
    """Every parameter of query and body (RFC 6749, 3.1 and 3.2).

    One without a value counts as left out; one that comes twice, also once in each place, is
    refused. Raises InvalidRequest or RequestTooLarge.
    """
    found: dict[str, str] = {}
    for source in (request.args, form(request)):
        for name, values in source.lists():
            if name in found or len(values) > 1:
                raise InvalidRequest(f"{_shown(name)} is given more than once; send it once")
            found[name] = values[0]
    if len(found) > MAX_PARAMETERS:
        raise InvalidRequest(f"more than {MAX_PARAMETERS} parameters; send only what this endpoint knows")
    for name, value in found.items():
        _check_value(name, value)
    return {name: value for name, value in found.items() if value}


def body_parameters(request: Request) -> Mapping[str, str]:
    """The parameters of a POST whose secrets may not stand in the query. Raises InvalidRequest."""
    if request.args:
        raise InvalidRequest("parameters belong in the body; send nothing in the query")
    if request.mimetype != FORM:
        raise InvalidRequest(f"the body must be {FORM}")
    return parameters(request)


def form(request: Request) -> MultiDict[str, str]:
    """The body's form, read within bounds. Raises RequestTooLarge."""
    if len(request.query_string) > MAX_REQUEST_BYTES:
        raise RequestTooLarge(f"the query is longer than {MAX_REQUEST_BYTES} bytes")
    try:
        return request.form
    except RequestEntityTooLarge as error:
        raise RequestTooLarge(f"the body is longer than {MAX_REQUEST_BYTES} bytes or has too many parts") from error


def _check_value(name: str, value: str) -> None:
    if len(value) > MAX_VALUE:
        raise InvalidRequest(f"{_shown(name)} is longer than {MAX_VALUE} characters")
    if not all(c.isprintable() or c in "\r\n\t" for c in name + value):
        raise InvalidRequest(f"{_shown(name)} has characters that are not printable text")


def _shown(name: str) -> str:
    """A parameter's name as an answer may repeat it."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "a parameter"
