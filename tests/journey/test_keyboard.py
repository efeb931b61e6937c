"""A person without a mouse: from the demo through consent to the records, and a consent taken back."""

from netid.identity.persona_file import DEMO_PASSCODE
from tests.journey.conftest import Open, Person

_FAR = 200
"""More steps than any page has."""


class Keyboard:
    """Tab, Enter and Space, and nothing else."""

    def __init__(self, somebody: Person) -> None:
        self._page = somebody.page

    def reaches(self, name: str) -> None:
        """Goes on with Tab until the element of that test id, or id, has the focus; it has to be seen."""
        for _ in range(_FAR):
            self._page.keyboard.press("Tab")
            if self._page.evaluate(_FOCUSED) == name:
                assert self._page.evaluate(_IS_RINGED), f"{name}: nothing shows that it has the focus"
                return
        raise AssertionError(f"{name} is not reached with Tab on {self._page.url}")

    def presses(self, name: str, key: str = "Enter") -> None:
        self.reaches(name)
        self._page.keyboard.press(key)
        self._page.wait_for_load_state()

    def types(self, text: str) -> None:
        self._page.keyboard.type(text)


_FOCUSED = "() => document.activeElement.dataset.testid || document.activeElement.id"
_IS_RINGED = """() => {
  const rings = e => {
    const style = e && getComputedStyle(e);
    return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  };
  const e = document.activeElement;
  return rings(e) || rings(e.closest('.option')) || rings(e.closest('.claim'));
}"""


def test_from_the_platform_through_consent_to_the_records_and_back(person: Open) -> None:
    somebody = person(language="en")
    keys = Keyboard(somebody)
    somebody.goes_to("/parcels/")
    keys.presses("sign-in-with-netid")
    somebody.sees("page-sign-in")
    keys.presses("persona-an-adult", "Space")
    keys.presses("next")
    somebody.sees("page-passcode")
    keys.reaches("passcode")
    keys.types(DEMO_PASSCODE)
    keys.presses("next")
    somebody.sees("page-consent")
    keys.presses("claim-phone_number", "Space")
    keys.presses("agree", "Space")
    somebody.sees("page-received")
    somebody.page.goto(somebody.town.provider.url("/records"))
    somebody.sees("page-records")
    keys.presses("receipt")
    somebody.sees("page-receipt")
    keys.presses("withdraw")
    somebody.sees("page-records")
    assert "Withdrawn" in somebody.page.get_by_role("main").inner_text()
