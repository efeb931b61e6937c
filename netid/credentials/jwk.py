"""Keys: public keys and sets of them, and the keys that sign (RFC 7517, RFC 7518 section 6).

Two kinds exist, and a key has exactly one algorithm: P-256 is ES256, RSA is RS256.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from netid.credentials import base64url, strict_json
from netid.errors import InvalidField

Algorithm = Literal["ES256", "RS256"]
"""The signature algorithms there are (RFC 7518, section 3.1); nothing else verifies anything."""

_P256 = ec.SECP256R1()
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(SHA256())
_PKCS1 = PKCS1v15()
_SHA256 = SHA256()
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_REQUIRED: Mapping[Algorithm, tuple[str, ...]] = {
    "ES256": ("crv", "kty", "x", "y"),
    "RS256": ("e", "kty", "n"),
}
"""What makes a key of each kind, in the order in which it is hashed (RFC 7638, 3.2)."""
_RSA_MEMBERS = ("d", "p", "q", "dp", "dq", "qi")


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies signatures of one algorithm."""

    algorithm: Algorithm
    """The only algorithm this key is used with."""

    kid: str | None
    """The name its owner gave it, if any."""

    thumbprint: str
    """The RFC 7638 SHA-256 thumbprint, as base64url: the same for the same key everywhere."""

    material: ec.EllipticCurvePublicKey | rsa.RSAPublicKey = field(repr=False, compare=False)

    _members: Mapping[str, str] = field(repr=False, compare=False)

    @classmethod
    def from_jwk(cls, value: object, path: str = "jwk") -> Self:
        """The key that a public JWK describes.

        Raises InvalidField, with `path` as the path, for private members, another kind of key,
        a use other than signatures, a point off the curve, an RSA key under 2048 bits.
        """
        jwk = _public_members(value, path)
        algorithm = _algorithm_of(jwk)
        if algorithm is None:
            raise InvalidField(path, "is no key for ES256 or RS256 signatures", "give a P-256 or an RSA key")
        material = _ec_public(jwk, path) if algorithm == "ES256" else _rsa_public(jwk, path)
        # Each has one spelling by now, so that they need not be worked out of the key again.
        members = {name: str(jwk[name]) for name in _REQUIRED[algorithm]}
        return cls(algorithm, _kid(jwk, path), _thumbprint(members), material, members)

    @classmethod
    def of(cls, material: ec.EllipticCurvePublicKey) -> Self:
        """A key from elsewhere, such as a certificate's. Raises InvalidField for another curve than P-256."""
        if not isinstance(material.curve, ec.SECP256R1):
            raise InvalidField("key", "is not on P-256", "make a P-256 key")
        members = _required_members(material)
        return cls("ES256", None, _thumbprint(members), material, members)

    def jwk(self) -> dict[str, str]:
        """The public JWK: `kty` and its members, `use`, `alg`, and `kid` where there is one."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {**self._members, "use": "sig", "alg": self.algorithm, **named}

    @property
    def required_members(self) -> dict[str, str]:
        """The members that make the key what it is, and no others (RFC 7638, 3.2)."""
        return dict(self._members)

    def accepts(self, signature: bytes, message: bytes) -> bool:
        """Whether this is a signature over the message, in the form of RFC 7518, sections 3.3 and 3.4."""
        try:
            if isinstance(self.material, rsa.RSAPublicKey):
                _check_rsa(self.material, signature, message)
            else:
                _check_ecdsa(self.material, signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class PublicKeySet:
    """Public keys of one owner (RFC 7517, section 5)."""

    keys: tuple[PublicKey, ...]

    @classmethod
    def from_jwks(cls, value: object, path: str = "jwks") -> Self:
        """The keys of a JWK Set that can verify ES256 or RS256.

        Keys of other kinds and uses are passed over, as section 5 asks. Raises InvalidField where
        none is left, and for a set that gives away a private key or holds a malformed one.
        """
        listed = value.get("keys") if isinstance(value, Mapping) else None
        if not isinstance(listed, list):
            raise InvalidField(f"{path}.keys", "is not a list of keys", "give a JWK Set (RFC 7517)")
        jwks = {f"{path}.keys[{at}]": jwk for at, jwk in enumerate(listed)}
        keys = tuple(
            PublicKey.from_jwk(jwk, at)
            for at, jwk in jwks.items()
            if _algorithm_of(_public_members(jwk, at)) is not None
        )
        if not keys:
            raise InvalidField(f"{path}.keys", "has no ES256 or RS256 signing key", "add a P-256 or RSA key")
        return cls(keys)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set, public members only."""
        return {"keys": [key.jwk() for key in self.keys]}

    def fitting(self, algorithm: str, kid: str | None) -> list[PublicKey]:
        """The keys of this algorithm, of this name where one is given."""
        return [key for key in self.keys if key.algorithm == algorithm and (kid is None or key.kid == kid)]


