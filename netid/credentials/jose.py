"""The gate that everything signed passes: compact JWS (RFC 7515) straight on `cryptography`.

The caller says beforehand where the key comes from, which algorithms count and which type it
expects; the token decides none of that (RFC 8725, sections 3.1, 3.10 and 3.11). What comes out of
`verify` has passed every check; what it says, callers check with the functions below.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from netid.credentials import base64url, strict_json
from netid.credentials.jwk import Algorithm, PublicKey, PublicKeySet, SigningKey
from netid.errors import InvalidField, TokenRefused, UnknownKey

MAX_BYTES = 8192
"""The longest token that is looked at, unless the caller says otherwise."""

SKEW = timedelta(seconds=10)
"""How far two clocks may be apart (FAPI 2.0 Security Profile, 5.3.2.1)."""

_LAST_TIME = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that a datetime can hold."""

_ORDINARY_TYPE = "JWT"
"""What a token is that does not say (RFC 7519, 5.1)."""

_KEY_HEADERS = frozenset({"kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})


@dataclass(frozen=True)
class Pinned:
    """The key is one of these, named by the header's `kid`; unnamed if exactly one fits."""

    jwks: PublicKeySet


@dataclass(frozen=True)
class Proof:
    """The token brings its own public key in `jwk` and proves that the sender holds it.

    It says nothing about who that is: bind `VerifiedJws.key.thumbprint` to something (RFC 9449).
    """


@dataclass(frozen=True)
class Confirmed:
    """The key is the one that a verified credential names in `cnf` (RFC 7800)."""

    key: PublicKey


@dataclass(frozen=True)
class Chain:
    """The token brings its certificate in `x5c`, and that leads to a pinned root (RFC 7515, 4.1.6).

    `certificate_chain.chain_to` makes one.
    """

    leaf_key: Callable[[object], PublicKey]
    """The key of the certificate in this header member. Raises TokenRefused."""


KeySource = Pinned | Proof | Confirmed | Chain


@dataclass(frozen=True)
class VerifiedJws:
    """A token whose signature and form are right. Only `verify` makes one."""

    header: Mapping[str, object]
    payload: Mapping[str, object]
    key: PublicKey
    """The key that signed it."""


def sign(payload: Mapping[str, object], key: SigningKey, typ: str | None) -> str:
    """The compact JWS over this payload; its header has `alg`, and `kid` and `typ` where there are any.

    Raises TypeError or ValueError for what JSON cannot carry (NaN, net numbers, lone surrogates).
    """
    return _signed(_plain_header(key.public.algorithm, key.public.kid, typ), payload, key)


def sign_even(payload: Mapping[str, object], key: SigningKey, typ: str | None) -> str:
    """The same, as long with a yes in it as with a no."""
    header = _plain_header(key.public.algorithm, key.public.kid, typ)
    return _signed_text(header, base64url.encode(strict_json.dump_even(payload)), key)


def prove(payload: Mapping[str, object], key: SigningKey, typ: str) -> str:
    """The same with the public key itself in the header, for whoever does not know it yet (`Proof`)."""
    header = {"alg": key.public.algorithm, "typ": typ, "jwk": key.public.required_members}
    return _signed(_encoded(header), payload, key)


def confirm(payload: Mapping[str, object], key: SigningKey, typ: str) -> str:
    """The same without a word on the key: whoever checks it knows it beforehand (`Confirmed`)."""
    return _signed(_plain_header(key.public.algorithm, None, typ), payload, key)


def sign_with_chain(
    payload: Mapping[str, object], key: SigningKey, typ: str, certificates: Sequence[str]
) -> str:
    """The same with the key's certificate in the header, as RFC 7515, 4.1.6 writes it (`Chain`)."""
    header = {"alg": key.public.algorithm, "typ": typ, "x5c": list(certificates)}
    return _signed(_encoded(header), payload, key)


def _signed(header: str, payload: Mapping[str, object], key: SigningKey) -> str:
    return _signed_text(header, _encoded(payload), key)


def _signed_text(header: str, payload: str, key: SigningKey) -> str:
    signed = f"{header}.{payload}"
    return f"{signed}.{base64url.encode(key.sign(signed.encode()))}"


@lru_cache(maxsize=64)
def _plain_header(algorithm: Algorithm, kid: str | None, typ: str | None) -> str:
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    return _encoded({name: value for name, value in header.items() if value is not None})


def _encoded(segment: Mapping[str, object]) -> str:
    return base64url.encode(strict_json.dump(segment))


def verify(
    token: str,
    *,
    key_source: KeySource,
    algorithms: tuple[Algorithm, ...],
    typ: str | None,
    max_bytes: int = MAX_BYTES,
) -> VerifiedJws:
    """The header and payload of a compact JWS, once its signature and form are proven.

    `typ` is the type that its specification fixes; None stands for one that fixes none, where it
    may be absent or "JWT". Raises TokenRefused, whose detail is for the log.
    """
    header_text, payload_text, signature_text = _split(token, max_bytes)
    header = _header(header_text)
    algorithm = _check_header(header, algorithms, typ)
    key = _find_key(header_text, key_source, algorithm)
    signed = token[: -len(signature_text) - 1].encode()
    if not key.accepts(_bytes(signature_text), signed):
        raise TokenRefused("the signature is not right")
    return VerifiedJws(header, _object(payload_text), key)


def unverified_payload(token: str, max_bytes: int = MAX_BYTES) -> Mapping[str, object]:
    """What the token claims, before anything is proven: good only for finding whose key to try."""
    return _object(_split(token, max_bytes)[1])


def check_times(
    payload: Mapping[str, object],
    now: datetime,
    *,
    required: Collection[str] = ("exp",),
    skew: timedelta = SKEW,
    max_age: timedelta | None = None,
) -> None:
    """RFC 7519, 4.1.4 to 4.1.6: not expired, not before its time, not issued in the future.

    `required` names those of exp, nbf and iat that may not be missing; `max_age`, which counts from
    iat, makes that one required. Raises TokenRefused.
    """
    times = {name: _numeric_date(payload, name) for name in ("exp", "nbf", "iat") if name in payload}
    needed = {*required, "iat"} if max_age is not None else {*required}
    if missing := needed - times.keys():
        raise TokenRefused(f"{min(missing)} is missing")
    seconds, tolerance = now.timestamp(), skew.total_seconds()
    if "exp" in times and seconds >= times["exp"] + tolerance:
        raise TokenRefused("it has expired")
    if "nbf" in times and times["nbf"] > seconds + tolerance:
        raise TokenRefused("its time has not come")
    if "iat" in times and times["iat"] > seconds + tolerance:
        raise TokenRefused("it was issued in the future")
    if max_age is not None and seconds > times["iat"] + max_age.total_seconds() + tolerance:
        raise TokenRefused("it was issued too long ago")


def check_issuer(payload: Mapping[str, object], issuer: str) -> None:
    """RFC 7519, 4.1.1: `iss` is exactly this string. Raises TokenRefused."""
    if payload.get("iss") != issuer:
        raise TokenRefused("iss is another one")


def check_audience(payload: Mapping[str, object], audience: str) -> None:
    """RFC 7519, 4.1.3: `aud` is exactly this one string, not a list with it. Raises TokenRefused."""
    if payload.get("aud") != audience:
        raise TokenRefused("aud is another one")


def text_claim(payload: Mapping[str, object], name: str) -> str:
    """The claim as a string that is not empty. Raises TokenRefused."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRefused(f"{name} is missing or not a string")
    return value


def time_claim(payload: Mapping[str, object], name: str) -> datetime:
    """The moment that the claim names (UTC). Raises TokenRefused where it is missing or no time."""
    if name not in payload:
        raise TokenRefused(f"{name} is missing")
    return datetime.fromtimestamp(_numeric_date(payload, name), UTC)


def _split(token: str, max_bytes: int) -> tuple[str, str, str]:
    if len(token) > max_bytes:
        raise TokenRefused("it is too long")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise TokenRefused("it is not a compact JWS")
    return parts[0], parts[1], parts[2]


def _bytes(segment: str) -> bytes:
    try:
        return base64url.decode(segment)
    except ValueError as error:
        raise TokenRefused("a part is not canonical base64url") from error


def _object(segment: str) -> dict[str, object]:
    try:
        return strict_json.parse_object(_bytes(segment))
    except ValueError as error:
        raise TokenRefused("a part is not one strict JSON object") from error


# One sender's headers are nearly all alike, bytes for bytes. Reading each only once takes a third off
# what a verification costs beyond the signature, and a proof then costs no more than any other token.
@lru_cache(maxsize=256)
def _header(segment: str) -> Mapping[str, object]:
    return MappingProxyType(_object(segment))


@lru_cache(maxsize=256)
def _own_key(header_text: str) -> PublicKey:
    try:
        return PublicKey.from_jwk(_header(header_text)["jwk"])
    except InvalidField as error:
        raise TokenRefused("jwk is not a public key that counts here") from error


def _check_header(header: Mapping[str, object], algorithms: tuple[Algorithm, ...], typ: str | None) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenRefused("alg is not one of those that count here")
    # No extension is understood here (RFC 7515, 4.1.11), an unencoded payload (RFC 7797) least of all.
    if "crit" in header or "b64" in header:
        raise TokenRefused("crit or b64 is in the header")
    given = header.get("typ") if typ is not None else header.get("typ", _ORDINARY_TYPE)
    if not isinstance(given, str) or not _same_type(given, typ or _ORDINARY_TYPE):
        raise TokenRefused("typ is another one")
    return algorithm


def _same_type(given: str, expected: str) -> bool:
    """RFC 7515, 4.1.9: media types, in any case (RFC 2045, 5.1), `application/` understood before them."""
    return given == expected or (given.isascii() and _media_type(given) == _media_type(expected))


def _media_type(typ: str) -> str:
    return typ.lower() if "/" in typ else f"application/{typ.lower()}"


def _find_key(header_text: str, source: KeySource, algorithm: str) -> PublicKey:
    header = _header(header_text)
    named = _KEY_HEADERS & header.keys()
    match source:
        case Pinned(jwks) if named <= {"kid"}:
            return _only_fitting(jwks, header, algorithm)
        case Proof() if named == {"jwk"}:
            key = _own_key(header_text)
        case Confirmed(key) if not named:
            pass
        case Chain(leaf_key) if named == {"x5c"}:
            key = leaf_key(header["x5c"])
        case _:
            raise TokenRefused("the header names a key in a way that does not count here")
    if key.algorithm != algorithm:
        raise TokenRefused("the key is for another algorithm")
    return key


def _only_fitting(jwks: PublicKeySet, header: Mapping[str, object], algorithm: str) -> PublicKey:
    if "kid" not in header:
        fitting = jwks.fitting(algorithm, None)
    elif isinstance(kid := header["kid"], str):
        fitting = jwks.fitting(algorithm, kid)
    else:
        raise TokenRefused("kid is not a string")
    if not fitting:
        raise UnknownKey("no key of the set fits")
    if len(fitting) > 1:
        raise TokenRefused("more than one key of the set fits")
    return fitting[0]


def _numeric_date(payload: Mapping[str, object], name: str) -> float:
    value = payload[name]
    # bool is an int to Python, and `true` would be 1970.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LAST_TIME:
        raise TokenRefused(f"{name} is not a time")
    return value
