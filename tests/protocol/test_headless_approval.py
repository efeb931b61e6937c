"""Without a browser: approval rules complete the ordinary redirects, and the management port sets them."""

import secrets
from datetime import date
from typing import Any

import pytest
import requests

from netid.control import management
from netid.credentials.jwk import SigningKey
from netid.identity.consent import Action
from netid.identity.persons import shipped_personas
from tests.protocol.meddling import person_id_of
from tests.protocol.reading import signed
from tests.protocol.refusals import PLANTED, audit_kinds, rows
from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK, MINORS_PURPOSE, PARCEL_PURPOSE, Running

PARCELS = "openid netid.purpose.real-name-parcel"


def receipts(running: Running, persona: str) -> list[Any]:
    """A persona's receipts, the latest first."""
    with running.provider.stores.db.read() as tx:
        kept = running.provider.stores.consents.list(tx, person_id_of(running, persona))
    return [one.receipt for one in kept]


def manage(
    running: Running, method: str, path: str, *, token: str | None = None, **parts: Any
) -> requests.Response:
    """One call of the management API."""
    token = running.management_token if token is None else token
    headers = {"Authorization": f"Bearer {token}", **parts.pop("headers", {})}
    return requests.request(method, f"{running.management_url}{path}", headers=headers, timeout=10, **parts)


class TestDecisions:
    def test_agreeing_leaves_the_receipt_that_the_pages_would_leave(self, shop):
        shop.headless(scope=PARCELS, rule={"voluntary": ["phone_number"]}, ui_locales="en")
        headless = receipts(shop.running, "an-adult")[0]
        visitor = Visitor(shop.running)
        page = visitor.walk(shop.authorize(visitor.browser, scope=PARCELS), stop="consent")
        visitor.send(page, decision="agree", claim=["phone_number"])
        on_pages = receipts(shop.running, "an-adult")[0]
        own = {"receipt_id", "sequence", "previous", "decided_at", "expires_at"}
        assert headless.model_dump(exclude=own) == on_pages.model_dump(exclude=own)

    @pytest.mark.parametrize(
        ("voluntary", "given"),
        [
            ("none", {"name", "document_number"}),
            ("all", {"name", "document_number", "phone_number"}),
            (["phone_number"], {"name", "document_number", "phone_number"}),
            (["birthdate"], {"name", "document_number"}),
        ],
    )
    def test_voluntary_claims_are_ticked_as_the_rule_says(self, shop, voluntary, given):
        code = shop.headless(scope=PARCELS, rule={"voluntary": voluntary}).code
        token = shop.redeem(code).json()["access_token"]
        assert shop.userinfo(token).json().keys() - {"sub"} == given

    def test_refusing_is_kept_and_gives_nothing(self, shop):
        answer = shop.headless(scope=PARCELS, rule={"decision": "refuse"})
        assert answer.parameters.keys() == {"error", "error_description", "state", "iss"}
        assert answer.error == "access_denied"
        kept = receipts(shop.running, "an-adult")[0]
        assert (kept.client_id, kept.action, kept.agreed) == (shop.client_id, Action.REFUSED, ())
        assert kept.offered == ("name", "document_number", "phone_number")

    def test_leaving_is_no_decision(self, shop):
        before = rows(shop.running)["receipts"]
        assert shop.headless(rule={"decision": "leave"}).error == "access_denied"
        assert rows(shop.running)["receipts"] == before
        assert audit_kinds(shop.running)[-1] == "left"

    def test_a_refusal_cannot_be_told_from_leaving(self, shop):
        answers = [shop.headless(rule={"decision": decision}).parameters for decision in ("refuse", "leave")]
        assert answers[0] == answers[1]

    @pytest.mark.parametrize("persona", ["suspended", "cancelled"])
    def test_who_cannot_sign_in_is_denied(self, shop, persona):
        before = rows(shop.running)["receipts"]
        assert shop.headless(persona).error == "access_denied"
        assert rows(shop.running)["receipts"] == before

    def test_a_childs_guardian_decides_and_is_on_the_receipt(self, shop):
        shop.headless("child-of-10", scope="openid netid.purpose.minors-mode")
        guardian = signed(shop.running, shop.tokens("guardian")["id_token"])["sub"]
        assert receipts(shop.running, "child-of-10")[0].guardian_subject == guardian

    def test_a_teenager_decides_alone(self, shop):
        shop.headless("teen-of-15", scope="openid netid.purpose.minors-mode")
        assert receipts(shop.running, "teen-of-15")[0].guardian_subject is None

    @pytest.mark.parametrize("persona", [persona.id for persona in shipped_personas(date(2026, 1, 1))])
    def test_every_persona_who_can_sign_in_gets_through(self, shop, persona):
        answer = shop.headless(persona)
        assert answer.error == ("access_denied" if persona in ("suspended", "cancelled") else None)

    def test_a_remembered_agreement_needs_no_second_receipt(self, shop):
        shop.headless()
        before = len(receipts(shop.running, "an-adult"))
        assert shop.headless().code
        assert len(receipts(shop.running, "an-adult")) == before

    def test_the_person_stays_signed_in_in_that_browser(self, shop):
        browser = shop.running.browser()
        shop.running.approve("an-adult", client_id=shop.client_id)
        assert shop.running.callback(shop.authorize(browser, login_hint="an-adult")).code
        assert shop.running.callback(shop.authorize(browser, prompt="none")).code


