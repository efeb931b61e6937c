"""RFC 7523 and OpenID Connect Core, 9: relying parties that prove themselves with a key."""

import hmac
import json
import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from netid.credentials.jwk import PublicKey, SigningKey
from tests.protocol.forging import ASSERTION_TYPE, Keyed, encoded, forge
from tests.protocol.refusals import PLANTED
from tests.running import Running

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_NUMBERS = count(1)


@pytest.fixture
def keyed(shared: Running) -> Keyed:
    """A relying party with a P-256 key that nobody has met yet."""
    return Keyed.register(shared, f"keyed-{next(_NUMBERS)}")


@pytest.fixture
def code(keyed: Keyed) -> str:
    """A code of it; no refused assertion may use it up."""
    return keyed.client.headless().code


@pytest.fixture(params=["/token", "/par"])
def prove(request: pytest.FixtureRequest, keyed: Keyed, code: str) -> Callable[..., requests.Response]:
    """Sends an assertion to an endpoint where relying parties prove themselves."""
    return partial(keyed.redeem, code) if request.param == "/token" else keyed.push


@pytest.fixture
def unproved(keyed, code, prove, refused):
    """Asserts that an assertion proves nothing, and that the code lives on for a good one."""

    def refuse(assertion: str, error: str = "invalid_client", **changes: str | None) -> str:
        status = 401 if error == "invalid_client" else 400
        refusal = refused(
            keyed.client.running,
            lambda: prove(assertion, **changes),
            status,
            error,
            secrets=(assertion, code),
        )
        if status == 401:
            assert refusal.response.headers["WWW-Authenticate"].startswith("Basic ")
        assert prove(keyed.assertion()).status_code in (200, 201)
        return refusal.description

    return refuse


class TestAGoodAssertion:
    def test_it_proves_the_client_with_or_without_client_id(self, keyed):
        for client_id in (None, keyed.client.client_id):
            code = keyed.client.headless().code
            assert keyed.redeem(code, keyed.assertion(), client_id=client_id).status_code == 200

    def test_another_library_makes_one(self, keyed, code):
        key = ECKey.import_key(keyed.key.private_jwk())
        assertion = jwt.encode(keyed.header, keyed.payload(), key)
        assert keyed.redeem(code, assertion).status_code == 200

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt"])
    def test_typ_may_say_that_it_is_a_jwt(self, keyed, code, typ):
        assertion = forge({**keyed.header, "typ": typ}, keyed.payload(), keyed.key)
        assert keyed.redeem(code, assertion).status_code == 200

    def test_kid_may_be_left_out_where_one_key_fits(self, keyed, code):
        assertion = forge({"alg": "ES256"}, keyed.payload(), keyed.key)
        assert keyed.redeem(code, assertion).status_code == 200

    def test_an_rsa_key_signs_with_rs256(self, shared):
        keyed = Keyed.register(shared, "rsa-keyed", "RS256")
        assert keyed.redeem(keyed.client.headless().code, keyed.assertion()).status_code == 200

    def test_a_signature_with_a_high_s_is_as_good(self, keyed, code):
        """Half of all ordinary signatures have one; RFC 7518, 3.4 asks for neither."""
        head, payload, _signature = keyed.assertion().split(".")
        raw = keyed.key.sign(f"{head}.{payload}".encode())
        low_or_high = int.from_bytes(raw[32:])
        high = max(low_or_high, P256_ORDER - low_or_high)
        signature = encoded(raw[:32] + high.to_bytes(32))
        assert keyed.redeem(code, f"{head}.{payload}.{signature}").status_code == 200

    @pytest.mark.parametrize("changes", [{"iat": 8}, {"exp": -8}, {"exp": 3608}, {"nbf": 8}])
    def test_p5_clocks_may_be_ten_seconds_apart(self, keyed, code, changes):
        now = int(keyed.client.running.clock.now().timestamp())
        moved = {name: now + seconds for name, seconds in changes.items()}
        assert keyed.redeem(code, keyed.assertion(**moved)).status_code == 200

    def test_times_may_have_fractions(self, keyed, code):
        now = keyed.client.running.clock.now().timestamp()
        assert keyed.redeem(code, keyed.assertion(iat=now, exp=now + 30.5)).status_code == 200


