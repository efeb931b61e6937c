"""OpenID Connect RP-Initiated Logout 1.0: the person is asked, and nothing redirects that is not proven.

The modules of the OpenID Foundation's plan for it are named where a test covers one.
"""

import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from netid.credentials.jwk import SigningKey
from tests.pages import Visitor
from tests.protocol.forging import forge
from tests.protocol.refusals import ON_RECORD, PLANTED, Refusals
from tests.running import Client, Running

AFTER = "http://127.0.0.1:9/after"
ALSO = "http://127.0.0.1:9/after?kept=1"


@pytest.fixture
def shop(provider: Running) -> Client:
    """A relying party that may lead people back to two addresses."""
    return provider.register(post_logout_redirect_uris=[AFTER, ALSO])


@pytest.fixture
def visitor(shop: Client) -> Visitor:
    """A person who has signed in at the shop."""
    visitor = Visitor(shop.running).ask(shop).sign_in().press("agree")
    assert visitor.left is not None
    return visitor


def id_token(visitor: Visitor, shop: Client) -> str:
    """The ID token of that sign-in."""
    assert visitor.left is not None
    code = shop.running.callback(visitor.left).code
    token: str = shop.redeem(code).json()["id_token"]
    return token


def asked(visitor: Visitor, **parameters: str) -> Visitor:
    query = requests.Request("GET", visitor.running.url("/logout"), params=parameters).prepare().url
    assert query is not None
    return visitor.open(query)


def is_signed_in(visitor: Visitor) -> bool:
    response = visitor.browser.get(visitor.running.url("/records"), allow_redirects=False)
    return response.status_code == 200


def led_to(visitor: Visitor) -> str:
    assert visitor.left is not None
    assert visitor.left.status_code == 303
    return visitor.left.headers["Location"]


def test_with_a_hint_the_person_is_asked_and_led_back_with_the_state(visitor: Visitor, shop: Client) -> None:
    """oidcc-rp-initiated-logout."""
    hint = id_token(visitor, shop)
    asked(visitor, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="a b&c")
    assert visitor.page.name == "page-logout"
    assert is_signed_in(visitor), "asking ends nothing"
    visitor.press("agree")
    assert led_to(visitor) == f"{AFTER}?state=a+b%26c"
    assert not is_signed_in(visitor)


def test_the_id_token_stays_in_no_address(visitor: Visitor, shop: Client) -> None:
    hint = id_token(visitor, shop)
    asked(visitor, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert hint not in visitor.page.response.url
    assert hint not in visitor.page.response.text


def test_client_id_does_in_place_of_a_hint(visitor: Visitor) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER)
    visitor.press("agree")
    assert led_to(visitor) == AFTER
    assert not is_signed_in(visitor)


def test_a_query_of_the_registered_address_is_kept(visitor: Visitor) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=ALSO, state="s").press("agree")
    assert led_to(visitor) == f"{ALSO}&state=s"


def test_who_stays_signed_in_is_led_back_as_well(visitor: Visitor) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER).press("refuse")
    assert led_to(visitor) == AFTER
    assert is_signed_in(visitor)


def test_without_any_parameter_the_person_is_asked_and_stays_here(visitor: Visitor) -> None:
    """oidcc-rp-initiated-logout-no-params."""
    asked(visitor)
    assert visitor.page.name == "page-logout"
    assert not visitor.page.has("who-asks")
    visitor.press("agree")
    assert (visitor.page.name, visitor.left) == ("page-signed-out", None)
    assert not is_signed_in(visitor)


def test_a_state_alone_leads_nowhere(visitor: Visitor) -> None:
    """oidcc-rp-initiated-logout-only-state."""
    asked(visitor, state="s").press("agree")
    assert (visitor.page.name, visitor.left) == ("page-signed-out", None)


def test_a_hint_without_an_address_leads_nowhere(visitor: Visitor, shop: Client) -> None:
    """oidcc-rp-initiated-logout-no-post-logout-redirect-uri."""
    asked(visitor, id_token_hint=id_token(visitor, shop), state="s").press("agree")
    assert (visitor.page.name, visitor.left) == ("page-signed-out", None)


