"""An authorization request, parsed once (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1; RFC 7636)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from netid.errors import (
    InvalidRequest,
    InvalidScope,
    LoginRequired,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    TokenRefused,
    UnmetAuthenticationRequirements,
    UnprovenRedirect,
    UnsupportedResponseType,
)
from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from netid.identity.own_wallet import CONFIGURATIONS
from netid.identity.relying_party import Purpose, RelyingParty
from netid.identity.text import Language
from netid.identity.verified_claims import VerifiedRequest, names_in, narrowed
from netid.oauth.claims_parameter import ClaimsParameter, read_claims
from netid.oauth.id_token_hint import IdTokenHints
from netid.services.fresh_sign_in import FRESH_FOR
from netid.services.interaction import AuthorizationRequest, Prompt, ResponseMode

VERIFY_SCOPE = "netid.verify"
PURPOSE_SCOPE = "netid.purpose."
MAX_STATE = 2048
MAX_AGE_LIMIT = 10**9
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")

_UNSUPPORTED: Mapping[str, type[OAuthError]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
    "registration": RegistrationNotSupported,
}


def proven_redirect_uri(relying_party: RelyingParty, given: Mapping[str, str]) -> str:
    """The redirect URI, if it is registered to the letter (RFC 9700, 2.1). Raises UnprovenRedirect."""
    uri = given.get("redirect_uri")
    if uri is None:
        raise UnprovenRedirect("redirect_uri is missing; send one that is registered")
    if uri not in relying_party.redirect_uris:
        raise UnprovenRedirect("redirect_uri is not registered for this client; it must match exactly")
    return uri


def parse_request(
    relying_party: RelyingParty, redirect_uri: str, given: Mapping[str, str], hints: IdTokenHints
) -> AuthorizationRequest:
    """The checked request. Raises an OAuthError, which may now be sent to the redirect URI.

    A page here fits every `display`, and no claim is kept in several languages (`claims_locales`); they
    change as little as a parameter that is not known (OpenID Connect Core, 3.1.2.1).
    """
    for name, error in _UNSUPPORTED.items():
        if name in given:
            raise error(f"{name} is not supported; send the parameters themselves")
    if given.get("response_type") != "code":
        if "response_type" not in given:
            raise InvalidRequest("response_type is missing; send code")
        raise UnsupportedResponseType("response_type must be code")
    scope = given.get("scope", "").split(" ")
    wanted = read_claims(given.get("claims"))
    purpose: Purpose | None
    if relying_party.is_own_wallet:
        understood, purpose = _credentials(scope), relying_party.purposes[0]
        claims = AskedClaims(userinfo=_ordered(purpose.names))
    else:
        understood, purpose = _openid(relying_party, scope)
        claims = _asked(purpose, wanted) if purpose else AskedClaims()
    level, essential = _level(relying_party, given, wanted)
    return AuthorizationRequest(
        client_id=relying_party.client_id,
        redirect_uri=redirect_uri,
        response_mode=_response_mode(given),
        scope=understood,
        verify=VERIFY_SCOPE in scope,
        purpose=purpose.id if purpose and claims.names else None,
        userinfo=claims.userinfo,
        id_token=claims.id_token,
        verified_userinfo=claims.verified_userinfo,
        verified_id_token=claims.verified_id_token,
        state=_bounded(given, "state"),
        nonce=_bounded(given, "nonce"),
        code_challenge=_code_challenge(relying_party, given),
        dpop_jkt=_dpop_jkt(given),
        prompt=_prompt(given),
        max_age=_max_age(relying_party, given),
        login_hint=_bounded(given, "login_hint"),
        subject=_subject(relying_party, given, wanted, hints),
        level=level,
        level_essential=essential,
        language=asked_language(given),
    )


@dataclass(frozen=True)
class AskedClaims:
    """Registered ∩ requested, each claim where it is to be delivered."""

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    verified_userinfo: tuple[VerifiedRequest, ...] = ()
    verified_id_token: tuple[VerifiedRequest, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        plain = frozenset(self.userinfo) | frozenset(self.id_token)
        return plain | names_in(self.verified_userinfo) | names_in(self.verified_id_token)


def _asked(purpose: Purpose, wanted: ClaimsParameter) -> AskedClaims:
    """All of the purpose in UserInfo, or what the `claims` parameter narrows it to; never more.

    A field comes from UserInfo alone, wherever it was asked for.
    """
    if not wanted.asked:
        return AskedClaims(userinfo=_ordered(purpose.names))
    fields = frozenset(name for name in purpose.names if CATALOGUE[name].is_field)
    predicates = purpose.names - fields
    return AskedClaims(
        userinfo=_ordered(purpose.names & wanted.userinfo.claims | fields & wanted.id_token.claims),
        id_token=_ordered(predicates & wanted.id_token.claims),
        verified_userinfo=(
            *narrowed(wanted.userinfo.verified, purpose.names),
            *narrowed(wanted.id_token.verified, fields),
        ),
        verified_id_token=narrowed(wanted.id_token.verified, predicates),
    )


def _purpose(relying_party: RelyingParty, scope: list[str]) -> Purpose | None:
    ids = {value.removeprefix(PURPOSE_SCOPE) for value in scope if value.startswith(PURPOSE_SCOPE)}
    if len(ids) > 1:
        raise InvalidScope("scope names more than one purpose; each needs a consent and a request of its own")
    if not ids:
        return None
    purpose = relying_party.purpose(ids.pop())
    if purpose is None:
        raise InvalidScope("scope names a purpose that is not registered for this client; register it first")
    return purpose


def _openid(relying_party: RelyingParty, scope: list[str]) -> tuple[tuple[str, ...], Purpose | None]:
    """The scope values that are understood, and the purpose among them."""
    if "openid" not in scope:
        raise InvalidScope("scope must contain openid")
    purpose = _purpose(relying_party, scope)
    return _among(scope, {"openid", VERIFY_SCOPE, purpose.scope if purpose else "openid"}), purpose


def _credentials(scope: list[str]) -> tuple[str, ...]:
    """The credentials that the scope asks for (OpenID4VCI 1.0, 5.1.2); for a wallet there is nothing else."""
    asked = _among(scope, set(CONFIGURATIONS))
    if not asked:
        raise InvalidScope(f"scope must name a credential: {' or '.join(CONFIGURATIONS)}")
    return asked


def _among(scope: list[str], known: set[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in scope if value in known))


def _ordered(names: frozenset[str] | set[str]) -> tuple[str, ...]:
    return tuple(name for name in CATALOGUE if name in names)


def _level(
    relying_party: RelyingParty, given: Mapping[str, str], wanted: ClaimsParameter
) -> tuple[AssuranceLevel, bool]:
    """The first level asked for that exists, and whether the answer may name no other.

    An essential `acr` none of whose values exists is an error; others are passed over (Core, 5.5.1.1).
    """
    known = {level.value: level for level in AssuranceLevel}
    values = [value for value in wanted.id_token.acr.values or () if isinstance(value, str)]
    essential = wanted.id_token.acr.essential and bool(values)
    if essential and not any(value in known for value in values):
        raise UnmetAuthenticationRequirements(
            "claims.id_token.acr: none of these levels exists; see acr_values_supported"
        )
    asked = [*values, *given.get("acr_values", "").split()]
    levels = [known[value] for value in asked if value in known]
    level = levels[0] if levels else relying_party.default_level
    # Anybody may ask as the wallet, which proves nothing of itself: its owner's passcode is not its to waive.
    if relying_party.is_own_wallet and not level.satisfies(relying_party.default_level):
        level = relying_party.default_level
    return level, essential


def _subject(
    relying_party: RelyingParty, given: Mapping[str, str], wanted: ClaimsParameter, hints: IdTokenHints
) -> str | None:
    """The only person who may answer: by `sub` in `claims`, or by an ID token that comes back.

    OpenID Connect Core, 3.1.2.1: for a hint that nobody can answer there is no page, but an error.
    """
    if "id_token_hint" not in given:
        return wanted.subject
    try:
        hint = hints.verify(given["id_token_hint"])
    except TokenRefused as error:
        raise LoginRequired("id_token_hint is not an ID token of ours", detail=error.detail) from error
    if hint.client_id != relying_party.client_id:
        raise LoginRequired("id_token_hint was issued to another client")
    subject = hint.subject.reveal()
    if wanted.subject not in (None, subject):
        raise LoginRequired("id_token_hint and claims name two people")
    return subject


def _response_mode(given: Mapping[str, str]) -> ResponseMode:
    try:
        return ResponseMode(given.get("response_mode", "query"))
    except ValueError as error:
        raise InvalidRequest("response_mode must be query or form_post") from error


def _code_challenge(relying_party: RelyingParty, given: Mapping[str, str]) -> str | None:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None:
        if relying_party.require_pkce or method is not None:
            raise InvalidRequest(
                "code_challenge is missing; send one with code_challenge_method=S256 (RFC 7636)"
            )
        return None
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not _SHA256.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be 43 characters of base64url: the SHA-256 of the verifier")
    return challenge


def _dpop_jkt(given: Mapping[str, str]) -> str | None:
    """The thumbprint of the key that alone may redeem the code (RFC 9449, 10)."""
    thumbprint = given.get("dpop_jkt")
    if thumbprint is not None and not _SHA256.fullmatch(thumbprint):
        raise InvalidRequest("dpop_jkt must be 43 characters of base64url: the key's SHA-256 thumbprint")
    return thumbprint


def _bounded(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and len(value) > MAX_STATE:
        raise InvalidRequest(f"{name} is longer than {MAX_STATE} characters")
    return value


def _prompt(given: Mapping[str, str]) -> frozenset[Prompt]:
    try:
        prompts = frozenset(Prompt(value) for value in given.get("prompt", "").split())
    except ValueError as error:
        raise InvalidRequest("prompt must be none, login, consent or select_account") from error
    if Prompt.NONE in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none stands alone")
    return prompts


def _max_age(relying_party: RelyingParty, given: Mapping[str, str]) -> int | None:
    """In seconds. Everything goes into a wallet: a session that was left open is not enough for it."""
    limit = int(FRESH_FOR.total_seconds()) if relying_party.is_own_wallet else MAX_AGE_LIMIT
    text = given.get("max_age")
    if text is None:
        return limit if relying_party.is_own_wallet else None
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise InvalidRequest("max_age must be a number of seconds, 0 or more")
    return min(int(text), limit)


def asked_language(given: Mapping[str, str]) -> Language | None:
    """The first language of `ui_locales` that the pages speak; others are ignored."""
    for tag in given.get("ui_locales", "").split():
        if (primary := tag.split("-")[0].lower()) in {"zh", "en"}:
            return cast(Language, primary)
    return None
