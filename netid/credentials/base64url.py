"""base64url as JOSE uses it (RFC 7515, section 2): no padding, and one spelling per value."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """The base64url text of these bytes, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of canonical base64url text.

    Raises ValueError for padding, whitespace, foreign letters or stray bits: Python's own decoder
    skips those, so that one signature could be spelt in many ways.
    """
    data = urlsafe_b64decode(text.encode("ascii") + b"==")
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
