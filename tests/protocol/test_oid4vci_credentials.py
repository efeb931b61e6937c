"""OpenID4VCI 1.0, 7, 8 and 11: copies for whoever proves to hold the token's key and each copy's own."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from netid.credentials import jose, net_credential
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.sd_jwt import SdJwt
from netid.credentials.sd_jwt_vc import Trusted, VerifiedCredential, verify_credential
from tests.protocol.forging import forge
from tests.protocol.meddling import person_id_of, set_status
from tests.protocol.refusals import PLANTED, Refusals
from tests.running import Running, Starter
from tests.wallets import PROOF_TYPE, Wallet, new_key


@pytest.fixture
def wallet(provider: Running) -> Wallet:
    wallet = Wallet(provider)
    wallet.ready()
    return wallet


def verified(wallet: Wallet, credential: str) -> VerifiedCredential:
    running = wallet.running
    keys = requests.get(running.url("/.well-known/jwt-vc-issuer"), timeout=10).json()["jwks"]
    vct = net_credential.type_of(running.issuer)
    trusted = Trusted(running.issuer, vct, PublicKeySet.from_jwks(keys))
    return verify_credential(credential, trusted, running.clock.now())


def claims_of(credential: str) -> dict[str, Any]:
    return dict(jose.unverified_payload(SdJwt.parse(credential).issued, 32_768))


# What is issued


def test_a_batch_has_a_key_of_its_own_for_each_copy_and_all_say_the_same(wallet: Wallet) -> None:
    copies = [(verified(wallet, text), key) for text, key in wallet.receive(wallet.token(), 10)]
    assert [one.holder_key.thumbprint for one, _ in copies] == [key.public.thumbprint for _, key in copies]
    said = {json.dumps(_shown(one), sort_keys=True) for one, _ in copies}
    assert len(said) == 1


def _shown(copy: VerifiedCredential) -> dict[str, object]:
    return {str(path[0]): copy.claims[str(path[0])] for path in copy.disclosed}


def test_it_holds_what_its_owner_has_and_their_net_number(wallet: Wallet) -> None:
    [(text, _key)] = wallet.receive(wallet.token())
    shown = _shown(verified(wallet, text))
    adult = next(one for one in wallet.running.provider.people if one.id == "an-adult")
    assert shown["document_number"] == adult.document.number
    assert shown["age_over_18"] is True
    assert len(str(shown["net_number"])) == 10
    assert "phone_number" in shown


def test_s6_nothing_in_the_clear_tells_two_people_or_two_moments_apart(
    wallet: Wallet, provider: Running
) -> None:
    texts = [text for persona in ("an-adult", "child-of-10") for text in batch_of(provider, persona)]
    clear = [claims_of(text) for text in texts]
    assert {frozenset(claims) for claims in clear} == {
        frozenset({"iss", "vct", "iat", "exp", "cnf", "mock", "_sd", "_sd_alg"})
    }
    assert len({(claims["iat"], claims["exp"]) for claims in clear}) == 1
    assert {len(claims["_sd"]) for claims in clear} == {net_credential.DIGESTS}
    digests = [digest for claims in clear for digest in claims["_sd"]]
    assert len(set(digests)) == len(digests), "no salt comes twice"


def batch_of(provider: Running, persona: str) -> list[str]:
    person = Wallet(provider)
    if persona == "child-of-10":
        return [text for text, _key in person.receive(person.token_of_child(), 2)]
    return [text for text, _key in person.receive(person.token(persona), 2)]


def test_s6_short_copies_begin_and_end_at_midnight(wallet: Wallet, provider: Running) -> None:
    provider.clock.stop()
    [(text, _key)] = wallet.receive(wallet.token())
    claims = claims_of(text)
    begins, ends = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
    today = provider.clock.now().date()
    assert (begins.date(), begins.time().isoformat()) == (today, "00:00:00")
    assert (ends - begins).days == 2
    [(long, _key)] = wallet.receive(
        wallet.token(scope="net_credential_long"), configuration="net_credential_long"
    )
    claims = claims_of(long)
    assert (claims["exp"] - claims["iat"]) == 30 * 86_400


def test_a_hundred_copies_at_once_and_no_more(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    token = wallet.token()
    assert len(wallet.receive(token, 100)) == 100
    body = wallet.request([new_key() for _ in range(101)])
    refused(
        provider,
        lambda: wallet.ask(token, body),
        400,
        "invalid_proof",
        effects={"single_use"},
        audited=("credential_refused",),
    )


def test_c4_values_that_look_like_the_format_stay_values(wallet: Wallet, provider: Running) -> None:
    person_id = person_id_of(provider, "an-adult")
    names = {"name": '{"_sd":["x"],"...":"y"}', "nationality": "cnf", "sex": "status", "document_kind": "_sd"}
    with provider.provider.stores.db.write() as tx:
        provider.provider.vault.seal(tx, person_id, names)
    [(text, key)] = wallet.receive(wallet.token())
    copy = verified(wallet, text)
    assert {name: copy.claims[name] for name in names} == names
    assert copy.holder_key.thumbprint == key.public.thumbprint
    assert copy.status is None


def test_the_release_is_on_the_persons_record(wallet: Wallet, provider: Running) -> None:
    wallet.receive(wallet.token(), 3)
    [entry] = provider.provider.services.rights.history(person_id_of(provider, "an-adult"))
    assert entry.relying_party is not None
    assert entry.relying_party.name.en == "NetID wallet"
    assert {claim.name for claim in entry.given} >= {"name", "document_number", "birthdate"}


# Who gets nothing


def test_u1_a_wallets_token_opens_nothing_else(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    token = wallet.token()
    proof = wallet.dpop("/userinfo", token, htm="GET")
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    address = provider.url("/userinfo")
    refused(
        provider,
        lambda: requests.get(address, headers=headers, timeout=10),
        401,
        "invalid_token",
        effects={"single_use"},
    )


def test_u1_a_relying_partys_token_gets_no_credential(wallet: Wallet, provider: Running) -> None:
    bank = provider.register("a-bank", profile="fapi2")
    token = bank.tokens()["access_token"]
    assert bank.dpop is not None
    thief = Wallet(provider, key=bank.dpop)
    answer = thief.ask(token, thief.request([new_key()]))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("header", [None, "Bearer {}", "DPoP nothing", "Basic {}"])
def test_u2_without_the_bound_token_there_is_a_challenge(
    wallet: Wallet, provider: Running, header: str | None
) -> None:
    token = wallet.token()
    headers = {"Authorization": header.format(token)} if header else {}
    answer = wallet.post("/credential", json={}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert "DPoP" in answer.headers["WWW-Authenticate"] or "Bearer" in answer.headers["WWW-Authenticate"]


def test_t11_who_is_suspended_or_left_meanwhile_gets_nothing(wallet: Wallet, provider: Running) -> None:
    token = wallet.token()
    set_status(provider, "suspended")
    answer = wallet.ask(token, wallet.request([new_key()]))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_r4_a_consent_that_was_withdrawn_gives_nothing(wallet: Wallet, provider: Running) -> None:
    token = wallet.token()
    person_id = person_id_of(provider, "an-adult")
    [entry] = provider.provider.services.rights.history(person_id)
    provider.provider.services.rights.withdraw(person_id, entry.stored.receipt.receipt_id)
    answer = wallet.ask(token, wallet.request([new_key()]))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_token_is_good_for_what_it_was_asked_for(
    wallet: Wallet, provider: Running, refused: Refusals
) -> None:
    """8.3.1.1, RFC 6750, 3."""
    token = wallet.token(scope="net_credential")
    body = wallet.request([new_key()], "net_credential_long")
    refusal = refused(
        provider,
        lambda: wallet.ask(token, body),
        403,
        "insufficient_scope",
        effects={"single_use"},
        audited=("credential_refused",),
    )
    assert 'DPoP realm="netid", error="insufficient_scope"' in refusal.response.headers["WWW-Authenticate"]


# Nonces (C2)


def test_c2_a_nonce_works_once(wallet: Wallet, provider: Running, refused: Refusals) -> None:
    token, nonce = wallet.token(), wallet.nonce()
    assert wallet.ask(token, wallet.request([new_key()], nonce=nonce)).status_code == 200
    body = wallet.request([new_key()], nonce=nonce)
    refused(
        provider,
        lambda: wallet.ask(token, body),
        400,
        "invalid_nonce",
        effects={"single_use"},
        audited=("credential_refused",),
    )


def test_c2_of_eight_at_once_one_works(wallet: Wallet, provider: Running) -> None:
    token, nonce = wallet.token(), wallet.nonce()
    bodies = [wallet.request([new_key()], nonce=nonce) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: wallet.ask(token, body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_nonce"}


def test_c2_anothers_used_nonce_is_refused(wallet: Wallet, provider: Running) -> None:
    nonce, other = wallet.nonce(), Wallet(provider)
    assert other.ask(other.token("another-adult"), other.request([new_key()], nonce=nonce)).status_code == 200
    answer = wallet.ask(wallet.token(), wallet.request([new_key()], nonce=nonce))
    assert answer.json()["error"] == "invalid_nonce"


def test_c2_another_issuers_nonce_is_refused(wallet: Wallet, start: Starter) -> None:
    nonce = Wallet(start()).nonce()
    answer = wallet.ask(wallet.token(), wallet.request([new_key()], nonce=nonce))
    assert answer.json()["error"] == "invalid_nonce"


def test_c2_an_old_nonce_is_refused(wallet: Wallet, provider: Running) -> None:
    nonce = wallet.nonce()
    provider.clock.advance(minutes=5, seconds=1)
    answer = wallet.ask(wallet.token(), wallet.request([new_key()], nonce=nonce))
    assert answer.json()["error"] == "invalid_nonce"


@pytest.mark.parametrize("nonce", ["", "x", PLANTED, "A" * 54, "not base64!"])
def test_c2_what_is_no_nonce_of_ours_is_refused(wallet: Wallet, nonce: str) -> None:
    key = new_key()
    body = {
        "credential_configuration_id": "net_credential",
        "proofs": {"jwt": [wallet.proof(key, nonce)]},
    }
    answer = wallet.ask(wallet.token(), body)
    assert answer.json()["error"] == ("invalid_nonce" if nonce else "invalid_proof")


def test_t9_the_nonce_of_a_dpop_proof_is_none_of_a_key_proof(wallet: Wallet, provider: Running) -> None:
    answer = wallet.ask(wallet.token(), wallet.request([new_key()], nonce=provider.dpop_nonce()))
    assert answer.json()["error"] == "invalid_nonce"


def test_c2_one_request_has_one_nonce(wallet: Wallet) -> None:
    proofs = [wallet.proof(new_key(), wallet.nonce()) for _ in range(2)]
    body = {"credential_configuration_id": "net_credential", "proofs": {"jwt": proofs}}
    assert wallet.ask(wallet.token(), body).json()["error"] == "invalid_nonce"


def test_asking_for_a_nonce_writes_nothing_and_no_cache_keeps_it(wallet: Wallet) -> None:
    answers = [wallet.post("/nonce") for _ in range(2)]
    assert answers[0].json() != answers[1].json()
    assert answers[0].json().keys() == {"c_nonce"}
    assert "no-store" in answers[0].headers["Cache-Control"]


# Key proofs (C3)


def _proof(**changes: Any) -> Callable[[Wallet, SigningKey, str], str]:
    return lambda wallet, key, nonce: wallet.proof(key, nonce, **changes)


def _old(seconds: int) -> Callable[[Wallet, SigningKey, str], str]:
    return lambda wallet, key, nonce: wallet.proof(
        key, nonce, iat=int(wallet.running.clock.now().timestamp()) - seconds
    )


def _header(**changes: Any) -> Callable[[Wallet, SigningKey, str], str]:
    def make(wallet: Wallet, key: SigningKey, nonce: str) -> str:
        header = {"alg": "ES256", "typ": PROOF_TYPE, "jwk": key.public.required_members}
        payload = {
            "aud": wallet.running.issuer,
            "iat": int(wallet.running.clock.now().timestamp()),
            "nonce": nonce,
        }
        given = {name: value for name, value in (header | changes).items() if value is not None}
        return forge(given, payload, key)

    return make


def _private(wallet: Wallet, key: SigningKey, nonce: str) -> str:
    return _header(jwk=key.private_jwk())(wallet, key, nonce)


def _foreign(wallet: Wallet, key: SigningKey, nonce: str) -> str:
    return _header(jwk=new_key().public.required_members)(wallet, key, nonce)


def _rsa(wallet: Wallet, key: SigningKey, nonce: str) -> str:
    rsa = SigningKey.generate("RS256", lambda size: bytes(size))
    return wallet.proof(rsa, nonce)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_proof(aud="https://another.example"), id="another aud"),
        pytest.param(_proof(aud=None), id="no aud"),
        pytest.param(lambda w, k, n: w.proof(k, n, aud=[w.running.issuer]), id="aud is a list"),
        pytest.param(_proof(typ="JWT"), id="typ JWT"),
        pytest.param(_proof(typ="kb+jwt"), id="typ of a key binding"),
        pytest.param(_proof(typ="dpop+jwt"), id="typ of a DPoP proof"),
        pytest.param(_proof(iat=None), id="no iat"),
        pytest.param(_proof(iat="now"), id="iat is text"),
        pytest.param(_proof(iss="a-shop"), id="another iss"),
        pytest.param(lambda w, k, n: w.proof(k, None), id="no nonce"),
        pytest.param(lambda w, k, n: w.proof(k, 5), id="nonce is a number"),
        pytest.param(_old(311), id="stale"),
        pytest.param(_old(-11), id="from the future"),
        pytest.param(_header(alg="none"), id="alg none"),
        pytest.param(_header(alg="HS256"), id="alg HS256"),
        pytest.param(_header(jwk=None), id="no key"),
        pytest.param(_header(jwk=None, kid="did:key:x"), id="kid alone"),
        pytest.param(_header(kid="a"), id="two ways of naming a key"),
        pytest.param(_header(crit=["exp"]), id="crit"),
        pytest.param(_private, id="private key"),
        pytest.param(_foreign, id="another's key"),
        pytest.param(_rsa, id="RSA"),
        pytest.param(lambda w, k, n: w.proof(k, n)[:-3], id="cut"),
        pytest.param(lambda w, k, n: PLANTED, id="no JWT"),
    ],
)
def test_c3_a_proof_that_is_not_right_gets_nothing(
    wallet: Wallet,
    provider: Running,
    refused: Refusals,
    make: Callable[[Wallet, SigningKey, str], str],
) -> None:
    token, nonce = wallet.token(), wallet.nonce()
    good = wallet.proof(new_key(), nonce)
    body = {
        "credential_configuration_id": "net_credential",
        "proofs": {"jwt": [good, make(wallet, new_key(), nonce)]},
    }
    refused(
        provider,
        lambda: wallet.ask(token, body),
        400,
        "invalid_proof",
        effects={"single_use"},
        audited=("credential_refused",),
    )
    assert wallet.ask(token, wallet.request([new_key()], nonce=nonce)).status_code == 200, "still unused"


def test_c3_one_key_gets_one_copy(wallet: Wallet) -> None:
    key = new_key()
    answer = wallet.ask(wallet.token(), wallet.request([key, key]))
    assert answer.json()["error"] == "invalid_proof"


# Requests


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"credential_configuration_id": None}, "invalid_credential_request"),
        ({"credential_configuration_id": 5}, "invalid_credential_request"),
        ({"credential_configuration_id": PLANTED}, "unknown_credential_configuration"),
        ({"credential_identifier": "x"}, "invalid_credential_request"),
        ({"proofs": None}, "invalid_proof"),
        ({"proofs": {}}, "invalid_proof"),
        ({"proofs": {"jwt": []}}, "invalid_proof"),
        ({"proofs": {"jwt": "x"}}, "invalid_proof"),
        ({"proofs": {"jwt": [5]}}, "invalid_proof"),
        ({"proofs": {"di_vp": [{}]}}, "invalid_proof"),
        ({"credential_response_encryption": {"enc": "A256GCM"}}, "invalid_encryption_parameters"),
    ],
)
def test_a_request_that_is_not_right_is_refused(
    wallet: Wallet, provider: Running, refused: Refusals, change: dict[str, Any], error: str
) -> None:
    token = wallet.token()
    asked = wallet.request([new_key()]) | change
    body = {name: value for name, value in asked.items() if value is not None}
    refused(
        provider,
        lambda: wallet.ask(token, body),
        400,
        error,
        effects={"single_use"},
        audited=("credential_refused",),
    )


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b"{" * 5000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 400),
        (b" " * 200_000, "application/json", 413),
    ],
)
def test_p10_a_body_that_cannot_be_read_is_refused(
    wallet: Wallet, body: bytes, kind: str, status: int
) -> None:
    token = wallet.token()
    headers = wallet.bound("/credential", token) | {"Content-Type": kind}
    answer = wallet.post("/credential", data=body, headers=headers)
    assert answer.status_code == status, answer.text


# Notifications


def notify(wallet: Wallet, token: str, body: Any) -> requests.Response:
    return wallet.post("/notification", json=body, headers=wallet.bound("/notification", token))


def test_what_became_of_a_batch_is_on_record_once(wallet: Wallet, provider: Running) -> None:
    token = wallet.token()
    issued = wallet.ask(token, wallet.request([new_key()])).json()
    told = {"notification_id": issued["notification_id"], "event": "credential_accepted"}
    for _ in range(2):
        answer = notify(wallet, token, told)
        assert (answer.status_code, answer.content) == (204, b"")
    with provider.provider.stores.db.read() as tx:
        events = provider.provider.stores.audit.of_person(tx, person_id_of(provider, "an-adult"))
    assert [event.kind for event in events].count("credential_accepted") == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"notification_id": "another"}, "invalid_notification_id"),
        ({"notification_id": None}, "invalid_notification_request"),
        ({"notification_id": 5}, "invalid_notification_request"),
        ({"event": "lost"}, "invalid_notification_request"),
        ({"event": None}, "invalid_notification_request"),
    ],
)
def test_a_notification_that_is_not_right_is_refused(
    wallet: Wallet, provider: Running, refused: Refusals, change: dict[str, Any], error: str
) -> None:
    token = wallet.token()
    issued = wallet.ask(token, wallet.request([new_key()])).json()
    told = {"notification_id": issued["notification_id"], "event": "credential_failure"} | change
    body = {name: value for name, value in told.items() if value is not None}
    refused(
        provider,
        lambda: notify(wallet, token, body),
        400,
        error,
        effects={"single_use"},
        audited=("notification_refused",),
    )


def test_r1_anothers_notification_is_unknown(wallet: Wallet, provider: Running) -> None:
    issued = wallet.ask(wallet.token(), wallet.request([new_key()])).json()
    other = Wallet(provider)
    told = {"notification_id": issued["notification_id"], "event": "credential_deleted"}
    answer = notify(other, other.token("another-adult"), told)
    assert answer.json()["error"] == "invalid_notification_id"
