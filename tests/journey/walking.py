"""A walk past every page that a person can come to, at the provider and at the demo platform.

`walking_wallets` goes past those that take a wallet.
"""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from netid.identity.persona_file import DEMO_PASSCODE
from tests.journey.conftest import Person

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"\{% block page %\}(page-[a-z-]+)\{%")
Look = Callable[[str], None]
"""What is done at each page; its name is given."""


PROVIDER, PLATFORM, WALLET = "netid/pages", "platform_demo", "netid/wallet"
"""Whose pages there are: the packages with their templates."""


def pages_of(package: str) -> set[tuple[str, str]]:
    """All pages of a package, as its templates name them."""
    templates = (ROOT / package).rglob("templates/**/*.html")
    return {(package, name) for file in templates for name in _NAME.findall(file.read_text(encoding="utf-8"))}


class Walk:
    """One person, going from page to page; `look` is called once on each that they come to."""

    def __init__(self, somebody: Person, look: Look) -> None:
        self._somebody = somebody
        self._page = somebody.page
        self._look = look
        self.seen: set[tuple[str, str]] = set()

    def at(self, name: str, as_well: str = "") -> None:
        """This is the page of that name; `as_well` says what is special about it this time."""
        self._somebody.sees(name)
        self.seen.add((self._whose_page(), name))
        self._look(f"{name}{as_well}")

    def _whose_page(self) -> str:
        town, url = self._somebody.town, self._page.url
        owners = {town.provider.issuer: PROVIDER, town.platform_url: PLATFORM, town.wallet_url: WALLET}
        return next(package for origin, package in owners.items() if url.startswith(origin))

    def opens(self, path: str) -> None:
        self._page.goto(self._somebody.town.provider.url(path))

    def presses(self, test_id: str) -> None:
        self._somebody.presses(test_id)

    def fills(self, **values: str) -> None:
        for name, value in values.items():
            self._page.locator(f"#{name}").fill(value)

    def enters_passcode(self) -> None:
        self.fills(passcode=DEMO_PASSCODE)
        self.presses("next")

    def chooses_guardian(self) -> None:
        """The guardian of an application, by passcode on the same page."""
        self._page.get_by_test_id("persona-guardian").check()
        self.enters_passcode()

    def chooses(self, test_id: str) -> None:
        self._page.get_by_test_id(test_id).check()
        self.presses("next")


def past_the_platform(walk: Walk, somebody: Person) -> None:
    """The demo platform, its ways in, and the provider's pages on the way."""
    somebody.goes_to("/")
    walk.at("page-home", " platform")
    somebody.goes_to("/nowhere")
    walk.at("page-error", " platform")
    for scene in ("forum", "game", "parcels"):
        somebody.goes_to(f"/{scene}/")
        walk.at("page-landing", f" {scene}")
    somebody.goes_to("/forum/callback?error=x&state=y")
    walk.at("page-failed")
    somebody.goes_to("/parcels/")
    walk.presses("other-way")
    walk.at("page-other-way")
    walk.presses("sign-up")
    walk.at("page-other-way", " faults")
    somebody.goes_to("/parcels/")
    walk.presses("sign-in-with-netid")
    walk.at("page-sign-in")
    walk.presses("next")
    walk.at("page-sign-in", " faults")
    walk.chooses("persona-an-adult")
    walk.at("page-passcode")
    walk.fills(passcode="00000000")
    walk.presses("next")
    walk.at("page-passcode", " faults")
    walk.opens("/records")
    walk.at("page-sign-in", " records")


def past_the_consents(walk: Walk, somebody: Person) -> None:
    """Every question that the provider asks for a platform, with somebody who may answer it."""
    somebody.goes_to("/parcels/")
    walk.presses("sign-in-with-netid")
    walk.at("page-consent")
    walk.presses("agree")
    walk.at("page-received", " parcels")
    somebody.goes_to("/game/")
    walk.presses("sign-in-with-netid")
    walk.at("page-consent", " yes or no")
    walk.presses("refuse")
    walk.at("page-declined")
    somebody.goes_to("/forum/")
    walk.presses("sign-in-with-netid")
    walk.at("page-check-result")
    walk.presses("agree")
    walk.at("page-received")
    walk.presses("to-account")
    walk.at("page-account")
    walk.presses("delete-account")
    walk.at("page-delete")
    walk.presses("delete")
    walk.at("page-deleted")


def past_a_child(walk: Walk, somebody: Person) -> None:
    """What a child meets, and the guardian beside it."""
    somebody.goes_to("/game/")
    walk.presses("sign-in-with-netid")
    walk.chooses("persona-child-of-10")
    walk.enters_passcode()
    walk.at("page-guardian")
    walk.presses("next")
    walk.at("page-sign-in", " guardian")
    walk.chooses("persona-guardian")
    walk.enters_passcode()
    walk.at("page-consent", " guardian")
    walk.presses("agree")
    somebody.sees("page-received")


