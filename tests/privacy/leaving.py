"""A person who gives up their net number at the pages, in a browser without scripts."""

import re

import requests

from tests.privacy.people import PlantedPerson
from tests.protocol.visiting import Visitor
from tests.running import Running


def signed_in_to_leave(running: Running, who: str, passcode: str) -> tuple[Visitor, requests.Response]:
    """At the page that asks, freshly signed in."""
    visitor = Visitor(running, who=who, passcode=passcode)
    page = visitor.walk(
        visitor.browser.get(running.url("/records/cancel"), allow_redirects=False), stop="records"
    )
    assert 'data-testid="page-cancel"' in page.text
    assert 'data-testid="agree"' in page.text
    return visitor, page


def leave(running: Running, person: PlantedPerson) -> requests.Response:
    """Leaves for good; the page that says how far the deletion has come."""
    visitor, page = signed_in_to_leave(running, f"persona:{person.persona.id}", person.persona.passcode)
    answer = visitor.send(page, decision="agree")
    assert re.search(r"/cancelled/[A-Za-z0-9_-]{43}$", answer.headers["Location"]), answer.text
    return visitor.open(answer)
