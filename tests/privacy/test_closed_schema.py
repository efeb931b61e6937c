"""S2 (Measures, article 8): the exact names of everything that arrives, and that asking adds no other."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netid import responses
from netid.credentials.jose import sign_even
from netid.disclosure import Disclosure, Release
from netid.identity.claims import CATALOGUE
from netid.oauth import signing, token, userinfo
from netid.oauth.discovery import metadata
from tests.running import MINORS_PURPOSE, PARCEL_PURPOSE, Client, Running


def _claim(name: str, necessity: str) -> dict[str, Any]:
    return {"name": name, "necessity": necessity, "because": {"zh": "因为", "en": "because"}}


PURPOSES: dict[str, dict[str, Any]] = {
    "real-name-parcel": {
        **PARCEL_PURPOSE,
        "claims": [
            _claim("name", "essential"),
            _claim("document_number", "essential"),
            _claim("phone_number", "voluntary"),
            _claim("age_over_16", "voluntary"),
        ],
    },
    "minors-mode": MINORS_PURPOSE,
}
REDIRECT = {"code", "state", "iss"}
REFUSAL = {"error", "error_description", "state", "iss"}
TOKENS = {"access_token", "token_type", "expires_in", "scope", "id_token"}
ID_TOKEN = {"iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "at_hash", "nonce", "mock"}
CHECK_RESULT = {"verification": {"trust_framework": "cn_netid_mock"}, "claims": {}}
PREDICATES = {name for name, claim in CATALOGUE.items() if not claim.is_field}


def part_of(token: str, place: int) -> dict[str, Any]:
    part: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[place] + "=="))
    return part


def claims_of(purpose: str | None, ticked: set[str]) -> set[str]:
    """What the person let go: essential claims, and those they ticked."""
    claims = PURPOSES[purpose]["claims"] if purpose else []
    return {claim["name"] for claim in claims if claim["necessity"] == "essential" or claim["name"] in ticked}


def named_in(claims: str | None, place: str) -> set[str]:
    return set((json.loads(claims).get(place) or {}) if claims else ())


def asks_verified(claims: str | None) -> bool:
    """Whether some place of the parameter has `verified_claims`."""
    return any("verified_claims" in named_in(claims, place) for place in ("id_token", "userinfo"))


def unexpected(client: Client, persona: str, ticked: set[str], **asked: str | None) -> set[str]:
    """Every name that arrived in a flow and has no business there, with where it stood."""
    callback = client.headless(persona, {"voluntary": tuple(ticked)}, **asked).parameters
    if "error" in callback:
        return _beyond("redirect", callback, REFUSAL)
    tokens = client.redeem(callback["code"]).json()
    header, payload = (
        json.loads(urlsafe_b64decode(part + "==")) for part in tokens["id_token"].split(".")[:2]
    )
    answer = client.userinfo(tokens["access_token"]).json()
    scope = (asked.get("scope") or "").split(" ")
    purpose = next((id_ for id_ in PURPOSES if f"netid.purpose.{id_}" in scope), None)
    let_go = claims_of(purpose, ticked)
    verified = {"verified_claims"} if asks_verified(asked.get("claims")) else set()
    check = {"verified_claims"} if "netid.verify" in scope else set()
    predicates = let_go & named_in(asked.get("claims"), "id_token") & PREDICATES
    return (
        _beyond("redirect", callback, REDIRECT)
        | _beyond("tokens", tokens, TOKENS)
        | _beyond("header", header, {"alg", "kid", "typ"})
        | _beyond("id_token", payload, ID_TOKEN | check | verified | predicates)
        | _beyond("userinfo", answer, {"sub"} | verified | let_go)
        | _beyond_verified("id_token", payload, let_go & PREDICATES if verified else set())
        | _beyond_verified("userinfo", answer, let_go)
        | {f"scope.{value}" for value in set(tokens["scope"].split(" ")) - set(_understood(scope, purpose))}
    )


def _beyond(where: str, arrived: dict[str, Any], expected: set[str]) -> set[str]:
    return {f"{where}.{name}" for name in arrived.keys() - expected}


def _beyond_verified(where: str, arrived: dict[str, Any], expected: set[str]) -> set[str]:
    """The same inside `verified_claims`, one or several; only a check result has no claims."""
    several = arrived.get("verified_claims", [])
    found: set[str] = set()
    for one in several if isinstance(several, list) else [several]:
        found |= _beyond(f"{where}.verified_claims", one, {"verification", "claims"})
        found |= _beyond(f"{where}.verification", one["verification"], set(CHECK_RESULT["verification"]))
        found |= _beyond(f"{where}.verified_claims", one["claims"], expected)
        if not one["claims"] and (where, one) != ("id_token", CHECK_RESULT):
            found.add(f"{where}.verified_claims: is empty")
    return found


def _understood(scope: list[str], purpose: str | None) -> list[str]:
    known = ("openid", "netid.verify", f"netid.purpose.{purpose}")
    return [value for value in scope if value in known]


@pytest.fixture
def client(provider: Running) -> Client:
    return provider.register(purposes=list(PURPOSES.values()))


EXACT = {
    "check result": ("openid netid.verify", None, (), {"verified_claims"}, set()),
    "openid alone": ("openid", None, (), set(), set()),
    "predicate": ("openid netid.purpose.minors-mode", None, (), set(), {"age_over_18"}),
    "predicate in the ID token": (
        "openid netid.purpose.minors-mode",
        '{"id_token":{"age_over_18":null}}',
        (),
        {"age_over_18"},
        set(),
    ),
    "essential fields": (
        "openid netid.purpose.real-name-parcel",
        None,
        (),
        set(),
        {"name", "document_number"},
    ),
    "and a voluntary one": (
        "openid netid.verify netid.purpose.real-name-parcel",
        None,
        ("phone_number",),
        {"verified_claims"},
        {"name", "document_number", "phone_number"},
    ),
    "narrowed": (
        "openid netid.purpose.real-name-parcel",
        '{"userinfo":{"name":{"essential":true},"birthdate":null}}',
        (),
        set(),
        {"name"},
    ),
    "a field asked for in the ID token": (
        "openid netid.purpose.real-name-parcel",
        '{"id_token":{"name":null}}',
        (),
        set(),
        {"name"},
    ),
    "a predicate in the ID token beside a field": (
        "openid netid.purpose.real-name-parcel",
        '{"userinfo":{"name":null},"id_token":{"age_over_16":null}}',
        ("age_over_16",),
        {"age_over_16"},
        {"name"},
    ),
    "verified claims asked for": (
        "openid",
        '{"id_token":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null}}}}',
        (),
        set(),
        set(),
    ),
    "verified claims of a purpose asked for": (
        "openid netid.purpose.real-name-parcel",
        '{"id_token":{"verified_claims":{"verification":{"trust_framework":null},'
        '"claims":{"name":null,"age_over_16":null}}}}',
        ("age_over_16",),
        {"verified_claims"},
        {"verified_claims"},
    ),
    "scopes of OpenID Connect": ("openid profile email address phone offline_access", None, (), set(), set()),
    "another's purpose id inside a word": ("openid xnetid.purpose.real-name-parcel", None, (), set(), set()),
}


@pytest.mark.parametrize(
    ("scope", "claims", "ticked", "in_id_token", "in_userinfo"), EXACT.values(), ids=EXACT
)
def test_s2_the_names_that_arrive_are_exactly_these(
    client: Client,
    scope: str,
    claims: str | None,
    ticked: tuple[str, ...],
    in_id_token: set[str],
    in_userinfo: set[str],
) -> None:
    callback = client.headless("planted-elder", {"voluntary": ticked}, scope=scope, claims=claims)
    answer = client.redeem(callback.code)
    tokens = answer.json()
    payload = part_of(tokens["id_token"], 1)

    assert callback.parameters.keys() == REDIRECT
    assert tokens.keys() == TOKENS
    assert payload.keys() == ID_TOKEN | in_id_token
    assert client.userinfo(tokens["access_token"]).json().keys() == {"sub"} | in_userinfo


def test_s2_a_signed_userinfo_adds_only_its_envelope(provider: Running) -> None:
    signed = provider.register("signed", purposes=[MINORS_PURPOSE], userinfo_signed_response_alg="ES256")
    tokens = signed.tokens("planted-elder", scope="openid netid.purpose.minors-mode")
    payload = part_of(signed.userinfo(tokens["access_token"]).text, 1)

    assert payload.keys() == {
        "iss",
        "aud",
        "mock",
        "sub",
        "age_over_18",
    }


def test_s2_without_state_and_nonce_none_comes_back(client: Client) -> None:
    callback = client.headless("planted-elder", scope="openid", state=None, nonce=None)
    payload = part_of(client.redeem(callback.code).json()["id_token"], 1)

    assert callback.parameters.keys() == REDIRECT - {"state"}
    assert payload.keys() == ID_TOKEN - {"nonce"}


def test_s2_an_error_is_a_code_and_a_description(client: Client) -> None:
    answers = [client.redeem("no-such-code"), client.userinfo("no-such-token")]

    assert [answer.status_code for answer in answers] == [400, 401]
    assert all(answer.json().keys() == {"error", "error_description"} for answer in answers)


def test_s2_a_refused_field_and_one_the_person_does_not_have_look_the_same(provider: Running) -> None:
    """The relying party cannot tell them apart: neither is there."""
    services = provider.provider.services.enrolment
    claims = [_claim("name", "essential"), _claim("document_expires_on", "voluntary")]
    purpose = {**PARCEL_PURPOSE, "claims": claims}
    client = provider.register(purposes=[purpose])
    enrolled = services.enrol_person(age=70)
    with provider.provider.stores.db.write() as tx:
        provider.provider.stores.persons.bind_persona(tx, "long-term", enrolled.person_id)

    def names(persona: str, voluntary: str) -> set[str]:
        rule = {"voluntary": voluntary}
        callback = client.headless(persona, rule, scope="openid netid.purpose.real-name-parcel")
        return set(client.userinfo(client.redeem(callback.code).json()["access_token"]).json())

    assert names("planted-elder", "all") == {"sub", "name", "document_expires_on"}
    assert names("planted-elder", "none") == names("long-term", "all") == {"sub", "name"}


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
KNOWN_SCOPES = st.sampled_from(
    [
        *("openid", "netid.verify", "profile", "email", "phone", "address", "offline_access"),
        *("netid.purpose", "netid.purpose.", "netid.purpose.x", "netid.*", "netid.verify.name"),
        *(f"netid.purpose.{id_}" for id_ in PURPOSES),
    ]
)
KNOWN_CLAIMS = st.sampled_from(
    [
        *CATALOGUE,
        *("net_number", "person_id", "sub", "acr", "auth_time", "email", "address", "verified_claims"),
        *("age_over_21", "age", "picture", "passcode", "*", ""),
    ]
)
WISHES = st.none() | st.fixed_dictionaries(
    {}, optional={"essential": st.booleans(), "value": WORDS, "values": st.lists(WORDS, max_size=2)}
)
ASKED_CLAIMS = st.dictionaries(KNOWN_CLAIMS | WORDS, WISHES, max_size=8)
VERIFIED_CLAIMS = st.fixed_dictionaries(
    {
        "verification": st.fixed_dictionaries(
            {"trust_framework": st.none() | st.just({"value": "cn_netid_mock"}) | WISHES},
            optional={"time": st.none(), "evidence": st.just([{"type": {"value": "document"}}])},
        ),
        "claims": st.none() | ASKED_CLAIMS,
    }
)
PLACE = st.builds(
    lambda claims, verified: claims | verified,
    ASKED_CLAIMS,
    st.fixed_dictionaries(
        {}, optional={"verified_claims": VERIFIED_CLAIMS | st.lists(VERIFIED_CLAIMS, max_size=3)}
    ),
)
CLAIMS = st.fixed_dictionaries(
    {}, optional={"userinfo": PLACE, "id_token": PLACE, "verified_claims": ASKED_CLAIMS}
)
SCOPES = st.lists(KNOWN_SCOPES | WORDS, max_size=5).map(lambda values: " ".join(["openid", *values]))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    persona=st.sampled_from(["planted-elder", "planted-child", "planted-foreigner"]),
    scope=SCOPES,
    claims=st.none() | CLAIMS.map(json.dumps),
    ticked=st.sets(st.sampled_from(["phone_number", "age_over_16", "name", "sex"])),
)
def test_s2_whatever_is_asked_for_nothing_unregistered_arrives(
    client: Client, persona: str, scope: str, claims: str | None, ticked: set[str]
) -> None:
    assert unexpected(client, persona, ticked, scope=scope, claims=claims) == set()


def test_s2_what_can_be_asked_for_is_the_catalogue_and_no_more() -> None:
    document = metadata("https://netid.example")
    names = document["claims_supported"]

    assert isinstance(names, list)
    assert set(names) <= {"sub", "verified_claims", *ID_TOKEN, *CATALOGUE}
    assert set(names) >= {*CATALOGUE}
    assert document["claims_in_verified_claims_supported"] == list(CATALOGUE)


# Positive controls


def _in_the_id_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        signing, "sign_even", lambda claims, key, typ: sign_even(claims | {"gender": None}, key, typ)
    )


def _in_userinfo(patch: pytest.MonkeyPatch) -> None:
    claims = userinfo.UserInfo._claims
    patch.setattr(
        userinfo.UserInfo, "_claims", lambda self, answered: claims(self, answered) | {"updated_at": 0}
    )


def _in_the_tokens(patch: pytest.MonkeyPatch) -> None:
    exchange = token.Token.exchange
    patch.setattr(token.Token, "exchange", lambda self, incoming: exchange(self, incoming) | {"person": ""})


def _in_the_redirect(patch: pytest.MonkeyPatch) -> None:
    redirect = responses.redirect_to_relying_party
    patch.setattr(
        responses, "redirect_to_relying_party", lambda uri, given: redirect(uri, given | {"l": "1"})
    )


def _in_the_check_result(patch: pytest.MonkeyPatch) -> None:
    result = {**CHECK_RESULT, "claims": {"sex": "female"}}
    patch.setattr(token, "check_result", lambda: result)


def _all_of_the_purpose(patch: pytest.MonkeyPatch) -> None:
    """Everything that the purpose names, whatever the person ticked and UserInfo was asked for."""

    def release(self: Disclosure, tx: Any, *, purpose: Any, consent: Any, now: Any, **_: object) -> Release:
        return Release(self._derive(tx, consent.person_id, purpose.names, now))

    patch.setattr(Disclosure, "release", release)
    patch.setattr(userinfo, "claims_in", lambda released, *_: dict(released.claims))


PLANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "in the ID token": (_in_the_id_token, {"id_token.gender"}),
    "in UserInfo": (_in_userinfo, {"userinfo.updated_at"}),
    "beside the tokens": (_in_the_tokens, {"tokens.person"}),
    "in the redirect": (_in_the_redirect, {"redirect.l"}),
    "of fields not agreed to": (_all_of_the_purpose, {"userinfo.phone_number", "userinfo.age_over_16"}),
    "in the check result": (_in_the_check_result, {"id_token.verified_claims.sex"}),
}


@pytest.mark.parametrize(("plant", "found"), PLANTS.values(), ids=PLANTS)
def test_s2_a_provider_that_adds_a_name_is_found_out(
    plant: Callable[[pytest.MonkeyPatch], None],
    found: set[str],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)

    scope = "openid netid.verify netid.purpose.real-name-parcel"
    assert unexpected(client, "planted-elder", set(), scope=scope) == found
