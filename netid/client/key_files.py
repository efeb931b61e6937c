"""The relying party's private keys, each a JWK in a file of its own."""

import os
import stat
from pathlib import Path

from netid.client.errors import ConfigurationRefused
from netid.credentials import strict_json
from netid.credentials.jwk import SigningKey
from netid.errors import InvalidField

_LARGEST_KEY_FILE = 10_000


def read_key(path: Path | str) -> SigningKey:
    """The ES256 key in this file, which nobody but its owner may read.

    Raises ConfigurationRefused with the file and what is wrong.
    """
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigurationRefused(f"{path}: others may read it; close it with `chmod 600 {path}`")
            data = file.read(_LARGEST_KEY_FILE)
        key = SigningKey.from_private_jwk(strict_json.parse_object(data))
    except OSError as error:
        raise ConfigurationRefused(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, InvalidField) as error:
        raise ConfigurationRefused(f"{path}: is not a private JWK (RFC 7517)") from error
    if key.public.algorithm != "ES256":
        raise ConfigurationRefused(f"{path}: is not an ES256 key; make a P-256 key")
    return key
