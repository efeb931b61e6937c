"""OpenID Connect Core, 5.5: the claims parameter narrows a purpose and never widens it."""

import json
from itertools import chain, combinations

import pytest

from tests.protocol.reading import id_token, signed
from tests.protocol.visiting import Visitor
from tests.running import Client

PARCELS = "openid netid.purpose.real-name-parcel"
MINORS = "openid netid.purpose.minors-mode"
REGISTERED = ("name", "document_number", "phone_number")
VOLUNTARY = "phone_number"


def asking(**places: object) -> str:
    """A claims parameter."""
    return json.dumps(places)


def released(client: Client, rule: dict[str, object] | None = None, **changes: str | None) -> set[str]:
    """The names that UserInfo gives after a whole flow, but for `sub`."""
    tokens = client.redeem(client.headless(rule=rule, **changes).code).json()
    return client.userinfo(tokens["access_token"]).json().keys() - {"sub"}


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every selection of these names."""
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


class TestNarrowing:
    @pytest.mark.parametrize("requested", subsets(REGISTERED), ids="+".join)
    @pytest.mark.parametrize("ticked", [(), (VOLUNTARY,)], ids=["unticked", "ticked"])
    def test_registered_and_requested_and_consented(self, shop, requested, ticked):
        """RULES: the truth table. A request that names only what is not registered asks for nothing."""
        wanted = asking(userinfo=dict.fromkeys([*requested, "birthdate"]))
        given = released(shop, {"voluntary": ticked}, scope=PARCELS, claims=wanted)
        assert given == set(requested) - ({VOLUNTARY} - set(ticked))

    def test_without_a_claims_parameter_it_is_the_whole_purpose(self, shop):
        for claims in (None, "{}", '{"userinfo": null}', '{"userinfo": {}, "id_token": {}}', '{"x": 1}'):
            assert released(shop, {"voluntary": "all"}, scope=PARCELS, claims=claims) == set(REGISTERED)

    def test_the_consent_page_asks_for_no_more_than_that(self, shop):
        visitor = Visitor(shop.running)
        wanted = asking(userinfo={"name": {"essential": True}})
        answer = shop.authorize(visitor.browser, scope=PARCELS, claims=wanted)
        page = visitor.walk(answer, stop="consent")
        assert 'data-testid="claim-name"' in page.text
        assert 'data-testid="claim-document_number"' not in page.text
        assert 'data-testid="claim-phone_number"' not in page.text

    def test_essential_in_the_request_makes_nothing_essential_that_was_registered_voluntary(self, shop):
        wanted = asking(userinfo={"name": None, VOLUNTARY: {"essential": True}})
        assert released(shop, scope=PARCELS, claims=wanted) == {"name"}

    def test_a_claim_asked_for_by_language_or_value_is_not_another_one(self, shop):
        wanted = asking(userinfo={"name#zh": None, "document_number": {"value": "11"}})
        assert released(shop, scope=PARCELS, claims=wanted) == {"document_number"}


class TestNeverWider:
    def test_without_a_purpose_nothing_is_released(self, shop):
        wanted = asking(userinfo={"name": {"essential": True}}, id_token={"age_over_18": None})
        assert released(shop, scope="openid", claims=wanted) == set()
        assert "age_over_18" not in id_token(shop, scope="openid", claims=wanted)

    def test_another_purposes_claims_are_not_this_ones(self, shop):
        wanted = asking(userinfo={"age_over_18": None, "name": None})
        assert released(shop, scope=MINORS, claims=wanted) == {"age_over_18"}

    def test_a_name_from_outside_the_catalogue_adds_no_key(self, shop):
        wanted = asking(userinfo={"name": None, "email": None, "__proto__": None, "address": {}})
        assert released(shop, scope=PARCELS, claims=wanted) == {"name"}


class TestIdTokenClaims:
    def test_a_predicate_goes_where_it_was_asked_for(self, shop):
        for places, in_token, in_userinfo in (
            ({"id_token": {"age_over_18": None}}, True, False),
            ({"userinfo": {"age_over_18": None}}, False, True),
            ({"userinfo": {"age_over_18": None}, "id_token": {"age_over_18": None}}, True, True),
        ):
            tokens = shop.tokens(scope=MINORS, claims=asking(**places))
            token = signed(shop.running, tokens["id_token"])
            userinfo = shop.userinfo(tokens["access_token"]).json()
            assert ("age_over_18" in token, "age_over_18" in userinfo) == (in_token, in_userinfo)

    def test_a_field_comes_from_userinfo_alone_wherever_it_was_asked_for(self, shop):
        tokens = shop.tokens(scope=PARCELS, claims=asking(id_token={"name": {"essential": True}}))
        assert "name" not in signed(shop.running, tokens["id_token"])
        assert shop.userinfo(tokens["access_token"]).json().keys() == {"sub", "name"}

    def test_what_the_token_says_anyway_narrows_nothing(self, shop):
        for wanted in (
            asking(id_token={"auth_time": {"essential": True}, "acr": None, "amr": None}),
            asking(userinfo={"sub": None}, id_token={"sub": None, "nonce": None}),
            asking(id_token={"verified_claims": {"verification": {"trust_framework": None}, "claims": None}}),
        ):
            assert released(shop, {"voluntary": "all"}, scope=PARCELS, claims=wanted) == set(REGISTERED)


class TestAcr:
    FACE = "urn:netid:acr:credential+face"

    def test_it_can_be_asked_for_by_value_or_values(self, shop):
        for wish in ({"value": self.FACE}, {"values": ["urn:x", self.FACE]}, {"values": [self.FACE]}):
            assert id_token(shop, claims=asking(id_token={"acr": wish}))["acr"] == self.FACE

    def test_it_goes_before_acr_values(self, shop):
        wanted = asking(id_token={"acr": {"value": self.FACE}})
        assert id_token(shop, claims=wanted, acr_values="urn:netid:acr:credential")["acr"] == self.FACE

    def test_an_essential_one_that_does_not_exist_ends_the_flow(self, shop, refused):
        wanted = asking(id_token={"acr": {"essential": True, "values": ["urn:x"]}})
        act = lambda: shop.authorize(claims=wanted)  # noqa: E731
        said = refused(shop.running, act, 303, "unmet_authentication_requirements").description
        assert "acr_values_supported" in said

    def test_a_voluntary_one_that_does_not_exist_is_passed_over(self, shop):
        wanted = asking(id_token={"acr": {"values": ["urn:x"]}})
        assert id_token(shop, claims=wanted)["acr"] == "urn:netid:acr:credential+passcode"

    def test_an_essential_one_is_answered_with_a_value_that_was_asked_for(self, shop):
        """OpenID Connect Core, 5.5.1.1: also where the person has been checked more thoroughly."""
        visitor, running = Visitor(shop.running), shop.running
        full = "urn:netid:acr:credential+passcode+face"
        for essential, expected in ((False, full), (True, self.FACE)):
            running.callback(visitor.walk(shop.authorize(visitor.browser, acr_values=full)))
            wanted = asking(id_token={"acr": {"essential": essential, "values": ["urn:x", self.FACE]}})
            answer = running.callback(shop.authorize(visitor.browser, claims=wanted))
            claims = signed(running, shop.redeem(answer.code).json()["id_token"])
            assert (claims["acr"], claims["amr"]) == (expected, ["face", "pin", "pop"])

    def test_an_essential_one_without_values_asks_for_no_level(self, shop):
        wanted = asking(id_token={"acr": {"essential": True}})
        claims = id_token(shop, claims=wanted, acr_values=f"urn:x {self.FACE}")
        assert claims["acr"] == self.FACE


class TestForm:
    """OpenID Connect Core, 5.5: what is not of this form is refused, with its place."""

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ('{"userinfo": []}', "claims.userinfo must be an object"),
            ('{"id_token": "name"}', "claims.id_token must be an object"),
            ('{"userinfo": {"name": true}}', "claims.userinfo.name must be an object"),
            (
                '{"userinfo": {"name": {"essential": 1}}}',
                "claims.userinfo.name.essential must be true or false",
            ),
            (
                '{"userinfo": {"name": {"values": "x"}}}',
                "claims.userinfo.name.values must be a list of at least one",
            ),
            (
                '{"id_token": {"auth_time": {"values": []}}}',
                "claims.id_token.auth_time.values must be a list of at least one",
            ),
            (
                '{"id_token": {"acr": {"value": 1}}}',
                "claims.id_token.acr: value must be a string, and values a list of strings",
            ),
            (
                '{"userinfo": {"sub": {"values": [1]}}}',
                "claims.userinfo.sub: value must be a string, and values a list of strings",
            ),
            (
                '{"id_token": {"sub": {"values": ["a", "b"]}}}',
                "claims: sub is asked for with more than one value; name one person",
            ),
            (
                '{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}',
                "claims: sub is asked for with more than one value; name one person",
            ),
        ],
    )
    def test_it_is_refused(self, shop, refused, wanted, said):
        refusal = refused(shop.running, lambda: shop.authorize(claims=wanted), 303, "invalid_request")
        assert refusal.description == said

    def test_value_and_values_together_have_to_agree(self, shop, refused):
        wanted = asking(id_token={"acr": {"value": "urn:y", "values": ["urn:x"]}})
        said = refused(
            shop.running, lambda: shop.authorize(claims=wanted), 303, "invalid_request"
        ).description
        assert said == "claims.id_token.acr.value is none of its values; send one or the other"
        full = "urn:netid:acr:credential+passcode+face"
        wanted = asking(id_token={"acr": {"value": full, "values": [TestAcr.FACE, full]}})
        assert id_token(shop, claims=wanted)["acr"] == full

    def test_members_that_are_not_known_are_ignored(self, shop):
        wish = {"essential": False, "value": "x", "later": [1], "purpose": 1}
        assert released(shop, scope=PARCELS, claims=asking(userinfo={"name": wish}, more={"name": 1})) == {
            "name"
        }

    def test_sub_can_be_asked_for_in_either_place(self, shop):
        one, other = (id_token(shop, persona)["sub"] for persona in ("an-adult", "another-adult"))
        for place in ("id_token", "userinfo"):
            for wish in ({"value": one}, {"values": [one], "essential": True}):
                assert shop.headless(claims=asking(**{place: {"sub": wish}})).code
            assert shop.headless(claims=asking(**{place: {"sub": {"value": other}}})).error == "access_denied"
