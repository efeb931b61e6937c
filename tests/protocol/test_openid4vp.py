"""OpenID4VP 1.0 from a real issuance to the demo's account page: the second road, end to end."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from netid.credentials import presentation_response
from netid.errors import TokenRefused
from netid.identity.relying_party import WALLET_CLIENT_ID
from netid.identity.suspension import SuspensionReason
from netid.sending import HttpAnswer, HttpRequest, Sender
from netid.services.statuses import PERIOD, SPREAD
from netid.wallet.grants import Grants
from netid.wallet.offers import read_request
from netid.wallet.presenting import Presenter
from netid.wallet.receiver import Receiver
from netid.wallet.safe import Safe
from platform_demo.app import wallet_clients
from tests.protocol.demo_platform import URL, Platform, cells, shown
from tests.protocol.demo_wallets import entered, phone_of, pressed, reach, refresh
from tests.protocol.meddling import person_id_of


@pytest.fixture
def ready(platform: Platform) -> Platform:
    """The platform after its timer has fetched once."""
    refresh(platform)
    return platform


def test_the_forum_learns_that_somebody_is_real_and_nothing_else(ready: Platform) -> None:
    page = entered(ready, "forum", phone_of(ready))

    assert shown(page, "received-nothing") == "nothing"
    for row in ("name", "document_number", "birthdate", "phone_number", "age_over_18"):
        assert cells(page, row)[1] == "no"
    assert cells(page, "where") == ["no", "—", "yes", "—"]
    assert cells(page, "across")[:3] == ["cannot", "cannot", "can"]
    assert 'data-testid="to-records"' in page.text
    assert "What you can do" in ready.get("/forum/account").text


def test_the_game_learns_yes_or_no(ready: Platform) -> None:
    page = entered(ready, "game", phone_of(ready))

    assert shown(page, "received-age_over_18") == "yes"
    assert re.search(r"&#34;age_over_18&#34;, ?true", page.text)
    assert "Minors’ mode is off" in ready.get("/game/account").text


@pytest.mark.parametrize("names", [("name", "document_number"), ("name", "document_number", "phone_number")])
def test_the_parcel_service_receives_what_the_person_ticked(ready: Platform, names: tuple[str, ...]) -> None:
    page = entered(ready, "parcels", phone_of(ready), *names)

    for name in ("name", "document_number", "phone_number"):
        assert cells(page, name)[1] == ("yes" if name in names else "no")


def test_the_wallets_refusal_leads_to_the_other_way(ready: Platform) -> None:
    phone = phone_of(ready)
    answered = phone.answer(pressed(ready, "parcels"), reach(ready), None)
    back = ready.get(answered.json["redirect_uri"].removeprefix(URL))

    assert back.location == "/parcels/declined"
    assert ready.count("parcels", "accounts") == 0


def test_a_kept_copy_is_recognised_and_a_fresh_one_is_somebody_new(ready: Platform) -> None:
    phone = phone_of(ready)
    for _ in range(2):
        entered(ready, "forum", phone, keep=True)
    assert ready.count("forum", "accounts") == 1
    phone.copies.pop(0)
    entered(ready, "forum", phone)
    assert ready.count("forum", "accounts") == 2


def scanned(platform: Platform, scene: str = "forum") -> str:
    """The page that waits with a QR code."""
    sent = platform.post(platform.get(f"/{scene}/"), f"/{scene}/scan")
    assert sent.status_code == 303
    return str(sent.location)


def test_from_another_device_the_pairing_code_is_the_same_on_both(ready: Platform) -> None:
    phone, where = phone_of(ready), scanned(ready)
    page = ready.get(where)
    code = shown(page, "pairing-code")
    assert 'src="data:image/svg+xml' in page.text
    assert 'data-testid="answered"' in page.text
    assert "http-equiv" not in page.text, "a page that reloads by itself throws its reader back"

    answered = phone.answer(shown(page, "request-link"), reach(ready))
    assert phone.seen[0].ask.pairing_code == code
    assert answered.json == {}
    assert ready.get(where).location == "/forum/received"


def test_v5_another_browser_at_the_waiting_page_gets_nothing(ready: Platform) -> None:
    phone, where = phone_of(ready), scanned(ready)
    phone.answer(shown(ready.get(where), "request-link"), reach(ready))
    stranger = ready.app.test_client().get(where, base_url=URL)

    assert stranger.status_code == 400
    assert "platform_forum" not in stranger.headers.get("Set-Cookie", "")
    assert ready.get(where).location == "/forum/received"
    assert ready.get(where).status_code == 400, "given out once"


def test_v4_an_answer_counts_once(ready: Platform) -> None:
    phone, link = phone_of(ready), pressed(ready, "forum")
    request = phone.read(link, reach(ready))
    form = presentation_response.write(phone.show(request), request.ask.encryption_key)
    first, second = (reach(ready)(request.ask.response_uri, form) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 400)
    assert ready.count("forum", "accounts") == 0, "nobody is in before the browser is back"


def test_v6_more_than_was_asked_for_is_not_taken(ready: Platform) -> None:
    answered = phone_of(ready).answer(pressed(ready, "game"), reach(ready), "age_over_18", "name")

    assert answered.status_code == 400
    assert answered.json["error"] == "invalid_request"


def test_v8_a_suspended_persons_long_copy_is_refused_after_the_timer(ready: Platform) -> None:
    provider = ready.provider
    phone = phone_of(ready, configuration="net_credential_long")
    entered(ready, "forum", phone)
    provider.provider.services.suspensions.suspend(
        person_id_of(provider, "an-adult"), SuspensionReason.DOCUMENT_LOST, 30
    )
    provider.clock.advance(seconds=(PERIOD * (SPREAD + 1)).total_seconds())
    refresh(ready)

    answered = phone.answer(pressed(ready, "forum"), reach(ready))
    assert answered.status_code == 403


def test_v8_a_short_copy_ends_by_itself(ready: Platform) -> None:
    phone = phone_of(ready)
    ready.provider.clock.advance(days=2)
    refresh(ready)

    assert phone.answer(pressed(ready, "forum"), reach(ready)).status_code == 403


def test_the_phone_refuses_a_request_of_somebody_with_a_certificate_of_their_own(ready: Platform) -> None:
    [other, *_] = (client for client in wallet_clients(ready.app) if client.registration.client_id == "game")
    phone, link = phone_of(ready), pressed(ready, "forum")
    mixed = re.sub("client_id=[^&]*", f"client_id={other.refresh().verifier.client_id}", link)
    with pytest.raises(TokenRefused, match="client_id"):
        phone.read(mixed, reach(ready))


def test_every_list_is_listed_before_anybody_is_in_it(ready: Platform) -> None:
    """Token Status List, draft 18, 9.3: so a relying party knows it when the first copy is shown."""
    provider = ready.provider
    described = requests.get(provider.url("/.well-known/openid-credential-issuer"), timeout=10).json()
    assert described["status_list_aggregation_endpoint"] == provider.url("/status-lists")
    answer = requests.get(provider.url("/status-lists"), timeout=10)

    [uri] = answer.json()["status_lists"]
    assert requests.get(uri, timeout=10).headers["Content-Type"] == "application/statuslist+jwt"
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_before_the_timer_has_fetched_the_other_ways_are_offered(platform: Platform) -> None:
    page = platform.post(platform.get("/forum/"), "/forum/present")

    assert page.status_code == 503
    assert 'data-testid="other-way"' in page.text


def test_our_own_wallet_presents_to_the_demo(ready: Platform, tmp_path: Path) -> None:
    """`netid.wallet`, from its own sign-in at the provider to the forum's account page."""
    ambient, provider = ready.ambient, ready.provider
    safe = Safe(tmp_path / "wallet", ambient)
    send = Sender(ambient).send
    callback = f"{provider.provider.settings.wallet_url}/callback"
    receiver = Receiver(provider.issuer, callback, safe=safe, send=send, ambient=ambient)
    address, pending = receiver.begin()
    provider.decide_once("an-adult", client_id=WALLET_CLIENT_ID)
    back = requests.get(address, allow_redirects=False, timeout=10).headers["Location"]
    given = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    receiver.finish(pending, given["code"], given["iss"])
    through = reach(ready)

    def to_the_platform(asked: HttpRequest) -> HttpAnswer:
        got = through(asked.url, dict(asked.form) if asked.form is not None else None)
        return HttpAnswer(got.status_code, got.mimetype, got.get_data())

    grants = Grants(safe=safe, device_key=receiver.device_key, now=ambient.now)
    presenter = Presenter(provider.issuer, safe=safe, grants=grants, send=to_the_platform, ambient=ambient)
    request = presenter.open(read_request(pressed(ready, "parcels")))
    answered = presenter.agree(request, frozenset({"phone_number"}), remember=True)
    safe.close()

    assert answered.return_to is not None
    page = ready.get(ready.get(answered.return_to.removeprefix(URL)).location)
    for name in ("name", "document_number", "phone_number"):
        assert shown(page, f"received-{name}")
