"""Faulty answers: error codes, statuses, malformed JSON and mixed-up issuers, as they were declared."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from werkzeug.test import Client as WsgiClient
from werkzeug.wrappers import Response

from netid.client.errors import (
    CallbackRefused,
    ClientError,
    ClientRefused,
    CodeRefused,
    FieldsEnded,
    FieldsRefused,
    IDTokenRefused,
    MetadataRefused,
    ProviderUnreachable,
    Refused,
)
from netid.control import faulty_answers
from netid.control.fault_reading import read_fault
from netid.control.faulty_answers import FaultyAnswers
from netid.control.standing_faults import Faults
from netid.credentials.keyring import Keyring
from tests.control.faulted import Faulted, Shop, faulted_provider
from tests.pages import Visitor


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    with faulted_provider(tmp_path_factory.mktemp("faulted") / "it", keyring, template) as provider:
        yield provider


@pytest.fixture
def faulted(own: Faulted) -> Faulted:
    """The provider without a fault."""
    own.faults.clear()
    return own


PATHS = {
    "discovery": "/.well-known/openid-configuration",
    "jwks": "/jwks",
    "par": "/par",
    "authorize": "/authorize",
    "token": "/token",
    "userinfo": "/userinfo",
    "revoke": "/revoke",
}


def answer_of(faulted: Faulted, endpoint: str) -> requests.Response:
    method = "POST" if endpoint in {"par", "token", "revoke"} else "GET"
    form = {"x": "y"} if method == "POST" else None
    return requests.request(method, faulted.running.url(PATHS[endpoint]), data=form, timeout=10)


@pytest.mark.parametrize("endpoint", PATHS)
@pytest.mark.parametrize(("status", "retry_after"), [(429, 7), (503, 120), (500, None)])
def test_the_provider_is_not_able_to_work(
    faulted: Faulted, endpoint: str, status: int, retry_after: int | None
) -> None:
    before = answer_of(faulted, endpoint)
    faulted.declare(endpoint, "unavailable", status=status, retry_after=retry_after, count=1)
    struck, after = answer_of(faulted, endpoint), answer_of(faulted, endpoint)

    assert struck.status_code == status
    assert struck.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert after.status_code == before.status_code != status


@pytest.mark.parametrize("endpoint", ["par", "token", "userinfo", "revoke"])
def test_an_oauth_error_is_answered_with_its_code_and_status(faulted: Faulted, endpoint: str) -> None:
    faulted.declare(endpoint, "error", code="a_code_of_ours", status=418)
    answer = answer_of(faulted, endpoint)

    assert answer.status_code == 418
    assert answer.json()["error"] == "a_code_of_ours"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_is_not_used_up_by_a_fault_in_its_place(faulted: Faulted) -> None:
    shop = faulted.running.register("retrying")
    code = shop.headless().code
    faulted.declare("token", "unavailable", count=1)

    assert [shop.redeem(code).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("endpoint", ["discovery", "jwks", "par", "token", "userinfo"])
@pytest.mark.parametrize("form", ["cut", "twice", "list"])
def test_an_answer_is_not_one_strict_json_object(faulted: Faulted, endpoint: str, form: str) -> None:
    shop = faulted.running.register("reading")
    token = shop.tokens()["access_token"]
    right = {
        "discovery": lambda: answer_of(faulted, "discovery"),
        "jwks": lambda: answer_of(faulted, "jwks"),
        "par": shop.push,
        "token": lambda: shop.redeem(shop.headless().code),
        "userinfo": lambda: shop.userinfo(token),
    }[endpoint]
    before = right()
    faulted.declare(endpoint, "malformed_json", form=form)
    struck = right()

    assert (struck.status_code, struck.headers["Content-Type"]) == (
        before.status_code,
        before.headers["Content-Type"],
    )
    assert int(struck.headers["Content-Length"]) == len(struck.content)
    if form == "cut":
        with pytest.raises(json.JSONDecodeError):
            json.loads(struck.text)
    elif form == "list":
        assert [names.keys() for names in json.loads(struck.text)] == [before.json().keys()]
    else:
        names = [name for name, _ in json.loads(struck.text, object_pairs_hook=list)]
        assert names == [names[0], *before.json()]


# The redirect back


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def test_the_redirect_back_carries_an_error_in_place_of_its_code(faulted: Faulted) -> None:
    shop = faulted.running.register("redirected")
    faulted.declare("authorize", "error", code="temporarily_unavailable")

    assert shop.headless(state="mine").parameters == {
        "error": "temporarily_unavailable",
        "error_description": "a fault that the test declared",
        "state": "mine",
        "iss": faulted.running.issuer,
    }


@pytest.mark.parametrize("issuer", ["https://attacker.example", None])
def test_the_redirect_back_names_another_issuer_or_none(faulted: Faulted, issuer: str | None) -> None:
    shop = faulted.running.register("mixed-up")
    faulted.declare("authorize", "mix_up", issuer=issuer)
    sent = shop.headless(state="mine").parameters

    assert sent.get("iss") == issuer
    assert sent["state"] == "mine"
    assert sent["code"]


@pytest.mark.parametrize("profile", ["oidc", "fapi2"])
def test_a_redirect_that_a_page_sends_is_struck_too_for_its_relying_party_alone(
    faulted: Faulted, profile: str
) -> None:
    struck = faulted.running.register("by-page", profile=profile)
    spared = faulted.running.register("by-page-too", profile=profile)
    faulted.declare("authorize", "error", code="server_error", match={"client_id": "by-page"})
    left = {}
    for shop in (struck, spared):
        visitor = Visitor(faulted.running).ask(shop, state=f"of-{shop.client_id}").sign_in()
        visitor.press("agree") if visitor.left is None else None
        assert visitor.left is not None
        left[shop.client_id] = query(visitor.left.headers["Location"])

    assert left["by-page"]["error"] == "server_error"
    assert left["by-page-too"]["code"]


def test_pages_and_redirects_within_the_provider_are_left_alone(faulted: Faulted) -> None:
    shop = faulted.running.register("pages")
    faulted.declare("authorize", "mix_up")
    page = Visitor(faulted.running).ask(shop).page
    address = faulted.running.url("/authorize")
    posted = requests.post(address, shop.request(), allow_redirects=False, timeout=10)

    assert page.name == "page-sign-in"
    assert posted.headers["Location"].startswith(f"{address}?")
    assert [standing.struck for standing in faulted.faults.all()] == [0]


def test_the_sign_ins_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs for weeks keeps no more than a test needs."""
    monkeypatch.setattr(faulty_answers, "MOST_REQUESTS", 2)
    faults = Faults(has_line=False)
    client = WsgiClient(FaultyAnswers(redirecting, faults))
    faults.declare(read_fault({"endpoint": "authorize", "fault": "mix_up", "match": {"client_id": "a"}}))
    states = ("first", "second", "third")
    for state in states:
        client.get("/authorize", query_string={"client_id": "a", "state": state})
    issuers = [
        query(client.get(f"/decide/{state}").location)["iss"] for state in ("first", "second", "third")
    ]

    assert issuers == ["https://me.example", *["https://another-provider.example"] * 2]


