"""/credential, /nonce and /notification: where a wallet gets its copies (OpenID4VCI 1.0, 7, 8 and 11)."""

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.ambient import Ambient
from netid.errors import (
    InsufficientScope,
    InvalidDPoPProof,
    InvalidToken,
    MissingToken,
    NetIDError,
    UseDPoPNonce,
)
from netid.oauth import access_tokens
from netid.oauth.dpop import DPoPProofs
from netid.oid4vci import key_proofs
from netid.oid4vci.nonces import Nonces
from netid.oid4vci.requests import MAX_BYTES, read_credential_request, read_notification
from netid.services.grants import Grants
from netid.services.issuing import Issuing, Wanted
from netid.services.refusals import Refusals

_ABOUT_THE_TOKEN = (InvalidToken, MissingToken, InsufficientScope, InvalidDPoPProof, UseDPoPNonce)


class Credentials:
    """Checks who asks, then what they ask, then lets the copies be issued."""

    def __init__(
        self,
        issuer: str,
        *,
        proofs: DPoPProofs,
        grants: Grants,
        issuing: Issuing,
        refusals: Refusals,
        nonces: Nonces,
        ambient: Ambient,
    ) -> None:
        self._issuer = issuer
        self._proofs = proofs
        self._grants = grants
        self._issuing = issuing
        self._refusals = refusals
        self._nonces = nonces
        self._ambient = ambient

    def answer(self, incoming: Request) -> dict[str, object]:
        """The credential response (8.3)."""
        access_token = self._access_token(incoming)
        grant = self._issuing.granted(access_token)
        with self._refusals.of_holder(grant.person_id, "credential_refused"):
            issued = self._issuing.issue(access_token, self._wanted(incoming, grant.scope))
        return {
            "credentials": [{"credential": credential} for credential in issued.credentials],
            "notification_id": issued.notification_id,
        }

    def _wanted(self, incoming: Request, permitted: tuple[str, ...]) -> Wanted:
        asked = read_credential_request(incoming)
        if asked.configuration not in permitted:
            raise InsufficientScope
        now = self._ambient.now()
        keys, nonce = key_proofs.verify(asked.proofs, issuer=self._issuer, now=now)
        return Wanted(asked.configuration, keys, nonce, self._nonces.check(nonce, now))

    def note(self, incoming: Request) -> None:
        """Takes a notification (11.1)."""
        access_token = self._access_token(incoming)
        grant = self._issuing.granted(access_token)
        with self._refusals.of_holder(grant.person_id, "notification_refused"):
            told = read_notification(incoming)
            self._issuing.notified(access_token, told.notification_id, told.event)

    def _access_token(self, incoming: Request) -> str:
        """The token that was shown with a proof of its key. Raises InvalidToken, InvalidDPoPProof, …"""
        shown = access_tokens.shown_token(incoming)
        if not shown.is_bound:
            raise InvalidToken(detail="not shown as a DPoP token")
        key = self._grants.key_of(shown.token)
        if self._proofs.check(incoming, access_token=shown.token, bound_to=key) is None:
            raise InvalidDPoPProof("DPoP is missing; send a proof with the token (RFC 9449, 7.1)")
        return shown.token


def _refusal(error: NetIDError) -> Response:
    """A challenge where the token is refused (8.3.1.1), plain JSON for everything else (8.3.1.2, 11.3)."""
    if isinstance(error, _ABOUT_THE_TOKEN):
        return access_tokens.refusal(error)
    return responses.oauth_json(error)


def blueprint(credentials: Credentials, nonces: Nonces, proofs: DPoPProofs) -> Blueprint:
    """POST /nonce, /credential and /notification."""
    routes = Blueprint("credential", __name__)
    routes.register_error_handler(NetIDError, _refusal)
    routes.after_request(proofs.renew)

    @routes.post("/nonce")
    def nonce() -> Response:
        return responses.uncached(jsonify(c_nonce=nonces.make()))

    @routes.post("/credential")
    def credential() -> Response:
        request.max_content_length = MAX_BYTES
        return responses.uncached(jsonify(credentials.answer(request)))

    @routes.post("/notification")
    def notification() -> Response:
        credentials.note(request)
        return responses.uncached(Response(status=204))

    return routes
