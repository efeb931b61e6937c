"""Facts about an installation."""

import pytest

from netid.storage.database import Database
from netid.storage.instance import Instance
from netid.storage.tables import keys_instance


@pytest.mark.parametrize("where", ["db", "keys_db"])
def test_a_fact_is_put_replaced_and_settled_once(request: pytest.FixtureRequest, where: str) -> None:
    db: Database = request.getfixturevalue("db" if where == "db" else "keys_db")
    facts = Instance() if where == "db" else Instance(keys_instance)
    with db.write() as tx:
        assert facts.get(tx, "epoch") is None
        assert facts.settle(tx, "epoch", "1") == "1"
        assert facts.settle(tx, "epoch", "2") == "1"
        facts.put(tx, "epoch", "3")
        assert facts.get(tx, "epoch") == "3"
