"""SD-JWT VC: what a verifier takes for a credential, and every presentation that it does not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netid.credentials import base64url, jose, key_binding, sd_jwt_vc, strict_json
from netid.credentials.disclosures import Hidden, Path, digest
from netid.credentials.jwk import PublicKey, PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.sd_jwt import SdJwt
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential
from netid.credentials.status_list import StatusReference
from netid.errors import (
    CredentialNotValid,
    DisclosureRefused,
    InvalidField,
    KeyBindingRefused,
    TokenRefused,
)
from tests.unit import rfc9901

ISSUER = SigningKey.generate("ES256", Random(1).randbytes)
HOLDER = SigningKey.generate("ES256", Random(2).randbytes)
OTHER = SigningKey.generate("ES256", Random(3).randbytes)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
TRUSTED = Trusted("https://netid.example", "https://netid.example/type", PublicKeySet((ISSUER.public,)))
CHALLENGE = Challenge("x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk", "n-0S6_WzA2Mj")
CLAIMS: dict[str, object] = {
    "iss": TRUSTED.issuer,
    "vct": TRUSTED.vct,
    "iat": AT - 3600,
    "exp": AT + 3600,
    "cnf": {"jwk": HOLDER.public.required_members},
    "name": Hidden("林示例"),
    "age_over_18": Hidden(True),
}
NAME: Path = ("name",)


def credential(**claims: object) -> str:
    return sd_jwt_vc.issue({**CLAIMS, **claims}, ISSUER, Random(4).randbytes, 8)


def without(name: str) -> str:
    claims = {**CLAIMS}
    del claims[name]
    return sd_jwt_vc.issue(claims, ISSUER, Random(4).randbytes, 8)


def presented(issued: str | None = None, *paths: Path, key: SigningKey = HOLDER, now: datetime = NOW) -> str:
    return sd_jwt_vc.present(issued or credential(), paths or [NAME], CHALLENGE, key, now)


def verify(
    presentation: str, challenge: Challenge = CHALLENGE, trusted: Trusted = TRUSTED, now: datetime = NOW
) -> VerifiedCredential:
    return sd_jwt_vc.verify_presentation(presentation, trusted, challenge, now)


def bound(shown: str, key: SigningKey = HOLDER, typ: str = "kb+jwt", **changes: Any) -> str:
    """A presentation whose key binding says something else."""
    payload = {
        "iat": AT,
        "aud": CHALLENGE.audience,
        "nonce": CHALLENGE.nonce,
        "sd_hash": digest(shown),
    } | changes
    return shown + jose.confirm({name: one for name, one in payload.items() if one is not None}, key, typ)


def shown(*texts: str, **claims: object) -> str:
    """What an issuer at fault could have signed, with any disclosures."""
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if not isinstance(value, Hidden)}
    return SdJwt(jose.sign(payload, ISSUER, "dc+sd-jwt"), texts, None).bound


# What passes


def test_a_presentation_shows_what_was_chosen_and_who_holds_it() -> None:
    verified = verify(presented())

    assert verified.claims == {
        **{name: value for name, value in CLAIMS.items() if not isinstance(value, Hidden)},
        "name": "林示例",
    }
    assert set(verified.disclosed) == {NAME}
    assert verified.holder_key == replace(HOLDER.public, kid=None)
    assert verified.status is None
    assert verified.expires_at == NOW + timedelta(hours=1)


@given(st.sets(st.sampled_from([NAME, ("age_over_18",)])))
def test_any_choice_is_what_the_verifier_sees(chosen: set[Path]) -> None:
    verified = verify(sd_jwt_vc.present(credential(), chosen, CHALLENGE, HOLDER, NOW))

    assert set(verified.disclosed) == chosen
    assert {(name,) for name in verified.claims} & {NAME, ("age_over_18",)} == chosen


def test_a_holder_checks_what_it_receives() -> None:
    received = sd_jwt_vc.verify_credential(credential(), TRUSTED, NOW)

    assert set(received.disclosed) == {NAME, ("age_over_18",)}


def test_a_status_reference_is_handed_on() -> None:
    reference = StatusReference("https://netid.example/status/1", 77)

    assert verify(presented(credential(status=reference.claim()))).status == reference


def test_the_credential_of_rfc_9901_verifies_with_its_key_binding() -> None:
    issuer = PublicKeySet((PublicKey.from_jwk(rfc9901.ISSUER_KEY),))
    trusted = Trusted("https://pid-issuer.bund.de.example", "urn:eudi:pid:de:1", issuer)
    signed_at = datetime.fromtimestamp(1748536865, UTC)

    verified = sd_jwt_vc.verify_presentation(
        rfc9901.PID_PRESENTED, trusted, Challenge("https://verifier.example.org", "1234567890"), signed_at
    )

    assert verified.claims["nationalities"] == ["DE"]
    assert verified.claims["age_equal_or_over"] == {"18": True}
    assert verified.holder_key == PublicKey.from_jwk(rfc9901.HOLDER_KEY)


def test_only_the_verifier_makes_one_and_it_does_not_print_itself() -> None:
    verified = verify(presented())

    with pytest.raises(TypeError, match="only verify_presentation"):
        replace(verified, claims={"name": "Wang"}, _proof=None)
    assert "林" not in repr(verified)
    assert "林" not in repr(CLAIMS)


@pytest.mark.parametrize("name", sorted(sd_jwt_vc.NEVER_HIDDEN))
@pytest.mark.parametrize(
    "value", [Hidden("x"), {"a": Hidden("x")}, ["x", Hidden("y")], {"a": [{"b": Hidden("x")}]}]
)
def test_what_decides_on_validity_is_never_issued_hidden(name: str, value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        credential(**{name: value})

    assert refused.value.description == (
        f"{name}: decides whether the credential is valid; leave it in the clear"
    )


def test_a_key_binding_names_no_key() -> None:
    token = SdJwt.parse(presented()).key_binding
    assert token is not None

    assert jose.verify(
        token, key_source=jose.Confirmed(HOLDER.public), algorithms=("ES256",), typ="kb+jwt"
    ).header == {"alg": "ES256", "typ": "kb+jwt"}


# V1: the issuer


def test_v1_none_is_no_signature() -> None:
    header = base64url.encode(b'{"alg":"none","typ":"dc+sd-jwt"}')
    _, _, rest = presented().partition(".")
    payload = rest.split(".")[0]

    with pytest.raises(TokenRefused, match="alg"):
        verify(bound(f"{header}.{payload}.~"))


def test_v1_a_key_that_the_credential_brings_itself_does_not_count() -> None:
    for header in ({"jwk": OTHER.public.required_members}, {"x5c": ["MIIB"]}, {"jku": "https://x.example"}):
        parts = [
            base64url.encode(one)
            for one in (
                strict_json.dump({"alg": "ES256", "typ": "dc+sd-jwt", **header}),
                strict_json.dump({n: v for n, v in CLAIMS.items() if not isinstance(v, Hidden)}),
            )
        ]
        token = ".".join([*parts, base64url.encode(OTHER.sign(".".join(parts).encode()))])
        with pytest.raises(TokenRefused, match="names a key"):
            verify(bound(f"{token}~"))


def test_v1_an_unknown_kid_is_refused_and_so_is_another_key_of_that_name() -> None:
    issued = sd_jwt_vc.issue(CLAIMS, OTHER, Random(4).randbytes)
    impostor = replace(OTHER, public=replace(OTHER.public, kid=ISSUER.public.kid))
    forged = sd_jwt_vc.issue(CLAIMS, impostor, Random(4).randbytes)

    with pytest.raises(TokenRefused, match="no key of the set fits"):
        verify(presented(issued))
    with pytest.raises(TokenRefused, match="signature"):
        verify(presented(forged))


@pytest.mark.parametrize("typ", [None, "JWT", "vc+sd-jwt", "kb+jwt", "statuslist+jwt", "dc+sd-jwt2"])
def test_v1_a_token_of_another_type_is_no_credential(typ: str | None) -> None:
    payload = {name: value for name, value in CLAIMS.items() if not isinstance(value, Hidden)}

    with pytest.raises(TokenRefused, match="typ"):
        verify(bound(f"{jose.sign(payload, ISSUER, typ)}~"))


@pytest.mark.parametrize("claim", ["iss", "vct"])
def test_another_issuer_or_type_is_refused(claim: str) -> None:
    for issued in (
        credential(**{claim: "https://other.example"}),
        credential(**{claim: None}),
        without(claim),
    ):
        with pytest.raises(TokenRefused, match=claim):
            verify(presented(issued))


def test_a_credential_for_an_audience_is_refused() -> None:
    with pytest.raises(TokenRefused, match="audience"):
        verify(presented(credential(aud=CHALLENGE.audience)))


# V2: disclosures that decide on validity


@pytest.mark.parametrize("name", sorted(sd_jwt_vc.NEVER_HIDDEN))
def test_v2_a_disclosure_shows_no_claim_that_decides_on_validity(name: str) -> None:
    value = CLAIMS.get(name, "x")
    text = base64url.encode(strict_json.dump(["salt-salt", name, value]))
    clear = {one: claim for one, claim in CLAIMS.items() if one != name and not isinstance(claim, Hidden)}
    token = jose.sign({**clear, "_sd": [digest(text)]}, ISSUER, "dc+sd-jwt")

    with pytest.raises(DisclosureRefused, match="decides on validity"):
        verify(bound(f"{token}~{text}~"))


def test_v2_nor_anything_inside_one() -> None:
    text = base64url.encode(strict_json.dump(["salt-salt", "jwk", OTHER.public.required_members]))

    with pytest.raises(DisclosureRefused, match="decides on validity"):
        verify(bound(shown(text, cnf={"_sd": [digest(text)]}), OTHER))


@pytest.mark.parametrize("name", ["vct", "iss", "exp", "cnf"])
def test_v2_a_disclosure_does_not_overwrite_what_the_issuer_said(name: str) -> None:
    text = base64url.encode(strict_json.dump(["salt-salt", name, "x"]))

    with pytest.raises(DisclosureRefused, match="overwrites"):
        verify(bound(shown(text, _sd=[digest(text)])))


# V3: key binding


def test_v3_without_key_binding_it_is_no_presentation() -> None:
    stripped = SdJwt.parse(presented()).bound

    with pytest.raises(KeyBindingRefused, match="no key binding"):
        verify(stripped)


def test_v3_a_presentation_is_no_credential_to_receive() -> None:
    with pytest.raises(TokenRefused, match="presentation"):
        sd_jwt_vc.verify_credential(presented(), TRUSTED, NOW)


@pytest.mark.parametrize(
    ("challenge", "reason"),
    [
        (replace(CHALLENGE, audience="https://other.example"), "aud"),
        (replace(CHALLENGE, audience=CHALLENGE.audience.upper()), "aud"),
        (replace(CHALLENGE, nonce="another"), "nonce"),
        (replace(CHALLENGE, nonce=""), "nonce"),
    ],
)
def test_v3_a_presentation_for_somebody_else_or_another_request_is_refused(
    challenge: Challenge, reason: str
) -> None:
    with pytest.raises(KeyBindingRefused, match=reason):
        verify(presented(), challenge)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": None}, "aud"),
        ({"aud": [CHALLENGE.audience]}, "aud"),
        ({"nonce": None}, "nonce"),
        ({"nonce": [CHALLENGE.nonce]}, "nonce"),
        ({"sd_hash": None}, "sd_hash"),
        ({"sd_hash": ""}, "sd_hash"),
        ({"sd_hash": digest("another")}, "sd_hash"),
        ({"iat": None}, "iat"),
        ({"iat": str(AT)}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": AT - 311}, "too long ago"),
        ({"iat": AT + 11}, "in the future"),
        ({"exp": AT - 11}, "expired"),
        ({"nbf": AT + 11}, "time"),
    ],
)
def test_v3_a_key_binding_that_says_something_else_is_refused(
    changes: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(KeyBindingRefused, match=reason):
        verify(bound(SdJwt.parse(presented()).bound, **changes))


@pytest.mark.parametrize("age", [-10, 0, 310])
def test_v3_a_key_binding_is_young_within_five_minutes_and_the_skew(age: int) -> None:
    assert verify(bound(SdJwt.parse(presented()).bound, iat=AT - age))


def test_v3_a_disclosure_added_or_taken_away_breaks_the_hash() -> None:
    full = SdJwt.parse(presented(credential(), NAME, ("age_over_18",)))
    for texts in (full.disclosures[:1], full.disclosures[::-1], ()):
        with pytest.raises(KeyBindingRefused, match="sd_hash"):
            verify(str(replace(full, disclosures=texts)))


def test_v3_a_key_binding_of_another_copy_is_refused() -> None:
    other = SdJwt.parse(presented(sd_jwt_vc.issue(CLAIMS, ISSUER, Random(5).randbytes)))

    with pytest.raises(KeyBindingRefused, match="sd_hash"):
        verify(str(replace(SdJwt.parse(presented()), key_binding=other.key_binding)))


def test_v3_a_key_binding_of_another_key_is_refused() -> None:
    for key in (OTHER, ISSUER):
        with pytest.raises(KeyBindingRefused, match="signature"):
            verify(presented(key=key))


@pytest.mark.parametrize("typ", ["JWT", "dc+sd-jwt", "dpop+jwt", "kb+jwt2"])
def test_v3_a_key_binding_of_another_type_is_refused(typ: str) -> None:
    with pytest.raises(KeyBindingRefused, match="typ"):
        verify(bound(SdJwt.parse(presented()).bound, typ=typ))


def test_v3_a_key_binding_does_not_bring_its_key() -> None:
    text = SdJwt.parse(presented()).bound
    payload = {"iat": AT, "aud": CHALLENGE.audience, "nonce": CHALLENGE.nonce, "sd_hash": digest(text)}

    for token in (jose.prove(payload, OTHER, "kb+jwt"), jose.sign(payload, HOLDER, "kb+jwt")):
        with pytest.raises(KeyBindingRefused, match="names a key"):
            verify(text + token)


@pytest.mark.parametrize(
    ("cnf", "reason"),
    [
        (None, "does not give a key"),
        ({}, "does not give a key"),
        ({"kid": "x"}, "does not give a key"),
        ("x", "does not give a key"),
        ({"jwk": HOLDER.public.required_members, "kid": "x"}, "does not give a key"),
        ({"jwk": HOLDER.private_jwk()}, "not a public key"),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "x"}}, "not a public key"),
        ({"jwk": "x"}, "not a public key"),
    ],
)
def test_v3_a_credential_that_names_no_usable_key_is_refused(cnf: object, reason: str) -> None:
    with pytest.raises(TokenRefused, match=reason):
        verify(presented(credential(cnf=cnf)))


def test_v3_a_credential_without_a_key_is_refused() -> None:
    with pytest.raises(TokenRefused, match="does not give a key"):
        verify(presented(without("cnf")))


# V8: out of its time


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": AT - 10}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": str(AT + 60)}, "exp"),
        ({"nbf": AT + 11}, "time has not come"),
        ({"iat": AT + 11}, "in the future"),
        ({"iat": "x"}, "iat"),
    ],
)
def test_v8_a_credential_out_of_its_time_is_refused(claims: Mapping[str, object], reason: str) -> None:
    with pytest.raises(CredentialNotValid, match=reason):
        verify(presented(credential(**claims)))


def test_v8_a_credential_that_never_expires_is_refused() -> None:
    with pytest.raises(CredentialNotValid, match="exp is missing"):
        verify(presented(without("exp")))


def test_v8_times_hold_within_the_skew() -> None:
    assert verify(presented(credential(exp=AT - 9, nbf=AT + 10, iat=AT + 10)))


def test_v8_a_retired_key_verifies_nothing() -> None:
    retired = replace(TRUSTED, keys=PublicKeySet((OTHER.public,)))

    with pytest.raises(TokenRefused, match="no key"):
        verify(presented(), trusted=retired)


@pytest.mark.parametrize(
    "status",
    [
        None,
        "x",
        {},
        {"other": {}},
        {"status_list": {"idx": -1, "uri": "https://x.example"}},
        {"status_list": {}},
    ],
)
def test_v8_a_status_that_cannot_be_looked_up_is_refused(status: object) -> None:
    with pytest.raises(TokenRefused, match="status"):
        verify(presented(credential(status=status)))


def test_a_challenge_is_answered_at_its_time() -> None:
    token = key_binding.bind("x~", CHALLENGE, HOLDER, NOW)

    key_binding.verify(token, "x~", CHALLENGE, HOLDER.public, NOW + timedelta(minutes=5))
    with pytest.raises(KeyBindingRefused):
        key_binding.verify(token, "x~", CHALLENGE, HOLDER.public, NOW + timedelta(minutes=6))
