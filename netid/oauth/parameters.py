"""The parameters of an OAuth request: each at most once, of bounded size, plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from netid.errors import InvalidRequest, RequestTooLarge

MAX_REQUEST_BYTES = 32 * 1024
MAX_PARAMETERS = 100
MAX_VALUE = 8 * 1024

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Parameters:
    """What came in query and body; one without a value counts as left out (RFC 6749, 3.1)."""

    single: Mapping[str, str]
    """Those that came once."""
    repeated: tuple[str, ...] = ()
    """The names of the others, also of those that came once in each place."""

    def once(self, *names: str) -> Mapping[str, str]:
        """Those that came once. Raises InvalidRequest if one of these names, or any if there are none,
        came twice."""
        for name in self.repeated:
            if not names or name in names:
                raise InvalidRequest(f"{_shown(name)} is given more than once; send it once")
        return self.single


def received(request: Request) -> Parameters:
    """Every parameter of query and body (RFC 6749, 3.1 and 3.2).

    Raises InvalidRequest or RequestTooLarge.
    """
    found: dict[str, str] = {}
    repeated: dict[str, None] = {}
    for name, value in [*_pairs(_query(request)), *_pairs(_form(request))]:
        _check_text(name, value)
        if name in found:
            repeated[name] = None
        found[name] = value
    if len(found) > MAX_PARAMETERS:
        raise _too_many()
    single = {name: value for name, value in found.items() if value and name not in repeated}
    return Parameters(single, tuple(repeated))


def parameters(request: Request) -> Mapping[str, str]:
    """The same where each may come once only."""
    return received(request).once()


def body_parameters(request: Request) -> Mapping[str, str]:
    """The parameters of a POST whose secrets may not stand in the query. Raises InvalidRequest."""
    if request.query_string:
        raise InvalidRequest("parameters belong in the body; send nothing in the query")
    if request.mimetype != FORM:
        raise InvalidRequest(f"the body must be {FORM}")
    return parameters(request)


def _query(request: Request) -> bytes:
    if len(request.query_string) > MAX_REQUEST_BYTES:
        raise RequestTooLarge(f"the query is longer than {MAX_REQUEST_BYTES} bytes; send less")
    return request.query_string


def _form(request: Request) -> bytes:
    if request.mimetype != FORM:
        return b""
    try:
        return request.get_data()
    except RequestEntityTooLarge as error:
        raise RequestTooLarge(f"the body is longer than {MAX_REQUEST_BYTES} bytes; send less") from error


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Strictly read: a lenient reader hands back another `state` than it was given."""
    if encoded.count(b"&") >= MAX_PARAMETERS:
        raise _too_many()
    try:
        return parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InvalidRequest(f"the parameters are not UTF-8 as {FORM} has it; encode them anew") from error


def _too_many() -> InvalidRequest:
    return InvalidRequest(f"there are more than {MAX_PARAMETERS} parameters; send those this endpoint knows")


def _check_text(name: str, value: str) -> None:
    if max(len(name), len(value)) > MAX_VALUE:
        raise InvalidRequest(f"{_shown(name)} is longer than {MAX_VALUE} characters; send less")
    if not all(c.isprintable() or c in "\r\n\t" for c in name + value):
        raise InvalidRequest(f"{_shown(name)} has characters that are not printable text; leave them out")


def _shown(name: str) -> str:
    """A parameter's name as an answer may repeat it."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "a parameter"
