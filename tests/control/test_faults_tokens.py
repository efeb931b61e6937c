"""Faulty tokens: each differs from the right one in exactly what was declared, and the SDK refuses it."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netid.client.errors import ClientError, FieldsRefused, IDTokenRefused, LevelNotReached
from netid.credentials import base64url, strict_json
from netid.credentials.keyring import Keyring
from tests.control.faulted import PARCEL, Faulted, Shop, faulted_provider
from tests.running import Client


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    with faulted_provider(tmp_path_factory.mktemp("faulted") / "it", keyring, template) as provider:
        yield provider


@pytest.fixture
def faulted(own: Faulted) -> Faulted:
    """The provider without a fault."""
    own.faults.clear()
    return own


def id_token_of(shop: Client) -> str:
    return str(shop.tokens("an-adult", scope="openid netid.verify", nonce="a-nonce")["id_token"])


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    header, payload, signature = (base64url.decode(part) for part in token.split("."))
    return strict_json.parse_object(header), strict_json.parse_object(payload), signature


def is_signed(faulted: Faulted, token: str) -> bool:
    """Whether the provider's own key signed exactly these bytes, whatever the header says."""
    signed, _, signature = token.rpartition(".")
    key = faulted.running.keys.id_token_key("ES256").public
    return key.accepts(base64url.decode(signature), signed.encode())


TIMELESS = {"iat", "exp", "auth_time", "at_hash"}
"""Differ from one sign-in to the next in any case."""


def changed(one: dict[str, Any], other: dict[str, Any], ignored: set[str] = TIMELESS) -> dict[str, Any]:
    """The members in which two objects differ, as the second has them; None where it lacks them."""
    names = (one.keys() | other.keys()) - ignored
    return {name: other.get(name) for name in names if one.get(name) != other.get(name)}


CLAIMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "iss": ({}, {"iss": "https://another-provider.example"}),
    "aud": ({}, {"aud": "another-relying-party"}),
    "nonce": ({}, {"nonce": "the-nonce-of-another-sign-in"}),
    "no nonce": ({"fault": "nonce", "missing": True}, {"nonce": None}),
    "acr": ({}, {"acr": "urn:netid:acr:credential", "amr": ["pop"]}),
}


@pytest.mark.parametrize(("fault", "members", "wrong"), [(k, *v) for k, v in CLAIMS.items()], ids=CLAIMS)
def test_a_claim_is_wrong_and_everything_else_is_right(
    faulted: Faulted, fault: str, members: dict[str, Any], wrong: dict[str, Any]
) -> None:
    shop = faulted.running.register("claims")
    right = id_token_of(shop)
    faulted.declare("token", members.pop("fault", fault), **members)
    token = id_token_of(shop)

    assert changed(parts(right)[1], parts(token)[1]) == wrong
    assert parts(token)[0] == parts(right)[0]
    assert is_signed(faulted, token)


def test_another_relying_partys_subject_has_the_form_of_one_and_is_the_same_each_time(
    faulted: Faulted,
) -> None:
    shop = faulted.running.register("subjects")
    right = parts(id_token_of(shop))[1]
    faulted.declare("token", "sub")
    wrong, again = parts(id_token_of(shop))[1], parts(id_token_of(shop))[1]

    assert changed(right, wrong).keys() == {"sub"}
    assert len(base64url.decode(wrong["sub"])) == len(base64url.decode(right["sub"])) == 32
    assert wrong["sub"] == again["sub"]


@pytest.mark.parametrize(("fault", "away"), [("exp", -90), ("nbf", 90), ("iat", 90)])
def test_a_time_is_as_far_away_as_was_said_by_the_realms_clock(
    faulted: Faulted, fault: str, away: int
) -> None:
    shop = faulted.running.register("times")
    faulted.declare("token", fault, seconds=90)
    before = int(faulted.running.clock.now().timestamp())
    token = id_token_of(shop)
    after = int(faulted.running.clock.now().timestamp())

    assert before + away <= parts(token)[1][fault] <= after + away
    assert is_signed(faulted, token)


