"""The vault: fields encrypted per person, with their keys in another database.

Only `disclosure` and `services.enrolment` import this module. Each field is sealed with its
person's data key, bound to person and field; each data key is wrapped with a key that is in
neither database.
"""

from collections.abc import Callable, Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from netid.errors import KeyFileError, StorageBusy, VaultDamaged
from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.tables import data_keys, keys_instance
from netid.storage.tables import vault as table
from netid.storage.transaction import Transaction

_KEY_BYTES = 32
_NONCE_BYTES = 12
_PAIR = "pair"

_ADD_KEY = insert(data_keys).on_conflict_do_nothing()
_KEY = select(data_keys.c.wrapped).where(data_keys.c.person_id == bindparam("person"))
_DROP_KEY = delete(data_keys).where(data_keys.c.person_id == bindparam("person"))
_KEY_OWNERS = select(data_keys.c.person_id)
_put = insert(table)
_PUT = _put.on_conflict_do_update(
    index_elements=["person_id", "field"], set_={"sealed": _put.excluded.sealed}
)
# All of them, of which `open` decrypts those asked for: one fixed statement, whatever is asked.
_GET = select(table.c.field, table.c.sealed).where(table.c.person_id == bindparam("person"))
_DROP_ROWS = delete(table).where(table.c.person_id == bindparam("person"))
_DROP_FIELD = delete(table).where(
    table.c.person_id == bindparam("person"), table.c.field == bindparam("field_")
)
_ROW_OWNERS = select(table.c.person_id).distinct()
_AS_WRITER = text("LOCK TABLE vault IN ROW EXCLUSIVE MODE")
_AS_SWEEPER = text("LOCK TABLE vault IN SHARE ROW EXCLUSIVE MODE")


class Vault:
    """What people's documents say, sealed."""

    def __init__(self, wrapping: bytes, keys_db: Database, random: Callable[[int], bytes]) -> None:
        """`wrapping` is the 32 secret bytes that wrap every data key."""
        self._wrapping = AESGCM(wrapping)
        self._keys_db = keys_db
        self._random = random

    def seal(self, tx: Transaction, person_id: str, fields: Mapping[str, str]) -> None:
        """Keep fields of a person, replacing those of the same name.

        The data key is made at the first call and committed in the keys database at once: a
        transaction that is undone afterwards leaves a key without rows, which `sweep` finishes off.
        """
        if tx.dialect.name == "postgresql":
            tx.execute(_AS_WRITER)
        key = self._key(person_id) or self._new_key(person_id)
        for field, value in fields.items():
            nonce = self._random(_NONCE_BYTES)
            sealed = nonce + key.encrypt(nonce, value.encode(), _field_context(person_id, field))
            tx.execute(_PUT, {"person_id": person_id, "field": field, "sealed": sealed})

    def drop(self, tx: Transaction, person_id: str, field: str) -> None:
        """Delete one field of a person, if it is there."""
        tx.execute(_DROP_FIELD, {"person": person_id, "field_": field})

    def open(self, tx: Transaction, person_id: str, names: Iterable[str]) -> dict[str, str]:
        """Those fields of the person, as far as they are there; none once the data key is destroyed.

        Raises VaultDamaged for a value that was changed, or moved from another field or person.
        """
        asked = frozenset(names)
        rows = [row for row in tx.execute(_GET, {"person": person_id}) if row.field in asked]
        key = self._key(person_id) if rows else None
        if key is None:
            return {}
        return {
            row.field: _decrypt(key, row.sealed, _field_context(person_id, row.field)).decode()
            for row in rows
        }

    def destroy(self, tx: Transaction, person_id: str) -> None:
        """Delete everything of a person, the data key first: from then on nothing can be read."""
        with self._keys_db.write() as keys:
            keys.execute(_DROP_KEY, {"person": person_id})
        tx.execute(_DROP_ROWS, {"person": person_id})

    def sweep(self, tx: Transaction) -> list[str]:
        """Finish what was interrupted: rows without a key, keys without rows; whose they were.

        `tx` is a writing transaction, so that no enrolment stands between its key and its rows.
        Raises KeyFileError when the keys database belongs to another installation, since every
        row would look abandoned.
        """
        if tx.dialect.name == "postgresql":
            tx.execute(_AS_SWEEPER)
        self._require_pair(tx)
        with self._keys_db.write() as keys:
            with_key = set(keys.execute(_KEY_OWNERS).scalars())
            with_rows = set(tx.execute(_ROW_OWNERS).scalars())
            for person_id in with_key - with_rows:
                keys.execute(_DROP_KEY, {"person": person_id})
        for person_id in with_rows - with_key:
            tx.execute(_DROP_ROWS, {"person": person_id})
        return sorted(with_key ^ with_rows)

    def _require_pair(self, tx: Transaction) -> None:
        with self._keys_db.write() as keys:
            pair = Instance(keys_instance).settle(keys, _PAIR, self._random(16).hex())
        if Instance().settle(tx, _PAIR, pair) != pair:
            raise KeyFileError("keys database: belongs to another installation than the main database")

    def _key(self, person_id: str) -> AESGCM | None:
        with self._keys_db.read() as keys:
            wrapped = keys.execute(_KEY, {"person": person_id}).scalar()
        if wrapped is None:
            return None
        return AESGCM(_decrypt(self._wrapping, wrapped, _key_context(person_id)))

    def _new_key(self, person_id: str) -> AESGCM:
        nonce = self._random(_NONCE_BYTES)
        data_key = self._random(_KEY_BYTES)
        wrapped = nonce + self._wrapping.encrypt(nonce, data_key, _key_context(person_id))
        with self._keys_db.write() as keys:
            keys.execute(_ADD_KEY, {"person_id": person_id, "wrapped": wrapped})
        # Two at once: the first one's key holds, and both use it.
        key = self._key(person_id)
        if key is None:
            raise StorageBusy("the person is being cancelled")
        return key


def _field_context(person_id: str, field: str) -> bytes:
    return b"\0".join((b"vault", person_id.encode(), field.encode()))


def _key_context(person_id: str) -> bytes:
    return b"\0".join((b"data_keys", person_id.encode()))


def _decrypt(key: AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise VaultDamaged("a sealed value does not belong where it stands, or was changed") from error
