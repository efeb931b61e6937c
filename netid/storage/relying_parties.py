"""Registered relying parties, and which legal entity each sector belongs to."""

import builtins
import hashlib
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from netid.errors import RegistrationRefused
from netid.identity.relying_party import LegalEntity, RelyingParty
from netid.storage.tables import relying_parties as table
from netid.storage.tables import sectors, storable
from netid.storage.transaction import Transaction

_put = insert(table)
_PUT = _put.on_conflict_do_update(
    index_elements=["client_id"],
    set_={name: _put.excluded[name] for name in ("registration", "version", "sector", "registered_at")},
)
_VERSION = select(table.c.version).where(table.c.client_id == bindparam("client"))
_GET = select(table.c.version, table.c.registration).where(table.c.client_id == bindparam("client"))
_LIST = select(table.c.registration).order_by(table.c.client_id)
_REMOVE = delete(table).where(table.c.client_id == bindparam("client"))
_CLAIM_SECTOR = insert(sectors).on_conflict_do_nothing()
_SECTOR_HOLDER = select(sectors.c.legal_entity).where(sectors.c.sector == bindparam("sector_"))


class RelyingParties:
    """The registered relying parties.

    A registration is parsed once per process: each read asks for the hash of the stored text
    alone, so that a change by another worker holds at once.
    """

    def __init__(self, *built_in: RelyingParty) -> None:
        """`built_in` are found by their client_id without being registered; no list has them."""
        self._built_in = {relying_party.client_id: relying_party for relying_party in built_in}
        self._parsed: dict[str, tuple[bytes, RelyingParty]] = {}

    def put(self, tx: Transaction, relying_party: RelyingParty, at: datetime) -> None:
        """Register, or replace the registration of the same client_id.

        Raises RegistrationRefused when its sector belongs to another legal entity, or its legal
        entity already has another sector.
        """
        self._claim_sector(tx, relying_party.legal_entity)
        registration = relying_party.model_dump_json()
        values = {
            "client_id": relying_party.client_id,
            "registration": registration,
            "version": hashlib.sha256(registration.encode()).digest(),
            "sector": relying_party.legal_entity.sector,
            "registered_at": at,
        }
        tx.execute(_PUT, values)

    def get(self, tx: Transaction, client_id: str) -> RelyingParty | None:
        """The relying party of that client_id, as it is registered now."""
        if client_id in self._built_in:
            return self._built_in[client_id]
        version = tx.execute(_VERSION, {"client": client_id}).scalar() if storable(client_id) else None
        if version is None:
            self._parsed.pop(client_id, None)
            return None
        parsed = self._parsed.get(client_id)
        if parsed is not None and parsed[0] == version:
            return parsed[1]
        return self._parse(tx, client_id)

    def list(self, tx: Transaction) -> builtins.list[RelyingParty]:
        """All of them, by client_id."""
        return [RelyingParty.model_validate_json(row.registration) for row in tx.execute(_LIST)]

    def remove(self, tx: Transaction, client_id: str) -> bool:
        """End a registration; False when there was none. Its sector stays its legal entity's."""
        return tx.execute(_REMOVE, {"client": client_id}).rowcount == 1

    def _parse(self, tx: Transaction, client_id: str) -> RelyingParty | None:
        row = tx.execute(_GET, {"client": client_id}).first()
        if row is None:
            return None
        relying_party = RelyingParty.model_validate_json(row.registration)
        self._parsed[client_id] = (row.version, relying_party)
        return relying_party

    def _claim_sector(self, tx: Transaction, entity: LegalEntity) -> None:
        tx.execute(_CLAIM_SECTOR, {"sector": entity.sector, "legal_entity": entity.name.zh})
        holder = tx.execute(_SECTOR_HOLDER, {"sector_": entity.sector}).scalar()
        if holder is None:
            raise RegistrationRefused(
                "legal_entity.sector: this legal entity has another sector; use that one"
            )
        if holder != entity.name.zh:
            raise RegistrationRefused(
                f"legal_entity.sector: belongs to another legal entity, with the Chinese name {holder}; "
                "choose another sector, or keep that name"
            )
