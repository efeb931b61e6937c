"""/access-certificate: what a relying party needs to ask wallets (OpenID4VP 1.0, 5.9.3 and 5.1).

It fetches it on a timer, never for a person: nothing of a presentation reaches the provider.
"""

from collections.abc import Mapping

from flask import Blueprint, Request, Response, jsonify, request

from netid import responses
from netid.ambient import Ambient
from netid.credentials import registration_statement, strict_json
from netid.credentials.access_authority import AccessAuthority
from netid.credentials.certificate_chain import write_certificate, x509_hash
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jwk import PublicKey
from netid.credentials.registration_statement import Statement
from netid.errors import InvalidField, InvalidRequest
from netid.oauth.client_auth import ClientAuthentication
from netid.oauth.parameters import body_parameters
from netid.services.refusals import Refusals


class AccessCertificates:
    """Certifies a relying party's key, and states what it may ask for."""

    def __init__(
        self,
        issuer: str,
        *,
        client_authentication: ClientAuthentication,
        refusals: Refusals,
        authority: AccessAuthority,
        keys: CurrentKeys,
        ambient: Ambient,
    ) -> None:
        self._issuer = issuer
        self._client_authentication = client_authentication
        self._refusals = refusals
        self._authority = authority
        self._keys = keys
        self._ambient = ambient

    def certify(self, incoming: Request) -> dict[str, object]:
        """The certificate over the key in `jwk`, the signed statement, and the root they lead to.

        Raises OAuthError.
        """
        given = body_parameters(incoming)
        relying_party = self._client_authentication.authenticate(incoming, given)
        with self._refusals.of_client(relying_party, "access_refused"):
            key = _key(given)
        certificate = self._authority.certify(relying_party.client_id, key, self._ambient)
        statement = Statement.of(relying_party, x509_hash(certificate))
        signing_key, now = self._keys.credential_key(), self._ambient.now()
        return {
            "certificate_chain": [write_certificate(certificate)],
            "registration": registration_statement.state(statement, self._issuer, signing_key, now),
            "trust_anchor": self._authority.trust_anchor,
        }


def _key(given: Mapping[str, str]) -> PublicKey:
    try:
        key = PublicKey.from_jwk(strict_json.parse_object(given.get("jwk", "").encode()))
    except (ValueError, UnicodeError, InvalidField) as error:
        raise InvalidRequest("jwk must be a public P-256 key as a JSON object (RFC 7517)") from error
    if key.algorithm != "ES256":
        raise InvalidRequest("jwk must be a P-256 key; requests to wallets are signed with ES256")
    return key


def blueprint(access: AccessCertificates) -> Blueprint:
    """POST /access-certificate."""
    routes = Blueprint("access", __name__)

    @routes.post("/access-certificate")
    def certify() -> Response:
        return responses.uncached(jsonify(access.certify(request)))

    return routes
