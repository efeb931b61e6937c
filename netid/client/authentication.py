"""How a relying party proves itself to the provider (OpenID Connect Core, 9)."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import quote_plus

from netid.ambient import Ambient
from netid.client.key_files import read_key
from netid.credentials import base64url, jose
from netid.credentials.jwk import SigningKey

ASSERTION_LIFETIME = timedelta(seconds=60)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Credentials:
    """What a request carries so that the provider knows who sends it."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    form: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PrivateKeyJwt:
    """A signed assertion in each request; the key itself never leaves this process (RFC 7523, 3)."""

    method: ClassVar[str] = "private_key_jwt"
    key: SigningKey

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """The ES256 key in this file, a private JWK that nobody but its owner may read.

        Raises ConfigurationRefused with the file and what is wrong.
        """
        return cls(read_key(path))

    def credentials(self, client_id: str, issuer: str, ambient: Ambient) -> Credentials:
        """An assertion for this issuer alone, good once and for a minute."""
        now = int(ambient.now().timestamp())
        claims = {
            "iss": client_id,
            "sub": client_id,
            # The issuer and nothing else: an endpoint's address could be another provider's.
            "aud": issuer,
            "jti": base64url.encode(ambient.random(16)),
            "iat": now,
            "exp": now + int(ASSERTION_LIFETIME.total_seconds()),
        }
        assertion = jose.sign(claims, self.key, "JWT")
        return Credentials(
            form={
                "client_id": client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        )


@dataclass(frozen=True)
class ClientSecretBasic:
    """A shared secret in the Authorization header (RFC 6749, 2.3.1)."""

    method: ClassVar[str] = "client_secret_basic"
    secret: str = field(repr=False)

    def credentials(self, client_id: str, issuer: str, ambient: Ambient) -> Credentials:
        """The header; both parts are form-encoded first, as the RFC asks."""
        pair = f"{quote_plus(client_id)}:{quote_plus(self.secret)}".encode("ascii")
        return Credentials(headers={"Authorization": f"Basic {b64encode(pair).decode('ascii')}"})


Authentication = PrivateKeyJwt | ClientSecretBasic