@pytest.mark.parametrize(("fault", "wrong"), [("kid", "a-key-that-is-not-published"), ("typ", "logout+jwt")])
def test_a_header_is_wrong_and_its_signature_right(faulted: Faulted, fault: str, wrong: str) -> None:
    shop = faulted.running.register("headers")
    right = id_token_of(shop)
    faulted.declare("token", fault)
    token = id_token_of(shop)

    assert changed(parts(right)[0], parts(token)[0]) == {fault: wrong}
    assert not changed(parts(right)[1], parts(token)[1])
    assert is_signed(faulted, token)


def test_a_signature_is_wrong_in_nothing_but_its_value(faulted: Faulted) -> None:
    shop = faulted.running.register("signatures")
    right = id_token_of(shop)
    faulted.declare("token", "signature")
    token = id_token_of(shop)

    assert parts(token)[0] == parts(right)[0]
    assert len(parts(token)[2]) == 64
    assert is_signed(faulted, right)
    assert not is_signed(faulted, token)


def test_an_unsigned_token_and_one_signed_with_the_public_key_as_a_secret(faulted: Faulted) -> None:
    shop = faulted.running.register("algorithms")
    faulted.declare("token", "alg", count=1)
    faulted.declare("token", "alg", alg="HS256", count=1)
    unsigned, confused = id_token_of(shop), id_token_of(shop)

    assert parts(unsigned)[0]["alg"] == "none"
    assert unsigned.endswith(".")
    assert parts(confused)[0]["alg"] == "HS256"
    public = faulted.running.keys.id_token_key("ES256").public.material
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = confused.rpartition(".")[0].encode()
    assert parts(confused)[2] == hmac.digest(pem, signed, hashlib.sha256)


def test_a_fault_strikes_as_often_as_it_says_for_whom_it_says(faulted: Faulted) -> None:
    struck, spared = faulted.running.register("struck"), faulted.running.register("spared")
    faulted.declare("token", "aud", match={"client_id": "struck"}, count=2)

    assert parts(id_token_of(spared))[1]["aud"] == "spared"
    audiences = [parts(id_token_of(struck))[1]["aud"] for _ in range(3)]
    assert audiences == ["another-relying-party", "another-relying-party", "struck"]
    assert [standing.struck for standing in faulted.faults.all()] == [2]


# UserInfo


def test_a_field_nobody_agreed_to_comes_with_a_made_up_value(faulted: Faulted) -> None:
    shop = faulted.shop("fields")
    right = dict(shop.client.fields(shop.sign_in()))
    faulted.declare("userinfo", "extra_field", count=1)
    faulted.declare("userinfo", "extra_field", field="age_over_18", count=1)
    faulted.declare("userinfo", "extra_field", field="name", count=1)
    token = shop.sign_in().access_token.value
    answers = [shop.registered.userinfo(token).json() for _ in range(4)]

    *struck, ordinary = [{name: answer[name] for name in answer if name != "sub"} for answer in answers]
    assert ordinary == right
    assert changed(right, struck[0]) == {"document_kind": "made-up document_kind"}
    assert changed(right, struck[1]) == {"age_over_18": True}
    assert struck[2] == right


def test_a_field_that_was_agreed_to_does_not_come(faulted: Faulted) -> None:
    shop = faulted.shop("missing")
    signed_in = shop.sign_in()
    faulted.declare("userinfo", "missing_field", count=1)
    faulted.declare("userinfo", "missing_field", field="document_number", count=1)
    names = [set(shop.client.fields(signed_in)) for _ in range(3)]

    assert names == [{"document_number"}, {"name"}, {"name", "document_number"}]


def test_what_only_a_signed_answer_can_have_waits_for_one(faulted: Faulted) -> None:
    plain, signed = faulted.shop("plain"), faulted.shop("signed", signed=True)
    faulted.declare("userinfo", "iss", count=1)

    assert plain.client.fields(plain.sign_in()).text("name")
    with pytest.raises(FieldsRefused, match="iss"):
        signed.client.fields(signed.sign_in())


