"""A guardian's word, made out to a child's wallet: for one relying party and one purpose (Measures,
article 5; PIPL 31).

The provider signs it when the guardian agrees, and the wallet keeps it: to see that a guardian agreed,
nobody has to be asked while the credential is shown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from netid.credentials import jose
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.errors import TokenRefused
from netid.identity.relying_party import Purpose
from netid.identity.text import Text

TYPE = "netid-grant+jwt"

_Model = TypeVar("_Model", bound=BaseModel)

LIFETIME = timedelta(days=30)
"""How long a grant is good for at most: a guardian who takes it back ends it by then."""


class AllowedPurpose(BaseModel):
    """The purpose that a guardian read, and no other that is called the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1)]
    text: Text
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of everything in it: a purpose that changed since has to be permitted anew (PIPL, article 14)."""

    @classmethod
    def of(cls, purpose: Purpose) -> "AllowedPurpose":
        """The purpose as it is registered now."""
        return cls(id=purpose.id, text=purpose.text, digest=purpose.digest)


@dataclass(frozen=True)
class Grant:
    """What a guardian allows."""

    wallet_key: str
    """The thumbprint of the wallet's own key (RFC 7638), the one its access tokens are bound to."""
    client_id: str
    """The relying party, as it is registered."""
    platform: Text
    """What it is called."""
    purpose: AllowedPurpose | None
    """None for the check result alone."""
    expires_at: datetime

    def allows(self, client_id: str, purpose: Purpose | None) -> bool:
        """Whether it is for this purpose of this relying party, as it is worded now."""
        wanted = None if purpose is None else AllowedPurpose.of(purpose)
        return self.client_id == client_id and self.purpose == wanted


def state(grant: Grant, issuer: str, key: SigningKey, now: datetime) -> str:
    """The signed grant."""
    payload: dict[str, object] = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "exp": int(grant.expires_at.timestamp()),
        "mock": True,
        "cnf": {"jkt": grant.wallet_key},
        "client_id": grant.client_id,
        "name": grant.platform.model_dump(),
    }
    if grant.purpose is not None:
        payload["purpose"] = grant.purpose.model_dump()
    return jose.sign(payload, key, TYPE)


def verify(token: str, issuer: str, keys: PublicKeySet, now: datetime) -> Grant:
    """The grant of this provider, good now. Raises TokenRefused."""
    payload = jose.verify(token, key_source=jose.Pinned(keys), algorithms=("ES256",), typ=TYPE).payload
    jose.check_issuer(payload, issuer)
    jose.check_times(payload, now, required=("exp", "iat"), max_age=LIFETIME)
    match payload.get("cnf"):
        case {"jkt": str(thumbprint)}:
            return Grant(
                wallet_key=thumbprint,
                client_id=jose.text_claim(payload, "client_id"),
                platform=_read(Text, payload.get("name")),
                purpose=_read(AllowedPurpose, payload["purpose"]) if "purpose" in payload else None,
                expires_at=jose.time_claim(payload, "exp"),
            )
    raise TokenRefused("cnf does not name a wallet's key")


def _read(kind: type[_Model], value: object) -> _Model:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise TokenRefused("it does not say what is permitted") from error
