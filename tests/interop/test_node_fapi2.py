"""openid-client and oauth4webapi (npm) in profile fapi2: PAR, DPoP with server nonces, private_key_jwt."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from netid.storage.tables import audit_events
from tests.interop.test_node_clients import CLIENTS, FIELDS, registered, run, run_documented
from tests.running import CALLBACK, Running


def job(provider: Running, **changes: Any) -> dict[str, Any]:
    """A job for a client of profile fapi2."""
    return registered(provider, "private_key_jwt", id_token_alg="ES256", profile="fapi2", **changes)


def refusals(provider: Running) -> list[tuple[str, str]]:
    """What relying parties were refused, with the code."""
    with provider.provider.stores.db.read() as tx:
        rows = tx.execute(select(audit_events.c.kind, audit_events.c.details).order_by("sequence")).all()
    return [(row.kind, json.loads(row.details)["error"]) for row in rows if row.kind.endswith("_refused")]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_fields_with_a_bound_token(provider: Running, node_clients: Path, client: str) -> None:
    seen = run(node_clients, client, job(provider, scope=FIELDS))

    assert seen["token_type"].lower() == "dpop"
    assert seen["userinfo"].keys() == {"sub", "name", "document_number"}
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"]


@pytest.mark.parametrize("client", CLIENTS)
def test_it_learns_the_nonce_once_and_keeps_it(provider: Running, node_clients: Path, client: str) -> None:
    run(node_clients, client, job(provider))

    assert refusals(provider) == [("push_refused", "use_dpop_nonce")]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_code_redeemed_twice_takes_its_bound_token_with_it(
    provider: Running, node_clients: Path, client: str
) -> None:
    seen = run(node_clients, client, job(provider, replay=True))

    assert (seen["replay"], seen["after_replay"]) == ("invalid_grant", "invalid_token")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("decision", ["refuse", "leave"])
def test_a_person_who_does_not_agree_is_access_denied(
    provider: Running, node_clients: Path, client: str, decision: str
) -> None:
    seen = run(node_clients, client, job(provider, decision=decision, scope=FIELDS))

    assert seen == {"error": "access_denied"}


@pytest.mark.parametrize("client", CLIENTS)
def test_another_verifier_redeems_nothing(provider: Running, node_clients: Path, client: str) -> None:
    assert run(node_clients, client, job(provider, wrong_verifier=True)) == {"error": "invalid_grant"}


def test_the_documented_lines_push_a_request(provider: Running, node_clients: Path) -> None:
    asked = job(provider)
    given = {"issuer": provider.issuer, "clientId": asked["client_id"], "redirectUri": CALLBACK}
    given |= {"privateJwk": asked["private_jwk"]}

    address = run_documented(node_clients, "openid_client_fapi2", given, "address.href")

    assert address.startswith(f"{provider.issuer}/authorize?")
    assert parse_qs(urlsplit(address).query).keys() == {"client_id", "request_uri"}
