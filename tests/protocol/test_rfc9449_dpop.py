"""RFC 9449: access tokens that only the holder of a key can get and show."""

import base64
import http.client
import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from joserfc import jws
from joserfc.jwk import ECKey

from netid.credentials.jose import prove
from netid.credentials.jwk import SigningKey
from netid.oauth.dpop import NONCE_WINDOW
from netid.storage.single_use import Kind
from tests.protocol.forging import encoded, forge
from tests.protocol.refusals import PLANTED, rows
from tests.running import CALLBACK, Client, Running

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PARCELS = "openid netid.purpose.real-name-parcel"


def fresh_key() -> SigningKey:
    return SigningKey.generate("ES256", secrets.token_bytes)


def header_of(key: SigningKey) -> dict[str, Any]:
    """The header of a proof as it should be."""
    return {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public.required_members}


def redeem(client: Client, code: str, *proofs: str) -> requests.Response:
    """POST /token with exactly these proofs."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": client.verifier,
    }
    headers = {"DPoP": proofs[0]} if proofs else {}
    return client.post("/token", form, **headers)


def show(
    running: Running, token: str, *, proof: str | None = None, scheme: str = "DPoP", **more: Any
) -> requests.Response:
    """GET /userinfo with a token and a proof."""
    headers = {"Authorization": f"{scheme} {token}"} | ({} if proof is None else {"DPoP": proof})
    return requests.get(running.url("/userinfo"), headers=headers | more, timeout=10)


@pytest.fixture
def binding_shop(shop: Client) -> Client:
    """A relying party of profile oidc that has its tokens bound."""
    return replace(shop, dpop=fresh_key())


@pytest.fixture
def unproved(binding_shop, refused):
    """Asserts that a proof is refused with a code, that nothing is noted, and that the code lives on."""
    code = binding_shop.headless().code

    def refuse(*proofs: str, error: str = "invalid_dpop_proof") -> requests.Response:
        refusal = refused(
            binding_shop.running,
            lambda: redeem(binding_shop, code, *proofs),
            400,
            error,
            audited=("token_refused",),
            secrets=(code, *(proof for proof in proofs if proof)),
        )
        assert binding_shop.redeem(code).status_code == 200
        return refusal.response

    return refuse


class TestABoundToken:
    def test_in_profile_fapi2_it_always_is(self, bank):
        tokens = bank.tokens(scope=PARCELS)
        assert tokens["token_type"] == "DPoP"
        assert bank.userinfo(tokens["access_token"]).json().keys() == {"sub", "name", "document_number"}

    def test_in_profile_oidc_whoever_sends_a_proof_gets_one(self, binding_shop, shop):
        assert binding_shop.tokens()["token_type"] == "DPoP"
        assert shop.tokens()["token_type"] == "Bearer"

    def test_another_library_makes_the_proofs(self, binding_shop):
        key = ECKey.import_key(binding_shop.dpop.private_jwk())

        def made(endpoint: str, *more: str) -> str:
            claims = binding_shop.dpop_claims(endpoint, *more)
            header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
            return jws.serialize_compact(header, json.dumps(claims), key)

        token = redeem(binding_shop, binding_shop.headless().code, made("/token")).json()["access_token"]
        assert show(binding_shop.running, token, proof=made("/userinfo", "GET", token)).status_code == 200

    def test_t1_a_replayed_code_ends_it_whatever_the_proof_is(self, bank, refused):
        code = bank.headless().code
        token = bank.redeem(code).json()["access_token"]
        refused(
            bank.running,
            lambda: redeem(bank, code),
            400,
            "invalid_grant",
            effects={"single_use", "access_tokens"},  # the assertion's jti, and the token's end
            audited=("code_replayed",),
            secrets=(code, token),
        )
        assert bank.userinfo(token).status_code == 401

    def test_it_can_be_ended_without_a_proof(self, bank):
        """RFC 7009: the relying party that proves itself is the one it was issued to."""
        token = bank.tokens()["access_token"]
        assert bank.post("/revoke", {"token": token}).status_code == 200
        assert bank.userinfo(token).status_code == 401

    def test_the_metadata_name_the_algorithms(self, shared):
        found = requests.get(shared.url("/.well-known/openid-configuration"), timeout=10).json()
        assert found["dpop_signing_alg_values_supported"] == ["ES256"]

    def test_who_must_send_a_proof_hears_that_it_is_missing(self, bank, refused):
        code = bank.headless().code
        said = refused(
            bank.running,
            lambda: redeem(bank, code),
            400,
            "invalid_dpop_proof",
            effects={"single_use"},  # the assertion's jti
            audited=("token_refused",),
        )
        assert said.description == "DPoP is missing; send a proof with the request (RFC 9449, 5)"
        assert bank.redeem(code).status_code == 200


def two_together(client: Client) -> list[str]:
    """Two good proofs as one header."""
    return [f"{client.dpop_proof('/token')}, {client.dpop_proof('/token')}"]


def otherwise_signed(**header: Any) -> Callable[[Client], list[str]]:
    """A proof whose header has these members; None leaves one out."""

    def make(client: Client) -> list[str]:
        assert client.dpop is not None
        members = header_of(client.dpop) | header
        given = {name: value for name, value in members.items() if value is not None}
        return [forge(given, client.dpop_claims("/token"), client.dpop)]

    return make


def otherwise_said(**claims: Any) -> Callable[[Client], list[str]]:
    """A proof with these claims; None leaves one out, a callable is given the right one."""

    def make(client: Client) -> list[str]:
        right = client.dpop_claims("/token")
        changed = {n: value(right[n]) if callable(value) else value for n, value in claims.items()}
        assert client.dpop is not None
        return [prove({n: v for n, v in (right | changed).items() if v is not None}, client.dpop, "dpop+jwt")]

    return make


def of_private_key(client: Client) -> list[str]:
    assert client.dpop is not None
    return otherwise_signed(jwk=client.dpop.private_jwk())(client)


def of_strangers_key(client: Client) -> list[str]:
    return otherwise_signed(jwk=fresh_key().public.required_members)(client)


def of_rsa_key(client: Client) -> list[str]:
    rsa = SigningKey.generate("RS256", secrets.token_bytes)
    header = {"typ": "dpop+jwt", "alg": "RS256", "jwk": rsa.public.required_members}
    return [forge(header, client.dpop_claims("/token"), rsa)]


def without_signature(client: Client) -> list[str]:
    assert client.dpop is not None
    header = {**header_of(client.dpop), "alg": "none"}
    return [f"{encoded(header)}.{encoded(client.dpop_claims('/token'))}."]


def with_a_member_twice(client: Client) -> list[str]:
    assert client.dpop is not None
    claims = json.dumps(client.dpop_claims("/token"))
    return [forge(header_of(client.dpop), f'{{"htm": "GET", {claims[1:]}', client.dpop)]


BAD_PROOFS: dict[str, Callable[[Client], list[str]]] = {
    "two in one header": two_together,
    "empty": lambda client: [""],
    "no JWT": lambda client: [PLANTED],
    "too long": lambda client: [client.dpop_proof("/token", padding="x" * 6200)],
    "typ JWT": otherwise_signed(typ="JWT"),
    "typ of another JWT": otherwise_signed(typ="at+jwt"),
    "no typ": otherwise_signed(typ=None),
    "alg none": otherwise_signed(alg="none"),
    "none without signature": without_signature,
    "HS256": otherwise_signed(alg="HS256"),
    "an RSA key": of_rsa_key,
    "no jwk": otherwise_signed(jwk=None),
    "jwk and kid": otherwise_signed(kid="x"),
    "jku": otherwise_signed(jwk=None, jku="http://127.0.0.1:9/jwks"),
    "x5c": otherwise_signed(x5c=["MIIB"]),
    "crit": otherwise_signed(crit=["htm"]),
    "a private key": of_private_key,
    "a stranger's key": of_strangers_key,
    "a shared secret": otherwise_signed(jwk={"kty": "oct", "k": "c2VjcmV0"}),
    "a member twice": with_a_member_twice,
    "htm GET": otherwise_said(htm="GET"),
    "htm post": otherwise_said(htm="post"),
    "no htm": otherwise_said(htm=None),
    "no htu": otherwise_said(htu=None),
    "htu a number": otherwise_said(htu=7),
    "htu of /userinfo": otherwise_said(htu=lambda right: right.replace("/token", "/userinfo")),
    "htu with a slash": otherwise_said(htu=lambda right: f"{right}/"),
    "htu in capitals": otherwise_said(htu=lambda right: right.replace("/token", "/TOKEN")),
    "htu of another host": otherwise_said(htu=lambda right: right.replace("127.0.0.1", "127.0.0.2")),
    "htu of another port": otherwise_said(htu=lambda right: right.replace("/token", "0/token")),
    "htu without port": otherwise_said(htu=lambda right: f"http://{urlsplit(right).hostname}/token"),
    "htu of another scheme": otherwise_said(htu=lambda right: right.replace("http", "https")),
    "htu with a user": otherwise_said(htu=lambda right: right.replace("//", "//user@")),
    "htu with a tab": otherwise_said(htu=lambda right: right.replace("token", "to\tken")),
    "htu with a double slash": otherwise_said(htu=lambda right: right.replace("/token", "//token")),
    "htu beside the path": otherwise_said(htu=lambda right: right.replace("/token", "/token/../x")),
    "htu with a slash escaped": otherwise_said(htu=lambda right: right.replace("/token", "%2Ftoken")),
    "htu no address": otherwise_said(htu="http://[::1"),
    "htu with no port at all": otherwise_said(htu="http://127.0.0.1:x/token"),
    "an hour old": otherwise_said(iat=lambda now: now - 3600),
    "72 seconds old": otherwise_said(iat=lambda now: now - 72),
    "in an hour": otherwise_said(iat=lambda now: now + 3600),
    "in 12 seconds": otherwise_said(iat=lambda now: now + 12),
    "no iat": otherwise_said(iat=None),
    "iat a word": otherwise_said(iat=str),
    "iat true": otherwise_said(iat=True),
    "expired": otherwise_said(exp=1),
    "no jti": otherwise_said(jti=None),
    "jti empty": otherwise_said(jti=""),
    "jti a number": otherwise_said(jti=7),
}


class TestBadProofs:
    """T6: nothing is redeemed, nothing is used up."""

    @pytest.mark.parametrize("case", BAD_PROOFS)
    def test_t6_a_proof_that_proves_nothing(self, binding_shop, unproved, case):
        unproved(*BAD_PROOFS[case](binding_shop))

    def test_t6_two_headers(self, binding_shop):
        code, url = binding_shop.headless().code, urlsplit(binding_shop.running.url("/token"))
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        form |= {"code_verifier": binding_shop.verifier}
        name = f"{binding_shop.client_id}:{binding_shop.secret}".encode()
        body = urlencode(form).encode()
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        connection.putrequest("POST", url.path)
        connection.putheader("Authorization", f"Basic {base64.b64encode(name).decode()}")
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
        for _ in range(2):
            connection.putheader("DPoP", binding_shop.dpop_proof("/token"))
        connection.endheaders(body)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert answer == {
            "error": "invalid_dpop_proof",
            "error_description": "DPoP is given more than once; send one proof",
        }
        assert binding_shop.redeem(code).status_code == 200

    @pytest.mark.parametrize("seconds", [-68, -8, 8])
    def test_clocks_may_be_ten_seconds_apart(self, binding_shop, seconds):
        proof = otherwise_said(iat=lambda now: now + seconds)(binding_shop)
        assert redeem(binding_shop, binding_shop.headless().code, *proof).status_code == 200

    @pytest.mark.parametrize(
        "written",
        [
            "HTTP://127.0.0.1:{port}/token",
            "http://127.0.0.1:{port}/token?a=b#c",
            "http://127.0.0.1:{port}/%74oke%6E",
            "http://127.0.0.1:{port}/./a/../token",
            "http://127.0.0.1:0{port}/token",
        ],
    )
    def test_an_address_may_be_written_otherwise(self, binding_shop, written):
        """4.3: compared after normalisation by RFC 3986, 6.2.2 and 6.2.3, query and fragment apart."""
        port = urlsplit(binding_shop.running.issuer).port
        proof = binding_shop.dpop_proof("/token", htu=written.format(port=port))
        assert redeem(binding_shop, binding_shop.headless().code, proof).status_code == 200

    def test_a19_the_address_is_the_issuers_whatever_the_request_says(self, start, refused):
        running = start(issuer="https://provider.example")
        client = replace(running.register(), dpop=fresh_key())
        spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        token = client.tokens()["access_token"]
        for address, status in (
            ("https://provider.example", 200),
            ("https://PROVIDER.example:443", 200),
            ("https://provider.example.", 401),
            ("http://provider.example", 401),
            ("https://evil.example", 401),
            (running.address, 401),
        ):
            proof = client.dpop_proof("/userinfo", "GET", token, htu=f"{address}/userinfo")
            assert show(running, token, proof=proof, **spoofed).status_code == status, address

    def test_the_path_of_an_issuer_belongs_to_the_address(self, start):
        running = start(issuer="https://provider.example/base")
        running.address += "/base"
        client = replace(running.register(), dpop=fresh_key())
        token = client.tokens()["access_token"]
        assert client.userinfo(token).status_code == 200
        elsewhere = client.dpop_proof("/userinfo", "GET", token, htu="https://provider.example/userinfo")
        assert show(running, token, proof=elsewhere).status_code == 401


class TestNonces:
    """Section 8: every proof carries a nonce of the provider's."""

    @pytest.mark.parametrize(
        "nonce", [None, "", "x", "\u7f51", 7, ["x"], "A" * 22], ids=lambda nonce: repr(nonce)
    )
    def test_without_a_current_one_the_answer_brings_it(self, binding_shop, unproved, nonce):
        answer = unproved(binding_shop.dpop_proof("/token", nonce=nonce), error="use_dpop_nonce")
        assert answer.headers["DPoP-Nonce"] == binding_shop.running.dpop_nonce()

    def test_use_dpop_nonce_burns_neither_the_code_nor_the_jti(self, binding_shop):
        code = binding_shop.headless().code
        claims = binding_shop.dpop_claims("/token", nonce=None)
        answer = redeem(binding_shop, code, prove(claims, binding_shop.dpop, "dpop+jwt"))
        assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
        claims["nonce"] = answer.headers["DPoP-Nonce"]
        assert redeem(binding_shop, code, prove(claims, binding_shop.dpop, "dpop+jwt")).status_code == 200

    def test_at_userinfo_the_challenge_says_so(self, bank, refused):
        token = bank.tokens()["access_token"]
        proof = bank.dpop_proof("/userinfo", "GET", token, nonce=None)
        answer = refused(
            bank.running, lambda: show(bank.running, token, proof=proof), 401, "use_dpop_nonce"
        ).response
        assert (
            answer.headers["WWW-Authenticate"] == 'DPoP realm="netid", error="use_dpop_nonce", algs="ES256"'
        )
        assert answer.headers["DPoP-Nonce"] == bank.running.dpop_nonce()

    def test_par_asks_for_it_too(self, bank):
        answer = bank.post("/par", bank.request(), DPoP=bank.dpop_proof("/par", nonce=None))
        assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
        assert answer.headers["DPoP-Nonce"] == bank.running.dpop_nonce()

    def test_answers_bring_the_next_one(self, bank):
        nonce = bank.running.dpop_nonce()
        code = bank.headless().code
        redeemed = redeem(bank, code, bank.dpop_proof("/token"))
        shown = bank.userinfo(redeemed.json()["access_token"])
        assert [redeemed.headers["DPoP-Nonce"], shown.headers["DPoP-Nonce"]] == [nonce, nonce]

    def test_who_sends_no_proof_hears_of_none(self, shop):
        code = shop.headless().code
        redeemed = shop.redeem(code)
        assert "DPoP-Nonce" not in redeemed.headers
        assert "DPoP-Nonce" not in shop.userinfo(redeemed.json()["access_token"]).headers

    def test_one_counts_in_its_window_and_the_next(self, provider):
        client = replace(provider.register(), dpop=fresh_key())
        provider.clock.stop()
        token, nonce = client.tokens()["access_token"], provider.dpop_nonce()
        window = NONCE_WINDOW.total_seconds()
        until_the_next = window - provider.clock.now().timestamp() % window

        def status() -> int:
            return show(
                provider, token, proof=client.dpop_proof("/userinfo", "GET", token, nonce=nonce)
            ).status_code

        assert status() == 200
        provider.clock.advance(seconds=until_the_next)
        assert provider.dpop_nonce() != nonce
        assert status() == 200
        provider.clock.advance(seconds=window)
        assert status() == 401

    def test_no_future_one_can_be_worked_out(self, provider):
        """They are keyed: what was seen says nothing of what comes."""
        provider.clock.stop()
        seen = set()
        for _ in range(50):
            seen.add(provider.dpop_nonce())
            provider.clock.advance(seconds=NONCE_WINDOW.total_seconds())
        assert len(seen) == 50
        assert {len(nonce) for nonce in seen} == {22}

    def test_every_worker_knows_it_also_after_a_restart_and_none_is_stored(self, start):
        first = start()
        client = replace(first.register(), dpop=fresh_key())
        first.clock.stop()
        before, nonce = rows(first), first.dpop_nonce()
        assert rows(first) == before
        second = start(beside=first)
        assert second.dpop_nonce() == nonce
        token = client.tokens()["access_token"]
        there = replace(client, running=second)
        assert there.userinfo(token).status_code == 200

    def test_t9_a_nonce_is_no_code_and_a_code_no_nonce(self, binding_shop):
        code = binding_shop.headless().code
        assert binding_shop.redeem(binding_shop.running.dpop_nonce()).json()["error"] == "invalid_grant"
        proof = binding_shop.dpop_proof("/token", nonce=code)
        assert redeem(binding_shop, code, proof).json()["error"] == "use_dpop_nonce"
        assert binding_shop.redeem(code).status_code == 200


