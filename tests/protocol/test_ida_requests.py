"""OpenID Connect for Identity Assurance 1.0: `verified_claims` asked for through the `claims` parameter."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from sqlalchemy import select

from netid.disclosure import Disclosure, Release
from netid.identity.claims import CATALOGUE
from netid.identity.verified_claims import VerifiedRequest
from netid.oauth import requests as request_parsing
from netid.oauth import userinfo
from netid.storage.tables import audit_events
from tests.protocol.meddling import latest_receipt
from tests.protocol.reading import signed
from tests.protocol.refusals import PLANTED
from tests.protocol.visiting import Visitor
from tests.running import PARCEL_PURPOSE, Client, Running

PARCELS = "openid netid.purpose.real-name-parcel"
MINORS = "openid netid.purpose.minors-mode"
VERIFIED = {"trust_framework": "cn_netid_mock"}
CHECK_RESULT = {"verification": VERIFIED, "claims": {}}
NAME, NUMBER, PHONE = "name", "document_number", "phone_number"

Json = dict[str, Any]


def asked(claims: Any, verification: Any = None) -> Json:
    """One `verified_claims` of a request."""
    return {"verification": verification or {"trust_framework": None}, "claims": claims}


def asking(**places: Any) -> str:
    """A `claims` parameter that asks for nothing but `verified_claims`, in these places."""
    return json.dumps({place: {"verified_claims": wanted} for place, wanted in places.items()})


def received(client: Client, *ticked: str, **changes: str | None) -> tuple[Json, Json]:
    """What arrived in the ID token and in UserInfo, but for what is always there."""
    answer = client.redeem(client.headless(rule={"voluntary": ticked}, **changes).code)
    tokens = answer.json()
    claims = signed(client.running, tokens["id_token"])
    always = {"iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "at_hash", "mock", "nonce"}
    id_token = {name: value for name, value in claims.items() if name not in always}
    of_userinfo = client.userinfo(tokens["access_token"]).json()
    assert of_userinfo.pop("sub") == claims["sub"]
    return id_token, of_userinfo


def names(answer: Json) -> set[str]:
    """The claims in one `verified_claims`, which says of its verification what it always says."""
    assert answer.keys() == {"verified_claims"}
    assert answer["verified_claims"]["verification"] == VERIFIED
    return set(answer["verified_claims"]["claims"])


class TestWhatArrives:
    def test_fields_come_verified_from_userinfo(self, shop):
        id_token, of_userinfo = received(shop, scope=PARCELS, claims=asking(userinfo=asked({NAME: None})))
        assert id_token == {}
        assert of_userinfo == {"verified_claims": {"verification": VERIFIED, "claims": {NAME: "林示例"}}}

    def test_a_predicate_comes_where_it_was_asked_for(self, shop):
        wanted = asked({"age_over_18": None})
        answer = {"verified_claims": {"verification": VERIFIED, "claims": {"age_over_18": True}}}
        assert received(shop, scope=MINORS, claims=asking(id_token=wanted)) == (answer, {})
        assert received(shop, scope=MINORS, claims=asking(userinfo=wanted)) == ({}, answer)
        assert received(shop, scope=MINORS, claims=asking(id_token=wanted, userinfo=wanted)) == (
            answer,
            answer,
        )

    def test_a_field_asked_for_in_the_id_token_comes_from_userinfo_alone(self, shop):
        id_token, of_userinfo = received(shop, scope=PARCELS, claims=asking(id_token=asked({NAME: None})))
        assert id_token == {}
        assert names(of_userinfo) == {NAME}

    def test_plain_and_verified_stand_side_by_side(self, shop):
        wanted = {"userinfo": {NUMBER: None, "verified_claims": asked({NAME: None, NUMBER: None})}}
        _, of_userinfo = received(shop, scope=PARCELS, claims=json.dumps(wanted))
        verified = of_userinfo.pop("verified_claims")
        assert of_userinfo.keys() == {NUMBER}
        assert verified["claims"].keys() == {NAME, NUMBER}

    def test_it_is_the_same_in_a_signed_answer_of_userinfo(self, shared):
        client = shared.register("verified-and-signed", userinfo_signed_response_alg="ES256")
        tokens = client.tokens(scope=PARCELS, claims=asking(userinfo=asked({NAME: None})))
        claims = signed(shared, client.userinfo(tokens["access_token"]).text)
        assert claims.keys() == {"iss", "aud", "mock", "sub", "verified_claims"}
        assert claims["verified_claims"]["claims"].keys() == {NAME}

    def test_nothing_is_said_of_the_verification_but_what_is_the_same_for_everybody(self, shop):
        verification = {"trust_framework": None, "time": None, "verification_process": {"essential": True}}
        verification |= {"assurance_level": None, "assurance_process": {"policy": None}, "x": None}
        wanted = asking(userinfo=asked({NAME: None}, verification))
        assert names(received(shop, scope=PARCELS, claims=wanted)[1]) == {NAME}


class TestRegisteredAndRequestedAndConsented:
    """RULES 9 and 10, for whoever asks in this way."""

    @pytest.mark.parametrize("ticked", [(), (PHONE,)], ids=["unticked", "ticked"])
    def test_voluntary_claims_need_their_tick(self, shop, ticked):
        wanted = asking(userinfo=asked({NAME: None, PHONE: {"essential": True}}))
        assert names(received(shop, *ticked, scope=PARCELS, claims=wanted)[1]) == {NAME, *ticked}

    def test_naming_claims_narrows_the_purpose(self, shop):
        visitor = Visitor(shop.running)
        wanted = asking(userinfo=asked({NAME: None}))
        page = visitor.walk(shop.authorize(visitor.browser, scope=PARCELS, claims=wanted), stop="consent")
        assert _offered(page) == {NAME}

    @pytest.mark.parametrize(
        "wanted",
        [
            {"userinfo": {NAME: None, PHONE: None}},
            {"id_token": {NAME: None, PHONE: None}},
            {"userinfo": {"verified_claims": asked({NAME: None, PHONE: None})}},
            {"id_token": {"verified_claims": asked({NAME: None, PHONE: None})}},
            {"userinfo": {NAME: None, "verified_claims": [asked({PHONE: None}), asked({NAME: None})]}},
        ],
        ids=["plain", "plain in the ID token", "verified", "verified in the ID token", "mixed"],
    )
    def test_the_person_is_asked_the_same_whichever_way_it_was_asked_for(self, shop, wanted):
        visitor = Visitor(shop.running)
        answer = shop.authorize(visitor.browser, scope=PARCELS, claims=json.dumps(wanted))
        page = visitor.walk(answer, stop="consent")
        assert _offered(page) == {NAME, PHONE}
        assert shop.running.callback(visitor.send(page, decision="agree")).code
        person_id, receipt_id = latest_receipt(shop.running)
        with shop.running.provider.stores.db.read() as tx:
            receipt = shop.running.provider.stores.consents.get(tx, receipt_id)
        assert receipt is not None
        assert receipt.person_id == person_id
        assert (receipt.receipt.offered, receipt.receipt.agreed) == ((NAME, PHONE), (NAME,))

    def test_what_is_not_of_the_purpose_adds_nothing(self, shop):
        others = dict.fromkeys(["birthdate", "age_over_18", "net_number", "given_name", "sub", PLANTED])
        wanted = asking(userinfo=asked({NAME: None, **others}), id_token=asked(others))
        id_token, of_userinfo = received(shop, scope=PARCELS, claims=wanted)
        assert id_token == {}
        assert names(of_userinfo) == {NAME}

    def test_without_a_purpose_nothing_is_released(self, shop):
        wanted = asking(userinfo=asked({NAME: None}), id_token=asked({"age_over_18": None}))
        assert received(shop, scope="openid", claims=wanted) == ({}, {})

    def test_it_asks_anew_each_time(self, shop):
        visitor = Visitor(shop.running)
        changes = {"scope": PARCELS, "claims": asking(userinfo=asked({NAME: None}))}
        for _ in range(2):
            page = visitor.walk(shop.authorize(visitor.browser, **changes), stop="consent")
            assert _offered(page) == {NAME}
            assert shop.running.callback(visitor.send(page, decision="agree")).code

    def test_each_answer_is_on_record_by_name(self, shop):
        received(shop, scope=PARCELS, claims=asking(userinfo=asked({NAME: None})))
        with shop.running.provider.stores.db.read() as tx:
            latest = select(audit_events).order_by(audit_events.c.sequence.desc()).limit(1)
            last = tx.execute(latest).one()
        assert (last.kind, json.loads(last.details)) == ("released", {"claims": NAME})


class TestWhatTheVerificationHasToBe:
    @pytest.mark.parametrize(
        "verification",
        [
            {"trust_framework": None},
            {"trust_framework": {"value": "cn_netid_mock"}},
            {"trust_framework": {"values": ["eidas", "cn_netid_mock"]}},
            {"trust_framework": {"essential": True, "purpose": "to be sure"}},
            {"trust_framework": None, "assurance_level": {"essential": True}},
            {"trust_framework": None, "assurance_process": {"assurance_details": [{"x": {"value": "y"}}]}},
        ],
        ids=str,
    )
    def test_it_is_so(self, shop, verification):
        wanted = asking(userinfo=asked({NAME: None}, verification))
        assert names(received(shop, scope=PARCELS, claims=wanted)[1]) == {NAME}

    @pytest.mark.parametrize(
        "verification",
        [
            {"trust_framework": {"value": "eidas"}},
            {"trust_framework": {"values": ["eidas", "de_aml"]}},
            {"trust_framework": {"value": "cn_netid_mock "}},
            {"trust_framework": None, "assurance_level": {"value": "high"}},
            {"trust_framework": None, "assurance_level": {"values": ["low", "high"], "essential": True}},
            {"trust_framework": None, "assurance_process": {"policy": {"value": "gpg45"}}},
            {"trust_framework": None, "time": {"max_age": 63113852}},
            {"trust_framework": None, "time": {"max_age": 0, "essential": False}},
            {"trust_framework": None, "evidence": [{"type": {"value": "document"}, "method": None}]},
            {
                "trust_framework": None,
                "evidence": [{"type": {"value": "vouch"}}, {"type": {"value": "document"}}],
            },
            {"trust_framework": None, "something_new": {"deep": {"inside": {"value": "x"}}}},
        ],
        ids=str,
    )
    def test_what_is_not_so_is_left_out_whole_without_an_error_or_a_question(self, shop, verification):
        wanted = asking(userinfo=asked({NAME: {"essential": True}}, verification))
        assert received(shop, scope=PARCELS, claims=wanted) == ({}, {})
        visitor = Visitor(shop.running)
        page = visitor.walk(
            shop.authorize(visitor.browser, scope=PARCELS, claims=wanted, prompt="consent"), stop="consent"
        )
        assert _offered(page) == set()

    def test_the_plain_claims_beside_it_stay(self, shop):
        wanted = {
            "userinfo": {
                NUMBER: None,
                "verified_claims": asked({NAME: None}, {"trust_framework": {"value": "x"}}),
            }
        }
        assert received(shop, scope=PARCELS, claims=json.dumps(wanted))[1].keys() == {NUMBER}


class TestWhatAClaimHasToBe:
    @pytest.mark.parametrize(
        ("wish", "arrives"),
        [
            (None, True),
            ({}, True),
            ({"essential": True, "purpose": "for the parcel"}, True),
            ({"value": "林示例"}, True),
            ({"values": ["王五", "林示例"]}, True),
            ({"value": "王五"}, False),
            ({"value": "王五", "essential": True}, False),
            ({"values": ["林", "示例", "林示例 "]}, False),
            ({"value": 1}, False),
            ({"values": [None, True, {}, ["林示例"]]}, False),
        ],
        ids=str,
    )
    def test_a_value_that_differs_leaves_that_claim_out(self, shop, wish, arrives):
        wanted = asking(userinfo=asked({NAME: wish, NUMBER: None}))
        assert names(received(shop, scope=PARCELS, claims=wanted)[1]) == {NUMBER} | (
            {NAME} if arrives else set()
        )

    @pytest.mark.parametrize(("wish", "arrives"), [(True, True), (False, False), ("true", False), (1, False)])
    def test_a_predicate_is_yes_or_no_and_nothing_like_it(self, shop, wish, arrives):
        wanted = asking(id_token=asked({"age_over_18": {"value": wish}}))
        answer = {"verified_claims": {"verification": VERIFIED, "claims": {"age_over_18": True}}}
        assert received(shop, scope=MINORS, claims=wanted) == (answer if arrives else {}, {})

    def test_the_question_is_the_same_and_its_answer_alone_differs(self, shop):
        """A field that differs, one that was refused and one the person has not look alike."""
        visitor = Visitor(shop.running)
        wanted = asking(userinfo=asked({PHONE: {"value": "nobody's"}, NAME: None}))
        page = visitor.walk(shop.authorize(visitor.browser, scope=PARCELS, claims=wanted), stop="consent")
        assert _offered(page) == {NAME, PHONE}
        differs = received(shop, PHONE, scope=PARCELS, claims=wanted)
        refused = received(shop, scope=PARCELS, claims=asking(userinfo=asked({PHONE: None, NAME: None})))
        assert differs == refused


class TestSeveral:
    def test_each_element_is_answered_on_its_own(self, shop):
        wanted = [
            asked({NAME: None}),
            asked({NUMBER: None}, {"trust_framework": {"value": "eidas"}}),
            asked({PHONE: None}, {"trust_framework": {"value": "cn_netid_mock"}}),
            asked({NAME: None, NUMBER: None}),
        ]
        _, of_userinfo = received(shop, PHONE, scope=PARCELS, claims=asking(userinfo=wanted))
        assert [set(one["claims"]) for one in of_userinfo["verified_claims"]] == [
            {NAME},
            {PHONE},
            {NAME, NUMBER},
        ]
        assert all(one["verification"] == VERIFIED for one in of_userinfo["verified_claims"])

    def test_one_that_is_left_is_an_object_and_none_is_nothing(self, shop):
        unmet = asked({NAME: None}, {"trust_framework": {"value": "eidas"}})
        _, of_userinfo = received(shop, scope=PARCELS, claims=asking(userinfo=[unmet, asked({NUMBER: None})]))
        assert names(of_userinfo) == {NUMBER}
        assert received(shop, scope=PARCELS, claims=asking(userinfo=[unmet, unmet])) == ({}, {})

    def test_an_empty_list_asks_for_nothing_and_narrows_nothing(self, shop):
        _, of_userinfo = received(shop, scope=PARCELS, claims=asking(userinfo=[]))
        assert of_userinfo.keys() == {NAME, NUMBER}

    def test_fields_of_the_id_tokens_elements_join_those_of_userinfo(self, shop):
        wanted = asking(id_token=asked({NAME: None}), userinfo=asked({NUMBER: None}))
        _, of_userinfo = received(shop, scope=PARCELS, claims=wanted)
        assert [set(one["claims"]) for one in of_userinfo["verified_claims"]] == [{NUMBER}, {NAME}]


class TestBesideTheCheckResult:
    def test_one_that_ends_up_empty_is_left_out_and_the_scopes_stays(self, shop):
        wanted = asking(id_token=asked({"name": None}))
        assert received(shop, scope="openid netid.verify", claims=wanted) == (
            {"verified_claims": CHECK_RESULT},
            {},
        )
        assert received(shop, scope="openid", claims=wanted) == ({}, {})

    def test_one_that_does_not_says_all_that_the_scopes_would(self, shop):
        wanted = asking(id_token=asked({"age_over_18": None}))
        id_token, _ = received(shop, scope=f"{MINORS} netid.verify", claims=wanted)
        assert names(id_token) == {"age_over_18"}

    def test_null_for_claims_names_none(self, shop):
        for scope, expected in (("openid", {}), ("openid netid.verify", {"verified_claims": CHECK_RESULT})):
            assert received(shop, scope=scope, claims=asking(id_token=asked(None))) == (expected, {})


MALFORMED: list[tuple[Any, str]] = [
    (None, " must be an object"),
    ("x", " must be an object"),
    (True, " must be an object"),
    ([None], "[0] must be an object"),
    ([asked({NAME: None}), 1], "[1] must be an object"),
    ({}, " must have the members verification and claims, and no other"),
    ({"claims": {NAME: None}}, " must have the members verification and claims, and no other"),
    (
        {"verification": {"trust_framework": None}},
        " must have the members verification and claims, and no other",
    ),
    ({**asked({NAME: None}), PLANTED: 1}, " must have the members verification and claims, and no other"),
    ({"verification": None, "claims": {NAME: None}}, ".verification must be an object"),
    (
        {"verification": {}, "claims": {NAME: None}},
        ".verification.trust_framework is missing; null asks for any",
    ),
    (asked({}), ".claims is empty; name a claim, or leave verified_claims out"),
    (asked([NAME]), ".claims must be an object"),
    (asked({NAME: PLANTED}), ".claims.name must be an object"),
    (asked({PLANTED: 1}), ".claims.(a member) must be an object"),
    (asked({NAME: {"essential": "yes"}}), ".claims.name.essential must be true or false"),
    (asked({NAME: {"values": []}}), ".claims.name.values must be a list of at least one"),
    (asked({NAME: {"values": PLANTED}}), ".claims.name.values must be a list of at least one"),
    (asked({NAME: None}, {"trust_framework": "x"}), ".verification.trust_framework must be an object"),
    (
        asked({NAME: None}, {"trust_framework": {"value": 1}}),
        ".verification.trust_framework: value must be a string, and values a list of strings",
    ),
    (
        asked({NAME: None}, {"trust_framework": {"values": []}}),
        ".verification.trust_framework.values must be a list of at least one",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "time": {"max_age": "1"}}),
        ".verification.time.max_age must be a number of seconds, 0 or more",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "time": {"max_age": -1}}),
        ".verification.time.max_age must be a number of seconds, 0 or more",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "time": {"max_age": True}}),
        ".verification.time.max_age must be a number of seconds, 0 or more",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "evidence": []}),
        ".verification.evidence must be a list of at least one object",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "evidence": {"type": {"value": "document"}}}),
        ".verification.evidence must be a list of at least one object",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "evidence": [{"type": None}]}),
        ".verification.evidence.type must be an object",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, "evidence": [{"type": {"values": ["document"]}}]}),
        ".verification.evidence.type must be an object with value, a string",
    ),
    (
        asked({NAME: None}, {"trust_framework": None, PLANTED: 1}),
        ".verification.(a member) must be an object",
    ),
]


class TestMalformed:
    @pytest.mark.parametrize(("wanted", "said"), MALFORMED, ids=str)
    @pytest.mark.parametrize("place", ["id_token", "userinfo"])
    def test_it_is_refused_with_its_path(self, shop, refused, place, wanted, said):
        act = lambda: shop.authorize(scope=PARCELS, claims=asking(**{place: wanted}))  # noqa: E731
        refusal = refused(shop.running, act, 303, "invalid_request")
        assert refusal.description == f"claims.{place}.verified_claims{said}"

    def test_p10_it_is_refused_too_deep(self, shop, refused):
        deep: Any = None
        for _ in range(40):
            deep = {"a": deep}
        wanted = asking(userinfo=asked({NAME: None}, {"trust_framework": None, "b": deep}))
        refused(shop.running, lambda: shop.authorize(claims=wanted), 303, "invalid_request")


def test_the_discovery_document_says_what_can_be_had(shared):
    metadata = requests.get(shared.url("/.well-known/openid-configuration"), timeout=10).json()
    assert metadata["verified_claims_supported"] is True
    assert metadata["trust_frameworks_supported"] == ["cn_netid_mock"]
    assert metadata["claims_in_verified_claims_supported"] == list(CATALOGUE)
    assert not {name for name in metadata if name.startswith(("evidence", "documents", "electronic_records"))}


# Positive controls


def _beyond(client: Client) -> set[str]:
    """Every name that arrives verified and is not registered for the purpose."""
    everything = asked(dict.fromkeys(CATALOGUE))
    wanted = asking(userinfo=everything, id_token=everything)
    id_token, of_userinfo = received(client, PHONE, scope=PARCELS, claims=wanted)
    registered = {claim["name"] for claim in PARCEL_PURPOSE["claims"]}
    found: set[str] = set()
    for place, answer in (("id_token", id_token), ("userinfo", of_userinfo)):
        verified = answer.get("verified_claims", [])
        for one in verified if isinstance(verified, list) else [verified]:
            found |= {f"{place}.{name}" for name in one["claims"].keys() - registered}
            found |= {
                f"{place}.{name}" for name in one["claims"].keys() & {NAME, NUMBER} if place == "id_token"
            }
    return found


def test_s2_whatever_is_asked_for_verified_nothing_beyond_the_purpose_arrives(shop):
    assert _beyond(shop) == set()


def _release_of_all(patch: pytest.MonkeyPatch) -> None:
    """A door that stands open, and a parser that lets every name through."""

    def release(self: Disclosure, tx: Any, *, requested: Any, consent: Any, now: Any, **_: object) -> Release:
        return Release(self._derive(tx, consent.person_id, requested, now))

    patch.setattr(Disclosure, "release", release)
    patch.setattr(request_parsing, "narrowed", lambda wanted, names: tuple(wanted))
    patch.setattr("netid.services.decisions.narrowed", lambda wanted, names: tuple(wanted))


def _userinfo_of_all(patch: pytest.MonkeyPatch) -> None:
    """An answer that says more than the door gave."""
    patch.setattr(
        userinfo,
        "claims_in",
        lambda release, *_: {
            "verified_claims": {"verification": VERIFIED, "claims": {**release.claims, "sex": ""}}
        },
    )


def _fields_in_the_id_token(patch: pytest.MonkeyPatch) -> None:
    """A parser that takes every claim for a predicate."""

    def narrowed(wanted: Any, names: frozenset[str]) -> tuple[VerifiedRequest, ...]:
        keep = names | {NAME} if names <= {"age_over_16"} else names
        kept = (tuple(claim for claim in one.claims if claim.name in keep) for one in wanted)
        return tuple(VerifiedRequest(claims=claims) for claims in kept if claims)

    patch.setattr(request_parsing, "narrowed", narrowed)


PLANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "an open door": (
        _release_of_all,
        {
            f"{place}.{name}"
            for place in ("id_token", "userinfo")
            for name in ("birthdate", "sex", "nationality", "age_over_18")
        },
    ),
    "UserInfo that adds": (_userinfo_of_all, {"userinfo.sex"}),
    "a field in the ID token": (_fields_in_the_id_token, {"id_token.name"}),
}


@pytest.mark.parametrize(("plant", "found"), PLANTS.values(), ids=PLANTS)
def test_s2_a_provider_that_lets_more_through_is_found_out(
    provider: Running,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
    found: set[str],
) -> None:
    plant(monkeypatch)
    assert _beyond(provider.register()) >= found


def _offered(page: requests.Response) -> set[str]:
    """The claims that the consent page lists."""
    return {name for name in CATALOGUE if f'data-testid="claim-{name}"' in page.text}
