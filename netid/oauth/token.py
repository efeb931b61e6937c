"""/token and /revoke (RFC 6749, 4.1.3; RFC 7636, 4.6; RFC 7009; OpenID Connect Core, 3.1.3)."""

import hashlib
import hmac
import re
from collections.abc import Mapping

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.ambient import Ambient
from netid.credentials import base64url
from netid.errors import (
    InvalidDPoPProof,
    InvalidGrant,
    InvalidRequest,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from netid.identity.relying_party import RelyingParty
from netid.identity.verified_claims import check_result
from netid.oauth.client_auth import ClientAuthentication
from netid.oauth.delivered import claims_in
from netid.oauth.dpop import DPoPProofs
from netid.oauth.parameters import body_parameters
from netid.oauth.signing import Signer
from netid.services.grants import ACCESS_TOKEN_LIFETIME, Grant, Grants, Redeemed
from netid.services.offers import PRE_AUTHORIZED, Offers
from netid.services.refusals import Refusals

ID_TOKEN_LIFETIME = ACCESS_TOKEN_LIFETIME
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
MAX_CODE = 128


class Token:
    """Turns a code into tokens, in five phases: parse, authenticate, look up, bind, redeem."""

    def __init__(
        self,
        issuer: str,
        *,
        client_authentication: ClientAuthentication,
        refusals: Refusals,
        proofs: DPoPProofs,
        grants: Grants,
        offers: Offers,
        signer: Signer,
        ambient: Ambient,
    ) -> None:
        self._offers = offers
        self._issuer = issuer
        self._client_authentication = client_authentication
        self._refusals = refusals
        self._proofs = proofs
        self._grants = grants
        self._signer = signer
        self._ambient = ambient

    def exchange(self, incoming: Request) -> dict[str, object]:
        """The token response. Raises OAuthError; only a code that is redeemed is used up."""
        given = body_parameters(incoming)
        if given.get("grant_type") == PRE_AUTHORIZED and not _names_client(incoming, given):
            return self._by_offer(incoming, given)
        relying_party = self._client_authentication.authenticate(incoming, given, or_wallet=True)
        with self._refusals.of_client(relying_party, "token_refused"):
            if given.get("grant_type") == PRE_AUTHORIZED:
                if not relying_party.is_own_wallet:
                    raise UnauthorizedClient
                return self._by_offer(incoming, given)
            return self._by_code(incoming, relying_party, given)

    def _by_offer(self, incoming: Request, given: Mapping[str, str]) -> dict[str, object]:
        """OpenID4VCI 1.0, 6.1: a wallet need not say who it is; what it gets is bound to its key."""
        code = _code_in(given, "pre-authorized_code")
        if "tx_code" not in given:
            raise InvalidRequest("tx_code is missing; send the code that the person was shown")
        self._offers.expect(code)  # before anything of a stranger's is kept
        dpop_jkt = self._proofs.check(incoming)
        if dpop_jkt is None:
            raise InvalidDPoPProof("DPoP is missing; send a proof with the request (RFC 9449, 5)")
        self._offers.check_tx_code(code, given["tx_code"])
        return self._response(self._offers.redeem(code, dpop_jkt), dpop_jkt)

    def _by_code(
        self, incoming: Request, relying_party: RelyingParty, given: Mapping[str, str]
    ) -> dict[str, object]:
        if given.get("grant_type") != "authorization_code":
            if "grant_type" not in given:
                raise InvalidRequest("grant_type is missing; send authorization_code")
            raise UnsupportedGrantType("grant_type must be authorization_code")
        code = _code_in(given, "code")
        grant = self._grants.peek(relying_party, code)
        _check_binding(grant, given)
        dpop_jkt = self._proofs.check(incoming)
        _check_key(relying_party, grant, dpop_jkt)
        redeemed = self._grants.redeem(relying_party, code, dpop_jkt)
        response = self._response(redeemed, dpop_jkt)
        if not relying_party.is_own_wallet:
            response["id_token"] = self._id_token(relying_party, redeemed)
        return response

    def _response(self, redeemed: Redeemed, dpop_jkt: str | None) -> dict[str, object]:
        return {
            "access_token": redeemed.access_token,
            "token_type": "DPoP" if dpop_jkt else "Bearer",
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(redeemed.grant.scope),
        }

    def _id_token(self, relying_party: RelyingParty, redeemed: Redeemed) -> str:
        grant, now = redeemed.grant, int(self._ambient.now().timestamp())
        claims: dict[str, object] = {
            "iss": self._issuer,
            "sub": redeemed.subject.reveal(),
            "aud": relying_party.client_id,
            "iat": now,
            "exp": now + int(ID_TOKEN_LIFETIME.total_seconds()),
            "auth_time": int(grant.checked_at.timestamp()),
            "acr": grant.level.value,
            "amr": list(grant.amr),
            "at_hash": _half_hash(redeemed.access_token),
            "mock": True,
        }
        if redeemed.sid is not None:
            claims["sid"] = redeemed.sid
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        claims |= claims_in(redeemed.release, grant.id_token, grant.verified_id_token)
        if grant.verify:
            claims.setdefault("verified_claims", check_result())
        return self._signer.id_token(claims, relying_party)

    def revoke(self, incoming: Request) -> None:
        """RFC 7009: ends the caller's own token; for any other nothing happens and nothing is said."""
        given = body_parameters(incoming)
        relying_party = self._client_authentication.authenticate(incoming, given, or_wallet=True)
        with self._refusals.of_client(relying_party, "token_refused"):
            if "token" not in given:
                raise InvalidRequest("token is missing; send the access token to end")
            self._grants.revoke(relying_party, given["token"])


def _names_client(incoming: Request, given: Mapping[str, str]) -> bool:
    named = {"client_id", "client_secret", "client_assertion"}
    return "Authorization" in incoming.headers or not named.isdisjoint(given)


def _code_in(given: Mapping[str, str], name: str) -> str:
    code = given.get(name, "")
    if not 0 < len(code) <= MAX_CODE:
        raise InvalidRequest(f"{name} is missing; send the one you were given")
    return code


def _check_binding(grant: Grant, given: Mapping[str, str]) -> None:
    """The code comes back with the redirect URI and the verifier it was asked for with."""
    if given.get("redirect_uri") != grant.redirect_uri:
        raise InvalidGrant(detail="another redirect_uri")
    verifier = given.get("code_verifier")
    if grant.code_challenge is None:
        if verifier is not None:
            raise InvalidGrant(detail="a verifier for a code without challenge")  # RFC 9700, 2.1.1: downgrade
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier is missing or malformed (RFC 7636, 4.1)")
    if not hmac.compare_digest(_s256(verifier), grant.code_challenge):
        raise InvalidGrant(detail="the verifier does not fit")


def _check_key(relying_party: RelyingParty, grant: Grant, dpop_jkt: str | None) -> None:
    """The key that the code was asked for with (RFC 9449, 10); in profile fapi2, for wallets: always one."""
    if dpop_jkt is None and relying_party.pushes_requests:
        raise InvalidDPoPProof("DPoP is missing; send a proof with the request (RFC 9449, 5)")
    if grant.dpop_jkt not in (None, dpop_jkt):
        raise InvalidDPoPProof("there is no proof of the key that dpop_jkt named (RFC 9449, 10)")


def _s256(verifier: str) -> str:
    return base64url.encode(hashlib.sha256(verifier.encode()).digest())


def _half_hash(value: str) -> str:
    """OpenID Connect Core, 3.1.3.6: the left half of the SHA-256."""
    return base64url.encode(hashlib.sha256(value.encode()).digest()[:16])


def blueprint(token: Token, proofs: DPoPProofs) -> Blueprint:
    """POST /token and POST /revoke."""
    routes = Blueprint("token", __name__)
    routes.after_request(proofs.renew)

    @routes.post("/token")
    def exchange() -> Response:
        return responses.uncached(jsonify(token.exchange(request)))

    @routes.post("/revoke")
    def revoke() -> Response:
        token.revoke(request)
        return responses.uncached(Response(status=200))

    return routes
