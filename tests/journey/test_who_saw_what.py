"""The demo's table “who saw what” says what provider, platform and wallet really have on record."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from netid.ambient import Ambient
from netid.wallet.safe import Safe
from platform_demo.words import CLAIMS
from tests.journey.conftest import Open, Person
from tests.journey.test_wallet import fills_their_wallet
from tests.protocol.meddling import person_id_of

COLUMNS = ("provider", "platform", "wallet")


def table_of(somebody: Person) -> dict[str, dict[str, str]]:
    """The rows of the table by their ids, without the old way."""
    rows = somebody.page.locator("[data-testid^=saw-]").all()
    return {
        str(row.get_attribute("data-testid")).removeprefix("saw-"): dict(
            zip(COLUMNS, row.locator("td").all_inner_texts()[:3], strict=True)
        )
        for row in rows
    }


def held_by_provider(somebody: Person) -> set[str]:
    """What it holds of the person's document, and “where” once it knows where they went."""
    running = somebody.town.provider
    person_id, stores = person_id_of(running, "an-adult"), running.provider.stores
    with stores.db.read() as tx:
        held = set(running.provider.services.decisions._disclosure.release_to_owner(tx, person_id))
        receipts = stores.consents.list(tx, person_id)
        events = [event for event in stores.audit.of_person(tx, person_id) if event.client_id == "parcels"]
    knows = any(one.receipt.client_id == "parcels" for one in receipts)
    assert knows is bool(events)
    return held | ({"where"} if knows else set())


def held_by_platform(somebody: Person) -> set[str]:
    """What stands in its database."""
    with closing(sqlite3.connect(somebody.town.data / "platform-parcels.db")) as database:
        return {name for (name,) in database.execute("SELECT name FROM details")}


def held_by_wallet(somebody: Person) -> set[str]:
    """What its copies hold, and “where” once its log names the platform."""
    safe = Safe(somebody.town.wallet_data, Ambient.real())
    with closing(safe):
        held = {name for copy in safe.copies() for name in copy.fields}
        went = any(entry.details.get("client_id") == "parcels" for entry in safe.log())
    return held | ({"where"} if went else set())


def seen_in(held: set[str]) -> set[str]:
    """A resident number has the birthday in it, and so the age."""
    return held | ({"birthdate", "age_over_18"} if "document_number" in held else set())


def signs_in(somebody: Person) -> None:
    somebody.goes_to("/parcels/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("agree")


def presents(somebody: Person) -> None:
    fills_their_wallet(somebody)
    somebody.goes_to("/parcels/")
    somebody.presses("present-from-wallet")
    somebody.presses("agree")
    somebody.presses("return")


@pytest.mark.parametrize("comes", [signs_in, presents])
def test_each_cell_says_what_is_on_record(person: Open, comes: Callable[[Person], None]) -> None:
    somebody = person(language="en")
    comes(somebody)
    somebody.sees("page-received")
    table = table_of(somebody)
    on_record = zip(COLUMNS, (held_by_provider, held_by_platform, held_by_wallet), strict=True)
    held = {column: seen_in(look(somebody)) for column, look in on_record}
    for row in (*CLAIMS, "where"):
        for column in COLUMNS:
            if (row, column) != ("where", "platform"):
                assert table[row][column] == ("yes" if row in held[column] else "no"), (row, column)


def test_the_records_that_the_page_leads_to_say_the_same(person: Open) -> None:
    somebody = person(language="en")
    presents(somebody)
    somebody.sees("page-received")
    somebody.presses("to-records")
    somebody.sees("page-records")
    assert "Kite Parcels" not in somebody.reads("page-records")
    somebody.page.go_back()
    somebody.presses("to-wallet")
    somebody.presses("to-log")
    assert "Kite Parcels" in somebody.reads("page-log")
