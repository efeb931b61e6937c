"""/userinfo: the only way for fields (OpenID Connect Core, 5.3; RFC 6750, 2.1)."""

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.errors import InvalidRequest, InvalidToken, MissingToken, NetIDError, OAuthError
from netid.oauth.delivered import claims_in
from netid.oauth.parameters import FORM, parameters
from netid.oauth.signing import Signer
from netid.services.grants import Answered, Grants

MAX_TOKEN = 128


class UserInfo:
    """Answers with registered ∩ requested ∩ consented, worked out anew at every call."""

    def __init__(self, issuer: str, *, grants: Grants, signer: Signer) -> None:
        self._issuer = issuer
        self._grants = grants
        self._signer = signer

    def answer(self, incoming: Request) -> Response:
        """JSON, or a signed JWT where the registration says so. Raises InvalidToken or InvalidRequest."""
        answered = self._grants.answer(_bearer_token(incoming))
        answer = self._signer.userinfo(self._claims(answered), answered.relying_party)
        if isinstance(answer, str):
            return responses.uncached(Response(answer, mimetype="application/jwt"))
        return responses.uncached(jsonify(answer))

    def _claims(self, answered: Answered) -> dict[str, object]:
        relying_party = answered.relying_party
        grant = answered.grant
        claims = {
            "sub": answered.subject.reveal(),
            **claims_in(answered.release, grant.userinfo, grant.verified_userinfo),
        }
        if relying_party.userinfo_signed_response_alg is None:
            return claims
        return {"iss": self._issuer, "aud": relying_party.client_id, "mock": True, **claims}


def _bearer_token(incoming: Request) -> str:
    """The token of the Authorization header, or of the form of a POST; never of the query."""
    header = incoming.headers.get("Authorization")
    if "access_token" in incoming.args:
        raise InvalidRequest("access_token belongs in the Authorization header, never in the query")
    token = None
    if incoming.method == "POST" and incoming.mimetype == FORM:
        token = parameters(incoming).get("access_token")
    if header is not None and token is not None:
        raise InvalidRequest("the access token is given in more than one way; send it once")
    if token is None:
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            raise MissingToken
    if not 0 < len(token) <= MAX_TOKEN:
        raise InvalidToken
    return token


def _refusal(error: NetIDError) -> Response:
    """RFC 6750, 3: the challenge carries the error, unless no token was shown at all (3.1)."""
    response = responses.oauth_json(error)
    named = "" if isinstance(error, MissingToken) else f', error="{error.code}"'
    if isinstance(error, OAuthError):
        response.headers["WWW-Authenticate"] = f'Bearer realm="netid"{named}'
    return response


def blueprint(userinfo: UserInfo) -> Blueprint:
    """GET and POST /userinfo."""
    routes = Blueprint("userinfo", __name__)

    routes.register_error_handler(NetIDError, _refusal)

    @routes.route("/userinfo", methods=["GET", "POST"])
    def answer() -> Response:
        return userinfo.answer(request)

    return routes
