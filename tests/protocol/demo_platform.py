"""The demo platform in front of a real provider, and one browser; what its pages show."""

import html
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.services.registration import load_registrations
from netid.storage.key_files import init_client_key
from platform_demo.app import PlatformSettings, create_app
from platform_demo.made_up import EXAMPLE_NUMBER, EXAMPLE_PHONE
from platform_demo.scenes import SCENES
from tests.running import Running

REGISTRATION = Path(__file__).parents[2] / "platform_demo" / "registration.yaml"
URL = "http://localhost:8100"
TYPED = {"name": "虚构人", "document_number": EXAMPLE_NUMBER, "phone_number": EXAMPLE_PHONE}


@dataclass
class Platform:
    """The demo platform, its provider, and one browser."""

    provider: Running
    ambient: Ambient
    app: Flask
    data: Path
    browser: FlaskClient

    def get(self, path: str, language: str = "en") -> TestResponse:
        return self.browser.get(path, base_url=URL, headers={"Accept-Language": language})

    def post(self, page: TestResponse, path: str, **fields: str) -> TestResponse:
        """Posts a form of that page, its hidden value included."""
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert token, page.text
        data = {"form_token": token[1], **fields}
        return self.browser.post(
            path, base_url=URL, data=data, headers={"Origin": URL, "Accept-Language": "en"}
        )

    def press_sign_in(self, scene: str) -> str:
        sent = self.post(self.get(f"/{scene}/"), f"/{scene}/sign-in")
        assert sent.status_code == 303
        return sent.location

    def come_back(self, scene: str, persona: str = "an-adult", **rule: object) -> str:
        """Signs in at the provider by an approval rule; the path the person comes back to."""
        self.provider.decide_once(persona, **rule)
        answer = requests.get(self.press_sign_in(scene), allow_redirects=False, timeout=10)
        assert answer.headers["Location"].startswith(f"{URL}/{scene}/callback?"), answer.text[:500]
        return answer.headers["Location"].removeprefix(URL)

    def sign_in(self, scene: str, persona: str = "an-adult", **rule: object) -> TestResponse:
        """All the way to the page that says what was received."""
        back = self.get(self.come_back(scene, persona, **rule))
        assert (back.status_code, back.location) == (303, f"/{scene}/received")
        return self.get(back.location)

    def sign_out(self, scene: str) -> None:
        assert self.post(self.get(f"/{scene}/account"), f"/{scene}/sign-out").location == f"/{scene}/"

    def sign_up(self, scene: str) -> TestResponse:
        """The other way, to the account page."""
        fields = {field: TYPED[field] for field in self.scene(scene).other_way_fields}
        sent = self.post(self.get(f"/{scene}/other-way"), f"/{scene}/other-way", **fields)
        assert (sent.status_code, sent.location) == (303, f"/{scene}/account")
        return self.get(sent.location)

    def scene(self, scene_id: str):
        return next(scene for scene in SCENES if scene.id == scene_id)

    def database(self, scene: str) -> bytes:
        return (self.data / f"platform-{scene}.db").read_bytes()

    def count(self, scene: str, table: str) -> int:
        database = sqlite3.connect(self.data / f"platform-{scene}.db")
        try:
            return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
        finally:
            database.close()


@pytest.fixture
def platform(provider, tmp_path) -> Platform:
    """The demo platform as `netid demo` runs it, but for the port."""
    keys, data = tmp_path / "keys", tmp_path / "platform"
    ambient = Ambient(provider.clock.now, os.urandom)
    for scene in SCENES:
        for file in (scene.key_file, scene.dpop_key_file):
            init_client_key(keys / file, ambient)
    for relying_party in load_registrations(
        REGISTRATION.read_text(encoding="utf-8"),
        "registration.yaml",
        read_public_keys=lambda name: public_keys_of(keys / name),
        platform_url=URL,
    ):
        provider.provider.services.registration.put(relying_party)
    app = create_app(PlatformSettings(provider.issuer, keys, data, URL), ambient)
    return Platform(provider, ambient, app, data, app.test_client())


def shown(page: TestResponse, testid: str) -> str:
    """The text of the element with that test id (one without elements inside)."""
    found = re.search(rf'data-testid="{testid}"[^>]*>([^<]*)<', page.text)
    assert found, testid
    return html.unescape(found[1])


def cells(page: TestResponse, row: str) -> list[str]:
    found = re.search(rf'data-testid="saw-{row}".*?</tr>', page.text)
    assert found, row
    return re.findall("<td>([^<]*)</td>", found[0])
