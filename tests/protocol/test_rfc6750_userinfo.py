"""RFC 6750 and OpenID Connect Core, 5.3: UserInfo, the one way for fields."""

import json

import pytest
import requests
from joserfc.errors import DecodeError
from sqlalchemy import select

from netid.storage.tables import audit_events
from tests.protocol.meddling import latest_receipt, set_status
from tests.protocol.reading import signed
from tests.protocol.refusals import PLANTED, audit_kinds
from tests.running import MINORS_PURPOSE, PARCEL_PURPOSE, Client, Running

PARCELS = "openid netid.purpose.real-name-parcel"


def call(running: Running, method: str = "GET", **parts: object) -> requests.Response:
    """Exactly this request to /userinfo."""
    return requests.request(method, running.url("/userinfo"), timeout=10, **parts)  # type: ignore[arg-type]


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    """The header a token goes into."""
    return {"Authorization": f"{scheme} {token}"}


class TestHowATokenIsShown:
    def test_in_the_header_in_whatever_case_the_scheme_is(self, shop):
        token = shop.tokens()["access_token"]
        for scheme in ("Bearer", "bearer", "BEARER"):
            assert call(shop.running, headers=bearer(token, scheme)).status_code == 200

    def test_in_the_form_of_a_post(self, shop):
        token = shop.tokens()["access_token"]
        assert call(shop.running, "POST", data={"access_token": token}).status_code == 200
        assert call(shop.running, "POST", headers=bearer(token)).status_code == 200

    def test_never_in_the_query(self, shop, refused):
        token = shop.tokens()["access_token"]
        answer = refused(
            shop.running,
            lambda: call(shop.running, params={"access_token": token}),
            400,
            "invalid_request",
            secrets=(token,),
        ).response
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="netid", error="invalid_request"'

    def test_in_one_way_only(self, shop, refused):
        token = shop.tokens()["access_token"]
        form = {"access_token": token}
        refused(
            shop.running,
            lambda: call(shop.running, "POST", data=form, headers=bearer(token)),
            400,
            "invalid_request",
        )

    def test_a_form_that_comes_with_a_get_counts_for_nothing(self, shop, refused):
        token = shop.tokens()["access_token"]
        refused(shop.running, lambda: call(shop.running, data={"access_token": token}), 401, "invalid_token")

    @pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Basic eDp5"}])
    def test_without_one_the_challenge_names_no_error(self, shop, refused, headers):
        answer = refused(shop.running, lambda: call(shop.running, headers=headers), 401, "invalid_token")
        challenges = answer.response.headers["WWW-Authenticate"]
        assert challenges == 'Bearer realm="netid", DPoP realm="netid", algs="ES256"'
        assert "send one as Authorization: Bearer" in answer.description

    @pytest.mark.parametrize("token", [PLANTED, "", "x" * 129, "a b", "\u00fc", "=,;"])
    def test_one_that_is_none_is_refused(self, shop, refused, token):
        headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
        answer = refused(shop.running, lambda: call(shop.running, headers=headers), 401, "invalid_token")
        assert answer.response.headers["WWW-Authenticate"] == 'Bearer realm="netid", error="invalid_token"'

    def test_u2_of_another_scheme_is_refused(self, shop, refused):
        token = shop.tokens()["access_token"]
        refused(
            shop.running,
            lambda: call(shop.running, headers=bearer(token, "DPoP") | {"DPoP": "x.y.z"}),
            401,
            "invalid_token",
            secrets=(token,),
        )

    def test_u1_an_id_token_is_no_access_token(self, shop, refused):
        token = shop.tokens()["id_token"]
        refused(shop.running, lambda: shop.userinfo(token), 401, "invalid_token", secrets=(token,))

    def test_u1_an_access_token_is_no_id_token(self, shop):
        token = shop.tokens()["access_token"]
        with pytest.raises(DecodeError):
            signed(shop.running, token)

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_refused(self, shop, refused, method):
        refused(shop.running, lambda: call(shop.running, method), 405, "invalid_request")

    def test_a_head_is_a_get_without_its_body(self, shop):
        token = shop.tokens()["access_token"]
        answer = call(shop.running, "HEAD", headers=bearer(token))
        assert (answer.status_code, answer.content) == (200, b"")


