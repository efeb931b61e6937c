"""The way to the provider and back: the authorization request, and the answer in the redirect."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from netid.client import errors
from netid.client.errors import CallbackRefused, ClientError
from netid.client.pending import PendingLogin
from netid.client.registration import Ask, Registration
from netid.credentials import base64url

_LONGEST_QUERY = 4096
_LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
_ERRORS: Mapping[str, type[ClientError]] = {
    "access_denied": errors.Refused,
    "login_required": errors.LoginRequired,
    "consent_required": errors.ConsentRequired,
    "interaction_required": errors.ConsentRequired,
    "account_selection_required": errors.LoginRequired,
    "unmet_authentication_requirements": errors.LevelNotReached,
    "temporarily_unavailable": errors.ProviderUnreachable,
    "server_error": errors.ProviderUnreachable,
}
_READ = object()


def begin(ask: Ask, now: datetime, random: Callable[[int], bytes]) -> PendingLogin:
    """A new sign-in: state, nonce and PKCE verifier, each 32 random bytes as base64url."""
    state, nonce, verifier = (base64url.encode(random(32)) for _ in range(3))
    return PendingLogin(state, nonce, verifier, ask, now)


def authorization_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Where to send the browser (RFC 6749, 4.1.1)."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def request_parameters(registration: Registration, pending: PendingLogin) -> dict[str, str]:
    """What is asked (RFC 6749, 4.1.1; RFC 7636, 4.3; RFC 9449, 10)."""
    challenge = base64url.encode(hashlib.sha256(pending.verifier.encode("ascii")).digest())
    key = registration.dpop_key
    return {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": registration.redirect_uri,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"dpop_jkt": key.thumbprint} if key else {}),
        **_asked(pending.ask),
    }


def _asked(ask: Ask) -> dict[str, str]:
    purpose = f" netid.purpose.{ask.purpose}" if ask.purpose else ""
    claims = ask.purpose is not None and ask.claims is not None
    given = {
        "scope": f"openid netid.verify{purpose}",
        "acr_values": ask.level.value,
        "claims": json.dumps({"userinfo": dict.fromkeys(sorted(ask.claims or ()))}) if claims else None,
        "max_age": str(int(ask.max_age.total_seconds())) if ask.max_age is not None else None,
        "ui_locales": _LANGUAGE_TAGS[ask.language] if ask.language else None,
        "prompt": ask.prompt,
        "login_hint": ask.login_hint,
    }
    return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class AuthorizationCode:
    """A code that came back to the browser and from the provider it was asked of."""

    code: str = field(repr=False)
    pending: PendingLogin
    _proof: InitVar[object]

    def __post_init__(self, _proof: object) -> None:
        if _proof is not _READ:
            raise TypeError("only read_callback makes an AuthorizationCode")


def read_callback(query: str, issuer: str, take: Callable[[str], PendingLogin | None]) -> AuthorizationCode:
    """The code in the query of a return from the provider (RFC 6749, 4.1.2; RFC 9207, 2.4).

    `take` gives out, once, what this browser began under a state. Raises CallbackRefused, or the
    error that the provider's answer stands for.
    """
    given = _parameters(query)
    pending = take(given.get("state", ""))
    if pending is None:
        raise CallbackRefused("state: nothing was begun in this browser, or it ended already")
    if not hmac.compare_digest(given.get("iss", "").encode(), issuer.encode()):
        raise CallbackRefused("iss: is missing, or names another provider")
    if "error" in given:
        raise _error(given)
    if not given.get("code"):
        raise CallbackRefused("code: is missing")
    return AuthorizationCode(given["code"], pending, _READ)


def _parameters(query: str) -> dict[str, str]:
    if len(query) > _LONGEST_QUERY:
        raise CallbackRefused(f"query: is longer than {_LONGEST_QUERY} characters")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise CallbackRefused("query: is not a form") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise CallbackRefused("query: a parameter occurs twice")
    return given


def _error(given: Mapping[str, str]) -> ClientError:
    described = f"{given['error']}: {given.get('error_description', '')}"[:300]
    detail = "".join(c if c.isprintable() else " " for c in described)
    return _ERRORS.get(given["error"], errors.RequestRefused)(detail)
