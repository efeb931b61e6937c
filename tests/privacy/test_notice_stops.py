"""Measures, article 10: without everything that has to be said, nobody is asked and nothing is released."""

from typing import Any

import pytest

from netid.identity.relying_party import RelyingParty
from netid.identity.text import Text
from netid.storage.relying_parties import RelyingParties
from tests.privacy.people import PlantedPeople
from tests.protocol.visiting import Visitor
from tests.running import PARCEL_PURPOSE, Client, Running

BLANK = Text.model_construct(zh="", en=" ")
SCOPE = "openid netid.purpose.real-name-parcel"


def _without_contact(registered: RelyingParty) -> RelyingParty:
    return registered.model_copy(update={"contact": ""})


def _without_purpose_text(registered: RelyingParty) -> RelyingParty:
    silent = tuple(purpose.model_copy(update={"text": BLANK}) for purpose in registered.purposes)
    return registered.model_copy(update={"purposes": silent})


def _without_legal_basis(registered: RelyingParty) -> RelyingParty:
    bare = tuple(purpose.model_copy(update={"legal_basis": None}) for purpose in registered.purposes)
    return registered.model_copy(update={"purposes": bare})


def _without_a_reason(registered: RelyingParty) -> RelyingParty:
    purpose = registered.purposes[0]
    first, *others = purpose.claims
    claims = (first.model_copy(update={"because": BLANK}), *others)
    return registered.model_copy(update={"purposes": (purpose.model_copy(update={"claims": claims}),)})


DAMAGES = [_without_contact, _without_purpose_text, _without_legal_basis, _without_a_reason]


def receipts_of(provider: Running, person_id: str) -> int:
    with provider.provider.stores.db.read() as tx:
        return len(provider.provider.stores.consents.list(tx, person_id))


@pytest.fixture
def shop(provider: Running) -> Client:
    return provider.register()


def damage(patch: pytest.MonkeyPatch, damaged: Any) -> None:
    """As a damaged row would come out of the database, past the checks of the registration."""
    get = RelyingParties.get

    def found(self: RelyingParties, tx: Any, client_id: str) -> RelyingParty | None:
        registered = get(self, tx, client_id)
        return damaged(registered) if registered else None

    patch.setattr(RelyingParties, "get", found)


@pytest.mark.parametrize("damaged", DAMAGES, ids=lambda one: one.__name__)
def test_measures_10_no_consent_comes_about_without_a_page(
    provider: Running, shop: Client, people: PlantedPeople, monkeypatch: pytest.MonkeyPatch, damaged: Any
) -> None:
    damage(monkeypatch, damaged)
    provider.approve("planted-elder", voluntary="all")
    answer = shop.authorize(login_hint="planted-elder", scope=SCOPE)

    assert answer.status_code == 409
    assert "Location" not in answer.headers
    assert receipts_of(provider, people["planted-elder"].person_id) == 0


@pytest.mark.parametrize("damaged", DAMAGES, ids=lambda one: one.__name__)
def test_measures_10_no_page_asks(
    provider: Running, shop: Client, people: PlantedPeople, monkeypatch: pytest.MonkeyPatch, damaged: Any
) -> None:
    elder = people["planted-elder"]
    visitor = Visitor(provider, who="persona:planted-elder", passcode=elder.persona.passcode)
    page = visitor.walk(shop.authorize(visitor.browser, scope=SCOPE), stop="consent")
    assert page.status_code == 200
    damage(monkeypatch, damaged)

    assert visitor.browser.get(page.url).status_code == 409
    assert visitor.send(page, decision="agree").status_code == 409
    assert receipts_of(provider, elder.person_id) == 0


def test_measures_10_a_release_under_a_text_that_is_gone_is_refused(provider: Running, shop: Client) -> None:
    access_token = shop.tokens("planted-elder", scope=SCOPE)["access_token"]
    assert shop.userinfo(access_token).status_code == 200
    provider.register(purposes=[{**PARCEL_PURPOSE, "text": {"zh": "广告", "en": "Advertising"}}])

    assert shop.userinfo(access_token).status_code == 401
