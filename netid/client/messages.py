"""What the provider answers, read once: one strict JSON object, or an error that says what to do."""

from collections.abc import Callable

from netid.client.errors import ClientError, ProviderUnreachable
from netid.credentials import strict_json
from netid.sending import MAX_ANSWER, HttpAnswer, HttpRequest, Send

__all__ = ["MAX_ANSWER", "HttpAnswer", "HttpRequest", "Send", "json_object", "refuse_overload"]


def json_object(
    answer: HttpAnswer, error: Callable[[str], ClientError], *, status: int = 200
) -> dict[str, object]:
    """The one strict JSON object of an answer with that status; anything else raises what `error` makes.

    A provider that says it cannot work now (5xx, 429) is ProviderUnreachable whatever was expected.
    """
    refuse_overload(answer)
    if answer.status != status:
        raise error(f"the status is {answer.status}")
    if answer.media_type != "application/json":
        given = f"{answer.status} with content type {answer.media_type[:60]!r}"
        raise error(f"the answer is {given}, not application/json")
    try:
        return strict_json.parse_object(answer.body)
    except ValueError as fault:
        raise error("the body is not one strict JSON object") from fault


def refuse_overload(answer: HttpAnswer) -> None:
    """Raises ProviderUnreachable for 429 and every 5xx."""
    if answer.status == 429 or answer.status >= 500:
        raise ProviderUnreachable(f"the status is {answer.status}")
