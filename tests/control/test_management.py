"""The management API: who may call it, what each call does, and what it refuses."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client, TestResponse

from netid.app import Provider
from netid.control.realm import Realm
from netid.settings import Settings, SettingsError, read_settings
from tests.control.conftest import Api

SHOP: dict[str, Any] = {
    "name": {"zh": "商店", "en": "A shop"},
    "contact": "privacy@a-shop.example",
    "legal_entity": {"name": {"zh": "公司", "en": "A shop Ltd"}, "sector": "a-shop.example"},
    "redirect_uris": ["http://127.0.0.1:9/callback"],
    "authentication": "client_secret_basic",
    "secret": "a-secret-of-at-least-32-characters-please",
    "require_pkce": False,
}


@pytest.fixture
def base(realm: Realm) -> str:
    """Where a realm's calls begin."""
    return f"/realms/{realm.id}"


@pytest.fixture
def shop(api: Api, base: str) -> str:
    """A relying party of the realm."""
    api.done("PUT", f"{base}/relying-parties/a-shop", SHOP)
    return "a-shop"


def authorize(server: Provider, realm: Realm, **changes: str) -> TestResponse:
    """An authorization request of the shop, from a new browser."""
    asked = {
        "client_id": "a-shop",
        "redirect_uri": "http://127.0.0.1:9/callback",
        "response_type": "code",
        "scope": "openid netid.verify",
        "nonce": "a-nonce",
    }
    return Client(server.wsgi).get(f"/netid/realms/{realm.id}/authorize", query_string=asked | changes)


def back(answer: TestResponse) -> dict[str, str]:
    """What came back to the relying party; nothing where a page is shown."""
    parts = urlsplit(answer.headers["Location"])
    if parts.netloc != "127.0.0.1:9":
        return {}
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


# Who may call


@pytest.mark.parametrize("token", ["", "another-token-altogether", "a-token-for-the-tests "])
def test_nothing_answers_without_the_token(server: Provider, token: str) -> None:
    answer = Api(server, token)("POST", "/realms", {})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "2001:db8::1"])
def test_only_this_machine_may_call(api: Api, address: str) -> None:
    answer = api("GET", "/realms", environ_overrides={"REMOTE_ADDR": address})
    assert (answer.status_code, answer.json["code"]) == (403, "not_loopback")


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8001", "127.0.0.1.rebound.example"])
def test_a_name_that_is_not_a_loopback_name_is_refused(api: Api, host: str) -> None:
    answer = api("GET", "/openapi.json", headers={"Host": host})
    assert (answer.status_code, answer.json["code"]) == (403, "not_loopback")


@pytest.mark.parametrize("mode", ["serve", "demo"])
def test_a_management_port_outside_test_mode_stops_the_start(mode: str) -> None:
    given = {"MODE": mode, "MANAGEMENT_PORT": "8001", "MANAGEMENT_TOKEN": "a-token-for-the-tests"}
    with pytest.raises(SettingsError, match="mode test only"):
        read_settings({f"NETID_PROVIDER_{name}": value for name, value in given.items()})


def test_more_than_one_worker_in_test_mode_stops_the_start() -> None:
    with pytest.raises(ValueError, match="one process"):
        Settings(mode="test", workers=2)


# What it says of itself


def test_the_page_to_try_it_needs_nothing_from_elsewhere(server: Provider) -> None:
    assert server.management is not None
    local = server.management.wsgi_app
    browser = Client(lambda environ, start: local(environ | {"REMOTE_ADDR": "127.0.0.1"}, start))
    with browser.get("/") as page:
        text = page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    parts = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert {"static/try.js", "static/try.css", "openapi.json"} == set(parts)
    for part in parts:
        with browser.get(f"/{part}") as answer:
            assert answer.status_code == 200
            text += "" if part == "openapi.json" else answer.text
    assert "://" not in text


