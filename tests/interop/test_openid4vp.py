"""@openid4vc/openid4vp (npm): a wallet of somebody else's shows its copy to a relying party on our SDK."""

import base64
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from netid.ambient import Ambient
from netid.client import PresentationAsk, VerifiedPresentation, WalletClient
from netid.client.flask_wallet import NetIDWallet
from netid.credentials import base64url
from tests.running import listen, serve_in_thread
from tests.unit.client.walleting import Issuer, Phone, party
from tests.unit.presenting import ISSUER, certificate

NOTHING, PARCEL = PresentationAsk(), PresentationAsk(purpose="real-name-parcel")
BOTH = {"name": "林示例", "phone_number": "19000000001"}


class Shop:
    """A relying party on loopback, one browser, and what a wallet of a person there holds."""

    def __init__(self, url: str, app: Flask, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.browser = requests.Session()
        self.issuer = Issuer(time=datetime.now(UTC))
        self.client = WalletClient(
            party(self.issuer).registration, f"{url}/wallet", ambient=Ambient.real(), send=self.issuer.send
        )
        self.client.refresh()
        self.phone = Phone(self.issuer, self.client)
        self.taken_over: list[VerifiedPresentation] = []
        self.wallets = NetIDWallet(app, self.client)
        self.wallets.presented(self._take_over)
        app.add_url_rule("/nothing", "nothing", lambda: self.wallets.present(NOTHING))
        app.add_url_rule("/parcel", "parcel", lambda: self.wallets.present(PARCEL))

    def _take_over(self, verified: VerifiedPresentation) -> str:
        self.taken_over.append(verified)
        return "welcome"

    def link(self, where: str) -> str:
        """What opens the wallet."""
        return self.browser.get(f"{self.url}/{where}", allow_redirects=False, timeout=10).headers["Location"]

    def answered(self, link: str, **changes: Any) -> dict[str, Any]:
        """What that wallet was told."""
        root_key = self.issuer.authority.root_key
        root = certificate(root_key, root_key, ca=True, now=self.issuer.time)
        job = {
            "link": link,
            "root": base64.b64encode(root.public_bytes(Encoding.DER)).decode(),
            "credential": self.phone.copy(),
            "holder_jwk": self.phone.holder.private_jwk(),
            "encryption": "A256GCM",
        }
        done = subprocess.run(
            ["node", "openid4vp.mjs"],
            cwd=self.folder,
            input=json.dumps(job | changes),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        assert seen["prefix"] == "x509_hash"
        return seen

    def back(self, answered: dict[str, Any]) -> VerifiedPresentation:
        """Who the shop knows once the browser is back."""
        assert answered["status"] == 200, answered
        assert self.browser.get(answered["body"]["redirect_uri"], timeout=10).text == "welcome"
        return self.taken_over.pop()


@pytest.fixture
def shop(node_clients: Path) -> Iterator[Shop]:
    with listen() as listener:
        app = Flask(__name__)
        made = Shop(f"http://127.0.0.1:{listener.getsockname()[1]}", app, node_clients)
        server = serve_in_thread(app, listener)
        with made.browser:
            yield made
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("wallet_nonce", [None, "the-wallets-nonce"], ids=["get", "post"])
@pytest.mark.parametrize(("where", "claims"), [("nothing", {}), ("parcel", BOTH)])
def test_what_that_wallet_shows_is_what_arrives(
    shop: Shop, where: str, claims: dict[str, str], wallet_nonce: str | None
) -> None:
    shown = shop.back(shop.answered(shop.link(where), wallet_nonce=wallet_nonce))

    assert dict(shown.claims) == claims
    assert shown.subject.reveal() == shop.phone.holder.public.thumbprint
    assert shown.issuer == ISSUER


def test_an_answer_encrypted_as_openid4vp_takes_for_granted_is_read(shop: Shop) -> None:
    assert dict(shop.back(shop.answered(shop.link("parcel"), encryption="A128GCM")).claims) == BOTH


CHANGES = {
    "another name": lambda copy: {"replaced": renamed(copy)},
    "for another verifier": lambda _: {"binding": {"aud": "x509_hash:another"}},
    "for another request": lambda _: {"binding": {"nonce": "another"}},
}


def renamed(copy: str) -> tuple[str, str]:
    """The disclosure of the name in that copy, and the same one of another name."""
    for one in copy.split("~")[1:-1]:
        salt, name, _ = json.loads(base64url.decode(one))
        if name == "name":
            return one, base64url.encode(json.dumps([salt, name, "another"]).encode())
    raise AssertionError("the copy has no name")


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_presentation_is_refused_and_the_right_one_still_counts(shop: Shop, change: str) -> None:
    link, copy = shop.link("parcel"), shop.phone.copy()

    refused = shop.answered(link, credential=copy, **CHANGES[change](copy))
    assert (refused["status"], refused["body"]["error"]) == (400, "invalid_request")
    assert dict(shop.back(shop.answered(link, credential=copy)).claims) == BOTH
