"""OpenID Connect Core, 3.1.2.1: an ID token that comes back says who is to be signed in, and nothing else."""

import json
import logging
import secrets

import pytest

from netid.credentials.jose import sign
from netid.credentials.jwk import SigningKey
from tests.protocol.forging import encoded, forge
from tests.protocol.reading import signed
from tests.protocol.refusals import PLANTED
from tests.protocol.visiting import Visitor, step_of
from tests.running import Client, Running

NOT_OURS = "login_required"


@pytest.fixture
def visitor(shop: Client) -> Visitor:
    return Visitor(shop.running)


def sign_in(client: Client, visitor: Visitor) -> str:
    """The ID token of a first sign-in at this relying party."""
    answer = client.running.callback(visitor.walk(client.authorize(visitor.browser)))
    token: str = client.redeem(answer.code).json()["id_token"]
    return token


def payload_of(running: Running, token: str) -> dict[str, object]:
    return signed(running, token)


class TestWhoIsMeant:
    def test_the_person_who_is_signed_in_goes_on_without_a_page(self, shop, visitor):
        hint = sign_in(shop, visitor)
        answer = shop.running.callback(shop.authorize(visitor.browser, prompt="none", id_token_hint=hint))
        again = shop.redeem(answer.code).json()["id_token"]
        assert payload_of(shop.running, again)["sub"] == payload_of(shop.running, hint)["sub"]

    def test_nobody_is_signed_in(self, shop, visitor, refused):
        hint = sign_in(shop, visitor)
        act = lambda: shop.authorize(prompt="none", id_token_hint=hint)  # noqa: E731
        refused(shop.running, act, 303, "login_required", secrets=(hint,))

    def test_another_person_is_signed_in(self, shop, visitor, refused):
        hint = shop.tokens("another-adult")["id_token"]
        sign_in(shop, visitor)
        act = lambda: shop.authorize(visitor.browser, prompt="none", id_token_hint=hint)  # noqa: E731
        refused(shop.running, act, 303, "login_required", secrets=(hint,))

    def test_another_person_may_sign_in_but_gets_no_code(self, shop, visitor):
        hint = shop.tokens("another-adult")["id_token"]
        sign_in(shop, visitor)
        page = visitor.open(shop.authorize(visitor.browser, id_token_hint=hint))
        assert step_of(page) == "sign-in"
        left = visitor.walk(visitor.send(page, who="persona:an-adult"))
        assert shop.running.callback(left).error == "access_denied"

    def test_the_person_who_is_meant_signs_in_and_gets_one(self, shop, visitor):
        hint = shop.tokens("another-adult")["id_token"]
        sign_in(shop, visitor)
        visitor.who = "persona:another-adult"
        answer = shop.running.callback(visitor.walk(shop.authorize(visitor.browser, id_token_hint=hint)))
        token = shop.redeem(answer.code).json()["id_token"]
        assert payload_of(shop.running, token)["sub"] == payload_of(shop.running, hint)["sub"]

    def test_by_a_rule_of_the_test_mode_nobody_else_answers_either(self, shop):
        hint = shop.tokens("another-adult")["id_token"]
        assert shop.headless("an-adult", id_token_hint=hint).error == "access_denied"
        assert shop.headless("another-adult", id_token_hint=hint).code

    def test_a_hint_and_a_sub_that_name_two_people_are_answered_by_nobody(self, shop, refused):
        tokens = [shop.tokens(persona)["id_token"] for persona in ("an-adult", "another-adult")]
        one, other = (payload_of(shop.running, token)["sub"] for token in tokens)
        for sub, error in ((one, None), (other, NOT_OURS)):
            wanted = json.dumps({"id_token": {"sub": {"value": sub}}})
            changes = {"id_token_hint": tokens[0], "claims": wanted}
            if error is None:
                assert shop.headless(**changes).code
            else:
                refused(shop.running, lambda changes=changes: shop.authorize(**changes), 303, error)

    def test_it_may_have_expired_long_ago(self, provider):
        client, visitor = provider.register(), Visitor(provider)
        hint = sign_in(client, visitor)
        provider.clock.advance(hours=7)
        answer = provider.callback(client.authorize(visitor.browser, prompt="none", id_token_hint=hint))
        assert answer.code

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    def test_a_key_that_signs_no_longer_still_verifies_it(self, shared, algorithm):
        client = shared.register(f"hint-{algorithm.lower()}", id_token_signed_response_alg=algorithm)
        assert client.headless(id_token_hint=client.tokens()["id_token"]).code