def redirecting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A provider whose authorize endpoint shows a page, and whose pages send back."""
    state = environ["PATH_INFO"].rpartition("/")[2]
    location = f"https://shop.example/?code=x&state={state}&iss=https://me.example"
    headers = {"Location": location} if environ["PATH_INFO"].startswith("/decide") else {}
    return Response(status=303 if headers else 200, headers=headers)(environ, start_response)


# The SDK


def sign_in(shop: Shop) -> object:
    return shop.sign_in()


def read_fields(shop: Shop) -> object:
    return shop.client.fields(shop.sign_in())


def end(shop: Shop) -> object:
    return shop.client.end(shop.sign_in())


SDK: dict[str, tuple[dict[str, Any], type[ClientError], Callable[[Shop], object]]] = {
    "discovery is malformed": (
        {"endpoint": "discovery", "fault": "malformed_json", "form": "twice"},
        MetadataRefused,
        sign_in,
    ),
    "discovery says 503": ({"endpoint": "discovery", "fault": "unavailable"}, ProviderUnreachable, sign_in),
    "the keys are malformed": ({"endpoint": "jwks", "fault": "malformed_json"}, MetadataRefused, sign_in),
    "the person's provider is overloaded": (
        {"endpoint": "authorize", "fault": "error", "code": "temporarily_unavailable"},
        ProviderUnreachable,
        sign_in,
    ),
    "access is denied": (
        {"endpoint": "authorize", "fault": "error", "code": "access_denied"},
        Refused,
        sign_in,
    ),
    "another issuer answers": ({"endpoint": "authorize", "fault": "mix_up"}, CallbackRefused, sign_in),
    "no issuer answers": (
        {"endpoint": "authorize", "fault": "mix_up", "issuer": None},
        CallbackRefused,
        sign_in,
    ),
    "the code is refused": (
        {"endpoint": "token", "fault": "error", "code": "invalid_grant"},
        CodeRefused,
        sign_in,
    ),
    "the client is refused": (
        {"endpoint": "token", "fault": "error", "code": "invalid_client", "status": 401},
        ClientRefused,
        sign_in,
    ),
    "tokens are malformed": (
        {"endpoint": "token", "fault": "malformed_json", "form": "list"},
        IDTokenRefused,
        sign_in,
    ),
    "too many token requests": (
        {"endpoint": "token", "fault": "unavailable", "status": 429, "retry_after": 1},
        ProviderUnreachable,
        sign_in,
    ),
    "UserInfo is malformed": (
        {"endpoint": "userinfo", "fault": "malformed_json"},
        FieldsRefused,
        read_fields,
    ),
    "the access token has ended": (
        {"endpoint": "userinfo", "fault": "error", "code": "invalid_token", "status": 401},
        FieldsEnded,
        read_fields,
    ),
    "revocation is not possible now": (
        {"endpoint": "revoke", "fault": "unavailable"},
        ProviderUnreachable,
        end,
    ),
}


@pytest.mark.parametrize(("declared", "error", "use"), SDK.values(), ids=SDK)
def test_the_sdk_answers_each_with_an_error_of_its_own(
    faulted: Faulted, declared: dict[str, Any], error: type[ClientError], use: Callable[[Shop], object]
) -> None:
    shop = faulted.shop("sdk")
    faulted.declare(**declared, count=1)

    with pytest.raises(error) as raised:
        use(shop)
    assert type(raised.value) is error
    use(shop)
