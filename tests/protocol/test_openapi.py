"""Schemathesis over the OpenAPI documents of every address: no 500, no trace, answers as declared."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import pytest
import requests
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.protocol.meddling import latest_receipt
from tests.protocol.refusals import secrets_of
from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK, Client, Running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
"""Of each operation and each mode; the same ones in every run."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
"""Data that fits the document, and data that does not."""

Prepare = Callable[[Case], dict[str, Any]]


def fuzz(
    running: Running, schema: Any, prepare: Prepare, modes: Sequence[GenerationMode] = MODES
) -> set[tuple[str, int]]:
    """Calls every operation; which statuses each one answered with."""
    seen: set[tuple[str, int]] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        takes_data = bool(operation.body) or bool(operation.query)
        for mode in modes if takes_data else [GenerationMode.POSITIVE]:
            seen |= called(running, operation, mode, prepare)
    return seen


def called(running: Running, operation: Any, mode: GenerationMode, prepare: Prepare) -> set[tuple[str, int]]:
    """Calls one operation, and checks each answer against the document."""
    hidden, seen = secrets_of(running), set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def calls(case: Case) -> None:
        response = case.call(**prepare(case))
        case.validate_response(response, checks=CHECKS)
        assert not [value for value in (*hidden, "Traceback", "site-packages") if value in response.text]
        seen.add((operation.label, response.status_code))

    calls()
    return seen


class Insider:
    """Somebody whom the provider knows: every name, cookie and token is right, and the rest is made up."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._running = client.running
        self._right = {"client_id": client.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
        self._visitor = Visitor(client.running)
        # Guesses slow an account down, so whoever has them made is not needed for anything else.
        self._guesser = Visitor(client.running, who="persona:an-elder")
        self._pages: dict[str, requests.Response] = {}
        self._token = client.tokens()["access_token"]
        self._records = Visitor(client.running)
        self._records.walk(client.authorize(self._records.browser))
        self._receipt = latest_receipt(client.running)[1]

    def prepare(self, case: Case) -> dict[str, Any]:
        """Fills in what is right, and says who calls."""
        path = case.path
        if path == "/authorize":
            return self._request(case)
        if path in ("/par", "/token", "/revoke"):
            return self._as_client(case)
        if path == "/userinfo":
            return {"headers": {"Authorization": f"Bearer {self._token}"}}
        if path.startswith(("/records", "/sign-out")):
            return self._form(case, self._records, self._open_records(case))
        if "{handle}" in path:
            visitor = self._guesser if "/passcode/" in path else self._visitor
            return self._form(case, visitor, self._open(case, visitor))
        return {}

    def _request(self, case: Case) -> dict[str, Any]:
        if case.method == "GET":
            case.query = {**(case.query or {}), **self._right}
        elif isinstance(case.body, Mapping):
            case.body = {**case.body, **self._right}
        return {}

    def _as_client(self, case: Case) -> dict[str, Any]:
        if isinstance(case.body, Mapping):
            unauthenticated = {name: text for name, text in case.body.items() if "client" not in str(name)}
            own = {"code": self._client.headless().code, "token": self._client.tokens()["access_token"]}
            right = {"/par": self._right, "/token": {"code": own["code"]}, "/revoke": own}
            case.body = unauthenticated | right[case.path]
        basic = requests.auth._basic_auth_str(self._client.client_id, self._client.secret)
        return {"headers": {"Authorization": basic}}

    def _open(self, case: Case, visitor: Visitor) -> requests.Response:
        """The page of that address, in a sign-in or an application that has come so far."""
        if case.path.startswith("/enrol"):
            page = self._application()
        else:
            step = case.path.split("/")[1]
            page = self._sign_in(step if step in ("passcode", "face", "consent") else "sign-in", visitor)
        case.path_parameters["handle"] = (
            page.url.split("?")[0].removeprefix(self._running.issuer).split("/")[2]
        )
        return page

    def _sign_in(self, step: str, visitor: Visitor) -> requests.Response:
        page = self._pages.get(step)
        page = visitor.browser.get(page.url) if page else None
        if page is None or step_of(page) != step:
            every_page = {"prompt": "login", "acr_values": "urn:netid:acr:credential+passcode+face"}
            scope = "openid netid.purpose.real-name-parcel"
            begun = self._client.authorize(visitor.browser, scope=scope, **every_page)
            page = self._pages[step] = visitor.walk(begun, stop=step)
        return page

    def _application(self) -> requests.Response:
        page = self._pages.get("application")
        if page is None:
            notice = self._visitor.browser.get(self._running.url("/enrol"))
            begun = self._visitor.send(notice, decision="agree")
            page = self._pages["application"] = self._visitor.open(begun)
        return self._visitor.browser.get(page.url)

    def _open_records(self, case: Case) -> requests.Response:
        if "receipt_id" in case.path_parameters:
            case.path_parameters["receipt_id"] = self._receipt
        return self._records.browser.get(self._running.url("/records"))

    def _form(self, case: Case, visitor: Visitor, page: requests.Response) -> dict[str, Any]:
        """The fields that the page has, its own hidden values, and made-up values for the rest."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        if isinstance(case.body, Mapping):
            values = cycle([*map(str, case.body.values()), ""])
            names = set(re.findall(r'name="([a-z_]+)"', page.text)) - {"viewport"}
            case.body = {name: next(values) for name in sorted(names)} | hidden
        return {
            "cookies": visitor.browser.cookies.get_dict(),
            "headers": {"Origin": self._running.issuer, "Accept-Language": "en"},
        }


