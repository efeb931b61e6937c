"""Measures, article 5: a child's wallet answers a platform once the guardian has permitted it there."""

import pytest

from tests.journey.conftest import Open, Person


def asks(child: Person, scene: str) -> None:
    """The child comes to a platform and takes the way by the wallet."""
    child.goes_to(f"/{scene}/")
    child.presses("present-from-wallet")


def gets_copies(child: Person) -> None:
    """Signs in from the phone; the guardian agrees in the same browser."""
    child.page.goto(child.town.wallet_url)
    child.presses("get-copies")
    child.signs_in_as("child-of-10")
    child.sees("page-guardian")
    child.presses("next")
    child.signs_in_as("guardian")
    child.sees("page-wallet-consent")
    child.presses("agree")
    child.sees("copies-short")


def permits(guardian: Person, use: str) -> str:
    """On the guardian’s own device: signs in, and once more; chooses, reads, permits. The permission."""
    page = guardian.page
    page.goto(guardian.town.provider.url("/records/permissions"))
    guardian.signs_in_as("guardian")
    guardian.sees("page-permissions")
    if page.get_by_test_id("to-passcode").count():
        guardian.presses("to-passcode")
        page.get_by_test_id("passcode").fill("20250715")
        guardian.presses("next")
    page.locator("input[name=child]").first.check()
    page.locator("#use").select_option(use)
    guardian.presses("choose")
    guardian.sees("page-permit")
    guardian.presses("agree")
    guardian.sees("page-permission")
    return guardian.reads("token")


def takes(child: Person, permission: str) -> None:
    """Pastes the guardian's permission into the phone."""
    child.page.goto(child.town.wallet_url)
    child.page.get_by_test_id("field-text").fill(permission)
    child.presses("next")
    child.sees("status")


@pytest.mark.parametrize(
    ("language", "scripts", "width"), [("zh-CN", True, 390), ("en", True, 1280), ("zh-CN", False, 1280)]
)
def test_from_the_guardians_page_to_the_childs_presentation(
    person: Open, language: str, scripts: bool, width: int
) -> None:
    child, guardian = (person(language=language, scripts=scripts, width=width) for _ in range(2))
    gets_copies(child)
    held = child.reads("copies-short")

    asks(child, "game")
    child.sees("page-stopped")
    takes(child, permits(guardian, "game minors-mode"))

    asks(child, "game")
    child.sees("page-request")
    child.presses("agree")
    child.sees("page-outcome")
    child.presses("return")
    child.sees("page-received")
    child.presses("to-account")
    child.sees("minors-mode")
    child.page.goto(child.town.wallet_url)
    assert int(child.reads("copies-short")) == int(held) - 1


def test_what_is_permitted_at_one_platform_is_stopped_at_another(person: Open) -> None:
    child, guardian = person(), person()
    gets_copies(child)
    takes(child, permits(guardian, "game minors-mode"))

    asks(child, "forum")
    child.sees("page-stopped")
    assert "论坛" in child.reads("guardian")
    child.page.goto(f"{child.town.wallet_url}/settings")
    assert child.reads("permission").startswith("九格棋：")
