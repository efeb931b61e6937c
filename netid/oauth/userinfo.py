"""/userinfo: the only way for fields (OpenID Connect Core, 5.3; RFC 6750, 2.1; RFC 9449, 7)."""

from flask import Blueprint, Request, Response, request

from netid import responses
from netid.credentials import strict_json
from netid.errors import InvalidDPoPProof, NetIDError
from netid.oauth.access_tokens import refusal, shown_token
from netid.oauth.delivered import claims_in
from netid.oauth.dpop import DPoPProofs
from netid.oauth.signing import Signer
from netid.services.grants import Answered, Grants


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
        shown = shown_token(incoming)
        dpop_jkt = None
        if shown.is_bound:
            key = self._grants.key_of(shown.token)
            dpop_jkt = self._proofs.check(incoming, access_token=shown.token, bound_to=key)
            if dpop_jkt is None:
                raise InvalidDPoPProof("DPoP is missing; send a proof with the token (RFC 9449, 7.1)")
        answered = self._grants.answer(shown.token, dpop_jkt)
        answer = self._signer.userinfo(self._claims(answered), answered.relying_party)
        if isinstance(answer, str):
            return responses.uncached(Response(answer, mimetype="application/jwt"))
        return responses.uncached(Response(strict_json.dump_even(answer), mimetype="application/json"))

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


def blueprint(userinfo: UserInfo, proofs: DPoPProofs) -> Blueprint:
    """GET and POST /userinfo."""
    routes = Blueprint("userinfo", __name__)

    routes.register_error_handler(NetIDError, refusal)
    routes.after_request(proofs.renew)

    @routes.route("/userinfo", methods=["GET", "POST"])
    def answer() -> Response:
        return userinfo.answer(request)

    return routes
