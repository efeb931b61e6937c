"""The OpenAPI 3.1 document of the management API, from the same models that check it."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from netid.identity.relying_party import RelyingParty
from netid.services.approval import ApprovalRule
from netid.services.registration import MIN_SECRET

Json = dict[str, Any]

_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "Field, rule and remedy"},
        "field": {"type": "string"},
        "rule": {"type": "string"},
        "remedy": {"type": "string"},
    },
}
_REFUSALS = {
    "400": "A field breaks a rule; nothing was changed",
    "401": "The token is missing or wrong",
    "404": "There is none of that name",
    "413": "The body is larger than any of these calls needs",
    "415": "The body is not application/json",
    "503": "The database is busy; nothing was changed",
}
_REGISTRATION: Json = {"$ref": "#/components/schemas/RelyingParty"}
_RULE: Json = {"$ref": "#/components/schemas/ApprovalRule"}


def document() -> Json:
    """The document; every operation and every answer it can give."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "NetID management API (mock, for tests)", "version": "1"},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
        "paths": {"/openapi.json": _openapi(), **_relying_parties(), **_people()},
    }


def _schemas() -> Json:
    _, definitions = TypeAdapter.json_schemas(
        [(model, "validation", TypeAdapter(model)) for model in (RelyingParty, ApprovalRule)],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    return schemas | _registration_forms(schemas["RelyingParty"]) | {"Problem": _PROBLEM}


def _registration_forms(model: Json) -> Json:
    """What is sent has the secret, and its name in the address; what is shown has no trace of the secret."""
    shown = {name: schema for name, schema in model["properties"].items() if name != "secret_digest"}
    secret = {"type": "string", "minLength": MIN_SECRET, "description": "For authentication by secret"}
    required = [name for name in model["required"] if name != "client_id"]
    return {
        "RelyingParty": {**model, "properties": shown},
        "Registration": {**model, "properties": {**shown, "secret": secret}, "required": required},
    }


def _openapi() -> Json:
    operation = _operation("This document", {"type": "object"}, refusals=())
    return {"get": {**operation, "security": []}}


def _relying_parties() -> Json:
    name = {"name": "client_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    body = {"$ref": "#/components/schemas/Registration"}
    return {
        "/relying-parties": {
            "get": _operation("Every relying party", {"type": "array", "items": _REGISTRATION})
        },
        "/relying-parties/{client_id}": {
            "parameters": [name],
            "get": _operation("One relying party", _REGISTRATION, refusals=("404",)),
            "put": _operation("Register or replace a relying party", _REGISTRATION, body=body),
            "delete": _operation("Take a relying party away", None, refusals=("404",)),
        },
    }


def _people() -> Json:
    persona = {"type": "object", "required": ["id", "title", "status"]}
    return {
        "/personas": {"get": _operation("The synthetic people", {"type": "array", "items": persona})},
        "/approvals": {
            "get": _operation("The approval rules in force", {"type": "array", "items": _RULE}),
            "post": _operation("Set what a persona decides", _RULE, body=_RULE, status="201"),
            "delete": _operation("Take every approval rule away", None),
        },
    }


def _operation(
    summary: str,
    answer: Json | None,
    *,
    body: Json | None = None,
    status: str = "200",
    refusals: Sequence[str] = (),
) -> Json:
    """One operation; an answer of None is 204, and what takes a body can refuse it."""
    success: Json = {"description": summary}
    if answer is not None:
        success["content"] = {"application/json": {"schema": answer}}
    codes = ["401", *refusals, "503"]
    operation: Json = {"summary": summary}
    if body is not None:
        codes += ["400", "413", "415"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    answers = {status if answer is not None else "204": success}
    operation["responses"] = answers | {code: _refusal(code) for code in sorted(codes)}
    return operation


def _refusal(code: str) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _REFUSALS[code], "content": {"application/problem+json": {"schema": schema}}}
