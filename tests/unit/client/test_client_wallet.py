"""Asking a wallet with the SDK: what is taken over, once, by one browser (V1–V8)."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from netid.ambient import Ambient
from netid.client import PresentationAsk, PresentationsInMemory, VerifiedPresentation, WalletClient
from netid.client.errors import (
    CallbackRefused,
    ClientRefused,
    ConfigurationRefused,
    CredentialEnded,
    MetadataRefused,
    NotReady,
    PresentationRefused,
    ProviderUnreachable,
    Refused,
)
from netid.client.pending_presentations import PendingPresentation
from netid.credentials import base64url, jose, strict_json
from netid.credentials.certificate_chain import write_certificate
from netid.credentials.disclosures import digest
from netid.credentials.presentation_response import Shown
from netid.credentials.sd_jwt import SdJwt
from netid.credentials.status_list import Status, StatusReference
from netid.sending import HttpAnswer, HttpRequest
from tests.unit.client.walleting import ADDRESS, LIST, Issuer, Phone, answer, code_of, party
from tests.unit.presenting import ISSUER, PARCEL, RANDOM, Authority, certificate, key

BROWSER = "this browser's secret"
PARCELS = PresentationAsk(purpose="real-name-parcel")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def client(issuer: Issuer) -> WalletClient:
    made = party(issuer)
    made.refresh()
    return made


@pytest.fixture
def phone(issuer: Issuer, client: WalletClient) -> Phone:
    return Phone(issuer, client)


# What is shown, and what is not


def test_what_the_person_shows_is_what_arrives(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    back = phone.present(asked, "name")
    shown = client.outcome(BROWSER, asked.request_id, code_of(back))

    assert shown is not None
    assert dict(shown.claims) == {"name": "林示例"}
    assert shown.subject.reveal() == phone.holder.public.thumbprint
    assert (shown.issuer, shown.level.value) == (ISSUER, "urn:netid:acr:credential")
    assert back is not None
    assert back.startswith(f"{ADDRESS}/{asked.request_id}/return?")


def test_without_a_purpose_no_claim_is_shown(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PresentationAsk())
    request = phone.read(asked)
    client.answer(asked.request_id, phone.form(request, phone.shown(request)))

    assert not request.ask.query.claims
    assert request.statement.purposes == (PARCEL,)


def test_a_scanned_request_carries_a_pairing_code_and_leads_nobody_anywhere(
    client: WalletClient, phone: Phone
) -> None:
    asked = client.request_presentation(BROWSER, PARCELS, scanned=True)

    assert asked.pairing_code is not None
    assert phone.read(asked).ask.pairing_code == asked.pairing_code
    assert client.outcome(BROWSER, asked.request_id) is None
    assert phone.present(asked) is None
    shown = client.outcome(BROWSER, asked.request_id)
    assert shown is not None
    assert shown.claims["phone_number"] == "19000000001"


def test_an_answer_can_be_asked_for_in_the_clear(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS.model_copy(update={"encrypted": False}))
    request = phone.read(asked)

    assert request.ask.encryption_key is None
    assert "vp_token" in phone.form(request, phone.shown(request))
    phone.present(asked)


def test_a_voluntary_claim_alone_which_every_wallet_would_stop_is_not_asked_for(client: WalletClient) -> None:
    alone = PresentationAsk(purpose="real-name-parcel", claims=frozenset({"phone_number"}))
    with pytest.raises(ConfigurationRefused, match="voluntary"):
        client.request_presentation(BROWSER, alone)


def test_a_person_who_says_no_is_not_asked_again(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    back = phone.decline(asked)

    with pytest.raises(Refused):
        client.outcome(BROWSER, asked.request_id, code_of(back))
    with pytest.raises(CallbackRefused):
        client.outcome(BROWSER, asked.request_id, code_of(back))


def test_a_copy_that_the_wallet_keeps_is_recognised_and_another_is_not(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    def subject(of: Phone) -> str:
        asked = client.request_presentation(BROWSER, PARCELS, scanned=True)
        of.present(asked)
        shown = client.outcome(BROWSER, asked.request_id)
        assert shown is not None
        return shown.subject.reveal()

    assert subject(phone) == subject(phone)
    assert subject(phone) != subject(Phone(issuer, client))


@pytest.mark.parametrize(
    "ask",
    [
        PresentationAsk(purpose="another"),
        PresentationAsk(claims=frozenset({"name"})),
        PresentationAsk(purpose="real-name-parcel", claims=frozenset({"sex"})),
    ],
)
def test_more_than_is_registered_is_refused_before_anybody_is_asked(
    client: WalletClient, ask: PresentationAsk
) -> None:
    with pytest.raises(ConfigurationRefused):
        client.request_presentation(BROWSER, ask)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"purpose": "Real Name"}, r"PresentationAsk\.purpose: must match pattern"),
        ({"purpos": "real-name-parcel"}, r"PresentationAsk\.purpos: .*; did you mean purpose"),
        ({"claims": "name"}, r"PresentationAsk\.claims: must be a list"),
    ],
)
def test_an_ask_that_cannot_be_one_is_told_in_the_words_of_the_sdk(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationRefused, match=said):
        PresentationAsk(**wrong)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"{ADDRESS}/", "no slash at the end"),
        ("/netid/wallet", "absolute https URL"),
        ("http://parcels.example/netid/wallet", "use https"),
        (None, "valid string"),
    ],
)
def test_an_address_that_no_wallet_reaches_is_refused_at_the_start(
    client: WalletClient, address: str, said: str
) -> None:
    with pytest.raises(ConfigurationRefused, match=f"^address: .*{said}"):
        WalletClient(client.registration, address)


# V1 to V3: whose credential, and whose presentation


def refused(client: WalletClient, phone: Phone, reason: str, **changed: Any) -> None:
    """The answer is refused, and the right one is still taken."""
    asked = client.request_presentation(BROWSER, PARCELS)
    with pytest.raises(PresentationRefused, match=reason):
        phone.present(asked, **changed)
    assert client.outcome(BROWSER, asked.request_id) is None
    phone.present(asked)


def reheaded(copy: str, **header: Any) -> str:
    """The same credential under another header; its signature does not fit any more."""
    parsed = SdJwt.parse(copy)
    first, *rest = parsed.issued.split(".")
    members = strict_json.parse_object(base64url.decode(first)) | header
    return str(replace(parsed, issued=".".join([base64url.encode(strict_json.dump(members)), *rest])))


def test_v1_a_credential_without_a_signature_is_refused(client: WalletClient, phone: Phone) -> None:
    refused(client, phone, "alg", copy=reheaded(phone.copy(), alg="none"))


def test_v1_a_credential_that_brings_its_own_chain_is_refused(client: WalletClient, phone: Phone) -> None:
    own = key()
    copy = reheaded(phone.copy(), x5c=[write_certificate(certificate(own, own))])
    refused(client, phone, "names a key", copy=copy)


def test_v1_a_credential_of_an_unknown_key_is_refused_and_fetches_nothing(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    before = len(issuer.seen)
    stranger = Authority()
    copy = stranger.credential(phone.holder, issued_on=issuer.time.date())
    refused(client, phone, "no key of the set fits", copy=copy)

    assert len(issuer.seen) == before


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"audience": "x509_hash:another"}, "aud"),
        ({"nonce": "another"}, "nonce"),
        ({"signer": key()}, "signature"),
        ({"state": "another"}, "state"),
        ({"query_id": "another"}, "another query"),
    ],
)
def test_v3_a_presentation_for_somebody_or_something_else_is_refused(
    client: WalletClient, phone: Phone, changed: dict[str, Any], reason: str
) -> None:
    refused(client, phone, reason, **changed)


def test_v3_a_presentation_that_was_signed_long_ago_is_refused(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    refused(client, phone, "too long ago", at=issuer.time - timedelta(minutes=6))


def spoilt(client: WalletClient, phone: Phone, spoil: Any, reason: str) -> None:
    """As `refused`, for what a thief can do to a presentation without the holder's key."""
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    shown = phone.shown(request)
    form = phone.form(request, replace(shown, presentation=spoil(shown.presentation)))
    with pytest.raises(PresentationRefused, match=reason):
        client.answer(asked.request_id, form)
    client.answer(asked.request_id, phone.form(request, shown))


