"""Every snippet of the documentation does what its page says."""

import re
from pathlib import Path

import pytest

from netid.services.registration import load_registrations
from tests.running import Running

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"
README_ZH = DOCS.parent / "README.zh.md"
_FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets(page: Path, name: str) -> list[str]:
    """The code blocks of a page that carry this name behind their language."""
    found = [text for _, label, text in _FENCE.findall(page.read_text(encoding="utf-8")) if label == name]
    assert found, f"{page.name} has no snippet {name}"
    return found


def test_the_registration_on_its_page_registers(provider: Running) -> None:
    [text] = snippets(DOCS / "registration.md", "registration")
    [entry] = load_registrations(text, "registration.md", read_public_keys=lambda name: {}, platform_url=None)
    provider.provider.services.registration.put(entry)
    stored = provider.provider.services.registration.get("parcel-locker")
    assert stored == entry
    assert stored.purposes[0].essential == {"name"}


def test_the_headless_page_signs_a_persona_in(provider: Running) -> None:
    names = {
        "management": provider.management_url,
        "token": provider.management_token,
        "issuer": provider.issuer,
    }
    for text in snippets(DOCS / "headless.md", "headless"):
        exec(compile(text, "headless.md", "exec"), names)  # noqa: S102  (our own page is what is tested)


@pytest.mark.parametrize("page", [README, README_ZH, *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_every_page_with_snippets_is_read_by_a_test() -> None:
    """Shell commands are for people; every other snippet is run by a test that opens its page."""
    suite = "".join(p.read_text(encoding="utf-8") for p in (DOCS.parent / "tests").rglob("*.py"))
    for page in sorted(DOCS.glob("*.md")):
        languages = {language for language, _, _ in _FENCE.findall(page.read_text(encoding="utf-8"))}
        if languages - {"console"}:
            assert page.name in suite, f"{page.name}: no test reads it"