class TestReplay:
    """T7: a proof works once, whatever its bytes."""

    @pytest.fixture
    def token(self, bank: Client) -> str:
        return str(bank.tokens()["access_token"])

    def test_t7_the_same_proof_again(self, bank, token, refused):
        proof = bank.dpop_proof("/userinfo", "GET", token)
        assert show(bank.running, token, proof=proof).status_code == 200
        answer = refused(
            bank.running, lambda: show(bank.running, token, proof=proof), 401, "invalid_dpop_proof"
        ).response
        assert answer.headers["WWW-Authenticate"] == (
            'DPoP realm="netid", error="invalid_dpop_proof", algs="ES256"'
        )

    def test_t7_the_same_jti_under_a_second_valid_signature(self, bank, token, refused):
        claims = bank.dpop_claims("/userinfo", "GET", token)
        first, second = (prove(claims, bank.dpop, "dpop+jwt") for _ in range(2))
        assert first != second
        assert show(bank.running, token, proof=first).status_code == 200
        refused(bank.running, lambda: show(bank.running, token, proof=second), 401, "invalid_dpop_proof")

    def test_t7_the_same_signature_with_its_other_s(self, bank, token, refused):
        """(r, n - s) verifies as (r, s) does: anybody can turn one into the other."""
        proof = bank.dpop_proof("/userinfo", "GET", token)
        assert show(bank.running, token, proof=proof).status_code == 200
        refused(
            bank.running,
            lambda: show(bank.running, token, proof=turned(proof)),
            401,
            "invalid_dpop_proof",
        )

    def test_t7_a_high_s_is_as_good(self, bank, token):
        proof = bank.dpop_proof("/userinfo", "GET", token)
        high = max(proof, turned(proof), key=s_of)
        assert s_of(high) > P256_ORDER // 2
        assert show(bank.running, token, proof=high).status_code == 200

    def test_t7_a_jti_that_was_used_elsewhere(self, bank, token, refused):
        code = bank.headless().code
        assert redeem(bank, code, bank.dpop_proof("/token", jti="the-same")).status_code == 200
        proof = bank.dpop_proof("/userinfo", "GET", token, jti="the-same")
        refused(bank.running, lambda: show(bank.running, token, proof=proof), 401, "invalid_dpop_proof")

    def test_t7_until_its_proof_could_come_no_more(self, provider):
        """As long as skew and age let it: made 10 seconds ahead, and shown again 79 seconds later."""
        provider.clock.stop()
        bank = provider.register("a-bank", profile="fapi2")
        token = bank.tokens()["access_token"]
        now = int(provider.clock.now().timestamp())
        proof = bank.dpop_proof("/userinfo", "GET", token, iat=now + 10)
        assert show(provider, token, proof=proof).status_code == 200
        provider.clock.advance(seconds=79)
        provider.provider.housekeeping.forget()
        answer = show(provider, token, proof=proof)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
        unused = bank.dpop_proof("/userinfo", "GET", token, iat=now + 10)
        assert show(provider, token, proof=unused).status_code == 200

    def test_t7_f11_nor_when_the_clock_jumps(self, provider):
        """An hour ahead and back again."""
        provider.clock.stop()
        bank = provider.register("a-bank", profile="fapi2")
        token = bank.tokens()["access_token"]
        proof = bank.dpop_proof("/userinfo", "GET", token)
        assert show(provider, token, proof=proof).status_code == 200
        provider.clock.advance(hours=1)
        provider.provider.housekeeping.forget()
        provider.clock.advance(hours=-1)
        assert show(provider, token, proof=proof).status_code == 401

    def test_t7_eight_at_once_over_two_workers_and_one_wins(self, start):
        first = start()
        second = start(beside=first)
        bank = first.register("a-bank", profile="fapi2")
        token = bank.tokens()["access_token"]
        proof, together = bank.dpop_proof("/userinfo", "GET", token), threading.Barrier(8)

        def shown(number: int) -> int:
            together.wait()
            return show(first if number % 2 else second, token, proof=proof).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(shown, range(8))) == [200] + [401] * 7

    def test_a_jti_is_its_keys_own(self, shop):
        for _ in range(2):
            client = replace(shop, dpop=fresh_key())
            proof = client.dpop_proof("/token", jti="anybodys")
            assert redeem(client, client.headless().code, proof).status_code == 200

    def test_t7_a_proof_that_redeemed_nothing_is_used_up_all_the_same(self, binding_shop):
        bound = binding_shop.headless(dpop_jkt=fresh_key().public.thumbprint).code
        proof = binding_shop.dpop_proof("/token")
        assert redeem(binding_shop, bound, proof).json()["error"] == "invalid_dpop_proof"
        code = binding_shop.headless().code
        assert redeem(binding_shop, code, proof).json()["error"] == "invalid_dpop_proof"
        assert binding_shop.redeem(code).status_code == 200


