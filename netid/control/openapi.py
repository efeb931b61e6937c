"""The OpenAPI 3.1 document of the management API, from the same models that check it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from netid.control.capture import Captured, Expectation
from netid.control.faults import Fault
from netid.control.made_people import PersonWanted
from netid.control.steering import Advance, PaceWanted, RealmWanted
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
    "403": "The caller is not on this machine, or uses a name that is not a loopback name",
    "404": "There is none of that name",
    "409": "The request that came is not what was expected; `detail` is the difference",
    "413": "The body is larger than any of these calls needs",
    "415": "The body is not application/json",
    "503": "The database is busy; nothing was changed",
}
_SENT = (RelyingParty, ApprovalRule, RealmWanted, Advance, PaceWanted, PersonWanted, Expectation, Captured)
_PERSONA: Json = {
    "type": "object",
    "required": ["id", "title", "status", "document", "guardian"],
    "properties": {"id": {"type": "string"}, "document": {"type": "string"}, "status": {"type": "string"}},
}
_REALM: Json = {
    "type": "object",
    "required": ["id", "issuer", "expires_at"],
    "properties": {
        "id": {"type": "string"},
        "issuer": {"type": "string", "description": "Give this to your relying party"},
        "expires_at": {"type": "string", "format": "date-time"},
    },
}
_CLOCK: Json = {
    "type": "object",
    "required": ["now", "ahead"],
    "properties": {"now": {"type": "string", "format": "date-time"}, "ahead": {"type": "number"}},
}


def document() -> Json:
    """The document; every operation and every answer it can give."""
    shared = {**_relying_parties(), **_people(), **_outcomes()}
    inner = {**shared, **_made_people(), **_clock_and_keys(), **_requests(), **_faults()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "NetID management API (mock, for tests)", "version": "1"},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
        "paths": {**_open(), **_realms(), **_in_a_realm(inner), **shared},
    }


def _schemas() -> Json:
    adapters: list[Any] = [(model, "validation", TypeAdapter(model)) for model in _SENT]
    fault: TypeAdapter[Any] = TypeAdapter(Fault)
    by_model, definitions = TypeAdapter.json_schemas(
        [*adapters, (Fault, "validation", fault)], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = definitions["$defs"]
    named = {"Fault": by_model[(Fault, "validation")], "Problem": _PROBLEM}
    return schemas | _registration_forms(schemas["RelyingParty"]) | named


def _in_a_realm(paths: Mapping[str, Json]) -> Json:
    """The same addresses below a realm's own."""
    below: Json = {}
    for path, item in paths.items():
        parameters = [_name("realm_id"), *item.get("parameters", ())]
        operations = {
            method: _with_refusal(operation, "404")
            for method, operation in item.items()
            if method != "parameters"
        }
        below[f"/realms/{{realm_id}}{path}"] = {"parameters": parameters, **operations}
    return below


def _with_refusal(operation: Json, code: str) -> Json:
    answers = operation["responses"] | {code: _refusal(code)}
    return operation | {"responses": dict(sorted(answers.items()))}


def _name(name: str, kind: str = "string") -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _ref(model: str) -> Json:
    return {"$ref": f"#/components/schemas/{model}"}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _registration_forms(model: Json) -> Json:
    """What is sent has the secret, and its name in the address; what is shown has no trace of the secret."""
    shown = {name: schema for name, schema in model["properties"].items() if name != "secret_digest"}
    secret = {"type": "string", "minLength": MIN_SECRET, "description": "For authentication by secret"}
    required = [name for name in model["required"] if name != "client_id"]
    return {
        "RelyingParty": {**model, "properties": shown},
        "Registration": {**model, "properties": {**shown, "secret": secret}, "required": required},
    }


def _open() -> Json:
    """What answers without the token."""
    operation = _operation("This document", {"type": "object"})
    return {"/openapi.json": {"get": {**operation, "security": []}}}


def _realms() -> Json:
    return {
        "/realms": {
            "get": _operation("Every realm", _list(_REALM)),
            "post": _operation("Make a realm", _REALM, body=_ref("RealmWanted"), status="201"),
        },
        "/realms/{realm_id}": {
            "parameters": [_name("realm_id")],
            "get": _operation("One realm", _REALM, refusals=("404",)),
            "delete": _operation("Drop a realm; nothing of it is left", None, refusals=("404",)),
        },
    }


