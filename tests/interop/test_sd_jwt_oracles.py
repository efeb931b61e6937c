"""PyPI sd-jwt and npm @sd-jwt/sd-jwt-vc: each verifies what we issue and present, and we what they do."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from netid.ambient import Ambient
from netid.credentials import sd_jwt_vc, status_list
from netid.credentials.disclosures import Hidden
from netid.credentials.disclosures import Path as ClaimPath
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.sd_jwt_vc import Trusted
from netid.credentials.status_list import StatusList
from netid.errors import TokenRefused

REAL = Ambient.real()
NOW = REAL.now()
AT = int(NOW.timestamp())
ISSUER = SigningKey.generate("ES256", REAL.random)
HOLDER = SigningKey.generate("ES256", REAL.random)
TRUSTED = Trusted("https://netid.example", "https://netid.example/type", PublicKeySet((ISSUER.public,)))
CHALLENGE = Challenge("https://shop.example", "n-0S6_WzA2Mj")

CLEAR: dict[str, Any] = {
    "iss": TRUSTED.issuer,
    "vct": TRUSTED.vct,
    "iat": AT,
    "exp": AT + 3600,
    "cnf": {"jwk": HOLDER.public.required_members},
}
HIDDEN: dict[str, Any] = {
    "name": Hidden("林示例"),
    "age_over_18": Hidden(True),
    "address": Hidden({"country": "CN", "city": Hidden("成都"), "street": Hidden("人民路")}),
    "nationalities": [Hidden("CN"), Hidden("FR"), "DE"],
}
PATHS: list[ClaimPath] = [("name",), ("address",), ("address", "city"), ("nationalities", 1)]
SHOWN = {"name": "林示例", "address": {"country": "CN", "city": "成都"}, "nationalities": ["FR", "DE"]}


def ours() -> str:
    return sd_jwt_vc.issue({**CLEAR, **HIDDEN}, ISSUER, REAL.random, 8)


def our_presentation(credential: str) -> str:
    return sd_jwt_vc.present(credential, PATHS, CHALLENGE, HOLDER, REAL.now())


def we_read(presentation: str) -> dict[str, Any]:
    # The reference implementation binds by the clock, long after this file was loaded.
    return dict(sd_jwt_vc.verify_presentation(presentation, TRUSTED, CHALLENGE, REAL.now()).claims)


# PyPI sd-jwt


def jwk(key: SigningKey) -> JWK:
    return JWK(
        **{name: value for name, value in key.private_jwk().items() if name not in {"use", "alg", "kid"}}
    )


def theirs() -> str:
    """The same credential, as the reference implementation issues it."""
    hidden = {
        SDObj("name"): "林示例",
        SDObj("age_over_18"): True,
        SDObj("address"): {"country": "CN", SDObj("city"): "成都", SDObj("street"): "人民路"},
        "nationalities": [SDObj("CN"), SDObj("FR"), "DE"],
    }
    header = {"typ": "dc+sd-jwt", "kid": ISSUER.public.kid}
    issued = SDJWTIssuer(CLEAR | hidden, jwk(ISSUER), add_decoy_claims=True, extra_header_parameters=header)
    return str(issued.sd_jwt_issuance)


def they_read(presentation: str) -> dict[str, Any]:
    verifier = SDJWTVerifier(presentation, lambda *_: jwk(ISSUER), CHALLENGE.audience, CHALLENGE.nonce)
    read = verifier.get_verified_payload()
    assert isinstance(read, dict)
    return read


def test_the_reference_implementation_reads_what_we_issue_and_present() -> None:
    assert they_read(our_presentation(ours())) == CLEAR | SHOWN


def test_we_read_what_the_reference_implementation_issues() -> None:
    assert we_read(our_presentation(theirs())) == CLEAR | SHOWN


@pytest.mark.parametrize("issue", [ours, theirs])
def test_we_read_what_the_reference_implementation_presents(issue: Any) -> None:
    holder = SDJWTHolder(issue())
    holder.create_presentation(
        {"name": True, "address": {"city": True}, "nationalities": [False, True]},
        CHALLENGE.nonce,
        CHALLENGE.audience,
        jwk(HOLDER),
    )

    assert we_read(holder.sd_jwt_presentation) == CLEAR | SHOWN


def test_the_reference_implementation_lets_pass_what_we_refuse() -> None:
    """An unreferenced disclosure: this control shows that the refusal is ours, and needed (V2)."""
    holder = SDJWTHolder(theirs())
    holder.create_presentation({"name": True})
    presented = holder.sd_jwt_presentation + "WyJzYWx0Iiwic2V4IiwiZmVtYWxlIl0~"

    payload = SDJWTVerifier(presented, lambda *_: jwk(ISSUER)).get_verified_payload()

    assert payload["name"] == "林示例"
    with pytest.raises(TokenRefused, match="belongs to no digest"):
        sd_jwt_vc.verify_credential(presented, TRUSTED, NOW)


# npm @sd-jwt/sd-jwt-vc


def node(clients: Path, act: str, **job: Any) -> Any:
    done = subprocess.run(
        ["node", clients / "sd_jwt_vc.mjs"],
        input=json.dumps({"act": act, **job}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "error" not in seen, seen["error"]
    return seen["done"]


def issued_by_node(clients: Path) -> str:
    claims = CLEAR | {
        "name": "林示例",
        "age_over_18": True,
        "address": {"country": "CN", "city": "成都", "street": "人民路"},
        "nationalities": ["CN", "FR", "DE"],
    }
    frame = {
        "_sd": ["name", "age_over_18", "address"],
        "_sd_decoy": 3,
        "address": {"_sd": ["city", "street"]},
        "nationalities": {"_sd": [0, 1]},
    }
    issued = node(clients, "issue", claims=claims, frame=frame, issuer_jwk=ISSUER.private_jwk())
    assert isinstance(issued, str)
    return issued


def test_npm_reads_what_we_issue_and_present(node_clients: Path) -> None:
    seen = node(
        node_clients,
        "verify",
        presentation=our_presentation(ours()),
        issuer_jwk=ISSUER.public.jwk(),
        nonce=CHALLENGE.nonce,
    )

    assert seen["payload"] == CLEAR | SHOWN
    assert seen["key_binding"]["aud"] == CHALLENGE.audience


def test_we_read_what_npm_issues(node_clients: Path) -> None:
    assert we_read(our_presentation(issued_by_node(node_clients))) == CLEAR | SHOWN


def test_we_read_what_npm_presents(node_clients: Path) -> None:
    for credential in (ours(), issued_by_node(node_clients)):
        presentation = node(
            node_clients,
            "present",
            credential=credential,
            frame={"name": True, "address": {"city": True}, "nationalities": {"1": True}},
            holder_jwk=HOLDER.private_jwk(),
            key_binding={
                "iat": int(REAL.now().timestamp()),
                "aud": CHALLENGE.audience,
                "nonce": CHALLENGE.nonce,
            },
        )

        assert we_read(presentation) == CLEAR | SHOWN


def test_npm_reads_our_status_lists_and_we_theirs(node_clients: Path) -> None:
    statuses = {0: 1, 7: 2, 1000: 3, 2**17 - 1: 1}
    token = status_list.sign(
        StatusList.of(2**17, 2, statuses),
        ISSUER,
        uri="https://netid.example/status/1",
        issuer=TRUSTED.issuer,
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        time_to_live=timedelta(minutes=5),
    )
    indexes = [0, 1, 7, 8, 1000, 2**17 - 1]

    read = node(node_clients, "read_status_list", token=token, indexes=indexes)
    packed = node(node_clients, "pack_status_list", statuses=[1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3], bits=2)

    assert read == [statuses.get(index, 0) for index in indexes]
    assert StatusList.from_claim({"bits": 2, "lst": packed}).data == bytes.fromhex("c944f9")
