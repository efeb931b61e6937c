"""The check result: what an ID token says, once every check of it has passed."""

import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime, timedelta

from netid.client.errors import IDTokenRefused, LevelNotReached
from netid.client.registration import Ask
from netid.credentials import base64url, jose
from netid.credentials.jwk import Algorithm, PublicKeySet
from netid.errors import TokenRefused
from netid.identity.levels import AssuranceLevel
from netid.identity.pseudonym import PairwiseSubject

TRUST_FRAMEWORK = "cn_netid_mock"
"""What this mock's `verified_claims` stand under (OpenID Identity Assurance Schema 1.0, 5.4)."""

FRESH = timedelta(minutes=5)
"""How long ago an ID token may have been issued: it comes straight from the token endpoint."""

_VERIFIED = object()


@dataclass(frozen=True)
class CheckResult:
    """What a relying party learns when it needs no document data (Measures, article 8).

    Only `verify_id_token` makes one. It turns into JSON through nothing but its attributes.
    """

    subject: PairwiseSubject
    """Who this is, to you alone. Another relying party sees another value."""

    level: AssuranceLevel
    """Which factors were checked, as an `acr` value."""

    checked_at: datetime
    """When the person was checked (UTC, whole seconds)."""

    session: str | None
    """The session at the provider (`sid`), which a logout token names; None where none is registered."""

    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify_id_token makes a CheckResult")


@dataclass(frozen=True)
class Expected:
    """What an ID token has to say."""

    issuer: str
    client_id: str
    algorithm: Algorithm
    nonce: str
    access_token: str
    """What came with it; `at_hash` may name no other."""
    ask: Ask
    begun_at: datetime
    """When it was asked for."""


def verify_id_token(token: str, expected: Expected, keys: PublicKeySet, now: datetime) -> CheckResult:
    """The check result in an ID token (OpenID Connect Core, 3.1.3.7).

    Raises IDTokenRefused, whose detail names the check, or LevelNotReached.
    """
    try:
        # OpenID Connect fixes no type for ID tokens; others, such as logout tokens, have one.
        verified = jose.verify(
            token, key_source=jose.Pinned(keys), algorithms=(expected.algorithm,), typ=None
        )
        claims = verified.payload
        jose.check_issuer(claims, expected.issuer)
        _check_recipient(claims, expected.client_id)
        jose.check_times(claims, now, required=("exp", "iat"), max_age=FRESH)
        if jose.text_claim(claims, "nonce") != expected.nonce:
            raise TokenRefused("nonce is another one")
        _check_access_token(claims, expected.access_token)
        _check_trust_framework(claims)
        subject = PairwiseSubject(jose.text_claim(claims, "sub"))
        level, checked_at = _level(claims), _checked_at(claims, now)
        session = jose.text_claim(claims, "sid") if "sid" in claims else None
    except TokenRefused as error:
        raise IDTokenRefused(error.detail) from error
    if not level.satisfies(expected.ask.level):
        raise LevelNotReached(f"acr is {level}, asked for was {expected.ask.level}")
    if checked_at < _oldest_check(expected) - jose.SKEW:
        raise LevelNotReached("auth_time is longer ago than max_age or prompt=login allows")
    return CheckResult(subject, level, checked_at, session, _VERIFIED)


def _oldest_check(expected: Expected) -> datetime:
    """3.1.2.1: how old a check may be counts from the request; what the person reads since takes its time."""
    if expected.ask.prompt == "login":
        return expected.begun_at
    if expected.ask.max_age is None:
        return datetime.fromtimestamp(0, UTC) + jose.SKEW
    return expected.begun_at - expected.ask.max_age


def _check_recipient(claims: Mapping[str, object], client_id: str) -> None:
    """3.1.3.7, 3 to 5: for this client and for nobody beside it."""
    if claims.get("aud") not in (client_id, [client_id]):
        raise TokenRefused("aud is not this client alone")
    if claims.get("azp", client_id) != client_id:
        raise TokenRefused("azp is another client")


def _check_access_token(claims: Mapping[str, object], access_token: str) -> None:
    """3.1.3.8: where the ID token names an access token, it is the one beside it."""
    half = base64url.encode(hashlib.sha256(access_token.encode("ascii")).digest()[:16])
    if claims.get("at_hash", half) != half:
        raise TokenRefused("at_hash is that of another access token")


def _check_trust_framework(claims: Mapping[str, object]) -> None:
    """Identity Assurance Schema 1.0, 5: verified, and under the framework that was meant."""
    verified_claims = claims.get("verified_claims")
    verification = verified_claims.get("verification") if isinstance(verified_claims, dict) else None
    framework = verification.get("trust_framework") if isinstance(verification, dict) else None
    if framework != TRUST_FRAMEWORK:
        raise TokenRefused(f"verified_claims is not there, or not under {TRUST_FRAMEWORK}")


def _level(claims: Mapping[str, object]) -> AssuranceLevel:
    try:
        return AssuranceLevel(jose.text_claim(claims, "acr"))
    except ValueError as error:
        raise TokenRefused("acr is not a level that exists") from error


def _checked_at(claims: Mapping[str, object], now: datetime) -> datetime:
    value = claims.get("auth_time")
    latest = (now + jose.SKEW).timestamp()
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= latest:
        raise TokenRefused("auth_time is not a time in the past, in whole seconds")
    return datetime.fromtimestamp(value, UTC)
