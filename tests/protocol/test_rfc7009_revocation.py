"""RFC 7009: a relying party ends its own access token."""

import pytest
import requests

from tests.protocol.refusals import PLANTED, rows
from tests.running import Client


def revoke(client: Client, token: str | None, **more: str) -> requests.Response:
    """POST /revoke, authenticated."""
    form = {name: value for name, value in {"token": token, **more}.items() if value is not None}
    auth = (client.client_id, client.secret)
    return requests.post(client.running.url("/revoke"), data=form, auth=auth, timeout=10)


def test_a_revoked_token_is_dead_at_once(shop, refused):
    token = shop.tokens()["access_token"]
    assert shop.userinfo(token).status_code == 200
    answer = revoke(shop, token)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    refused(shop.running, lambda: shop.userinfo(token), 401, "invalid_token", secrets=(token,))


def test_revoking_twice_is_no_error(shop):
    token = shop.tokens()["access_token"]
    assert [revoke(shop, token).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something-else"])
def test_the_hint_changes_nothing(shop, hint):
    token = shop.tokens()["access_token"]
    assert revoke(shop, token, token_type_hint=hint).status_code == 200
    assert shop.userinfo(token).status_code == 401


@pytest.mark.parametrize("token", [PLANTED, "x" * 8000, "ä"])
def test_an_unknown_token_is_answered_like_any_other(shop, token):
    before = rows(shop.running)
    assert revoke(shop, token).status_code == 200
    assert rows(shop.running) == before


def test_u4_anothers_token_is_left_as_it_is_and_nothing_tells(shop, another_shop):
    token = shop.tokens()["access_token"]
    before = rows(shop.running)
    answer = revoke(another_shop, token)
    assert (answer.status_code, answer.content) == (200, b"")
    assert rows(shop.running) == before
    assert shop.userinfo(token).status_code == 200


def test_a_code_an_id_token_and_a_session_are_no_access_tokens(shop):
    code, tokens = shop.headless().code, shop.tokens()
    for other in (code, tokens["id_token"]):
        assert revoke(shop, other).status_code == 200
    assert shop.redeem(code).status_code == 200


def test_a_token_has_to_be_named(shop, refused):
    said = refused(
        shop.running,
        lambda: revoke(shop, None, token_type_hint="access_token"),
        400,
        "invalid_request",
        audited=("token_refused",),
    ).description
    assert said == "token is missing; send the access token to end"


def test_p1_nobody_revokes_without_proving_who_they_are(shop, refused):
    token, url = shop.tokens()["access_token"], shop.running.url("/revoke")
    for auth in (None, (shop.client_id, "wrong" * 8), (PLANTED, "wrong" * 8)):
        refused(
            shop.running,
            lambda who=auth: requests.post(url, data={"token": token}, auth=who, timeout=10),
            401,
            "invalid_client",
            secrets=(token, shop.secret),
        )
    assert shop.userinfo(token).status_code == 200
