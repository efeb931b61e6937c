"""/status-lists: what became of long-lived copies, for everybody alike (Token Status List, draft 18, 8)."""

from datetime import datetime

from flask import Blueprint, Response, jsonify, request

from netid import responses
from netid.ambient import Ambient
from netid.services.statuses import Published, Statuses

MEDIA_TYPE = "application/statuslist+jwt"


def blueprint(statuses: Statuses, ambient: Ambient) -> Blueprint:
    """GET /status-lists, and each list below it."""
    routes = Blueprint("statuses", __name__)

    @routes.get("/status-lists")
    def aggregation() -> Response:
        """Token Status List, draft 18, 9.3."""
        return responses.public(jsonify(status_lists=statuses.addresses()))

    @routes.get("/status-lists/<list_id>")
    def status_list(list_id: str) -> Response:
        return _answer(statuses.published(list_id), ambient.now())

    return routes


def _answer(published: Published, now: datetime) -> Response:
    """May be kept until the next one comes; 304 for whoever has it already."""
    response = Response(published.token, mimetype=MEDIA_TYPE)
    # Weak: each worker signs for itself, and two signatures over the same differ (RFC 9110, 8.8.1).
    response.set_etag(published.etag, weak=True)
    seconds = max(0, int((published.next_at - now).total_seconds()))
    conditional = responses.public(response, seconds=seconds).make_conditional(request)
    assert isinstance(conditional, Response)  # noqa: S101  (it answers with what it was given)
    return conditional
