"""What the provider says of a relying party to wallets: who it is, and what it may ask for.

A relying party sends it along with each request (OpenID4VP 1.0, 5.1, `verifier_info`), so that a
wallet can refuse what goes beyond it without asking anybody.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from netid.credentials import jose
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.errors import TokenRefused
from netid.identity.relying_party import Purpose, RelyingParty
from netid.identity.text import Text, Words

TYPE = "netid-registration+jwt"
"""The statement's `typ`, and its `format` in `verifier_info`."""

LIFETIME = timedelta(days=2)
"""How long a statement is good for: what is taken from a registration ends so much later at most."""


class Statement(BaseModel):
    """One relying party, as wallets know it."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    client_id: Annotated[str, StringConstraints(min_length=1)]
    x509_hash: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    """The access certificate that its requests are signed with; another's requests cannot borrow it."""
    name: Text
    contact: Words
    legal_entity: Text
    purposes: tuple[Purpose, ...]

    @classmethod
    def of(cls, relying_party: RelyingParty, x509_hash: str) -> "Statement":
        """The statement on a registration as it is now."""
        return cls(
            client_id=relying_party.client_id,
            x509_hash=x509_hash,
            name=relying_party.name,
            contact=relying_party.contact,
            legal_entity=relying_party.legal_entity.name,
            purposes=relying_party.purposes,
        )

    def purpose(self, purpose_id: str) -> Purpose | None:
        """Its purpose of that id."""
        return next((purpose for purpose in self.purposes if purpose.id == purpose_id), None)


def state(statement: Statement, issuer: str, key: SigningKey, now: datetime) -> str:
    """The signed statement."""
    begins = int(now.timestamp())
    payload = {
        "iss": issuer,
        "iat": begins,
        "exp": begins + int(LIFETIME.total_seconds()),
        "mock": True,
        **statement.model_dump(mode="json"),
    }
    return jose.sign(payload, key, TYPE)


def verify(token: str, issuer: str, keys: PublicKeySet, now: datetime) -> Statement:
    """The statement of this provider. Raises TokenRefused."""
    source = jose.Pinned(keys)
    payload = jose.verify(token, key_source=source, algorithms=("ES256",), typ=TYPE, max_bytes=32_768).payload
    jose.check_issuer(payload, issuer)
    jose.check_times(payload, now, required=("exp", "iat"))
    return _read(payload)


def _read(payload: Mapping[str, object]) -> Statement:
    try:
        return Statement.model_validate(payload)
    except ValidationError as error:
        raise TokenRefused("the statement is not one on a registration") from error