class TestWhatIsNoHintOfOurs:
    """The pages are not shown for a hint that nobody could answer."""

    @pytest.fixture
    def turned_away(self, shop, refused):
        def turn_away(hint: str, error: str = NOT_OURS) -> str:
            for prompt in ("none", None):
                act = lambda prompt=prompt: shop.authorize(prompt=prompt, id_token_hint=hint)  # noqa: E731
                said = refused(shop.running, act, 303, error, secrets=(hint,)).description
            return said

        return turn_away

    @pytest.fixture
    def claims(self, shop) -> dict[str, object]:
        return payload_of(shop.running, shop.tokens()["id_token"])

    def test_another_clients(self, another_shop, turned_away):
        assert "another client" in turned_away(another_shop.tokens()["id_token"])

    def test_signed_by_a_stranger(self, claims, turned_away):
        key = SigningKey.generate("ES256", secrets.token_bytes)
        turned_away(sign(claims, key, None))

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://another.example"},
            {"aud": ["a-shop"]},
            {"aud": None},
            {"sub": None},
            {"sub": 1},
            {"exp": None},
            {"iat": None},
            {"auth_time": None},
            {"iat": 4_000_000_000},
        ],
        ids=str,
    )
    def test_not_as_we_write_them(self, shop, claims, turned_away, changes):
        key = shop.running.keyring.id_token_key("ES256", shop.running.clock.now())
        merged = {name: value for name, value in (claims | changes).items() if value is not None}
        turned_away(sign(merged, key, None))

    def test_a_receipts_key_signs_no_id_tokens(self, shop, claims, turned_away):
        turned_away(sign(claims, shop.running.keyring.receipt_key(shop.running.clock.now()), None))

    def test_a_signed_userinfo_answer_is_no_id_token(self, shared, refused):
        client = shared.register("signed-userinfo", userinfo_signed_response_alg="ES256")
        answer = client.userinfo(client.tokens()["access_token"]).text
        act = lambda: client.authorize(id_token_hint=answer)  # noqa: E731
        refused(client.running, act, 303, NOT_OURS, secrets=(answer,))

    @pytest.mark.parametrize(
        "header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256", "jwk": {}}], ids=str
    )
    def test_whose_header_decides_how_it_is_verified(self, claims, turned_away, header):
        key = SigningKey.generate("ES256", secrets.token_bytes)
        turned_away(forge(header, claims, key))

    @pytest.mark.parametrize(
        "hint",
        [
            PLANTED,
            "a.b",
            f"{encoded({})}.{encoded(PLANTED)}.{encoded('x')}",
            f"{encoded({})}.{encoded('[1]')}.{encoded('x')}",
            "a.b.c.d.e",
            "ä.b.c",
        ],
        ids=["a word", "two parts", "no JSON", "no object", "encrypted", "not ASCII"],
    )
    def test_what_is_no_token_at_all_is_malformed(self, turned_away, hint):
        turned_away(hint, "invalid_request")


class TestPushed:
    def test_it_names_the_person_there_as_well(self, shop, visitor):
        hint = shop.tokens("another-adult")["id_token"]
        left = visitor.walk(shop.begin(shop.pushed(id_token_hint=hint), visitor.browser))
        assert shop.running.callback(left).error == "access_denied"
        silent = shop.begin(shop.pushed(id_token_hint=hint, prompt="none"), visitor.browser)
        assert shop.running.callback(silent).error == "login_required"

    def test_one_that_is_not_ours_is_refused_when_it_is_pushed(self, shop, another_shop, refused):
        hint = another_shop.tokens()["id_token"]
        for sent, error in ((hint, NOT_OURS), (PLANTED, "invalid_request")):
            act = lambda sent=sent: shop.push(id_token_hint=sent)  # noqa: E731
            refused(shop.running, act, 400, error, secrets=(hint,), audited=("push_refused",))


def test_neither_the_hint_nor_who_is_meant_is_in_the_log(shop, visitor, caplog):
    hint = sign_in(shop, visitor)
    subject = str(payload_of(shop.running, hint)["sub"])
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        for changed in (hint, hint[:-4] + "AAAA", hint[:40]):
            shop.authorize(visitor.browser, prompt="none", id_token_hint=changed)
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("netid"))
    assert said
    assert not [part for part in (*hint.split("."), subject) if part in said]
