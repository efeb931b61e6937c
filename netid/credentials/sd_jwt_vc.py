"""SD-JWT VC: what makes an SD-JWT a credential (SD-JWT-based Verifiable Credentials, draft 15).

Nothing here reads a clock, a file or the network: whoever verifies brings the issuer's keys, and asks
a status list (`status_list`) for what the credential refers to.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime

from netid.credentials import jose, key_binding, sd_jwt
from netid.credentials.disclosures import Hidden, Path, Revealed
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.sd_jwt import SdJwt
from netid.credentials.status_list import StatusReference
from netid.errors import (
    CredentialNotValid,
    DisclosureRefused,
    InvalidField,
    KeyBindingRefused,
    TokenRefused,
)

TYPE = "dc+sd-jwt"
"""The `typ` of the issuer's JWT (draft 15, JOSE Header)."""

NEVER_HIDDEN = frozenset({"iss", "nbf", "exp", "aud", "cnf", "vct", "vct#integrity", "status"})
"""Claims that stand in the clear or nowhere: they decide whether it is valid (draft 15, Registered JWT
Claims; `aud` by RFC 9901, 9.7)."""

_VERIFIED = object()


@dataclass(frozen=True)
class Trusted:
    """Whose credentials count, and of which type."""

    issuer: str
    vct: str
    keys: PublicKeySet


@dataclass(frozen=True)
class VerifiedCredential:
    """What a credential says, once every check of it has passed. Only this module's `verify_…` make one."""

    claims: Mapping[str, object] = field(repr=False)
    """Everything it says, as far as it was disclosed: those in the clear as well."""

    disclosed: Mapping[Path, str] = field(repr=False)
    """The paths that were disclosed, with their disclosures' texts."""

    holder_key: PublicKey
    """The key it is bound to (`cnf`)."""

    status: StatusReference | None
    """Where its status is told; None where it has none."""

    expires_at: datetime

    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _VERIFIED:
            raise TypeError("only verify_presentation and verify_credential make a VerifiedCredential")


def issue(
    claims: Mapping[str, object],
    key: SigningKey,
    random: Callable[[int], bytes],
    digests: int = 0,
) -> str:
    """The credential with all its disclosures, for its holder.

    Raises InvalidField where a claim that decides on validity is hidden, and what `sd_jwt.issue` does.
    """
    for name in NEVER_HIDDEN & claims.keys():
        if _hides(claims[name]):
            raise InvalidField(name, "decides whether the credential is valid", "leave it in the clear")
    return str(sd_jwt.issue(claims, key, TYPE, random, digests))


def present(
    credential: str, paths: Collection[Path], challenge: Challenge, key: SigningKey, now: datetime
) -> str:
    """A presentation that shows these paths and nothing else, bound to the challenge by the holder's key.

    Raises KeyError for a path at which the credential says nothing.
    """
    shown = sd_jwt.select(SdJwt.parse(credential), paths).bound
    return shown + key_binding.bind(shown, challenge, key, now)


def verify_presentation(
    presentation: str, trusted: Trusted, challenge: Challenge, now: datetime
) -> VerifiedCredential:
    """RFC 9901, 7.3: a credential of that issuer, shown by who holds it, for that challenge.

    Key binding is not optional. Status, and whether the presentation was seen before, is for the
    caller. Raises TokenRefused, or the one of its kinds that names the reason.
    """
    parsed = SdJwt.parse(presentation)
    # Steps 1 and 2, before anything is computed: whether it is bound is not for the sender to say.
    if parsed.key_binding is None:
        raise KeyBindingRefused("there is no key binding")
    verified = _verify(parsed, trusted, now)
    key_binding.verify(parsed.key_binding, parsed.bound, challenge, verified.holder_key, now)
    return verified


def verify_credential(credential: str, trusted: Trusted, now: datetime) -> VerifiedCredential:
    """RFC 9901, 7.2: what a holder checks when the issuer gives it.

    `disclosed` then names everything that can be shown. Raises as `verify_presentation` does.
    """
    parsed = SdJwt.parse(credential)
    if parsed.key_binding is not None:
        raise TokenRefused("it is a presentation")
    return _verify(parsed, trusted, now)


def _verify(parsed: SdJwt, trusted: Trusted, now: datetime) -> VerifiedCredential:
    revealed = sd_jwt.verify(parsed, key_source=jose.Pinned(trusted.keys), typ=TYPE)
    claims = revealed.claims
    _check_nothing_vital_hidden(revealed)
    jose.check_issuer(claims, trusted.issuer)
    if claims.get("vct") != trusted.vct:
        raise TokenRefused("vct is another one")
    if "aud" in claims:
        raise TokenRefused("it is for an audience")  # RFC 7519, 4.1.3: and nobody here is of any
    _check_times(claims, now)
    return VerifiedCredential(
        claims=claims,
        disclosed=revealed.disclosed,
        holder_key=_holder_key(claims),
        status=StatusReference.from_claim(claims["status"]) if "status" in claims else None,
        expires_at=jose.time_claim(claims, "exp"),
        _proof=_VERIFIED,
    )


def _check_nothing_vital_hidden(revealed: Revealed) -> None:
    for path in revealed.disclosed:
        if path[0] in NEVER_HIDDEN:
            raise DisclosureRefused("a disclosure shows a claim that decides on validity")


def _check_times(claims: Mapping[str, object], now: datetime) -> None:
    try:
        jose.check_times(claims, now)
    except TokenRefused as error:
        raise CredentialNotValid(error.detail) from error


def _holder_key(claims: Mapping[str, object]) -> PublicKey:
    """RFC 7800, 3.2: the key itself, and no other way of naming one."""
    match claims.get("cnf"):
        case {"jwk": jwk, **others} if not others:
            try:
                return PublicKey.from_jwk(jwk, "cnf.jwk")
            except InvalidField as error:
                raise TokenRefused("cnf.jwk is not a public key that counts here") from error
    raise TokenRefused("cnf does not give a key")


def _hides(value: object) -> bool:
    """Whether anything in it is hidden."""
    if isinstance(value, dict):
        return any(map(_hides, value.values()))
    return isinstance(value, Hidden) or (isinstance(value, list) and any(map(_hides, value)))