# The SDK

ONLY = PARCEL.model_copy(update={"claims": frozenset({"name", "document_number"})})
"""Asks by name, so that the SDK knows what it did not ask for."""


def sign_in(shop: Shop) -> object:
    return shop.sign_in()


def read_fields(shop: Shop) -> object:
    return shop.client.fields(shop.sign_in(ONLY))


REFUSED: dict[str, tuple[dict[str, Any], type[ClientError], str, Callable[[Shop], object]]] = {
    "signature": ({}, IDTokenRefused, "signature", sign_in),
    "alg none": ({"fault": "alg"}, IDTokenRefused, "alg", sign_in),
    "alg HS256": ({"fault": "alg", "alg": "HS256"}, IDTokenRefused, "alg", sign_in),
    "kid": ({}, IDTokenRefused, "no key", sign_in),
    "typ": ({}, IDTokenRefused, "typ", sign_in),
    "iss": ({}, IDTokenRefused, "iss", sign_in),
    "aud": ({}, IDTokenRefused, "aud", sign_in),
    "exp": ({}, IDTokenRefused, "expired", sign_in),
    "nbf": ({}, IDTokenRefused, "time has not come", sign_in),
    "iat": ({}, IDTokenRefused, "future", sign_in),
    "nonce": ({}, IDTokenRefused, "nonce", sign_in),
    "no nonce": ({"fault": "nonce", "missing": True}, IDTokenRefused, "nonce", sign_in),
    "acr": ({}, LevelNotReached, "acr", sign_in),
    "sub in the ID token": ({"fault": "sub"}, FieldsRefused, "sub", read_fields),
    "sub in UserInfo": ({"endpoint": "userinfo", "fault": "sub"}, FieldsRefused, "sub", read_fields),
    "extra_field": ({"endpoint": "userinfo"}, FieldsRefused, "not asked for", read_fields),
}
SIGNED_USERINFO: dict[str, tuple[dict[str, Any], str]] = {
    "signature": ({}, "signature"),
    "alg none": ({"fault": "alg"}, "alg"),
    "alg HS256": ({"fault": "alg", "alg": "HS256"}, "alg"),
    "kid": ({}, "no key"),
    "typ": ({}, "typ"),
    "iss": ({}, "iss"),
    "aud": ({}, "aud"),
}


@pytest.mark.parametrize(
    ("fault", "declared", "error", "reason", "use"), [(k, *v) for k, v in REFUSED.items()], ids=REFUSED
)
def test_the_sdk_refuses_each_with_an_error_of_its_own(
    faulted: Faulted,
    fault: str,
    declared: dict[str, Any],
    error: type[ClientError],
    reason: str,
    use: Callable[[Shop], object],
) -> None:
    shop = faulted.shop("sdk")
    faulted.declare(**{"endpoint": "token", "fault": fault} | declared, count=1)

    with pytest.raises(error, match=reason) as raised:
        use(shop)
    assert type(raised.value) is error
    assert use(shop), "the next one is right"


@pytest.mark.parametrize(
    ("fault", "declared", "reason"), [(k, *v) for k, v in SIGNED_USERINFO.items()], ids=SIGNED_USERINFO
)
def test_the_sdk_refuses_each_signed_answer(
    faulted: Faulted, fault: str, declared: dict[str, Any], reason: str
) -> None:
    shop = faulted.shop("sdk-signed", signed=True)
    faulted.declare(**{"endpoint": "userinfo", "fault": fault} | declared, count=1)

    with pytest.raises(FieldsRefused, match=reason):
        read_fields(shop)
    assert read_fields(shop)


def test_the_sdk_cannot_tell_a_missing_field_from_one_the_person_does_not_have(faulted: Faulted) -> None:
    """Nobody can, by design: what the relying party has to do is the same."""
    shop = faulted.shop("lacking")
    faulted.declare("userinfo", "missing_field", field="name")

    assert shop.client.fields(shop.sign_in()).text("name") is None
