"""What a wallet showed, once every check of it has passed (OpenID4VP 1.0, 8.6)."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from types import MappingProxyType

from netid.client.errors import ConfigurationRefused, CredentialEnded, PresentationRefused
from netid.client.registration import Configured
from netid.client.standing import Standing
from netid.credentials import sd_jwt_vc
from netid.credentials.dcql import MAX_VOLUNTARY, Query
from netid.credentials.key_binding import Challenge
from netid.credentials.presentation_response import Shown
from netid.credentials.registration_statement import Statement
from netid.credentials.sd_jwt_vc import VerifiedCredential
from netid.errors import CredentialNotValid, CredentialRevoked, CredentialSuspended, TokenRefused
from netid.identity.levels import AssuranceLevel
from netid.identity.pseudonym import PairwiseSubject
from netid.identity.relying_party import PurposeId

_VERIFIED = object()


class PresentationAsk(Configured):
    """What one presentation asks for. That there is a real person with a net credential always is.

    A wrong value raises ConfigurationRefused.
    """

    purpose: PurposeId | None = None
    """The id of the registered purpose; None asks to be shown no claim at all."""
    claims: frozenset[str] | None = None
    """Narrows the purpose to these claims; None asks for all of it. It can never be widened."""
    encrypted: bool = True
    """Whether the answer is encrypted to this one request (`direct_post.jwt`), or not (`direct_post`)."""


@dataclass(frozen=True)
class VerifiedPresentation:
    """A person who showed their net credential. Only `verify_presentation` makes one.

    The provider was not asked, and does not know.
    """

    subject: PairwiseSubject
    """The key that their copy is bound to. It is the same again where the wallet keeps a copy for you and
    shows it another time; otherwise nobody has seen it before, and nobody will again."""

    claims: Mapping[str, str | bool] = field(repr=False)
    """What they chose to show, by name: texts, and yes/no answers."""

    issuer: str
    """Who issued the credential."""

    level: AssuranceLevel
    """The net credential alone: the wallet's key, and no second factor that anybody checked."""

    expires_at: datetime
    """Until when the copy counts."""

    verified_at: datetime

    ask: PresentationAsk
    """What was asked for."""

    presentation: str = field(repr=False)
    """What the wallet showed, as it came."""

    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify_presentation makes a VerifiedPresentation")


def query_for(ask: PresentationAsk, statement: Statement, vct: str) -> Query:
    """The query for that much of the registered purpose. Raises ConfigurationRefused."""
    if ask.purpose is None:
        if ask.claims:
            raise ConfigurationRefused("claims: belong to a purpose; name the purpose too")
        return Query.of(vct, frozenset(), frozenset())
    purpose = statement.purpose(ask.purpose)
    if purpose is None:
        raise ConfigurationRefused(f"purpose: {ask.purpose} is not registered; register it, or name another")
    names = purpose.names if ask.claims is None else ask.claims
    if beyond := names - purpose.names:
        raise ConfigurationRefused(f"claims: {min(beyond)} is not in the registered purpose")
    essential = purpose.essential & names
    if len(names) == 1 and not essential:
        # DCQL has no empty set (6.1), and wallets stop what is voluntary and cannot be left out.
        raise ConfigurationRefused("claims: a voluntary one alone cannot be left out; name another with it")
    try:
        return Query.of(vct, essential, names - essential)
    except ValueError as error:
        fault = f"claims: at most {MAX_VOLUNTARY} voluntary ones fit; name fewer"
        raise ConfigurationRefused(fault) from error


def verify_presentation(
    shown: Shown, ask: PresentationAsk, query: Query, challenge: Challenge, standing: Standing, now: datetime
) -> VerifiedPresentation:
    """The presentation in a wallet's answer, with nothing but what is at hand: no request leaves here.

    That it came once only is for the caller. Raises PresentationRefused, or CredentialEnded.
    """
    try:
        if shown.query_id != query.id:
            raise TokenRefused("it answers another query")
        verified = sd_jwt_vc.verify_presentation(shown.presentation, standing.trusted, challenge, now)
        standing.check_status(verified.status, now)
        claims = _disclosed(verified, query)
    except (CredentialNotValid, CredentialRevoked, CredentialSuspended) as error:
        raise CredentialEnded(error.detail or error.description) from error
    except TokenRefused as error:
        raise PresentationRefused(error.detail) from error
    return VerifiedPresentation(
        subject=PairwiseSubject(verified.holder_key.thumbprint),
        claims=MappingProxyType(claims),
        issuer=standing.trusted.issuer,
        level=AssuranceLevel.CREDENTIAL,
        expires_at=verified.expires_at,
        verified_at=now,
        ask=ask,
        presentation=shown.presentation,
        _proof=_VERIFIED,
    )


def _disclosed(verified: VerifiedCredential, query: Query) -> dict[str, str | bool]:
    """What was disclosed, if it is one of the sets that were asked for (6.4.1)."""
    names = {str(path[0]) for path in verified.disclosed if len(path) == 1}
    if len(names) != len(verified.disclosed) or not query.is_answered_by(frozenset(names)):
        raise TokenRefused("what it shows is not what was asked for")
    claims: dict[str, str | bool] = {}
    for name in names:
        value = verified.claims[name]
        if not isinstance(value, str | bool):
            raise TokenRefused("a claim is neither text nor yes/no")
        claims[name] = value
    return claims
