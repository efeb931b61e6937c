"""docs/openid-connect.md: the request on the page works, and its table names every parameter that is read."""

import json
import re

from netid.oauth.openapi import document
from tests.docs.test_snippets import DOCS, snippets
from tests.running import Running

PAGE = DOCS / "openid-connect.md"


def test_the_request_on_the_page_is_answered(provider: Running) -> None:
    [text] = snippets(PAGE, "verified_claims")
    client = provider.register()
    tokens = client.tokens(scope="openid netid.purpose.real-name-parcel", claims=text)
    answer = client.userinfo(tokens["access_token"]).json()
    asked = json.loads(text)["userinfo"]["verified_claims"]
    assert answer["verified_claims"]["claims"].keys() == asked["claims"].keys()
    assert answer["verified_claims"]["verification"]["trust_framework"] == "cn_netid_mock"


def test_the_table_names_every_parameter() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    parameters = document("https://netid.example", [])["paths"]["/authorize"]["get"]["parameters"]
    of_the_client = {"client_id", "redirect_uri", "dpop_jkt"}
    assert {parameter["name"] for parameter in parameters} - of_the_client <= named
