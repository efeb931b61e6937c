"""OpenID4VCI 1.0, 4 and 6: an offer is made by its owner, and works once, with both of its codes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from netid.identity.suspension import SuspensionReason
from netid.storage.tables import throttle
from tests.pages import Page
from tests.protocol.meddling import person_id_of
from tests.protocol.refusals import Refusals, rows
from tests.running import Running
from tests.wallets import PRE_AUTHORIZED, Owner, Wallet, new_key, read_offer


@pytest.fixture
def owner(provider: Running) -> Owner:
    return Owner(provider)


@pytest.fixture
def wallet(provider: Running) -> Wallet:
    wallet = Wallet(provider)
    wallet.ready()
    return wallet


def test_the_owner_reads_what_goes_in_and_gets_link_code_and_transaction_code(owner: Owner) -> None:
    page = Page(owner.at_the_page())
    assert page.name == "page-wallet"
    assert page.test("contents").all("li")[0].get("data-testid") == "claim-name"
    page = Page(owner.open(owner.send(page.response, decision="agree")))
    assert page.name == "page-offer"
    assert (page.test("qr").get("src") or "").startswith("data:image/svg+xml")
    assert (page.test("to-wallet").get("href") or "").startswith("http://localhost:8200/offer?")
    assert "no-store" in page.response.headers["Cache-Control"]


def test_an_offer_names_this_issuer_both_configurations_and_its_code(owner: Owner, provider: Running) -> None:
    offer = owner.offer().fetch()
    assert offer["credential_issuer"] == provider.issuer
    assert offer["credential_configuration_ids"] == ["net_credential", "net_credential_long"]
    grant = offer["grants"][PRE_AUTHORIZED]
    assert grant["tx_code"] == {"input_mode": "numeric", "length": 6}
    assert len(grant["pre-authorized_code"]) == 43


def test_a_wallet_that_does_not_say_who_it_is_gets_copies(owner: Owner, wallet: Wallet) -> None:
    offered = owner.offer()
    answer = wallet.redeem_offer(offered.fetch(), offered.tx_code)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (tokens["token_type"], tokens["scope"]) == ("DPoP", "net_credential net_credential_long")
    assert len(wallet.receive(tokens["access_token"], 3)) == 3


def test_the_built_in_wallet_may_say_who_it_is(owner: Owner, wallet: Wallet) -> None:
    offered = owner.offer()
    answer = wallet.redeem_offer(offered.fetch(), offered.tx_code, client_id="netid-wallet")
    assert answer.status_code == 200, answer.text


def test_a_relying_party_cannot_redeem_an_offer(
    owner: Owner, wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    shop, offered = provider.register(), owner.offer()
    code = offered.fetch()["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "tx_code": offered.tx_code}
    refused(
        provider, lambda: shop.post("/token", form), 400, "unauthorized_client", audited=("token_refused",)
    )
    assert wallet.redeem_offer(offered.fetch(), offered.tx_code).status_code == 200


def test_c1_of_eight_at_once_one_gets_the_token_and_it_lives(owner: Owner, provider: Running) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    wallets = [Wallet(provider) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one.redeem_offer(offer, offered.tx_code), wallets))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, *[400] * 7]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    won = next(at for at, answer in enumerate(answers) if answer.status_code == 200)
    assert wallets[won].receive(answers[won].json()["access_token"])


def test_c1_a_used_offer_is_gone_and_its_token_stays_the_owners(
    owner: Owner, wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    token = wallet.redeem_offer(offer, offered.tx_code).json()["access_token"]
    refused(
        provider,
        lambda: wallet.redeem_offer(offer, offered.tx_code),
        400,
        "invalid_grant",
        effects={"single_use"},
    )
    refused(provider, lambda: requests.get(offered.uri, timeout=10), 404, "not_found")
    assert wallet.receive(token)


def test_an_offer_ends_after_ten_minutes(
    owner: Owner, wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    provider.clock.advance(minutes=10, seconds=1)
    wallet.ready()
    refused(
        provider,
        lambda: wallet.redeem_offer(offer, offered.tx_code),
        400,
        "invalid_grant",
        effects={"single_use"},
    )


def wrong(tx_code: str) -> str:
    return f"{(int(tx_code) + 1) % 10**6:06}"


def test_a_wrong_transaction_code_uses_nothing_up(
    owner: Owner, wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    refused(
        provider,
        lambda: wallet.redeem_offer(offer, wrong(offered.tx_code)),
        400,
        "invalid_grant",
        effects={"single_use"},
        secrets=(offered.tx_code,),
    )
    assert wallet.redeem_offer(offer, offered.tx_code).status_code == 200


def test_guessing_transaction_codes_is_slowed_down_and_the_owner_gets_through_after_it(
    owner: Owner, wallet: Wallet, provider: Running
) -> None:
    provider.clock.stop()
    offered = owner.offer()
    offer = offered.fetch()
    tried = 0
    for _second in range(100):
        answer = wallet.redeem_offer(offer, wrong(offered.tx_code))
        assert answer.json()["error"] == "invalid_grant"
        tried += 1
        if "looked at in" in answer.json()["error_description"]:
            break
    assert tried == 4
    assert wallet.redeem_offer(offer, offered.tx_code).status_code == 400  # not even the right one
    provider.clock.advance(seconds=6)
    assert wallet.redeem_offer(offer, offered.tx_code).status_code == 200


def test_no_more_than_a_few_codes_can_be_tried_while_an_offer_lives(
    owner: Owner, wallet: Wallet, provider: Running
) -> None:
    provider.clock.stop()
    offered = owner.offer()
    offer, looked_at = offered.fetch(), 0
    for _ in range(119):
        assert wallet.redeem_offer(offer, wrong(offered.tx_code)).status_code == 400
        looked_at = max(looked_at, most_attempts(provider))
        provider.clock.advance(seconds=5)
    assert looked_at <= 10


def most_attempts(provider: Running) -> int:
    """How many were counted for one thing at most."""
    with provider.provider.stores.db.read() as tx:
        return int(tx.execute(select(func.max(throttle.c.failures))).scalar() or 0)


def without_tx_code(wallet: Wallet, offer: dict[str, Any], tx_code: str) -> requests.Response:
    return wallet.redeem_offer(offer, None)


def without_proof(wallet: Wallet, offer: dict[str, Any], tx_code: str) -> requests.Response:
    code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "tx_code": tx_code}
    return wallet.post("/token", data=form)


def without_nonce(wallet: Wallet, offer: dict[str, Any], tx_code: str) -> requests.Response:
    code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "tx_code": tx_code}
    return wallet.post("/token", data=form, headers={"DPoP": wallet.dpop("/token", nonce=None)})


def as_an_authorization_code(wallet: Wallet, offer: dict[str, Any], tx_code: str) -> requests.Response:
    return wallet.redeem(offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"])


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        (without_tx_code, "invalid_request"),
        (without_proof, "invalid_dpop_proof"),
        (without_nonce, "use_dpop_nonce"),
        (as_an_authorization_code, "invalid_grant"),
    ],
)
def test_t9_a_request_that_lacks_something_leaves_the_offer_open(
    owner: Owner,
    wallet: Wallet,
    provider: Running,
    refused: Refusals,
    attempt: Callable[[Wallet, dict[str, Any], str], requests.Response],
    error: str,
) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    refused(provider, lambda: attempt(wallet, offer, offered.tx_code), 400, error)
    assert wallet.redeem_offer(offer, offered.tx_code).status_code == 200


def test_t9_an_authorization_code_is_no_offer(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    offer = {"grants": {PRE_AUTHORIZED: {"pre-authorized_code": wallet.code()}}}
    effects = {"single_use"}
    refused(provider, lambda: wallet.redeem_offer(offer, "123456"), 400, "invalid_grant", effects=effects)


# Who can make one


def test_r2_no_offer_without_a_fresh_sign_in(owner: Owner, provider: Running) -> None:
    page = owner.at_the_page()
    provider.clock.advance(minutes=6)
    answer = owner.send(page, decision="agree")
    assert "/passcode/" in answer.headers["Location"]
    assert rows(provider)["receipts"] == []


def test_a_second_press_makes_no_second_offer(owner: Owner, provider: Running) -> None:
    page = owner.at_the_page()
    first = owner.send(page, decision="agree")
    second = owner.send(page, decision="agree")
    assert "/records/wallet/" in first.headers["Location"]
    assert "/records/wallet/" not in second.headers["Location"]
    assert len(rows(provider)["receipts"]) == 1


def test_refusing_makes_none(owner: Owner, provider: Running) -> None:
    answer = owner.send(owner.at_the_page(), decision="refuse")
    assert answer.headers["Location"].endswith("/records")
    assert rows(provider)["receipts"] == []


def test_r1_anothers_offer_is_shown_to_nobody_else(owner: Owner, provider: Running) -> None:
    shown = owner.agree()
    secret = shown.url.rpartition("/")[2]
    other = Owner(provider, who="persona:another-adult")
    other.at_the_page()
    answer = other.browser.get(provider.url(f"/records/wallet/{secret}"), allow_redirects=False)
    assert answer.status_code == 303
    assert "ended" in answer.headers["Location"]
    stranger = provider.browser().get(provider.url(f"/records/wallet/{secret}"), allow_redirects=False)
    assert read_offer(Page(shown)).tx_code not in stranger.text


def test_nothing_that_is_stored_tells_either_code(owner: Owner, provider: Running) -> None:
    offered = owner.offer()
    code = offered.fetch()["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    stored = repr(rows(provider))
    assert code not in stored
    assert offered.uri.rpartition("/")[2] not in stored
    assert f"'{offered.tx_code}'" not in stored


def test_a_suspended_person_makes_none(provider: Running) -> None:
    owner = Owner(provider, who="persona:suspended")
    page = owner.at_the_page()
    answer = owner.send(page, decision="agree")
    assert answer.status_code == 403
    assert rows(provider)["receipts"] == []


def test_a_person_suspended_meanwhile_gets_no_token(
    owner: Owner, wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    offered = owner.offer()
    offer = offered.fetch()
    person_id = person_id_of(provider, "an-adult")
    provider.provider.services.suspensions.suspend(person_id, next(iter(SuspensionReason)), 1)
    refused(
        provider,
        lambda: wallet.redeem_offer(offer, offered.tx_code),
        400,
        "invalid_grant",
        effects={"single_use"},
    )


def test_for_a_child_the_guardian_signs_in_beside_it_and_stands_on_the_receipt(provider: Running) -> None:
    owner = Owner(provider, who="persona:child-of-10")
    seen: list[str] = []
    answer = owner.answer

    def noting(page: requests.Response, **given: Any) -> requests.Response:
        seen.append(Page(page).name)
        return answer(page, **given)

    owner.answer = noting  # type: ignore[method-assign]
    page = Page(owner.at_the_page())
    assert "page-guardian" in seen
    assert page.has("for-guardian")
    owner.send(page.response, decision="agree")
    [receipt] = provider.provider.services.rights.history(person_id_of(provider, "child-of-10"))
    assert receipt.stored.receipt.guardian_subject is not None


def test_a_key_of_another_wallet_gets_nothing_for_the_token(owner: Owner, wallet: Wallet) -> None:
    offered = owner.offer()
    token = wallet.redeem_offer(offered.fetch(), offered.tx_code).json()["access_token"]
    thief = Wallet(wallet.running)
    answer = thief.ask(token, thief.request([new_key()]))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_made_up_code_with_a_key_of_ones_own_leaves_nothing_behind(
    provider: Running, wallet: Wallet
) -> None:
    before = rows(provider)
    for _ in range(3):
        answer = wallet.redeem_offer({"grants": {PRE_AUTHORIZED: {"pre-authorized_code": "made-up"}}}, "1")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert rows(provider) == before


def test_a_child_may_begin_in_two_tabs_and_the_guardian_confirm_both(provider: Running) -> None:
    child = Owner(provider, who="persona:child-of-10")
    child.walk(child.browser.get(provider.url("/records"), allow_redirects=False), stop="records")
    tabs = []
    for _ in range(2):
        page = child.browser.get(provider.url("/records/wallet"))
        tabs.append(child.walk(child.send(page, decision="sign-in"), stop="guardian"))
    for tab in tabs:
        page = child.walk(child.answer(tab), stop="records")
        assert Page(page).name == "page-wallet"
        assert Page(page).has("agree")
