"""An authorization request, parsed once (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1; RFC 7636)."""

import re
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, ConfigDict, JsonValue

from netid.credentials import strict_json
from netid.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnprovenRedirect,
    UnsupportedResponseType,
)
from netid.identity.claims import CATALOGUE
from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import Purpose, RelyingParty
from netid.identity.text import Language
from netid.services.interaction import AuthorizationRequest, Prompt

VERIFY_SCOPE = "netid.verify"
PURPOSE_SCOPE = "netid.purpose."
MAX_STATE = 2048
MAX_AGE_LIMIT = 10**9
PROTOCOL_CLAIMS = frozenset(
    {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "verified_claims"}
)
"""What the tokens say anyway: asking for one of these neither narrows nor widens a purpose."""
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
    relying_party: RelyingParty, redirect_uri: str, given: Mapping[str, str]
) -> AuthorizationRequest:
    """The checked request. Raises an OAuthError, which may now be sent to the redirect URI."""
    for name, error in _UNSUPPORTED.items():
        if name in given:
            raise error(f"{name} is not supported; send the parameters themselves")
    if given.get("response_type") != "code":
        if "response_type" not in given:
            raise InvalidRequest("response_type is missing; send code")
        raise UnsupportedResponseType("response_type must be code")
    scope = given.get("scope", "").split(" ")
    if "openid" not in scope:
        raise InvalidScope("scope must contain openid")
    purpose = _purpose(relying_party, scope)
    wanted = _claims(given.get("claims"))
    names = purpose.names if purpose else frozenset()
    id_token = {name for name in wanted.id_token if name in names and not CATALOGUE[name].is_field}
    userinfo = _userinfo(purpose, wanted, id_token)
    asks = bool(userinfo or id_token)
    _check_response_mode(given)
    level, essential = _level(relying_party, given, wanted)
    return AuthorizationRequest(
        client_id=relying_party.client_id,
        redirect_uri=redirect_uri,
        scope=_understood(scope, purpose),
        verify=VERIFY_SCOPE in scope,
        purpose=purpose.id if purpose and asks else None,
        userinfo=userinfo,
        id_token=_ordered(id_token),
        state=_bounded(given, "state"),
        nonce=_nonce(relying_party, given),
        code_challenge=_code_challenge(relying_party, given),
        dpop_jkt=_dpop_jkt(given),
        prompt=_prompt(given),
        max_age=_max_age(given),
        login_hint=_bounded(given, "login_hint"),
        subject=wanted.subject,
        level=level,
        level_essential=essential,
        language=_language(given),
    )


class ClaimsParameter(BaseModel):
    """The `claims` parameter (OpenID Connect Core, 5.5): names asked for, and the `acr` asked for."""

    model_config = ConfigDict(frozen=True)

    asked: bool = False
    userinfo: frozenset[str] = frozenset()
    id_token: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    subject: str | None = None
    """The value of `sub` asked for."""


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


def _understood(scope: list[str], purpose: Purpose | None) -> tuple[str, ...]:
    known = {"openid", VERIFY_SCOPE, purpose.scope if purpose else "openid"}
    return tuple(dict.fromkeys(value for value in scope if value in known))


def _userinfo(purpose: Purpose | None, wanted: ClaimsParameter, id_token: set[str]) -> tuple[str, ...]:
    """All of the purpose, or what the `claims` parameter narrows it to; never more."""
    if purpose is None:
        return ()
    if not wanted.asked:
        return _ordered(purpose.names)
    return _ordered((purpose.names & wanted.userinfo) | (purpose.names & wanted.id_token - id_token))


def _ordered(names: frozenset[str] | set[str]) -> tuple[str, ...]:
    return tuple(name for name in CATALOGUE if name in names)


def _claims(text: str | None) -> ClaimsParameter:
    if text is None:
        return ClaimsParameter()
    try:
        members = strict_json.parse_object(text.encode())
    except (ValueError, UnicodeError) as error:
        raise InvalidRequest("claims is not a JSON object (OpenID Connect Core, 5.5)") from error
    places = {place: _asked_in(members, place) for place in ("userinfo", "id_token")}
    acr = places["id_token"].get("acr")
    values = acr if isinstance(acr, dict) else {}
    return ClaimsParameter(
        asked=bool((places["userinfo"].keys() | places["id_token"].keys()) - PROTOCOL_CLAIMS),
        userinfo=frozenset(places["userinfo"]),
        id_token=frozenset(places["id_token"]),
        acr_values=_texts(values.get("values", [values["value"]] if "value" in values else [])),
        acr_essential=values.get("essential") is True,
        subject=_subject(places["id_token"].get("sub")),
    )


def _subject(wish: JsonValue) -> str | None:
    """The value of `sub`, which no other person may answer (OpenID Connect Core, 3.1.2.2)."""
    subject = wish.get("value") if isinstance(wish, dict) else None
    if subject is not None and not isinstance(subject, str):
        raise InvalidRequest("claims.id_token.sub.value must be a string")
    return subject


def _asked_in(members: Mapping[str, object], place: str) -> Mapping[str, JsonValue]:
    asked = members.get(place, {})
    asked = {} if asked is None else asked
    if not isinstance(asked, dict):
        raise InvalidRequest(f"claims.{place} must be an object whose members are claim names")
    for wish in asked.values():
        if wish is not None and not isinstance(wish, dict):
            raise InvalidRequest(f"claims.{place}: each member is null or an object")
        if isinstance(wish, dict) and not isinstance(wish.get("essential", False), bool):
            raise InvalidRequest(f"claims.{place}: essential must be true or false")
    return asked


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidRequest("claims.id_token.acr.values must be a list of strings")
    return tuple(values)


def _level(
    relying_party: RelyingParty, given: Mapping[str, str], wanted: ClaimsParameter
) -> tuple[AssuranceLevel, bool]:
    """The first level asked for that exists; an essential `acr` none of whose values exists is an error."""
    known = {level.value: level for level in AssuranceLevel}
    asked = [*wanted.acr_values, *given.get("acr_values", "").split()]
    levels = [known[value] for value in asked if value in known]
    if wanted.acr_essential and wanted.acr_values and not any(v in known for v in wanted.acr_values):
        raise InvalidRequest("claims.id_token.acr: none of these levels exists; see acr_values_supported")
    return (levels[0] if levels else relying_party.default_level), wanted.acr_essential


def _check_response_mode(given: Mapping[str, str]) -> None:
    if given.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode must be query")


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


def _nonce(relying_party: RelyingParty, given: Mapping[str, str]) -> str | None:
    nonce = _bounded(given, "nonce")
    if nonce is None and not relying_party.require_pkce and "code_challenge" not in given:
        raise InvalidRequest("nonce is missing; without PKCE it is what binds the ID token to this browser")
    return nonce


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


def _max_age(given: Mapping[str, str]) -> int | None:
    text = given.get("max_age")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise InvalidRequest("max_age must be a number of seconds, 0 or more")
    return min(int(text), MAX_AGE_LIMIT)


def _language(given: Mapping[str, str]) -> Language | None:
    """The first language of `ui_locales` that the pages speak; others are ignored."""
    for tag in given.get("ui_locales", "").split():
        if (primary := tag.split("-")[0].lower()) in {"zh", "en"}:
            return cast(Language, primary)
    return None