def past_a_suspension(walk: Walk, somebody: Person) -> None:
    """What somebody meets whose net credential is suspended."""
    somebody.goes_to("/forum/")
    walk.presses("sign-in-with-netid")
    walk.chooses("persona-suspended")
    walk.enters_passcode()
    walk.at("page-suspended")
    walk.opens("/records/notices")
    walk.at("page-notices", " suspended")


def past_the_records(walk: Walk, somebody: Person) -> None:
    """My records, for somebody of whom there are some."""
    walk.opens("/records")
    walk.at("page-records")
    walk.opens("/records?words=nowhere")
    walk.at("page-records", " nothing found")
    walk.opens("/records")
    walk.presses("receipt")
    walk.at("page-receipt")
    walk.presses("complain")
    walk.at("page-complaint")
    walk.presses("send-complaint")
    walk.at("page-complaint", " faults")
    walk.fills(words="They asked twice.")
    walk.presses("send-complaint")
    walk.at("page-receipt", " complaint")
    walk.opens("/records")
    walk.presses("to-platform")
    walk.at("page-platform")
    for path in ("sessions", "notices", "children"):
        walk.opens(f"/records/{path}")
        walk.at(f"page-{path}")
    walk.opens("/logout")
    walk.at("page-logout")


def past_own_data(walk: Walk, somebody: Person) -> None:
    """What takes a fresh sign-in."""
    walk.opens("/records/number")
    walk.at("page-number")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-number", " fresh")
    walk.presses("show")
    walk.at("page-number-shown")
    walk.opens("/records/export")
    walk.at("page-export")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-export", " fresh")
    walk.presses("show")
    walk.at("page-copy")
    walk.opens("/records/document")
    walk.at("page-document")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-face")
    walk.presses("face-match")
    walk.at("page-document", " fresh")
    walk.presses("present")
    walk.at("page-document", " faults")
    walk.opens("/records/wallet")
    walk.at("page-wallet")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-wallet", " fresh")
    walk.presses("agree")
    walk.at("page-offer")


def past_leaving(walk: Walk, somebody: Person) -> None:
    """Giving up the net number."""
    walk.opens("/records/cancel")
    walk.at("page-cancel")
    walk.presses("to-passcode")
    walk.enters_passcode()
    walk.at("page-cancel", " fresh")
    walk.presses("agree")
    walk.at("page-cancelled")
    walk.opens("/signed-out")
    walk.at("page-signed-out")


def past_enrolment(walk: Walk, somebody: Person) -> None:
    """Applying for a net number, for a child with a guardian; once more with the same document."""
    walk.opens("/")
    walk.at("page-home")
    walk.opens("/nowhere")
    walk.at("page-error")
    walk.opens("/enrol/refused")
    walk.at("page-enrol-refused")
    walk.opens("/enrol/nothing/kind")
    walk.at("page-enrol-expired")
    typed = _up_to_the_document(walk, somebody)
    walk.presses("next")
    walk.at("page-enrol-guardian")
    walk.chooses_guardian()
    walk.at("page-enrol-guardian", " notice")
    walk.presses("agree")
    walk.at("page-enrol-face")
    walk.presses("agree")
    walk.at("page-enrol-face", " check")
    walk.presses("face-match")
    walk.at("page-enrol-phone")
    walk.presses("next")
    walk.at("page-enrol-phone", " faults")
    walk.fills(phone_number="+86 115 0000 4321")
    walk.presses("next")
    walk.at("page-enrol-passcode")
    walk.fills(passcode="58203714")
    walk.presses("next")
    walk.at("page-enrol-check")
    walk.presses("next")
    walk.at("page-enrol-done")
    _up_to_the_document(walk, somebody, typed)
    walk.presses("next")
    walk.chooses_guardian()
    walk.presses("agree")
    walk.presses("agree")
    walk.presses("face-match")
    walk.at("page-enrol-already")


def _up_to_the_document(walk: Walk, somebody: Person, typed: dict[str, str] | None = None) -> dict[str, str]:
    """A made-up document of a child, or the one given; what stands in the form."""
    page = somebody.page
    walk.opens("/enrol")
    walk.at("page-enrol-notice")
    walk.presses("agree")
    walk.at("page-enrol-kind")
    walk.chooses("kind-resident_id")
    walk.at("page-enrol-document")
    page.locator("#age").select_option("under_14")
    walk.presses("made-up")
    walk.at("page-enrol-document", " made up")
    names = ("name", "number", "birthdate", "expires_on")
    if typed is not None:
        walk.fills(**{name: typed[name] for name in names})
        page.locator(f"#sex-{typed['sex']}").check()
    made = {name: page.locator(f"#{name}").input_value() for name in names}
    return made | {"sex": page.locator("input[name=sex]:checked").input_value()}


def past_an_answer_by_form(walk: Walk, somebody: Person) -> None:
    """The page that posts an answer to a relying party, where its script does not run."""
    somebody.page.route("**/form_post.js", lambda route: route.abort())
    shop = somebody.town.provider.register()
    query = urlencode(shop.request(response_mode="form_post"))
    walk.opens(f"/authorize?{query}")
    somebody.sees("page-check-result")
    walk.presses("agree")
    walk.at("page-form-post")
