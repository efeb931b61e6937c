"""The key that a relying party's access tokens are bound to (RFC 9449)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from netid.client.key_files import read_key
from netid.credentials.jwk import SigningKey


@dataclass(frozen=True)
class DPoPKey:
    """The key that this relying party's access tokens are bound to; its workers share it."""

    key: SigningKey

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """The ES256 key in this file. Raises ConfigurationRefused with the file and what is wrong."""
        return cls(read_key(path))

    @property
    def thumbprint(self) -> str:
        """What a token says of the key it is bound to (RFC 7638)."""
        return self.key.public.thumbprint
