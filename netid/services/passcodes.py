"""Passcodes at rest: scrypt, with a pepper that no database holds."""

import hashlib
import hmac
from base64 import b64decode, b64encode

_COST = {"n": 2**14, "r": 8, "p": 1}
_SALT_BYTES = 16


def _derive(pepper: bytes, passcode: str, salt: bytes) -> bytes:
    peppered = hmac.digest(pepper, passcode.encode(), hashlib.sha256)
    return hashlib.scrypt(peppered, salt=salt, dklen=32, **_COST)


def hash_passcode(pepper: bytes, passcode: str, salt: bytes) -> str:
    """What is stored of a passcode. Eight digits can be tried out, so the pepper stays in the key files."""
    return f"scrypt${b64encode(salt).decode()}${b64encode(_derive(pepper, passcode, salt)).decode()}"


def passcode_matches(pepper: bytes, passcode: str, stored: str | None) -> bool:
    """Whether it is the passcode; the same work is done when there is nobody to compare with."""
    salt, expected = bytes(_SALT_BYTES), b""
    if stored is not None:
        _, salt_text, expected_text = stored.split("$")
        salt, expected = b64decode(salt_text), b64decode(expected_text)
    return hmac.compare_digest(_derive(pepper, passcode, salt), expected)
