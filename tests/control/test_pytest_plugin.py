"""The pytest plugin, tested by tests that are written with it."""

from datetime import timedelta

import pytest
import requests

from netid.client import Ask, CheckResult
from netid.client.errors import ClientError, FieldsEnded, ProviderUnreachable, Refused
from netid.errors import ManagementRefused, PageShown
from netid.pytest_plugin.realm import NetID

ASK = Ask()


def test_two_relying_parties_cannot_recognise_the_same_person(netid: NetID) -> None:
    forum, game = netid.relying_party("forum"), netid.relying_party("game")
    person = netid.persona("an-adult")

    assert forum.login(person).subject != game.login(person).subject
    assert forum.login(person).subject == forum.login(person).subject


def test_a_login_ends_in_a_check_result(netid: NetID) -> None:
    logged_in = netid.relying_party("forum").login(netid.person(age=30))

    assert isinstance(logged_in.check, CheckResult)
    assert abs(logged_in.check.checked_at - netid.now) < timedelta(minutes=1)


def test_fields_come_as_agreed_and_end_with_the_consent(netid: NetID) -> None:
    shop = netid.relying_party("shop", essential=["name"], voluntary=["phone_number"])
    person = netid.person(age=30, name="陈样本")

    bare, whole = shop.login(person).fields(), shop.login(person, fields=["phone_number"])

    assert dict(bare) == {"name": "陈样本"}
    assert set(whole.fields()) == {"name", "phone_number"}
    assert netid.revoke(person) == 2
    with pytest.raises(FieldsEnded):
        whole.fields()


@pytest.mark.parametrize(("days", "adult"), [(-1, False), (0, True)])
def test_a_person_comes_of_age_on_the_birthday(netid: NetID, days: int, adult: bool) -> None:
    shop = netid.relying_party("shop", essential=["age_over_18"])

    logged_in = shop.login(netid.person(age=18, days=days))

    assert logged_in.fields().answer("age_over_18") is adult


def test_a_person_comes_of_age_while_the_clock_moves_on(netid: NetID) -> None:
    shop, person = netid.relying_party("shop", essential=["age_over_18"]), netid.person(age=18, days=-2)
    before = shop.login(person).fields().answer("age_over_18")

    netid.advance(days=2)

    assert (before, shop.login(person).fields().answer("age_over_18")) == (False, True)


def test_fields_end_after_five_minutes_of_the_realms_clock(netid: NetID) -> None:
    logged_in = netid.relying_party("shop", essential=["name"]).login("an-adult")
    netid.advance(minutes=5, seconds=1)
    with pytest.raises(FieldsEnded):
        logged_in.fields()


def test_keys_rotate_under_a_relying_party_that_has_cached_them(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    before = shop.login("an-adult").subject
    netid.rotate_keys()
    assert shop.login("an-adult").subject == before


def test_a_declined_request_comes_back_as_refused(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    client = shop.client()
    browser = client.new_browser()
    netid.login("an-adult")
    netid.decline(once=True)

    refused, agreed = netid.visit(client.begin(browser, ASK)), netid.visit(client.begin(browser, ASK))

    assert refused is not None
    assert agreed is not None
    with pytest.raises(Refused):
        client.finish(browser, refused.partition("?")[2])
    assert client.finish(browser, agreed.partition("?")[2]).check


def test_requests_are_taken_in_turn_and_counted(netid: NetID) -> None:
    netid.relying_party("shop").login("an-adult")

    asked = netid.requests.take("/authorize", response_type="code", client_id="shop", login_hint=None)
    redeemed = netid.requests.take("/token", status=200, grant_type="authorization_code")

    assert (asked.method, redeemed.method, redeemed.authorization) == ("GET", "POST", "Basic")
    assert redeemed.client_id == "shop"
    assert netid.requests.count("/token") == 1
    netid.requests.clear()
    assert netid.requests.all() == []


def test_a_request_that_differs_is_shown_line_by_line_without_its_secrets(netid: NetID) -> None:
    netid.relying_party("shop").login("an-adult")

    with pytest.raises(AssertionError) as shown:
        netid.requests.take("/token", status=400, code="another-code", scope="openid")

    lines = str(shown.value).splitlines()
    assert lines[0] == "POST /token is not what was expected"
    assert [line[:8] for line in lines[1:]] == [
        "- code: ",
        "+ code: ",
        "- scope:",
        "+ scope:",
        "- status",
        "+ status",
    ]
    assert lines[3:] == ["- scope: openid", "+ scope: (not sent)", "- status: 400", "+ status: 200"]
    assert "another-code" not in str(shown.value)
    assert "(masked: 12 characters" in lines[1]


def test_a_request_that_never_comes_says_what_came(netid: NetID) -> None:
    requests.get(f"{netid.issuer}/jwks", timeout=10).raise_for_status()
    with pytest.raises(AssertionError, match="no request to /token came in time; received so far: /jwks 1"):
        netid.requests.take("/token", seconds=0)


def test_a_token_with_a_bad_signature_signs_nobody_in(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    netid.fault("token", "signature", count=1)
    with pytest.raises(ClientError):
        shop.login("an-adult")
    assert shop.login("an-adult").check


def test_a_reset_line_is_a_provider_that_cannot_be_reached(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    netid.fault("token", "reset", client_id="shop")
    with pytest.raises(ProviderUnreachable):
        shop.login("an-adult")


def test_somebody_who_has_to_do_something_is_said_so(netid: NetID) -> None:
    shop = netid.relying_party("shop")
    with pytest.raises((PageShown, Refused)):
        shop.login(netid.person(status="suspended"))


def test_without_a_login_the_pages_are_shown(netid: NetID) -> None:
    client = netid.relying_party("shop").client()
    address = client.begin(client.new_browser(), ASK)
    page = requests.get(address, timeout=10)
    assert page.url.startswith(f"{netid.issuer}/sign-in/")
    assert page.status_code == 200


def test_a_reset_realm_is_new(netid: NetID) -> None:
    shop, before = netid.relying_party("shop"), netid.now
    netid.advance(days=3)

    netid.reset()

    assert netid.now - before < timedelta(days=1)
    with pytest.raises(ManagementRefused, match="client_id: there is none of that name"):
        shop.login("an-adult")


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda netid: netid.persona("an-adlt"), "an-adult"),
        (lambda netid: netid.login("an-adlt"), "an-adult"),
        (lambda netid: netid.person(document="passport"), "overseas_citizen_passport"),
        (lambda netid: netid.consent(fields=["phone_numbr"]), "voluntary.0: .*; did you mean phone_number"),
        (lambda netid: netid.revoke("an-adlt"), "an-adult"),
        (lambda netid: netid.visit(None), "no address; see what your app answered"),
        (lambda netid: netid.revoke_copies("an-adlt"), "an-adult"),
        (lambda netid: netid.fault("token", "signatur"), "signature"),
        (lambda netid: netid.relying_party("x", essential=["nam"]), "name"),
    ],
)
def test_a_slip_names_the_nearest(netid: NetID, call, nearest: str) -> None:
    with pytest.raises(ManagementRefused, match=nearest):
        call(netid)
