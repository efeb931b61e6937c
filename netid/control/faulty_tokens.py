"""Tokens with one thing wrong: a signer that stands in for the ordinary one in a realm."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netid.control.faults import (
    AnotherSubject,
    BadForm,
    ExtraField,
    Fault,
    LowerLevel,
    MissingField,
    WrongAlgorithm,
    WrongName,
    WrongNonce,
    WrongTime,
)
from netid.control.standing_faults import Faults
from netid.credentials import base64url, strict_json
from netid.credentials.jwk import Algorithm, SigningKey
from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import RelyingParty
from netid.oauth.signing import Signer, UserInfoAnswer

Claims = Mapping[str, object]

_ANOTHER = {"iss": "https://another-provider.example", "aud": "another-relying-party"}
_ANOTHER_NONCE = "the-nonce-of-another-sign-in"
_UNKNOWN_KID = "a-key-that-is-not-published"


class FaultySigner(Signer):
    """Signs as the ordinary signer does, but for what a declared fault changes."""

    def __init__(self, ordinary: Signer, faults: Faults, now: Callable[[], datetime]) -> None:
        self._ordinary = ordinary
        self._faults = faults
        self._now = now

    def key(self, algorithm: Algorithm) -> SigningKey:
        """As the ordinary signer has it."""
        return self._ordinary.key(algorithm)

    def id_token(self, claims: Claims, relying_party: RelyingParty) -> str:
        """The ID token, with the fault declared for the token endpoint."""
        fault = self._faults.take("token", "token", relying_party.client_id)
        if isinstance(fault, BadForm | WrongAlgorithm):
            return _misshapen(claims, self.key(relying_party.id_token_signed_response_alg), fault)
        return self._ordinary.id_token(self._changed(claims, fault), relying_party)

    def userinfo(self, claims: Claims, relying_party: RelyingParty) -> UserInfoAnswer:
        """UserInfo's answer, with the fault declared for it; what only a signed one can have waits."""
        algorithm = relying_party.userinfo_signed_response_alg
        fault = self._faults.take(
            "token",
            "userinfo",
            relying_party.client_id,
            lambda fault: (
                algorithm is not None or not isinstance(fault, BadForm | WrongAlgorithm | WrongName)
            ),
        )
        if isinstance(fault, BadForm | WrongAlgorithm) and algorithm is not None:
            return _misshapen(claims, self.key(algorithm), fault)
        return self._ordinary.userinfo(self._changed(claims, fault), relying_party)

    def _changed(self, claims: Claims, fault: Fault | None) -> Claims:
        """The claims with what the fault changes; `verified_claims` stays as it is."""
        match fault:
            case WrongName():
                return {**claims, fault.fault: _ANOTHER[fault.fault]}
            case WrongNonce():
                return _without(claims, "nonce") if fault.missing else {**claims, "nonce": _ANOTHER_NONCE}
            case WrongTime():
                away = -fault.seconds if fault.fault == "exp" else fault.seconds
                return {**claims, fault.fault: int(self._now().timestamp()) + away}
            case LowerLevel():
                return {**claims, "acr": AssuranceLevel.CREDENTIAL.value, "amr": ["pop"]}
            case AnotherSubject():
                return {**claims, "sub": _another_subject(str(claims["sub"]))}
            case ExtraField():
                return _with_field(claims, fault)
            case MissingField():
                there = [name for name in CATALOGUE if name in claims]
                return _without(claims, fault.field or (there[0] if there else ""))
            case _:
                return claims


def _without(claims: Claims, name: str) -> Claims:
    return {kept: value for kept, value in claims.items() if kept != name}


def _another_subject(subject: str) -> str:
    """As good as any that another legal entity gets: 32 bytes that nobody can trace to this one."""
    return base64url.encode(hashlib.sha256(f"at another relying party: {subject}".encode()).digest())


def _with_field(claims: Claims, fault: ExtraField) -> Claims:
    missing = [name for name in CATALOGUE if name not in claims]
    name = fault.field or (missing[0] if missing else None)
    if name is None or name in claims:
        return claims
    return {**claims, name: f"made-up {name}" if CATALOGUE[name].is_field else True}


def _misshapen(claims: Claims, key: SigningKey, fault: BadForm | WrongAlgorithm) -> str:
    """A compact JWS that is not one: its header or its signature is wrong, its claims are right."""
    header: dict[str, object] = {"alg": key.public.algorithm, "kid": key.public.kid}
    if isinstance(fault, WrongAlgorithm):
        header["alg"] = fault.alg
    elif fault.fault != "signature":
        header[fault.fault] = {"kid": _UNKNOWN_KID, "typ": "logout+jwt"}[fault.fault]
    signed = ".".join(base64url.encode(strict_json.dump(part)) for part in (header, claims))
    return f"{signed}.{base64url.encode(_signature(signed.encode('ascii'), key, fault))}"


def _signature(signed: bytes, key: SigningKey, fault: BadForm | WrongAlgorithm) -> bytes:
    if isinstance(fault, WrongAlgorithm):
        return b"" if fault.alg == "none" else hmac.digest(_public_pem(key), signed, hashlib.sha256)
    # Over other bytes, so that its form is right and nothing but the key can tell.
    return key.sign(signed + b" " if fault.fault == "signature" else signed)


def _public_pem(key: SigningKey) -> bytes:
    """What a verifier that confuses algorithms would take as the secret."""
    return key.public.material.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