class TestWhatItSays:
    def test_p2_the_audience_is_the_issuer_alone(self, keyed, prove, unproved):
        issuer = keyed.client.running.issuer
        for audience in (
            f"{issuer}/token",
            f"{issuer}/",
            issuer.upper(),
            [issuer],
            [issuer, f"{issuer}/token"],
            f"{issuer} {issuer}",
            None,
            "",
            {"": issuer},
        ):
            claims = keyed.payload(aud=audience)
            assert claims.get("aud") == audience
            assertion = forge(keyed.header, claims, keyed.key)
            assert prove(assertion).status_code == 401
        unproved(keyed.assertion(aud=f"{issuer}/token"))

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "another"},
            {"iss": None},
            {"iss": ["x"]},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": PLANTED},
            {"sub": "a\x00b"},
            {"jti": None},
            {"jti": ""},
            {"jti": 7},
            {"jti": ["x"]},
        ],
    )
    def test_who_says_it_and_its_name_are_needed(self, keyed, unproved, changes):
        unproved(keyed.assertion(**changes))

    @pytest.mark.parametrize(
        "times",
        [
            '"iat": 0',
            '"exp": NaN',
            '"exp": Infinity',
            '"exp": 1e999',
            '"exp": -1',
            '"exp": "9999999999"',
            '"exp": true',
            '"exp": null',
            '"exp": [9999999999]',
            '"exp": 99999999999999999999',
            '"exp": 9e15',
        ],
    )
    def test_p5_exp_is_a_time(self, keyed, unproved, times):
        claims = json.dumps(keyed.payload(exp=None, iat=None))
        unproved(forge(keyed.header, f"{claims[:-1]}, {times}}}", keyed.key))

    @pytest.mark.parametrize(
        "changes", [{"iat": 61}, {"exp": -11}, {"exp": 3620}, {"exp": 86400}, {"nbf": 61}, {"iat": 12}]
    )
    def test_p5_it_holds_now_and_not_for_long(self, keyed, unproved, changes):
        now = int(keyed.client.running.clock.now().timestamp())
        unproved(keyed.assertion(**{name: now + seconds for name, seconds in changes.items()}))

    def test_u7_a_member_that_comes_twice_is_refused(self, keyed, prove, unproved):
        claims = json.dumps(keyed.payload())
        for member in (f'"sub": "{keyed.client.client_id}"', '"iss": "x"', '"exp": 1'):
            assert prove(forge(keyed.header, f"{{{member}, {claims[1:]}", keyed.key)).status_code == 401
        unproved(forge(f'{{"alg": "none", {json.dumps(keyed.header)[1:]}', claims, keyed.key))


