"""The web of a provider: its endpoints and pages in one Flask application, and how errors are answered."""

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from netid import pages, responses
from netid.ambient import Ambient
from netid.credentials.access_authority import AccessAuthority
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.keyring import Keyring
from netid.errors import NetIDError, UnexpectedFault
from netid.identity.persons import Persona
from netid.oauth import authorize, discovery, par, token, userinfo
from netid.oauth.browsers import Browsers
from netid.oauth.client_auth import ClientAuthentication
from netid.oauth.client_keys import ClientKeys
from netid.oauth.dpop import DPoPProofs
from netid.oauth.id_token_hint import IdTokenHints
from netid.oauth.logout import EndSession
from netid.oauth.parameters import MAX_PARAMETERS, MAX_REQUEST_BYTES
from netid.oauth.signing import Signer
from netid.oid4vci import access_certificates, status_lists
from netid.oid4vci import credentials as issued_credentials
from netid.oid4vci import documents as issuer_documents
from netid.oid4vci.nonces import Nonces
from netid.services.outgoing import Outgoing
from netid.services.services import Services
from netid.settings import LOOPBACK_HOSTS, Settings
from netid.storage.stores import Stores

log = logging.getLogger("netid")

WELL_KNOWN = "/.well-known/"

ANSWERS: Mapping[str | None, Callable[[NetIDError], Response]] = {
    "par": responses.oauth_json,
    "token": responses.oauth_json,
    "userinfo": responses.oauth_json,
    "access": responses.oauth_json,
    "credential": responses.oauth_json,
    "issuer": responses.problem,
    "statuses": responses.problem,
    "discovery": responses.problem,
    "records_data": responses.problem,
}
"""How a blueprint's errors are answered; those that are not listed answer people, with a page."""


def web_app(
    settings: Settings,
    services: Services,
    stores: Stores,
    personas: tuple[Persona, ...],
    keyring: Keyring,
    keys: CurrentKeys,
    ambient: Ambient,
    signer: Signer,
) -> Flask:
    """The Flask application: every address, with the pages, on these services."""
    browsers = Browsers(settings, keyring, ambient)
    hints = IdTokenHints(settings.issuer, keys=keys, ambient=ambient)
    authorization = authorize.Authorize(
        settings,
        registration=services.registration,
        pushed_requests=services.pushed_requests,
        sign_in=services.sign_in,
        decisions=services.decisions,
        fresh=services.fresh,
        browsers=browsers,
        hints=hints,
        approvals=services.approvals,
    )
    client_authentication = ClientAuthentication(
        settings.issuer,
        stores=stores,
        registration=services.registration,
        client_keys=ClientKeys(send=Outgoing(settings.issuer).send, ambient=ambient),
        ambient=ambient,
    )
    proofs = DPoPProofs(settings.issuer, stores=stores, keyring=keyring, ambient=ambient)
    token_endpoint = token.Token(
        settings.issuer,
        client_authentication=client_authentication,
        refusals=services.refusals,
        proofs=proofs,
        grants=services.grants,
        offers=services.offers,
        signer=signer,
        ambient=ambient,
    )
    app = _flask_app()
    app.before_request(_to_the_issuers_name(settings.origin))
    app.register_blueprint(discovery.blueprint(settings.issuer, keys))
    app.register_blueprint(authorize.blueprint(authorization))
    push = par.Push(
        client_authentication=client_authentication,
        refusals=services.refusals,
        proofs=proofs,
        pushed_requests=services.pushed_requests,
        hints=hints,
    )
    app.register_blueprint(par.blueprint(push, proofs))
    app.register_blueprint(token.blueprint(token_endpoint, proofs))
    user_info = userinfo.UserInfo(settings.issuer, proofs=proofs, grants=services.grants, signer=signer)
    app.register_blueprint(userinfo.blueprint(user_info, proofs))
    nonces = Nonces(settings.issuer, keyring=keyring, ambient=ambient)
    credentials = issued_credentials.Credentials(
        settings.issuer,
        proofs=proofs,
        grants=services.grants,
        issuing=services.issuing,
        refusals=services.refusals,
        nonces=nonces,
        ambient=ambient,
    )
    app.register_blueprint(issued_credentials.blueprint(credentials, nonces, proofs))
    authority = AccessAuthority(keyring.access.reveal())
    app.register_blueprint(
        issuer_documents.blueprint(settings.issuer, keys, services.offers, authority.trust_anchor)
    )
    app.register_blueprint(status_lists.blueprint(services.statuses, ambient))
    access = access_certificates.AccessCertificates(
        settings.issuer,
        client_authentication=client_authentication,
        refusals=services.refusals,
        authority=authority,
        keys=keys,
        ambient=ambient,
    )
    app.register_blueprint(access_certificates.blueprint(access))
    pages.register(
        app,
        settings=settings,
        browsers=browsers,
        authorize=authorization,
        sign_in=services.sign_in,
        sign_out=services.sign_out,
        end_session=EndSession(registration=services.registration, hints=hints),
        decisions=services.decisions,
        applying=services.applying,
        records=services.records,
        rights=services.rights,
        fresh=services.fresh,
        offers=services.offers,
        revocation=services.revocation,
        permissions=services.permissions,
        refusals=services.refusals,
        complaining=services.complaining,
        copying=services.copying,
        correcting=services.correcting,
        cancellation=services.cancellation,
        suspensions=services.suspensions,
        notices=services.notices,
        personas=personas,
        ambient=ambient,
    )
    return app


