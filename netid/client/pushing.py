"""The authorization request, pushed to the provider beforehand (RFC 9126)."""

from collections.abc import Mapping

from netid.client.authentication import Credentials
from netid.client.errors import RequestRefused
from netid.client.messages import HttpAnswer, HttpRequest, json_object, refuse_overload
from netid.client.token_answer import refusal


def push_request(endpoint: str, parameters: Mapping[str, str], credentials: Credentials) -> HttpRequest:
    """The request that pushes these parameters (2.1)."""
    return HttpRequest(endpoint, credentials.headers, {**parameters, **credentials.form})


def read_push_answer(answer: HttpAnswer) -> str:
    """The `request_uri` that stands for them (2.2). Raises ClientRefused or RequestRefused."""
    refuse_overload(answer)
    if answer.status != 201:
        raise refusal(answer)
    request_uri = json_object(answer, RequestRefused, status=201).get("request_uri")
    if not isinstance(request_uri, str) or not request_uri:
        raise RequestRefused("the answer to the pushed request lacks request_uri")
    return request_uri
