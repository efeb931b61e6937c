"""A provider for one test: its own databases, people and clock, served over HTTP on loopback."""

import base64
import hashlib
import re
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from netid.ambient import Ambient
from netid.app import Provider, build
from netid.credentials.current_keys import CurrentKeys
from netid.credentials.jose import prove, sign
from netid.credentials.jwk import SigningKey
from netid.credentials.keyring import Keyring
from netid.identity.persona_file import DEMO_PASSCODE
from netid.identity.relying_party import RelyingParty
from netid.pytest_plugin.servers import whole_answers
from netid.services.approval import ApprovalRule
from netid.services.registration import checked_registration
from netid.settings import Settings

CALLBACK = "http://127.0.0.1:9/callback"
"""A redirect URI where nothing listens: tests read the Location and do not follow it."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Form = dict[str, str] | Sequence[tuple[str, str]]
MANAGEMENT_TOKEN = "a-token-for-the-tests"

PARCEL_PURPOSE = {
    "id": "real-name-parcel",
    "text": {"zh": "寄件实名核验", "en": "Real-name check for sending a parcel"},
    "legal_basis": {
        "code": "CN-POSTAL-REALNAME",
        "text": {"zh": "《快递暂行条例》第二十二条", "en": "Express rules, 22"},
    },
    "retention_days": 180,
    "claims": [
        {
            "name": "name",
            "necessity": "essential",
            "because": {"zh": "核对寄件人", "en": "to check the sender"},
        },
        {
            "name": "document_number",
            "necessity": "essential",
            "because": {"zh": "法规要求登记", "en": "the rules ask for it"},
        },
        {
            "name": "phone_number",
            "necessity": "voluntary",
            "because": {"zh": "方便联系", "en": "to reach you"},
        },
    ],
}
MINORS_PURPOSE = {
    "id": "minors-mode",
    "text": {"zh": "未成年人模式", "en": "Minors’ mode"},
    "retention_days": 0,
    "claims": [
        {
            "name": "age_over_18",
            "necessity": "essential",
            "because": {"zh": "决定游戏时长", "en": "for playing time"},
        }
    ],
}


class Clock:
    """The real time, and whatever a test adds to it."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.stopped_at: datetime | None = None

    def now(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.offset

    def advance(self, **amount: float) -> None:
        self.offset += timedelta(**amount)

    def stop(self) -> None:
        """From here on time passes only by `advance`."""
        self.stopped_at = datetime.now(UTC)


@dataclass
class Callback:
    """What came back to the redirect URI."""

    parameters: dict[str, str]

    @property
    def code(self) -> str:
        assert "code" in self.parameters, self.parameters
        return self.parameters["code"]

    @property
    def error(self) -> str | None:
        return self.parameters.get("error")


@dataclass
class Client:
    """A registered relying party that speaks plain HTTP, so that tests see every byte."""

    running: "Running"
    relying_party: RelyingParty
    secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    key: SigningKey | None = None
    """What it proves itself with instead of a secret."""
    dpop: SigningKey | None = None
    """What its access tokens are bound to (RFC 9449)."""

    @property
    def client_id(self) -> str:
        return self.relying_party.client_id

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        parameters: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid netid.verify",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": sha256(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def authorize(self, browser: requests.Session | None = None, **changes: str | None) -> requests.Response:
        """GET /authorize, not following the redirect; in profile fapi2 the request is pushed before."""
        if self.relying_party.profile == "fapi2":
            return self.begin(self.pushed(**changes), browser)
        return self._open(self.request(**changes), browser)

    def push(self, **changes: str | None) -> requests.Response:
        """POST /par."""
        return self.post("/par", self.request(**changes))

    def pushed(self, **changes: str | None) -> str:
        """The `request_uri` of a pushed request."""
        answer = self.push(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["request_uri"])

    def begin(
        self, request_uri: str, browser: requests.Session | None = None, **beside: str
    ) -> requests.Response:
        """GET /authorize with a `request_uri`, not following the redirect."""
        return self._open({"client_id": self.client_id, "request_uri": request_uri, **beside}, browser)

    def _open(self, parameters: dict[str, str], browser: requests.Session | None) -> requests.Response:
        browser = browser or self.running.browser()
        return browser.get(self.running.url("/authorize"), params=parameters, allow_redirects=False)

    def post(self, endpoint: str, form: Form, **headers: str) -> requests.Response:
        """POST as this client, with its secret (HTTP Basic) or with its key (a fresh assertion)."""
        auth = (self.client_id, self.secret) if self.key is None else None
        form = [*(form.items() if isinstance(form, dict) else form), *self.proof()]
        return requests.post(self.running.url(endpoint), data=form, auth=auth, headers=headers, timeout=10)

    def proof(self) -> list[tuple[str, str]]:
        """A fresh client assertion as form fields; nothing for a client with a secret."""
        if self.key is None:
            return []
        now = int(self.running.clock.now().timestamp())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.running.issuer}
        claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16)}
        assertion = sign(claims, self.key, None)
        return [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]

    def headless(
        self, persona: str = "an-adult", rule: dict[str, Any] | None = None, **changes: str | None
    ) -> Callback:
        """A whole authorization by an approval rule."""
        self.running.approve(persona=persona, **{"client_id": self.client_id, **(rule or {})})
        return self.running.callback(self.authorize(login_hint=persona, **changes))

    def redeem(self, code: str, **changes: str | None) -> requests.Response:
        """POST /token."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        given = {name: value for name, value in (form | changes).items() if value is not None}
        headers = {"DPoP": self.dpop_proof("/token")} if self.dpop else {}
        return self.post("/token", given, **headers)

    def tokens(self, persona: str = "an-adult", **changes: str | None) -> dict[str, Any]:
        """A whole flow by an approval rule, up to the token response."""
        answer = self.redeem(self.headless(persona, **changes).code)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def userinfo(self, access_token: str) -> requests.Response:
        """GET /userinfo."""
        headers = {"Authorization": f"{'DPoP' if self.dpop else 'Bearer'} {access_token}"}
        if self.dpop:
            headers["DPoP"] = self.dpop_proof("/userinfo", "GET", access_token)
        return requests.get(self.running.url("/userinfo"), headers=headers, timeout=10)

    def dpop_proof(
        self, endpoint: str, method: str = "POST", access_token: str | None = None, **changes: Any
    ) -> str:
        """A right proof with the current nonce, but for the changes; None leaves a claim out."""
        assert self.dpop is not None
        return prove(self.dpop_claims(endpoint, method, access_token, **changes), self.dpop, "dpop+jwt")

    def dpop_claims(
        self, endpoint: str, method: str = "POST", access_token: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """What a proof says."""
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": f"{self.running.issuer}{endpoint}",
            "iat": int(self.running.clock.now().timestamp()),
            "nonce": self.running.dpop_nonce(),
            "ath": sha256(access_token) if access_token else None,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}


def sha256(text: str) -> str:
    """The SHA-256 as base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Running:
    """A provider that answers on loopback."""

    def __init__(self, provider: Provider, clock: Clock, directory: Path, keyring: Keyring) -> None:
        self.provider = provider
        self.clock = clock
        self.keyring = keyring
        self.keys = CurrentKeys(lambda: keyring, clock.now)
        self.directory = directory
        self.issuer = provider.settings.issuer
        self.address = self.issuer
        """Where this one answers; a second provider on the same databases has the first one's issuer."""
        self.management_url = ""
        self.management_token = MANAGEMENT_TOKEN

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def browser(self) -> requests.Session:
        """A browser without a past."""
        browser = requests.Session()
        browser.headers["Accept-Language"] = "en"
        return browser

    def register(self, client_id: str = "a-shop", **changes: Any) -> Client:
        """Registers a relying party: with a secret, or in profile fapi2 with a key of its own."""
        key = None
        entry = entry_of(client_id)
        if changes.get("profile") == "fapi2":
            key = SigningKey.generate("ES256", secrets.token_bytes)
            keys = {"keys": [key.public.jwk()]}
            entry |= {"authentication": "private_key_jwt", "secret": None, "jwks": keys}
        merged = {name: value for name, value in (entry | changes).items() if value is not None}
        relying_party = checked_registration(merged)
        self.provider.services.registration.put(relying_party)
        dpop = SigningKey.generate("ES256", secrets.token_bytes) if key else None
        return Client(self, relying_party, merged.get("secret", ""), key=key, dpop=dpop)

    def dpop_nonce(self) -> str:
        """The nonce that proofs have to carry now."""
        answer = requests.get(self.url("/userinfo"), headers={"DPoP": "none yet"}, timeout=10)
        return answer.headers["DPoP-Nonce"]

    def approve(self, persona: str = "an-adult", **rule: Any) -> None:
        """Sets what a persona decides without a browser."""
        assert self.provider.services.approvals is not None
        self.provider.services.approvals.outcomes.set(ApprovalRule(persona=persona, **rule))

    def decide_once(self, persona: str, **rule: Any) -> None:
        """Sets what the next request comes to that names nobody else."""
        assert self.provider.services.approvals is not None
        self.provider.services.approvals.outcomes.enqueue(ApprovalRule(persona=persona, **rule))

    def callback(self, response: requests.Response) -> Callback:
        """The parameters of a redirect back to the relying party."""
        location = response.headers.get("Location", "")
        assert response.status_code == 303, (response.status_code, response.text[:500])
        assert location.startswith(CALLBACK), location
        return Callback({name: values[0] for name, values in parse_qs(urlsplit(location).query).items()})

    def form(self, browser: requests.Session, page: requests.Response, **fields: str) -> requests.Response:
        """Posts the first form of a page as a browser would, hidden fields included."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return browser.post(
            page.url, data=hidden | fields, headers={"Origin": self.issuer}, allow_redirects=False
        )

    def get(self, browser: requests.Session, response: requests.Response) -> requests.Response:
        """Follows one redirect of the provider."""
        return browser.get(response.headers["Location"], allow_redirects=False)


def entry_of(client_id: str) -> dict[str, Any]:
    """The registration of a relying party with a secret, as it is written in a file."""
    return {
        "client_id": client_id,
        "name": {"zh": f"{client_id}商店", "en": f"The {client_id}"},
        "contact": f"privacy@{client_id}.example",
        "legal_entity": {
            "name": {"zh": f"{client_id}公司", "en": f"{client_id} Ltd"},
            "sector": f"{client_id}.example",
        },
        "redirect_uris": [CALLBACK],
        "authentication": "client_secret_basic",
        "secret": secrets.token_urlsafe(32),
        "id_token_signed_response_alg": "ES256",
        "purposes": [PARCEL_PURPOSE, MINORS_PURPOSE],
    }


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests print what they assert, not every request."""