def test_an_expired_id_token_is_a_hint_all_the_same(visitor: Visitor, shop: Client) -> None:
    """2: also when its `exp` has passed."""
    hint = id_token(visitor, shop)
    shop.running.clock.advance(hours=2)
    asked(visitor, id_token_hint=hint, post_logout_redirect_uri=AFTER).press("agree")
    assert led_to(visitor) == AFTER


def test_a_post_becomes_a_get_that_has_the_cookies(visitor: Visitor, shop: Client) -> None:
    """2: GET and POST."""
    form = {"id_token_hint": id_token(visitor, shop), "post_logout_redirect_uri": AFTER, "state": "s"}
    sent = visitor.browser.post(
        shop.running.url("/logout"),
        data=form,
        headers={"Origin": "https://shop.example"},
        allow_redirects=False,
    )
    query = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert sent.status_code == 303
    assert query == {"client_id": ["a-shop"], "post_logout_redirect_uri": [AFTER], "state": ["s"]}


def test_nobody_signed_in_is_led_back_at_once(shop: Client) -> None:
    nobody = Visitor(shop.running)
    asked(nobody, client_id="a-shop", post_logout_redirect_uri=AFTER, state="s")
    assert led_to(nobody) == f"{AFTER}?state=s"


def test_the_page_speaks_the_language_that_was_asked_for(visitor: Visitor) -> None:
    visitor.browser.headers.pop("Accept-Language")
    assert asked(visitor, client_id="a-shop", ui_locales="en").page.one("html").get("lang") == "en"
    assert asked(visitor, client_id="a-shop", ui_locales="zh-CN").page.one("html").get("lang") == "zh-CN"


def test_a_logout_hint_is_understood_and_decides_nothing(visitor: Visitor) -> None:
    asked(visitor, client_id="a-shop", logout_hint="another-adult", post_logout_redirect_uri=AFTER).press(
        "agree"
    )
    assert not is_signed_in(visitor)


def test_the_forms_action_is_the_proven_origin_and_no_other(visitor: Visitor) -> None:
    policy = asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER).page.response.headers
    assert "form-action 'self' http://127.0.0.1:9;" in policy["Content-Security-Policy"]
    policy = asked(visitor, client_id="a-shop").page.response.headers
    assert "form-action 'self';" in policy["Content-Security-Policy"]


# What is not proven

Change = Callable[[dict[str, str], Client], dict[str, str]]

UNPROVEN: dict[str, Change] = {
    # oidcc-rp-initiated-logout-bad-post-logout-redirect-uri
    "an address that is not registered": lambda p, _: (
        p | {"post_logout_redirect_uri": "http://127.0.0.1:9/else"}
    ),
    # oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri
    "a query added to it": lambda p, _: p | {"post_logout_redirect_uri": f"{AFTER}?more=1"},
    "another case": lambda p, _: p | {"post_logout_redirect_uri": AFTER.replace("after", "After")},
    "a path below": lambda p, _: p | {"post_logout_redirect_uri": f"{AFTER}/.."},
    "a sign-in address": lambda p, _: p | {"post_logout_redirect_uri": "http://127.0.0.1:9/callback"},
    # oidcc-rp-initiated-logout-no-id-token-hint
    "an address, and nobody who asks": lambda p, _: {"post_logout_redirect_uri": AFTER},
    "somebody who is not registered": lambda p, _: p | {"client_id": "nobody"},
    "a NUL in it": lambda p, _: p | {"client_id": "a-shop\0"},
    # oidcc-rp-initiated-logout-bad-id-token-hint
    "a hint that is no token": lambda p, _: p | {"id_token_hint": PLANTED},
    # oidcc-rp-initiated-logout-modified-id-token-hint
    "a hint that was changed": lambda p, _: p | {"id_token_hint": p["id_token_hint"][:-4] + "AAAA"},
    "a hint by a stranger": lambda p, shop: p | {"id_token_hint": _by_a_stranger(shop)},
    "a hint that was issued to another": lambda p, _: p | {"client_id": "other"},
    "a state without end": lambda p, _: p | {"state": "s" * 2049},
}


