"""/userinfo: the only way for fields (OpenID Connect Core, 5.3; RFC 6750, 2.1; RFC 9449, 7)."""

from dataclasses import dataclass

from flask import Blueprint, Request, Response, jsonify, request

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
from netid.oauth.delivered import claims_in
from netid.oauth.dpop import DPOP_ALGORITHMS, DPoPProofs
from netid.oauth.parameters import FORM, parameters
from netid.oauth.signing import Signer
from netid.services.grants import Answered, Grants

MAX_TOKEN = 128


class UserInfo:
    """Answers with registered ∩ requested ∩ consented, worked out anew at every call."""

    def __init__(self, issuer: str, *, proofs: DPoPProofs, grants: Grants, signer: Signer) -> None:
        self._issuer = issuer
        self._proofs = proofs
        self._grants = grants
        self._signer = signer

    def answer(self, incoming: Request) -> Response:
        """JSON, or a signed JWT where the registration says so.

        Raises InvalidToken, InvalidRequest, InvalidDPoPProof or UseDPoPNonce.
        """
        shown = _shown_token(incoming)
        dpop_jkt = None
        if shown.is_bound:
            dpop_jkt = self._proofs.check(incoming, access_token=shown.token)
            if dpop_jkt is None:
                raise InvalidDPoPProof("DPoP is missing; send a proof with the token (RFC 9449, 7.1)")
        answered = self._grants.answer(shown.token, dpop_jkt)
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


@dataclass(frozen=True)
class _Shown:
    """An access token as a request shows it."""

    token: str
    is_bound: bool
    """Whether the request says that a proof comes with it."""


def _shown_token(incoming: Request) -> _Shown:
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
    return _Shown(token, is_bound=scheme == "dpop")


def _refusal(error: NetIDError) -> Response:
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


def blueprint(userinfo: UserInfo, proofs: DPoPProofs) -> Blueprint:
    """GET and POST /userinfo."""
    routes = Blueprint("userinfo", __name__)

    routes.register_error_handler(NetIDError, _refusal)

    @routes.after_request
    def renew(response: Response) -> Response:
        return proofs.renew(request, response)

    @routes.route("/userinfo", methods=["GET", "POST"])
    def answer() -> Response:
        return userinfo.answer(request)

    return routes
