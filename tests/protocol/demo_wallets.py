"""People who come to the demo platform with a phone: from the button to what was received."""

from typing import Any

import requests

from netid.ambient import Ambient
from netid.client import WalletClient
from netid.credentials import strict_json
from platform_demo.app import wallet_clients
from tests.phones import Phone
from tests.protocol.demo_platform import URL, Platform

WALLET = "http://localhost:8200/present?"


def refresh(platform: Platform) -> None:
    for client in wallet_clients(platform.app):
        client.refresh()


def anchor(platform: Platform) -> str:
    """The root, as the provider gives it to this platform."""
    return anchor_of(wallet_clients(platform.app)[0], platform.ambient)


def anchor_of(client: WalletClient, ambient: Ambient) -> str:
    """The root, as the provider gives it beside an access certificate."""
    known, key = client.registration, client.refresh().verifier.key.public
    given = known.authentication.credentials(known.client_id, known.issuer, ambient)
    form = {**given.form, "jwk": strict_json.dump(key.required_members).decode()}
    answer = requests.post(f"{known.issuer}/access-certificate", data=form, timeout=10)
    return str(answer.json()["trust_anchor"])


def phone_of(platform: Platform, persona: str = "an-adult", **given: Any) -> Phone:
    return Phone.of(platform.provider, persona, anchor=anchor(platform), **given)


def reach(platform: Platform) -> Any:
    """How the phone reaches the platform: over no browser of the person's."""
    wires = platform.app.test_client()

    def send(address: str, form: dict[str, str] | None) -> Any:
        path = address.removeprefix(URL)
        return wires.post(path, base_url=URL, data=form) if form else wires.get(path, base_url=URL)

    return send


def pressed(platform: Platform, scene: str) -> str:
    """The link behind “present from your wallet”."""
    sent = platform.post(platform.get(f"/{scene}/"), f"/{scene}/present")
    assert sent.status_code == 303, sent.text
    assert sent.location.startswith(WALLET)
    return sent.location


def entered(platform: Platform, scene: str, phone: Phone, *names: str | None, keep: bool = False) -> Any:
    """From the button to where the wallet leads, and to what was received."""
    answered = phone.answer(pressed(platform, scene), reach(platform), *names, keep=keep)
    assert answered.status_code == 200, answered.text
    back = platform.get(answered.json["redirect_uri"].removeprefix(URL))
    assert (back.status_code, back.location) == (303, f"/{scene}/received"), back.text
    return platform.get(back.location)
