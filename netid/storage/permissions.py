"""The wallets of children under 14, and what guardians permit them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import child_wallets
from netid.storage.tables import permissions as table
from netid.storage.transaction import Transaction


@dataclass(frozen=True)
class Permission:
    """A guardian's word that a child's wallet may answer one relying party, for one purpose."""

    permission_id: str
    """Random."""
    person_id: str
    """The child."""
    client_id: str
    purpose: str | None
    """None for a check result alone."""
    token: str
    """As the provider signed it, for the child's wallet."""
    made_at: datetime
    expires_at: datetime


_see = insert(child_wallets)
_SEE = _see.on_conflict_do_update(
    index_elements=["person_id", "thumbprint"], set_={"seen_at": _see.excluded.seen_at}
)
_LATEST = (
    select(child_wallets.c.thumbprint)
    .where(child_wallets.c.person_id == bindparam("person"))
    .order_by(child_wallets.c.seen_at.desc())
    .limit(1)
)
_ADD = insert(table)
_OF_PERSON = (
    select(*(table.c[name] for name in Permission.__dataclass_fields__))
    .where(table.c.person_id == bindparam("person"), table.c.expires_at > bindparam("now"))
    .order_by(table.c.made_at.desc(), table.c.permission_id)
)
_PURGE = delete(table).where(table.c.expires_at < bindparam("now"))


class Permissions:
    """What guardians permit."""

    def see_wallet(self, tx: Transaction, person_id: str, thumbprint: str, at: datetime) -> None:
        """Keep the key of a child's wallet that gets copies now."""
        tx.execute(_SEE, {"person_id": person_id, "thumbprint": thumbprint, "seen_at": at})

    def latest_wallet(self, tx: Transaction, person_id: str) -> str | None:
        """The key of the child's wallet that got copies last."""
        found: str | None = tx.execute(_LATEST, {"person": person_id}).scalar()
        return found

    def add(self, tx: Transaction, permission: Permission) -> None:
        """Keep a permission."""
        tx.execute(_ADD, permission.__dict__)

    def of_person(self, tx: Transaction, person_id: str, now: datetime) -> list[Permission]:
        """What this child may do now, the latest first."""
        return [Permission(*row) for row in tx.execute(_OF_PERSON, {"person": person_id, "now": now})]

    def purge(self, tx: Transaction, now: datetime) -> int:
        """Forget what has ended; how many."""
        return tx.execute(_PURGE, {"now": now}).rowcount
