"""Keys: what is accepted as one, what it shows of itself, and how sets are read."""

import json
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, KeySet, RSAKey

from netid.credentials import base64url
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.errors import InvalidField

EC = SigningKey.generate("ES256", Random(1).randbytes)
RSA = SigningKey.generate("RS256", Random(1).randbytes)
BOTH = pytest.mark.parametrize("key", [EC, RSA], ids=["ES256", "RS256"])

# RFC 7638, section 3.1.
RFC7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
    "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgn"
    "Yb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4"
    "4-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC7638_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

P384 = {
    "kty": "EC",
    "crv": "P-384",
    "x": base64url.encode(bytes(48)),
    "y": base64url.encode(bytes(48)),
}


def integer(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8))


def refusal(jwk: object) -> InvalidField:
    with pytest.raises(InvalidField) as refused:
        PublicKey.from_jwk(jwk)
    return refused.value


# Thumbprints and forms


def test_the_thumbprint_of_rfc_7638() -> None:
    key = PublicKey.from_jwk(RFC7638_KEY)

    assert key.thumbprint == RFC7638_THUMBPRINT
    assert key.kid == "2011-04-29"
    assert key.algorithm == "RS256"


@BOTH
def test_joserfc_has_the_same_thumbprint_and_the_same_key(key: SigningKey) -> None:
    oracle = (ECKey if key is EC else RSAKey).import_key({**key.private_jwk()})

    assert oracle.thumbprint() == key.public.thumbprint
    assert oracle.as_dict(private=False) == key.public.jwk()
    assert oracle.as_dict(private=True) == key.private_jwk()


@BOTH
def test_a_new_key_is_named_by_its_thumbprint(key: SigningKey) -> None:
    assert key.public.kid == key.public.thumbprint


@BOTH
def test_a_public_jwk_has_no_private_member(key: SigningKey) -> None:
    assert key.public.jwk().keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} == set()


def test_a_coordinate_keeps_its_leading_zeros() -> None:
    keys = (SigningKey.generate("ES256", Random(seed).randbytes).public for seed in range(1000))
    short = next(key for key in keys if base64url.decode(key.jwk()["x"])[0] == 0)

    assert len(short.jwk()["x"]) == 43
    assert PublicKey.from_jwk(short.jwk()) == short


def test_a_p256_key_comes_from_the_randomness_it_was_given() -> None:
    assert SigningKey.generate("ES256", Random(1).randbytes).public == EC.public
    assert SigningKey.generate("ES256", Random(2).randbytes).public != EC.public


@pytest.mark.parametrize("byte", [0, 255])
def test_extreme_randomness_still_makes_a_key(byte: int) -> None:
    key = SigningKey.generate("ES256", lambda size: bytes([byte]) * size)

    assert key.public.accepts(key.sign(b"message"), b"message")


@BOTH
def test_nothing_private_is_shown(key: SigningKey) -> None:
    shown = repr(key) + str(key) + repr(vars(key))

    for name in key.private_jwk().keys() - key.public.jwk().keys():
        assert key.private_jwk()[name] not in shown
    with pytest.raises(TypeError):
        json.dumps(key)


# What is no public key


@BOTH
def test_every_private_member_is_refused_where_a_public_key_is_asked_for(key: SigningKey) -> None:
    for name in key.private_jwk().keys() - key.public.jwk().keys():
        refused = refusal(key.public.jwk() | {name: key.private_jwk()[name]})
        assert refused.rule == "gives away a private key"
        assert key.private_jwk()[name] not in str(refused)


@pytest.mark.parametrize("value", [None, "text", 1, [], ["kty"]])
def test_what_is_no_object_is_no_key(value: object) -> None:
    assert refusal(value).rule == "is not a JSON object"


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "ec"},
        {"kty": None},
        {"kty": ["EC"]},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"crv": None},
        {"use": "enc"},
        {"use": 1},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": "ECDH-ES"},
        {"key_ops": ["deriveKey"]},
        {"key_ops": []},
        {"key_ops": "verify"},
    ],
)
def test_another_kind_or_use_is_refused(change: dict[str, object]) -> None:
    assert refusal(EC.public.jwk() | change).rule == "is no key for ES256 or RS256 signatures"


def test_members_that_say_nothing_new_pass() -> None:
    jwk = EC.public.jwk() | {"key_ops": ["verify"], "x5t": "abc", "use": "sig", "nickname": "mine"}

    assert PublicKey.from_jwk(jwk) == EC.public
    assert PublicKey.from_jwk({name: EC.public.jwk()[name] for name in ("kty", "crv", "x", "y")}).kid is None


@pytest.mark.parametrize("kid", [None, 1, ["a"]])
def test_a_name_is_a_string_or_absent(kid: object) -> None:
    if kid is None:
        assert PublicKey.from_jwk(EC.public.jwk() | {"kid": None}).kid is None
    else:
        assert refusal(EC.public.jwk() | {"kid": kid}).field == "jwk.kid"


X = base64url.decode(EC.public.jwk()["x"])


@pytest.mark.parametrize(
    "x",
    [
        None,
        1,
        "",
        "!",
        base64url.encode(X[1:]),
        base64url.encode(b"\0" + X),
        base64url.encode(X) + "=",
        base64url.encode(X) + "\n",
        base64url.encode(X)[:-1] + "\u00e9",
    ],
)
def test_a_coordinate_is_32_bytes_of_base64url(x: object) -> None:
    assert refusal(EC.public.jwk() | {"x": x}).field == "jwk.x"