class TestWhichRule:
    def test_without_one_the_pages_are_shown(self, shop):
        visitor = Visitor(shop.running)
        answer = shop.authorize(visitor.browser, login_hint="an-adult")
        assert step_of(visitor.open(answer)) == "sign-in"

    def test_one_for_this_relying_party_goes_before_one_for_any(self, shop, another_shop):
        shop.running.approve("an-elder", decision="refuse", client_id=shop.client_id)
        shop.running.approve("an-elder")
        assert shop.running.callback(shop.authorize(login_hint="an-elder")).error == "access_denied"
        assert shop.running.callback(another_shop.authorize(login_hint="an-elder")).code

    def test_a_new_one_takes_the_place_of_the_old_one(self, shop):
        assert shop.headless(rule={"decision": "refuse"}).error == "access_denied"
        assert shop.headless().code

    def test_prompt_none_asks_nobody_not_even_a_rule(self, shop):
        shop.running.approve("an-adult", client_id=shop.client_id)
        answer = shop.running.callback(shop.authorize(login_hint="an-adult", prompt="none"))
        assert answer.error == "login_required"

    @pytest.mark.parametrize("mode", ["demo", "serve"])
    def test_outside_test_mode_there_are_none(self, start, mode):
        running = start(mode=mode, management_port=None, management_token=None)
        assert running.provider.management is None
        assert running.provider.services.approvals is None
        visitor = Visitor(running)
        answer = running.register().authorize(visitor.browser, login_hint="an-adult")
        assert step_of(visitor.open(answer)) == "sign-in"


