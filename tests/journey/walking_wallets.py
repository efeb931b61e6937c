"""The walk past the pages that take a wallet: the phone's own, and the others' that lead to it."""

from tests.journey.conftest import Person
from tests.journey.walking import Walk


def past_the_phone(walk: Walk, somebody: Person) -> None:
    """An offer taken, a request answered, and everything else that the phone shows."""
    page, phone = somebody.page, somebody.town.wallet_url
    page.goto(phone)
    walk.at("page-home", " phone, empty")
    page.goto(f"{phone}/log")
    walk.at("page-log", " empty")
    page.goto(phone)
    walk.fills(text="neither a link nor a code")
    walk.presses("next")
    walk.at("page-error", " phone")
    walk.opens("/records/wallet")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.presses("agree")
    somebody.sees("page-offer")
    code = somebody.reads("tx-code")
    page.goto(page.get_by_test_id("to-wallet").get_attribute("href") or "")
    walk.at("page-offer", " phone")
    walk.fills(code="000000" if code != "000000" else "111111")
    walk.presses("agree")
    walk.at("page-offer", " phone, faults")
    walk.fills(code=code)
    walk.presses("agree")
    walk.at("page-home", " phone")
    _past_the_requests(walk, somebody)
    page.goto(f"{phone}/log")
    walk.at("page-log")
    page.goto(f"{phone}/settings")
    walk.at("page-settings", " recognised")
    walk.presses("to-erase")
    walk.at("page-erase")
    walk.presses("agree")
    somebody.sees("empty")


def _past_the_requests(walk: Walk, somebody: Person) -> None:
    somebody.goes_to("/forum/")
    walk.presses("scan-with-wallet")
    walk.at("page-waiting")
    somebody.goes_to("/parcels/")
    walk.presses("present-from-wallet")
    walk.at("page-request")
    somebody.page.get_by_test_id("remember").check()
    walk.presses("agree")
    walk.at("page-outcome")
    walk.presses("return")
    walk.at("page-received", " by wallet")


def past_a_childs_phone(walk: Walk, somebody: Person) -> None:
    """A child signs in from the phone, with the guardian beside it; the phone then stops a request."""
    somebody.page.goto(somebody.town.wallet_url)
    walk.presses("get-copies")
    walk.chooses("persona-child-of-10")
    walk.enters_passcode()
    somebody.sees("page-guardian")
    walk.presses("next")
    walk.chooses("persona-guardian")
    walk.enters_passcode()
    walk.at("page-wallet-consent", " guardian")
    walk.presses("agree")
    somebody.sees("copies-short")
    somebody.goes_to("/game/")
    walk.presses("present-from-wallet")
    walk.at("page-stopped")


def past_the_permissions(walk: Walk, somebody: Person) -> None:
    """The guardian permits what the child's phone stopped."""
    walk.opens("/records/permissions")
    walk.at("page-permissions")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-permissions", " fresh")
    walk.presses("choose")
    walk.at("page-permissions", " faults")
    somebody.page.locator("input[name=child]").first.check()
    somebody.page.locator("#use").select_option("game minors-mode")
    walk.presses("choose")
    walk.at("page-permit")
    walk.presses("agree")
    walk.at("page-permission")
    token = somebody.reads("token")
    somebody.page.goto(somebody.town.wallet_url)
    walk.fills(text=token)
    walk.presses("next")
    walk.at("page-home", " phone, permission")
    somebody.page.goto(f"{somebody.town.wallet_url}/settings")
    walk.at("page-settings", " permission")
    walk.presses("to-erase")
    walk.presses("agree")
    somebody.sees("empty")
