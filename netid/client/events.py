"""What the provider tells a relying party afterwards: security events and logout tokens, verified.

An event is a signed token (RFC 8417) that the provider pushes (RFC 8935). It names a subject, a
receipt and claims, never a value. It may come more than once; `NetIDClient.event` lets the caller
know which ones are new.
"""

from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from netid.client.errors import EventRefused, LogoutRefused
from netid.client.registration import Registration
from netid.credentials import base64url, jose, strict_json
from netid.credentials.jwk import PublicKeySet
from netid.errors import TokenRefused
from netid.identity.events import (
    BACKCHANNEL_LOGOUT,
    CONSENT_WITHDRAWN,
    EVENT_TYPE,
    LOGOUT_TYPE,
    SUBJECT_ENDED,
    EndedSubject,
    SubjectId,
    WithdrawnConsent,
)
from netid.identity.pseudonym import PairwiseSubject

OLDEST_EVENT = timedelta(days=7)
"""How long ago an event may have been issued: longer than any provider goes on trying."""

_VERIFIED = object()


@dataclass(frozen=True)
class _Verified:
    subject: PairwiseSubject
    """Whom it is about, as you alone know them."""
    event_id: str
    """Its `jti`: an event that comes again has the same."""
    issued_at: datetime
    """When it was sent (UTC, whole seconds)."""
    transaction: str
    """The same for all that one act of the person's led to (`txn`); it means nothing to anybody else."""
    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify_event makes an event")


@dataclass(frozen=True)
class ConsentWithdrawn(_Verified):
    """The person took a consent back: delete what you got on it (PIPL 15 and 47)."""

    receipt_id: str
    """The consent's receipt, which the person has too."""
    purpose: str | None
    """The id of the purpose it was for; None for a check result."""
    claims: frozenset[str]
    """The names of the claims it covered."""


@dataclass(frozen=True)
class SubjectEnded(_Verified):
    """Nobody will sign in as this subject again: delete everything kept under it (PIPL 47)."""


SecurityEvent = ConsentWithdrawn | SubjectEnded


@dataclass(frozen=True)
class SignedOut:
    """A session at the provider has ended: end what you opened on it.

    Only `verify_logout_token` makes one.
    """

    subject: PairwiseSubject | None
    """Who it was; where `session` is None, every session of theirs has ended."""
    session: str | None
    """Which session: the same as `CheckResult.session` at its sign-in."""
    event_id: str
    """Its `jti`: a token that comes again has the same."""
    expires_at: datetime
    """Until when it could come again."""
    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify_logout_token makes a SignedOut")


def verify_event(
    token: str, registration: Registration, keys_for: Callable[[str], PublicKeySet], now: datetime
) -> SecurityEvent:
    """The event in a security event token.

    Raises EventRefused with the code to answer (RFC 8935, 2.4), or ProviderUnreachable while the
    provider's keys cannot be had.
    """
    try:
        jose.unverified_payload(token)
        _check_type(token)
    except TokenRefused as error:
        raise EventRefused(error.detail) from error
    claims = _signed(token, registration, keys_for, EVENT_TYPE)
    if claims.get("iss") != registration.issuer:
        raise EventRefused("iss is another one", "invalid_issuer")
    if claims.get("aud") not in (registration.client_id, [registration.client_id]):
        raise EventRefused("aud is not this client alone", "invalid_audience")
    try:
        jose.check_times(claims, now, required=("iat",), max_age=OLDEST_EVENT)
        return _event(claims, registration.issuer)
    except TokenRefused as error:
        raise EventRefused(error.detail) from error
    except ValidationError as error:
        members = ", ".join(".".join(map(str, fault["loc"])) or "it" for fault in error.errors())
        raise EventRefused(f"{members}: not as the event is defined") from error


def _check_type(token: str) -> None:
    """Before the signature, so that another kind of token is told from one with a wrong key."""
    try:
        typ = strict_json.parse_object(base64url.decode(token.split(".")[0])).get("typ")
    except ValueError as error:
        raise TokenRefused("the header is not one strict JSON object") from error
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != EVENT_TYPE:
        raise TokenRefused("typ is another one")


def _signed(
    token: str, registration: Registration, keys_for: Callable[[str], PublicKeySet], typ: str
) -> Mapping[str, object]:
    source = jose.Pinned(keys_for(token))
    try:
        algorithms = (registration.id_token_alg,)
        return jose.verify(token, key_source=source, algorithms=algorithms, typ=typ).payload
    except TokenRefused as error:
        raise EventRefused(error.detail, "invalid_key") from error


def _event(claims: Mapping[str, object], issuer: str) -> SecurityEvent:
    about = SubjectId.model_validate(claims.get("sub_id"))
    if about.iss != issuer:
        raise TokenRefused("sub_id names another issuer")
    common: dict[str, Any] = {
        "subject": PairwiseSubject(about.sub),
        "event_id": jose.text_claim(claims, "jti"),
        "issued_at": _moment(claims, "iat"),
        "transaction": jose.text_claim(claims, "txn"),
        "_proof": _VERIFIED,
    }
    events = claims.get("events")
    if not isinstance(events, dict) or len(events) != 1:
        raise TokenRefused("events is not an object with one event")
    [(kind, content)] = events.items()
    if kind == CONSENT_WITHDRAWN:
        withdrawn = WithdrawnConsent.model_validate(content)
        claims_covered = frozenset(withdrawn.claims)
        return ConsentWithdrawn(
            **common, receipt_id=withdrawn.receipt_id, purpose=withdrawn.purpose, claims=claims_covered
        )
    if kind == SUBJECT_ENDED:
        EndedSubject.model_validate(content)
        return SubjectEnded(**common)
    raise TokenRefused("events has one that is not known here")


def verify_logout_token(
    token: str, registration: Registration, keys_for: Callable[[str], PublicKeySet], now: datetime
) -> SignedOut:
    """Who was signed out (OpenID Connect Back-Channel Logout 1.0, 2.6).

    Raises LogoutRefused, or ProviderUnreachable while the provider's keys cannot be had.
    """
    try:
        jose.unverified_payload(token)
        source, algorithms = jose.Pinned(keys_for(token)), (registration.id_token_alg,)
        claims = jose.verify(token, key_source=source, algorithms=algorithms, typ=LOGOUT_TYPE).payload
        jose.check_issuer(claims, registration.issuer)
        if claims.get("aud") not in (registration.client_id, [registration.client_id]):
            raise TokenRefused("aud is not this client alone")
        jose.check_times(claims, now, required=("exp", "iat"))
        return _signed_out(claims)
    except TokenRefused as error:
        raise LogoutRefused(error.detail) from error


def _signed_out(claims: Mapping[str, object]) -> SignedOut:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(BACKCHANNEL_LOGOUT), dict):
        raise TokenRefused("events does not say that it is a logout token")
    if "nonce" in claims:
        raise TokenRefused("nonce is there, which no logout token has")
    if "sub" not in claims and "sid" not in claims:
        raise TokenRefused("neither sub nor sid is there")
    subject = PairwiseSubject(jose.text_claim(claims, "sub")) if "sub" in claims else None
    session = jose.text_claim(claims, "sid") if "sid" in claims else None
    event_id = jose.text_claim(claims, "jti")
    return SignedOut(subject, session, event_id, _moment(claims, "exp"), _VERIFIED)


def _moment(claims: Mapping[str, object], name: str) -> datetime:
    value = claims[name]
    if not isinstance(value, int | float):
        raise TokenRefused(f"{name} is not a time")
    return datetime.fromtimestamp(int(value), UTC)
