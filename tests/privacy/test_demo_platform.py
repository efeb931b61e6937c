"""S1 at the demo platform, in a real browser: what reaches it, what it keeps, and what it logs."""

import io
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.wsgi import ClosingIterator

from netid import responses
from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.services.registration import load_registrations
from netid.storage.key_files import init_client_key
from platform_demo.app import PlatformSettings, create_app
from platform_demo.scenes import SCENES
from tests.privacy.people import PERSONA_FILE, PlantedPeople
from tests.privacy.searching import Searcher
from tests.running import Running, listen, serve_in_thread
from tests.watching import LogWatch

REGISTRATION = Path(__file__).parents[2] / "platform_demo" / "registration.yaml"
BACK_CHANNEL = ("/token", "/userinfo", "/revoke", "/jwks", "/.well-known/")


@dataclass
class Kept:
    """A WSGI application in front of which everything is written down."""

    app: Any
    requests: list[bytes] = field(default_factory=list)
    referers: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)
    """Those of the back channel."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        address = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        self.requests.append(f"{address}\n{headers}\n".encode() + body)
        self.referers.append(headers.get("HTTP_REFERER", ""))
        self.cookies.append(headers.get("HTTP_COOKIE", ""))
        head: list[str] = []

        def keep_head(status: str, fields: list[tuple[str, str]], *rest: Any) -> Any:
            head.extend([status, *(f"{name}: {value}" for name, value in fields if name != "Content-Length")])
            return start_response(status, fields, *rest)

        with closing(ClosingIterator(self.app(environ, keep_head))) as chunks:
            answer = b"".join(chunks)
        if environ["PATH_INFO"].startswith(BACK_CHANNEL):
            self.responses.append("\n".join(head).encode() + b"\n\n" + answer)
        return [answer]


@dataclass
class Town:
    """Provider and platform, and everything that went from one to the other."""

    provider: Running
    url: str
    data: Path
    at_platform: Kept
    at_provider: Kept

    def arrived(self) -> bytes:
        """Every byte the platform got from browsers and from the provider."""
        return b"\n".join(self.at_platform.requests + self.at_provider.responses)

    def kept(self) -> bytes:
        """Every byte of its databases."""
        files = sorted(path for path in self.data.rglob("*") if path.is_file())
        assert files
        return b"\n".join(path.read_bytes() for path in files)


@pytest.fixture
def provider(start: Callable[..., Running]) -> Running:
    """A provider with the planted people, whose pages a browser can pass."""
    return start(personas=PERSONA_FILE)


@pytest.fixture
def town(provider: Running, tmp_path: Path) -> Iterator[Town]:
    with _platform(provider, tmp_path) as opened:
        yield opened


@contextmanager
def _platform(provider: Running, directory: Path) -> Iterator[Town]:
    keys, data = directory / "keys", directory / "platform"
    ambient = Ambient(now=provider.clock.now, random=secrets.token_bytes)
    for scene in SCENES:
        for file in (scene.key_file, scene.dpop_key_file):
            init_client_key(keys / file, ambient)
    listener = listen()
    url = f"http://localhost:{listener.getsockname()[1]}"
    for relying_party in load_registrations(
        REGISTRATION.read_text(encoding="utf-8"),
        "registration.yaml",
        read_public_keys=lambda name: public_keys_of(keys / name),
        platform_url=url,
    ):
        provider.provider.services.registration.put(relying_party)
    app = provider.provider.app
    at_platform, at_provider = (
        Kept(create_app(PlatformSettings(provider.issuer, keys, data, url), ambient)),
        Kept(app.wsgi_app),
    )
    app.wsgi_app = at_provider  # type: ignore[method-assign]
    server = serve_in_thread(at_platform, listener)
    yield Town(provider, url, data, at_platform, at_provider)
    server.shutdown()
    server.server_close()
    listener.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(locale="zh-CN")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, town: Town, scene: str, passcode: str, decision: str = "agree") -> None:
    """Signs the elder in at a scene, page by page."""
    page.goto(f"{town.url}/{scene}/")
    page.get_by_test_id("sign-in-with-netid").first.click()
    page.get_by_test_id("persona-planted-elder").first.check()
    page.get_by_test_id("next").first.click()
    page.get_by_test_id("passcode").first.fill(passcode)
    page.get_by_test_id("next").first.click()
    page.get_by_test_id(decision).first.click()
    page.get_by_test_id("page-received" if decision == "agree" else "other-way").first.wait_for()


def left_in_the_browser(page: Page) -> bytes:
    return repr(page.context.storage_state()).encode()


@pytest.mark.parametrize("scene", ["forum", "game"])
def test_s1_without_a_legal_basis_nothing_of_the_document_reaches_the_platform(
    town: Town, people: PlantedPeople, searcher: Searcher, page: Page, scene: str, watched_logs: LogWatch
) -> None:
    sign_in(page, town, scene, people["planted-elder"].persona.passcode)

    assert len(town.at_platform.requests) > 3
    assert any(b'"id_token"' in answer for answer in town.at_provider.responses)
    assert searcher.leaks(town.arrived()) == []
    assert searcher.leaks(town.kept(), words=False) == []
    assert searcher.leaks(left_in_the_browser(page)) == []
    assert watched_logs.leaks() == []


def test_s1_a_parcel_gets_what_was_agreed_to_and_not_the_rest(
    town: Town, people: PlantedPeople, page: Page
) -> None:
    elder = people["planted-elder"]
    sign_in(page, town, "parcels", elder.persona.passcode)
    kept = town.kept()

    assert elder.persona.document.name.encode() in kept
    assert elder.persona.document.number.encode() in kept
    # The date of birth is inside the document number, which was agreed to.
    others = [one for one in people.values if one.field not in {"name", "document_number", "birthdate"}]
    searcher = Searcher(others, people.today)
    assert searcher.leaks(town.arrived()) == []
    assert searcher.leaks(kept, words=False) == []
    assert people.searcher().leaks(b"\n".join(town.at_platform.requests)) == []


def test_s1_a_refusal_leaves_no_trace_at_the_platform(
    town: Town, people: PlantedPeople, searcher: Searcher, page: Page
) -> None:
    sign_in(page, town, "parcels", people["planted-elder"].persona.passcode, decision="refuse")

    assert not any(b'"id_token"' in answer for answer in town.at_provider.responses)
    assert searcher.leaks(town.arrived()) == []
    assert searcher.leaks(town.kept(), words=False) == []


def foreign_referers(town: Town) -> list[str]:
    return [referer for referer in town.at_platform.referers if referer and not referer.startswith(town.url)]


def test_s14_no_referer_and_no_cookie_of_the_provider_reaches_the_platform(
    town: Town, people: PlantedPeople, page: Page
) -> None:
    sign_in(page, town, "forum", people["planted-elder"].persona.passcode)

    assert foreign_referers(town) == []
    of_the_provider = {cookie["name"] for cookie in page.context.cookies(town.provider.issuer)}
    assert len(of_the_provider) >= 2
    assert not any(name in cookie for name in of_the_provider for cookie in town.at_platform.cookies)
    assert all(cookie["httpOnly"] for cookie in page.context.cookies(town.provider.issuer))
    assert page.context.storage_state()["origins"] == []


# Positive controls


def test_s14_a_page_that_lets_its_address_out_is_found(
    town: Town, people: PlantedPeople, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, redirect = responses.page_headers, responses.redirect_to_relying_party

    def loose(build: Callable[..., Any]) -> Callable[..., Any]:
        def built(*arguments: Any, **named: Any) -> Any:
            response = build(*arguments, **named)
            response.headers["Referrer-Policy"] = "unsafe-url"
            return response

        return built

    monkeypatch.setattr(responses, "page_headers", loose(headers))
    monkeypatch.setattr(responses, "redirect_to_relying_party", loose(redirect))
    sign_in(page, town, "forum", people["planted-elder"].persona.passcode)

    assert foreign_referers(town) != []


def test_s1_a_platform_that_keeps_what_it_should_not_have_is_found(
    town: Town, people: PlantedPeople, searcher: Searcher
) -> None:
    (town.data / "notes.txt").write_bytes(people["planted-elder"].persona.phone_number.encode("utf-16"))

    assert {leak.field for leak in searcher.leaks(town.kept(), words=False)} == {"phone_number"}
