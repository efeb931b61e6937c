"""What a request is for and whom it names, read from its bytes before anything of it is proven."""

from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from urllib.parse import parse_qsl, unquote_plus
from wsgiref.types import WSGIEnvironment

from netid.control.faults import Endpoint
from netid.credentials.jose import unverified_payload
from netid.errors import TokenRefused
from netid.oauth.parameters import MAX_REQUEST_BYTES

_ENDPOINTS: Mapping[str, Endpoint] = {
    "/jwks": "jwks",
    "/par": "par",
    "/authorize": "authorize",
    "/token": "token",
    "/userinfo": "userinfo",
    "/revoke": "revoke",
}
_WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def endpoint_of(path: str) -> Endpoint | None:
    """The endpoint of a path, below whatever the provider is mounted under; None for pages.

    Both well-known forms count: the realm's path may stand before or behind (RFC 8414, 3.1).
    """
    if any(name in path for name in _WELL_KNOWN):
        return "discovery"
    return _ENDPOINTS.get(path[path.rfind("/") :])


def read_body(environ: WSGIEnvironment) -> bytes:
    """The request's body, which can be read again afterwards; nothing of one that is too large."""
    length = environ.get("CONTENT_LENGTH") or "0"
    body = b""
    if length.isdigit() and int(length) <= MAX_REQUEST_BYTES:
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
    return body


def unverified_parameters(query: str, body: bytes) -> Mapping[str, str]:
    """What the request says in its query and its body, if that is a form."""
    return dict(parse_qsl(query)) | dict(parse_qsl(body.decode("utf-8", "replace")))


def unverified_client_id(query: str, authorization: str, body: bytes) -> str | None:
    """The relying party that the request says it comes from, however it says so; None if it names none."""
    given = unverified_parameters(query, body)
    if "client_id" in given:
        return given["client_id"]
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        return _basic_name(value)
    return _issuer_of(given["client_assertion"]) if "client_assertion" in given else None


def _basic_name(value: str) -> str | None:
    try:
        return unquote_plus(b64decode(value).decode("utf-8").partition(":")[0]) or None
    except ValueError:
        return None


def _issuer_of(assertion: str) -> str | None:
    try:
        issuer = unverified_payload(assertion).get("iss")
    except TokenRefused:
        return None
    return issuer if isinstance(issuer, str) else None
