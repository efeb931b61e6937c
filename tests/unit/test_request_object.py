"""Requests to wallets (OpenID4VP 1.0, 5; RFC 9101): what a wallet may answer, and what it does not."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from netid.credentials import base64url, jose, presentation_response, registration_statement, request_object
from netid.credentials.certificate_chain import write_certificate, x509_hash
from netid.credentials.dcql import Query
from netid.credentials.presentation_response import Declined
from netid.credentials.request_object import AUDIENCE, TYPE, Ask, VerifiedRequest, refusal_of
from netid.errors import TokenRefused, UnknownKey
from netid.identity.relying_party import Purpose
from tests.unit.presenting import NOW, PARCEL, QUERY, VCT, Authority, ask, certificate, key

AUTHORITY = Authority()
ANCHORS = AUTHORITY.anchors
VERIFIER = AUTHORITY.verifier()
ASK, DECRYPTION = ask()
RIGHT = request_object.make(VERIFIER, ASK, NOW)
METADATA: dict[str, Any] = {"jwks": {"keys": [DECRYPTION.public.jwk()]}}
KNOWN = "encrypted_response_enc_values_supported"


def changed(**changes: Any) -> str:
    """A request signed by the same verifier whose payload says something else; None takes a member away."""
    payload = {**jose.unverified_payload(RIGHT, request_object.MAX_BYTES)} | changes
    members = {name: one for name, one in payload.items() if one is not None}
    return jose.sign_with_chain(members, VERIFIER.key, TYPE, [write_certificate(VERIFIER.certificate)])


def verify(token: str, **given: Any) -> VerifiedRequest:
    arguments = {"client_id": VERIFIER.client_id, "anchors": ANCHORS, "now": NOW} | given
    return request_object.verify(token, **arguments)


def test_a_registered_verifiers_request_is_what_it_asked() -> None:
    verified = verify(RIGHT)

    assert verified.ask == ASK
    assert verified.client_id == VERIFIER.client_id
    assert verified.statement.name.en == "Kite Parcels"
    assert verified.statement.purpose(PARCEL.id) == PARCEL
    assert refusal_of(verified, VCT) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pairing_code": "4821"},
        {"encryption_key": None},
        {"purpose": None, "wallet_nonce": "w"},
        {"state": None},
    ],
)
def test_everything_that_can_be_asked_arrives(changes: dict[str, Any]) -> None:
    asked, _ = ask(**changes)
    token = request_object.make(VERIFIER, asked, NOW)

    assert verify(token, wallet_nonce=asked.wallet_nonce).ask == asked


def test_client_id_is_the_hash_of_the_certificate() -> None:
    assert VERIFIER.client_id == f"x509_hash:{x509_hash(VERIFIER.certificate)}"


@pytest.mark.parametrize("asked", [ASK, replace(ASK, encryption_key=None)], ids=["encrypted", "as it is"])
def test_the_response_mode_says_whether_the_answer_is_encrypted(asked: Ask) -> None:
    """8.2 and 8.3.1, by the names that other wallets know."""
    payload = jose.unverified_payload(request_object.make(VERIFIER, asked, NOW), request_object.MAX_BYTES)
    assert payload["response_mode"] == ("direct_post.jwt" if asked.encryption_key else "direct_post")


def test_iss_is_ignored_and_aud_is_the_one_for_unknown_wallets() -> None:
    """5: a wallet must ignore `iss`; 5.8: whom a request is for that was made for any wallet."""
    assert verify(changed(iss="https://somebody-else.example")).ask == ASK
    assert jose.unverified_payload(RIGHT, request_object.MAX_BYTES)["aud"] == "https://self-issued.me/v2"


def test_unknown_members_and_foreign_attestations_are_ignored() -> None:
    info = [
        {"format": "jwt", "data": "x"},
        7,
        {"format": registration_statement.TYPE, "data": VERIFIER.statement},
    ]

    assert verify(changed(something="else", verifier_info=info)).ask == ASK


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "x509_hash:" + "A" * 43}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"aud": "https://another.example"}, "aud"),
        ({"aud": [AUDIENCE]}, "aud"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
        ({"response_type": "code"}, "response_type"),
        ({"response_mode": None}, "response_mode"),
        ({"response_mode": "fragment"}, "response_mode"),
        ({"response_mode": "dc_api.jwt"}, "response_mode"),
        ({"response_uri": None}, "response_uri"),
        ({"response_uri": "http://parcels.example/answer"}, "response_uri"),
        ({"response_uri": "javascript:alert(1)"}, "response_uri"),
        ({"response_uri": "https://user@parcels.example/"}, "response_uri"),
        ({"redirect_uri": "https://parcels.example/"}, "redirect_uri"),
        ({"transaction_data": ["e30"]}, "transaction_data"),
        ({"scope": "net_credential"}, "scope"),
        ({"request": "a.b.c"}, "request"),
        ({"request_uri": "https://parcels.example/r"}, "request_uri"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "with a space"}, "nonce"),
        ({"nonce": "a" * 201}, "nonce"),
        ({"state": "ü"}, "state"),
        ({"state": ""}, "state"),
        ({"dcql_query": None}, "dcql_query"),
        ({"client_metadata": None}, "client_metadata"),
        ({"client_metadata": {"jwks": {"keys": []}}}, "no P-256 key"),
        ({"client_metadata": METADATA | {KNOWN: []}}, "client_metadata"),
        ({"client_metadata": METADATA | {KNOWN: ["A128CBC-HS256", {}]}}, "client_metadata"),
        ({"client_metadata": METADATA | {KNOWN: "A256GCM"}}, "client_metadata"),
        ({"netid_purpose": 7}, "netid_purpose"),
        ({"netid_pairing_code": ""}, "netid_pairing_code"),
        ({"netid_pairing_code": "CALL 19000000001"}, "netid_pairing_code"),
        ({"netid_pairing_code": "4" * 13}, "netid_pairing_code"),
        ({"netid_pairing_code": "\u202e4711"}, "netid_pairing_code"),
        ({"verifier_info": None}, "verifier_info"),
        ({"verifier_info": []}, "verifier_info"),
        ({"verifier_info": [{"format": "jwt", "data": VERIFIER.statement}]}, "verifier_info"),
        ({"wallet_nonce": "unasked"}, "wallet_nonce"),
    ],
)
def test_a_request_that_cannot_be_answered_as_it_is_meant_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TokenRefused, match=reason):
        verify(changed(**changes))


@pytest.mark.parametrize(
    ("known", "encryption"),
    [
        ({}, "A128GCM"),
        ({KNOWN: ["A128GCM"]}, "A128GCM"),
        ({KNOWN: ["A128CBC-HS256", "A128GCM", "A256GCM"]}, "A256GCM"),
    ],
)
def test_the_answer_is_encrypted_in_a_way_that_the_verifier_reads(
    known: dict[str, Any], encryption: str
) -> None:
    """8.3: and what a verifier that names none reads, is fixed."""
    key = verify(changed(client_metadata=METADATA | known)).ask.encryption_key
    assert key is not None
    answer = presentation_response.write(Declined("access_denied", None), key)
    header = json.loads(base64url.decode(answer["response"].partition(".")[0]))
    assert header["enc"] == encryption
    assert presentation_response.read(answer, DECRYPTION) == Declined("access_denied", None)


def test_the_wallet_was_called_with_the_same_client_id() -> None:
    with pytest.raises(TokenRefused, match="client_id"):
        verify(RIGHT, client_id=AUTHORITY.verifier().client_id)


def test_a_wallet_nonce_that_was_sent_has_to_come_back() -> None:
    asked, _ = ask(wallet_nonce="the-wallets-own")
    token = request_object.make(VERIFIER, asked, NOW)

    assert verify(token, wallet_nonce="the-wallets-own").ask == asked
    for sent in (None, "another"):
        with pytest.raises(TokenRefused, match="wallet_nonce"):
            verify(token, wallet_nonce=sent)
    with pytest.raises(TokenRefused, match="wallet_nonce"):
        verify(RIGHT, wallet_nonce="sent")


@pytest.mark.parametrize("later", [timedelta(minutes=11), timedelta(minutes=-1)])
def test_a_request_is_good_for_ten_minutes(later: timedelta) -> None:
    with pytest.raises(TokenRefused):
        verify(RIGHT, now=NOW + later)


def test_a_request_that_lives_longer_than_it_may_is_refused() -> None:
    token = changed(iat=int(NOW.timestamp()) - 3600, exp=int(NOW.timestamp()) + 3600)
    with pytest.raises(TokenRefused, match="too long ago"):
        verify(token)


@pytest.mark.parametrize("typ", ["JWT", "oauth-authz-req", "kb+jwt"])
def test_the_type_is_exactly_that_of_request_objects(typ: str) -> None:
    payload = jose.unverified_payload(RIGHT, request_object.MAX_BYTES)
    token = jose.sign_with_chain(payload, VERIFIER.key, typ, [write_certificate(VERIFIER.certificate)])
    with pytest.raises(TokenRefused, match="typ"):
        verify(token)


def test_a_stranger_with_a_certificate_of_its_own_asks_in_vain() -> None:
    stranger = Authority()
    other = stranger.verifier()
    with pytest.raises(TokenRefused, match="pinned root"):
        verify(request_object.make(other, ASK, NOW), client_id=other.client_id)


def test_another_relying_partys_statement_is_not_lent() -> None:
    other = AUTHORITY.verifier()
    info = [{"format": registration_statement.TYPE, "data": other.statement}]
    with pytest.raises(TokenRefused, match="another relying party"):
        verify(changed(verifier_info=info))


def test_a_statement_that_the_provider_did_not_sign_is_refused() -> None:
    forged = Authority(root_key=AUTHORITY.root_key)
    statement = forged.statement(x509_hash(VERIFIER.certificate))
    with pytest.raises(UnknownKey):
        verify(changed(verifier_info=[{"format": registration_statement.TYPE, "data": statement}]))


def test_a_statement_ends_two_days_later() -> None:
    early = NOW - registration_statement.LIFETIME - timedelta(minutes=1)
    statement = AUTHORITY.statement(x509_hash(VERIFIER.certificate), now=early)
    with pytest.raises(TokenRefused, match="expired"):
        verify(changed(verifier_info=[{"format": registration_statement.TYPE, "data": statement}]))


@pytest.mark.parametrize(
    "change", [{"x509_hash": "short"}, {"purposes": [{}]}, {"name": None}, {"client_id": ""}]
)
def test_a_statement_without_its_parts_is_refused(change: dict[str, Any]) -> None:
    hashed = x509_hash(VERIFIER.certificate)
    payload = {**jose.unverified_payload(AUTHORITY.statement(hashed), 32_768)} | change
    token = jose.sign(payload, AUTHORITY.credential_key, registration_statement.TYPE)
    with pytest.raises(TokenRefused, match="statement"):
        registration_statement.verify(token, AUTHORITY.issuer, AUTHORITY.keys, NOW)


def test_a_statement_of_another_issuer_is_refused() -> None:
    with pytest.raises(TokenRefused, match="iss"):
        registration_statement.verify(VERIFIER.statement, "https://other.example", AUTHORITY.keys, NOW)


def asking(essential: set[str], voluntary: set[str], purpose: str | None, vct: str = VCT) -> str | None:
    """Why a request for these claims would be refused."""
    query = Query.of(vct, frozenset(essential), frozenset(voluntary))
    asked, _ = ask(query=query, purpose=purpose)
    return refusal_of(verify(request_object.make(VERIFIER, asked, NOW)), VCT)


def test_the_wallet_refuses_what_goes_beyond_the_registration_and_says_so() -> None:
    assert asking({"name"}, {"phone_number"}, PARCEL.id) is None
    assert asking({"name"}, set(), PARCEL.id) is None
    assert asking(set(), set(), None) is None
    assert asking({"name"}, set(), "another-purpose") == "a purpose that is not registered"
    assert asking({"name"}, set(), None) == "claims without a purpose"
    assert asking({"name"}, {"sex"}, PARCEL.id) == "claims beyond the registered purpose"
    assert asking({"net_number"}, set(), PARCEL.id) == "claims beyond the registered purpose"
    assert (
        asking({"name", "phone_number"}, set(), PARCEL.id)
        == "a claim as essential that is registered as voluntary"
    )
    assert asking({"name"}, set(), PARCEL.id, vct="https://other.example") == "another type of credential"


NAME, PHONE = PARCEL.claims
FOUR = PARCEL.model_copy(
    update={
        "claims": (
            *(NAME, NAME.model_copy(update={"name": "document_number"})),
            *(PHONE, PHONE.model_copy(update={"name": "sex"})),
        )
    }
)
"""Two of its claims are essential and two are voluntary."""


@pytest.mark.parametrize(
    ("sets", "refused"),
    [
        ([["name"], ["name", "phone_number"]], False),
        ([["name", "phone_number", "sex"], ["name"]], False),
        ([["phone_number"], ["sex"]], False),
        ([["phone_number", "sex"], ["sex"], ["phone_number"]], False),
        ([["name", "document_number"], ["name", "phone_number"]], False),
        ([["name", "phone_number"], ["document_number", "sex"]], True),
        ([["name", "phone_number"], ["sex"]], True),
        ([["name", "phone_number"], ["name", "sex"]], True),
        ([["name", "phone_number", "sex"], ["name", "phone_number"], ["name", "sex"]], True),
        ([["name", "phone_number"], ["sex", "name"], ["sex", "phone_number"]], True),
    ],
)
def test_what_is_registered_as_voluntary_is_not_forced_by_sets(sets: list[list[str]], refused: bool) -> None:
    claims = frozenset(name for wanted in sets for name in wanted)
    asked, _ = ask(query=Query("q", VCT, claims, tuple(map(frozenset, sets))))
    verifier = AUTHORITY.verifier(FOUR)
    request = verify(request_object.make(verifier, asked, NOW), client_id=verifier.client_id)

    reason = "claims registered as voluntary that cannot all be left out"
    assert refusal_of(request, VCT) == (reason if refused else None)


def test_a_certificate_of_another_key_is_no_help() -> None:
    leaf = certificate(key(), AUTHORITY.root_key)
    payload = jose.unverified_payload(RIGHT, request_object.MAX_BYTES)
    token = jose.sign_with_chain(payload, VERIFIER.key, TYPE, [write_certificate(leaf)])
    with pytest.raises(TokenRefused, match="signature"):
        verify(token)


def test_only_verification_makes_a_request_that_may_be_shown() -> None:
    with pytest.raises(TypeError):
        VerifiedRequest(VERIFIER.client_id, ASK, verify(RIGHT).statement, object())


def test_the_secrets_of_a_request_are_not_in_its_repr() -> None:
    assert ASK.nonce not in repr(ASK)
    assert "a-state" not in repr(ASK)
    assert isinstance(PARCEL, Purpose)
    assert QUERY.claims == PARCEL.names
