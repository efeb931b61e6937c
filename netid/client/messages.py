"""A request to the provider and its answer, as values: one function makes or reads them, another sends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netid.client.errors import ClientError, ProviderUnreachable
from netid.credentials import strict_json

MAX_ANSWER = 64 * 1024
"""The longest answer that is read, in bytes; the largest real one is a few kilobytes."""


@dataclass(frozen=True)
class HttpRequest:
    """A request to one of the provider's endpoints; a form makes it a POST."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. Nothing of it is proven yet."""

    status: int
    media_type: str
    """The content type in lower case, without parameters."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name in lower case."""


Send = Callable[[HttpRequest], HttpAnswer]
"""Sends a request. Raises ProviderUnreachable; never follows a redirect."""


def json_object(answer: HttpAnswer, error: type[ClientError], *, status: int = 200) -> dict[str, object]:
    """The one strict JSON object of an answer with that status; anything else raises `error`.

    A provider that says it cannot work now (5xx, 429) is ProviderUnreachable whatever was expected.
    """
    refuse_overload(answer)
    if answer.status != status:
        raise error(f"the status is {answer.status}")
    if answer.media_type != "application/json":
        raise error("the content type is not application/json")
    try:
        return strict_json.parse_object(answer.body)
    except ValueError as fault:
        raise error("the body is not one strict JSON object") from fault


def refuse_overload(answer: HttpAnswer) -> None:
    """Raises ProviderUnreachable for 429 and every 5xx."""
    if answer.status == 429 or answer.status >= 500:
        raise ProviderUnreachable(f"the status is {answer.status}")
