"""The Flask extension for wallets: the addresses a wallet uses, and a browser that gets what is its own."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, redirect, session
from werkzeug.test import Client as Browser

from netid.client import PresentationAsk, PresentationRequest
from netid.client.errors import CallbackRefused
from netid.client.flask_wallet import NetIDWallet
from netid.credentials import base64url, request_object, strict_json
from netid.credentials.presentation_response import MAX_BYTES
from tests.unit.client.walleting import Issuer, Phone, party

ASK = PresentationAsk(purpose="real-name-parcel")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def app(issuer: Issuer) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for this test"
    client = party(issuer)
    client.refresh()
    wallets = NetIDWallet(app, client, wallet="https://wallet.example/present")
    app.extensions["wallets"] = wallets

    @app.post("/present")
    def present() -> Any:
        return wallets.present(ASK)

    @app.post("/scan")
    def scan() -> Any:
        return wallets.scan(lambda request_id: f"/waiting/{request_id}", ASK)

    @app.get("/waiting/<request_id>")
    def waiting(request_id: str) -> Any:
        shown = wallets.outcome(request_id)
        if shown is not None:
            return {"name": shown.claims["name"]}
        asked = wallets.asked(request_id)
        return {"link": wallets.link(asked), "code": asked.pairing_code}

    @wallets.presented
    def welcome(shown: Any) -> Any:
        session["name"] = shown.claims["name"]
        return redirect("/home", 303)

    @app.get("/home")
    def home() -> Any:
        return session["name"]

    return app


@pytest.fixture
def phone(app: Flask, issuer: Issuer) -> Phone:
    return Phone(issuer, app.extensions["wallets"].client)


def called(address: str) -> PresentationRequest:
    """What a wallet makes of the address it is called with."""
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return PresentationRequest(parameters["request_uri"].split("/")[-2], parameters, None)


def fetch(app: Flask, phone: Phone, asked: PresentationRequest) -> request_object.VerifiedRequest:
    """The request as a wallet fetches it by POST."""
    path = asked.parameters["request_uri"].removeprefix("https://parcels.example")
    got = app.test_client().post(path, data={"wallet_nonce": "n", "wallet_metadata": "{}"})
    assert got.content_type == "application/oauth-authz-req+jwt"
    assert got.headers["Cache-Control"] == "no-store"
    anchors = phone.issuer.authority.anchors
    return request_object.verify(got.text, asked.parameters["client_id"], anchors, phone.issuer.time, "n")


def answer(app: Flask, phone: Phone, asked: PresentationRequest) -> Any:
    request = fetch(app, phone, asked)
    path = request.ask.response_uri.removeprefix("https://parcels.example")
    return app.test_client().post(path, data=phone.form(request, phone.shown(request)))


def local(address: str) -> str:
    return address.removeprefix("https://parcels.example")


def test_on_one_device_the_wallet_leads_the_browser_back(app: Flask, phone: Phone) -> None:
    browser: Browser = app.test_client()
    sent = browser.post("/present")
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("https://wallet.example/present?client_id=x509_hash%3A")
    cookie = sent.headers["Set-Cookie"]
    for part in ("netid_wallet_parcels=", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=660"):
        assert part in cookie
    answered = answer(app, phone, called(sent.headers["Location"]))

    assert answered.status_code == 200
    assert answered.headers["Cache-Control"] == "no-store"
    back = browser.get(local(answered.json["redirect_uri"]))
    assert back.headers["Referrer-Policy"] == "no-referrer"
    assert browser.get("/home").text == "林示例"


def test_v5_the_wallets_return_is_worth_nothing_in_another_browser(app: Flask, phone: Phone) -> None:
    sent = app.test_client().post("/present")
    back = local(answer(app, phone, called(sent.headers["Location"])).json["redirect_uri"])

    assert app.test_client().get(back).status_code == 400


def test_from_another_device_the_page_that_waits_gets_it(app: Flask, phone: Phone) -> None:
    browser: Browser = app.test_client()
    page = browser.post("/scan").headers["Location"]
    waiting = browser.get(page).get_json()
    asked = called(waiting["link"])

    assert fetch(app, phone, asked).ask.pairing_code == waiting["code"]
    assert answer(app, phone, asked).get_json() == {}
    assert app.test_client().get(page).status_code == 400
    assert browser.get(page).get_json() == {"name": "林示例"}
    assert browser.get(page).status_code == 400


def test_a_wallet_may_fetch_by_get(app: Flask) -> None:
    sent = app.test_client().post("/present")
    path = local(called(sent.headers["Location"]).parameters["request_uri"])

    assert app.test_client().get(path).status_code == 200


def test_a_wallet_that_is_refused_hears_so_in_json_and_not_why(app: Flask) -> None:
    sent = app.test_client().post("/present")
    path = local(called(sent.headers["Location"]).parameters["request_uri"]).replace("/request", "/answer")
    for data in ({}, {"response": "junk"}, {"vp_token": "{}"}):
        told = app.test_client().post(path, data=data)
        assert (told.status_code, told.get_json()["error"]) == (400, "invalid_request")
        assert "JWE" not in told.text


def test_requests_that_are_not_under_way_are_unknown(app: Flask) -> None:
    assert app.test_client().get("/netid/wallet/none/request").status_code == 400
    assert app.test_client().post("/netid/wallet/none/answer", data={"error": "x"}).status_code == 400
    assert app.test_client().get("/netid/wallet/none/return?response_code=x").status_code == 400


def test_an_answer_that_is_too_long_is_not_read(app: Flask) -> None:
    sent = app.test_client().post("/present")
    path = local(called(sent.headers["Location"]).parameters["request_uri"]).replace("/request", "/answer")

    assert app.test_client().post(path, data={"response": "a" * (MAX_BYTES + 2048)}).status_code == 413


def test_a_wallet_nonce_of_absurd_length_is_refused(app: Flask) -> None:
    sent = app.test_client().post("/present")
    path = local(called(sent.headers["Location"]).parameters["request_uri"])

    assert app.test_client().post(path, data={"wallet_nonce": "n" * 201}).status_code == 400


def test_coming_back_before_the_wallet_answered_is_refused(app: Flask) -> None:
    browser: Browser = app.test_client()
    sent = browser.post("/present")
    back = local(called(sent.headers["Location"]).parameters["request_uri"]).replace("/request", "/return")

    assert browser.get(f"{back}?response_code=x").status_code == 400
    assert CallbackRefused("x").status == 400


@pytest.mark.parametrize(
    "header", [{"enc": []}, {"crit": 1}, {"crit": [{}]}, {"zip": "DEF"}, {"enc": "nope"}], ids=str
)
def test_an_answer_whose_header_is_malformed_is_refused_and_no_fault_of_ours(
    app: Flask, header: dict[str, object]
) -> None:
    asked = called(app.test_client().post("/present").location)
    epk = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    given = {"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk} | header
    jwe = f"{base64url.encode(strict_json.dump(given))}..{'A' * 16}.AAAA.{'A' * 22}"
    address = asked.parameters["request_uri"].removeprefix("https://parcels.example")
    answer = app.test_client().post(address.replace("/request", "/answer"), data={"response": jwe})
    assert (answer.status_code, answer.json) == (400, answer.json | {"error": "invalid_request"})
