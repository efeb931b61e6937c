"""A wallet's answer (OpenID4VP 1.0, 8): read by the request that asked for it, and by nobody else."""

import json
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from netid.credentials import base64url
from netid.credentials.jwk import SigningKey
from netid.credentials.presentation_response import (
    MAX_BYTES,
    Declined,
    DecryptionKey,
    EncryptionKey,
    Shown,
    decrypt,
    encrypt,
    read,
    write,
)
from netid.errors import TokenRefused
from tests.unit.presenting import RANDOM

KEY = DecryptionKey.generate(RANDOM)
SHOWN = Shown("net_credential", "an~sd~jwt", "a-state")

EXAMPLE_KEY = {
    "kty": "EC",
    "kid": "ac",
    "use": "enc",
    "crv": "P-256",
    "alg": "ECDH-ES",
    "x": "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk",
    "y": "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk",
}
EXAMPLE_PRIVATE = "Et-3ce0omz8_TuZ96Df9lp0GAaaDoUnDe6X-CRO7Aww"
EXAMPLE = (
    "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImtpZCI6ImFjIiwiZXBrIjp7Imt"
    "0eSI6IkVDIiwieCI6Im5ubVZwbTNWM2piaGNhZlFhUkJrU1ZOSGx3Wkh3dC05ck9wSnVmeVlJdWsiLCJ5I"
    "joicjRmakRxd0p5czlxVU9QLV9iM21SNVNaRy0tQ3dPMm1pYzVWU05UWU45ZyIsImNydiI6IlAtMjU2In1"
    "9..uAYcHRUSSn2X0WPX.yVzlGSYG4qbg0bq18JcUiDRw56yVnbKR8E7S7YlEtzT00RqE3Pw5oTpUG3hdLN"
    "4taHZ9gC1kwak8JOnJgQ.1wR024_3-qtAlx1oFIUpQQ"
)
"""OpenID4VP 1.0, 8.3: key, private part and encrypted answer of the example."""


def sealed(payload: bytes, key: EncryptionKey = KEY.public, **header: Any) -> str:
    """An encrypted answer by joserfc alone, with any header."""
    members = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.kid} | header
    known = jwe.JWERegistry(algorithms=[members["alg"], members["enc"], "DEF"])
    jwk = {name: key.jwk()[name] for name in ("kty", "crv", "x", "y")}
    return jwe.encrypt_compact(members, payload, ECKey.import_key(jwk), registry=known)


def test_the_example_of_openid4vp_is_read() -> None:
    signing = SigningKey.from_private_jwk(
        {name: EXAMPLE_KEY[name] for name in ("kty", "crv", "x", "y")} | {"d": EXAMPLE_PRIVATE}
    )

    assert decrypt(EXAMPLE, DecryptionKey(signing)) == {
        "vp_token": {"example_credential_id": ["eyJhb...YMetA"]}
    }
    assert EncryptionKey.from_jwks([EXAMPLE_KEY], "A128GCM").kid == "ac"


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("answer", [SHOWN, Declined("access_denied", "a-state"), Shown("q", "p~", None)])
def test_what_is_written_is_read(answer: Shown | Declined, key: DecryptionKey | None) -> None:
    assert read(write(answer, key.public if key else None), key) == answer


def test_an_encrypted_answer_is_one_parameter_that_names_its_key() -> None:
    form = write(SHOWN, KEY.public)

    assert form.keys() == {"response"}
    header = jwe.decrypt_compact(
        form["response"], ECKey.import_key(_private()), algorithms=["ECDH-ES", "A256GCM"]
    ).headers()
    assert (header["alg"], header["enc"], header["kid"]) == ("ECDH-ES", "A256GCM", KEY.public.kid)


def test_unencrypted_the_token_is_json_in_a_form() -> None:
    assert json.loads(write(SHOWN, None)["vp_token"]) == {"net_credential": ["an~sd~jwt"]}


def test_what_has_to_be_encrypted_is_not_taken_in_the_clear() -> None:
    with pytest.raises(TokenRefused, match="not encrypted"):
        read(write(SHOWN, None), KEY)


