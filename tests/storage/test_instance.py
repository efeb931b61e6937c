"""Facts about an installation, in either database."""

from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.tables import keys_instance


def test_a_fact_is_put_replaced_and_settled_once(db: Database, keys_db: Database) -> None:
    for database, facts in ((db, Instance()), (keys_db, Instance(keys_instance))):
        with database.write() as tx:
            assert facts.get(tx, "epoch") is None
            assert facts.settle(tx, "epoch", "1") == "1"
            assert facts.settle(tx, "epoch", "2") == "1"
            facts.put(tx, "epoch", "3")
            assert facts.get(tx, "epoch") == "3"
