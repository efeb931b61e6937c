"""A page as a browser without scripts has it, and a person who goes from one to the next."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

from tests.running import DEMO_PASSCODE, Client, Running

_VOID = frozenset({"input", "link", "meta", "br", "wbr", "hr", "img", "ellipse", "path"})


@dataclass
class Element:
    """One element, with what is in it."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def all(self, *tags: str, **attributes: str) -> list["Element"]:
        """Every element below that fits, in the order of the page; `data_testid` stands for its name."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if (not tags or child.tag in tags) and wanted.items() <= child.attributes.items():
                    found.append(child)
                found.extend(child.all(*tags, **attributes))
        return found

    def one(self, *tags: str, **attributes: str) -> "Element":
        found = self.all(*tags, **attributes)
        assert len(found) == 1, (tags, attributes, len(found))
        return found[0]

    @property
    def text(self) -> str:
        """Its words, with single spaces."""
        words = " ".join(child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(words.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("document", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def close(self) -> None:
        super().close()
        assert [element.tag for element in self._open] == ["document"], "an element is left open"


class Page(Element):
    """A page that was answered."""

    def __init__(self, response: requests.Response) -> None:
        reader = _Reader()
        reader.feed(response.text)
        reader.close()
        super().__init__("document", {}, reader.root.children)
        self.response = response

    def test(self, testid: str) -> Element:
        """The element with that test id."""
        return self.one(data_testid=testid)

    def has(self, testid: str) -> bool:
        return bool(self.all(data_testid=testid))

    @property
    def name(self) -> str:
        """Which page it is."""
        return self.one("main").get("data-testid") or ""

    @property
    def faults(self) -> dict[str, str]:
        """The error summary: field to words. The same words stand at the input."""
        links = self.test("error-summary").all("a") if self.has("error-summary") else []
        faults = {(link.get("href") or "").removeprefix("#"): link.text for link in links}
        for name, words in faults.items():
            assert self.one(id=name)
            assert words in self.one("p", id=f"{name}-error").text
        return faults

    def form_of(self, button: str) -> Element:
        """The form that holds the button of that test id."""
        return next(form for form in self.all("form") if form.all("button", data_testid=button))


class Visitor:
    """A person with a browser of their own, without scripts."""

    def __init__(self, running: Running, language: str = "en") -> None:
        self.running = running
        self.browser = running.browser()
        self.browser.headers["Accept-Language"] = language
        self.page: Page
        self.left: requests.Response | None = None

    def ask(self, client: Client, **changes: str | None) -> "Visitor":
        """The relying party sends the person here."""
        return self._follow(client.authorize(self.browser, **changes))

    def open(self, url: str) -> "Visitor":
        return self._follow(self.browser.get(url, allow_redirects=False))

    def press(self, button: str, **filled: Any) -> "Visitor":
        """Presses a button; `filled` are the fields of its form that the person fills in."""
        form = self.page.form_of(button)
        sent: dict[str, Any] = {
            element.get("name") or "": element.get("value") or ""
            for element in form.all("input")
            if element.get("type") == "hidden"
        }
        pressed = form.one("button", data_testid=button)
        if name := pressed.get("name"):
            sent[name] = pressed.get("value")
        return self.send(form.get("action"), sent | filled)

    def send(self, action: str | None, sent: dict[str, Any]) -> "Visitor":
        """Sends a form to an address of the provider, or to the page's own."""
        url = urljoin(self.page.response.url, action) if action else self.page.response.url
        headers = {"Origin": self.running.issuer}
        return self._follow(self.browser.post(url, data=sent, headers=headers, allow_redirects=False))

    def sign_in(self, persona: str = "an-adult", passcode: str = DEMO_PASSCODE) -> "Visitor":
        self.press("next", who=f"persona:{persona}")
        return self.press("next", passcode=passcode) if self.page.name == "page-passcode" else self

    def _follow(self, response: requests.Response) -> "Visitor":
        self.left = None
        while response.status_code == 303:
            onward = urljoin(response.url, response.headers["Location"])
            if not onward.startswith(self.running.issuer):
                self.left = response
                return self
            response = self.browser.get(onward, allow_redirects=False)
        self.page = Page(response)
        return self
