"""Answers with one thing wrong: WSGI middleware around a realm's provider."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Response

from netid.control.addressed import endpoint_of, read_body, unverified_client_id, unverified_parameters
from netid.control.faults import Endpoint, ErrorAnswer, Fault, MalformedJson, MixUp, Unavailable
from netid.control.standing_faults import Faults

MOST_REQUESTS = 1000
"""How many sign-ins under way are remembered by their state; the oldest go first."""


class FaultyAnswers:
    """Answers as the provider does, but for what a declared fault changes."""

    def __init__(self, app: WSGIApplication, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        self._states: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request; the provider is not asked where a fault answers in its place."""
        endpoint = endpoint_of(environ.get("PATH_INFO", ""))
        query, body = environ.get("QUERY_STRING", ""), read_body(environ) if endpoint else b""
        client_id = unverified_client_id(query, environ.get("HTTP_AUTHORIZATION", ""), body)
        fault = self._before(endpoint, client_id) if endpoint else None
        if fault is not None:
            return _refusal(fault)(environ, start_response)
        if endpoint in ("authorize", "par"):
            self._remember(unverified_parameters(query, body).get("state"), client_id)
        response = self._after(endpoint, client_id, Response.from_app(self._app, environ))
        return response(environ, start_response)

    def _before(self, endpoint: Endpoint, client_id: str | None) -> ErrorAnswer | Unavailable | None:
        kinds = Unavailable if endpoint == "authorize" else ErrorAnswer | Unavailable
        fault = self._faults.take("answer", endpoint, client_id, lambda fault: isinstance(fault, kinds))
        return fault if isinstance(fault, ErrorAnswer | Unavailable) else None

    def _after(self, endpoint: Endpoint | None, client_id: str | None, response: Response) -> Response:
        sent = dict(parse_qsl(urlsplit(response.location or "").query))
        if "iss" in sent:
            fault = self._faults.take("answer", "authorize", client_id or self._client_of(sent), _in_redirect)
            return _sent_elsewhere(response, sent, fault)
        if endpoint is None or not response.is_json or response.status_code not in (200, 201):
            return response
        fault = self._faults.take(
            "answer", endpoint, client_id, lambda fault: isinstance(fault, MalformedJson)
        )
        if isinstance(fault, MalformedJson):
            response.set_data(_malformed(response.get_data(), fault))
        return response

    def _remember(self, state: str | None, client_id: str | None) -> None:
        """Whose state this is: the redirect back may be sent by a page, which names nobody."""
        if state is not None and client_id is not None:
            with self._lock:
                self._states[state] = client_id
                if len(self._states) > MOST_REQUESTS:
                    self._states.popitem(last=False)

    def _client_of(self, sent: Mapping[str, str]) -> str | None:
        return self._states.get(sent.get("state", ""))


def _in_redirect(fault: Fault) -> bool:
    return isinstance(fault, ErrorAnswer | MixUp)


def _refusal(fault: ErrorAnswer | Unavailable) -> Response:
    """Readable by whoever looks at it: a test that fails here should see why."""
    code = fault.code if isinstance(fault, ErrorAnswer) else "temporarily_unavailable"
    body = json.dumps({"error": code, "error_description": "a fault that the test declared"})
    response = Response(body, status=fault.status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if isinstance(fault, Unavailable) and fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _sent_elsewhere(response: Response, sent: Mapping[str, str], fault: Fault | None) -> Response:
    """The redirect back with an error in place of its code, or with another issuer."""
    match fault:
        case ErrorAnswer():
            kept = {name: sent[name] for name in ("state", "iss") if name in sent}
            sent = {"error": fault.code, "error_description": "a fault that the test declared", **kept}
        case MixUp():
            kept = {name: value for name, value in sent.items() if name != "iss"}
            sent = kept if fault.issuer is None else {**kept, "iss": fault.issuer}
        case _:
            return response
    parts = urlsplit(response.location or "")
    response.headers["Location"] = urlunsplit(parts._replace(query=urlencode(sent)))
    return response


def _malformed(body: bytes, fault: MalformedJson) -> bytes:
    body = body.strip()
    if fault.form == "cut":
        return body[: len(body) // 2]
    if fault.form == "list":
        return b"[" + body + b"]"
    members: dict[str, Any] = json.loads(body)
    name = next(iter(members))
    twice = json.dumps({name: members[name]}).encode()
    return twice[:-1] + b"," + body[1:]
