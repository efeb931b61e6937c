"""Management: relying parties."""

from typing import Any

from flask import Blueprint, Response, jsonify

from netid.control.reading import json_object
from netid.control.target import Find
from netid.errors import InvalidField, NotFound
from netid.identity.relying_party import RelyingParty
from netid.services.registration import checked_registration


def blueprint(find: Find) -> Blueprint:
    """Below /relying-parties."""
    routes = Blueprint("relying_parties", __name__)

    @routes.get("/relying-parties")
    def list_all() -> Response:
        return jsonify([_shown(relying_party) for relying_party in find().registration.list()])

    @routes.put("/relying-parties/<client_id>")
    def put(client_id: str) -> Response:
        target = find()
        entry = {"client_id": client_id, **json_object()}
        if entry["client_id"] != client_id:
            raise InvalidField("client_id", "is not the one of the address", "leave it out of the body")
        relying_party = checked_registration(entry)
        target.registration.put(relying_party)
        return jsonify(_shown(relying_party))

    @routes.get("/relying-parties/<client_id>")
    def get(client_id: str) -> Response:
        relying_party = find().registration.get(client_id)
        if relying_party is None:
            raise NotFound
        return jsonify(_shown(relying_party))

    @routes.delete("/relying-parties/<client_id>")
    def remove(client_id: str) -> Response:
        if not find().registration.remove(client_id):
            raise NotFound
        return Response(status=204)

    return routes


def _shown(relying_party: RelyingParty) -> dict[str, Any]:
    """A registration without its secret's digest."""
    return relying_party.model_dump(mode="json", exclude={"secret_digest"}, exclude_none=True)
