"""Relying parties with keys, and JWTs put together by hand, so that any part of one can be wrong."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests

from netid.credentials.jwk import Algorithm, SigningKey
from tests.running import ASSERTION_TYPE, CALLBACK, Client, Running

Part = Mapping[str, Any] | str | bytes


def encoded(part: Part) -> str:
    """One part of a compact JWS: an object, or exactly this text."""
    text = part if isinstance(part, str | bytes) else json.dumps(part)
    data = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: Part, payload: Part, key: SigningKey) -> str:
    """A compact JWS over exactly these parts."""
    signing_input = f"{encoded(header)}.{encoded(payload)}"
    return f"{signing_input}.{encoded(key.sign(signing_input.encode()))}"


@dataclass(frozen=True)
class Keyed:
    """A relying party that proves itself with a key."""

    client: Client
    key: SigningKey

    @classmethod
    def register(
        cls, running: Running, client_id: str, algorithm: Algorithm = "ES256", **changes: Any
    ) -> "Keyed":
        """Registers one with a fresh key."""
        key = SigningKey.generate(algorithm, secrets.token_bytes)
        entry = {"authentication": "private_key_jwt", "secret": None, "jwks": {"keys": [key.public.jwk()]}}
        return cls(running.register(client_id, **(entry | changes)), key)

    @property
    def header(self) -> dict[str, Any]:
        """The header of an assertion as it should be."""
        return {"alg": self.key.public.algorithm, "kid": self.key.public.kid}

    def payload(self, **changes: Any) -> dict[str, Any]:
        """The claims of an assertion as they should be, but for the changes; None leaves one out."""
        now = int(self.client.running.clock.now().timestamp())
        claims = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.client.running.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def assertion(self, **changes: Any) -> str:
        """A signed assertion."""
        return forge(self.header, self.payload(**changes), self.key)

    def at(self, running: Running) -> "Keyed":
        """The same relying party, talking to another worker."""
        return Keyed(replace(self.client, running=running), self.key)

    def redeem(self, code: str, assertion: str, **changes: str | None) -> requests.Response:
        """POST /token with this assertion."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.client.verifier,
        }
        return self._send("/token", form, assertion, changes)

    def push(self, assertion: str, **changes: str | None) -> requests.Response:
        """POST /par with this assertion."""
        return self._send("/par", self.client.request(), assertion, changes)

    def _send(
        self,
        endpoint: str,
        form: Mapping[str, str | None],
        assertion: str,
        changes: Mapping[str, str | None],
    ) -> requests.Response:
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        given = {name: value for name, value in {**form, **proof, **changes}.items() if value is not None}
        return requests.post(self.client.running.url(endpoint), data=given, timeout=10)
