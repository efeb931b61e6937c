"""What a person undoes at the provider reaches the platform: withdrawal, a new identity, signing out."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.journey.conftest import Open, Person

NAME, NUMBER = "林示例", re.compile(rb"\d{17}[\dX]")


def signs_in_at_parcels(somebody: Person) -> None:
    somebody.goes_to("/parcels/")
    somebody.presses("sign-in-with-netid")
    asked = somebody.page.get_by_test_id("page-sign-in")
    asked.or_(somebody.page.get_by_test_id("page-consent")).wait_for()
    if asked.count():
        somebody.signs_in_as("an-adult")
    somebody.sees("page-consent")
    somebody.presses("agree")
    somebody.sees("page-received")


def opens_the_platforms_page(somebody: Person) -> None:
    somebody.page.goto(somebody.town.provider.url("/records"))
    somebody.presses("to-platform")
    somebody.sees("page-platform")


def reads_until(somebody: Person, test_id: str, words: str) -> None:
    """Loads the page anew until it says so."""
    for _ in range(50):
        if words in somebody.reads(test_id):
            return
        somebody.page.wait_for_timeout(100)
        somebody.page.reload()
    raise AssertionError(somebody.reads(test_id))


def files_of(somebody: Person) -> Iterable[Path]:
    """The platform's database for parcels, with whatever lies beside it."""
    return somebody.town.data.glob("platform-parcels.db*")


def holds(somebody: Person, value: str) -> bool:
    return any(value.encode() in file.read_bytes() for file in files_of(somebody))


def test_what_a_platform_has_goes_when_the_person_withdraws(person: Open) -> None:
    somebody = person(language="en")
    signs_in_at_parcels(somebody)
    assert holds(somebody, NAME)
    assert any(NUMBER.search(file.read_bytes()) for file in files_of(somebody))
    opens_the_platforms_page(somebody)
    somebody.presses("withdraw-all")
    somebody.sees("status")
    reads_until(somebody, "told", "Confirmed: deleted there")
    assert not holds(somebody, NAME)
    assert not any(NUMBER.search(file.read_bytes()) for file in files_of(somebody))
    somebody.goes_to("/parcels/received")
    assert "what Kite Parcels held was deleted" in somebody.reads("withdrawn")
    assert NAME not in somebody.page.content()
    somebody.sees("evidence-gone")


def test_a_person_is_somebody_new_to_a_platform_that_forgets_the_old_one(person: Open) -> None:
    somebody = person(language="en")
    signs_in_at_parcels(somebody)
    old = somebody.reads("received-subject")
    opens_the_platforms_page(somebody)
    somebody.presses("begin-anew")
    somebody.sees("status")
    reads_until(somebody, "told", "Confirmed: deleted there")
    assert not holds(somebody, old)
    somebody.goes_to("/parcels/received")
    somebody.sees("page-landing")
    signs_in_at_parcels(somebody)
    assert somebody.reads("received-subject") != old


def test_signing_out_at_a_platform_can_go_on_to_signing_out_of_everything(person: Open) -> None:
    somebody = person(language="en")
    for scene in ("forum", "game"):
        somebody.goes_to(f"/{scene}/")
        somebody.presses("sign-in-with-netid")
        if scene == "forum":
            somebody.signs_in_as("an-adult")
        somebody.presses("agree")
        somebody.sees("page-received")
    somebody.goes_to("/game/account")
    somebody.presses("sign-out-everywhere")
    somebody.sees("page-logout")
    assert "Nine Squares" in somebody.reads("who-asks")
    assert "Eaves Forum" in somebody.reads("platforms")
    somebody.presses("agree")
    somebody.sees("page-landing")
    assert somebody.at_platform
    for _ in range(50):
        somebody.goes_to("/forum/account")
        if somebody.page.get_by_test_id("page-landing").count():
            break
        somebody.page.wait_for_timeout(100)
    somebody.sees("page-landing")
    somebody.presses("sign-in-with-netid")
    somebody.sees("page-sign-in")


def test_staying_signed_in_leads_back_all_the_same(person: Open) -> None:
    somebody = person()
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("agree")
    somebody.opens_their_account()
    somebody.presses("sign-out-everywhere")
    somebody.sees("page-logout")
    somebody.presses("refuse")
    somebody.sees("page-landing")
    somebody.presses("sign-in-with-netid")
    somebody.sees("page-received")


def test_a_session_elsewhere_is_ended_from_the_list(person: Open) -> None:
    phone, computer = person(language="en", width=390), person(language="en")
    for somebody in (phone, computer):
        somebody.page.goto(somebody.town.provider.url("/records"))
        somebody.signs_in_as("an-adult")
        somebody.sees("page-records")
    computer.presses("sessions")
    computer.sees("page-sessions")
    assert computer.page.get_by_test_id("session").count() == 2
    assert computer.page.get_by_test_id("this-browser").count() == 1
    computer.presses("end-others")
    computer.sees("status")
    assert computer.page.get_by_test_id("session").count() == 1
    phone.page.reload()
    phone.sees("page-sign-in")
    computer.page.reload()
    computer.sees("page-sessions")
