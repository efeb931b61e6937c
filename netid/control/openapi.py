"""The OpenAPI 3.1 document of the management API, from the same models that check it."""

from typing import Any

from pydantic import TypeAdapter

from netid.identity.relying_party import RelyingParty
from netid.services.approval import ApprovalRule

_PROBLEM = {
    "description": "What was wrong, as RFC 9457 problem details",
    "content": {"application/problem+json": {}},
}


def document() -> dict[str, Any]:
    """The document; every operation and every answer it can give."""
    _, definitions = TypeAdapter.json_schemas(
        [(model, "validation", TypeAdapter(model)) for model in (RelyingParty, ApprovalRule)],
        ref_template="#/components/schemas/{model}",
    )
    registration = {"$ref": "#/components/schemas/RelyingParty"}
    rule = {"$ref": "#/components/schemas/ApprovalRule"}
    client_id = [{"name": "client_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.1.0",
        "info": {"title": "NetID management API (mock, for tests)", "version": "1"},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": definitions["$defs"],
        },
        "paths": {
            "/relying-parties": {
                "get": _operation("Every relying party", {"type": "array", "items": registration})
            },
            "/relying-parties/{client_id}": {
                "parameters": client_id,
                "get": _operation("One relying party", registration),
                "put": _operation(
                    "Register or replace a relying party", registration, body={"type": "object"}
                ),
                "delete": _operation("Take a relying party away", None),
            },
            "/personas": {"get": _operation("The synthetic people", {"type": "array"})},
            "/approvals": {
                "get": _operation("The approval rules in force", {"type": "array", "items": rule}),
                "post": _operation("Set what a persona decides", rule, body=rule, status="201"),
                "delete": _operation("Take every approval rule away", None),
            },
        },
    }


def _operation(
    summary: str, answer: dict[str, Any] | None, *, body: dict[str, Any] | None = None, status: str = "200"
) -> dict[str, Any]:
    """One operation; an answer of None is 204."""
    success: dict[str, Any] = {"description": summary}
    if answer is not None:
        success["content"] = {"application/json": {"schema": answer}}
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            status if answer is not None else "204": success,
            **dict.fromkeys(("400", "401", "404", "413", "415", "503"), _PROBLEM),
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation
