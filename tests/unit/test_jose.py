"""The gate: what passes, and everything that does not."""

import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from netid.credentials import base64url, jose, strict_json
from netid.credentials.jose import Chain, Confirmed, Pinned, Proof
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.errors import TokenRefused

KEY = SigningKey.generate("ES256", Random(1).randbytes)
OTHER = SigningKey.generate("ES256", Random(2).randbytes)
RSA = SigningKey.generate("RS256", Random(3).randbytes)
PINNED = Pinned(PublicKeySet((KEY.public, RSA.public)))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 7515, appendices A.2 and A.3: one payload, signed by RSA and by P-256. Both have line breaks.
RFC7515_PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
RFC7515_A2_KEY = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Q"
    "lL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA"
    "9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAc"
    "o9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "e": "AQAB",
}
RFC7515_A2 = (
    f"eyJhbGciOiJSUzI1NiJ9.{RFC7515_PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZm"
    "h7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h"
    "6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phC"
    "nvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
RFC7515_A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC7515_A3 = (
    f"eyJhbGciOiJFUzI1NiJ9.{RFC7515_PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISl"
    "SApmWQxfKTUJqPP3-Kg6NU1Q"
)

# RFC 9449, section 4.1: a DPoP proof; the thumbprint of its key is in section 6.1.
RFC9449_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOX"
    "pDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNy"
    "diI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4Y"
    "W1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiO"
    "SsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC9449_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def forged(header: object, payload: object, key: SigningKey = KEY) -> str:
    """A token with a right signature over whatever is wanted; strings and bytes are taken as they are."""
    parts = [part if isinstance(part, str | bytes) else json.dumps(part) for part in (header, payload)]
    encoded = [base64url.encode(part.encode() if isinstance(part, str) else part) for part in parts]
    signed = ".".join(encoded)
    return f"{signed}.{base64url.encode(key.sign(signed.encode()))}"


def verify(token: str, key_source: jose.KeySource = PINNED, typ: str | None = None) -> jose.VerifiedJws:
    return jose.verify(token, key_source=key_source, algorithms=("ES256", "RS256"), typ=typ)


def refusal(token: str, key_source: jose.KeySource = PINNED, typ: str | None = None) -> str:
    with pytest.raises(TokenRefused) as refused:
        verify(token, key_source, typ)
    return refused.value.detail


HEADER = {"alg": "ES256", "kid": KEY.public.kid}
PAYLOAD = {"iss": "https://netid.example", "exp": AT + 60}


# What passes


@pytest.mark.parametrize("key", [KEY, RSA], ids=["ES256", "RS256"])
def test_what_is_signed_verifies(key: SigningKey) -> None:
    token = jose.sign(PAYLOAD, key, "JWT")

    verified = verify(token)

    assert verified.payload == PAYLOAD
    assert verified.header == {"alg": key.public.algorithm, "kid": key.public.kid, "typ": "JWT"}
    assert verified.key == key.public


def test_a_header_without_type_has_no_member_for_it() -> None:
    assert verify(jose.sign(PAYLOAD, KEY, None)).header == HEADER


@pytest.mark.parametrize("key", [KEY, RSA], ids=["ES256", "RS256"])
def test_a_proof_brings_its_key(key: SigningKey) -> None:
    verified = verify(jose.prove(PAYLOAD, key, "dpop+jwt"), Proof(), "dpop+jwt")

    members = key.public.required_members
    assert verified.header == {"alg": key.public.algorithm, "typ": "dpop+jwt", "jwk": members}
    assert (verified.payload, verified.key) == (PAYLOAD, replace(key.public, kid=None))


@pytest.mark.parametrize("key", [KEY, RSA], ids=["ES256", "RS256"])
def test_a_confirmed_key_is_not_named(key: SigningKey) -> None:
    verified = verify(jose.confirm(PAYLOAD, key, "kb+jwt"), Confirmed(key.public), "kb+jwt")

    assert verified.header == {"alg": key.public.algorithm, "typ": "kb+jwt"}
    assert (verified.payload, verified.key) == (PAYLOAD, key.public)


def test_a_chain_is_handed_to_whoever_knows_its_root() -> None:
    seen: list[object] = []

    def leaf_key(chain: object) -> PublicKey:
        seen.append(chain)
        return KEY.public

    token = jose.sign_with_chain(PAYLOAD, KEY, "oauth-authz-req+jwt", ("bGVhZg==", "cm9vdA=="))
    verified = verify(token, Chain(leaf_key), "oauth-authz-req+jwt")

    chain = ["bGVhZg==", "cm9vdA=="]
    assert verified.header == {"alg": "ES256", "typ": "oauth-authz-req+jwt", "x5c": chain}
    assert (verified.payload, verified.key, seen) == (PAYLOAD, KEY.public, [chain])


@pytest.mark.parametrize("typ", [None, "JWT", "netid-receipt+jwt"])
def test_what_is_signed_evenly_is_the_same_but_for_its_length(typ: str | None) -> None:
    yes, no = (
        {**PAYLOAD, "age_over_18": answer, "more": [{"age_over_14": answer}]} for answer in (True, False)
    )
    tokens = [jose.sign_even(payload, KEY, typ) for payload in (yes, no)]

    assert len(tokens[0]) == len(tokens[1])
    assert len(jose.sign(yes, KEY, typ)) != len(jose.sign(no, KEY, typ)), "without it, a yes is shorter"
    for token, payload in zip(tokens, (yes, no), strict=True):
        verified = jose.verify(token, key_source=PINNED, algorithms=("ES256",), typ=typ)
        assert verified.payload == payload
        assert verified.header == {"alg": "ES256", "kid": KEY.public.kid} | ({"typ": typ} if typ else {})


def test_a_chain_s_key_has_to_be_the_one_that_signed() -> None:
    token = jose.sign_with_chain(PAYLOAD, KEY, "x+jwt", ("bGVhZg==",))

    assert refusal(token, Chain(lambda _: OTHER.public), "x+jwt") == "the signature is not right"
    assert refusal(token, Chain(lambda _: RSA.public), "x+jwt") == "the key is for another algorithm"


@pytest.mark.parametrize("more", [{}, {"kid": KEY.public.kid}, {"x5c": ["bGVhZg=="], "kid": KEY.public.kid}])
def test_a_chain_is_named_by_itself_alone(more: dict[str, object]) -> None:
    token = forged({"alg": "ES256"} | more, PAYLOAD)

    assert "names a key" in refusal(token, Chain(lambda _: KEY.public))


@pytest.mark.parametrize(("key", "oracle"), [(KEY, ECKey), (RSA, RSAKey)], ids=["ES256", "RS256"])
def test_joserfc_verifies_what_we_sign_and_the_reverse(key: SigningKey, oracle: type[ECKey | RSAKey]) -> None:
    algorithm = key.public.algorithm
    ours = jose.sign(PAYLOAD, key, None)
    theirs = jws.serialize_compact(
        {"alg": algorithm, "kid": key.public.kid},
        json.dumps(PAYLOAD),
        oracle.import_key({**key.private_jwk()}),
        algorithms=[algorithm],
    )

    public = oracle.import_key({**key.public.jwk()})
    read = jws.deserialize_compact(ours, public, algorithms=[algorithm])

    assert json.loads(read.payload) == PAYLOAD
    assert verify(theirs).payload == PAYLOAD


@pytest.mark.parametrize(
    ("token", "jwk"), [(RFC7515_A2, RFC7515_A2_KEY), (RFC7515_A3, RFC7515_A3_KEY)], ids=["A.2", "A.3"]
)
def test_the_examples_of_rfc_7515(token: str, jwk: dict[str, str]) -> None:
    verified = verify(token, Pinned(PublicKeySet.from_jwks({"keys": [jwk]})))

    assert verified.payload == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}


def test_the_proof_of_rfc_9449() -> None:
    verified = verify(RFC9449_PROOF, Proof(), "dpop+jwt")

    assert verified.key.thumbprint == RFC9449_THUMBPRINT
    assert verified.payload["htm"] == "POST"


def test_half_of_all_signatures_have_a_high_s_and_they_pass() -> None:
    token = jose.sign(PAYLOAD, KEY, None)
    signed, _, signature = token.rpartition(".")
    raw = base64url.decode(signature)
    twin = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32)

    assert verify(f"{signed}.{base64url.encode(twin)}").payload == PAYLOAD
    assert verify(token).payload == PAYLOAD


# Where the key comes from


def test_a_token_without_kid_passes_where_one_key_fits() -> None:
    assert verify(forged({"alg": "ES256"}, PAYLOAD)).key == KEY.public


def test_a_token_without_kid_is_refused_where_two_keys_fit() -> None:
    both = Pinned(PublicKeySet((KEY.public, OTHER.public)))

    assert refusal(forged({"alg": "ES256"}, PAYLOAD), both) == "more than one key of the set fits"
    assert verify(forged(HEADER, PAYLOAD), both).key == KEY.public


def test_a_kid_that_the_set_does_not_have_is_refused_even_if_one_key_would_fit() -> None:
    assert refusal(forged({"alg": "ES256", "kid": "another"}, PAYLOAD)) == "no key of the set fits"


def test_the_kid_of_a_key_of_another_algorithm_is_refused() -> None:
    assert refusal(forged({"alg": "ES256", "kid": RSA.public.kid}, PAYLOAD)) == "no key of the set fits"


@pytest.mark.parametrize("kid", [None, 1, ["x"], {}])
def test_a_kid_that_is_no_string_is_refused(kid: object) -> None:
    assert refusal(forged({"alg": "ES256", "kid": kid}, PAYLOAD)) == "kid is not a string"


def test_a_confirmed_key_needs_no_name() -> None:
    assert verify(forged({"alg": "ES256"}, PAYLOAD), Confirmed(KEY.public)).key == KEY.public
    assert refusal(forged({"alg": "ES256"}, PAYLOAD), Confirmed(OTHER.public)) == "the signature is not right"
    assert (
        refusal(forged({"alg": "ES256"}, PAYLOAD), Confirmed(RSA.public))
        == "the key is for another algorithm"
    )


ELSEWHERE = {
    "jku": "https://evil.example/jwks",
    "x5u": "https://evil.example/cert",
    "x5c": ["MIIB"],
    "x5t": "abc",
    "x5t#S256": "abc",
}


@pytest.mark.parametrize("member", [*ELSEWHERE, "jwk"])
def test_a_pinned_token_may_not_bring_a_key(member: str) -> None:
    header = HEADER | {member: ELSEWHERE.get(member, KEY.public.jwk())}

    assert refusal(forged(header, PAYLOAD)) == "the header names a key in a way that does not count here"


@pytest.mark.parametrize("member", [*ELSEWHERE, "kid"])
def test_a_proof_names_its_key_once(member: str) -> None:
    header = {"alg": "ES256", "jwk": KEY.public.jwk(), member: ELSEWHERE.get(member, "x")}

    assert "does not count" in refusal(forged(header, PAYLOAD), Proof())


@pytest.mark.parametrize("member", [*ELSEWHERE, "jwk", "kid"])
def test_a_confirmed_token_names_no_key(member: str) -> None:
    header = {"alg": "ES256", member: ELSEWHERE.get(member, KEY.public.jwk())}

    assert "does not count" in refusal(forged(header, PAYLOAD), Confirmed(KEY.public))


def test_a_proof_without_a_key_is_refused() -> None:
    assert "does not count" in refusal(forged({"alg": "ES256"}, PAYLOAD), Proof())


@pytest.mark.parametrize(
    "jwk",
    [
        KEY.private_jwk(),
        {"kty": "oct", "k": "c2VjcmV0"},
        KEY.public.jwk() | {"y": OTHER.public.jwk()["y"]},
        KEY.public.jwk() | {"use": "enc"},
        "text",
        None,
    ],
    ids=["private", "symmetric", "off the curve", "for encryption", "text", "null"],
)
def test_a_proof_with_a_key_that_does_not_count_is_refused(jwk: object) -> None:
    token = forged({"alg": "ES256", "jwk": jwk}, PAYLOAD)

    assert refusal(token, Proof()) == "jwk is not a public key that counts here"


def test_a_proof_by_a_key_of_another_algorithm_is_refused() -> None:
    token = forged({"alg": "ES256", "jwk": RSA.public.jwk()}, PAYLOAD)

    assert refusal(token, Proof()) == "the key is for another algorithm"


# The header


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "es256", "ES384", "PS256", "", None, 1, ["ES256"]]
)
def test_other_algorithms_are_refused(algorithm: object) -> None:
    token = forged(HEADER | {"alg": algorithm}, PAYLOAD)

    assert refusal(token) == "alg is not one of those that count here"


def test_an_algorithm_that_does_not_count_here_is_refused() -> None:
    with pytest.raises(TokenRefused, match="alg"):
        jose.verify(jose.sign(PAYLOAD, RSA, None), key_source=PINNED, algorithms=("ES256",), typ=None)


def test_a_public_key_is_no_shared_secret() -> None:
    secret = OctKey.import_key(json.dumps(RSA.public.jwk()))
    token = jws.serialize_compact({"alg": "HS256"}, json.dumps(PAYLOAD), secret, algorithms=["HS256"])

    assert refusal(token) == "alg is not one of those that count here"


@pytest.mark.parametrize(
    "member", [{"crit": ["exp"]}, {"crit": []}, {"b64": True}, {"b64": False, "crit": ["b64"]}]
)
def test_extensions_are_refused(member: dict[str, object]) -> None:
    assert refusal(forged(HEADER | member, PAYLOAD)) == "crit or b64 is in the header"


def test_a_header_without_an_algorithm_is_refused() -> None:
    assert "alg" in refusal(forged({"kid": KEY.public.kid}, PAYLOAD))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dpop+jwt", "dpop+jwt"),
        ("DPoP+JWT", "dpop+jwt"),  # RFC 7515, 4.1.9 and RFC 2045, 5.1: media types know no case
        ("application/dpop+jwt", "dpop+jwt"),  # RFC 7515, 4.1.9: the prefix is understood
        ("JWT", None),
        ("jwt", None),
        ("application/jwt", None),
    ],
)
def test_a_type_is_a_media_type(given: str, expected: str | None) -> None:
    assert verify(forged(HEADER | {"typ": given}, PAYLOAD), typ=expected).header["typ"] == given


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({}, "dpop+jwt"),
        ({}, "JWT"),
        ({"typ": "JWT"}, "dpop+jwt"),
        ({"typ": "dpop"}, "dpop+jwt"),
        ({"typ": " dpop+jwt"}, "dpop+jwt"),
        ({"typ": "text/dpop+jwt"}, "dpop+jwt"),
        ({"typ": "\N{KELVIN SIGN}b+jwt"}, "kb+jwt"),  # lower() makes a k of it
        ({"typ": "dpop+jwt"}, None),
        ({"typ": "at+jwt"}, None),
        ({"typ": None}, None),
        ({"typ": ["JWT"]}, None),
        ({"typ": ""}, None),
    ],
)
def test_another_type_is_refused(header: dict[str, object], expected: str | None) -> None:
    assert refusal(forged(HEADER | header, PAYLOAD), typ=expected) == "typ is another one"


# The form


def test_a_changed_part_is_refused() -> None:
    header, payload, signature = jose.sign(PAYLOAD, KEY, None).split(".")
    other = jose.sign(PAYLOAD | {"sub": "somebody else"}, KEY, None).split(".")

    assert refusal(f"{header}.{other[1]}.{signature}") == "the signature is not right"
    assert refusal(f"{header}.{payload}.{other[2]}") == "the signature is not right"


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b", "a.b.c.d", "\u00e9.b.c", "\x00.\x00.\x00"])
def test_what_is_no_compact_jws_is_refused(token: str) -> None:
    refusal(token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_letter_outside_ascii_is_refused_in_every_part(part: int) -> None:
    parts = jose.sign(PAYLOAD, KEY, None).split(".")
    parts[part] = parts[part][:-1] + "\u00e9"

    assert refusal(".".join(parts)) == "it is not a compact JWS"


def test_a_token_of_five_parts_is_refused() -> None:
    assert refusal(jose.sign(PAYLOAD, KEY, None) + ".a.b") == "it is not a compact JWS"


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["padding", "newline", "space", "plus", "stray bits", "line break inside"])
def test_every_part_has_one_spelling(part: int, change: str) -> None:
    parts = forged('{"alg":"ES256"}  ', '{"iss":"someone"}').split(".")
    parts[part] = _spelt_otherwise(parts[part], change)

    # Signed anew where that is possible: the form alone must be enough to refuse it.
    if part < 2:
        parts[2] = base64url.encode(KEY.sign(".".join(parts[:2]).encode()))
    assert refusal(".".join(parts)) == "a part is not canonical base64url"


def _spelt_otherwise(text: str, change: str) -> str:
    if change == "stray bits":
        assert len(text) % 4, "a text with spare bits is needed"
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = text[:-1] + letters[letters.index(text[-1]) + 1]
        assert _lenient(other) == _lenient(text)
        return other
    if change == "line break inside":
        return text[:4] + "\n" + text[4:]
    return {"padding": text + "=", "newline": text + "\n", "space": " " + text, "plus": text + "+"}[change]


def _lenient(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


@given(st.text(alphabet="AQgwZ_-+/=!\n é", max_size=12))
def test_whatever_is_read_as_base64url_has_no_other_spelling(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize("foreign", ["!!!!", "====", "\n\n\n\n", "++//", "A===", "AA==", "AAA=", "A"])
def test_a_group_of_foreign_letters_is_not_passed_over(foreign: str) -> None:
    for text in (foreign, f"AQgw{foreign}", f"{foreign}AQgw", f"AQgw{foreign}AQgw"):
        with pytest.raises(ValueError, match=r"base64|padding"):
            base64url.decode(text)


def test_only_padding_is_cut_off_the_end() -> None:
    every_last_letter = [base64url.encode(bytes([0, 0, last])) for last in range(64)]

    assert all(len(text) == 4 for text in every_last_letter)
    assert len(set(every_last_letter)) == 64


@pytest.mark.parametrize("stray", ["AB", "AQgwAB", "AAB", "AQgwAAB"])
def test_bits_that_say_nothing_are_zero(stray: str) -> None:
    with pytest.raises(ValueError, match=r"^not canonical base64url$"):
        base64url.decode(stray)


@given(st.binary(max_size=80))
def test_base64url_is_the_standard_one(data: bytes) -> None:
    text = base64url.encode(data)

    assert text == urlsafe_b64encode(data).decode().rstrip("=")
    assert base64url.decode(text) == data


def test_a_long_token_is_not_even_parsed() -> None:
    token = jose.sign({"pad": "x" * 9000}, KEY, None)

    assert refusal(token) == "it is too long"
    assert jose.verify(
        token, key_source=PINNED, algorithms=("ES256",), typ=None, max_bytes=len(token)
    ).payload == {"pad": "x" * 9000}
    with pytest.raises(TokenRefused, match="too long"):
        jose.verify(token, key_source=PINNED, algorithms=("ES256",), typ=None, max_bytes=len(token) - 1)


BAD_JSON = {
    "not JSON": "{",
    "empty": "",
    "a list": "[]",
    "a string": '"x"',
    "null": "null",
    "two values": "{}{}",
    "a byte order mark": "\ufeff{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "bad UTF-8": b'{"a":"\xff"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "a member twice": '{"sub":"a","sub":"b"}',
    "a member twice, deeper": '{"a":[{"b":{"c":1,"c":2}}]}',
    "a member twice, spelt otherwise": '{"sub":"a","\\u0073ub":"b"}',
    "NaN": '{"exp":NaN}',
    "Infinity": '{"exp":-Infinity}',
    "1e999": '{"exp":1e999}',
    "-1e999": '{"exp":-1e999}',
    "5000 digits": '{"exp":' + "1" * 5000 + "}",
    "21 digits": '{"exp":' + "1" * 21 + "}",
    "5000 decimals": '{"exp":1.' + "1" * 5000 + "}",
    "a high surrogate": '{"a":"\\ud800"}',
    "a low surrogate": '{"a":"\\uDfff x"}',
    "a surrogate in a name": '{"\\ud83d":1}',
    "surrogates the wrong way round": '{"a":"\\udc00\\ud800"}',
    "33 levels": '{"a":' + "[" * 32 + "]" * 32 + "}",
    "2000 levels": '{"a":' + "[" * 2000 + "]" * 2000 + "}",
    "2000 levels, not closed": '{"a":' * 1000,
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_json_that_is_not_strict_is_refused_in_payload_and_header(text: str | bytes) -> None:
    assert refusal(forged(HEADER, text)) == "a part is not one strict JSON object"
    assert refusal(forged(text, PAYLOAD)) == "a part is not one strict JSON object"


def test_100000_levels_are_refused_without_recursion() -> None:
    with pytest.raises(ValueError, match="deep"):
        strict_json.parse_object(b'{"a":' * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"\\ud83d\\ude00"}',
        '{"a":"\\\\ud800"}',
        '{"a":"' + "[{" * 50 + '\\"' + "[" * 50 + '"}',
        '{"a":' + "[" * 31 + "]" * 31 + "}",
        '{"exp":1e3,"n":-9223372036854775808,"f":0.5}',
        '{"a":{"b":1},"c":{"b":2}}',
    ],
    ids=[
        "a pair",
        "an escaped backslash",
        "brackets in a string",
        "32 levels",
        "numbers",
        "one name in two objects",
    ],
)
def test_unusual_json_that_means_one_thing_passes(text: str) -> None:
    assert verify(forged(HEADER, text)).payload == json.loads(text)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=12,
        ),
        max_size=4,
    )
)
def test_strict_json_reads_what_python_reads(value: dict[str, object]) -> None:
    assert strict_json.parse_object(json.dumps(value).encode()) == value
    assert strict_json.parse_object(strict_json.dump(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", object(), b"bytes", {"a", "b"}])
def test_what_json_cannot_carry_is_not_signed(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        jose.sign({"claim": value}, KEY, None)


def test_the_reason_repeats_nothing_of_the_token() -> None:
    for text in ('{"sub":"MARKER","sub":"MARKER"}', '{"MARKER":NaN}', "MARKER"):
        assert "MARKER" not in refusal(forged(HEADER, text))


# Signatures


def _with_signature(signature: bytes) -> str:
    return jose.sign(PAYLOAD, KEY, None).rpartition(".")[0] + "." + base64url.encode(signature)


HALF = (1).to_bytes(32)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        bytes(32) + HALF,
        HALF + bytes(32),
        ORDER.to_bytes(32) + HALF,
        HALF + ORDER.to_bytes(32),
        b"\xff" * 64,
        HALF + HALF,
        HALF,
    ],
    ids=["none", "zeros", "r = 0", "s = 0", "r = n", "s = n", "ones", "r = s = 1", "half"],
)
def test_a_signature_out_of_range_is_refused(signature: bytes) -> None:
    assert refusal(_with_signature(signature)) == "the signature is not right"


def test_der_and_other_lengths_are_refused() -> None:
    signed, _, signature = jose.sign(PAYLOAD, KEY, None).rpartition(".")
    raw = base64url.decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))

    for wrong in (der, raw[:-1], raw + b"\0", b"\0" + raw, raw[:32] + b"\0" + raw[32:]):
        assert refusal(f"{signed}.{base64url.encode(wrong)}") == "the signature is not right"


def test_an_rsa_signature_is_as_long_as_the_modulus() -> None:
    signed, _, signature = jose.sign(PAYLOAD, RSA, None).rpartition(".")
    raw = base64url.decode(signature)
    assert len(raw) == 256

    for wrong in (b"", raw[:-1], raw + b"\0", b"\0" + raw, bytes(256), b"\xff" * 256):
        assert refusal(f"{signed}.{base64url.encode(wrong)}") == "the signature is not right"


@given(st.text(max_size=200))
def test_no_text_gets_through_or_breaks_the_gate(text: str) -> None:
    refusal(text)


@given(st.data())
def test_no_changed_letter_gets_through(data: st.DataObject) -> None:
    token = jose.sign(PAYLOAD, KEY, "JWT")
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda drawn: drawn != token[at]))

    refusal(token[:at] + letter + token[at + 1 :])


# Looking before anything is proven


def test_unverified_claims_say_whose_key_to_try() -> None:
    assert jose.unverified_payload(forged(HEADER, {"iss": "forum"}, OTHER)) == {"iss": "forum"}
    for token in ("a.b", forged(HEADER, '{"iss":"a","iss":"b"}'), forged(HEADER, {"pad": "x" * 9000})):
        with pytest.raises(TokenRefused):
            jose.unverified_payload(token)


# What the claims say


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value", [True, False, "1", None, [], {}, -1, 1e300, math.nan, math.inf, 253_402_300_800]
)
def test_a_time_is_a_number_and_nothing_else(name: str, value: object) -> None:
    with pytest.raises(TokenRefused, match=f"{name} is not a time"):
        jose.check_times({"exp": AT + 60, name: value}, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": AT + 60},
        {"exp": AT + 0.5},
        {"exp": AT - 9},
        {"exp": AT + 60, "iat": AT + 8, "nbf": AT + 8},
        {"exp": AT + 60, "iat": AT + 10, "nbf": AT + 10},
        {"exp": 253_402_300_799},
        {"exp": AT + 60, "iat": 0, "nbf": 0},
    ],
)
def test_times_within_the_skew_pass(claims: dict[str, object]) -> None:
    jose.check_times(claims, NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "exp is missing"),
        ({"exp": AT - 10}, "it has expired"),
        ({"exp": AT + 60, "nbf": AT + 11}, "its time has not come"),
        ({"exp": AT + 60, "iat": AT + 11}, "it was issued in the future"),
        ({"exp": AT + 60, "iat": AT + 61}, "it was issued in the future"),
    ],
)
def test_times_outside_the_skew_are_refused(claims: dict[str, object], reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        jose.check_times(claims, NOW)

    assert refused.value.detail == reason


def test_a_smaller_skew_is_kept_to() -> None:
    with pytest.raises(TokenRefused):
        jose.check_times({"exp": AT}, NOW, skew=timedelta(0))


def test_the_greatest_age_counts_from_the_time_of_issue() -> None:
    age = timedelta(minutes=5)

    jose.check_times({"iat": AT - 310}, NOW, required=(), max_age=age)
    with pytest.raises(TokenRefused, match=r"^it was issued too long ago$"):
        jose.check_times({"iat": AT - 311}, NOW, required=(), max_age=age)
    with pytest.raises(TokenRefused, match="iat is missing"):
        jose.check_times({"exp": AT + 60}, NOW, max_age=age)
    with pytest.raises(TokenRefused, match="exp is missing"):
        jose.check_times({"iat": AT}, NOW, max_age=age)


@pytest.mark.parametrize("value", [None, "", "https://netid.example/", "HTTPS://netid.example", 1])
def test_issuer_and_audience_are_exact(value: object) -> None:
    jose.check_issuer({"iss": "https://netid.example"}, "https://netid.example")
    jose.check_audience({"aud": "https://netid.example"}, "https://netid.example")

    with pytest.raises(TokenRefused, match=r"^iss is another one$"):
        jose.check_issuer({"iss": value}, "https://netid.example")
    with pytest.raises(TokenRefused, match=r"^aud is another one$"):
        jose.check_audience({"aud": value}, "https://netid.example")


def test_an_audience_is_not_a_list() -> None:
    with pytest.raises(TokenRefused, match="aud"):
        jose.check_audience({"aud": ["https://netid.example"]}, "https://netid.example")


def test_a_text_claim_is_text() -> None:
    assert jose.text_claim({"jti": "one"}, "jti") == "one"
    for value in ("", None, 1, True, ["one"]):
        with pytest.raises(TokenRefused, match="jti is missing or not a string"):
            jose.text_claim({"jti": value}, "jti")


def test_a_time_claim_is_a_moment() -> None:
    assert jose.time_claim({"exp": AT}, "exp") == NOW
    assert jose.time_claim({"exp": AT}, "exp").tzinfo is UTC
    for payload, reason in (({}, "exp is missing"), ({"exp": "x"}, "exp is not a time")):
        with pytest.raises(TokenRefused, match=f"^{reason}$"):
            jose.time_claim(payload, "exp")


def test_a_public_key_is_the_same_wherever_it_came_from() -> None:
    assert PublicKey.from_jwk(KEY.public.jwk()) == KEY.public
