"""A wallet's answer, encrypted to the one request it answers (OpenID4VP 1.0, 8.1 and 8.3).

ECDH-ES on P-256, a fresh key for each request: what is posted can be read by the verifier that asked,
once, and says nothing to whoever carries it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from netid.credentials import base64url, strict_json
from netid.credentials.jwk import PublicKey, SigningKey
from netid.errors import InvalidField, TokenRefused

ALGORITHM = "ECDH-ES"
Encryption = Literal["A256GCM", "A128GCM"]
ENCRYPTIONS: tuple[Encryption, ...] = ("A256GCM", "A128GCM")
"""What answers are encrypted with, the better one first."""
GRANTED: Encryption = "A128GCM"
"""What is used where a request names none (8.3)."""
MAX_BYTES = 131_072
"""The longest answer that is looked at."""

_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, *ENCRYPTIONS])


@dataclass(frozen=True)
class EncryptionKey:
    """The public key of one request."""

    kid: str
    material: ec.EllipticCurvePublicKey = field(repr=False, compare=False)
    encryption: Encryption = ENCRYPTIONS[0]
    """What is used with it."""

    @classmethod
    def from_jwks(cls, keys: Sequence[object], encryption: Encryption) -> Self:
        """The first key of a JWK Set that answers can be encrypted to. Raises TokenRefused."""
        for jwk in keys:
            match jwk:
                case {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES", "kid": str(kid), "x": x, "y": y}:
                    try:
                        known = PublicKey.from_jwk({"kty": "EC", "crv": "P-256", "x": x, "y": y})
                    except InvalidField as error:
                        raise TokenRefused("a key to encrypt to is malformed") from error
                    assert isinstance(known.material, ec.EllipticCurvePublicKey)  # noqa: S101  (kty is EC)
                    return cls(kid, known.material, encryption)
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


@dataclass(frozen=True)
class Shown:
    """The person showed their credential."""

    query_id: str
    """Which query of the request it answers."""
    presentation: str = field(repr=False)
    state: str | None = field(repr=False)


@dataclass(frozen=True)
class Declined:
    """The wallet or its owner did not; nothing was shown."""

    error: str
    """`access_denied` where the person said no or has no such credential; others in 8.5."""
    state: str | None = field(repr=False)


def write(answer: Shown | Declined, key: EncryptionKey | None) -> dict[str, str]:
    """The form that a wallet posts: encrypted (`direct_post.jwt`), without a key as it is (`direct_post`)."""
    members: dict[str, object] = {"state": answer.state} if answer.state is not None else {}
    if isinstance(answer, Declined):
        members["error"] = answer.error
    else:
        members["vp_token"] = {answer.query_id: [answer.presentation]}
    if key is not None:
        return {"response": encrypt(members, key)}
    # 8.2: what is no text goes into the form as JSON.
    return {name: one if isinstance(one, str) else _json(one) for name, one in members.items()}


def read(form: Mapping[str, str], key: DecryptionKey | None) -> Shown | Declined:
    """What a wallet posted, where `key` is None if the request asked for no encryption (8.2, 8.3.1).

    Nothing of it is verified yet. Raises TokenRefused.
    """
    if key is not None and "response" in form:
        return _answer(decrypt(form["response"], key))
    members: dict[str, object] = {**form}
    # A wallet that cannot encrypt may say so in the clear; what it shows never comes that way (8.3.1).
    if key is not None and "error" not in form:
        raise TokenRefused("the answer is not encrypted")
    if "vp_token" in form:
        try:
            members["vp_token"] = strict_json.parse_object(form["vp_token"][:MAX_BYTES].encode())
        except ValueError as error:
            raise TokenRefused("vp_token is not one strict JSON object") from error
    return _answer(members)


def _json(value: object) -> str:
    return strict_json.dump(value).decode()


def _answer(members: Mapping[str, object]) -> Shown | Declined:
    """8.1: `vp_token` is an object of lists, by query; with one query, of one presentation."""
    state = members.get("state")
    if state is not None and not isinstance(state, str):
        raise TokenRefused("state is not a string")
    match members:
        case {"error": str(error)} if "vp_token" not in members:
            return Declined(error, state)
        case {"vp_token": {**answered}} if "error" not in members and len(answered) == 1:
            match next(iter(answered.items())):
                case str(query_id), [str(presentation)]:
                    return Shown(query_id, presentation, state)
    raise TokenRefused("it is neither one presentation nor an error")


def encrypt(answer: dict[str, object], key: EncryptionKey) -> str:
    """The `response` parameter: a compact JWE."""
    header = {"alg": ALGORITHM, "enc": key.encryption, "kid": key.kid}
    recipient = ECKey.import_key(dict(PublicKey.of(key.material).required_members))
    return jwe.encrypt_compact(header, strict_json.dump(answer), recipient, registry=_REGISTRY)


def _check_header(response: str) -> None:
    """Read strictly, before the library reads it, which trips over names that are no strings or no curves."""
    try:
        header = strict_json.parse_object(base64url.decode(response.partition(".")[0]))
    except ValueError as error:
        raise TokenRefused("the answer's header is not one strict JSON object") from error
    if header.get("alg") != ALGORITHM or not isinstance(header.get("enc"), str):
        raise TokenRefused("the answer is encrypted in another way")
    # No extension is understood here (RFC 7516, 4.1.13), and what is packed may be a bomb.
    if {"crit", "zip"} & header.keys():
        raise TokenRefused("crit or zip is in the answer's header")
    match header.get("epk"):
        case {"kty": "EC", "crv": "P-256"}:
            return
    raise TokenRefused("the sender's key is not on P-256")


def decrypt(response: str, key: DecryptionKey) -> dict[str, object]:
    """The answer. Raises TokenRefused for what was not encrypted to this key in this way."""
    if len(response) > MAX_BYTES or not response.isascii():
        raise TokenRefused("the answer is too long, or not ASCII")
    _check_header(response)
    members = key.private.private_jwk()
    recipient = ECKey.import_key({name: members[name] for name in ("kty", "crv", "x", "y", "d")})
    try:
        opened = jwe.decrypt_compact(response, recipient, registry=_REGISTRY)
        return strict_json.parse_object(opened.plaintext or b"")
    except (JoseError, ValueError) as error:
        raise TokenRefused("the answer was not encrypted to this request's key") from error
