"""The management API, for tests: on a port of its own, on loopback, with a token, in test mode alone."""

import hmac
import logging
from ipaddress import ip_address
from threading import Thread
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from netid import responses
from netid.control import deciding, registering, steering
from netid.control.openapi import document
from netid.control.realms import Realms
from netid.control.target import Target, take_realm_id
from netid.errors import NetIDError, NotLoopback, Unauthorized, UnexpectedFault
from netid.settings import LOOPBACK_HOSTS

log = logging.getLogger("netid")

MAX_BODY = 256 * 1024
_OPEN = frozenset({"describe", "try_out", "static"})
"""What answers without the token: the API's description, and the page that shows it."""

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def management_app(token: str, *, own: Target | None, realms: Realms) -> Flask:
    """The WSGI app of the management port. `own` is the server itself, where it is
    more than its realms; a realm's calls begin /realms/<id>."""
    app = Flask("netid.control")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    app.register_error_handler(NetIDError, responses.problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _fault)
    app.url_value_preprocessor(take_realm_id)
    app.after_request(responses.uncached)

    @app.before_request
    def let_in() -> None:
        _require_loopback()
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        right = scheme.lower() == "bearer" and hmac.compare_digest(sent.encode(), token.encode())
        if request.endpoint not in _OPEN and not right:
            raise Unauthorized

    @app.get("/openapi.json")
    def describe() -> Response:
        return jsonify(document())

    @app.get("/")
    def try_out() -> Response:
        response = app.send_static_file("try.html")
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        return response

    def target() -> Target:
        if g.realm_id is None and own is not None:
            return own
        realm = realms.get(g.realm_id or "")
        return Target(realm.provider.services.registration, realm.outcomes, realm.people)

    app.register_blueprint(steering.blueprint(realms))
    app.register_blueprint(steering.inner_blueprint(realms), url_prefix="/realms/<realm_id>")
    for shared in (registering.blueprint(target), deciding.blueprint(target)):
        app.register_blueprint(shared)
        app.register_blueprint(shared, url_prefix="/realms/<realm_id>", name=f"realm_{shared.name}")
    return app


def _require_loopback() -> None:
    """Also by name: a page anywhere can make a browser here call a name that leads to 127.0.0.1."""
    host = urlsplit(f"//{request.host}").hostname
    address = request.remote_addr
    if host not in LOOPBACK_HOSTS or address is None or not ip_address(address).is_loopback:
        raise NotLoopback


def serve_management(app: Flask, port: int) -> None:
    """Answers on loopback from a thread of this process, which is the only one in test mode."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    Thread(target=server.serve_forever, name="management", daemon=True).start()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No line per request."""


def _http_problem(error: HTTPException) -> Response:
    response = responses.problem(responses.refusal_of(error))
    if allowed := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allowed
    return response


def _fault(error: Exception) -> Response:
    log.exception("unexpected fault in %s", request.endpoint)
    return responses.problem(UnexpectedFault(type(error).__name__))