class TestWhatIsAnswered:
    def test_a_check_result_is_the_subject_alone(self, shop):
        tokens = shop.tokens()
        answer = shop.userinfo(tokens["access_token"])
        assert answer.json() == {"sub": signed(shop.running, tokens["id_token"])["sub"]}
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_what_was_agreed_to_and_nothing_else(self, shop):
        tokens = shop.tokens(scope=PARCELS)
        claims = shop.userinfo(tokens["access_token"]).json()
        assert claims.keys() == {"sub", "name", "document_number"}
        assert claims["name"] == "林示例"

    def test_voluntary_fields_only_if_they_were_ticked(self, shop):
        code = shop.headless(scope=PARCELS, rule={"voluntary": "all"}).code
        claims = shop.userinfo(shop.redeem(code).json()["access_token"]).json()
        assert claims.keys() == {"sub", "name", "document_number", "phone_number"}

    def test_a_field_the_person_does_not_have_is_absent_as_if_it_was_not_ticked(self, shared):
        expiry = {"name": "document_expires_on", "necessity": "voluntary"}
        claims = [*PARCEL_PURPOSE["claims"], {**expiry, "because": {"zh": "核对", "en": "to check"}}]
        client = shared.register("asks-expiry", purposes=[{**PARCEL_PURPOSE, "claims": claims}])
        seen = {}
        for persona in ("an-adult", "an-elder"):
            code = client.headless(persona, scope=PARCELS, rule={"voluntary": "all"}).code
            seen[persona] = client.userinfo(client.redeem(code).json()["access_token"]).json().keys()
        assert seen["an-adult"] - seen["an-elder"] == {"document_expires_on"}
        assert seen["an-elder"] == {"sub", "name", "document_number", "phone_number"}

    def test_a_predicate_is_yes_or_no(self, shop):
        for persona, answer in (("an-adult", True), ("teen-of-15", False), ("on-18", True)):
            token = shop.tokens(persona, scope="openid netid.purpose.minors-mode")["access_token"]
            claims = shop.userinfo(token).json()
            assert claims.keys() == {"sub", "age_over_18"}
            assert claims["age_over_18"] is answer

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    def test_a_signed_answer_where_the_registration_asks_for_one(self, shared, algorithm):
        client = shared.register(f"signed-{algorithm.lower()}", userinfo_signed_response_alg=algorithm)
        answer = client.userinfo(client.tokens(scope=PARCELS)["access_token"])
        assert answer.headers["Content-Type"] == "application/jwt"
        claims = signed(shared, answer.text, algorithm)
        assert (claims["iss"], claims["aud"], claims["mock"]) == (shared.issuer, client.client_id, True)
        assert claims.keys() == {"iss", "aud", "mock", "sub", "name", "document_number"}

    def test_two_relying_parties_of_one_entity_know_the_same_subject_and_others_do_not(self, shared):
        entity = {"name": {"zh": "同一家", "en": "One entity"}, "sector": "one.example"}
        one = shared.register("one-a", legal_entity=entity)
        two = shared.register("one-b", legal_entity=entity)
        other = shared.register("not-one")
        subjects = [c.userinfo(c.tokens()["access_token"]).json()["sub"] for c in (one, two, other)]
        assert subjects[0] == subjects[1] != subjects[2]


