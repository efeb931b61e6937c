"""A person at the provider's pages: opens them and sends their forms as a browser without scripts does."""

import re
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

import requests

from tests.running import DEMO_PASSCODE, Running

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Visitor:
    """One browser, and what the person in front of it would answer."""

    def __init__(
        self, running: Running, *, who: str = "persona:an-adult", passcode: str = DEMO_PASSCODE
    ) -> None:
        self.running = running
        self.browser = running.browser()
        self.who = who
        self.passcode = passcode
        self.guardian = "persona:guardian"

    def walk(
        self,
        response: requests.Response,
        *,
        stop: str | None = None,
        decision: str = "agree",
        ticked: Sequence[str] = (),
    ) -> requests.Response:
        """From page to page; the redirect away from the provider, or the page named `stop`."""
        while self.is_here(response):
            page = self.open(response)
            if page.status_code != 200 or step_of(page) == stop:
                return page
            response = self.answer(page, decision=decision, ticked=ticked)
            if response.status_code != 303:
                return response
        return response

    def is_here(self, response: requests.Response) -> bool:
        """Whether a redirect stays at the provider."""
        return response.is_redirect and _target(response).startswith(self.running.issuer)

    def open(self, response: requests.Response) -> requests.Response:
        """The page that a redirect leads to."""
        return self.browser.get(_target(response), allow_redirects=False)

    def answer(
        self, page: requests.Response, *, decision: str = "agree", ticked: Sequence[str] = ()
    ) -> requests.Response:
        """Sends what this person answers on such a page."""
        guardian = "role=guardian" in page.url
        match step_of(page):
            case "sign-in":
                return self.send(page, who=self.guardian if guardian else self.who)
            case "passcode":
                return self.send(page, passcode=DEMO_PASSCODE if guardian else self.passcode)
            case "face":
                return self.send(page, outcome="match")
            case "guardian":
                page = self.browser.get(page.url.replace("/guardian/", "/sign-in/") + "?role=guardian")
                return self.send(page, who=self.guardian)
            case "consent":
                return self.send(page, decision=decision, claim=list(ticked))
            case step:
                raise AssertionError(f"nothing to answer on {step}")

    def send(self, page: requests.Response, **fields: str | list[str]) -> requests.Response:
        """Posts a page's form, its hidden fields included, to the page itself."""
        return self.post(page.url, **(dict(_HIDDEN.findall(page.text)) | fields))

    def post(self, url: str, **fields: str | list[str]) -> requests.Response:
        """Posts a form from a page of the provider."""
        origin = {"Origin": self.running.issuer}
        return self.browser.post(url, data=fields, headers=origin, allow_redirects=False)


def _target(response: requests.Response) -> str:
    return urljoin(response.url, response.headers["Location"])


def step_of(page: requests.Response) -> str:
    """The first part of a page's address."""
    return urlsplit(page.url).path.split("/")[1]
