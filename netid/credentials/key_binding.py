"""Key binding: the holder's signature over one presentation, for one recipient, now (RFC 9901, 4.3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from netid.credentials import jose
from netid.credentials.disclosures import digest
from netid.credentials.jwk import PublicKey, SigningKey
from netid.errors import KeyBindingRefused, TokenRefused

TYPE = "kb+jwt"

MAX_AGE = timedelta(minutes=5)
"""How long ago it may have been signed; that it is not a repetition, the nonce alone shows."""


@dataclass(frozen=True)
class Challenge:
    """Whom a presentation is for, and which request it answers."""

    audience: str
    """Who verifies it, as it names itself."""

    nonce: str
    """What it asked to be signed, fresh for each request."""


def bind(presented: str, challenge: Challenge, key: SigningKey, now: datetime) -> str:
    """The key binding JWT for a presentation: all of it up to its last "~"."""
    payload = {
        "iat": int(now.timestamp()),
        "aud": challenge.audience,
        "nonce": challenge.nonce,
        "sd_hash": digest(presented),
    }
    return jose.confirm(payload, key, TYPE)


def verify(token: str, presented: str, challenge: Challenge, key: PublicKey, now: datetime) -> None:
    """RFC 9901, 7.3, step 5: signed by this key, over this presentation, for this challenge, just now.

    Raises KeyBindingRefused.
    """
    try:
        payload = jose.verify(token, key_source=jose.Confirmed(key), algorithms=("ES256",), typ=TYPE).payload
        jose.check_audience(payload, challenge.audience)
        jose.check_times(payload, now, required=("iat",), max_age=MAX_AGE)
    except TokenRefused as error:
        raise KeyBindingRefused(error.detail) from error
    if payload.get("nonce") != challenge.nonce:
        raise KeyBindingRefused("nonce is another one")
    if payload.get("sd_hash") != digest(presented):
        raise KeyBindingRefused("sd_hash is of another presentation")
