"""A verifier's signed request to a wallet (OpenID4VP 1.0, 5; RFC 9101), made and checked.

The verifier is known by its access certificate (`x509_hash`, 5.9.3); what it may ask for stands in
the provider's statement that travels along.
"""

import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from pydantic import TypeAdapter, ValidationError

from netid.credentials import jose, registration_statement
from netid.credentials.certificate_chain import chain_to, read_certificate, write_certificate, x509_hash
from netid.credentials.dcql import Query
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.presentation_response import ENCRYPTIONS, GRANTED, Encryption, EncryptionKey
from netid.credentials.registration_statement import Statement
from netid.errors import TokenRefused
from netid.identity.relying_party import RedirectUri

TYPE = "oauth-authz-req+jwt"
"""RFC 9101, 10.8."""

AUDIENCE = "https://self-issued.me/v2"
"""Whom a request is for when the verifier knows of no wallet in particular (5.8)."""

LIFETIME = timedelta(minutes=10)
"""How long a request can be answered."""

MAX_BYTES = 65_536

_ADDRESS: TypeAdapter[str] = TypeAdapter(RedirectUri)
_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]{1,200}")
"""What nonce and state consist of (5.2)."""
_PAIRING_CODE = re.compile(r"[0-9A-Z]{1,12}")
"""It stands on the wallet's page, which says nothing else that a relying party wrote by itself."""
_NOT_ANSWERED = ("redirect_uri", "transaction_data", "scope", "request", "request_uri")
"""Beside `response_uri` (8.2); not supported, so that it may not be passed over (5.1); beside `dcql_query`
(5.1); and never inside a request object (RFC 9101, 4)."""


@dataclass(frozen=True)
class Ask:
    """What a verifier asks a wallet."""

    response_uri: str
    """Where the answer is posted (8.2)."""

    nonce: str = field(repr=False)
    state: str | None = field(repr=False)
    """What comes back beside the answer; a verifier may do without it (5.2)."""
    query: Query
    purpose: str | None
    """The registered purpose; None asks for the check result alone."""

    encryption_key: EncryptionKey | None
    """What the answer is encrypted to (`direct_post.jwt`, 8.3.1), fresh for each request; None asks for
    it as it is (`direct_post`)."""
    pairing_code: str | None = None
    """What the page that the request was scanned from shows too, so that a person can compare; None where
    the request is for the wallet on the same device."""

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
        "aud": AUDIENCE,
        "iat": begins,
        "exp": begins + int(LIFETIME.total_seconds()),
        "client_id": verifier.client_id,
        "response_type": "vp_token",
        "response_mode": "direct_post.jwt" if ask.encryption_key else "direct_post",
        "response_uri": ask.response_uri,
        "nonce": ask.nonce,
        "dcql_query": ask.query.dcql(),
        "client_metadata": _metadata(ask.encryption_key),
        "verifier_info": [{"format": registration_statement.TYPE, "data": verifier.statement}],
    }
    if ask.state is not None:
        payload["state"] = ask.state
    if ask.purpose is not None:
        payload["netid_purpose"] = ask.purpose
    if ask.pairing_code is not None:
        payload["netid_pairing_code"] = ask.pairing_code
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
    # Where nothing essential is asked for, one has to be shown, and none in particular: DCQL, 6.1.
    forced = min(len(wanted - purpose.essential) for wanted in ask.query.sets)
    if forced > (0 if ask.query.claims & purpose.essential else 1):
        return "claims registered as voluntary that cannot all be left out"
    return None


def _metadata(key: EncryptionKey | None) -> dict[str, object]:
    algorithms = {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]}
    metadata: dict[str, object] = {"vp_formats_supported": {"dc+sd-jwt": algorithms}}
    if key is not None:
        metadata["jwks"] = {"keys": [key.jwk()]}
        metadata["encrypted_response_enc_values_supported"] = list(ENCRYPTIONS)
    return metadata


def _statement(payload: Mapping[str, object], anchors: Anchors, now: datetime) -> Statement:
    """5.1: the one of our format; what others say of the verifier is ignored."""
    given = payload.get("verifier_info")
    for one in given if isinstance(given, list) else ():
        match one:
            case {"format": registration_statement.TYPE, "data": str(token)}:
                return registration_statement.verify(token, anchors.issuer, anchors.keys, now)
    raise TokenRefused("verifier_info does not hold the provider's statement")


def _ask(payload: Mapping[str, object]) -> Ask:
    if payload.get("response_type") != "vp_token":
        raise TokenRefused("response_type is not vp_token")
    if present := [name for name in _NOT_ANSWERED if name in payload]:
        raise TokenRefused(f"{present[0]} has no place in a request here")
    return Ask(
        response_uri=_response_uri(payload),
        nonce=_formed(payload, "nonce", _URL_SAFE),
        state=_optionally_formed(payload, "state", _URL_SAFE),
        query=Query.parse(payload.get("dcql_query")),
        purpose=_optional(payload, "netid_purpose"),
        encryption_key=_encryption_key(payload),
        pairing_code=_optionally_formed(payload, "netid_pairing_code", _PAIRING_CODE),
        wallet_nonce=_optional(payload, "wallet_nonce"),
    )


def _response_uri(payload: Mapping[str, object]) -> str:
    try:
        return _ADDRESS.validate_python(payload.get("response_uri"))
    except ValidationError as error:
        raise TokenRefused("response_uri is no address that answers may go to") from error


def _formed(payload: Mapping[str, object], name: str, form: re.Pattern[str]) -> str:
    text = jose.text_claim(payload, name)
    if not form.fullmatch(text):
        raise TokenRefused(f"{name} is too long, or has other characters than it may have")
    return text


def _optionally_formed(payload: Mapping[str, object], name: str, form: re.Pattern[str]) -> str | None:
    return _formed(payload, name, form) if name in payload else None


def _optional(payload: Mapping[str, object], name: str) -> str | None:
    return jose.text_claim(payload, name) if name in payload else None


def _encryption_key(payload: Mapping[str, object]) -> EncryptionKey | None:
    if payload.get("response_mode") == "direct_post":
        return None
    if payload.get("response_mode") != "direct_post.jwt":
        raise TokenRefused("response_mode is neither direct_post nor direct_post.jwt")
    match payload.get("client_metadata"):
        case {"jwks": {"keys": [*keys]}, **others}:
            known = others.get("encrypted_response_enc_values_supported", [GRANTED])
            return EncryptionKey.from_jwks(keys, _best(known))
    raise TokenRefused("client_metadata has no keys to encrypt the answer to")


def _best(known: object) -> Encryption:
    for encryption in ENCRYPTIONS:
        if isinstance(known, list) and encryption in known:
            return encryption
    raise TokenRefused("client_metadata names no encryption that is known here")