@dataclass(frozen=True)
class SigningKey:
    """A key that signs. It shows its public half only."""

    public: PublicKey
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, algorithm: Algorithm, random: Callable[[int], bytes]) -> Self:
        """A new key, named by its thumbprint, so that no name is ever used twice.

        P-256 keys come from `random`; the search for RSA primes is left to OpenSSL and its own
        random source.
        """
        if algorithm == "RS256":
            return cls._named_by_thumbprint(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        # FIPS 186-5, A.2.1: 64 bits more than needed make the remainder evenly spread.
        scalar = int.from_bytes(random(40)) % (_P256_ORDER - 1) + 1
        return cls._named_by_thumbprint(ec.derive_private_key(scalar, _P256))

    @classmethod
    def from_private_jwk(cls, value: object, path: str = "jwk") -> Self:
        """The key that a private JWK describes; raises InvalidField, which repeats no value of it."""
        jwk = value if isinstance(value, Mapping) else {}
        public = PublicKey.from_jwk({name: jwk[name] for name in jwk if name not in _PRIVATE_MEMBERS}, path)
        try:
            private = _private_material(public, jwk, path)
        except ValueError as error:
            raise InvalidField(path, "its parts do not belong together", "restore the key") from error
        return cls(public, private)

    @classmethod
    def _named_by_thumbprint(cls, private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Self:
        algorithm: Algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
        members = _required_members(private.public_key())
        thumbprint = _thumbprint(members)
        return cls(PublicKey(algorithm, thumbprint, thumbprint, private.public_key(), members), private)

    def private_jwk(self) -> dict[str, str]:
        """The JWK with its private members: for what keeps keys, and nothing else."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.private_numbers()
            values = (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
            return self.public.jwk() | dict(zip(_RSA_MEMBERS, map(_from_integer, values), strict=True))
        return self.public.jwk() | {"d": _coordinate(self.private.private_numbers().private_value)}

    def sign(self, message: bytes) -> bytes:
        """The signature in the form of RFC 7518: r and s of 32 bytes each, or as long as the modulus."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, _PKCS1, _SHA256)
        r, s = decode_dss_signature(self.private.sign(message, _ECDSA))
        return r.to_bytes(32) + s.to_bytes(32)


def _check_ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    if len(signature) != 64:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    # High s is as good as low s (RFC 7518, 3.4 asks for neither): half of all signatures have it.
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        raise InvalidSignature
    key.verify(encode_dss_signature(r, s), message, _ECDSA)


def _check_rsa(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
    if len(signature) != (key.key_size + 7) // 8:
        raise InvalidSignature
    key.verify(signature, message, _PKCS1, _SHA256)


def _public_members(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidField(path, "is not a JSON object", "give a JWK (RFC 7517)")
    if not _PRIVATE_MEMBERS.isdisjoint(value):
        raise InvalidField(path, "gives away a private key", "replace that key, and give public keys only")
    return value


def _algorithm_of(jwk: Mapping[str, object]) -> Algorithm | None:
    """What the key can verify, or None where it is of another kind or for another use."""
    kind = (jwk.get("kty"), jwk.get("crv"))
    algorithm: Algorithm
    if kind == ("EC", "P-256"):
        algorithm = "ES256"
    elif kind == ("RSA", None):
        algorithm = "RS256"
    else:
        return None
    operations = jwk.get("key_ops", ["verify"])
    for_signatures = isinstance(operations, list) and ("verify" in operations or "sign" in operations)
    if not for_signatures or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    return algorithm


def _kid(jwk: Mapping[str, object], path: str) -> str | None:
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise InvalidField(f"{path}.kid", "is not a string", "give the key's name, or leave it out")
    return kid


def _ec_public(jwk: Mapping[str, object], path: str) -> ec.EllipticCurvePublicKey:
    x, y = (_integer(jwk, name, path, octets=32) for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, _P256).public_key()
    except ValueError as error:
        raise InvalidField(path, "is not a point of P-256", "give the key as it was made") from error


def _rsa_public(jwk: Mapping[str, object], path: str) -> rsa.RSAPublicKey:
    modulus, exponent = (_integer(jwk, name, path) for name in ("n", "e"))
    # RFC 7518, 3.3 sets the lower bound; the upper ones keep one verification cheap.
    if not 2048 <= modulus.bit_length() <= 8192 or modulus % 2 == 0:
        raise InvalidField(f"{path}.n", "is no modulus of 2048 to 8192 bits", "make a key of 2048 bits")
    if not 3 <= exponent < 2**32 or exponent % 2 == 0:
        raise InvalidField(f"{path}.e", "is no odd exponent from 3 up", "make a key with e = 65537")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _private_material(
    public: PublicKey, jwk: Mapping[str, object], path: str
) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if isinstance(public.material, rsa.RSAPublicKey):
        d, p, q, dp, dq, qi = (_integer(jwk, name, path) for name in _RSA_MEMBERS)
        return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public.material.public_numbers()).private_key()
    scalar = _integer(jwk, "d", path, octets=32)
    return ec.EllipticCurvePrivateNumbers(scalar, public.material.public_numbers()).private_key()


def _integer(jwk: Mapping[str, object], name: str, path: str, octets: int | None = None) -> int:
    """RFC 7518, 6.2.1.2 (a coordinate has the curve's full length) and section 2 (else none too many)."""
    text = jwk.get(name)
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if not data or (len(data) != octets if octets else data[0] == 0):
        raise InvalidField(
            f"{path}.{name}", "is not base64url of the right length", "see RFC 7518, section 6"
        )
    return int.from_bytes(data)


def _required_members(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> dict[str, str]:
    """The members that make up the key, in the order of `_REQUIRED`."""
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"e": _from_integer(rsa_numbers.e), "kty": "RSA", "n": _from_integer(rsa_numbers.n)}
    numbers = key.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}


def _thumbprint(members: Mapping[str, str]) -> str:
    return base64url.encode(sha256(strict_json.dump(members)).digest())


def _coordinate(value: int) -> str:
    return base64url.encode(value.to_bytes(32))


def _from_integer(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8))