@pytest.fixture
def public(shared: Running) -> Any:
    """The public document, as the provider gives it out."""
    return schemathesis.openapi.from_wsgi("/openapi.json", shared.provider.wsgi)


@pytest.fixture
def managed(shared: Running) -> Any:
    """The management port's document."""
    return schemathesis.openapi.from_url(f"{shared.management_url}/openapi.json")


def test_every_public_address_for_a_stranger(shared, public):
    seen = fuzz(shared, public, lambda case: {})
    assert {label for label, _status in seen} | {"GET /openapi.json"} == labels(public)
    assert not {(label, status) for label, status in seen if status >= 500}


def test_every_public_address_for_somebody_it_knows(shop, public):
    insider = Insider(shop)
    seen = fuzz(shop.running, public, insider.prepare, [GenerationMode.POSITIVE])
    # They were really let in: what they asked for was read, and not only refused at the door.
    assert {("GET /authorize", 303), ("POST /token", 400), ("GET /userinfo", 200)} <= seen
    for page in ("sign-in", "passcode", "face", "consent", "enrol"):
        assert {status for label, status in seen if f" /{page}/" in label} & {200, 303}, page


def test_every_address_of_the_management_port(shared, managed):
    headers = {"Authorization": f"Bearer {shared.management_token}"}
    made = requests.post(f"{shared.management_url}/realms", json={}, headers=headers, timeout=10).json()

    def with_token(case: Case) -> dict[str, Any]:
        if "realm_id" in case.path_parameters and case.method != "DELETE":
            case.path_parameters["realm_id"] = made["id"]
        if case.path.endswith("/approvals") and isinstance(case.body, dict):
            case.body["persona"] = "an-adult"
        if case.path.endswith("/take") and isinstance(case.body, dict):
            case.body["seconds"] = 0.01
        return {"headers": headers}

    seen = fuzz(shared, managed, with_token)
    assert {("GET /relying-parties", 200), ("POST /approvals", 201), ("GET /personas", 200)} <= seen
    assert {("PUT /relying-parties/{client_id}", 400), ("GET /realms/{realm_id}/clock", 200)} <= seen


def labels(schema: Any) -> set[str]:
    """Every operation of a document."""
    paths = schema.raw_schema["paths"].items()
    return {f"{name.upper()} {path}" for path, item in paths for name in item.keys() - {"parameters"}}


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Every method and address that an app really answers."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, re.sub(r"<(?:[^<>]+:)?([^:<>]+)>", r"{\1}", rule.rule)


@pytest.mark.parametrize("port", ["public", "managed"])
def test_the_document_names_every_address(shared, request, port):
    schema = request.getfixturevalue(port)
    app = shared.provider.app if port == "public" else shared.provider.management
    answered = {f"{method} {path}" for method, path in routes(app)}
    if port == "managed":
        answered -= {"GET /", "GET /static/{filename}"}  # a page that shows the document
    assert answered == labels(schema)


@pytest.mark.parametrize("port", ["public", "managed"])
def test_a_method_that_is_not_named_is_405(shared, request, port):
    schema = request.getfixturevalue(port)
    base = shared.address if port == "public" else shared.management_url
    headers = {"Authorization": f"Bearer {shared.management_token}"}
    for path, operations in schema.raw_schema["paths"].items():
        address = re.sub(r"\{[^}]+\}", "kind" if "{step}" in path else "1", path)
        for method in {"get", "post", "put", "delete", "patch"} - operations.keys():
            answer = requests.request(method, f"{base}{address}", headers=headers, timeout=10)
            assert answer.status_code == 405, (method, path)
            allowed = {name.lower() for name in answer.headers["Allow"].split(", ")}
            assert allowed - {"head", "options"} == operations.keys() - {"parameters"}


def test_both_documents_are_openapi(public, managed):
    for schema in (public, managed):
        schema.validate()
        assert schema.raw_schema["openapi"].startswith("3.1")
        for operations in schema.raw_schema["paths"].values():
            for method, operation in operations.items():
                assert method == "parameters" or operation["summary"]
