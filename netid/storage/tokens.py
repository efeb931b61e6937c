"""Access tokens: opaque, short-lived, revocable."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from netid.storage.tables import access_tokens as table
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class AccessToken:
    """One access token as the provider keeps it."""

    digest: bytes
    """SHA-256 of the token."""
    code_digest: bytes
    """SHA-256 of the code it was issued for."""
    client_id: str
    person_id: str
    receipt_id: str | None
    """The consent it rests on; None where a remembered check result needed none."""
    grant: str
    """What it permits, as JSON text."""
    expires_at: datetime


_ADD = insert(table).values(revoked_at=None)
_COLUMNS = [table.c[name] for name in AccessToken.__dataclass_fields__]
_GET = select(*_COLUMNS).where(
    table.c.digest == bindparam("digest"), table.c.revoked_at.is_(None), table.c.expires_at > bindparam("now")
)
_REVOKE = update(table).where(table.c.revoked_at.is_(None)).values(revoked_at=bindparam("b_now"))
_REVOKE_ONE = _REVOKE.where(
    table.c.digest == bindparam("b_digest"), table.c.client_id == bindparam("b_client")
)
_REVOKE_BY_CODE = _REVOKE.where(table.c.code_digest == bindparam("b_code"))
_REVOKE_OF_PERSON = _REVOKE.where(table.c.person_id == bindparam("b_person"))
_REVOKE_AT_CLIENT = _REVOKE_OF_PERSON.where(table.c.client_id == bindparam("b_client"))
_PURGE = delete(table).where(table.c.expires_at < bindparam("now"))


class AccessTokens:
    """The access tokens that were issued."""

    def add(
        self,
        tx: Transaction,
        *,
        digest: bytes,
        code_digest: bytes,
        client_id: str,
        person_id: str,
        receipt_id: str | None,
        grant: str,
        expires_at: datetime,
    ) -> None:
        """Keep a token that is being issued; the parts are those of `AccessToken`."""
        token = AccessToken(digest, code_digest, client_id, person_id, receipt_id, grant, expires_at)
        tx.execute(_ADD, token.__dict__)

    def get(self, tx: Transaction, digest: bytes, now: datetime) -> AccessToken | None:
        """The token, while it is neither expired nor revoked."""
        row = tx.execute(_GET, {"digest": digest, "now": now}).first()
        return AccessToken(*row) if row else None

    def revoke(self, tx: Transaction, digest: bytes, client_id: str, now: datetime) -> bool:
        """End one token of that relying party; another's token stays as it is (RFC 7009, 2.1)."""
        values = {"b_digest": digest, "b_client": client_id, "b_now": now}
        return tx.execute(_REVOKE_ONE, values).rowcount == 1

    def revoke_by_code(self, tx: Transaction, code_digest: bytes, now: datetime) -> int:
        """End the tokens of a replayed code (RFC 6749, 4.1.2); how many."""
        return tx.execute(_REVOKE_BY_CODE, {"b_code": code_digest, "b_now": now}).rowcount

    def revoke_for(self, tx: Transaction, person_id: str, client_id: str | None, now: datetime) -> int:
        """End a person's tokens at one relying party, or at all of them; how many."""
        values = {"b_person": person_id, "b_now": now}
        if client_id is None:
            return tx.execute(_REVOKE_OF_PERSON, values).rowcount
        return tx.execute(_REVOKE_AT_CLIENT, values | {"b_client": client_id}).rowcount

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget expired tokens; how many."""
        return tx.execute(_PURGE, {"now": now}).rowcount