class TestHowItIsSigned:
    """P4: nothing in a token decides how it is verified."""

    @pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 7, "HS256", "ES256K", "PS256"])
    def test_p4_an_algorithm_from_outside_the_list(self, keyed, unproved, alg):
        unproved(forge({**keyed.header, "alg": alg}, keyed.payload(), keyed.key))

    def test_p4_none_without_a_signature(self, keyed, unproved):
        unproved(f"{encoded({'alg': 'none'})}.{encoded(keyed.payload())}.")

    def test_p4_a_public_key_is_no_hmac_secret(self, keyed, prove, unproved):
        jwk = keyed.key.public.jwk()
        signing_input = f"{encoded({'alg': 'HS256', 'kid': jwk['kid']})}.{encoded(keyed.payload())}"
        for secret in (json.dumps(jwk), jwk["x"], jwk["x"] + jwk["y"]):
            signature = hmac.digest(secret.encode(), signing_input.encode(), "sha256")
            assert prove(f"{signing_input}.{encoded(signature)}").status_code == 401
        unproved(f"{signing_input}.{encoded(signature)}")

    def test_p4_another_key_of_another_algorithm(self, keyed, unproved):
        rsa = SigningKey.generate("RS256", secrets.token_bytes)
        unproved(forge({"alg": "RS256", "kid": keyed.header["kid"]}, keyed.payload(), rsa))

    def test_p4_a_stranger_under_the_clients_kid(self, keyed, unproved):
        unproved(forge(keyed.header, keyed.payload(), SigningKey.generate("ES256", secrets.token_bytes)))

    def test_p4_a_key_or_a_place_of_one_in_the_header_and_nothing_is_fetched(self, keyed, prove, unproved):
        stranger = SigningKey.generate("ES256", secrets.token_bytes)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            place = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks"
            for more in (
                {"jwk": stranger.public.jwk()},
                {"jku": place},
                {"x5u": place},
                {"x5c": ["MIIB"]},
                {"x5t": "x"},
                {"crit": ["exp"]},
                {"crit": []},
                {"b64": False},
                {"kid": 7},
                {"kid": None},
                {"kid": "../../etc/passwd"},
                {"typ": "at+jwt"},
                {"typ": "dpop+jwt"},
            ):
                assertion = forge({**keyed.header, **more}, keyed.payload(), keyed.key)
                assert prove(assertion).status_code == 401, more
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()
        unproved(forge({"alg": "ES256", "jwk": stranger.public.jwk()}, keyed.payload(), stranger))

    def test_p4_a_token_that_is_put_together_otherwise(self, keyed, prove, unproved):
        head, payload, signature = keyed.assertion().split(".")
        raw = keyed.key.sign(f"{head}.{payload}".encode())
        for assertion in (
            "",
            ".",
            "..",
            f"{head}.{payload}",
            f"{head}.{payload}.",
            f"{head}.{payload}.{signature}.",
            f"{head}.{payload}.{signature}=",
            f"{head}=.{payload}.{signature}",
            f"{head}.{payload}.{signature[:-1]}",
            f"{head}.{payload}.{encoded(raw[:63])}",
            f"{head}.{payload}.{encoded(bytes(64))}",
            f"{head}.{payload}.{encoded(b'0' + raw)}",
            f"{head}.{payload}\n.{signature}",
            f"{encoded('[]')}.{payload}.{signature}",
            f"{encoded(bytes([255]))}.{payload}.{signature}",
            f"{head}.{encoded('{')}.{signature}",
            f"{head}.{encoded('[' * 3000)}.{signature}",
            f"{head}.{encoded({'sub': keyed.client.client_id, 'n': 10**300})}.{signature}",
            f"{head[:-2]}é.{payload}.{signature}",
        ):
            answer = prove(assertion)
            assert answer.status_code == 401, assertion
            assert answer.json()["error"] == "invalid_client"
        unproved(f"{head}.{payload}.{signature[:-2]}AA")

    def test_two_keys_that_fit_and_no_kid_prove_nothing(self, shared):
        keys = [SigningKey.generate("ES256", secrets.token_bytes) for _ in range(2)]
        jwks = {"keys": [key.public.jwk() for key in keys]}
        keyed = replace(Keyed.register(shared, "two-keys", jwks=jwks), key=keys[1])
        code = keyed.client.headless().code
        for key in keys:
            assert keyed.redeem(code, forge({"alg": "ES256"}, keyed.payload(), key)).status_code == 401
        assert keyed.redeem(code, keyed.assertion()).status_code == 200


