"""The Flask extension: one browser, one return address, errors that an app can answer itself."""

import pytest
from flask import Flask, redirect, session

from netid.client import Ask, AssuranceLevel
from netid.client.errors import CallbackRefused, ConfigurationRefused, Refused
from netid.client.flask_extension import NetIDFlask


@pytest.fixture
def app(party):
    app = Flask(__name__)
    app.secret_key = "for this test"
    netid = NetIDFlask(app, party.client)

    @app.get("/sign-in")
    def sign_in():
        return netid.login(purpose="real-name-parcel")

    @netid.signed_in
    def welcome(signed_in):
        session["subject"] = signed_in.check.subject.reveal()
        session["name"] = netid.client.fields(signed_in).text("name")
        return redirect("/home", 303)

    @app.get("/home")
    def home():
        return f"{session['subject']} {session['name']}"

    return app


def test_a_person_signs_in(app, party):
    party.provider.userinfo = {"name": "陈一鸣"}
    browser = app.test_client()
    sent = browser.get("/sign-in")
    assert sent.status_code == 303
    back = browser.get(f"/callback?{party.provider.authorize(sent.location)}")

    assert browser.get(back.location).text == "subject-at-parcels 陈一鸣"
    assert back.headers["Cache-Control"] == "no-store"
    assert back.headers["Referrer-Policy"] == "no-referrer"


def test_the_cookie_is_for_this_app_and_hidden_from_scripts(app):
    cookie = app.test_client().get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("netid_parcels=")
    for part in ("HttpOnly", "SameSite=Lax", "Secure", "Max-Age=1200", "Path=/"):
        assert part in cookie


@pytest.mark.parametrize(
    ("root", "path"), [("/", "/callback"), ("/shop", "/callback"), ("/sho", "/shop/callback")]
)
def test_an_app_that_is_mounted_below_a_path_says_so_by_application_root(party, root, path):
    registration = party.client.registration.model_copy(
        update={"redirect_uri": f"https://parcels.example{'/shop' if root != '/' else ''}/callback"}
    )
    party.client.registration = registration
    app = Flask(__name__)
    app.config["APPLICATION_ROOT"] = root
    NetIDFlask(app, party.client)
    assert [rule.rule for rule in app.url_map.iter_rules("netid_return_parcels")] == [path]


def test_a_purpose_beside_an_ask_is_not_passed_over(party):
    netid = NetIDFlask(Flask(__name__), party.client)
    with pytest.raises(ConfigurationRefused, match="name the purpose in the Ask"):
        netid.login(Ask(level=AssuranceLevel.CREDENTIAL_FACE), purpose="real-name-parcel")
    assert party.provider.seen == []


def test_two_sign_ins_side_by_side_both_finish(app, party):
    browser = app.test_client()
    first, second = (browser.get("/sign-in").location for _ in range(2))

    for address in (second, first):
        assert browser.get(f"/callback?{party.provider.authorize(address)}").status_code == 303


def test_another_browser_gets_a_plain_page(app, party):
    query = party.provider.authorize(app.test_client().get("/sign-in").location)
    answer = app.test_client().get(f"/callback?{query}")

    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert answer.text.startswith("This return from the provider does not belong")
    assert "Set-Cookie" not in answer.headers


def test_an_app_answers_errors_itself_where_it_wants_to(app, party):
    app.register_error_handler(Refused, lambda error: (f"other way: {error.code}", 200))
    browser = app.test_client()
    query = party.provider.authorize(browser.get("/sign-in").location, code=None, error="access_denied")

    assert browser.get(f"/callback?{query}").text == "other way: access_denied"
    assert browser.get(f"/callback?{query}").status_code == CallbackRefused.status