class TestWhatIsOnRecord:
    def test_each_release_is_one_event_that_names_its_receipt_and_no_value(self, provider):
        client = provider.register()
        token = client.tokens(scope=PARCELS)["access_token"]
        seen = len(audit_kinds(provider))
        value = client.userinfo(token).json()["document_number"]
        client.userinfo(token)
        assert audit_kinds(provider)[seen:] == ["released", "released"]
        person_id, receipt_id = latest_receipt(provider)
        with provider.provider.stores.db.read() as tx:
            event = tx.execute(select(audit_events).order_by(audit_events.c.sequence.desc())).first()
        assert (event.person_id, event.receipt_id, event.client_id) == (person_id, receipt_id, "a-shop")
        assert json.loads(event.details) == {"claims": "document_number name"}
        assert value not in repr(event)

    def test_an_answer_that_releases_nothing_is_none(self, provider):
        client = provider.register()
        token = client.tokens()["access_token"]
        seen = len(audit_kinds(provider))
        client.userinfo(token)
        assert audit_kinds(provider)[seen:] == []


class TestWhatEndsIt:
    """Each answer is worked out anew: registered ∩ requested ∩ consented, as of now."""

    def parcel_token(self, client: Client) -> str:
        token = str(client.tokens(scope=PARCELS)["access_token"])
        assert "name" in client.userinfo(token).json()
        return token

    def test_after_five_minutes_it_is_over(self, provider, refused):
        client = provider.register()
        token = self.parcel_token(client)
        provider.clock.advance(seconds=290)
        assert client.userinfo(token).status_code == 200
        provider.clock.advance(seconds=15)
        refused(provider, lambda: client.userinfo(token), 401, "invalid_token")

    def test_a_withdrawal_ends_it_at_once(self, provider, refused):
        client = provider.register()
        token = self.parcel_token(client)
        provider.provider.services.rights.withdraw(*latest_receipt(provider))
        refused(provider, lambda: client.userinfo(token), 401, "invalid_token")

    def test_another_relying_partys_token_lives_on(self, provider):
        one, other = provider.register("one"), provider.register("other")
        kept = self.parcel_token(one)
        ended = self.parcel_token(other)
        provider.provider.services.rights.withdraw(*latest_receipt(provider))
        assert [c.userinfo(t).status_code for c, t in ((one, kept), (other, ended))] == [200, 401]

    @pytest.mark.parametrize("status", ["suspended", "cancelled"])
    def test_a_person_who_is_suspended_or_left_ends_it_at_once(self, provider, refused, status):
        client = provider.register()
        token = self.parcel_token(client)
        set_status(provider, status)
        refused(provider, lambda: client.userinfo(token), 401, "invalid_token")

    def test_a_purpose_that_got_smaller_asks_anew(self, provider):
        """A changed purpose, method or field asks anew; what was read is no longer what holds."""
        client = provider.register()
        token = client.tokens(scope=PARCELS, rule={"voluntary": "all"})["access_token"]
        assert client.userinfo(token).status_code == 200
        smaller = {**PARCEL_PURPOSE, "claims": PARCEL_PURPOSE["claims"][:1]}
        changed = provider.register(purposes=[smaller])
        ended = changed.userinfo(token)
        assert (ended.status_code, ended.json()["error"]) == (401, "invalid_token")
        again = changed.tokens(scope=PARCELS)["access_token"]
        assert changed.userinfo(again).json().keys() == {"sub", "name"}

    def test_a_purpose_that_got_larger_is_answered_as_it_was_agreed_to(self, provider):
        client = provider.register()
        code = client.headless(scope=PARCELS).code
        more = {"name": "birthdate", "necessity": "essential", "because": {"zh": "核对", "en": "to check"}}
        larger = {**PARCEL_PURPOSE, "claims": [*PARCEL_PURPOSE["claims"], more]}
        changed = provider.register(purposes=[larger])
        changed.verifier = client.verifier
        token = changed.redeem(code).json()["access_token"]
        assert changed.userinfo(token).json().keys() == {"sub", "name", "document_number"}

    def test_a_purpose_that_is_gone_gives_nothing(self, provider):
        client = provider.register()
        code = client.headless(scope=PARCELS).code
        changed = provider.register(purposes=[MINORS_PURPOSE])
        changed.verifier = client.verifier
        token = changed.redeem(code).json()["access_token"]
        assert changed.userinfo(token).json().keys() == {"sub"}
