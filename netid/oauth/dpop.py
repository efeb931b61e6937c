"""Proofs that whoever sends a request holds a key (RFC 9449)."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Request, Response, request

from netid.ambient import Ambient
from netid.credentials import base64url, jose
from netid.credentials.jwk import Algorithm
from netid.credentials.keyring import Keyring
from netid.errors import InvalidDPoPProof, InvalidToken, TokenRefused, UseDPoPNonce
from netid.storage.single_use import Kind
from netid.storage.stores import Stores

DPOP_ALGORITHMS: tuple[Algorithm, ...] = ("ES256",)
PROOF_LIFETIME = timedelta(minutes=1)
"""How long ago a proof may have been made."""
NONCE_WINDOW = timedelta(minutes=2)
"""How long the provider hands out the same nonce; it counts for one window more."""
_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class DPoPProofs:
    """Checks proofs (section 4.3), and hands out the nonce that each has to carry (section 8).

    A nonce is a keyed digest of the time: every worker knows it, also after a restart, and a request
    that only learns it writes nothing.
    """

    def __init__(self, issuer: str, *, stores: Stores, keyring: Keyring, ambient: Ambient) -> None:
        self._issuer = issuer
        self._stores = stores
        self._nonce_key = hmac.digest(keyring.browser.reveal(), b"netid-dpop-nonce-v1", "sha256")
        self._ambient = ambient

    def check(
        self, incoming: Request, *, access_token: str | None = None, bound_to: str | None = None
    ) -> str | None:
        """The SHA-256 thumbprint of the proof's key (RFC 7638); None where there is no proof.

        Raises InvalidDPoPProof, or UseDPoPNonce, which uses nothing up. With an access token the proof
        has to be for that token (`ath`) and of the key that it is `bound_to`; of another it is
        InvalidToken (7.1). Only a proof that is right is noted: nobody fills the database from outside.
        """
        proofs = incoming.headers.getlist("DPoP")
        if not proofs:
            return None
        if len(proofs) > 1 or "," in proofs[0]:
            raise InvalidDPoPProof("DPoP is given more than once; send one proof")
        try:
            return self._checked(proofs[0], incoming, access_token, bound_to)
        except TokenRefused as refusal:
            raise InvalidDPoPProof(detail=refusal.detail) from refusal

    def _checked(self, proof: str, incoming: Request, access_token: str | None, bound_to: str | None) -> str:
        verified = jose.verify(proof, key_source=jose.Proof(), algorithms=DPOP_ALGORITHMS, typ="dpop+jwt")
        claims, now = verified.payload, self._ambient.now()
        jti = jose.text_claim(claims, "jti")
        if jose.text_claim(claims, "htm") != incoming.method:
            raise TokenRefused("htm is another method")
        if _normal(jose.text_claim(claims, "htu")) != _normal(f"{self._issuer}{incoming.path}"):
            raise TokenRefused("htu is another address")
        jose.check_times(claims, now, required=("iat",), max_age=PROOF_LIFETIME)
        if access_token is not None and claims.get("ath") != _hash(access_token):
            raise TokenRefused("ath is missing, or that of another access token")
        if bound_to not in (None, verified.key.thumbprint):
            raise InvalidToken(detail="a proof of another key than the token is bound to")
        self._check_nonce(claims.get("nonce"), now)
        self._use_once(verified.key.thumbprint, jti, now)
        return verified.key.thumbprint

    def _check_nonce(self, given: object, now: datetime) -> None:
        window = self._window(now)
        counting = (self._nonce(window), self._nonce(window - 1))
        if not isinstance(given, str) or not any(
            hmac.compare_digest(given.encode(errors="replace"), nonce.encode()) for nonce in counting
        ):
            raise UseDPoPNonce

    def _use_once(self, thumbprint: str, jti: str, now: datetime) -> None:
        """A `jti` counts once for its key, for as long as its proof could come again (11.1)."""
        digest = hashlib.sha256(f"{thumbprint}\0{jti}".encode()).digest()
        until = now + PROOF_LIFETIME + 2 * jose.SKEW
        with self._stores.db.write() as tx:
            if not self._stores.single_use.put_once(tx, Kind.DPOP_JTI, digest, until):
                raise TokenRefused("jti was used before")

    def renew(self, response: Response) -> Response:
        """The response with the nonce for the next proof, where its request had one (8.2)."""
        if "DPoP" in request.headers:
            response.headers["DPoP-Nonce"] = self._nonce(self._window(self._ambient.now()))
        return response

    def _window(self, now: datetime) -> int:
        return int(now.timestamp() // NONCE_WINDOW.total_seconds())

    def _nonce(self, window: int) -> str:
        return base64url.encode(hmac.digest(self._nonce_key, str(window).encode(), "sha256")[:16])


def _hash(access_token: str) -> str:
    return base64url.encode(hashlib.sha256(access_token.encode()).digest())


def _normal(uri: str) -> tuple[str, str | None, int | None, str]:
    """Scheme, host, port and path as RFC 3986, 6.2.2 and 6.2.3 compare them; query and fragment apart."""
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise TokenRefused("htu is no address") from error
    if not _PRINTABLE.fullmatch(uri) or "@" in parts.netloc:
        raise TokenRefused("htu has spaces, user information or what is not ASCII")
    return parts.scheme, parts.hostname, port, _normal_path(parts.path)


def _normal_path(path: str) -> str:
    kept: list[str] = []
    *before, last = _ESCAPE.sub(_unescape, path).removeprefix("/").split("/")
    for segment in (*before, last):
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/".join(("", *kept, *([""] if last in (".", "..") else [])))


def _unescape(escape: re.Match[str]) -> str:
    """An unreserved character is the same without its escape; any other keeps it, in capitals."""
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
