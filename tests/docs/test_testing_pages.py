"""The two pages on testing do what they say: from nothing to a first green test."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.running import Running

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```python (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

READERS_APP = '''
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, request, url_for
from joserfc.errors import JoseError


@pytest.fixture
def make_app():
    """The reader's own relying party."""

    def make(issuer, client_id, client_secret, scope):
        app = Flask("shop")
        app.secret_key = "only for this test"
        netid = OAuth(app).register(
            "netid",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": scope, "code_challenge_method": "S256"},
        )

        @app.get("/login")
        def login():
            return netid.authorize_redirect(url_for("callback", _external=True))

        @app.get("/callback")
        def callback():
            try:
                token = netid.authorize_access_token()
            except (OAuthError, JoseError) as error:
                return {"other_way": error.error}
            return {"adult": netid.userinfo(token=token)["age_over_18"]}

        return app

    return make
'''


def snippets(page: str) -> dict[str, list[str]]:
    """The code blocks of a page, by name."""
    found: dict[str, list[str]] = {}
    for name, text in _FENCE.findall((DOCS / page).read_text(encoding="utf-8")):
        found.setdefault(name, []).append(text)
    return found


def test_the_python_page_leads_to_green_tests(tmp_path: Path) -> None:
    page = snippets("testing-python.md")
    (tmp_path / "conftest.py").write_text(READERS_APP, encoding="utf-8")
    (tmp_path / "test_first.py").write_text("\n".join(page["first"]), encoding="utf-8")
    (tmp_path / "test_own.py").write_text("\n".join(page["own"]), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "netid.pytest_plugin", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_the_http_page_leads_to_a_green_test(provider: Running) -> None:
    names = {"management": provider.management_url, "token": provider.management_token}
    for text in snippets("testing-http.md")["http"]:
        exec(compile(text, "testing-http.md", "exec"), names)  # noqa: S102  (our own page is what is tested)
    assert provider.provider.realms is not None
    assert provider.provider.realms.all() == []
