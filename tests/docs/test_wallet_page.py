"""docs/wallet.md does what it says, against a real provider."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from netid.ambient import Ambient
from netid.app import public_keys_of
from netid.client import PresentationAsk, WalletClient, errors
from netid.client.flask_wallet import NetIDWallet
from netid.services.registration import load_registrations
from netid.storage.key_files import init_client_key
from tests.docs.test_snippets import DOCS, snippets
from tests.phones import Phone
from tests.protocol.demo_wallets import anchor_of
from tests.protocol.test_client_quickstart import PAGE as QUICKSTART
from tests.protocol.test_client_quickstart import snippets as of_the_quickstart
from tests.running import Running

PAGE = DOCS / "wallet.md"
HERE = "http://localhost:5000"


@pytest.fixture
def page(provider: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's names, word for word but for the provider's port; its timer is ended afterwards."""
    for file in ("a-shop.json", "a-shop-dpop.json"):
        init_client_key(tmp_path / "keys" / file, Ambient.real())
    [registration] = load_registrations(
        of_the_quickstart("yaml")[0],
        str(QUICKSTART),
        read_public_keys=lambda name: public_keys_of(tmp_path / "keys" / name),
        platform_url=None,
    )
    provider.provider.services.registration.put(registration)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "a_shop"}
    for label in ("wallet", "another_device"):
        for text in snippets(PAGE, label):
            exec(text.replace("http://127.0.0.1:8000", provider.issuer), names)  # noqa: S102  (our own page)
    names["client"].refresh()
    yield names
    names["timer"].end()


def reach(app: Flask) -> Any:
    wires = app.test_client()

    def send(address: str, form: dict[str, str] | None) -> Any:
        path = address.removeprefix(HERE)
        return wires.post(path, data=form) if form else wires.get(path)

    return send


def phone_of(page: Any, provider: Running) -> Phone:
    client: WalletClient = page["client"]
    return Phone.of(provider, anchor=anchor_of(client, Ambient.real()))


def test_the_app_asks_a_wallet_on_this_device(page: Any, provider: Running) -> None:
    browser = page["app"].test_client()
    sent = browser.get("/present")
    answered = phone_of(page, provider).answer(sent.location, reach(page["app"]), "name")
    welcome = browser.get(answered.json["redirect_uri"].removeprefix(HERE))

    assert welcome.json.keys() == {"name", "level"}
    assert welcome.json["level"] == "urn:netid:acr:credential"


def test_processes_that_share_a_store_work_as_one(page: Any, provider: Running, tmp_path: Path) -> None:
    [text] = snippets(PAGE, "store")
    exec(text, page)  # noqa: S102  (our own page)
    asking, answering, giving_out = clients = [
        WalletClient(page["shop"], page["client"].address, pending=page["Requests"](tmp_path / "requests.db"))
        for _ in range(3)
    ]
    for client in clients:
        client.refresh()
    asked = asking.request_presentation("a browser", PresentationAsk(purpose="real-name-parcel"))
    app = Flask("another process")
    NetIDWallet(app, answering)
    answered = phone_of(page, provider).answer(asked.link(), reach(app), "name")
    code = parse_qs(urlsplit(answered.json["redirect_uri"]).query)["response_code"][0]

    with ThreadPoolExecutor(8) as pool:
        attempts = [
            pool.submit(client.outcome, "a browser", asked.request_id, code)
            for client in [giving_out, answering] * 4
        ]
    shown = [attempt.result() for attempt in attempts if attempt.exception() is None]
    refusals = {type(attempt.exception()) for attempt in attempts} - {type(None)}

    [presentation] = shown
    assert presentation is not None
    assert presentation.claims.keys() == {"name"}
    assert refusals == {errors.CallbackRefused}


def test_the_store_on_the_page_keeps_a_request_for_ten_minutes(tmp_path: Path) -> None:
    [text] = snippets(PAGE, "store")
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102  (our own page)
    store = names["Requests"](tmp_path / "requests.db")
    for age in (9, 11):
        store.put(f"{age}", "a text")
        store.run(f"update requests set at = datetime('now', '-{age} minutes') where id = '{age}'")  # noqa: S608

    assert store.get("9") == "a text"
    assert store.get("11") is None


def test_the_app_asks_a_wallet_on_another_device(page: Any, provider: Running) -> None:
    browser = page["app"].test_client()
    where = browser.get("/scan").location
    waiting = browser.get(where).json
    phone = phone_of(page, provider)
    phone.answer(waiting["qr"], reach(page["app"]))

    assert phone.seen[0].ask.pairing_code == waiting["pairing_code"]
    assert browser.get(where).location == "/welcome"


def test_every_error_on_the_page_exists() -> None:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            assert issubclass(getattr(errors, line.split("`")[1]), errors.ClientError)
