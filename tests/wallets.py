"""A wallet that speaks plain HTTP, so that tests see every byte."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from netid.credentials.jose import prove
from netid.credentials.jwk import SigningKey
from netid.identity.relying_party import WALLET_CLIENT_ID
from tests.pages import Page
from tests.protocol.visiting import Visitor
from tests.running import Running, sha256

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
PROOF_TYPE = "openid4vci-proof+jwt"


def new_key() -> SigningKey:
    return SigningKey.generate("ES256", secrets.token_bytes)


@dataclass
class Wallet:
    """A wallet at a provider, with the key that its tokens are bound to."""

    running: Running
    key: SigningKey = field(default_factory=new_key)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    _dpop_nonce: tuple[datetime, str] | None = None

    def ready(self) -> None:
        """Fetches the nonce for the next minute's DPoP proofs."""
        now = self.running.clock.now()
        if self._dpop_nonce is None or now - self._dpop_nonce[0] > timedelta(minutes=1):
            self._dpop_nonce = now, self.running.dpop_nonce()

    @property
    def callback(self) -> str:
        return f"{self.running.provider.settings.wallet_url}/callback"

    def dpop(
        self, endpoint: str, access_token: str | None = None, key: SigningKey | None = None, **changes: Any
    ) -> str:
        """A right DPoP proof, but for the changes."""
        self.ready()
        assert self._dpop_nonce is not None
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": "POST",
            "htu": f"{self.running.issuer}{endpoint}",
            "iat": int(self.running.clock.now().timestamp()),
            "nonce": self._dpop_nonce[1],
            "ath": sha256(access_token) if access_token else None,
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return prove(claims, key or self.key, "dpop+jwt")

    def post(self, endpoint: str, **request: Any) -> requests.Response:
        return requests.post(self.running.url(endpoint), timeout=30, **request)

    # Tokens

    def redeem_offer(
        self, offer: dict[str, Any], tx_code: str | None, **changes: str | None
    ) -> requests.Response:
        """POST /token with the pre-authorized code of an offer."""
        code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
        form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "tx_code": tx_code} | changes
        given = {name: value for name, value in form.items() if value is not None}
        return self.post("/token", data=given, headers={"DPoP": self.dpop("/token")})

    def push(self, **changes: str | None) -> requests.Response:
        """POST /par for the authorization code flow."""
        form: dict[str, str | None] = {
            "client_id": WALLET_CLIENT_ID,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": "net_credential",
            "state": "a-state",
            "code_challenge": sha256(self.verifier),
            "code_challenge_method": "S256",
        }
        given = {name: value for name, value in (form | changes).items() if value is not None}
        return self.post("/par", data=given)

    def authorize(self, browser: requests.Session | None = None, **changes: str | None) -> requests.Response:
        """GET /authorize with a pushed request, not following the redirect."""
        pushed = self.push(**changes)
        assert pushed.status_code == 201, pushed.text
        parameters = {"client_id": WALLET_CLIENT_ID, "request_uri": pushed.json()["request_uri"]}
        browser = browser or self.running.browser()
        return browser.get(self.running.url("/authorize"), params=parameters, allow_redirects=False)

    def code(self, persona: str = "an-adult", **changes: str | None) -> str:
        """The code of a whole authorization by an approval rule."""
        self.running.approve(persona=persona, client_id=WALLET_CLIENT_ID)
        answer = self.authorize(login_hint=persona, **changes)
        assert answer.headers["Location"].startswith(self.callback), answer.headers["Location"]
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def redeem(self, code: str, **changes: str | None) -> requests.Response:
        """POST /token with a code."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": WALLET_CLIENT_ID,
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": self.verifier,
        }
        given = {name: value for name, value in (form | changes).items() if value is not None}
        return self.post("/token", data=given, headers={"DPoP": self.dpop("/token")})

    def token(self, persona: str = "an-adult", **changes: str | None) -> str:
        """An access token by the authorization code flow."""
        answer = self.redeem(self.code(persona, **changes))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def token_of_child(self, persona: str = "child-of-10", guardian: str = "guardian") -> str:
        """An access token for a child, whose guardian agrees on the pages."""
        child = Visitor(self.running, who=f"persona:{persona}")
        child.guardian = f"persona:{guardian}"
        answer = child.walk(self.authorize(child.browser))
        assert answer.headers["Location"].startswith(self.callback), answer.headers["Location"]
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        return str(self.redeem(code).json()["access_token"])

    # Credentials

    def nonce(self) -> str:
        """A fresh nonce."""
        return str(self.post("/nonce").json()["c_nonce"])

    def proof(self, key: SigningKey, nonce: object, typ: str = PROOF_TYPE, **changes: Any) -> str:
        """A right key proof, but for the changes; None leaves a claim out."""
        claims = {
            "aud": self.running.issuer,
            "iat": int(self.running.clock.now().timestamp()),
            "nonce": nonce,
        }
        given = {name: value for name, value in (claims | changes).items() if value is not None}
        return prove(given, key, typ)

    def ask(self, access_token: str, body: Any, **headers: str) -> requests.Response:
        """POST /credential."""
        return self.post("/credential", json=body, headers=self.bound("/credential", access_token) | headers)

    def bound(self, endpoint: str, access_token: str) -> dict[str, str]:
        """The headers with a token and a proof of its key."""
        return {"Authorization": f"DPoP {access_token}", "DPoP": self.dpop(endpoint, access_token)}

    def request(
        self, keys: list[SigningKey], configuration: str = "net_credential", nonce: str | None = None
    ) -> dict[str, Any]:
        """The body that asks for a copy for each key."""
        nonce = nonce or self.nonce()
        return {
            "credential_configuration_id": configuration,
            "proofs": {"jwt": [self.proof(key, nonce) for key in keys]},
        }

    def receive(
        self, access_token: str, copies: int = 1, configuration: str = "net_credential"
    ) -> list[tuple[str, SigningKey]]:
        """Copies with their keys."""
        keys = [new_key() for _ in range(copies)]
        answer = self.ask(access_token, self.request(keys, configuration))
        assert answer.status_code == 200, answer.text
        credentials = [one["credential"] for one in answer.json()["credentials"]]
        return list(zip(credentials, keys, strict=True))


class Owner(Visitor):
    """A person who puts their net credential into a wallet on the provider's pages."""

    def at_the_page(self) -> requests.Response:
        """The page that asks, freshly signed in; a child has the guardian beside it."""
        page = self.browser.get(self.running.url("/records/wallet"), allow_redirects=False)
        return self.walk(page, stop="records")

    def agree(self) -> requests.Response:
        """The page with the offer."""
        answer = self.send(self.at_the_page(), decision="agree")
        assert answer.status_code == 303, answer.text
        return self.open(answer)

    def offer(self) -> "Offered":
        """An offer, as a wallet gets it, and the code that the person reads."""
        return read_offer(Page(self.agree()))


@dataclass(frozen=True)
class Offered:
    """What is on the page of an offer."""

    uri: str
    tx_code: str

    def fetch(self) -> dict[str, Any]:
        """The offer itself."""
        answer = requests.get(self.uri, timeout=10)
        assert answer.status_code == 200, answer.text
        offer: dict[str, Any] = answer.json()
        return offer


def read_offer(page: Page) -> Offered:
    """The offer on a page."""
    link = page.test("offer-link").text
    assert link.startswith("openid-credential-offer://?")
    return Offered(
        parse_qs(urlsplit(link).query)["credential_offer_uri"][0], page.test("tx-code").text.replace(" ", "")
    )