def _by_a_stranger(shop: Client) -> str:
    key = SigningKey.generate("ES256", secrets.token_bytes)
    now = int(shop.running.clock.now().timestamp())
    claims = {
        "iss": shop.running.issuer,
        "aud": "a-shop",
        "sub": "s",
        "iat": now,
        "exp": now,
        "auth_time": now,
    }
    return forge({"alg": "ES256", "kid": key.public.kid}, claims, key)


@pytest.mark.parametrize("change", UNPROVEN.values(), ids=UNPROVEN)
def test_what_is_not_proven_is_a_page_without_a_location(
    visitor: Visitor, shop: Client, refused: Refusals, change: Change
) -> None:
    shop.running.register("other", post_logout_redirect_uris=[AFTER])
    parameters = {"id_token_hint": id_token(visitor, shop), "post_logout_redirect_uri": AFTER, "state": "s"}
    changed = change(parameters, shop)

    def ask() -> requests.Response:
        return visitor.browser.get(shop.running.url("/logout"), params=changed, allow_redirects=False)

    refusal = refused(shop.running, ask, 400, None, audited=ON_RECORD)
    assert "Location" not in refusal.response.headers
    assert is_signed_in(visitor)


def test_a_parameter_twice_is_refused(visitor: Visitor, shop: Client, refused: Refusals) -> None:
    url = shop.running.url("/logout?client_id=a-shop&client_id=other")
    act = lambda: visitor.browser.get(url, allow_redirects=False)  # noqa: E731
    refused(shop.running, act, 400, None, audited=ON_RECORD)


# The form


def test_only_this_browsers_own_form_signs_out(visitor: Visitor, shop: Client, refused: Refusals) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER)
    token = visitor.page.one("input", name="form_token").get("value") or ""
    url = shop.running.url("/logout/decide")
    own = {"Origin": shop.running.issuer}
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"decision": "agree"}, own),
        ({"decision": "agree", "form_token": "x" * 43}, own),
        ({"decision": "agree", "form_token": token}, {"Origin": "https://evil.example"}),
        ({"decision": "agree", "form_token": token}, {"Origin": "null"}),
    ]
    for form, headers in attempts:

        def send(form: dict[str, str] = form, headers: dict[str, str] = headers) -> requests.Response:
            return visitor.browser.post(url, data=form, headers=headers, allow_redirects=False)

        refused(shop.running, send, 403, None, audited=ON_RECORD)
    assert visitor.browser.get(url, allow_redirects=False).status_code == 405
    assert is_signed_in(visitor)


def test_a_form_cannot_be_bent_to_lead_elsewhere(visitor: Visitor, shop: Client, refused: Refusals) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER)
    token = visitor.page.one("input", name="form_token").get("value") or ""
    form = {
        "decision": "agree",
        "form_token": token,
        "client_id": "a-shop",
        "post_logout_redirect_uri": "https://evil.example/",
    }
    url, own = shop.running.url("/logout/decide"), {"Origin": shop.running.issuer}
    refused(
        shop.running,
        lambda: visitor.browser.post(url, data=form, headers=own, allow_redirects=False),
        400,
        None,
        audited=ON_RECORD,
    )
    assert is_signed_in(visitor)


def test_the_form_without_an_answer_is_shown_again(visitor: Visitor) -> None:
    asked(visitor, client_id="a-shop", post_logout_redirect_uri=AFTER)
    hidden = {
        element.get("name") or "": element.get("value") or ""
        for element in visitor.page.form_of("agree").all("input")
    }
    visitor.send("/logout/decide", hidden)
    assert visitor.page.faults.keys() == {"decision"}
    assert is_signed_in(visitor)


def test_the_metadata_says_where_and_it_answers_there(shop: Client) -> None:
    """oidcc-rp-initiated-logout-discovery-endpoint-verification."""
    url = shop.running.url("/.well-known/openid-configuration")
    metadata = json.loads(requests.get(url, timeout=10).text)
    assert metadata["end_session_endpoint"] == f"{shop.running.issuer}/logout"
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert requests.get(metadata["end_session_endpoint"], timeout=10).status_code == 200
