"""@openid4vc/openid4vci (npm): a wallet of somebody else's gets a batch, by an offer and by a sign-in."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from netid.credentials import net_credential
from netid.credentials.jwk import PublicKey, PublicKeySet
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential, verify_credential
from tests.pages import Page
from tests.protocol.meddling import person_id_of
from tests.running import Running
from tests.wallets import Owner

SHORT, LONG = "net_credential", "net_credential_long"


def run(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What that wallet got."""
    done = subprocess.run(
        ["node", "openid4vci.mjs"],
        cwd=folder,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def verified(provider: Running, seen: dict[str, Any]) -> list[VerifiedCredential]:
    """The copies, each bound to the key that was proved for it."""
    jwks = requests.get(provider.url("/.well-known/jwt-vc-issuer"), timeout=10).json()["jwks"]
    trusted = Trusted(provider.issuer, net_credential.type_of(provider.issuer), PublicKeySet.from_jwks(jwks))
    now = provider.clock.now()
    copies = [verify_credential(one["credential"], trusted, now) for one in seen["credentials"]]
    proved = [PublicKey.from_jwk(jwk).thumbprint for jwk in seen["keys"]]
    assert [copy.holder_key.thumbprint for copy in copies] == proved
    return copies


@pytest.mark.parametrize("configuration", [SHORT, LONG])
def test_an_offer_with_a_transaction_code_gives_a_batch_of_three(
    provider: Running, node_clients: Path, configuration: str
) -> None:
    page = Page(Owner(provider).agree())
    job = {
        "offer": page.test("offer-link").text,
        "tx_code": page.test("tx-code").text,
        "copies": 3,
        "configuration": configuration,
    }
    copies = verified(provider, run(node_clients, job))

    assert len(copies) == 3
    assert {copy.claims["age_over_18"] for copy in copies} == {True}
    assert [copy.status is not None for copy in copies] == [configuration == LONG] * 3
    with provider.provider.stores.db.read() as tx:
        events = provider.provider.stores.audit.of_person(tx, person_id_of(provider, "an-adult"))
    assert "credential_accepted" in [event.kind for event in events]


def test_a_sign_in_gives_a_batch_of_three(provider: Running, node_clients: Path) -> None:
    provider.approve(persona="an-adult", client_id="netid-wallet")
    job = {
        "issuer": provider.issuer,
        "redirect_uri": "http://localhost:8200/callback",
        "persona": "an-adult",
        "verifier": "a-verifier-of-at-least-43-characters-it-has-to-be",
        "copies": 3,
        "configuration": LONG,
    }
    assert len(verified(provider, run(node_clients, job))) == 3