def s_of(proof: str) -> int:
    """The second half of the signature."""
    return int.from_bytes(_signature(proof)[32:])


def turned(proof: str) -> str:
    """The same proof with n - s for s."""
    signed, _, _ = proof.rpartition(".")
    signature = _signature(proof)
    return f"{signed}.{encoded(signature[:32] + (P256_ORDER - s_of(proof)).to_bytes(32))}"


def _signature(proof: str) -> bytes:
    return base64.urlsafe_b64decode(proof.rpartition(".")[2] + "==")


class TestTheCodesKey:
    """Section 10: a code is for the key that the request named."""

    def test_the_key_that_was_named_redeems_it(self, bank):
        code = bank.headless(dpop_jkt=bank.dpop.public.thumbprint).code
        assert bank.redeem(code).json()["token_type"] == "DPoP"

    @pytest.mark.parametrize("profile", ["oidc", "fapi2"])
    def test_t6_another_key_does_not_and_the_right_one_still_does(self, shared, refused, profile):
        client = shared.register(f"named-{profile}", profile=profile, id_token_signed_response_alg=None)
        right = replace(client, dpop=fresh_key())
        code = right.headless(dpop_jkt=right.dpop.public.thumbprint).code
        strangers = replace(right, dpop=fresh_key()).dpop_proof("/token")
        for proofs in ([strangers], []):
            refused(
                shared,
                lambda proofs=proofs: redeem(right, code, *proofs),
                400,
                "invalid_dpop_proof",
                effects={"single_use"},  # the jti of proof and assertion
                audited=("token_refused",),
            )
        assert right.redeem(code).status_code == 200

    def test_a_proof_at_par_names_it_as_well(self, bank):
        """10.1."""
        asked = bank.request(login_hint="an-adult")
        pushed = bank.post("/par", asked, DPoP=bank.dpop_proof("/par")).json()["request_uri"]
        bank.running.approve(client_id=bank.client_id)
        code = bank.running.callback(bank.begin(pushed)).code
        assert replace(bank, dpop=fresh_key()).redeem(code).json()["error"] == "invalid_dpop_proof"
        assert bank.redeem(code).status_code == 200

    def test_at_par_both_have_to_be_of_one_key(self, bank, not_taken):
        others, proof = bank.request(dpop_jkt=fresh_key().public.thumbprint), bank.dpop_proof("/par")
        not_taken(bank, lambda: bank.post("/par", others, DPoP=proof), "invalid_dpop_proof")
        own = bank.request(dpop_jkt=bank.dpop.public.thumbprint)
        assert bank.post("/par", own, DPoP=bank.dpop_proof("/par")).status_code == 201

    def test_at_par_a_proof_is_checked_as_anywhere(self, bank, not_taken):
        for proof in (bank.dpop_proof("/token"), bank.dpop_proof("/par", "GET"), PLANTED):
            not_taken(
                bank,
                lambda proof=proof: bank.post("/par", bank.request(), DPoP=proof),
                "invalid_dpop_proof",
            )


