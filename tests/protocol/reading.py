"""Reads what the provider signed with a library that nobody here wrote."""

from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.running import Client, Running


def key_set(running: Running) -> KeySet:
    """The provider's published keys."""
    return KeySet.import_key_set(requests.get(running.url("/jwks"), timeout=10).json())


def signed(running: Running, token: str, algorithm: str = "ES256") -> dict[str, Any]:
    """The claims of a JWT that the provider signed with this algorithm."""
    decoded = jwt.decode(token, key_set(running), algorithms=[algorithm])
    assert decoded.header["alg"] == algorithm
    return dict(decoded.claims)


def id_token(client: Client, persona: str = "an-adult", **changes: str | None) -> dict[str, Any]:
    """The ID token's claims after a whole flow."""
    algorithm = client.relying_party.id_token_signed_response_alg
    return signed(client.running, client.tokens(persona, **changes)["id_token"], algorithm)
