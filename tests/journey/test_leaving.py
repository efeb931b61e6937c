"""A person leaves for good, or is suspended: what they see, what is left, and the way that stays open."""

import pytest

from netid.identity.persona_file import DEMO_PASSCODE
from netid.identity.suspension import SuspensionReason
from tests.journey.conftest import Open, Person
from tests.journey.test_undoing import NAME, NUMBER, files_of, holds, signs_in_at_parcels
from tests.privacy.leaving import files_of as every_file
from tests.privacy.leaving import secret_bytes, traces
from tests.protocol.meddling import person_id_of

DELIVERED_WITHIN_MINUTES = 11


def reads_what_happens_and_enters_the_passcode(somebody: Person) -> None:
    somebody.page.goto(somebody.town.provider.url("/records"))
    somebody.presses("cancel")
    somebody.sees("page-cancel")
    assert somebody.page.get_by_test_id("agree").count() == 0, "not before a fresh sign-in"
    somebody.presses("to-passcode")
    somebody.page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
    somebody.presses("next")
    somebody.sees("choice")


@pytest.mark.parametrize(("language", "scripts", "width"), [("zh-CN", True, 1280), ("en", False, 390)])
def test_s10_a_person_leaves_and_no_file_holds_them(
    person: Open, language: str, scripts: bool, width: int
) -> None:
    somebody = person(language=language, scripts=scripts, width=width)
    provider = somebody.town.provider
    signs_in_at_parcels(somebody)
    assert holds(somebody, NAME)
    everything = secret_bytes(provider, person_id_of(provider, "an-adult"))
    # Personas with one printed passcode share its hash, which stays with the others.
    hidden = [value for value in everything if not value.startswith(b"scrypt$")]
    assert traces(provider.directory, hidden) == hidden
    reads_what_happens_and_enters_the_passcode(somebody)
    somebody.presses("agree")
    somebody.sees("page-cancelled")
    somebody.sees("erased")

    assert traces(provider.directory, hidden) == []
    left = every_file(provider.directory)
    assert NAME.encode() not in left
    provider.clock.advance(minutes=DELIVERED_WITHIN_MINUTES)
    for _ in range(100):
        if not holds(somebody, NAME):
            break
        somebody.page.wait_for_timeout(100)
    assert not holds(somebody, NAME), "the platform was told, and deleted what it had"
    assert not any(NUMBER.search(file.read_bytes()) for file in files_of(somebody))
    somebody.page.goto(provider.url("/records"))
    somebody.sees("page-sign-in")


def test_a_person_who_thinks_better_of_it_keeps_everything(person: Open) -> None:
    somebody = person(language="en")
    signs_in_at_parcels(somebody)
    reads_what_happens_and_enters_the_passcode(somebody)
    somebody.page.keyboard.press("Tab")
    somebody.presses("refuse")
    somebody.sees("page-records")
    somebody.sees("masked-number")


def test_a_suspended_person_appeals_and_uses_the_other_way(person: Open) -> None:
    somebody = person(language="en", width=390)
    provider = somebody.town.provider
    suspensions, person_id = provider.provider.services.suspensions, person_id_of(provider, "an-adult")
    suspensions.suspend(person_id, SuspensionReason.SUSPECTED_MISUSE, 7)
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.sees("page-suspended")
    assert "Somebody else seems to be using your net number" in somebody.reads("suspension")
    somebody.page.get_by_test_id("words").fill("That was me, on a new phone.")
    somebody.presses("send-appeal")
    somebody.sees("appeal")
    assert "Not answered yet" in somebody.reads("appeal")
    somebody.presses("leave")
    assert somebody.at_platform
    somebody.sees("page-declined")
    somebody.sees("other-way")
