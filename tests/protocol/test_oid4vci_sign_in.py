"""OpenID4VCI 1.0, 5 and 12: the wallet's sign-in at the provider, and what the issuer says of itself."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from netid.credentials import net_credential
from netid.credentials.jwk import PublicKeySet
from netid.errors import RegistrationRefused
from netid.identity.claims import CATALOGUE
from netid.services.registration import checked_registration
from tests.pages import Page
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import Refusals, rows
from tests.protocol.visiting import Visitor, step_of
from tests.running import Running, Starter
from tests.wallets import PRE_AUTHORIZED, Wallet, new_key


@pytest.fixture
def wallet(provider: Running) -> Wallet:
    wallet = Wallet(provider)
    wallet.ready()
    return wallet


def document(running: Running, path: str) -> dict[str, Any]:
    answer = requests.get(running.url(path), timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in answer.headers["Cache-Control"]
    found: dict[str, Any] = answer.json()
    return found


# What the issuer says of itself


def test_the_metadata_names_every_endpoint_and_both_kinds_of_copy(shared: Running) -> None:
    described = document(shared, "/.well-known/openid-credential-issuer")
    assert described["credential_issuer"] == shared.issuer
    for name in ("credential", "nonce", "notification"):
        assert described[f"{name}_endpoint"] == shared.url(f"/{name}")
    assert described["batch_credential_issuance"] == {"batch_size": 100}
    configurations = described["credential_configurations_supported"]
    assert set(configurations) == {"net_credential", "net_credential_long"}
    for name, one in configurations.items():
        assert (one["format"], one["scope"]) == ("dc+sd-jwt", name)
        assert one["vct"] == net_credential.type_of(shared.issuer)
        assert one["proof_types_supported"] == {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}}
        paths = [claim["path"] for claim in one["credential_metadata"]["claims"]]
        assert paths == [["net_number"], *([name] for name in CATALOGUE)]


def test_the_authorization_server_says_that_wallets_may_be_anonymous(shared: Running) -> None:
    described = document(shared, "/.well-known/oauth-authorization-server")
    assert PRE_AUTHORIZED in described["grant_types_supported"]
    assert described["pre-authorized_grant_anonymous_access_supported"] is True


def test_the_keys_for_credentials_are_none_of_those_for_relying_parties(shared: Running) -> None:
    described = document(shared, "/.well-known/jwt-vc-issuer")
    assert described["issuer"] == shared.issuer
    keys = {key.thumbprint for key in PublicKeySet.from_jwks(described["jwks"]).keys}
    others = {key.thumbprint for key in PublicKeySet.from_jwks(document(shared, "/jwks")).keys}
    assert keys.isdisjoint(others)


def test_the_types_metadata_is_where_the_type_says(shared: Running) -> None:
    address = net_credential.type_of(shared.issuer)
    assert document(shared, urlsplit(address).path)["vct"] == address


def test_an_issuer_with_a_path_is_found_where_the_specification_looks(start: Starter) -> None:
    root = start()
    issuer = f"{root.issuer}/tenant"
    there = start(issuer=issuer)
    for name in ("openid-credential-issuer", "jwt-vc-issuer"):
        before = requests.get(f"{there.address}/.well-known/{name}/tenant", timeout=10).json()
        behind = requests.get(f"{there.address}/tenant/.well-known/{name}", timeout=10).json()
        assert before == behind
        assert issuer in before.values()


# The sign-in


def test_the_person_reads_what_goes_in_and_decides(wallet: Wallet, provider: Running) -> None:
    person = Visitor(provider)
    page = Page(person.walk(wallet.authorize(person.browser), stop="consent"))
    assert page.name == "page-wallet-consent"
    for name in CATALOGUE:
        assert page.has(f"claim-{name}")
    words = page.one("main").text
    assert "does not hear of it" in words
    assert "together could still recognise you" in words
    refused = person.send(page.response, decision="refuse")
    assert parse_qs(urlsplit(refused.headers["Location"]).query)["error"] == ["access_denied"]
    assert rows(provider)["access_tokens"] == []


def test_agreeing_gives_a_code_and_that_a_bound_token_for_credentials_alone(wallet: Wallet) -> None:
    answer = wallet.redeem(wallet.code(scope="net_credential net_credential_long openid netid.verify"))
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert answer.json()["scope"] == "net_credential net_credential_long"
    assert answer.json()["token_type"] == "DPoP"


def test_a_receipt_names_the_owners_own_wallet_and_article_45(wallet: Wallet, provider: Running) -> None:
    wallet.token()
    [entry] = provider.provider.services.rights.history(person_id_of(provider, "an-adult"))
    receipt = entry.stored.receipt
    assert (receipt.client_id, receipt.legal_basis) == ("netid-wallet", "PIPL-45")
    assert set(receipt.agreed) == set(CATALOGUE)


def test_every_time_is_asked_anew(wallet: Wallet, provider: Running) -> None:
    person = Visitor(provider)
    for _ in range(2):
        page = person.walk(wallet.authorize(person.browser), stop="consent")
        assert Page(page).name == "page-wallet-consent"
        assert "code=" in person.send(page, decision="agree").headers["Location"]


@pytest.mark.parametrize("factor", ["", "+face"])
@pytest.mark.parametrize("essential", [False, True])
def test_a_wallets_request_does_not_do_without_the_passcode(
    wallet: Wallet, provider: Running, factor: str, essential: bool
) -> None:
    acr = f"urn:netid:acr:credential{factor}"
    claims = {"id_token": {"acr": {"essential": True, "values": [acr]}}}
    asked = {"claims": json.dumps(claims)} if essential else {"acr_values": acr}
    person = Visitor(provider)

    page = person.walk(wallet.authorize(person.browser, **asked), stop="passcode")

    assert step_of(page) == "passcode"


@pytest.mark.parametrize("asked", [{}, {"max_age": "86400"}])
def test_r2_a_session_that_was_left_open_is_not_enough_for_a_wallet(
    wallet: Wallet, provider: Running, asked: dict[str, str]
) -> None:
    person = Visitor(provider)
    person.walk(wallet.authorize(person.browser, **asked), stop="consent")
    provider.clock.advance(minutes=4, seconds=58)
    assert step_of(person.open(wallet.authorize(person.browser, **asked))) == "consent"
    provider.clock.advance(seconds=2)
    assert step_of(person.open(wallet.authorize(person.browser, **asked))) == "sign-in"


def test_a1_a_wallets_request_has_to_be_pushed(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    given = {
        "client_id": "netid-wallet",
        "redirect_uri": wallet.callback,
        "response_type": "code",
        "scope": "net_credential",
    }
    address = provider.url("/authorize")
    refused(provider, lambda: requests.get(address, params=given, timeout=10), 400, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": "http://localhost:8200/other"}, "invalid_request"),
        ({"redirect_uri": "http://localhost:8201/callback"}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "netid.purpose.real-name-parcel"}, "invalid_scope"),
        ({"client_id": "another-wallet"}, "invalid_client"),
    ],
)
def test_p7_p8_what_is_not_the_wallets_own_is_not_pushed(
    wallet: Wallet, provider: Running, refused: Refusals, changes: dict[str, str | None], error: str
) -> None:
    status = 401 if error == "invalid_client" else 400
    refused(provider, lambda: wallet.push(**changes), status, error)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "b" * 50}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:8200/other"}, "invalid_grant"),
        ({"client_id": None}, "invalid_client"),
    ],
)
def test_t4_a_code_is_bound_to_verifier_and_redirect(
    wallet: Wallet, provider: Running, refused: Refusals, changes: dict[str, str | None], error: str
) -> None:
    code = wallet.code()
    status = 401 if error == "invalid_client" else 400
    refused(provider, lambda: wallet.redeem(code, **changes), status, error)
    assert wallet.redeem(code).status_code == 200


def test_t6_without_a_proof_there_is_no_token(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    code = wallet.code()
    form = {
        "grant_type": "authorization_code",
        "client_id": "netid-wallet",
        "code": code,
        "redirect_uri": wallet.callback,
        "code_verifier": wallet.verifier,
    }
    refused(provider, lambda: wallet.post("/token", data=form), 400, "invalid_dpop_proof")
    assert wallet.redeem(code).status_code == 200


def test_t3_a_relying_partys_code_is_none_of_the_wallets(wallet: Wallet, provider: Running) -> None:
    shop = provider.register()
    answer = wallet.redeem(shop.headless().code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_asked_for_with_a_key_is_redeemed_with_that_key_alone(wallet: Wallet) -> None:
    code = wallet.code(dpop_jkt=new_key().public.thumbprint)
    assert wallet.redeem(code).json()["error"] == "invalid_dpop_proof"
    code = wallet.code(dpop_jkt=wallet.key.public.thumbprint)
    assert wallet.redeem(code).status_code == 200


# Nobody else is the wallet


def entry_of(provider: Running, **changes: str) -> dict[str, Any]:
    """A registration file's entry, but for the changes."""
    entry = json.loads(provider.register().relying_party.model_dump_json()) | {"secret": "x" * 32}
    return {name: value for name, value in (entry | changes).items() if name != "secret_digest"}


@pytest.mark.parametrize("changes", [{"client_id": "netid-wallet"}, {"authentication": "none"}])
def test_nobody_registers_as_the_wallet_or_without_authentication(
    provider: Running, changes: dict[str, str]
) -> None:
    with pytest.raises(RegistrationRefused, match="none for the wallet alone"):
        checked_registration(entry_of(provider, **changes))


def test_what_is_built_in_cannot_be_replaced(provider: Running) -> None:
    with provider.provider.stores.db.read() as tx:
        built_in = provider.provider.stores.relying_parties.get(tx, "netid-wallet")
    assert built_in is not None
    with pytest.raises(RegistrationRefused, match="the provider's own"):
        provider.provider.services.registration.put(built_in)


def test_p1_the_wallets_name_authenticates_nowhere_else(provider: Running) -> None:
    jwk = json.dumps(new_key().public.required_members)
    answer = requests.post(
        provider.url("/access-certificate"), data={"client_id": "netid-wallet", "jwk": jwk}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_wallet_is_on_no_list_of_relying_parties(provider: Running) -> None:
    assert provider.provider.services.registration.list() == []