class TestOnce:
    def test_p3_a_jti_is_good_once(self, keyed, unproved):
        assertion = keyed.assertion()
        assert keyed.redeem(keyed.client.headless().code, assertion).status_code == 200
        unproved(assertion)

    def test_p3_also_when_what_it_was_used_for_failed(self, keyed, unproved):
        assertion = keyed.assertion()
        assert keyed.redeem("x", assertion).status_code == 400
        unproved(assertion)

    def test_p3_under_a_second_valid_signature_too(self, keyed, unproved):
        claims = keyed.payload()
        assert keyed.redeem("x", forge(keyed.header, claims, keyed.key)).status_code == 400
        unproved(forge(keyed.header, claims, keyed.key))

    def test_p3_eight_at_once_over_two_workers_and_one_wins(self, start):
        first = start()
        second = start(beside=first)
        keyed = Keyed.register(first, "keyed")
        codes = [keyed.client.headless().code for _ in range(8)]
        assertion, together = keyed.assertion(), threading.Barrier(8)

        def redeem(number: int) -> int:
            together.wait()
            return keyed.at(first if number % 2 else second).redeem(codes[number], assertion).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(redeem, range(8))) == [200] + [401] * 7

    def test_a_jti_is_its_clients_own(self, keyed, shared):
        other = Keyed.register(shared, f"keyed-{next(_NUMBERS)}")
        for who in (keyed, other):
            assertion = who.assertion(jti="the-same")
            assert who.redeem(who.client.headless().code, assertion).status_code == 200

    def test_f11_it_does_not_come_back_when_the_clock_jumps(self, start):
        """An hour ahead and back again, and what was used stays used."""
        running = start()
        keyed = Keyed.register(running, "keyed")
        assertion = keyed.assertion()
        assert keyed.redeem("x", assertion).status_code == 400
        running.clock.advance(hours=1)
        running.provider.housekeeping.forget()
        running.clock.advance(hours=-1)
        assert keyed.redeem("x", assertion).status_code == 401


class TestHowItIsSent:
    def test_its_type_has_to_be_named(self, keyed, unproved):
        said = unproved(keyed.assertion(), "invalid_request", client_assertion_type=None)
        assert ASSERTION_TYPE in said

    def test_another_type_is_refused(self, keyed, unproved):
        other = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
        unproved(keyed.assertion(), "invalid_request", client_assertion_type=other)

    def test_a_secret_beside_it_is_a_second_way(self, keyed, unproved):
        unproved(keyed.assertion(), "invalid_request", client_secret=PLANTED)

    def test_another_client_id_beside_it_proves_nothing(self, keyed, shop, unproved):
        unproved(keyed.assertion(), client_id=shop.client_id)

    def test_one_of_ten_kilobytes_is_not_looked_at(self, keyed, unproved):
        unproved(keyed.assertion(padding="x" * 10_000), "invalid_request")


class TestWhoIsNotKnown:
    """T12: an unknown client and a bad signature are answered with the same bytes, for the same work."""

    def test_t12_the_same_answer_for_the_same_work(self, keyed, shop, monkeypatch):
        stranger = SigningKey.generate("ES256", secrets.token_bytes)
        checked = []
        accepts = PublicKey.accepts

        def counted(key: PublicKey, signature: bytes, message: bytes) -> bool:
            checked.append(key.algorithm)
            return accepts(key, signature, message)

        monkeypatch.setattr(PublicKey, "accepts", counted)
        answers = []
        for client_id in (keyed.client.client_id, "nobody-here", shop.client_id):
            claims = keyed.payload(iss=client_id, sub=client_id)
            answer = keyed.redeem("x", forge({**keyed.header}, claims, stranger))
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            answers.append((answer.status_code, headers, answer.content, tuple(checked)))
            checked.clear()
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][3] == ("ES256",)

    def test_a_client_of_another_method_cannot_use_its_keys(self, shared, refused):
        key = SigningKey.generate("ES256", secrets.token_bytes)
        client = shared.register("secret-and-keys", jwks={"keys": [key.public.jwk()]})
        keyed = Keyed(client, key)
        refused(shared, lambda: keyed.redeem("x", keyed.assertion()), 401, "invalid_client")

    def test_a_client_with_keys_cannot_use_a_secret(self, keyed, refused):
        as_secret = replace(keyed.client, secret="x" * 43)
        refused(keyed.client.running, lambda: as_secret.redeem("x"), 401, "invalid_client")
