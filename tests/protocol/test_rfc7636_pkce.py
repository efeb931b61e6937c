"""RFC 7636: proof key for code exchange."""

import pytest

from tests.protocol.refusals import PLANTED

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def waived(shared):
    """A confidential client whose registration waives PKCE."""
    return shared.register("without-pkce", require_pkce=False)


def test_the_vector_of_appendix_b(shop):
    shop.verifier = VERIFIER
    assert shop.request()["code_challenge"] == CHALLENGE
    assert shop.redeem(shop.headless(code_challenge=CHALLENGE).code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "A"},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge": CHALLENGE[:-1] + "+"},
        {"code_challenge": CHALLENGE[:-1] + "\n"},
        {"code_challenge": CHALLENGE[:-1] + "é"},
        {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw cM"},
    ],
)
def test_p7_a_challenge_is_s256_and_of_its_length(shop, asked_wrongly, changes):
    asked_wrongly(shop, "invalid_request", **changes)


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "x" * 43,
        "x" * 42,
        "x" * 129,
        VERIFIER + "!",
        VERIFIER + "\n",
        VERIFIER.swapcase(),
        CHALLENGE,
        PLANTED,
        "é" * 43,
    ],
)
def test_t4_another_verifier_is_refused_and_the_code_lives(shop, refused, verifier):
    shop.verifier = VERIFIER
    code = shop.headless().code
    refused(
        shop.running,
        lambda: shop.redeem(code, code_verifier=verifier),
        400,
        "invalid_grant",
        audited=("token_refused",),
        secrets=(code, VERIFIER),
    )
    assert shop.redeem(code).status_code == 200


def test_a_verifier_of_the_longest_kind_works(shop):
    shop.verifier = "~" * 128
    assert shop.redeem(shop.headless().code).status_code == 200


def test_a_code_of_one_request_does_not_take_anothers_verifier(shop, refused):
    first = shop.headless().code
    shop.verifier = VERIFIER
    shop.headless()
    refused(shop.running, lambda: shop.redeem(first), 400, "invalid_grant", audited=("token_refused",))


class TestWaived:
    def test_a_registration_can_waive_it(self, waived):
        code = waived.headless(code_challenge=None, code_challenge_method=None).code
        assert waived.redeem(code, code_verifier=None).status_code == 200

    def test_then_a_nonce_is_the_relying_partys_own_affair(self, waived):
        """OpenID Connect Core, 3.1.2.1: in the code flow `nonce` is optional."""
        code = waived.headless(code_challenge=None, code_challenge_method=None, nonce=None).code
        assert waived.redeem(code, code_verifier=None).status_code == 200

    def test_a_challenge_that_is_sent_all_the_same_holds(self, waived, refused):
        code = waived.headless(nonce=None).code
        refused(
            waived.running,
            lambda: waived.redeem(code, code_verifier=None),
            400,
            "invalid_grant",
            audited=("token_refused",),
        )

    def test_a_method_without_a_challenge_is_refused(self, waived, refused):
        refused(waived.running, lambda: waived.authorize(code_challenge=None), 303, "invalid_request")

    def test_a_verifier_for_a_code_without_challenge_is_refused(self, waived, refused):
        """RFC 9700, 2.1.1: an attacker may have cut the challenge out of the request."""
        code = waived.headless(code_challenge=None, code_challenge_method=None).code
        refused(waived.running, lambda: waived.redeem(code), 400, "invalid_grant", audited=("token_refused",))


def test_nothing_of_it_is_in_the_discovery_document_but_s256(shared):
    answer = shared.browser().get(shared.url("/.well-known/openid-configuration")).json()
    assert answer["code_challenge_methods_supported"] == ["S256"]
