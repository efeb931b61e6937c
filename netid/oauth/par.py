"""/par: a relying party pushes its authorization request beforehand (RFC 9126; FAPI 2.0, 5.3.2.2)."""

from collections.abc import Mapping

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.errors import InvalidDPoPProof, InvalidRequest
from netid.identity.relying_party import RelyingParty
from netid.oauth.client_auth import ClientAuthentication
from netid.oauth.dpop import DPoPProofs
from netid.oauth.id_token_hint import IdTokenHints
from netid.oauth.parameters import body_parameters
from netid.oauth.requests import parse_request, proven_redirect_uri
from netid.services.pushed_requests import REQUEST_URI_LIFETIME, PushedRequests
from netid.services.refusals import Refusals


class Push:
    """Checks a pushed request as /authorize would, and keeps it."""

    def __init__(
        self,
        *,
        client_authentication: ClientAuthentication,
        refusals: Refusals,
        proofs: DPoPProofs,
        pushed_requests: PushedRequests,
        hints: IdTokenHints,
    ) -> None:
        self._client_authentication = client_authentication
        self._refusals = refusals
        self._proofs = proofs
        self._pushed_requests = pushed_requests
        self._hints = hints

    def receive(self, incoming: Request) -> dict[str, object]:
        """The answer to a push. Raises OAuthError, also for a redirect URI that is not registered."""
        given = body_parameters(incoming)
        relying_party = self._client_authentication.authenticate(incoming, given, or_wallet=True)
        with self._refusals.of_client(relying_party, "push_refused"):
            return self._kept(relying_party, self._bound(incoming, given))

    def _bound(self, incoming: Request, given: Mapping[str, str]) -> Mapping[str, str]:
        """RFC 9449, 10.1: a proof names the key as `dpop_jkt` does."""
        thumbprint = self._proofs.check(incoming)
        if thumbprint is None:
            return given
        if given.get("dpop_jkt", thumbprint) != thumbprint:
            raise InvalidDPoPProof("the proof is of another key than dpop_jkt names (RFC 9449, 10.1)")
        return {**given, "dpop_jkt": thumbprint}

    def _kept(self, relying_party: RelyingParty, given: Mapping[str, str]) -> dict[str, object]:
        if "client_id" not in given:
            raise InvalidRequest("client_id is missing; a pushed request has one too (RFC 9126, 2.1)")
        if "request_uri" in given:
            raise InvalidRequest("request_uri cannot be pushed; send the parameters (RFC 9126, 2.1)")
        redirect_uri = proven_redirect_uri(relying_party, given)
        asked = parse_request(relying_party, redirect_uri, given, self._hints)
        return {
            "request_uri": self._pushed_requests.push(asked),
            "expires_in": int(REQUEST_URI_LIFETIME.total_seconds()),
        }


def blueprint(push: Push, proofs: DPoPProofs) -> Blueprint:
    """POST /par."""
    routes = Blueprint("par", __name__)
    routes.after_request(proofs.renew)

    @routes.post("/par")
    def receive() -> Response:
        response = responses.uncached(jsonify(push.receive(request)))
        response.status_code = 201
        return response

    return routes