def _relying_parties() -> Json:
    shown, sent = _ref("RelyingParty"), _ref("Registration")
    return {
        "/relying-parties": {"get": _operation("Every relying party", _list(shown))},
        "/relying-parties/{client_id}": {
            "parameters": [_name("client_id")],
            "get": _operation("One relying party", shown, refusals=("404",)),
            "put": _operation("Register or replace a relying party", shown, body=sent),
            "delete": _operation("Take a relying party away", None, refusals=("404",)),
        },
    }


def _people() -> Json:
    rule = _ref("ApprovalRule")
    return {
        "/personas": {"get": _operation("The synthetic people", _list(_PERSONA))},
        "/personas/{persona_id}": {
            "parameters": [_name("persona_id")],
            "get": _operation("One of them", _PERSONA, refusals=("404",)),
        },
        "/approvals": {
            "get": _operation("The approval rules for login_hint", _list(rule)),
            "post": _operation("Set what a persona decides", rule, body=rule, status="201"),
            "delete": _operation("Take every rule and outcome away", None),
        },
    }


def _outcomes() -> Json:
    rule = _ref("ApprovalRule")
    both = {"type": "object", "required": ["queue", "default"], "properties": {"queue": _list(rule)}}
    return {
        "/outcomes": {
            "get": _operation("The queue and the default", both),
            "post": _operation("Queue what the next request comes to", rule, body=rule, status="201"),
            "delete": _operation("Take every rule and outcome away", None),
        },
        "/outcomes/default": {"put": _operation("Set what requests come to", rule, body=rule)},
    }


def _made_people() -> Json:
    withdrawn = {
        "type": "object",
        "required": ["withdrawn"],
        "properties": {"withdrawn": {"type": "integer"}},
    }
    revoked = {
        "type": "object",
        "required": ["revoked"],
        "properties": {"revoked": {"type": "integer"}},
    }
    listed = _people()["/personas"]
    enrol = _operation("Enrol a made-up person", _PERSONA, body=_ref("PersonWanted"), status="201")
    return {
        "/personas": {**listed, "post": enrol},
        "/personas/{persona_id}/consents": {
            "parameters": [_name("persona_id")],
            "delete": _operation("Withdraw every consent of a person", withdrawn, refusals=("404",)),
        },
        "/personas/{persona_id}/copies": {
            "parameters": [_name("persona_id")],
            "delete": _operation(
                "Revoke every copy with a status in a person's wallets", revoked, refusals=("404",)
            ),
        },
    }


def _clock_and_keys() -> Json:
    return {
        "/clock": {
            "get": _operation("The realm's time", _CLOCK),
            "post": _operation("Move the clock on", _CLOCK, body=_ref("Advance")),
        },
        "/pacing": {
            "get": _operation("How long people take", _ref("PaceWanted")),
            "put": _operation("Set how long people take", _ref("PaceWanted"), body=_ref("PaceWanted")),
        },
        "/keys/rotate": {"post": _operation("Sign with the next keys", None)},
        "/reset": {"post": _operation("Everything as it was at the beginning", None)},
    }


def _requests() -> Json:
    captured = _ref("Captured")
    listed = {
        "type": "object",
        "required": ["counts", "requests"],
        "properties": {"counts": {"type": "object"}, "requests": _list(captured)},
    }
    take = _operation(
        "Wait for the next request, and compare it", captured, body=_ref("Expectation"), refusals=("409",)
    )
    return {
        "/requests": {
            "get": _operation("What was received, values masked", listed),
            "delete": _operation("Forget what was received", None),
        },
        "/requests/take": {"post": take},
    }


def _faults() -> Json:
    standing = {
        "type": "object",
        "required": ["id", "struck", "is_over", "fault"],
        "properties": {
            "id": {"type": "integer"},
            "struck": {"type": "integer"},
            "is_over": {"type": "boolean"},
        },
        "description": "The fault as it was declared, with what has come of it",
    }
    return {
        "/faults": {
            "get": _operation("The faults in force", _list(standing)),
            "post": _operation("Declare a fault", standing, body=_ref("Fault"), status="201"),
            "delete": _operation("Take every fault away", None),
        },
        "/faults/{number}": {
            "parameters": [_name("number", "integer")],
            "delete": _operation("Take a fault away", None, refusals=("404",)),
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
    codes = ["401", "403", *refusals, "503"]
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
