"""Which relying party is calling, and the proof of it (RFC 6749, 2.3; RFC 7523; OpenID Connect Core, 9)."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from flask import Request

from netid.ambient import Ambient
from netid.credentials import jose
from netid.credentials.base64url import decode as _base64url
from netid.credentials.jwk import Algorithm, PublicKeySet, SigningKey
from netid.errors import InvalidClient, InvalidField, InvalidRequest, TokenRefused, UnknownKey
from netid.identity.relying_party import WALLET_CLIENT_ID, Authentication, RelyingParty
from netid.oauth.client_keys import ClientKeys
from netid.services.registration import Registration
from netid.storage.epoch import restored_at
from netid.storage.single_use import Kind
from netid.storage.stores import Stores

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "RS256")
FAPI2_ASSERTION_ALGORITHMS: tuple[Algorithm, ...] = ("ES256",)
"""RS256 is none of FAPI 2.0's algorithms (Security Profile, 5.4.1)."""
ASSERTION_LIFETIME = timedelta(hours=1)
"""An assertion may not be good for longer than this (RFC 7523, 3, point 4)."""
_NOBODY = "0" * 64
_ANY_SIGNATURE = (1).to_bytes(32) * 2
"""In form and in range, so that checking it costs what checking a real one does."""


class ClientAuthentication:
    """Authenticates relying parties wherever they call."""

    def __init__(
        self,
        issuer: str,
        *,
        stores: Stores,
        registration: Registration,
        client_keys: ClientKeys,
        ambient: Ambient,
    ) -> None:
        self._issuer = issuer
        self._stores = stores
        self._registration = registration
        self._client_keys = client_keys
        self._ambient = ambient
        self._nobodys_key = SigningKey.generate("ES256", ambient.random).public

    def authenticate(
        self, request: Request, given: Mapping[str, str], *, or_wallet: bool = False
    ) -> RelyingParty:
        """The relying party that proves itself, by the method it registered and no other.

        With `or_wallet` also the one public client (RFC 6749, 2.1), which only says who it is: what it
        is given is bound to keys that it holds.

        Raises InvalidClient, with the same words for an unknown client and a wrong proof, InvalidRequest
        where two methods come together (RFC 6749, 2.3), and ClientKeysPending.
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
        if or_wallet and given.get("client_id") == WALLET_CLIENT_ID:
            return self._wallet()
        raise InvalidClient(detail="no authentication")

    def _wallet(self) -> RelyingParty:
        wallet = self._registration.get(WALLET_CLIENT_ID)
        if wallet is None:
            raise InvalidClient(detail="there is no wallet here")
        return wallet

    def _by_secret(self, client_id: str, secret: str, method: Authentication) -> RelyingParty:
        relying_party = self._registration.get(client_id)
        expected = relying_party.secret_digest if relying_party else None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        right = hmac.compare_digest(digest, expected or _NOBODY)
        if relying_party is None:
            raise InvalidClient(detail="no such client is registered")
        if relying_party.authentication is not method:
            raise InvalidClient(detail=f"it came by {method}; registered is {relying_party.authentication}")
        if not right:
            raise InvalidClient(detail="the secret is not the registered one")
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
        by_key = relying_party is not None and relying_party.authentication is Authentication.PRIVATE_KEY_JWT
        if relying_party is None or not by_key or client_id not in (None, claimed):
            self._nobodys_key.accepts(_ANY_SIGNATURE, assertion.encode())
            raise InvalidClient(detail="no such client is registered for private_key_jwt")
        payload = self._signed_by(relying_party, assertion)
        now = self._ambient.now()
        jose.check_issuer(payload, relying_party.client_id)
        jose.check_audience(payload, self._issuer)
        jose.check_times(payload, now)
        self._use_once(relying_party, payload, now)
        return relying_party

    def _signed_by(self, relying_party: RelyingParty, assertion: str) -> Mapping[str, object]:
        """What the assertion says, once it is shown that a key of this relying party signed it."""
        keys = self._client_keys.of(relying_party)
        try:
            return _signed_with(keys, relying_party, assertion)
        except UnknownKey:
            return _signed_with(self._client_keys.renewed(relying_party), relying_party, assertion)

    def _use_once(self, relying_party: RelyingParty, payload: Mapping[str, object], now: datetime) -> None:
        """A `jti` is good once, for as long as its assertion could come again."""
        jti, expires_at = jose.text_claim(payload, "jti"), jose.time_claim(payload, "exp")
        if expires_at > now + ASSERTION_LIFETIME + jose.SKEW:
            raise TokenRefused("exp is more than an hour away")
        digest = hashlib.sha256(f"{relying_party.client_id}\0{jti}".encode()).digest()
        until = expires_at + 2 * jose.SKEW
        with self._stores.db.write() as tx:
            _check_epoch(payload, restored_at(tx), now)
            if not self._stores.single_use.put_once(tx, Kind.ASSERTION_JTI, digest, until):
                raise TokenRefused("jti was used before")


def _check_epoch(payload: Mapping[str, object], restored: datetime | None, now: datetime) -> None:
    """A restored database does not know every `jti` that was used; what may be older is refused."""
    if restored is None or now > restored + ASSERTION_LIFETIME + 2 * jose.SKEW:
        return
    jose.check_times(payload, now, required=("iat",))
    if jose.time_claim(payload, "iat") <= restored + jose.SKEW:
        raise TokenRefused("it may have been used before the database was restored")


def _signed_with(keys: PublicKeySet, relying_party: RelyingParty, assertion: str) -> Mapping[str, object]:
    fapi2 = relying_party.profile == "fapi2"
    algorithms = FAPI2_ASSERTION_ALGORITHMS if fapi2 else ASSERTION_ALGORITHMS
    return jose.verify(assertion, key_source=jose.Pinned(keys), algorithms=algorithms, typ=None).payload


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