class TestManagementPort:
    PATHS = (
        ("GET", "/relying-parties"),
        ("GET", "/relying-parties/x"),
        ("PUT", "/relying-parties/x"),
        ("DELETE", "/relying-parties/x"),
        ("GET", "/personas"),
        ("GET", "/approvals"),
        ("POST", "/approvals"),
        ("DELETE", "/approvals"),
        ("GET", "/nothing"),
        ("PATCH", "/approvals"),
    )

    @pytest.mark.parametrize(("method", "path"), PATHS)
    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer a-token-for-the-test"},
            {"Authorization": "a-token-for-the-tests"},
            {"Authorization": "Basic YS10b2tlbi1mb3ItdGhlLXRlc3RzOg=="},
            {"Authorization": b"Bearer \xfc"},
        ],
    )
    def test_nothing_is_done_without_the_token(self, shared, refused, method, path, headers):
        answer = refused(
            shared, lambda: manage(shared, method, path, headers=headers, json={}), 401, "unauthorized"
        ).response
        if "Allow" not in answer.headers:
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="netid management"'
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_its_own_description_is_public(self, shared):
        assert requests.get(f"{shared.management_url}/openapi.json", timeout=10).status_code == 200

    def test_it_answers_on_loopback(self, monkeypatch):
        bound = []

        class Server:
            def serve_forever(self) -> None:
                """Nothing comes in this test."""

        def make_server(host: str, port: int, *_rest: object, **_options: object) -> Server:
            bound.append((host, port))
            return Server()

        monkeypatch.setattr(management, "make_server", make_server)
        management.serve_management(None, 8123)  # type: ignore[arg-type]
        assert bound == [("127.0.0.1", 8123)]

    def test_it_is_no_part_of_the_public_port(self, shared):
        for path in ("/approvals", "/relying-parties", "/personas"):
            headers = {"Authorization": f"Bearer {shared.management_token}"}
            assert requests.get(shared.url(path), headers=headers, timeout=10).status_code == 404

    def test_personas_are_listed_without_a_field(self, shared):
        listed = manage(shared, "GET", "/personas")
        assert {"an-adult", "child-of-10", "suspended"} <= {one["id"] for one in listed.json()}
        for persona in shipped_personas(date(2026, 1, 1)):
            for value in (persona.document.name, persona.document.number, persona.phone_number):
                assert value not in listed.json()

    def test_a_rule_that_is_set_decides(self, shared):
        client = shared.register("ruled")
        rule = {"persona": "an-adult", "client_id": "ruled", "decision": "refuse"}
        answer = manage(shared, "POST", "/approvals", json=rule)
        assert (answer.status_code, answer.json()) == (201, {**rule, "voluntary": "none"})
        assert manage(shared, "GET", "/approvals").json()[0] == answer.json()
        assert shared.callback(client.authorize(login_hint="an-adult")).error == "access_denied"
        assert manage(shared, "DELETE", "/approvals").status_code == 204
        assert manage(shared, "GET", "/approvals").json() == []
        assert "/sign-in/" in client.authorize(login_hint="an-adult").headers["Location"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "persona"),
            ({"persona": PLANTED}, "persona"),
            ({"persona": 7}, "persona"),
            ({"persona": "an-adult", "decision": "maybe"}, "decision"),
            ({"persona": "an-adult", "voluntary": ["x"]}, "voluntary"),
            ({"persona": "an-adult", "voluntary": "some"}, "voluntary"),
            ({"persona": "an-adult", "extra": 1}, "extra"),
        ],
    )
    def test_a_rule_that_cannot_be_names_its_field(self, shared, refused, body, field):
        answer = refused(
            shared, lambda: manage(shared, "POST", "/approvals", json=body), 400, "invalid_field"
        )
        assert answer.response.json()["field"].startswith(field)
        assert answer.response.json()["remedy"]

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"", 400),
            (b"{", 400),
            (b"[]", 400),
            (b"null", 400),
            (b"7", 400),
            (b"\xff", 400),
            (b'{"persona": "an-adult", "persona": "an-adult"}', 400),
            (b'{"persona": NaN}', 400),
            (b'{"persona": "\\ud800"}', 400),
            (b"[" * 100_000, 400),
            (b'{"persona": ' + b"1" * 5000 + b"}", 400),
            (b"x" * 300_000, 413),
        ],
    )
    def test_a_body_that_cannot_be_read(self, shared, refused, data, status):
        headers = {"Content-Type": "application/json"}
        error = "invalid_field" if status == 400 else "invalid_request"
        act = lambda: manage(shared, "POST", "/approvals", data=data, headers=headers)  # noqa: E731
        refused(shared, act, status, error)

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_a_body_of_another_kind(self, shared, refused, kind):
        act = lambda: manage(  # noqa: E731
            shared, "POST", "/approvals", data=b"{}", headers={"Content-Type": kind}
        )
        refused(shared, act, 415, "invalid_request")

    @pytest.mark.parametrize(("method", "path"), [("PATCH", "/approvals"), ("POST", "/personas")])
    def test_another_method(self, shared, refused, method, path):
        answer = refused(shared, lambda: manage(shared, method, path), 405, "invalid_request").response
        assert "GET" in answer.headers["Allow"]

    def test_an_address_that_is_none(self, shared, refused):
        for path in ("/nothing", "/relying-parties/a/b", "/approvals/"):
            refused(shared, lambda to=path: manage(shared, "GET", to), 404, "not_found")


