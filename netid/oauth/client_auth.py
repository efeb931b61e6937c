"""Which relying party is calling, and the proof of it (RFC 6749, 2.3; RFC 7523; OpenID Connect Core, 9)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import unquote_plus

from flask import Request

from netid.ambient import Ambient
from netid.credentials import jose
from netid.credentials.base64url import decode as _base64url
from netid.credentials.jwk import Algorithm, PublicKeySet, SigningKey
from netid.errors import InvalidClient, InvalidField, InvalidRequest, TokenRefused
from netid.identity.relying_party import Authentication, RelyingParty
from netid.services.registration import Registration
from netid.storage.single_use import Kind
from netid.storage.stores import Stores

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "RS256")
FAPI2_ASSERTION_ALGORITHMS: tuple[Algorithm, ...] = ("ES256",)
"""RS256 is none of FAPI 2.0's algorithms (Security Profile, 5.4.1)."""
ASSERTION_LIFETIME = timedelta(minutes=5)
"""An assertion may not be good for longer than this."""
_NOBODY = "0" * 64
_ANY_SIGNATURE = (1).to_bytes(32) * 2
"""In form and in range, so that checking it costs what checking a real one does."""


class ClientAuthentication:
    """Authenticates relying parties at the token and revocation endpoints."""

    def __init__(self, issuer: str, *, stores: Stores, registration: Registration, ambient: Ambient) -> None:
        self._issuer = issuer
        self._stores = stores
        self._registration = registration
        self._ambient = ambient
        self._nobodys_key = SigningKey.generate("ES256", ambient.random).public

    def authenticate(self, request: Request, given: Mapping[str, str]) -> RelyingParty:
        """The relying party that proves itself, by the method it registered and no other.

        Raises InvalidClient, with the same words for an unknown client and a wrong proof, and
        InvalidRequest where two methods come together (RFC 6749, 2.3).
        """
        header = request.headers.get("Authorization")
        used = [header is not None, "client_secret" in given, "client_assertion" in given]
        if sum(used) > 1:
            raise InvalidRequest("the client authenticates in more than one way; use the registered one")
        if header is not None:
            return self._by_secret(*_basic(header, given), Authentication.SECRET_BASIC)
        if "client_secret" in given:
            client_id = given.get("client_id", "")
            return self._by_secret(client_id, given["client_secret"], Authentication.SECRET_POST)
        if "client_assertion" in given:
            return self._by_assertion(given)
        raise InvalidClient(detail="no authentication")

    def _by_secret(self, client_id: str, secret: str, method: Authentication) -> RelyingParty:
        relying_party = self._registration.get(client_id)
        expected = relying_party.secret_digest if relying_party else None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        right = hmac.compare_digest(digest, expected or _NOBODY)
        if relying_party is None or not right or relying_party.authentication is not method:
            raise InvalidClient(detail="unknown client, wrong secret or another method")
        return relying_party

    def _by_assertion(self, given: Mapping[str, str]) -> RelyingParty:
        if given.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidRequest(f"client_assertion_type must be {ASSERTION_TYPE}")
        try:
            return self._verified(given["client_assertion"], given.get("client_id"))
        except (TokenRefused, InvalidField) as error:
            raise InvalidClient(detail=error.detail) from error

    def _verified(self, assertion: str, client_id: str | None) -> RelyingParty:
        claimed = jose.text_claim(jose.unverified_payload(assertion), "sub")
        relying_party = self._registration.get(claimed)
        if relying_party is None or relying_party.jwks is None or client_id not in (None, claimed):
            self._nobodys_key.accepts(_ANY_SIGNATURE, assertion.encode())
            raise InvalidClient(detail="unknown client, or one without keys")
        if relying_party.authentication is not Authentication.PRIVATE_KEY_JWT:
            raise InvalidClient(detail="another method is registered")
        keys = jose.Pinned(PublicKeySet.from_jwks(relying_party.jwks))
        fapi2 = relying_party.profile == "fapi2"
        algorithms = FAPI2_ASSERTION_ALGORITHMS if fapi2 else ASSERTION_ALGORITHMS
        payload = jose.verify(assertion, key_source=keys, algorithms=algorithms, typ=None).payload
        now = self._ambient.now()
        jose.check_issuer(payload, relying_party.client_id)
        jose.check_audience(payload, self._issuer)
        jose.check_times(payload, now)
        self._use_once(relying_party, payload, now.timestamp())
        return relying_party

    def _use_once(self, relying_party: RelyingParty, payload: Mapping[str, object], now: float) -> None:
        """A `jti` is good once, for as long as its assertion could come again."""
        jti = jose.text_claim(payload, "jti")
        expires = payload["exp"]
        latest = now + (ASSERTION_LIFETIME + jose.SKEW).total_seconds()
        if not isinstance(expires, int | float) or expires > latest:
            raise TokenRefused("exp is more than five minutes away")
        digest = hashlib.sha256(f"{relying_party.client_id}\0{jti}".encode()).digest()
        until = self._ambient.now() + ASSERTION_LIFETIME + 2 * jose.SKEW
        with self._stores.db.write() as tx:
            if not self._stores.single_use.put_once(tx, Kind.ASSERTION_JTI, digest, until):
                raise TokenRefused("jti was used before")


def _basic(header: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret of HTTP Basic, each form-encoded first (RFC 6749, 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient(detail="not HTTP Basic")
    try:
        padded = encoded.strip().rstrip("=").replace("+", "-").replace("/", "_")
        text = _base64url(padded).decode()
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidClient(detail="HTTP Basic is not base64") from error
    name, separator, secret = text.partition(":")
    client_id = unquote_plus(name)
    if not separator or given.get("client_id", client_id) != client_id:
        raise InvalidClient(detail="HTTP Basic and client_id differ")
    return client_id, unquote_plus(secret)