def test_a_wallet_that_cannot_encrypt_may_decline_in_the_clear() -> None:
    assert read({"error": "invalid_request", "state": "s"}, KEY) == Declined("invalid_request", "s")
    with pytest.raises(TokenRefused):
        read({**write(SHOWN, None), "error": "access_denied"}, KEY)


def test_an_answer_to_another_request_is_not_read() -> None:
    other = DecryptionKey.generate(RANDOM)
    with pytest.raises(TokenRefused):
        read(write(SHOWN, other.public), KEY)


@pytest.mark.parametrize("header", [{"alg": "ECDH-ES+A128KW"}, {"enc": "A128CBC-HS256"}, {"zip": "DEF"}])
def test_other_ways_of_encrypting_do_not_count(header: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        decrypt(sealed(b'{"error":"access_denied"}', **header), KEY)


def test_the_algorithm_that_openid4vp_takes_for_granted_is_read() -> None:
    assert decrypt(sealed(b'{"a":1}', enc="A128GCM"), KEY) == {"a": 1}


@pytest.mark.parametrize("epk", [None, {}, {"crv": "no-curve"}, {"crv": 5}, {"x": "AA"}], ids=str)
def test_a_senders_key_of_another_kind_is_refused(epk: dict[str, Any] | None) -> None:
    head, *rest = sealed(b'{"error":"access_denied"}').split(".")
    header = json.loads(base64url.decode(head))
    header["epk"] = epk and header["epk"] | epk
    with pytest.raises(TokenRefused):
        decrypt(".".join((base64url.encode(json.dumps(header).encode()), *rest)), KEY)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}'])
def test_what_is_inside_is_one_strict_object(payload: bytes) -> None:
    with pytest.raises(TokenRefused):
        decrypt(sealed(payload), KEY)


@pytest.mark.parametrize("response", ["", "....", "a.b.c", "é" * 20, "A" * (MAX_BYTES + 1)])
def test_what_is_no_answer_is_refused(response: str) -> None:
    with pytest.raises(TokenRefused):
        decrypt(response, KEY)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"vp_token": "net_credential"},
        {"vp_token": "[]"},
        {"vp_token": "{}"},
        {"vp_token": '{"a":"p"}'},
        {"vp_token": '{"a":[]}'},
        {"vp_token": '{"a":["p","p"]}'},
        {"vp_token": '{"a":[1]}'},
        {"vp_token": '{"a":["p"],"b":["p"]}'},
        {"vp_token": '{"a":["p"]}', "error": "access_denied"},
    ],
)
def test_an_answer_is_one_presentation_or_an_error(form: dict[str, str]) -> None:
    with pytest.raises(TokenRefused):
        read(form, None)


@pytest.mark.parametrize("members", [{"state": 1, "error": "x"}, {"error": 1}, {"vp_token": "p"}])
def test_an_encrypted_answer_has_the_same_form(members: dict[str, object]) -> None:
    with pytest.raises(TokenRefused):
        read({"response": encrypt(members, KEY.public)}, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "OKP"},
        {"crv": "P-384"},
        {"alg": "RSA-OAEP"},
        {"alg": None},
        {"kid": None},
        {"x": "AAAA"},
        {"y": EXAMPLE_KEY["x"]},
    ],
)
def test_a_key_that_cannot_be_encrypted_to_is_refused(change: dict[str, Any]) -> None:
    jwk = {name: one for name, one in (EXAMPLE_KEY | change).items() if one is not None}
    with pytest.raises(TokenRefused):
        EncryptionKey.from_jwks([jwk], "A256GCM")


def test_keys_of_other_kinds_are_passed_over() -> None:
    other = {"kty": "OKP", "kid": "jc", "use": "enc", "crv": "X25519", "alg": "ECDH-ES", "x": "WPX7"}

    assert EncryptionKey.from_jwks([1, other, EXAMPLE_KEY], "A256GCM").kid == "ac"


def test_nothing_private_is_shown() -> None:
    assert "presentation" not in repr(SHOWN)
    assert "an~sd~jwt" not in repr(SHOWN)
    assert KEY.private.private_jwk()["d"] not in repr(KEY)


def _private() -> dict[str, str]:
    members = KEY.private.private_jwk()
    return {name: members[name] for name in ("kty", "crv", "x", "y", "d")}