class TestRegistration:
    @pytest.fixture
    def entry(self) -> dict[str, Any]:
        """A registration as it should be."""
        return {
            "name": {"zh": "店", "en": "Shop"},
            "contact": "privacy@shop.example",
            "legal_entity": {"name": {"zh": "店公司", "en": "Shop Ltd"}, "sector": "registered.example"},
            "redirect_uris": [CALLBACK],
            "authentication": "client_secret_basic",
            "secret": "s" * 40,
            "purposes": [MINORS_PURPOSE],
        }

    def test_one_can_be_put_read_listed_and_taken_away(self, provider, entry):
        put = manage(provider, "PUT", "/relying-parties/registered", json=entry)
        assert put.status_code == 200
        assert not {"secret", "secret_digest"} & put.json().keys()
        assert put.json()["client_id"] == "registered"
        assert manage(provider, "GET", "/relying-parties/registered").json() == put.json()
        assert manage(provider, "GET", "/relying-parties").json() == [put.json()]
        assert manage(provider, "DELETE", "/relying-parties/registered").status_code == 204
        assert manage(provider, "GET", "/relying-parties/registered").status_code == 404
        assert manage(provider, "DELETE", "/relying-parties/registered").status_code == 404
        assert audit_kinds(provider)[-2:] == ["relying_party_registered", "relying_party_removed"]

    def test_what_was_put_works_at_once(self, provider, entry):
        secret = secrets.token_urlsafe(32)
        manage(provider, "PUT", "/relying-parties/registered", json=entry | {"secret": secret})
        client = provider.register("registered", **entry | {"secret": secret})
        assert client.redeem(client.headless().code).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "field", "rule"),
        [
            ({"name": None}, "name", "is missing"),
            ({"name": {"zh": "店"}}, "name.en", "is missing"),
            ({"name": {"zh": "", "en": "Shop"}}, "name.zh", ""),
            ({"contact": None}, "contact", "is missing"),
            ({"legal_entity": None}, "legal_entity", "is missing"),
            ({"redirect_uris": []}, "redirect_uris", "at least 1"),
            ({"redirect_uris": ["http://shop.example/cb"]}, "redirect_uris.0", "use https"),
            ({"redirect_uris": ["https://shop.example/cb#f"]}, "redirect_uris.0", "fragment"),
            ({"redirect_uris": ["https://u:p@shop.example/cb"]}, "redirect_uris.0", "user information"),
            ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris.0", ""),
            ({"redirect_uris": ["https://shop.example\\@evil.example"]}, "redirect_uris.0", "backslashes"),
            ({"redirect_uris": ["https://sh\u00f6p.example/"]}, "redirect_uris.0", "ASCII"),
            ({"redirect_uris": ["http://127.0.0.1.evil.example/"]}, "redirect_uris.0", "loopback"),
            ({"redirect_uris": ["http://[::1"]}, "redirect_uris.0", ""),
            ({"secret": "short"}, "secret", "at least 32"),
            ({"secret": "\u00fc" * 40}, "secret", "ASCII"),
            ({"secret": None}, "secret", "is needed"),
            ({"secret_digest": "0" * 64}, "secret_digest", "no such field"),
            ({"authentication": "none"}, "authentication", ""),
            ({"authentication": "private_key_jwt"}, "jwks", "is needed"),
            ({"profile": "fapi2"}, "authentication", "is private_key_jwt in profile fapi2"),
            ({"profile": "fapi1"}, "profile", ""),
            ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg", ""),
            ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg", ""),
            ({"default_level": "urn:x"}, "default_level", ""),
            ({"unknown": 1}, "unknown", "no such field"),
            ({"jwks_file": "/etc/passwd"}, "jwks_file", "no such field"),
            ({"jwks_uri": "http://x.example/"}, "jwks_uri", "loopback"),
            ({"jwks": {"keys": []}, "jwks_uri": "https://x.example/"}, "jwks_uri", "beside jwks"),
            ({"client_id": "another"}, "client_id", "not the one of the address"),
        ],
    )
    def test_a_refusal_names_the_field_and_the_rule(self, shared, refused, entry, changes, field, rule):
        merged = {name: value for name, value in (entry | changes).items() if value is not None}
        error = "invalid_field" if "client_id" in changes else "invalid_registration"
        act = lambda: manage(shared, "PUT", "/relying-parties/registered", json=merged)  # noqa: E731
        said = refused(shared, act, 400, error).description
        assert said.startswith(field), said
        assert rule in said

    @pytest.mark.parametrize(
        ("purpose", "field", "rule"),
        [
            ({"text": None}, "purposes.0.text", "is missing"),
            ({"text": {"zh": "", "en": ""}}, "purposes.0.text", ""),
            ({"legal_basis": None}, "purposes.0", "legal_basis: is needed for the fields"),
            ({"retention_days": None}, "purposes.0.retention_days", "is missing"),
            ({"retention_days": -1}, "purposes.0.retention_days", ""),
            ({"claims": []}, "purposes.0.claims", "at least 1"),
            ({"id": "Not An Id"}, "purposes.0.id", ""),
            (
                {"claims": [{**PARCEL_PURPOSE["claims"][0], "name": "email"}]},
                "purposes.0.claims.0.name",
                "claim catalogue",
            ),
            (
                {"claims": [{**PARCEL_PURPOSE["claims"][0], "name": "net_number"}]},
                "purposes.0.claims.0.name",
                "claim catalogue",
            ),
            ({"claims": [PARCEL_PURPOSE["claims"][0]] * 2}, "purposes.0", "named twice"),
        ],
    )
    def test_a_purpose_that_cannot_be_asked_with_is_refused(
        self, shared, refused, entry, purpose, field, rule
    ):
        changed = {name: value for name, value in ({**PARCEL_PURPOSE} | purpose).items() if value is not None}
        body = entry | {"purposes": [changed]}
        act = lambda: manage(shared, "PUT", "/relying-parties/registered", json=body)  # noqa: E731
        said = refused(shared, act, 400, "invalid_registration").description
        assert said.startswith(field), said
        assert rule in said

    def test_a_sector_of_another_entity_is_refused(self, shared, refused, entry):
        shared.register("first", legal_entity=entry["legal_entity"])
        theirs = {"name": {"zh": "别家", "en": "Others"}, "sector": "registered.example"}
        act = lambda: manage(  # noqa: E731
            shared, "PUT", "/relying-parties/second", json=entry | {"legal_entity": theirs}
        )
        said = refused(shared, act, 400, "invalid_registration").description
        assert said == (
            "legal_entity.sector: belongs to another legal entity, with the Chinese name 店公司; "
            "choose another sector, or keep that name"
        )

    @pytest.mark.parametrize("client_id", ["-x", "a b", "a" * 65, "%00", "\u4f60", "netid-records"])
    def test_a_name_that_no_client_can_have(self, shared, refused, entry, client_id):
        act = lambda: manage(shared, "PUT", f"/relying-parties/{client_id}", json=entry)  # noqa: E731
        said = refused(shared, act, 400, "invalid_registration").description
        assert said.startswith("client_id")
        for method in ("GET", "DELETE"):
            act = lambda do=method: manage(shared, do, f"/relying-parties/{client_id}")  # noqa: E731
            refused(shared, act, 404, "not_found")

    def test_keys_that_give_away_a_private_part_are_refused_and_not_repeated(self, shared, refused, entry):
        private = SigningKey.generate("ES256", secrets.token_bytes).private_jwk()
        body = entry | {"authentication": "private_key_jwt", "jwks": {"keys": [private]}}
        act = lambda: manage(shared, "PUT", "/relying-parties/registered", json=body)  # noqa: E731
        said = refused(shared, act, 400, "invalid_registration", secrets=(private["d"],)).description
        assert said.startswith("jwks.keys[0]")