@pytest.mark.parametrize(
    "x", [bytes(32), b"\xff" * 32, X[:-1] + bytes([X[-1] ^ 1])], ids=["0", "2^256-1", "near"]
)
def test_a_point_lies_on_the_curve(x: bytes) -> None:
    assert refusal(EC.public.jwk() | {"x": base64url.encode(x)}).rule == "is not a point of P-256"


N = int.from_bytes(base64url.decode(RSA.public.jwk()["n"]))


@pytest.mark.parametrize(
    "modulus",
    [
        "",
        None,
        integer(N >> 1 | 1),
        integer(N - 1),
        integer(2**8200 + 1),
        base64url.encode(b"\0" + N.to_bytes(256)),
    ],
    ids=["empty", "none", "2047 bits", "even", "8201 bits", "a leading zero"],
)
def test_an_rsa_modulus_has_2048_bits_or_more(modulus: object) -> None:
    assert refusal(RSA.public.jwk() | {"n": modulus}).field == "jwk.n"


@pytest.mark.parametrize("exponent", ["", "AQ", "Ag", "BA", integer(65536), integer(2**32 + 1), "AAEAAQ"])
def test_an_rsa_exponent_is_odd_and_from_3_up(exponent: str) -> None:
    assert refusal(RSA.public.jwk() | {"e": exponent}).field == "jwk.e"
    assert PublicKey.from_jwk(RSA.public.jwk() | {"e": "Aw"}).algorithm == "RS256"


# Sets


def test_a_set_is_read_and_written() -> None:
    keys = PublicKeySet((EC.public, RSA.public))

    assert PublicKeySet.from_jwks(json.loads(json.dumps(keys.jwks()))) == keys
    assert len(KeySet.import_key_set(json.loads(json.dumps(keys.jwks()))).keys) == 2


def test_keys_of_other_kinds_and_uses_are_passed_over() -> None:
    """RFC 7517, section 5."""
    others = [
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        P384,
        EC.public.jwk() | {"use": "enc"},
        {"kty": "new"},
    ]

    assert PublicKeySet.from_jwks({"keys": [*others, EC.public.jwk()]}).keys == (EC.public,)
    with pytest.raises(InvalidField, match=r"jwks\.keys: has no"):
        PublicKeySet.from_jwks({"keys": others})


@pytest.mark.parametrize(
    "leaked", [EC.private_jwk(), RSA.private_jwk(), {"kty": "oct", "k": "c2VjcmV0"}, P384 | {"d": "AA"}]
)
def test_a_set_that_gives_away_a_private_key_is_refused(leaked: dict[str, str]) -> None:
    with pytest.raises(InvalidField) as refused:
        PublicKeySet.from_jwks({"keys": [EC.public.jwk(), leaked]})

    assert (refused.value.field, refused.value.rule) == ("jwks.keys[1]", "gives away a private key")


def test_a_malformed_key_in_a_set_is_named() -> None:
    with pytest.raises(InvalidField) as refused:
        PublicKeySet.from_jwks({"keys": [EC.public.jwk(), EC.public.jwk() | {"x": "AA"}]}, "forum.jwks")

    assert refused.value.field == "forum.jwks.keys[1].x"


@pytest.mark.parametrize("value", [None, [], {}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": ["x"]}])
def test_what_is_no_set_is_refused(value: object) -> None:
    with pytest.raises(InvalidField):
        PublicKeySet.from_jwks(value)


# Private keys


@BOTH
def test_a_private_jwk_is_read_back(key: SigningKey) -> None:
    read = SigningKey.from_private_jwk(json.loads(json.dumps(key.private_jwk())))

    assert read.public == key.public
    assert key.public.accepts(read.sign(b"message"), b"message")


@BOTH
def test_no_private_jwk_with_a_part_missing_or_changed_is_read(key: SigningKey) -> None:
    whole = key.private_jwk()
    other = SigningKey.generate(key.public.algorithm, Random(9).randbytes).private_jwk()
    for name in whole.keys() - {"kid", "use", "alg"}:
        changes: list[dict[str, object]] = [{name: None}, {name: ""}, {name: 5}]
        changes += [{name: other[name]}] if other[name] != whole[name] else []
        for change in changes:
            with pytest.raises(InvalidField) as refused:
                SigningKey.from_private_jwk(whole | change)
            assert other[name] not in str(refused.value) or len(other[name]) < 6


def test_a_public_key_signs_nothing() -> None:
    with pytest.raises(InvalidField):
        SigningKey.from_private_jwk(EC.public.jwk())
    with pytest.raises(InvalidField):
        SigningKey.from_private_jwk(None)


def test_a_foreign_private_key_keeps_its_own_name() -> None:
    assert SigningKey.from_private_jwk(EC.private_jwk() | {"kid": "mine"}).public.kid == "mine"


@pytest.mark.parametrize("scalar", [bytes(32), b"\xff" * 32])
def test_a_scalar_lies_within_the_order(scalar: bytes) -> None:
    with pytest.raises(InvalidField):
        SigningKey.from_private_jwk(EC.private_jwk() | {"d": base64url.encode(scalar)})


def test_the_curve_is_p256() -> None:
    assert isinstance(EC.private, ec.EllipticCurvePrivateKey)
    assert isinstance(EC.private.curve, ec.SECP256R1)
