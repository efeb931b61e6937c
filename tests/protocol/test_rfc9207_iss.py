"""RFC 9207: every authorization response says whose it is."""

import pytest

from tests.protocol.visiting import Visitor


@pytest.mark.parametrize("decision", ["agree", "refuse", "leave"])
def test_a_decision_comes_back_with_iss(shop, decision):
    answer = shop.headless(rule={"decision": decision})
    assert answer.parameters["iss"] == shop.running.issuer
    assert ("code" in answer.parameters) == (decision == "agree")


@pytest.mark.parametrize(
    "changes", [{"response_type": "token"}, {"scope": "none"}, {"prompt": "none"}, {"max_age": "x"}]
)
def test_an_error_comes_back_with_iss(shop, changes):
    answer = shop.running.callback(shop.authorize(**changes))
    assert answer.error
    assert answer.parameters["iss"] == shop.running.issuer
    assert answer.parameters["state"] == "a-state"


def test_a_decision_on_the_pages_comes_back_with_iss(shop):
    visitor = Visitor(shop.running)
    answer = shop.running.callback(visitor.walk(shop.authorize(visitor.browser)))
    assert (answer.parameters["iss"], answer.parameters["state"]) == (shop.running.issuer, "a-state")
    assert answer.code


def test_iss_is_the_issuer_of_discovery_and_of_the_id_token_to_the_letter(shop):
    metadata = shop.running.browser().get(shop.running.url("/.well-known/openid-configuration")).json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert shop.headless().parameters["iss"] == metadata["issuer"]
