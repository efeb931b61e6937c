"""What is measured of one server: sign-ins, code exchanges, and the processor time it took for them."""

import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.bench.browser import Browser, UnexpectedAnswer
from tests.bench.server import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Endpoints, Server

VISITORS = 4
_BATCH = 100  # the in-memory store of oidc-provider holds 1000 records, some four for each open sign-in
_STEPS_LIMIT = 12
_BASIC = {"Authorization": "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()}


@dataclass(frozen=True)
class Sample:
    """How many times something was completed, in how many seconds, for how many CPU seconds of the server."""

    completed: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Completed per second on the clock."""
        return self.completed / self.seconds

    @property
    def per_core(self) -> float:
        """Completed per second of processor time that the server used: what one core of its own would do."""
        return self.completed / self.cpu_seconds


@dataclass(frozen=True)
class Code:
    """An authorization code and what redeems it."""

    value: str
    verifier: str


@dataclass(frozen=True)
class Visitor:
    """One person after another on one connection: each comes with a browser without cookies."""

    server: Server
    endpoints: Endpoints
    browser: Browser

    def sign_in(self) -> None:
        """The whole way, from the authorization request to the answer of UserInfo."""
        self.read_userinfo(self.redeem(self.approve()))

    def approve(self) -> Code:
        """Authorization request, the server's pages, and the code in the last redirect."""
        self.browser.forget()
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        answer = self.browser.get(f"{self.endpoints.authorize}?{self._request(verifier, state)}")
        for _ in range(_STEPS_LIMIT):
            if answer.status in (302, 303):
                target = answer.headers["location"]
                if target.startswith(REDIRECT_URI):
                    return Code(_code_in(target, state), verifier)
                answer = self.browser.get(target)
            elif answer.status == 200:
                answer = self.browser.submit(*self.server.answer(answer))
            else:
                raise UnexpectedAnswer(f"{self.server.name}: {answer.status} {answer.text[:500]}")
        raise UnexpectedAnswer(f"{self.server.name}: no end after {_STEPS_LIMIT} steps")

    def _request(self, verifier: str, state: str) -> str:
        digest = hashlib.sha256(verifier.encode()).digest()
        return urlencode(
            {
                "client_id": CLIENT_ID,
                "redirect_uri": REDIRECT_URI,
                "response_type": "code",
                "scope": self.server.scope,
                "prompt": "consent",
                "state": state,
                "nonce": secrets.token_urlsafe(16),
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )

    def redeem(self, code: Code) -> str:
        """The access token for a code; an ID token has to come with it, signed as the server says."""
        fields = {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": code.verifier,
        }
        answer = self.browser.post(self.endpoints.token, fields, _BASIC)
        if answer.status != 200:
            raise UnexpectedAnswer(f"{self.server.name}: token endpoint {answer.status} {answer.text[:500]}")
        tokens = json.loads(answer.body)
        header = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[0] + "=="))
        if header["alg"] != self.server.id_token_alg:
            raise UnexpectedAnswer(f"{self.server.name}: signed with {header['alg']}")
        return str(tokens["access_token"])

    def read_userinfo(self, access_token: str) -> None:
        """Ask UserInfo with the access token; an answer without `sub` is none."""
        answer = self.browser.get(self.endpoints.userinfo, {"Authorization": f"Bearer {access_token}"})
        if answer.status != 200 or "sub" not in json.loads(answer.body):
            raise UnexpectedAnswer(f"{self.server.name}: UserInfo {answer.status} {answer.text[:500]}")


def _code_in(redirect: str, state: str) -> str:
    received = parse_qs(urlsplit(redirect).query)
    if received.get("state") != [state] or "code" not in received:
        raise UnexpectedAnswer(f"redirected with {received}")
    return received["code"][0]


def sign_ins(server: Server, seconds: float) -> Sample:
    """People sign in one after another, several at once, for this long."""
    until = time.perf_counter() + seconds

    def visit(visitor: Visitor) -> int:
        completed = 0
        while time.perf_counter() < until:
            visitor.sign_in()
            completed += 1
        return completed

    return _measure(server, visit)


def code_exchanges(server: Server, seconds: float) -> Sample:
    """The token endpoint alone: batches of codes are collected, then redeemed against the clock."""
    until = time.perf_counter() + seconds
    batches = []
    while time.perf_counter() < until:
        batches.append(_batch(server, until))
    return Sample(
        sum(batch.completed for batch in batches),
        sum(batch.seconds for batch in batches),
        sum(batch.cpu_seconds for batch in batches),
    )


def _batch(server: Server, until: float) -> Sample:
    codes: list[Code] = []

    def collect(visitor: Visitor) -> int:
        codes.append(visitor.approve())
        while time.perf_counter() < until and len(codes) < _BATCH:
            codes.append(visitor.approve())
        return 0

    def redeem(visitor: Visitor) -> int:
        completed = 0
        while codes:
            with contextlib.suppress(IndexError):  # another visitor took the last one
                visitor.redeem(codes.pop())
                completed += 1
        return completed

    _measure(server, collect)
    return _measure(server, redeem)


def _measure(server: Server, work: Callable[[Visitor], int]) -> Sample:
    """Several visitors work at once, one thread and one connection each."""
    endpoints = server.endpoints()
    cpu_before, began = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(VISITORS) as pool:
        counts = list(pool.map(lambda _: _visit(server, endpoints, work), range(VISITORS)))
    seconds = time.perf_counter() - began
    return Sample(sum(counts), seconds, server.cpu_seconds() - cpu_before)


def _visit(server: Server, endpoints: Endpoints, work: Callable[[Visitor], int]) -> int:
    with Browser(server.origin) as browser:
        return work(Visitor(server, endpoints, browser))
