"""openid-client and oauth4webapi (npm) sign a person in, every check of theirs on."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from netid.ambient import Ambient
from netid.credentials.jwk import SigningKey
from tests.interop.pages import snippets
from tests.running import CALLBACK, Running

CLIENTS = ("openid_client.mjs", "oauth4webapi.mjs")
PERSONA = "an-adult"
SECRET = "a+secret/with%everything: that=form&encoding changes"
CLIENT_KEY = SigningKey.generate("ES256", Ambient.real().random)

CHECK_RESULT = "openid netid.verify"
FIELDS = "openid netid.purpose.real-name-parcel"
ID_TOKEN_MEMBERS = {"iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "at_hash", "nonce", "mock"}
SIGNED_MEMBERS = {"iss", "aud", "mock"}

AUTHENTICATION: dict[str, dict[str, Any]] = {
    "client_secret_basic": {"secret": SECRET},
    "client_secret_post": {"secret": SECRET},
    "private_key_jwt": {"secret": None, "jwks": {"keys": [CLIENT_KEY.public.jwk()]}},
}


def run(node: Path, client: str, job: dict[str, Any]) -> dict[str, Any]:
    """What the client saw of the flow."""
    done = subprocess.run(
        ["node", node / client],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert isinstance(seen, dict)
    return seen


def registered(
    provider: Running,
    method: str,
    *,
    id_token_alg: str = "RS256",
    userinfo_alg: str | None = None,
    decision: str = "agree",
    profile: str = "oidc",
    **job: Any,
) -> dict[str, Any]:
    """A job for a client that is registered for it and whose person has made up their mind."""
    client = provider.register(
        "a-node-client",
        profile=profile,
        authentication=method,
        id_token_signed_response_alg=id_token_alg,
        userinfo_signed_response_alg=userinfo_alg,
        **AUTHENTICATION[method],
    )
    provider.approve(PERSONA, decision=decision)
    return {
        "issuer": provider.issuer,
        "profile": profile,
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "authentication": method,
        "secret": SECRET,
        "private_jwk": CLIENT_KEY.private_jwk(),
        "id_token_alg": id_token_alg,
        "userinfo_alg": userinfo_alg,
        "discovery": "oidc",
        "scope": CHECK_RESULT,
        "login_hint": PERSONA,
        **job,
    }


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("id_token_alg", ["RS256", "ES256"])
@pytest.mark.parametrize("method", AUTHENTICATION)
def test_a_client_receives_the_check_result_and_nothing_else(
    provider: Running, node_clients: Path, client: str, method: str, id_token_alg: str
) -> None:
    seen = run(node_clients, client, registered(provider, method, id_token_alg=id_token_alg))

    assert seen["claims"].keys() == ID_TOKEN_MEMBERS | {"verified_claims"}
    assert seen["claims"]["verified_claims"] == {
        "verification": {"trust_framework": "cn_netid_mock"},
        "claims": {},
    }
    assert seen["userinfo"] == {"sub": seen["claims"]["sub"]}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("userinfo_alg", ["RS256", "ES256"])
def test_a_client_reads_fields_from_signed_userinfo(
    provider: Running, node_clients: Path, client: str, userinfo_alg: str
) -> None:
    job = registered(provider, "private_key_jwt", userinfo_alg=userinfo_alg, scope=FIELDS)

    seen = run(node_clients, client, job)

    assert seen["claims"].keys() == ID_TOKEN_MEMBERS
    released = {name: value for name, value in seen["userinfo"].items() if name not in SIGNED_MEMBERS}
    assert released.keys() == {"sub", "name", "document_number"}
    assert (released["sub"], released["name"]) == (seen["claims"]["sub"], "林示例")
    assert seen["userinfo"].keys() - released.keys() == SIGNED_MEMBERS


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("decision", ["refuse", "leave"])
def test_a_person_who_does_not_agree_is_access_denied(
    provider: Running, node_clients: Path, client: str, decision: str
) -> None:
    job = registered(provider, "client_secret_basic", decision=decision, scope=FIELDS)

    assert run(node_clients, client, job) == {"error": "access_denied"}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_code_redeemed_twice_takes_its_token_with_it(
    provider: Running, node_clients: Path, client: str
) -> None:
    seen = run(node_clients, client, registered(provider, "client_secret_post", replay=True))

    assert seen["userinfo"] == {"sub": seen["claims"]["sub"]}
    assert (seen["replay"], seen["after_replay"]) == ("invalid_grant", "invalid_token")


@pytest.mark.parametrize("client", CLIENTS)
def test_another_verifier_redeems_nothing(provider: Running, node_clients: Path, client: str) -> None:
    job = registered(provider, "client_secret_basic", wrong_verifier=True)

    assert run(node_clients, client, job) == {"error": "invalid_grant"}


@pytest.mark.parametrize("client", CLIENTS)
def test_another_secret_is_no_client(provider: Running, node_clients: Path, client: str) -> None:
    job = registered(provider, "client_secret_basic", secret=SECRET[::-1])

    assert run(node_clients, client, job) == {"error": "invalid_client"}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_purpose_of_somebody_else_is_an_invalid_scope(
    provider: Running, node_clients: Path, client: str
) -> None:
    job = registered(provider, "client_secret_basic", scope="openid netid.purpose.of-another")

    assert run(node_clients, client, job) == {"error": "invalid_scope"}


def test_the_metadata_is_also_found_as_rfc_8414_has_it(provider: Running, node_clients: Path) -> None:
    job = registered(provider, "private_key_jwt", discovery="oauth2")

    assert run(node_clients, "oauth4webapi.mjs", job)["claims"]["iss"] == provider.issuer


def run_documented(node: Path, name: str, given: dict[str, Any], shown: str) -> str:
    """What an expression is after the documented lines of that name, which lean on what is given."""
    [lines] = snippets("other-libraries.md", name)
    script = [f"const {variable} = {json.dumps(value)};" for variable, value in given.items()]
    done = subprocess.run(
        ["node", "--input-type=module"],
        input="\n".join([*script, lines, f"console.log({shown});"]),
        cwd=node,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_documented_lines_configure_openid_client(provider: Running, node_clients: Path) -> None:
    given = {"issuer": provider.issuer, "clientId": "a-node-client", "clientSecret": SECRET}
    endpoint = run_documented(node_clients, "openid_client", given, "config.serverMetadata().token_endpoint")
    assert endpoint == f"{provider.issuer}/token"
