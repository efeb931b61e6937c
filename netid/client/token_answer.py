"""The code against tokens, at the token endpoint (RFC 6749, 4.1.3 and 5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from netid.client import errors
from netid.client.authentication import Credentials
from netid.client.authorization import AuthorizationCode
from netid.client.errors import ClientError, IDTokenRefused
from netid.client.messages import HttpAnswer, HttpRequest, json_object, refuse_overload

_ERRORS: Mapping[str, type[ClientError]] = {
    "invalid_grant": errors.CodeRefused,
    "invalid_client": errors.ClientRefused,
    "unauthorized_client": errors.ClientRefused,
}
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

TokenType = Literal["Bearer", "DPoP"]
"""How an access token is shown: by itself (RFC 6750), or with a proof of its key (RFC 9449)."""


@dataclass(frozen=True)
class AccessToken:
    """Good for UserInfo alone, for five minutes. Its value shows in no log."""

    value: str = field(repr=False)
    type: TokenType


@dataclass(frozen=True)
class UnverifiedTokens:
    """What the token endpoint answered. Nobody is signed in before `verify_id_token`."""

    unverified_id_token: str = field(repr=False)
    access_token: AccessToken
    answer: bytes = field(repr=False)
    """The answer as it came, byte for byte."""


def token_request(
    endpoint: str, redirect_uri: str, code: AuthorizationCode, credentials: Credentials
) -> HttpRequest:
    """The request that redeems the code."""
    form = {
        "grant_type": "authorization_code",
        "code": code.code,
        "redirect_uri": redirect_uri,
        "code_verifier": code.pending.verifier,
        **credentials.form,
    }
    return HttpRequest(endpoint, credentials.headers, form)


def read_token_answer(answer: HttpAnswer, expected: TokenType) -> UnverifiedTokens:
    """The tokens of an answer. Raises CodeRefused, ClientRefused, RequestRefused or IDTokenRefused."""
    refuse_overload(answer)
    if answer.status != 200:
        raise refusal(answer)
    members = json_object(answer, IDTokenRefused)
    id_token, access_token, kind = (members.get(n) for n in ("id_token", "access_token", "token_type"))
    if not isinstance(id_token, str) or not isinstance(access_token, str) or not isinstance(kind, str):
        raise IDTokenRefused("the answer lacks id_token, access_token or token_type")
    if kind.lower() != expected.lower():
        raise IDTokenRefused(f"token_type is not {expected}")
    if not _TOKEN.fullmatch(access_token):
        raise IDTokenRefused("access_token has characters that no header can carry (RFC 6750, 2.1)")
    return UnverifiedTokens(id_token, AccessToken(access_token, expected), answer.body)


def revocation_request(endpoint: str, token: AccessToken, credentials: Credentials) -> HttpRequest:
    """The request that ends an access token before its time (RFC 7009, 2.1)."""
    form = {"token": token.value, "token_type_hint": "access_token", **credentials.form}
    return HttpRequest(endpoint, credentials.headers, form)


def read_revocation_answer(answer: HttpAnswer) -> None:
    """RFC 7009, 2.2: 200 also for a token that had ended already. Raises as `read_token_answer`."""
    refuse_overload(answer)
    if answer.status != 200:
        raise refusal(answer)


def refusal(answer: HttpAnswer) -> ClientError:
    """What an error answer stands for (RFC 6749, 5.2)."""
    members = json_object(answer, errors.RequestRefused, status=answer.status)
    code = members.get("error", f"the status is {answer.status}, without an error code")
    detail = f"{code}: {members.get('error_description', '')}"[:300]
    return _ERRORS.get(str(code), errors.RequestRefused)(detail)