def test_v3_a_presentation_whose_key_binding_is_gone_is_refused(client: WalletClient, phone: Phone) -> None:
    spoilt(client, phone, lambda text: SdJwt.parse(text).bound, "key binding")


def test_v2_a_disclosure_that_is_added_or_taken_away_is_noticed(client: WalletClient, phone: Phone) -> None:
    def add(text: str) -> str:
        parsed = SdJwt.parse(text)
        made_up = base64url.encode(b'["salt","name","Somebody else"]')
        return str(replace(parsed, disclosures=(*parsed.disclosures, made_up)))

    def take(text: str) -> str:
        parsed = SdJwt.parse(text)
        return str(replace(parsed, disclosures=parsed.disclosures[1:]))

    spoilt(client, phone, add, "disclosure|digest|referenced|sd_hash")
    spoilt(client, phone, take, "sd_hash")


def test_v2_a_disclosure_that_the_holder_made_up_is_refused(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    parsed = SdJwt.parse(phone.shown(request).presentation)
    made_up = base64url.encode(b'["salt","name","Somebody else"]')
    bound = replace(parsed, disclosures=(*parsed.disclosures[:-1], made_up), key_binding=None).bound
    binding = {"iat": int(phone.issuer.time.timestamp()), "aud": request.client_id}
    binding |= {"nonce": request.ask.nonce, "sd_hash": digest(bound)}
    presentation = bound + jose.confirm(binding, phone.holder, "kb+jwt")
    shown = Shown(request.ask.query.id, presentation, request.ask.state)
    with pytest.raises(PresentationRefused, match=r"disclosure|digest|referenced"):
        client.answer(asked.request_id, phone.form(request, shown))


# V4 and V5: once, and to one browser


def test_v4_the_same_answer_is_taken_once(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    form = phone.form(request, phone.shown(request))
    client.answer(asked.request_id, form)

    with pytest.raises(CallbackRefused):
        client.answer(asked.request_id, form)
    with pytest.raises(CallbackRefused):
        client.request_object(asked.request_id)


def test_v4_in_parallel_one_answer_wins(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    form = phone.form(request, phone.shown(request))

    def post(_: int) -> bool:
        try:
            client.answer(asked.request_id, form)
        except CallbackRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(post, range(8))) == 1


def test_v4_what_was_shown_once_answers_no_other_request(client: WalletClient, phone: Phone) -> None:
    first, second = (client.request_presentation(BROWSER, PARCELS) for _ in range(2))
    request, other = phone.read(first), phone.read(second)
    shown = phone.shown(request)
    client.answer(first.request_id, phone.form(request, shown))

    with pytest.raises(PresentationRefused):
        client.answer(second.request_id, phone.form(request, shown))
    with pytest.raises(PresentationRefused, match="nonce"):
        client.answer(second.request_id, phone.form(other, replace(shown, state=other.ask.state)))


@pytest.mark.parametrize("scanned", [True, False])
def test_v5_another_browser_gets_nothing_and_the_right_one_gets_it_once(
    client: WalletClient, phone: Phone, scanned: bool
) -> None:
    asked = client.request_presentation(BROWSER, PARCELS, scanned=scanned)
    back = phone.present(asked)
    code = code_of(back) if back else None

    for browser in ("another browser", "", "this browser's secret2"):
        with pytest.raises(CallbackRefused):
            client.outcome(browser, asked.request_id, code)
    assert isinstance(client.outcome(BROWSER, asked.request_id, code), VerifiedPresentation)
    with pytest.raises(CallbackRefused):
        client.outcome(BROWSER, asked.request_id, code)


def test_v5_a_link_that_was_passed_on_brings_its_sender_nothing(client: WalletClient, phone: Phone) -> None:
    """The attacker began, the victim's wallet answered: the code is in the victim's browser alone."""
    asked = client.request_presentation("the attacker's", PARCELS)
    back = phone.present(asked)

    for guess in (None, "", "a guess"):
        with pytest.raises(CallbackRefused, match="response_code"):
            client.outcome("the attacker's", asked.request_id, guess)
    with pytest.raises(CallbackRefused):
        client.outcome("the victim's", asked.request_id, code_of(back))


def test_a_request_ends_after_ten_minutes(client: WalletClient, phone: Phone, issuer: Issuer) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    issuer.forward(minutes=11)

    with pytest.raises(CallbackRefused):
        client.answer(asked.request_id, phone.form(request, phone.shown(request)))
    with pytest.raises(CallbackRefused):
        client.outcome(BROWSER, asked.request_id)


class Unforgetting(PresentationsInMemory):
    """A careless store."""

    def _forget_expired(self) -> None:
        pass


@pytest.mark.parametrize("answered", [False, True])
def test_a_request_ends_after_ten_minutes_even_where_its_store_keeps_it(
    issuer: Issuer, answered: bool
) -> None:
    client = party(issuer, Unforgetting(issuer.now))
    client.refresh()
    phone = Phone(issuer, client)
    asked = client.request_presentation(BROWSER, PARCELS)
    request = phone.read(asked)
    code = code_of(phone.present(asked)) if answered else None
    issuer.forward(minutes=10)

    for late in (
        lambda: client.request_object(asked.request_id),
        lambda: client.answer(asked.request_id, phone.form(request, phone.shown(request))),
        lambda: client.outcome(BROWSER, asked.request_id, code),
    ):
        with pytest.raises(CallbackRefused):
            late()


def test_v4_an_old_answer_that_somebody_puts_back_into_the_store_lets_nobody_in(issuer: Issuer) -> None:
    store = PresentationsInMemory(issuer.now)
    client = party(issuer, store)
    client.refresh()
    asked = client.request_presentation(BROWSER, PARCELS, scanned=True)
    Phone(issuer, client).present(asked)
    kept = store.get(asked.request_id)
    assert kept is not None
    issuer.forward(minutes=10)
    begun_anew = PendingPresentation.read(kept).model_copy(update={"begun_at": issuer.time})
    store.put("another", begun_anew.model_dump_json())

    with pytest.raises(CallbackRefused):
        client.outcome(BROWSER, "another")


# V6


@pytest.mark.parametrize("names", [("phone_number",), ("age_over_18",), ("name", "age_over_18")])
def test_v6_a_presentation_that_does_not_answer_the_query_is_refused(
    client: WalletClient, phone: Phone, names: tuple[str, ...]
) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    with pytest.raises(PresentationRefused, match="not what was asked for"):
        phone.present(asked, *names)


def test_v6_the_net_number_is_not_taken_even_where_a_wallet_gives_it(
    client: WalletClient, phone: Phone
) -> None:
    asked = client.request_presentation(BROWSER, PARCELS)
    with pytest.raises(PresentationRefused):
        phone.present(asked, "name", "net_number")


# V7: status lists


def long_copy(phone: Phone, index: int = 7, uri: str = LIST) -> Phone:
    phone.changes = {
        "status": StatusReference(uri, index),
        "expires_on": phone.issuer.time.date() + timedelta(days=30),
    }
    return phone


def test_v7_a_good_status_passes_and_costs_no_request(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    before = len(issuer.seen)
    asked = client.request_presentation(BROWSER, PARCELS)
    long_copy(phone).present(asked)

    assert len(issuer.seen) == before


@pytest.mark.parametrize("status", [Status.INVALID, Status.SUSPENDED])
def test_v8_a_revoked_or_suspended_credential_is_refused(
    client: WalletClient, phone: Phone, issuer: Issuer, status: Status
) -> None:
    issuer.revoked = {7: status}
    client.refresh()
    with pytest.raises(CredentialEnded):
        long_copy(phone).present(client.request_presentation(BROWSER, PARCELS))
    long_copy(phone, 8).present(client.request_presentation(BROWSER, PARCELS))


def bomb(issuer: Issuer) -> HttpAnswer:
    packed = base64url.encode(zlib.compress(bytes(2**25), 9))
    now = int(issuer.time.timestamp())
    payload = {"sub": LIST, "iat": now, "exp": now + 900, "status_list": {"bits": 1, "lst": packed}}
    token = jose.sign(payload, issuer.authority.credential_key, "statuslist+jwt")
    return HttpAnswer(200, "application/statuslist+jwt", token.encode())


def signed_list(issuer: Issuer, **changes: Any) -> HttpAnswer:
    issuer.list_claims = changes
    return HttpAnswer(200, "application/statuslist+jwt", issuer.status_list().encode())


def by_a_stranger(issuer: Issuer) -> HttpAnswer:
    issuer.list_key = key()
    return signed_list(issuer)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: HttpAnswer(500, "text/html", b""),
        lambda _: HttpAnswer(302, "text/html", b"", {"location": "https://elsewhere.example/"}),
        lambda _: HttpAnswer(200, "text/html", b"<html>"),
        lambda _: HttpAnswer(200, "application/statuslist+jwt", b"\xff\xfe"),
        lambda issuer: signed_list(issuer, uri=f"{ISSUER}/status-lists/2"),
        lambda issuer: signed_list(issuer, expires_at=issuer.time - timedelta(minutes=1)),
        by_a_stranger,
        bomb,
    ],
    ids=["500", "redirect", "html", "bytes", "sub", "expired", "signature", "zip-bomb"],
)
def test_v7_a_list_that_is_none_verifies_nothing(phone: Phone, issuer: Issuer, spoil: Any) -> None:
    issuer.instead["/status-lists/1"] = spoil(issuer)
    phone.client = party(issuer)
    phone.client.refresh()

    with pytest.raises(PresentationRefused, match="list"):
        long_copy(phone).present(phone.client.request_presentation(BROWSER, PARCELS))
    phone.changes = {}
    phone.present(phone.client.request_presentation(BROWSER, PARCELS))


def test_v7_what_was_revoked_does_not_come_back_with_an_older_list(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    older = signed_list(issuer)
    issuer.list_claims = {}
    issuer.forward(minutes=15)
    issuer.revoked[7] = Status.INVALID
    client.refresh()
    issuer.instead["/status-lists/1"] = older
    client.refresh()
    with pytest.raises(CredentialEnded):
        long_copy(phone, 7).present(client.request_presentation(BROWSER, PARCELS))


@pytest.mark.parametrize(("index", "uri"), [(2**17, LIST), (7, f"{ISSUER}/status-lists/99")])
def test_v7_an_entry_that_no_list_has_verifies_nothing(
    client: WalletClient, phone: Phone, issuer: Issuer, index: int, uri: str
) -> None:
    before = len(issuer.seen)
    with pytest.raises(PresentationRefused, match="list"):
        long_copy(phone, index, uri).present(client.request_presentation(BROWSER, PARCELS))
    assert len(issuer.seen) == before


def test_v7_a_list_that_cannot_be_had_counts_until_it_expires(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    issuer.revoked = {7: Status.INVALID}
    client.refresh()
    issuer.instead["/status-lists/1"] = HttpAnswer(503, "text/html", b"")
    issuer.forward(minutes=20)
    client.refresh()
    with pytest.raises(CredentialEnded):
        long_copy(phone).present(client.request_presentation(BROWSER, PARCELS))

    issuer.forward(minutes=20)
    client.refresh()
    with pytest.raises(PresentationRefused, match="expired"):
        long_copy(phone, 8).present(client.request_presentation(BROWSER, PARCELS))


# V8


def test_v8_an_expired_copy_is_refused(client: WalletClient, phone: Phone, issuer: Issuer) -> None:
    phone.changes = {"issued_on": issuer.time.date() - timedelta(days=2)}
    with pytest.raises(CredentialEnded):
        phone.present(client.request_presentation(BROWSER, PARCELS))


def test_v8_a_key_that_the_issuer_took_back_counts_no_more(
    client: WalletClient, phone: Phone, issuer: Issuer
) -> None:
    copy = phone.copy()
    phone.present(client.request_presentation(BROWSER, PARCELS), copy=copy)
    issuer.authority = replace(issuer.authority, credential_key=key())
    client.refresh()

    with pytest.raises(PresentationRefused, match="no key"):
        phone.present(client.request_presentation(BROWSER, PARCELS), copy=copy)


def test_a_wallet_is_not_asked_before_there_is_something_to_check_its_answer_with(issuer: Issuer) -> None:
    client = party(issuer)
    with pytest.raises(NotReady):
        client.request_presentation(BROWSER, PARCELS)
    client.refresh()
    issuer.forward(minutes=61)
    with pytest.raises(NotReady):
        client.request_presentation(BROWSER, PARCELS)


def test_the_timer_fetches_at_once_and_ends_when_it_is_told(issuer: Issuer) -> None:
    client, fetched = party(issuer), Event()

    def send(request: HttpRequest) -> HttpAnswer:
        if request.url == LIST:
            fetched.set()
        return issuer.send(request)

    client = WalletClient(client.registration, ADDRESS, ambient=Ambient(issuer.now, RANDOM), send=send)
    timer = client.keep_fresh()
    assert fetched.wait(10)
    timer.end()

    assert client.refresh().statement.purposes == (PARCEL,)


def test_a_fetch_that_fails_leaves_what_there_was(client: WalletClient, issuer: Issuer) -> None:
    issuer.instead["/access-certificate"] = HttpAnswer(503, "text/html", b"")
    with pytest.raises(ProviderUnreachable):
        client.refresh()
    client.request_presentation(BROWSER, PARCELS)


@pytest.mark.parametrize(
    ("path", "spoilt_answer", "error"),
    [
        ("/.well-known/jwt-vc-issuer", answer({"issuer": "https://other.example"}), MetadataRefused),
        ("/.well-known/jwt-vc-issuer", answer({"issuer": ISSUER, "jwks": {"keys": []}}), MetadataRefused),
        ("/access-certificate", answer({"error": "invalid_client"}, 401), ClientRefused),
        ("/access-certificate", answer({"certificate_chain": [], "registration": "x"}), MetadataRefused),
        ("/access-certificate", answer({}), MetadataRefused),
        ("/status-lists", answer({"status_lists": ["https://elsewhere.example/1"]}), MetadataRefused),
        ("/status-lists", answer({"status_lists": [LIST] * 65}), MetadataRefused),
        (
            "/.well-known/openid-credential-issuer",
            answer({"status_list_aggregation_endpoint": "https://elsewhere.example/"}),
            MetadataRefused,
        ),
    ],
)
def test_what_the_provider_answers_on_the_timer_is_checked(
    issuer: Issuer, path: str, spoilt_answer: HttpAnswer, error: type[Exception]
) -> None:
    issuer.instead[path] = spoilt_answer
    with pytest.raises(error):
        party(issuer).refresh()


def test_a_certificate_for_another_key_is_not_taken(issuer: Issuer) -> None:
    client = party(issuer)
    issuer.certified = key()
    with pytest.raises(MetadataRefused, match="another key"):
        client.refresh()


def test_the_store_keeps_one_answer_and_gives_it_out_once(issuer: Issuer) -> None:
    store = PresentationsInMemory(issuer.now)
    assert not store.answer("1", "of nothing")
    store.put("1", "asked")

    assert store.answer("1", "answered")
    assert not store.answer("1", "answered otherwise")
    assert store.get("1") == "answered"
    assert store.take("1")
    assert not store.take("1")
    assert store.get("1") is None


def test_what_another_version_kept_is_begun_anew(issuer: Issuer) -> None:
    store = PresentationsInMemory(issuer.now)
    client = party(issuer, pending=store)
    for text in ('{"browser": "x"}', "no JSON"):
        store.put("1", text)
        with pytest.raises(CallbackRefused, match="another form"):
            client.outcome(BROWSER, "1")


def test_a_process_that_has_fetched_nothing_yet_gives_nothing_out_and_loses_nothing(
    issuer: Issuer,
) -> None:
    store = PresentationsInMemory(issuer.now)
    ready, just_started = party(issuer, pending=store), party(issuer, pending=store)
    ready.refresh()
    asked = ready.request_presentation(BROWSER, PARCELS)
    code = code_of(Phone(issuer, ready).present(asked))

    with pytest.raises(NotReady):
        just_started.outcome(BROWSER, asked.request_id, code)
    just_started.refresh()
    shown = just_started.outcome(BROWSER, asked.request_id, code)
    assert shown is not None
    assert shown.verified_at == issuer.now()


def test_what_a_store_was_made_to_say_does_not_count(issuer: Issuer) -> None:
    """A text with another presentation in it is as good as no presentation."""
    store = PresentationsInMemory(issuer.now)
    client = party(issuer, pending=store)
    client.refresh()
    asked, other = (client.request_presentation(BROWSER, PARCELS) for _ in range(2))
    phone = Phone(issuer, client)
    code, _ = code_of(phone.present(asked)), phone.present(other)
    texts = [strict_json.parse_object((store.get(one.request_id) or "").encode()) for one in (asked, other)]
    mine, others = (text["answer"] for text in texts)
    assert isinstance(mine, dict)
    assert isinstance(others, dict)
    mine["presentation"] = others["presentation"]
    store.take(asked.request_id)
    store.put(asked.request_id, strict_json.dump(texts[0]).decode())

    with pytest.raises(PresentationRefused, match="nonce"):
        client.outcome(BROWSER, asked.request_id, code)


def test_only_the_verifier_makes_a_presentation() -> None:
    with pytest.raises(TypeError):
        VerifiedPresentation(None, {}, "", None, None, None, None, "", object())  # type: ignore[arg-type]


def test_nothing_that_was_shown_is_in_the_repr(client: WalletClient, phone: Phone) -> None:
    asked = client.request_presentation(BROWSER, PARCELS, scanned=True)
    phone.present(asked)
    shown = client.outcome(BROWSER, asked.request_id)

    assert "林示例" not in repr(shown)