def serve_in_thread(app: Any, listener: socket.socket) -> BaseWSGIServer:
    """Serves a WSGI app on a bound socket until `shutdown`."""
    host, port = listener.getsockname()[:2]
    server = make_server(
        host, port, whole_answers(app), threaded=True, request_handler=_Quiet, fd=listener.fileno()
    )
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def listen() -> socket.socket:
    """A loopback socket on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    return listener


def settings_for(directory: Path, issuer: str, **changes: Any) -> Settings:
    """Test-mode settings with databases in a directory."""
    return Settings(
        **{
            "mode": "test",
            "issuer": issuer,
            "database_url": f"sqlite:///{directory / 'netid.db'}",
            "key_database_url": f"sqlite:///{directory / 'keys.db'}",
            "management_token": MANAGEMENT_TOKEN,
            "management_port": 0,
            **changes,
        }
    )


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """One set of keys for all tests: making them takes longer than most tests."""
    return Keyring.generate(Ambient.real())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Path:
    """Databases with the shipped personas enrolled, to be copied for each test."""
    directory = tmp_path_factory.mktemp("template")
    build(settings_for(directory, "http://127.0.0.1:1"), keyring, Ambient.real()).close()
    return directory


class Starter:
    """Starts providers, each in a directory of its own, and ends them."""

    def __init__(self, directory: Path, keyring: Keyring, template: Path) -> None:
        self._directory = directory
        self._keyring = keyring
        self._template = template
        self._started: list[tuple[Provider, list[BaseWSGIServer]]] = []
        self._listeners: list[socket.socket] = []

    def __call__(
        self, beside: Running | None = None, *, latest: Callable[[], Keyring] | None = None, **changes: Any
    ) -> Running:
        """A provider; `beside` another, on its databases and with its issuer, as a second worker is."""
        directory = beside.directory if beside else self._directory / f"provider-{len(self._started)}"
        if beside is None:
            shutil.copytree(self._template, directory)
        listeners = [listen(), listen()]
        self._listeners += listeners
        addresses = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
        clock = beside.clock if beside else Clock()
        issuer = changes.pop("issuer", beside.issuer if beside else addresses[0])
        settings = settings_for(directory, issuer, **changes)
        ambient = Ambient(now=clock.now, random=secrets.token_bytes)
        provider = build(settings, self._keyring, ambient, latest=latest)
        servers = [serve_in_thread(provider.wsgi, listeners[0])]
        if provider.management is not None:
            servers.append(serve_in_thread(provider.management, listeners[1]))
        self._started.append((provider, servers))
        running = Running(provider, clock, directory, self._keyring)
        running.address, running.management_url = addresses
        return running

    def end(self) -> None:
        """Stops them all."""
        for provider, servers in self._started:
            for server in servers:
                server.shutdown()
                server.server_close()
            provider.close()
        for listener in self._listeners:
            listener.close()


@pytest.fixture
def start(tmp_path: Path, keyring: Keyring, template: Path) -> Iterator[Starter]:
    """Starts providers for one test."""
    starter = Starter(tmp_path, keyring, template)
    yield starter
    starter.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Running]:
    """One provider for the tests of a file that leave its clock and its people as they are."""
    starter = Starter(tmp_path_factory.mktemp("shared"), keyring, template)
    try:
        yield starter()
    finally:
        starter.end()


@pytest.fixture
def provider(start: Starter) -> Running:
    """A provider with the shipped personas, a clock of its own and a management port."""
    return start()


__all__ = ["DEMO_PASSCODE"]
