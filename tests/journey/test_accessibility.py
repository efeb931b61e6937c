"""axe-core finds no violation on any page, in either language, light or dark; and it would find one."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.journey import walking, walking_wallets
from tests.journey.conftest import Open, Person
from tests.journey.walking import PLATFORM, PROVIDER, WALLET, Walk, pages_of

Way = Callable[[Walk, Person], None]

WALKS: tuple[tuple[str | None, tuple[Way, ...]], ...] = (
    (None, (walking.past_the_platform,)),
    (None, (walking.past_a_child,)),
    (None, (walking.past_a_suspension,)),
    (None, (walking_wallets.past_a_childs_phone,)),
    ("guardian", (walking_wallets.past_the_permissions,)),
    (
        "an-adult",
        (
            walking.past_the_consents,
            walking.past_the_records,
            walking.past_own_data,
            walking.past_an_answer_by_form,
            walking_wallets.past_the_phone,
            walking.past_leaving,
        ),
    ),
    (None, (walking.past_enrolment,)),
)


def violations(page: Page, axe: str) -> list[str]:
    """Each rule that is broken, with the elements that break it."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{broken['id']}: {', '.join(str(node['target']) for node in broken['nodes'])}"
        for broken in found["violations"]
    ]


class Examiner:
    """Lets people walk, and looks at every page they come to."""

    def __init__(self, person: Open, axe: str) -> None:
        self._person = person
        self._axe = axe
        self.seen: set[tuple[str, str]] = set()
        self.found: list[str] = []

    def walks(self, language: str, scheme: Any, persona: str | None, *ways: Way, width: int = 1280) -> None:
        """One person in a browser of their own, signed in at first where a persona is named."""
        somebody = self._person(language=language, width=width)
        somebody.page.emulate_media(color_scheme=scheme)

        def look(name: str) -> None:
            self.found += [f"{name}: {broken}" for broken in violations(somebody.page, self._axe)]
            if somebody.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.found.append(f"{name}: scrolls sideways")

        walk = Walk(somebody, look)
        if persona is not None:
            walk.opens("/records")
            somebody.signs_in_as(persona)
            walk.at("page-records", " empty")
        for way in ways:
            way(walk, somebody)
        self.seen |= walk.seen


@pytest.fixture
def examiner(person: Open, axe: str) -> Examiner:
    return Examiner(person, axe)


@pytest.mark.parametrize(("language", "scheme", "width"), [("zh-CN", "light", 390), ("en", "dark", 1280)])
def test_no_page_has_a_violation(examiner: Examiner, language: str, scheme: str, width: int) -> None:
    for persona, ways in WALKS:
        examiner.walks(language, scheme, persona, *ways, width=width)
    assert examiner.found == []
    assert (pages_of(PROVIDER) | pages_of(PLATFORM) | pages_of(WALLET)) - examiner.seen == set()


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ("document.querySelector('.skip').setAttribute('role', 'banana')", "aria-roles"),
        ("document.querySelector('h1').style.color = '#999'", "color-contrast"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('main').append(document.querySelector('h1').cloneNode(true))", None),
    ],
)
def test_a_planted_violation_is_found(person: Open, axe: str, planted: str, rule: str | None) -> None:
    """The last one is no violation by itself: the control of the control."""
    somebody = person(language="en")
    somebody.goes_to("/forum/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.presses("agree")
    somebody.sees("page-received")
    somebody.page.goto(somebody.town.provider.url("/records"))
    assert violations(somebody.page, axe) == []
    somebody.page.evaluate(planted)
    found = [one.split(":")[0] for one in violations(somebody.page, axe)]
    assert found == ([rule] if rule else [])


def test_with_forced_colours_every_button_keeps_its_edge_and_focus_is_seen(person: Open) -> None:
    somebody = person()
    somebody.page.emulate_media(forced_colors="active")
    somebody.goes_to("/parcels/")
    somebody.presses("sign-in-with-netid")
    somebody.signs_in_as("an-adult")
    somebody.sees("page-consent")
    for answer in ("refuse", "agree"):
        button = somebody.page.get_by_test_id(answer)
        button.focus()
        somebody.page.keyboard.press("Shift+Tab")
        somebody.page.keyboard.press("Tab")
        style = button.evaluate("e => [getComputedStyle(e).borderTopWidth, getComputedStyle(e).outlineStyle]")
        assert style == ["2px", "solid"]
