"""/userinfo: the only way for fields (OpenID Connect Core, 5.3; RFC 6750, 2.1)."""

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.credentials.jose import sign
from netid.credentials.keyring import Keyring
from netid.errors import InvalidRequest, InvalidToken, OAuthError
from netid.oauth.parameters import FORM, parameters
from netid.services.grants import Answered, Grants

MAX_TOKEN = 128


class UserInfo:
    """Answers with registered ∩ requested ∩ consented, worked out anew at every call."""

    def __init__(self, issuer: str, *, grants: Grants, keyring: Keyring) -> None:
        self._issuer = issuer
        self._grants = grants
        self._keyring = keyring

    def answer(self, incoming: Request) -> Response:
        """JSON, or a signed JWT where the registration says so. Raises InvalidToken or InvalidRequest."""
        answered = self._grants.answer(_bearer_token(incoming))
        claims: dict[str, object] = {"sub": answered.subject.reveal(), **answered.release.claims}
        response = self._signed(answered, claims) or jsonify(claims)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _signed(self, answered: Answered, claims: dict[str, object]) -> Response | None:
        relying_party = answered.relying_party
        algorithm = relying_party.userinfo_signed_response_alg
        if algorithm is None:
            return None
        claims = {"iss": self._issuer, "aud": relying_party.client_id, "mock": True, **claims}
        token = sign(claims, self._keyring.id_token_key(algorithm), None)
        return Response(token, mimetype="application/jwt")


def _bearer_token(incoming: Request) -> str:
    """The token of the Authorization header, or of the form of a POST; never of the query."""
    header = incoming.headers.get("Authorization")
    if "access_token" in incoming.args:
        raise InvalidRequest("access_token belongs in the Authorization header, never in the query")
    in_form = None
    if incoming.method == "POST" and incoming.mimetype == FORM:
        in_form = parameters(incoming).get("access_token")
    if header is not None and in_form is not None:
        raise InvalidRequest("the access token is given in more than one way; send it once")
    if in_form is not None:
        token = in_form
    else:
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidToken("no access token; send Authorization: Bearer")
    if not 0 < len(token) <= MAX_TOKEN:
        raise InvalidToken
    return token


def blueprint(userinfo: UserInfo) -> Blueprint:
    """GET and POST /userinfo."""
    routes = Blueprint("userinfo", __name__)

    @routes.route("/userinfo", methods=["GET", "POST"])
    def answer() -> Response:
        try:
            return userinfo.answer(request)
        except OAuthError as error:
            return responses.oauth_json(error)

    return routes
