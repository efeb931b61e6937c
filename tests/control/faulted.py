"""A provider that goes wrong as a test says, behind a line, and relying parties that use the SDK."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from netid.ambient import Ambient
from netid.app import build
from netid.client import Ask, ClientSecretBasic, NetIDClient, Registration, SignedIn
from netid.control.doubles import Doubles
from netid.control.fault_reading import read_fault
from netid.control.faulty_answers import FaultyAnswers
from netid.control.faulty_line import Line
from netid.control.faulty_tokens import FaultySigner
from netid.control.pacing import Paced, Pacing
from netid.control.standing_faults import Faults, StandingFault
from netid.credentials.keyring import Keyring
from netid.services.approval import Outcomes
from tests.running import CALLBACK, Client, Clock, Running, listen, serve_in_thread, settings_for

PARCEL = Ask(purpose="real-name-parcel", login_hint="an-adult")


@dataclass
class Shop:
    """A relying party that signs people in with the SDK."""

    registered: Client
    client: NetIDClient

    def come_back(self, ask: Ask = PARCEL) -> tuple[str, str]:
        """A browser, and the query that it comes back with."""
        self.registered.running.approve(persona=str(ask.login_hint))
        browser = self.client.new_browser()
        answer = requests.get(self.client.begin(browser, ask), allow_redirects=False, timeout=10)
        assert answer.status_code == 303, (answer.status_code, answer.text)
        return browser, urlsplit(answer.headers["Location"]).query

    def sign_in(self, ask: Ask = PARCEL) -> SignedIn:
        """A whole sign-in."""
        return self.client.finish(*self.come_back(ask))


@dataclass
class Faulted:
    """The provider, its faults, and the line in front of it."""

    running: Running
    faults: Faults
    pacing: Pacing
    outcomes: Outcomes

    def declare(self, endpoint: str, fault: str, **more: Any) -> StandingFault:
        """Declares a fault from plain data, as the management port does."""
        return self.faults.declare(read_fault({"endpoint": endpoint, "fault": fault, **more}))

    def shop(self, client_id: str = "a-shop", *, signed: bool = False, **changes: Any) -> Shop:
        """Registers a relying party and configures the SDK for it."""
        userinfo = {"userinfo_signed_response_alg": "ES256"} if signed else {}
        registered = self.running.register(client_id, **userinfo, **changes)
        registration = Registration(
            issuer=self.running.issuer,
            client_id=client_id,
            redirect_uri=CALLBACK,
            profile="oidc",
            authentication=ClientSecretBasic(registered.secret),
            id_token_alg=registered.relying_party.id_token_signed_response_alg,
            userinfo_alg="ES256" if signed else None,
        )
        return Shop(registered, NetIDClient(registration))


@contextmanager
def faulted_provider(directory: Path, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    """A provider behind a line: every request to its issuer goes through it."""
    shutil.copytree(template, directory)
    front, back = listen(), listen()
    issuer = f"http://127.0.0.1:{front.getsockname()[1]}"
    clock, faults, pacing, outcomes = Clock(), Faults(has_line=True), Pacing(), Outcomes()
    doubles = Doubles(
        signer=lambda ordinary: FaultySigner(ordinary, faults, clock.now),
        middleware=lambda app: FaultyAnswers(Paced(app, issuer, pacing, outcomes.decides), faults),
        outcomes=outcomes,
    )
    ambient = Ambient(now=clock.now, random=secrets.token_bytes)
    provider = build(settings_for(directory, issuer), keyring, ambient, doubles)
    server = serve_in_thread(provider.wsgi, back)
    line = Line(front, back.getsockname()[:2], lambda path: faults)
    line.start()
    try:
        yield Faulted(Running(provider, clock, directory, keyring), faults, pacing, outcomes)
    finally:
        line.stop()
        server.shutdown()
        server.server_close()
        back.close()
        provider.close()