def test_every_address_is_described_and_every_description_is_an_address(server: Provider, api: Api) -> None:
    described = {
        (path, method.upper())
        for path, item in api.done("GET", "/openapi.json")["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert server.management is not None
    served = {
        (re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in server.management.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in {"static", "try_out"}
    }
    assert described == served


def test_every_reference_of_the_description_leads_somewhere(api: Api) -> None:
    document = api.done("GET", "/openapi.json")
    names = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(document)))
    assert names <= document["components"]["schemas"].keys()
    assert document["openapi"] == "3.1.0"


# Realms


def test_a_realm_is_made_found_and_dropped(server: Provider, api: Api) -> None:
    made = api.done("POST", "/realms", {"seconds": 60})
    assert made in api.done("GET", "/realms")
    assert api.done("GET", f"/realms/{made['id']}") == made
    assert Client(server.wsgi).get(f"{urlsplit(made['issuer']).path}/jwks").status_code == 200

    api.done("DELETE", f"/realms/{made['id']}")

    assert api("GET", f"/realms/{made['id']}").status_code == 404
    assert api("GET", f"/realms/{made['id']}/personas").status_code == 404
    assert Client(server.wsgi).get(f"{urlsplit(made['issuer']).path}/jwks").status_code == 404


def test_a_realm_needs_no_body(api: Api) -> None:
    made = api.done("POST", "/realms")
    api.done("DELETE", f"/realms/{made['id']}")


def test_two_realms_know_nothing_of_each_other(api: Api, server: Provider, realm: Realm, shop: str) -> None:
    other = api.done("POST", "/realms")
    api.done("POST", f"/realms/{realm.id}/personas", {"id": "only-here"})
    authorize(server, realm)
    theirs = f"/realms/{other['id']}"
    assert api.done("GET", f"{theirs}/relying-parties") == []
    assert "only-here" not in [persona["id"] for persona in api.done("GET", f"{theirs}/personas")]
    assert api.done("GET", f"{theirs}/requests")["counts"] == {}
    assert api.done("GET", "/relying-parties") == []


# What people decide


def test_queued_outcomes_come_in_turn_and_then_the_default(
    api: Api, server: Provider, realm: Realm, base: str, shop: str
) -> None:
    api.done("PUT", f"{base}/outcomes/default", {"persona": "an-adult"})
    api.done("POST", f"{base}/outcomes", {"persona": "another-adult", "decision": "refuse"})
    api.done("POST", f"{base}/outcomes", {"persona": "another-adult", "decision": "leave"})

    answers = [back(authorize(server, realm)) for _ in range(4)]

    assert [("code" in answer, answer.get("error")) for answer in answers] == [
        (False, "access_denied"),
        (False, "access_denied"),
        (True, None),
        (True, None),
    ]
    assert api.done("GET", f"{base}/outcomes")["queue"] == []


def test_without_an_outcome_the_pages_are_shown(server: Provider, realm: Realm, shop: str) -> None:
    assert back(authorize(server, realm)) == {}


def test_an_outcome_for_another_relying_party_waits(
    api: Api, server: Provider, realm: Realm, base: str, shop: str
) -> None:
    api.done("PUT", f"{base}/relying-parties/another", SHOP)
    api.done("POST", f"{base}/outcomes", {"persona": "an-adult", "client_id": "another"})
    assert back(authorize(server, realm)) == {}
    assert "code" in back(authorize(server, realm, client_id="another"))


def test_a_request_that_names_somebody_else_is_not_decided_by_the_default(
    api: Api, server: Provider, realm: Realm, base: str, shop: str
) -> None:
    api.done("PUT", f"{base}/outcomes/default", {"persona": "an-adult"})
    assert back(authorize(server, realm, login_hint="another-adult")) == {}


# People


def test_a_made_up_person_signs_in_and_is_listed(
    api: Api, server: Provider, realm: Realm, base: str, shop: str
) -> None:
    person = api.done("POST", f"{base}/personas", {"age": 40, "document": "overseas_citizen_passport"})
    api.done("POST", f"{base}/outcomes", {"persona": person["id"]})
    assert "code" in back(authorize(server, realm))
    browser = Client(server.wsgi)
    page = browser.get(
        f"/netid/realms/{realm.id}/authorize",
        base_url="http://127.0.0.1:1",
        query_string=dict(authorize(server, realm).request.args),
        follow_redirects=True,
    )
    assert f"persona:{person['id']}" in page.text


def test_who_is_under_18_gets_a_guardian(api: Api, base: str) -> None:
    child = api.done("POST", f"{base}/personas", {"age": 14, "days": -1})
    listed = {persona["id"]: persona for persona in api.done("GET", f"{base}/personas")}
    assert child["guardian"] in listed
    assert api.done("POST", f"{base}/personas", {"age": 18})["guardian"] is None


@pytest.mark.parametrize(
    "kind",
    [
        "resident_id",
        "permanent_residence_id",
        "taiwan_travel_permit",
        "hk_macao_residence_permit",
    ],
)
def test_every_kind_of_document_can_be_asked_for(api: Api, base: str, kind: str) -> None:
    assert api.done("POST", f"{base}/personas", {"document": kind})["document"] == kind


# Clock, keys, reset


def test_the_clock_moves_on(api: Api, realm: Realm, base: str) -> None:
    before = api.done("GET", f"{base}/clock")
    after = api.done("POST", f"{base}/clock", {"days": 2, "seconds": 1})
    assert (before["ahead"], after["ahead"]) == (0, 2 * 86_400 + 1)
    assert after["now"] > before["now"]


def test_a_reset_takes_everything_back(
    api: Api, server: Provider, realm: Realm, base: str, shop: str
) -> None:
    api.done("POST", f"{base}/clock", {"days": 2})
    api.done("POST", f"{base}/keys/rotate")
    api.done("POST", f"{base}/personas", {"id": "for-a-while"})
    api.done("PUT", f"{base}/outcomes/default", {"persona": "for-a-while"})
    api.done("POST", f"{base}/faults", {"fault": "unavailable", "endpoint": "token"})
    authorize(server, realm)

    api.done("POST", f"{base}/reset")

    assert api.done("GET", f"{base}/clock")["ahead"] == 0
    assert api.done("GET", f"{base}/outcomes") == {"queue": [], "default": None}
    assert api.done("GET", f"{base}/faults") == []
    assert api.done("GET", f"{base}/relying-parties") == []
    assert api.done("GET", f"{base}/requests") == {"counts": {}, "requests": []}
    assert "for-a-while" not in [persona["id"] for persona in api.done("GET", f"{base}/personas")]


# Faults


def test_a_declared_fault_strikes_as_often_as_it_says(
    api: Api, server: Provider, realm: Realm, base: str
) -> None:
    declared = api.done(
        "POST", f"{base}/faults", {"fault": "unavailable", "endpoint": "jwks", "count": 1, "retry_after": 3}
    )
    browser, address = Client(server.wsgi), f"/netid/realms/{realm.id}/jwks"
    first, second = browser.get(address), browser.get(address)
    assert (first.status_code, first.headers["Retry-After"], second.status_code) == (503, "3", 200)
    [listed] = api.done("GET", f"{base}/faults")
    assert (listed["struck"], listed["is_over"]) == (1, True)
    api.done("DELETE", f"{base}/faults/{declared['id']}")
    assert api.done("GET", f"{base}/faults") == []


# Bad input


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "nearest"),
    [
        ("POST", "/outcomes", {"persona": "an-adlt"}, "persona", "an-adult"),
        ("POST", "/outcomes", {"persona": "an-adult", "client_id": "a-shap"}, "client_id", "a-shop"),
        ("POST", "/outcomes", {"persona": "an-adult", "decision": "agre"}, "decision", "agree"),
        ("POST", "/outcomes", {"persona": "an-adult", "decisions": "agree"}, "decisions", "decision"),
        ("POST", "/approvals", {"persona": "an-adlt"}, "persona", "an-adult"),
        ("POST", "/personas", {"document": "resident"}, "document", "resident_id"),
        ("POST", "/personas", {"guardian": "gardian", "age": 9}, "guardian", "guardian"),
        ("POST", "/personas", {"agee": 9}, "agee", "age"),
        ("POST", "/faults", {"fault": "unavailabel", "endpoint": "token"}, "fault", "unavailable"),
        ("POST", "/clock", {"day": 1}, "day", "days"),
        ("POST", "/requests/take", {"endpont": "/token"}, "endpont", "endpoint"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    api: Api, base: str, shop: str, method: str, path: str, body: dict[str, Any], field: str, nearest: str
) -> None:
    answer = api(method, f"{base}{path}", body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json["field"] == field
    assert nearest in answer.json["remedy"]


def test_an_unknown_claim_is_refused_with_the_nearest(api: Api, base: str) -> None:
    answer = api("POST", f"{base}/outcomes", {"persona": "an-adult", "voluntary": ["phone_nummer"]})
    assert answer.status_code == 400
    assert "phone_number" in answer.json["remedy"]


@pytest.mark.parametrize("seconds", [-1, 10**10, "soon", None])
def test_a_clock_that_cannot_be_is_refused(api: Api, base: str, seconds: Any) -> None:
    assert api("POST", f"{base}/clock", {"seconds": seconds}).status_code == 400
    assert api.done("GET", f"{base}/clock")["ahead"] == 0


def test_a_person_who_is_there_already_is_refused(api: Api, base: str) -> None:
    answer = api("POST", f"{base}/personas", {"id": "an-adult"})
    assert (answer.status_code, answer.json["field"]) == (400, "id")
