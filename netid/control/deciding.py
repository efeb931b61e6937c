"""Management: personas, and what they decide without a page."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify

from netid.control.reading import json_object, known, read
from netid.control.target import Find, Target
from netid.errors import NoSuchPersona
from netid.identity.persons import Persona
from netid.identity.relying_party import WALLET_CLIENT_ID
from netid.identity.shape import nearest
from netid.services.approval import ApprovalRule


def blueprint(find: Find) -> Blueprint:
    """/personas, and below /approvals and /outcomes."""
    routes = Blueprint("people", __name__)

    @routes.get("/personas")
    def list_personas() -> Response:
        return jsonify([shown_persona(persona) for persona in find().people])

    @routes.get("/personas/<persona_id>")
    def show_persona(persona_id: str) -> Response:
        return jsonify(shown_persona(the_persona(persona_id, find().people)))

    @routes.get("/approvals")
    def list_approvals() -> Response:
        return jsonify([_shown(rule) for rule in find().outcomes.rules])

    @routes.post("/approvals")
    def set_approval() -> tuple[Response, int]:
        target = find()
        rule = _rule(target)
        target.outcomes.set(rule)
        return jsonify(_shown(rule)), 201

    @routes.delete("/approvals")
    def clear_approvals() -> Response:
        find().outcomes.clear()
        return Response(status=204)

    _add_outcomes(routes, find)
    return routes


def the_persona(persona_id: str, people: Sequence[Persona]) -> Persona:
    """The one of that id. Raises NoSuchPersona with the nearest."""
    by_id = {persona.id: persona for persona in people}
    if persona_id not in by_id:
        raise NoSuchPersona(nearest(persona_id, by_id))
    return by_id[persona_id]


def _add_outcomes(routes: Blueprint, find: Find) -> None:
    @routes.get("/outcomes")
    def list_outcomes() -> Response:
        outcomes = find().outcomes
        default = _shown(outcomes.default) if outcomes.default else None
        return jsonify({"queue": [_shown(rule) for rule in outcomes.queue], "default": default})

    @routes.post("/outcomes")
    def enqueue() -> tuple[Response, int]:
        target = find()
        rule = _rule(target)
        target.outcomes.enqueue(rule)
        return jsonify(_shown(rule)), 201

    @routes.put("/outcomes/default")
    def set_default() -> Response:
        target = find()
        rule = _rule(target)
        target.outcomes.set_default(rule)
        return jsonify(_shown(rule))

    @routes.delete("/outcomes")
    def clear_outcomes() -> Response:
        find().outcomes.clear()
        return Response(status=204)


def _rule(target: Target) -> ApprovalRule:
    rule = read(ApprovalRule, json_object())
    known("persona", rule.persona, target.persona_ids)
    if rule.client_id is not None:
        registered = [each.client_id for each in target.registration.list()]
        known("client_id", rule.client_id, [*registered, WALLET_CLIENT_ID])
    return rule


def _shown(rule: ApprovalRule) -> dict[str, Any]:
    return rule.model_dump(mode="json")


def shown_persona(persona: Persona) -> dict[str, Any]:
    """A persona as the API shows it: no field of a document."""
    return {
        "id": persona.id,
        "title": persona.title.model_dump(),
        "status": persona.status,
        "document": persona.document.kind,
        "guardian": persona.guardian,
    }
