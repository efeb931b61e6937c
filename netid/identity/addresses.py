"""Addresses that requests may go to: https, or http on this machine."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _endpoint(url: str) -> str:
    if not url.isascii() or not url.isprintable() or any(c in url for c in " \\"):
        raise ValueError("must be printable ASCII without spaces or backslashes")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an absolute https URL")
    if parts.port == 0:  # what is no port at all raises a ValueError of its own
        raise ValueError("must have a port from 1 to 65535")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("uses http, which is for loopback addresses; use https")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise ValueError("must not carry user information or a fragment")
    return url


def _issuer(url: str) -> str:
    if "?" in url or url.endswith("/"):
        raise ValueError("must have no query and no slash at the end")
    return _endpoint(url)


Endpoint = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_endpoint)]
"""An endpoint's URL."""

Issuer = Annotated[str, StringConstraints(max_length=500), AfterValidator(_issuer)]
"""An issuer (OpenID Connect Discovery 1.0, 3): a URL without query, fragment or slash at the end."""