def _flask_app() -> Flask:
    app = Flask("netid.pages", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_REQUEST_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_PARAMETERS
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Werkzeug would redirect //authorize to the host that the request named.
    app.url_map.merge_slashes = False
    app.register_error_handler(NetIDError, _answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_fault)
    return app


def _to_the_issuers_name(origin: str) -> Callable[[], Response | None]:
    """Leads who came to `localhost` where the issuer says 127.0.0.1, or the reverse: cookies and forms are
    that name's alone. At another port a proxy may stand between, which would be led in a circle."""
    own = urlsplit(origin)
    others = set()
    if own.hostname in LOOPBACK_HOSTS and own.port is not None:
        others = {own.netloc.replace(own.hostname, name) for name in LOOPBACK_HOSTS - {own.hostname, "::1"}}

    def lead() -> Response | None:
        if request.host not in others or request.method != "GET" or request.blueprint in ANSWERS:
            return None
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        return responses.see_other(f"{origin}{quote(request.script_root + request.path)}{query}")

    return lead


def _answer(error: NetIDError) -> Response:
    return ANSWERS.get(_whose_address(), responses.page)(error)


def _whose_address() -> str | None:
    """The blueprint that serves this address, also where it does not take the method."""
    if request.blueprint is not None:
        return request.blueprint
    address = current_app.create_url_adapter(request)
    methods = list(address.allowed_methods()) if address else []
    if address is None or not methods:
        return None
    endpoint, _values = address.match(method=methods[0])
    return str(endpoint).rpartition(".")[0] or None


def _answer_http(error: HTTPException) -> Response:
    """What Flask itself refuses: an unknown address, a wrong method, a body that is too large."""
    response = _answer(responses.refusal_of(error))
    if allowed := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allowed
    return response


def _answer_fault(error: Exception) -> Response:
    """A fault of ours: the log gets where it was, without the message, which may quote a value."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected fault in %s: %s\n%s", request.endpoint, type(error).__name__, frames)
    return _answer(UnexpectedFault(type(error).__name__))


def mounted(app: WSGIApplication, path: str) -> WSGIApplication:
    """Under the issuer's path; its metadata also where RFC 8414, 3.1 looks: before that path."""
    if not path:
        return app
    below = DispatcherMiddleware(Response(status=404), {path: app})

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        document = environ.get("PATH_INFO", "").removeprefix(WELL_KNOWN).removesuffix(path)
        if environ.get("PATH_INFO") == f"{WELL_KNOWN}{document}{path}":
            environ = {**environ, "PATH_INFO": f"{path}{WELL_KNOWN}{document}"}
        return below(environ, start_response)

    return dispatch
