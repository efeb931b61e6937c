"""POST /access-certificate: what a relying party needs to ask wallets (OpenID4VP 1.0, 5.1 and 5.9.3)."""

import json
import secrets

import pytest
import requests

from netid.credentials import registration_statement
from netid.credentials.certificate_chain import chain_to, read_certificate, x509_hash
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.errors import TokenRefused
from tests.protocol.refusals import PLANTED
from tests.running import Client

KEY = SigningKey.generate("ES256", secrets.token_bytes)


@pytest.fixture
def bank(shared) -> Client:
    return shared.register("a-bank-with-wallets", profile="fapi2")


def ask(client: Client, **changes: str) -> requests.Response:
    return client.post("/access-certificate", {"jwk": json.dumps(KEY.public.required_members)} | changes)


def issuer_document(client: Client, name: str) -> dict:
    return requests.get(client.running.url(f"/.well-known/{name}"), timeout=10).json()


def test_the_certificate_leads_to_the_root_in_the_metadata(bank):
    answer = ask(bank).json()
    described = issuer_document(bank, "openid-credential-issuer")
    assert answer["trust_anchor"] == described["trust_anchor"]
    root = read_certificate([described["trust_anchor"]])
    key = chain_to(root, bank.running.clock.now()).leaf_key(answer["certificate_chain"])
    assert key.thumbprint == KEY.public.thumbprint


def test_the_statement_says_what_is_registered_now_and_names_the_certificate(bank):
    answer = ask(bank).json()
    keys = PublicKeySet.from_jwks(issuer_document(bank, "jwt-vc-issuer")["jwks"])
    issuer, now = bank.running.issuer, bank.running.clock.now()
    statement = registration_statement.verify(answer["registration"], issuer, keys, now)
    assert statement.client_id == bank.client_id
    assert statement.purposes == bank.relying_party.purposes
    assert statement.x509_hash == x509_hash(read_certificate(answer["certificate_chain"]))


def test_a_statement_ends(bank):
    answer = ask(bank).json()
    keys = PublicKeySet.from_jwks(issuer_document(bank, "jwt-vc-issuer")["jwks"])
    later = bank.running.clock.now() + registration_statement.LIFETIME * 2
    with pytest.raises(TokenRefused, match="expired"):
        registration_statement.verify(answer["registration"], bank.running.issuer, keys, later)


def test_whoever_has_a_secret_may_ask_wallets_too(shared):
    assert ask(shared.register("a-shop-with-wallets")).status_code == 200


def test_nobody_else_gets_one(bank, refused):
    form = {"client_id": bank.client_id, "jwk": json.dumps(KEY.public.required_members)}
    address = bank.running.url("/access-certificate")
    refused(bank.running, lambda: requests.post(address, data=form, timeout=10), 401, "invalid_client")


@pytest.mark.parametrize(
    "jwk",
    [
        PLANTED,
        "",
        "[]",
        '{"kty":"oct","k":"AAAA"}',
        json.dumps(KEY.private_jwk()),
        json.dumps({**KEY.public.required_members, "x": "AAAA"}),
        json.dumps(SigningKey.generate("RS256", secrets.token_bytes).public.required_members),
    ],
    ids=["no-json", "none", "list", "symmetric", "private", "off-the-curve", "rsa"],
)
def test_what_is_no_public_p256_key_is_refused(bank, refused, jwk):
    # The assertion that came with it counts as used.
    answer = refused(
        bank.running,
        lambda: ask(bank, jwk=jwk),
        400,
        "invalid_request",
        effects={"single_use"},
        audited=("access_refused",),
    )
    assert answer.description.startswith("jwk must be a")
