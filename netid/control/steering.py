"""Management: realms, and what only a realm has: a clock, faults, captured requests, made-up people."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, ConfigDict, Field

from netid.control.capture import Expectation
from netid.control.deciding import shown_persona, the_persona
from netid.control.fault_reading import read_fault
from netid.control.made_people import PersonWanted
from netid.control.pacing import Pace
from netid.control.reading import json_object, known, read
from netid.control.realm import Realm
from netid.control.realms import DEFAULT_LIFETIME, Realms
from netid.control.standing_faults import StandingFault
from netid.errors import NotFound


class RealmWanted(BaseModel):
    """How a realm is to be."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seconds: Annotated[int, Field(ge=1, le=86_400)] = int(DEFAULT_LIFETIME.total_seconds())
    """After how long it is dropped if nobody has."""


class Advance(BaseModel):
    """How far a clock is to be moved on."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    days: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seconds: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] = 0


class PaceWanted(BaseModel):
    """How long a person takes who decides without a page."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pace: Pace
    """At once; every state by a redirect of its own; or every state as a page, as long as people take."""


def blueprint(realms: Realms) -> Blueprint:
    """Below /realms."""
    routes = Blueprint("realms", __name__)

    @routes.get("/realms")
    def list_realms() -> Response:
        return jsonify([_shown(realm) for realm in realms.all()])

    @routes.post("/realms")
    def create() -> tuple[Response, int]:
        wanted = read(RealmWanted, json_object() if request.content_length else {})
        return jsonify(_shown(realms.create(timedelta(seconds=wanted.seconds)))), 201

    @routes.get("/realms/<realm_id>")
    def get() -> Response:
        return jsonify(_shown(realms.get(g.realm_id)))

    @routes.delete("/realms/<realm_id>")
    def drop() -> Response:
        realms.drop(g.realm_id)
        return Response(status=204)

    return routes


def inner_blueprint(realms: Realms) -> Blueprint:
    """Below /realms/<realm_id>: what the server itself has not."""
    routes = Blueprint("realm", __name__)

    def realm() -> Realm:
        return realms.get(g.realm_id)

    @routes.post("/reset")
    def reset() -> Response:
        realm().reset()
        return Response(status=204)

    @routes.post("/keys/rotate")
    def rotate() -> Response:
        realm().rotate_keys()
        return Response(status=204)

    @routes.get("/clock")
    def read_clock() -> Response:
        return _clock(realm())

    @routes.post("/clock")
    def advance() -> Response:
        chosen, wanted = realm(), read(Advance, json_object())
        chosen.clock.advance(timedelta(days=wanted.days, seconds=wanted.seconds))
        return _clock(chosen)

    _add_pacing(routes, realm)
    _add_people(routes, realm)
    _add_requests(routes, realm)
    _add_faults(routes, realm)
    return routes


def _add_pacing(routes: Blueprint, realm: Callable[[], Realm]) -> None:
    @routes.get("/pacing")
    def read_pace() -> Response:
        return jsonify({"pace": realm().pacing.pace})

    @routes.put("/pacing")
    def set_pace() -> Response:
        chosen, wanted = realm(), read(PaceWanted, json_object())
        chosen.pacing.pace = wanted.pace
        return jsonify(wanted.model_dump())


def _add_people(routes: Blueprint, realm: Callable[[], Realm]) -> None:
    @routes.post("/personas")
    def enrol() -> tuple[Response, int]:
        return jsonify(shown_persona(realm().enrol(read(PersonWanted, json_object())))), 201

    @routes.delete("/personas/<persona_id>/consents")
    def withdraw(persona_id: str) -> Response:
        chosen = realm()
        persona = the_persona(persona_id, chosen.people)
        return jsonify({"withdrawn": chosen.withdraw_all(persona.id)})

    @routes.delete("/personas/<persona_id>/copies")
    def revoke_copies(persona_id: str) -> Response:
        chosen = realm()
        persona = the_persona(persona_id, chosen.people)
        return jsonify({"revoked": chosen.revoke_copies(persona.id)})


def _add_requests(routes: Blueprint, realm: Callable[[], Realm]) -> None:
    @routes.get("/requests")
    def list_requests() -> Response:
        capture = realm().capture
        kept = [each.model_dump(mode="json") for each in capture.all()]
        return jsonify({"counts": capture.counts(), "requests": kept})

    @routes.post("/requests/take")
    def take() -> Response:
        capture, expected = realm().capture, read(Expectation, json_object())
        return jsonify(capture.take(expected).model_dump(mode="json"))

    @routes.delete("/requests")
    def forget() -> Response:
        realm().capture.clear()
        return Response(status=204)


def _add_faults(routes: Blueprint, realm: Callable[[], Realm]) -> None:
    @routes.get("/faults")
    def list_faults() -> Response:
        return jsonify([_fault(standing) for standing in realm().faults.all()])

    @routes.post("/faults")
    def declare() -> tuple[Response, int]:
        chosen, fault = realm(), read_fault(json_object())
        if fault.match.client_id is not None:
            registered = chosen.provider.services.registration.list()
            known("match.client_id", fault.match.client_id, [each.client_id for each in registered])
        return jsonify(_fault(chosen.faults.declare(fault))), 201

    @routes.delete("/faults")
    def clear() -> Response:
        realm().faults.clear()
        return Response(status=204)

    @routes.delete("/faults/<int:number>")
    def withdraw_fault(number: int) -> Response:
        if not realm().faults.withdraw(number):
            raise NotFound
        return Response(status=204)


def _shown(realm: Realm) -> dict[str, Any]:
    return {"id": realm.id, "issuer": realm.issuer, "expires_at": realm.expires_at.isoformat()}


def _clock(realm: Realm) -> Response:
    return jsonify({"now": realm.clock.now().isoformat(), "ahead": realm.clock.ahead.total_seconds()})


def _fault(standing: StandingFault) -> dict[str, Any]:
    declared = standing.fault.model_dump(mode="json")
    return {"id": standing.id, "struck": standing.struck, "is_over": standing.is_over, **declared}
