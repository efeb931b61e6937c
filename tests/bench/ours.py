"""Our provider as `netid serve` runs it: one worker, SQLite with durable settings, every check on."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from netid.ambient import Ambient
from netid.identity.levels import AssuranceLevel
from netid.identity.persona_file import DEMO_PASSCODE
from netid.storage.key_files import init_keys
from tests.bench.browser import Answer, Form, UnexpectedAnswer, forms
from tests.bench.server import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Server

PERSONA = "persona:an-adult"


class NetID(Server):
    """The sign-in page with its list of people, then the notice with the decision.

    Every start is a first one: it makes the databases and enrols the personas.
    """

    name = "netid"
    scope = "openid netid.verify"
    level = AssuranceLevel.CREDENTIAL

    def command(self, port: int) -> list[str | Path]:
        return [sys.executable, "-m", "netid.cli", "serve"]

    def environment(self, port: int) -> Mapping[str, str]:
        directory = self._directory / f"{self.name}-{port}"
        directory.mkdir()
        init_keys(directory / "keys", Ambient.real())
        registration = directory / "registration.yaml"
        registration.write_text(json.dumps({"relying_parties": [self._relying_party()]}))
        settings = {
            "MODE": "demo",
            "PORT": str(port),
            "ISSUER": f"http://127.0.0.1:{port}",
            "DATABASE_URL": f"sqlite:///{directory / 'netid.db'}",
            "KEY_DATABASE_URL": f"sqlite:///{directory / 'netid-keys.db'}",
            "KEYS": str(directory / "keys"),
            "RELYING_PARTIES": str(registration),
        }
        return {f"NETID_PROVIDER_{name}": value for name, value in settings.items()}

    def _relying_party(self) -> dict[str, object]:
        return {
            "client_id": CLIENT_ID,
            "name": {"zh": "测量", "en": "The bench"},
            "contact": "privacy@bench.example",
            "legal_entity": {"name": {"zh": "测量公司", "en": "Bench Ltd"}, "sector": "bench.example"},
            "redirect_uris": [REDIRECT_URI],
            "authentication": "client_secret_basic",
            "secret": CLIENT_SECRET,
            "id_token_signed_response_alg": self.id_token_alg,
            "default_level": self.level.value,
        }

    def answer(self, page: Answer) -> tuple[str, Mapping[str, str]]:
        form = forms(page)[0]
        return form.action, {**form.fields, **self._filled(page.url, form)}

    def _filled(self, url: str, form: Form) -> Mapping[str, str]:
        if ("decision", "agree") in form.buttons:
            return {"decision": "agree"}
        if "/sign-in/" in url:
            return {"who": PERSONA}
        if "passcode" in form.fields:
            return {"passcode": DEMO_PASSCODE}
        raise UnexpectedAnswer(f"{self.name} showed a page without a known form: {url}")


class NetIDES256(NetID):
    """The same with ID tokens signed by ES256."""

    name = "netid, ES256"
    id_token_alg = "ES256"
    starts = 1


class NetIDPasscode(NetID):
    """The same with a passcode, whose check is slow on purpose: a third page and a hash."""

    name = "netid, passcode"
    level = AssuranceLevel.CREDENTIAL_PASSCODE
    starts = 1
