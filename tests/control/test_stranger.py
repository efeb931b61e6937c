"""Somebody else's relying party, Authlib on Flask, and the tests its developer writes with the plugin.

Nothing here knows NetID but through its fixture: an issuer, a registration, and what people do.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.flask_client import OAuth  # type: ignore[import-untyped]
from flask import Flask, redirect, session, url_for
from flask.testing import FlaskClient
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from netid.pytest_plugin.realm import NetID
from netid.pytest_plugin.relying_party import RelyingParty

KEPT_SIGNED_IN = timedelta(hours=12)


def game_site(issuer: str, client_id: str, client_secret: str, scope: str, now: Any) -> Flask:
    """A game site that asks whether its players are of age, and has another way for who declines."""
    app = Flask("game_site")
    app.secret_key = "only for this test"
    oauth = OAuth(app)
    oauth.register(
        "netid",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256", "timeout": 2},
    )

    @app.get("/login")
    def login() -> Response:
        answer: Response = oauth.netid.authorize_redirect(url_for("callback", _external=True))
        return answer

    @app.get("/callback")
    def callback() -> Response:
        try:
            token = oauth.netid.authorize_access_token()
            told = oauth.netid.userinfo(token=token)
        except OAuthError as error:
            session["why"] = error.error
            return redirect("/other-way", 303)
        except (JoseError, requests.RequestException, ValueError):
            session["why"] = "trouble"
            return redirect("/other-way", 303)
        session["player"] = token["userinfo"]["sub"]
        session["adult"] = told["age_over_18"]
        session["until"] = (now() + KEPT_SIGNED_IN).timestamp()
        return redirect("/", 303)

    @app.get("/")
    def home() -> dict[str, Any]:
        if session.get("until", 0) < now().timestamp():
            return {"player": None}
        return {"player": session["player"], "hours_a_week": None if session["adult"] else 3}

    @app.get("/other-way")
    def other_way() -> dict[str, Any]:
        return {"why": session.get("why"), "sign_up": "by letter"}

    return app


@pytest.fixture
def registered(netid: NetID) -> RelyingParty:
    return netid.relying_party("game-site", essential=["age_over_18"])


@pytest.fixture
def site(netid: NetID, registered: RelyingParty) -> FlaskClient:
    app = game_site(
        netid.issuer,
        registered.client_id,
        registered.client_secret,
        registered.scope,
        lambda: netid.now,
    )
    return app.test_client()


def sign_in(netid: NetID, site: FlaskClient) -> dict[str, Any]:
    """What a player sees at the end of signing in."""
    back = netid.visit(site.get("/login").headers["Location"])
    assert back is not None
    parts = urlsplit(back)
    answer = site.get(f"{parts.path}?{parts.query}", follow_redirects=True)
    assert isinstance(answer.json, dict)
    return answer.json


def test_an_adult_plays_without_a_limit(netid: NetID, site: FlaskClient) -> None:
    netid.login(netid.persona("an-adult"))
    seen = sign_in(netid, site)
    assert seen["hours_a_week"] is None
    assert seen["player"]


def test_who_is_17_plays_three_hours(netid: NetID, site: FlaskClient) -> None:
    netid.login(netid.person(age=17, document="resident_id"))
    assert sign_in(netid, site)["hours_a_week"] == 3


def test_the_same_person_is_the_same_player(netid: NetID, site: FlaskClient) -> None:
    netid.login("an-adult")
    first = sign_in(netid, site)["player"]
    netid.login("another-adult")
    second = sign_in(netid, site)["player"]
    netid.login("an-adult")
    assert sign_in(netid, site)["player"] == first != second


@pytest.mark.parametrize("before_consent", [False, True])
def test_who_declines_is_led_to_the_other_way(netid: NetID, site: FlaskClient, before_consent: bool) -> None:
    netid.login("an-adult")
    netid.decline(before_consent=before_consent)
    assert sign_in(netid, site) == {"why": "access_denied", "sign_up": "by letter"}
    assert netid.requests.count("/token") == 0


@pytest.mark.parametrize("fault", ["signature", "aud", "iss", "exp", "nonce"])
def test_a_token_that_is_not_right_signs_nobody_in(netid: NetID, site: FlaskClient, fault: str) -> None:
    netid.login("an-adult")
    netid.fault("token", fault, count=1)
    assert sign_in(netid, site)["sign_up"] == "by letter"
    assert site.get("/").json == {"player": None}


@pytest.mark.parametrize(
    ("endpoint", "fault", "more"),
    [
        ("token", "error", {"code": "invalid_grant"}),
        ("token", "unavailable", {"retry_after": 5}),
        ("token", "malformed_json", {}),
        ("userinfo", "reset", {}),
        ("token", "cut_body", {}),
    ],
)
def test_a_provider_in_trouble_leads_to_the_other_way(
    netid: NetID, site: FlaskClient, endpoint: str, fault: str, more: dict[str, Any]
) -> None:
    netid.login("an-adult")
    netid.fault(endpoint, fault, count=1, **more)
    assert sign_in(netid, site)["sign_up"] == "by letter"
    assert sign_in(netid, site)["player"]


def test_a_player_is_asked_again_after_twelve_hours(netid: NetID, site: FlaskClient) -> None:
    netid.login("an-adult")
    sign_in(netid, site)
    netid.advance(hours=11)
    assert site.get("/").json["player"]
    netid.advance(hours=2)
    assert site.get("/").json == {"player": None}
    assert netid.requests.count("/authorize") == 1


def test_the_site_asks_for_what_it_registered_and_sends_pkce(netid: NetID, site: FlaskClient) -> None:
    netid.login("an-adult")
    sign_in(netid, site)
    netid.requests.take(
        "/authorize", client_id="game-site", response_type="code", code_challenge_method="S256", prompt=None
    )
    redeemed = netid.requests.take("/token", grant_type="authorization_code", status=200)
    assert "code_verifier" in redeemed.parameters
    netid.requests.take("/userinfo", status=200)
