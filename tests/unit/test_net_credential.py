"""The net credential: everybody's looks alike, and shows nothing until its owner lets it."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netid.credentials import base64url, jose, net_credential, sd_jwt_vc
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.sd_jwt import SdJwt
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential
from netid.credentials.status_list import StatusReference
from netid.identity.claims import CATALOGUE
from netid.identity.net_number import NetNumber

KEY = SigningKey.generate("ES256", Random(1).randbytes)
HOLDER = SigningKey.generate("ES256", Random(2).randbytes)
ISSUER = "https://netid.example"
NET_NUMBER = NetNumber.draw(Random(3).randbytes)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MIDNIGHT = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp())
CHALLENGE = Challenge("https://shop.example", "a nonce")
TRUSTED = Trusted(ISSUER, net_credential.type_of(ISSUER), PublicKeySet((KEY.public,)))
FIELDS: dict[str, str | bool] = {
    "name": "林示例",
    "document_kind": "resident-id",
    "document_number": "100101199001010018",
    "sex": "female",
    "birthdate": "1990-01-01",
    "nationality": "CHN",
    "document_expires_on": "2036-01-01",
    "phone_number": "11100000000",
    "age_over_14": True,
    "age_over_16": True,
    "age_over_18": True,
}


def issue(
    fields: Mapping[str, str | bool] = FIELDS, status: StatusReference | None = None, seed: int = 4
) -> str:
    return net_credential.issue(
        issuer=ISSUER,
        fields=fields,
        net_number=NET_NUMBER,
        holder_key=HOLDER.public,
        issued_on=date(2026, 11, 25),
        expires_on=date(2026, 11, 27),
        status=status,
        key=KEY,
        random=Random(seed).randbytes,
    )


def clear(credential: str) -> dict[str, object]:
    return dict(jose.unverified_payload(SdJwt.parse(credential).issued))


def present(credential: str, *names: str) -> VerifiedCredential:
    shown = sd_jwt_vc.present(credential, [(name,) for name in names], CHALLENGE, HOLDER, NOW)
    return sd_jwt_vc.verify_presentation(shown, TRUSTED, CHALLENGE, NOW)


def test_the_example_has_every_claim_of_the_catalogue() -> None:
    assert FIELDS.keys() == CATALOGUE.keys()


def test_nothing_stands_in_the_clear_but_issuer_type_days_key_and_that_it_is_a_mock() -> None:
    payload = clear(issue())

    digests = payload.pop("_sd")
    assert isinstance(digests, list)
    assert len(digests) == net_credential.DIGESTS
    assert payload == {
        "iss": ISSUER,
        "vct": "https://netid.example/vct/net-credential",
        "iat": MIDNIGHT,
        "exp": MIDNIGHT + 2 * 86400,
        "cnf": {"jwk": HOLDER.public.required_members},
        "mock": True,
        "_sd_alg": "sha-256",
    }


def test_a_status_stands_in_the_clear_where_there_is_one() -> None:
    reference = StatusReference(f"{ISSUER}/status/3", 4711)

    assert clear(issue(status=reference))["status"] == reference.claim()
    assert present(issue(status=reference)).status == reference


def test_each_field_and_the_net_number_has_a_disclosure_of_its_own() -> None:
    received = sd_jwt_vc.verify_credential(issue(), TRUSTED, NOW)

    assert set(received.disclosed) == {(name,) for name in (*FIELDS, "net_number")}
    assert {name: received.claims[name] for name in FIELDS} == FIELDS
    assert received.claims["net_number"] == NET_NUMBER.reveal()


@given(st.sets(st.sampled_from(sorted(FIELDS))))
def test_s6_a_person_s_credential_has_the_size_and_shape_of_everybody_s(present_fields: set[str]) -> None:
    issued = SdJwt.parse(issue({name: FIELDS[name] for name in present_fields})).issued
    whole = SdJwt.parse(issue()).issued

    assert len(issued) == len(whole)
    assert clear(f"{issued}~").keys() == clear(f"{whole}~").keys()


def test_the_catalogue_and_the_net_number_fit_into_the_digests() -> None:
    assert len(CATALOGUE) + 1 <= net_credential.DIGESTS


@pytest.mark.parametrize("names", [(), ("age_over_18",), ("name", "document_number")])
def test_a_reader_learns_what_is_shown_and_nothing_else(names: tuple[str, ...]) -> None:
    shown = sd_jwt_vc.present(issue(), [(name,) for name in names], CHALLENGE, HOLDER, NOW)
    readable = "".join(
        base64url.decode(part).decode("latin-1").encode("latin-1").decode("utf-8", "ignore")
        for part in shown.replace("~", ".").split(".")
        if part
    )

    for name, value in FIELDS.items():
        assert (json.dumps(name) in readable) == (name in names)
        if isinstance(value, str):
            assert (f'"{value}"' in readable) == (name in names)
    assert NET_NUMBER.reveal() not in readable
    assert set(present(issue(), *names).claims) & FIELDS.keys() == set(names)


def test_two_copies_share_no_digest() -> None:
    first, second = (set(clear(issue(seed=seed))["_sd"]) for seed in (5, 6))  # type: ignore[call-overload]

    assert first.isdisjoint(second)


def test_the_net_number_is_in_no_purpose_s_reach() -> None:
    assert net_credential.NET_NUMBER not in CATALOGUE


def test_a_claim_that_is_not_in_the_catalogue_is_a_mistake() -> None:
    for name in ("net_number", "iss", "_sd", "eye_colour"):
        with pytest.raises(KeyError, match="not in the catalogue"):
            issue({name: "x"})


@pytest.mark.parametrize("value", ["_sd", "...", "cnf", "status", '{"_sd":["x"]}', "~", '"],["'])
def test_c4_a_person_whose_values_look_like_the_format_is_a_person(value: str) -> None:
    assert present(issue({"name": value}), "name").claims["name"] == value


def test_the_type_metadata_names_every_claim_in_both_languages() -> None:
    metadata = net_credential.type_metadata(ISSUER)

    claims = metadata.pop("claims")
    assert metadata == {
        "vct": net_credential.type_of(ISSUER),
        "name": "Net credential (mock)",
        "description": "A mock: it identifies nobody. Every field is shown by its owner alone.",
        "display": [
            {"locale": "zh-CN", "name": "网证（模拟）"},
            {"locale": "en", "name": "Net credential (mock)"},
        ],
    }
    assert isinstance(claims, list)
    assert [claim["path"] for claim in claims] == [["net_number"], *([name] for name in CATALOGUE)]
    assert {claim["sd"] for claim in claims} == {"always"}
    assert claims[1]["display"] == [
        {"locale": "zh-CN", "label": "姓名"},
        {"locale": "en", "label": "Name"},
    ]
    assert {tuple(shown["locale"] for shown in claim["display"]) for claim in claims} == {("zh-CN", "en")}
