"""S1: of all that reaches a relying party, nothing of a person is in it but what that person let go."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from netid import responses
from netid.credentials.jose import sign_even
from netid.errors import AccessDenied
from netid.identity.claims import CATALOGUE
from netid.identity.pseudonym import PairwiseSubject
from netid.oauth import signing, userinfo
from netid.services import grants
from netid.storage import subjects
from tests.privacy.forms import Planted
from tests.privacy.people import PlantedPeople, PlantedPerson
from tests.privacy.recorded import RecordedShop, Site, site
from tests.privacy.searching import Searcher
from tests.running import MINORS_PURPOSE, Running

EVERYTHING_PURPOSE = {
    "id": "everything",
    "text": {"zh": "全部", "en": "Everything there is"},
    "legal_basis": {"code": "CN-EVERYTHING", "text": {"zh": "规定", "en": "A rule"}},
    "retention_days": 1,
    "claims": [
        {
            "name": name,
            "necessity": "essential" if name == "document_kind" else "voluntary",
            "because": {"zh": "因为", "en": "because"},
        }
        for name in CATALOGUE
    ],
}
EVERY_CLAIM = '{"userinfo":{%s},"id_token":{%s}}' % (  # noqa: UP031
    ",".join(f'"{name}":{{"essential":true}}' for name in CATALOGUE if CATALOGUE[name].is_field),
    ",".join(f'"{name}":null' for name in [*CATALOGUE, "net_number", "address", "email", "picture"]),
)
OTHER_SCOPES = "openid netid.verify profile email address phone offline_access"
CHECK, MINORS, ALL = (
    "openid netid.verify",
    "openid netid.purpose.minors-mode",
    "openid netid.purpose.everything",
)


@dataclass(frozen=True)
class Flow:
    """One flow, and the fields that the person lets go in it."""

    persona: str
    changes: dict[str, str | None] = field(default_factory=dict)
    rule: dict[str, Any] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    error: str | None = None


FLOWS = {
    "check result": Flow("planted-elder", {"scope": CHECK}),
    "openid alone": Flow("planted-elder", {"scope": "openid"}),
    "scopes nobody registered": Flow("planted-elder", {"scope": OTHER_SCOPES, "claims": EVERY_CLAIM}),
    "predicate": Flow("planted-elder", {"scope": MINORS}),
    "predicate, with every claim asked for": Flow("planted-elder", {"scope": MINORS, "claims": EVERY_CLAIM}),
    "nothing voluntary": Flow("planted-elder", {"scope": ALL}, released=("document_kind",)),
    "everything asked twice, little given": Flow(
        "planted-elder",
        {"scope": ALL, "claims": EVERY_CLAIM},
        {"voluntary": ["sex"]},
        ("document_kind", "sex"),
    ),
    "name and phone": Flow(
        "planted-elder",
        {"scope": ALL},
        {"voluntary": ["name", "phone_number"]},
        ("document_kind", "name", "phone_number"),
    ),
    "everything": Flow(
        "planted-elder",
        {"scope": ALL},
        {"voluntary": "all"},
        tuple(n for n in CATALOGUE if CATALOGUE[n].is_field),
    ),
    "narrowed to the phone": Flow(
        "planted-elder",
        {"scope": ALL, "claims": '{"userinfo":{"phone_number":null}}'},
        {"voluntary": "all"},
        ("phone_number",),
    ),
    "a foreigner's name": Flow(
        "planted-foreigner", {"scope": ALL}, {"voluntary": ["name"]}, ("document_kind", "name")
    ),
    "a child's predicate": Flow("planted-child", {"scope": MINORS}),
    "a teenager's check result": Flow("planted-teenager", {"scope": CHECK, "max_age": "0"}),
    "all factors": Flow("planted-elder", {"acr_values": "urn:netid:acr:credential+passcode+face"}),
    "refused": Flow("planted-elder", {"scope": ALL}, {"decision": "refuse"}, error="access_denied"),
    "left": Flow("planted-elder", {"scope": ALL}, {"decision": "leave"}, error="access_denied"),
    "suspended": Flow("planted-suspended", {"scope": ALL}, error="access_denied"),
    "nobody signed in": Flow("planted-elder", {"prompt": "none"}, error="login_required"),
    "purpose of nobody": Flow("planted-elder", {"scope": "openid netid.purpose.x"}, error="invalid_scope"),
    "broken claims": Flow("planted-elder", {"claims": "["}, error="invalid_request"),
}


@pytest.fixture
def open_site() -> Iterator[Site]:
    with site() as opened:
        yield opened


@pytest.fixture
def shop(provider: Running, open_site: Site) -> RecordedShop:
    return RecordedShop(provider, open_site, purposes=[EVERYTHING_PURPOSE, MINORS_PURPOSE])


def run(shop: RecordedShop, people: PlantedPeople, flow: Flow) -> bytes:
    """Every byte that the flow brings, but for the fields that the person let go."""
    fields = people[flow.persona].persona.fields
    arrived = shop.flow(flow.persona, flow.rule, **flow.changes)
    assert arrived.callback.get("error") == flow.error, arrived.callback
    assert (not arrived.userinfo) is (flow.error is not None)
    return arrived.bytes_but({name: fields[name] for name in flow.released})


def test_s1_nothing_reaches_a_relying_party_but_what_the_person_let_go(
    shop: RecordedShop, people: PlantedPeople, searcher: Searcher
) -> None:
    found = {name: searcher.leaks(run(shop, people, flow)) for name, flow in FLOWS.items()}

    assert {name: leaks for name, leaks in found.items() if leaks} == {}


def test_s1_nor_in_a_signed_userinfo(
    provider: Running, open_site: Site, people: PlantedPeople, searcher: Searcher
) -> None:
    shop = RecordedShop(
        provider,
        open_site,
        purposes=[EVERYTHING_PURPOSE, MINORS_PURPOSE],
        userinfo_signed_response_alg="ES256",
    )
    for name in ("name and phone", "check result", "predicate"):
        assert searcher.leaks(run(shop, people, FLOWS[name])) == []


def test_s1_nor_in_errors_of_the_back_channel(shop: RecordedShop, searcher: Searcher) -> None:
    arrived = shop.flow("planted-elder", {"voluntary": "all"}, scope=ALL)
    code, access_token = arrived.callback["code"], arrived.tokens["access_token"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "x", "code_verifier": "y" * 43}
    answers = [
        shop.get("/.well-known/openid-configuration"),
        shop.get("/jwks"),
        shop.get("/nowhere"),
        shop.userinfo("another"),
        shop.post("/token", form),
        shop.userinfo(access_token),
        shop.post("/revoke", {"token": access_token}),
        shop.userinfo(access_token),
    ]

    assert [answer.split(b" ")[1] for answer in answers] == [
        b"200",
        b"200",
        b"404",
        b"401",
        b"400",
        b"401",
        b"200",
        b"401",
    ]
    assert searcher.leaks(b"\n".join(answers)) == []


def test_s1_two_relying_parties_get_nothing_of_each_other(
    shop: RecordedShop, open_site: Site, people: PlantedPeople
) -> None:
    other = RecordedShop(shop.running, open_site, "another-shop", purposes=[EVERYTHING_PURPOSE])
    here, there = (one.flow("planted-elder", scope="openid") for one in (shop, other))
    today = shop.running.clock.now().date()

    for one, another in ((here, there), (there, here)):
        foreign = [Planted(name, another.tokens[name]) for name in ("access_token", "id_token")]
        foreign += [Planted("sub", another.id_token["sub"]), Planted("code", another.callback["code"])]
        assert Searcher(foreign, today).leaks(one.bytes_but({})) == []
        assert Searcher(foreign, today).leaks(another.bytes_but({})) != []


# Positive controls: a provider that leaks is found out by the same flows and the same search.


def _in_userinfo(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    hidden = b64encode(person.persona.fields["name"].encode("utf-16")).decode()
    claims = userinfo.UserInfo._claims
    patch.setattr(
        userinfo.UserInfo, "_claims", lambda self, answered: claims(self, answered) | {"trace": hidden}
    )


def _in_a_header(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    answer, phone = userinfo.UserInfo.answer, person.persona.fields["phone_number"]

    def leaking(self: Any, incoming: Any) -> Any:
        response = answer(self, incoming)
        response.headers["X-Request-Id"] = phone.encode().hex()
        return response

    patch.setattr(userinfo.UserInfo, "answer", leaking)


def _in_the_id_token(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    year = int(person.persona.fields["birthdate"][:4])
    patch.setattr(
        signing, "sign_even", lambda claims, key, typ: sign_even(claims | {"zoneinfo": year}, key, typ)
    )


def _as_the_subject(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    digest = hashlib.sha256(person.persona.fields["document_number"].encode()).digest()
    hashed = PairwiseSubject(urlsafe_b64encode(digest).rstrip(b"=").decode())
    patch.setattr(subjects, "derive_pairwise_subject", lambda *_: hashed)


def _in_the_redirect(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    redirect, number = responses.redirect_to_relying_party, person.net_number
    masked = f"{number[:2]}******{number[-2:]}"
    patch.setattr(
        responses,
        "redirect_to_relying_party",
        lambda uri, parameters: redirect(uri, parameters | {"account": masked}),
    )


def _as_the_code(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    reversed_id = person.person_id[::-1]
    patch.setattr(grants, "encode_secret", lambda random: reversed_id + random.hex())


def _in_an_error(patch: pytest.MonkeyPatch, person: PlantedPerson) -> None:
    assert person.persona.id == "planted-elder"  # who is 112 on whatever day this runs
    patch.setattr(AccessDenied, "description", "the person (112) did not agree")


PLANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch, PlantedPerson], None], str, str]] = {
    "a name in UserInfo, base64 of UTF-16": (_in_userinfo, "check result", "name"),
    "a phone number in a header, hex": (_in_a_header, "name and phone", "phone_number"),
    "a year of birth in the ID token": (_in_the_id_token, "check result", "birthdate"),
    "the subject a hash of the document number": (_as_the_subject, "openid alone", "document_number"),
    "a masked net number in the redirect": (_in_the_redirect, "refused", "net_number"),
    "the person's id in the code, reversed": (_as_the_code, "check result", "person_id"),
    "an age in an error": (_in_an_error, "left", "birthdate"),
}


@pytest.mark.parametrize(("plant", "flow", "fieldname"), PLANTS.values(), ids=PLANTS)
def test_s1_a_provider_that_leaks_is_found_out(
    plant: Callable[[pytest.MonkeyPatch, PlantedPerson], None],
    flow: str,
    fieldname: str,
    shop: RecordedShop,
    people: PlantedPeople,
    searcher: Searcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, people["planted-elder"])

    assert fieldname in {leak.field for leak in searcher.leaks(run(shop, people, FLOWS[flow]))}
