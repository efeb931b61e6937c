"""The management API: relying parties, personas and approval rules, for tests (loopback, with a token)."""

import hmac
import logging
from collections.abc import Sequence
from threading import Thread
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from netid import responses
from netid.control.openapi import document
from netid.credentials import strict_json
from netid.errors import (
    InvalidField,
    NetIDError,
    NotFound,
    Unauthorized,
    UnexpectedFault,
    UnsupportedMediaType,
)
from netid.identity.persons import Persona
from netid.identity.relying_party import RelyingParty
from netid.services.approval import ApprovalRule, Outcomes
from netid.services.registration import Registration, checked_registration

log = logging.getLogger("netid")

MAX_BODY = 256 * 1024


def management_app(
    token: str, *, registration: Registration, outcomes: Outcomes, personas: Sequence[Persona]
) -> Flask:
    """The WSGI app of the management port. Every call but /openapi.json needs the bearer token."""
    app = Flask("netid.control")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    app.register_error_handler(NetIDError, responses.problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _fault)

    @app.before_request
    def needs_token() -> None:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        right = scheme.lower() == "bearer" and hmac.compare_digest(sent.encode(), token.encode())
        if request.endpoint != "describe" and not right:
            raise Unauthorized

    @app.after_request
    def keep_nowhere(response: Response) -> Response:
        return responses.uncached(response)

    @app.get("/openapi.json")
    def describe() -> Response:
        return jsonify(document())

    app.register_blueprint(_relying_parties(registration))
    app.register_blueprint(_people(outcomes, personas))
    return app


def _relying_parties(registration: Registration) -> Blueprint:
    routes = Blueprint("relying_parties", __name__)

    @routes.get("/relying-parties")
    def list_all() -> Response:
        return jsonify([_shown(relying_party) for relying_party in registration.list()])

    @routes.put("/relying-parties/<client_id>")
    def put(client_id: str) -> Response:
        entry = {"client_id": client_id, **_json_object()}
        if entry["client_id"] != client_id:
            raise InvalidField("client_id", "is not the one of the address", "leave it out of the body")
        relying_party = checked_registration(entry)
        registration.put(relying_party)
        return jsonify(_shown(relying_party))

    @routes.get("/relying-parties/<client_id>")
    def get(client_id: str) -> Response:
        relying_party = registration.get(client_id)
        if relying_party is None:
            raise NotFound
        return jsonify(_shown(relying_party))

    @routes.delete("/relying-parties/<client_id>")
    def remove(client_id: str) -> Response:
        if not registration.remove(client_id):
            raise NotFound
        return Response(status=204)

    return routes


def _people(outcomes: Outcomes, personas: Sequence[Persona]) -> Blueprint:
    routes = Blueprint("people", __name__)
    known = {persona.id for persona in personas}

    @routes.get("/personas")
    def list_personas() -> Response:
        return jsonify([{"id": p.id, "title": p.title.model_dump(), "status": p.status} for p in personas])

    @routes.get("/approvals")
    def list_approvals() -> Response:
        return jsonify([rule.model_dump(mode="json") for rule in outcomes.rules])

    @routes.post("/approvals")
    def set_approval() -> tuple[Response, int]:
        rule = _approval_rule(_json_object(), known)
        outcomes.set(rule)
        return jsonify(rule.model_dump(mode="json")), 201

    @routes.delete("/approvals")
    def clear_approvals() -> Response:
        outcomes.clear()
        return Response(status=204)

    return routes


def serve_management(app: Flask, port: int) -> None:
    """Answers on loopback from a thread of this process, which is the only one in test mode."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    Thread(target=server.serve_forever, name="management", daemon=True).start()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No line per request."""


def _json_object() -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return strict_json.parse_object(request.get_data())
    except ValueError as error:
        raise InvalidField("body", f"must be one JSON object ({error})", "correct it") from error


def _approval_rule(body: dict[str, Any], known: set[str]) -> ApprovalRule:
    try:
        rule = ApprovalRule.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidField(where, first["msg"], "see /openapi.json") from error
    if rule.persona not in known:
        raise InvalidField("persona", "is not the id of a persona", f"choose from {', '.join(sorted(known))}")
    return rule


def _shown(relying_party: RelyingParty) -> dict[str, Any]:
    """A registration without its secret's digest."""
    return relying_party.model_dump(mode="json", exclude={"secret_digest"}, exclude_none=True)


def _http_problem(error: HTTPException) -> Response:
    response = responses.problem(responses.refusal_of(error))
    if allowed := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allowed
    return response


def _fault(error: Exception) -> Response:
    log.exception("unexpected fault in %s", request.endpoint)
    return responses.problem(UnexpectedFault(type(error).__name__))