class TestAtUserInfo:
    """Section 7: a bound token is shown with a proof for it, and no other way."""

    @pytest.fixture
    def token(self, bank: Client) -> str:
        return str(bank.tokens(scope=PARCELS)["access_token"])

    @pytest.fixture
    def unshown(self, bank, token, refused):
        """Asserts that nothing is answered, and how the challenge begins."""

        def refuse(act, error: str, scheme: str) -> None:
            answer = refused(bank.running, act, 401, error, secrets=(token,)).response
            challenge = f'{scheme} realm="netid", error="{error}"'
            assert answer.headers["WWW-Authenticate"].startswith(challenge)
            assert bank.userinfo(token).status_code == 200

        return refuse

    def test_u2_a_bound_token_as_bearer(self, bank, token, unshown):
        unshown(lambda: show(bank.running, token, scheme="Bearer"), "invalid_token", "Bearer")

    def test_u2_nor_with_a_proof_beside_it(self, bank, token, unshown):
        proof = bank.dpop_proof("/userinfo", "GET", token)
        unshown(lambda: show(bank.running, token, scheme="Bearer", proof=proof), "invalid_token", "Bearer")

    def test_u2_nor_in_a_form(self, bank, token, unshown):
        form, proof = {"access_token": token}, bank.dpop_proof("/userinfo", "POST", token)
        url = bank.running.url("/userinfo")
        post = lambda: requests.post(url, data=form, headers={"DPoP": proof}, timeout=10)  # noqa: E731
        unshown(post, "invalid_token", "Bearer")

    def test_u2_without_a_proof(self, bank, token, unshown):
        unshown(lambda: show(bank.running, token), "invalid_dpop_proof", "DPoP")

    @pytest.mark.parametrize("ath", [None, "", "x", 7])
    def test_u2_a_wrong_ath(self, bank, token, unshown, ath):
        proof = bank.dpop_proof("/userinfo", "GET", token, ath=ath)
        unshown(lambda: show(bank.running, token, proof=proof), "invalid_dpop_proof", "DPoP")

    def test_u2_the_ath_of_another_token(self, bank, token, unshown):
        proof = bank.dpop_proof("/userinfo", "GET", bank.tokens()["access_token"])
        unshown(lambda: show(bank.running, token, proof=proof), "invalid_dpop_proof", "DPoP")

    def test_u2_another_key(self, bank, token, unshown):
        proof = replace(bank, dpop=fresh_key()).dpop_proof("/userinfo", "GET", token)
        unshown(lambda: show(bank.running, token, proof=proof), "invalid_token", "DPoP")

    def test_u2_a_proof_for_the_token_endpoint(self, bank, token, unshown):
        proof = bank.dpop_proof("/token", "POST", token)
        unshown(lambda: show(bank.running, token, proof=proof), "invalid_dpop_proof", "DPoP")

    def test_u2_a_bearer_token_with_a_proof(self, shop, refused):
        """7.1: what is not bound is not shown as if it were."""
        token = shop.tokens()["access_token"]
        proof = replace(shop, dpop=fresh_key()).dpop_proof("/userinfo", "GET", token)
        refused(shop.running, lambda: show(shop.running, token, proof=proof), 401, "invalid_token")
        assert shop.userinfo(token).status_code == 200

    def test_a_good_proof_for_a_token_that_is_none_writes_nothing(self, bank, refused):
        """Who is nobody could fill the database with what was used."""
        proof = bank.dpop_proof("/userinfo", "GET", PLANTED)
        refused(bank.running, lambda: show(bank.running, PLANTED, proof=proof), 401, "invalid_token")

    def test_by_post_with_the_header(self, bank, token):
        headers = {"Authorization": f"DPoP {token}", "DPoP": bank.dpop_proof("/userinfo", "POST", token)}
        answer = requests.post(bank.running.url("/userinfo"), headers=headers, timeout=10)
        assert answer.json().keys() == {"sub", "name", "document_number"}

    def test_the_scheme_in_any_case(self, bank, token):
        proof = bank.dpop_proof("/userinfo", "GET", token)
        assert show(bank.running, token, proof=proof, scheme="dpop").status_code == 200


def test_what_is_kept_of_a_proof_is_a_digest(bank):
    tokens = bank.tokens()
    bank.userinfo(tokens["access_token"])
    kept = [row for row in rows(bank.running)["single_use"] if row[0] == Kind.DPOP_JTI]
    assert len(kept) >= 2
    assert {len(row[1]) for row in kept} == {32}
