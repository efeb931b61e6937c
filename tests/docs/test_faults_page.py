"""docs/faults.md: every line of its tables is declared, and netid.client does what the line says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from netid import sending
from netid.client.errors import ClientError
from netid.control.fault_reading import BY_NAME
from netid.credentials.keyring import Keyring
from tests.control.faulted import PARCEL, Faulted, faulted_provider
from tests.docs.test_snippets import DOCS, snippets
from tests.running import Running

PAGE = DOCS / "faults.md"
_LINE = re.compile(r"^\| `(\{.*\})` \| (.+) \| (?:`(\w+)`|–) \|$", re.MULTILINE)
LINES = [
    (json.loads(declared), error) for declared, _, error in _LINE.findall(PAGE.read_text(encoding="utf-8"))
]
ONLY = PARCEL.model_copy(update={"claims": frozenset({"name", "document_number"})})


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, template: Path) -> Iterator[Faulted]:
    with faulted_provider(tmp_path_factory.mktemp("faulted") / "it", keyring, template) as provider:
        yield provider


def raised(faulted: Faulted) -> str:
    """The error of a whole sign-in with fields, by its class's name; nothing where it goes well."""
    shop = faulted.shop("page")
    try:
        signed_in = shop.sign_in(ONLY)
        shop.client.fields(signed_in)
        shop.client.end(signed_in)
    except ClientError as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize(("declared", "error"), LINES, ids=[json.dumps(declared) for declared, _ in LINES])
def test_the_sdk_does_what_the_page_says(
    own: Faulted, monkeypatch: pytest.MonkeyPatch, declared: dict[str, Any], error: str
) -> None:
    monkeypatch.setattr(sending, "READ_TIMEOUT", 0.5)
    own.faults.clear()
    own.declare(**declared, count=1)

    assert raised(own) == error
    assert [standing.struck for standing in own.faults.all()] == [1]


def test_no_fault_is_left_out() -> None:
    assert {declared["fault"] for declared, _ in LINES} == BY_NAME.keys()


def test_faults_are_declared_as_the_page_says(provider: Running) -> None:
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {provider.management_token}"
    names = {"management": provider.management_url, "api": api}
    for text in snippets(PAGE, "faults"):
        exec(compile(text, "faults.md", "exec"), names)  # noqa: S102  (our own page is what is tested)
