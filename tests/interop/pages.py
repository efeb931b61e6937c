"""Code blocks of the documentation, for the tests that run them."""

import re
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```\w+ (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets(page: str, name: str) -> list[str]:
    """The code blocks of a page that carry this name behind their language; at least one."""
    found = [text for label, text in _FENCE.findall((_DOCS / page).read_text("utf-8")) if label == name]
    assert found, f"{page} has no snippet {name}"
    return found
