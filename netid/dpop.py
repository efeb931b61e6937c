"""Proofs that the sender holds the key its token is bound to (RFC 9449), as the sender makes them."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from netid.ambient import Ambient
from netid.credentials import base64url, jose, strict_json
from netid.credentials.jwk import SigningKey
from netid.sending import HttpAnswer, HttpRequest, Send

_NONCE = "dpop-nonce"


class DPoP:
    """Sends requests with a proof, and once more where the server asks for its nonce (section 8)."""

    def __init__(self, key: SigningKey, send: Send, ambient: Ambient) -> None:
        self._key = key
        self._send = send
        self._ambient = ambient
        self._nonce: str | None = None
        """The latest one the server gave; that a thread may overwrite another's does no harm."""

    def send(self, request: Callable[[], HttpRequest], access_token: str | None = None) -> HttpAnswer:
        """The answer; `request` makes the request anew for each attempt.

        A second attempt has an assertion of its own, since the first one's counts as used.
        """
        answer = self._attempt(request(), access_token)
        return self._attempt(request(), access_token) if _asks_for_nonce(answer) else answer

    def _attempt(self, request: HttpRequest, access_token: str | None) -> HttpAnswer:
        headers = {**request.headers, "DPoP": self._proof(request, access_token)}
        answer = self._send(replace(request, headers=headers))
        self._nonce = answer.headers.get(_NONCE, self._nonce)
        return answer

    def _proof(self, request: HttpRequest, access_token: str | None) -> str:
        claims = {
            "jti": base64url.encode(self._ambient.random(16)),
            "htm": request.method,
            "htu": urlunsplit(urlsplit(request.url)._replace(query="", fragment="")),
            "iat": int(self._ambient.now().timestamp()),
            "nonce": self._nonce,
            "ath": _hash(access_token) if access_token is not None else None,
        }
        named = {name: value for name, value in claims.items() if value is not None}
        return jose.prove(named, self._key, "dpop+jwt")


def _asks_for_nonce(answer: HttpAnswer) -> bool:
    """Section 8 (400 with a JSON error) and section 9 (401 with a challenge)."""
    if _NONCE not in answer.headers:
        return False
    if answer.status == 401:
        return 'error="use_dpop_nonce"' in answer.headers.get("www-authenticate", "")
    if answer.status != 400:
        return False
    try:
        return strict_json.parse_object(answer.body).get("error") == "use_dpop_nonce"
    except ValueError:
        return False


def _hash(access_token: str) -> str:
    return base64url.encode(hashlib.sha256(access_token.encode("ascii")).digest())
