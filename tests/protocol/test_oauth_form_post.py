"""OAuth 2.0 Form Post Response Mode: the answer as a form that the browser posts to the relying party."""

import re
from urllib.parse import urlsplit

import pytest
import requests

from tests.pages import Page
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client

FORM = {"response_mode": "form_post"}


def posted(response: requests.Response) -> dict[str, str]:
    """What the page's form would post, and to whom."""
    assert response.status_code == 200, response.headers.get("Location")
    form = Page(response).one("form")
    assert (form.get("method"), form.get("action")) == ("post", CALLBACK)
    fields = form.all("input")
    assert {field.get("type") for field in fields} == {"hidden"}
    assert form.one("button").get("name") is None
    return {str(field.get("name")): str(field.get("value")) for field in fields}


@pytest.fixture
def visitor(shop: Client) -> Visitor:
    return Visitor(shop.running)


def agreed(client: Client, visitor: Visitor, **changes: str | None) -> requests.Response:
    """The answer of the consent page."""
    return visitor.walk(client.authorize(visitor.browser, **FORM, **changes))


def test_the_code_arrives_with_state_and_iss(shop, visitor):
    fields = posted(agreed(shop, visitor, state="ä\"'<>&\n"))
    assert fields.keys() == {"code", "state", "iss"}
    assert (fields["state"], fields["iss"]) == ("ä\"'<>&\n", shop.running.issuer)
    assert shop.redeem(fields["code"]).status_code == 200


def test_nothing_of_it_is_in_an_address(shop, visitor):
    answer = agreed(shop, visitor)
    assert "Location" not in answer.headers
    assert posted(answer)["code"] not in answer.url


def test_a_returning_person_and_prompt_none_are_answered_so_as_well(shop, visitor):
    agreed(shop, visitor)
    for prompt in (None, "none"):
        answer = shop.authorize(visitor.browser, prompt=prompt, **FORM)
        assert posted(answer).keys() == {"code", "state", "iss"}


def test_a_rule_of_the_test_mode_answers_so_as_well(shop):
    shop.running.approve(client_id=shop.client_id)
    assert posted(shop.authorize(login_hint="an-adult", **FORM))["code"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"response_type": None}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
)
def test_an_error_arrives_so_as_well(shop, changes, error):
    fields = posted(shop.authorize(**FORM, **changes))
    assert fields.keys() == {"error", "error_description", "state", "iss"}
    assert fields["error"] == error


def test_refusing_and_leaving_arrive_so_as_well(shop, visitor):
    refused = visitor.walk(shop.authorize(visitor.browser, **FORM), decision="refuse")
    page = visitor.open(shop.authorize(visitor.browser, prompt="login", **FORM))
    token = re.search(r'name="form_token" value="([^"]+)"', page.text).group(1)
    left = visitor.post(page.url.replace("/sign-in/", "/leave/"), form_token=token)
    assert [posted(answer)["error"] for answer in (refused, left)] == ["access_denied"] * 2


def test_a_pushed_request_is_answered_as_it_asked(shop, visitor):
    answer = visitor.walk(shop.begin(shop.pushed(**FORM), visitor.browser))
    assert posted(answer).keys() == {"code", "state", "iss"}
    beside = shop.begin(shop.pushed(), visitor.browser, **FORM)
    assert shop.running.callback(beside).code


def test_a_parameter_that_came_twice_is_answered_so_as_well(shop):
    given = [*shop.request(**FORM).items(), ("scope", "openid")]
    answer = requests.get(shop.running.url("/authorize"), params=given, timeout=10)
    assert posted(answer)["error"] == "invalid_request"


@pytest.mark.parametrize("mode", ["fragment", "query.jwt", "FORM_POST", "form_post query", "web_message"])
def test_another_mode_is_refused_in_the_query(shop, refused, mode):
    said = refused(
        shop.running, lambda: shop.authorize(response_mode=mode), 303, "invalid_request"
    ).description
    assert said == "response_mode must be query or form_post"


def test_query_can_be_asked_for(shop):
    assert shop.headless(response_mode="query").code


def test_a_redirect_uri_with_a_query_is_posted_to_as_it_is(shared):
    uri = "https://shop.example/back?kept=1&a=b"
    client = shared.register("posts-with-query", redirect_uris=[uri])
    shared.approve(client_id=client.client_id)
    page = Page(client.authorize(redirect_uri=uri, login_hint="an-adult", **FORM))
    assert page.one("form").get("action") == uri


class TestThePage:
    @pytest.fixture
    def answer(self, shop, visitor) -> requests.Response:
        return agreed(shop, visitor)

    def test_it_is_kept_by_nobody_and_its_form_goes_to_the_relying_party_alone(self, answer):
        policy = answer.headers["Content-Security-Policy"]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(CALLBACK))
        assert f"form-action 'self' {origin};" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"

    def test_its_script_is_a_file_of_ours_and_nothing_is_inline(self, shop, answer):
        page = Page(answer)
        script = page.one("script")
        assert (script.children, script.get("src")) == ([], "/static/form_post.js")
        file = requests.get(shop.running.url("/static/form_post.js"), timeout=10)
        assert file.headers["Content-Type"].startswith("text/javascript")
        assert "submit()" in file.text

    def test_no_other_page_may_run_a_script(self, shop, visitor):
        page = visitor.open(shop.authorize(visitor.browser, **FORM))
        assert "script-src" not in page.headers["Content-Security-Policy"]

    def test_a15_what_it_carries_is_text(self, shop, visitor):
        attack = '"><script>alert(1)</script>'
        answer = agreed(shop, visitor, state=attack)
        assert attack not in answer.text
        assert posted(answer)["state"] == attack

    def test_it_works_in_both_languages(self, shop):
        for language, words, heading in (
            ("en", "Continue", f"Back to The {shop.client_id}"),
            ("zh-CN", "继续", f"回到{shop.client_id}商店"),
        ):
            visitor = Visitor(shop.running)
            visitor.browser.headers["Accept-Language"] = language
            page = Page(agreed(shop, visitor))
            assert page.name == "page-form-post"
            assert page.one("button").text == words
            assert page.one("h1").text == heading


def test_both_modes_are_in_the_discovery_document(shared):
    metadata = requests.get(shared.url("/.well-known/openid-configuration"), timeout=10).json()
    assert metadata["response_modes_supported"] == ["query", "form_post"]
