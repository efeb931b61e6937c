"""A verifier's signed request to a wallet (OpenID4VP 1.0, 5; RFC 9101), made and checked.

The verifier is known by its access certificate (`x509_hash`, 5.9.3); what it may ask for stands in
the provider's statement that travels along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from netid.credentials import jose, registration_statement
from netid.credentials.certificate_chain import chain_to, read_certificate, write_certificate, x509_hash
from netid.credentials.dcql import Query
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.presentation_response import EncryptionKey
from netid.credentials.registration_statement import Statement
from netid.errors import TokenRefused

TYPE = "oauth-authz-req+jwt"
"""RFC 9101, 10.8."""

AUDIENCE = "https://self-issued.me/v2"
"""Whom a request is for when the verifier knows of no wallet in particular (5.8)."""

LIFETIME = timedelta(minutes=10)
"""How long a request can be answered."""

MAX_BYTES = 65_536


@dataclass(frozen=True)
class Ask:
    """What a verifier asks a wallet."""

    response_uri: str
    """Where the answer goes; it is posted there (`direct_post.jwt`, 8.3.1)."""

    nonce: str = field(repr=False)
    state: str = field(repr=False)
    query: Query
    purpose: str | None
    """The registered purpose; None asks for the check result alone."""

    encryption_key: EncryptionKey
    """What the answer is encrypted to, fresh for each request."""

    wallet_nonce: str | None = None
    """What the wallet sent when it fetched the request (5.10)."""


@dataclass(frozen=True)
class Verifier:
    """How a relying party shows itself to wallets."""

    certificate: x509.Certificate
    key: SigningKey
    statement: str
    """The provider's signed statement on its registration."""

    @property
    def client_id(self) -> str:
        """Its name in requests, and the audience of presentations."""
        return f"x509_hash:{x509_hash(self.certificate)}"


@dataclass(frozen=True)
class VerifiedRequest:
    """A request that may be shown to the person. Only `verify` makes one."""

    client_id: str
    """The audience of the presentation."""

    ask: Ask
    statement: Statement

    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify makes a VerifiedRequest")


@dataclass(frozen=True)
class Anchors:
    """What a wallet got from the provider together with its credentials."""

    issuer: str
    root: x509.Certificate
    keys: PublicKeySet


_VERIFIED = object()


def make(verifier: Verifier, ask: Ask, now: datetime) -> str:
    """The signed request object."""
    begins = int(now.timestamp())
    payload: dict[str, object] = {
        "iss": verifier.client_id,
        "aud": AUDIENCE,
        "iat": begins,
        "exp": begins + int(LIFETIME.total_seconds()),
        "client_id": verifier.client_id,
        "response_type": "vp_token",
        "response_mode": "direct_post.jwt",
        "response_uri": ask.response_uri,
        "nonce": ask.nonce,
        "state": ask.state,
        "dcql_query": ask.query.dcql(),
        "client_metadata": _metadata(ask.encryption_key),
        "verifier_info": [{"format": registration_statement.TYPE, "data": verifier.statement}],
    }
    if ask.purpose is not None:
        payload["netid_purpose"] = ask.purpose
    if ask.wallet_nonce is not None:
        payload["wallet_nonce"] = ask.wallet_nonce
    return jose.sign_with_chain(payload, verifier.key, TYPE, [write_certificate(verifier.certificate)])


def verify(
    token: str, client_id: str, anchors: Anchors, now: datetime, wallet_nonce: str | None = None
) -> VerifiedRequest:
    """The request of a relying party that this provider registered. Raises TokenRefused.

    `client_id` is the one the wallet was called with, `wallet_nonce` what it sent if it sent one. That
    the request stays within the registration is `refusal_of` to say.
    """
    source = chain_to(anchors.root, now)
    verified = jose.verify(token, key_source=source, algorithms=("ES256",), typ=TYPE, max_bytes=MAX_BYTES)
    payload = verified.payload
    hashed = x509_hash(read_certificate(verified.header["x5c"]))
    if not payload.get("client_id") == client_id == f"x509_hash:{hashed}":
        raise TokenRefused("client_id is not the one of the certificate")
    jose.check_audience(payload, AUDIENCE)
    jose.check_times(payload, now, required=("exp", "iat"), max_age=LIFETIME)
    if payload.get("wallet_nonce") != wallet_nonce:
        raise TokenRefused("wallet_nonce is missing or another one")
    statement = _statement(payload, anchors, now)
    if statement.x509_hash != hashed:
        raise TokenRefused("the statement is on another relying party")
    return VerifiedRequest(client_id, _ask(payload), statement, _VERIFIED)


def refusal_of(request: VerifiedRequest, vct: str) -> str | None:
    """Why the wallet does not answer this request, in words for its log; None where it may ask."""
    ask, statement = request.ask, request.statement
    if ask.query.vct != vct:
        return "another type of credential"
    if ask.purpose is None:
        return "claims without a purpose" if ask.query.claims else None
    purpose = statement.purpose(ask.purpose)
    if purpose is None:
        return "a purpose that is not registered"
    if not ask.query.claims <= purpose.names:
        return "claims beyond the registered purpose"
    if not ask.query.essential <= purpose.essential:
        return "a claim as essential that is registered as voluntary"
    return None


def _metadata(key: EncryptionKey) -> dict[str, object]:
    return {
        "jwks": {"keys": [key.jwk()]},
        "encrypted_response_enc_values_supported": ["A256GCM"],
        "vp_formats_supported": {
            "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]},
        },
    }


def _statement(payload: Mapping[str, object], anchors: Anchors, now: datetime) -> Statement:
    match payload.get("verifier_info"):
        case [{"format": registration_statement.TYPE, "data": str(token)}]:
            return registration_statement.verify(token, anchors.issuer, anchors.keys, now)
    raise TokenRefused("verifier_info does not hold the provider's statement, and it alone")


def _ask(payload: Mapping[str, object]) -> Ask:
    if payload.get("response_type") != "vp_token" or payload.get("response_mode") != "direct_post.jwt":
        raise TokenRefused("response_type and response_mode are not vp_token by direct_post.jwt")
    if "redirect_uri" in payload:
        raise TokenRefused("redirect_uri has no place beside response_uri")  # 8.2
    purpose = payload.get("netid_purpose")
    if purpose is not None and not isinstance(purpose, str):
        raise TokenRefused("netid_purpose is not a string")
    return Ask(
        response_uri=jose.text_claim(payload, "response_uri"),
        nonce=jose.text_claim(payload, "nonce"),
        state=jose.text_claim(payload, "state"),
        query=Query.parse(payload.get("dcql_query")),
        purpose=purpose,
        encryption_key=EncryptionKey.from_jwks(_keys(payload)),
        wallet_nonce=jose.text_claim(payload, "wallet_nonce") if "wallet_nonce" in payload else None,
    )


def _keys(payload: Mapping[str, object]) -> Sequence[object]:
    match payload.get("client_metadata"):
        case {"jwks": {"keys": [*keys]}}:
            return keys
    raise TokenRefused("client_metadata has no keys to encrypt the answer to")
