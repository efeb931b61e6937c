"""Facts about one installation: its epoch, its mode."""

from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from netid.storage.tables import instance as main_instance
from netid.storage.transaction import Transaction


class Instance:
    """Named facts, kept in one of the databases."""

    def __init__(self, table: Table = main_instance) -> None:
        self._get = select(table.c.value).where(table.c.name == bindparam("fact"))
        put = insert(table)
        self._put = put.on_conflict_do_update(index_elements=["name"], set_={"value": put.excluded.value})
        self._put_if_absent = put.on_conflict_do_nothing()

    def get(self, tx: Transaction, name: str) -> str | None:
        """The fact's value, or None."""
        value: str | None = tx.execute(self._get, {"fact": name}).scalar()
        return value

    def put(self, tx: Transaction, name: str, value: str) -> None:
        """Set the fact."""
        tx.execute(self._put, {"name": name, "value": value})

    def settle(self, tx: Transaction, name: str, value: str) -> str:
        """Set the fact unless it is set already; the value that holds."""
        tx.execute(self._put_if_absent, {"name": name, "value": value})
        return self.get(tx, name) or value
