"""base64url as JOSE uses it (RFC 7515, section 2): no padding, and one spelling per value."""

from binascii import a2b_base64, b2a_base64

# Straight on binascii: every signed thing passes here three times, and `base64` costs twice as much.
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
"""What stands in ordinary base64 alone becomes a letter of neither."""
_PADDING = (b"", b"===", b"==", b"=")


def encode(data: bytes) -> str:
    """The base64url text of these bytes, without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of canonical base64url text.

    Raises ValueError for padding, whitespace, foreign letters or stray bits: Python's own decoder
    skips those, so that one signature could be spelt in many ways.
    """
    rest = len(text) % 4
    data = a2b_base64(text.encode().translate(_FROM_URL) + _PADDING[rest], strict_mode=True)
    # Only the last letter of a group that is not full has bits that say nothing.
    if rest and encode(data[1 - rest :]) != text[-rest:]:
        raise ValueError("not canonical base64url")
    return data
