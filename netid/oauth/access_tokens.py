"""How an access token is shown to what it gives access to (RFC 6750, 2 and 3; RFC 9449, 7)."""

from dataclasses import dataclass

from flask import Request, Response, request

from netid import responses
from netid.errors import (
    InvalidDPoPProof,
    InvalidRequest,
    InvalidToken,
    MissingToken,
    NetIDError,
    OAuthError,
    UseDPoPNonce,
)
from netid.oauth.dpop import DPOP_ALGORITHMS
from netid.oauth.parameters import FORM, parameters

MAX_TOKEN = 128


@dataclass(frozen=True)
class Shown:
    """An access token as a request shows it."""

    token: str
    is_bound: bool
    """Whether the request says that a proof comes with it."""


def shown_token(incoming: Request) -> Shown:
    """The token of the Authorization header, or of the form of a POST; never of the query."""
    header = incoming.headers.get("Authorization")
    if "access_token" in incoming.args:
        raise InvalidRequest("access_token belongs in the Authorization header, never in the query")
    token = None
    if incoming.method == "POST" and incoming.mimetype == FORM:
        token = parameters(incoming).get("access_token")
    if header is not None and token is not None:
        raise InvalidRequest("the access token is given in more than one way; send it once")
    scheme = "bearer"
    if token is None:
        scheme, _, token = (header or "").partition(" ")
        scheme = scheme.lower()
        if scheme not in {"bearer", "dpop"}:
            raise MissingToken
    if not 0 < len(token) <= MAX_TOKEN:
        raise InvalidToken
    return Shown(token, is_bound=scheme == "dpop")


def refusal(error: NetIDError) -> Response:
    """The challenge carries the error (RFC 6750, 3; RFC 9449, 7.1), unless no token was shown at all."""
    response = responses.oauth_json(error)
    if isinstance(error, InvalidDPoPProof | UseDPoPNonce):
        response.status_code = 401
    if isinstance(error, OAuthError):
        for challenge in _challenges(error):
            response.headers.add("WWW-Authenticate", challenge)
    return response


def _challenges(error: OAuthError) -> list[str]:
    bound = f'algs="{" ".join(DPOP_ALGORITHMS)}"'
    if isinstance(error, MissingToken):
        return ['Bearer realm="netid"', f'DPoP realm="netid", {bound}']
    if request.headers.get("Authorization", "").lower().startswith("dpop "):
        return [f'DPoP realm="netid", error="{error.code}", {bound}']
    return [f'Bearer realm="netid", error="{error.code}"']
