"""Secrets that work once: codes, nonces, request URIs, `jti` values."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import single_use as table
from netid.storage.transaction import Transaction

KEPT_AFTER_EXPIRY = timedelta(hours=2)
"""A clock that jumped an hour ahead and back must find what was used while it was ahead."""


class Kind(StrEnum):
    """What a secret is for; a value of one kind is never taken for another."""

    CODE = "code"
    ASSERTION_JTI = "assertion_jti"
    DPOP_JTI = "dpop_jti"
    REQUEST_URI = "request_uri"
    NONCE = "nonce"
    ACTION = "action"
    PRE_AUTHORIZED = "pre_authorized_code"
    NOTIFICATION = "notification_id"


_PUT = insert(table).values(consumed_at=None)
_RENEW = _PUT.on_conflict_do_update(
    index_elements=[table.c.kind, table.c.digest],
    set_={name: _PUT.excluded[name] for name in ("payload", "expires_at", "consumed_at")},
)
# SQLite has no boolean RETURNING of a conflict; a row that comes back is the one that was new.
_PUT_ONCE = insert(table).on_conflict_do_nothing().returning(table.c.kind)
_THIS = (table.c.kind == bindparam("b_kind")) & (table.c.digest == bindparam("b_digest"))
_CONSUME = (
    update(table)
    .where(_THIS, table.c.consumed_at.is_(None), table.c.expires_at > bindparam("b_now"))
    .values(consumed_at=bindparam("b_now"))
    .returning(table.c.payload)
)
_FINISH = update(table).where(_THIS, table.c.consumed_at.is_(None)).values(consumed_at=bindparam("b_now"))
_SPENT = select(table.c.payload).where(_THIS, table.c.consumed_at.is_not(None))
_PEEK = select(table.c.payload).where(
    _THIS, table.c.consumed_at.is_(None), table.c.expires_at > bindparam("b_now")
)
# A request URI that has expired is no use to anybody, whatever the clock does, and can be long.
_PURGE = delete(table).where(
    (table.c.expires_at < bindparam("b_before"))
    | ((table.c.kind == Kind.REQUEST_URI) & (table.c.expires_at < bindparam("b_now")))
)


class SingleUse:
    """One table of typed, expiring, consume-once secrets."""

    def put(self, tx: Transaction, kind: Kind, digest: bytes, payload: str, expires_at: datetime) -> None:
        """Keep a secret's SHA-256 digest and what it stands for (JSON text) until it is consumed."""
        tx.execute(_PUT, {"kind": kind, "digest": digest, "payload": payload, "expires_at": expires_at})

    def renew(self, tx: Transaction, kind: Kind, digest: bytes, payload: str, expires_at: datetime) -> None:
        """`put` for what may be given anew, such as an act confirmed in two tabs: it then works once more."""
        tx.execute(_RENEW, {"kind": kind, "digest": digest, "payload": payload, "expires_at": expires_at})

    def put_once(self, tx: Transaction, kind: Kind, digest: bytes, expires_at: datetime) -> bool:
        """Note a value that may be seen once, such as a `jti`; False when it was seen before."""
        values = {
            "kind": kind,
            "digest": digest,
            "payload": "",
            "expires_at": expires_at,
            "consumed_at": None,
        }
        return tx.execute(_PUT_ONCE, values).first() is not None

    def consume(self, tx: Transaction, kind: Kind, digest: bytes, now: datetime) -> str | None:
        """Take what the secret stands for; None when it is unknown, expired or was taken before.

        One conditional write decides, so that of any number of callers one wins.
        """
        payload: str | None = tx.execute(
            _CONSUME, {"b_kind": kind, "b_digest": digest, "b_now": now}
        ).scalar()
        return payload

    def finish(self, tx: Transaction, kind: Kind, digest: bytes, now: datetime) -> bool:
        """End a secret whose use began in time and may have taken longer; False when it was ended before."""
        return tx.execute(_FINISH, {"b_kind": kind, "b_digest": digest, "b_now": now}).rowcount == 1

    def peek(self, tx: Transaction, kind: Kind, digest: bytes, now: datetime) -> str | None:
        """What `consume` would give now, without taking it."""
        payload: str | None = tx.execute(_PEEK, {"b_kind": kind, "b_digest": digest, "b_now": now}).scalar()
        return payload

    def spent(self, tx: Transaction, kind: Kind, digest: bytes) -> str | None:
        """What a consumed secret stood for; None when it was never consumed."""
        payload: str | None = tx.execute(_SPENT, {"b_kind": kind, "b_digest": digest}).scalar()
        return payload

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget what expired long enough ago; how many."""
        return tx.execute(_PURGE, {"b_before": now - KEPT_AFTER_EXPIRY, "b_now": now}).rowcount
