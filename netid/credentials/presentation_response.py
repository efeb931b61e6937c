"""A wallet's answer, encrypted to the one request it answers (OpenID4VP 1.0, 8.1 and 8.3).

ECDH-ES on P-256 with A256GCM, a fresh key for each request: what is posted can be read by the verifier
that asked, once, and says nothing to whoever carries it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from netid.credentials import strict_json
from netid.credentials.jwk import PublicKey, SigningKey
from netid.errors import InvalidField, TokenRefused

ALGORITHM = "ECDH-ES"
ENCRYPTION = "A256GCM"
MAX_BYTES = 131_072
"""The longest answer that is looked at."""

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION])


@dataclass(frozen=True)
class EncryptionKey:
    """The public key of one request."""

    kid: str
    material: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    @classmethod
    def from_jwks(cls, keys: Sequence[object]) -> Self:
        """The first key of a JWK Set that answers can be encrypted to. Raises TokenRefused."""
        for jwk in keys:
            match jwk:
                case {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES", "kid": str(kid), "x": x, "y": y}:
                    try:
                        known = PublicKey.from_jwk({"kty": "EC", "crv": "P-256", "x": x, "y": y})
                    except InvalidField as error:
                        raise TokenRefused("a key to encrypt to is malformed") from error
                    assert isinstance(known.material, ec.EllipticCurvePublicKey)  # noqa: S101  (kty is EC)
                    return cls(kid, known.material)
        raise TokenRefused("there is no P-256 key for ECDH-ES")

    def jwk(self) -> dict[str, str]:
        """The public JWK."""
        members = PublicKey.of(self.material).required_members
        return {**members, "use": "enc", "alg": ALGORITHM, "kid": self.kid}


@dataclass(frozen=True)
class DecryptionKey:
    """The private half, kept with the request until it is answered."""

    private: SigningKey
    """A P-256 key that signs nothing."""

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> Self:
        """A fresh one."""
        return cls(SigningKey.generate("ES256", random))

    @property
    def public(self) -> EncryptionKey:
        """What goes into the request."""
        material = self.private.public.material
        assert isinstance(material, ec.EllipticCurvePublicKey)  # noqa: S101  (ES256 is P-256)
        return EncryptionKey(self.private.public.thumbprint, material)


def encrypt(answer: dict[str, object], key: EncryptionKey) -> str:
    """The `response` parameter: a compact JWE."""
    header = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": key.kid}
    recipient = ECKey.import_key(dict(PublicKey.of(key.material).required_members))
    return jwe.encrypt_compact(header, strict_json.dump(answer), recipient, registry=_REGISTRY)


def decrypt(response: str, key: DecryptionKey) -> dict[str, object]:
    """The answer. Raises TokenRefused for what was not encrypted to this key in this way."""
    if len(response) > MAX_BYTES or not response.isascii():
        raise TokenRefused("the answer is too long, or not ASCII")
    members = key.private.private_jwk()
    recipient = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y", "d")})
    try:
        opened = jwe.decrypt_compact(response, recipient, registry=_REGISTRY)
        return strict_json.parse_object(opened.plaintext or b"")
    except (JoseError, ValueError) as error:
        raise TokenRefused("the answer was not encrypted to this request's key") from error
