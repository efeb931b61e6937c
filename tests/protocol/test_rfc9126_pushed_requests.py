"""RFC 9126: a request is pushed to /par first, and named at /authorize by a request_uri that works once."""

import re
import secrets
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import requests

from netid.credentials.jwk import SigningKey
from netid.services.pushed_requests import REQUEST_URI_PREFIX
from tests.protocol.meddling import held
from tests.protocol.reading import signed
from tests.protocol.refusals import ON_RECORD, PLANTED, Refusals, rows
from tests.protocol.visiting import Visitor, step_of
from tests.running import CALLBACK, PARCEL_PURPOSE, Client, Running

PARCELS = "openid netid.purpose.real-name-parcel"
ELSEWHERE = f"https://{PLANTED}.example/callback"
NEVER_PUSHED = REQUEST_URI_PREFIX + "x" * 43


@pytest.fixture(params=["shop", "bank"])
def client(request: pytest.FixtureRequest) -> Client:
    """A relying party of each profile."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def visitor(shared: Running) -> Visitor:
    return Visitor(shared)


@pytest.fixture
def unanswered(refused: Refusals):
    """Asserts that /authorize answers a request_uri with a page, and sends the browser nowhere."""

    def refuse(client: Client, request_uri: str, **beside: str) -> None:
        act = lambda: client.begin(request_uri, **beside)  # noqa: E731
        answer = refused(client.running, act, 400, None, secrets=(request_uri,)).response
        assert "Location" not in answer.headers
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    return refuse


def pages(client: Client, visitor: Visitor, request_uri: str, **how: object) -> requests.Response:
    """What this visitor comes to with a request_uri."""
    return visitor.walk(client.begin(request_uri, visitor.browser), **how)


class TestThePush:
    def test_the_answer_is_a_uri_that_nobody_can_guess_and_its_lifetime(self, client):
        answers = [client.push() for _ in range(2)]
        for answer in answers:
            assert answer.status_code == 201
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.json().keys() == {"request_uri", "expires_in"}
            # 256 bits; FAPI 2.0 Security Profile, 5.3.2.2: less than 600 seconds.
            pattern = r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}"
            assert re.fullmatch(pattern, answer.json()["request_uri"])
            assert answer.json()["expires_in"] == 300
        assert answers[0].json()["request_uri"] != answers[1].json()["request_uri"]

    def test_what_was_pushed_is_what_the_person_is_asked_and_what_comes_back(self, client, visitor):
        state = 'ä 你 &=?#%25+/<script>alert("1")</script>'
        request_uri = client.pushed(scope=PARCELS, state=state, nonce="n-1", ui_locales="zh")
        page = pages(client, visitor, request_uri, stop="consent")
        assert 'lang="zh' in page.text
        assert PARCEL_PURPOSE["text"]["zh"] in page.text
        answer = client.running.callback(visitor.send(page, decision="agree"))
        assert answer.parameters.keys() == {"code", "state", "iss"}
        assert (answer.parameters["state"], answer.parameters["iss"]) == (state, client.running.issuer)
        tokens = client.redeem(answer.code).json()
        assert signed(client.running, tokens["id_token"])["nonce"] == "n-1"
        assert client.userinfo(tokens["access_token"]).json().keys() == {"sub", "name", "document_number"}

    def test_unknown_parameters_are_ignored_and_empty_ones_left_out(self, client):
        assert client.push(foo="bar", state="", resource="x").status_code == 201

    def test_a_wrong_request_is_refused_at_once_and_on_record(self, client, not_taken):
        said = not_taken(client, lambda: client.push(code_challenge=None), "invalid_request").description
        assert said == "code_challenge is missing; send one with code_challenge_method=S256 (RFC 7636)"

    @pytest.mark.parametrize(
        ("changes", "error", "said"),
        [
            ({"client_id": None}, "invalid_request", "client_id is missing"),
            ({"redirect_uri": None}, "invalid_request", "redirect_uri is missing"),
            ({"redirect_uri": ELSEWHERE, "scope": "x"}, "invalid_request", "redirect_uri is not registered"),
            ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported", "request is not supported"),
            ({"registration": "{}"}, "registration_not_supported", "registration is not supported"),
            ({"request_uri": NEVER_PUSHED}, "invalid_request", "request_uri cannot be pushed"),
            ({"request_uri": "http://169.254.169.254/"}, "invalid_request", "request_uri cannot be pushed"),
            ({"request_uri": "file:///etc/passwd"}, "invalid_request", "request_uri cannot be pushed"),
        ],
    )
    def test_p6_what_cannot_be_pushed(self, client, not_taken, changes, error, said):
        refusal = not_taken(client, lambda: client.push(**changes), error)
        assert refusal.description.startswith(said)
        assert "Location" not in refusal.response.headers

    def test_p6_a_request_uri_that_was_pushed_cannot_be_pushed_again(self, client, not_taken):
        first = client.pushed()
        not_taken(client, lambda: client.push(request_uri=first), "invalid_request", first)
        assert client.begin(first).status_code == 303

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
    def test_only_post_is_answered(self, client, refused, method):
        act = lambda: requests.request(method, client.running.url("/par"), timeout=10)  # noqa: E731
        refused(client.running, act, 405, "invalid_request")

    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
    def test_a_body_of_another_kind_is_refused(self, client, refused, kind):
        url, headers = client.running.url("/par"), {"Content-Type": kind}
        act = lambda: requests.post(url, data=b'{"x": 1}', headers=headers, timeout=10)  # noqa: E731
        assert "x-www-form-urlencoded" in refused(client.running, act, 400, "invalid_request").description

    def test_u5_no_other_origin_is_granted_anything(self, client):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        for method in ("OPTIONS", "POST"):
            answer = requests.request(method, client.running.url("/par"), headers=headers, timeout=10)
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

    def test_f8_a_busy_database_says_so(self, provider, monkeypatch, refused):
        client = provider.register()
        with held(provider, monkeypatch):
            answer = refused(provider, client.push, 503, "temporarily_unavailable").response
            assert answer.headers["Retry-After"] == "1"
        assert client.push().status_code == 201


class TestWhoPushes:
    """P1: nobody but an authenticated client. What an assertion has to be: test_rfc7523_client_assertions."""

    def test_p1_no_authentication(self, client, refused):
        url, form = client.running.url("/par"), client.request()
        act = lambda: requests.post(url, data=form, timeout=10)  # noqa: E731
        answer = refused(client.running, act, 401, "invalid_client").response
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    def test_p1_a_wrong_secret_an_unknown_client_and_another_way(self, shop, bank, refused):
        for stranger in (
            replace(shop, secret=PLANTED),
            replace(shop, key=bank.key, secret=""),
            replace(bank, key=None, secret=PLANTED),
            replace(shop, relying_party=shop.relying_party.model_copy(update={"client_id": PLANTED})),
        ):
            refused(shop.running, stranger.push, 401, "invalid_client")

    def test_p1_another_clients_authentication(self, shop, bank, another_shop, refused):
        for who in (another_shop, bank):
            pushed = shop.request()
            act = lambda who=who, pushed=pushed: who.post("/par", pushed)  # noqa: E731
            refused(shop.running, act, 401, "invalid_client")

    def test_p3_a_jti_works_at_one_of_the_endpoints(self, bank, refused):
        form = [*bank.request().items(), *bank.proof()]
        url = bank.running.url("/par")
        assert requests.post(url, data=form, timeout=10).status_code == 201
        for endpoint in ("/par", "/token", "/revoke"):
            act = lambda at=endpoint: requests.post(bank.running.url(at), data=form, timeout=10)  # noqa: E731
            refused(bank.running, act, 401, "invalid_client")

    def test_p3_eight_at_once_and_one_is_kept(self, bank):
        form, together = [*bank.request().items(), *bank.proof()], threading.Barrier(8)

        def push(_number: int) -> int:
            together.wait()
            return requests.post(bank.running.url("/par"), data=form, timeout=10).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(push, range(8))) == [201] + [401] * 7


class TestTheKeyItIsBoundTo:
    """RFC 9449, 10 and 10.1: what the proof itself has to be is in test_rfc9449_dpop."""

    def test_a_proof_binds_the_code_as_dpop_jkt_does(self, bank):
        for dpop_jkt, header in (
            (None, bank.dpop_proof("/par")),
            (bank.dpop.public.thumbprint, bank.dpop_proof("/par")),
            (bank.dpop.public.thumbprint, None),
        ):
            asked = bank.request(dpop_jkt=dpop_jkt, login_hint="an-adult")
            answer = bank.post("/par", asked, **({"DPoP": header} if header else {}))
            assert answer.status_code == 201
            assert ("DPoP-Nonce" in answer.headers) == (header is not None)
            bank.running.approve(client_id=bank.client_id)
            code = bank.running.callback(bank.begin(answer.json()["request_uri"])).code
            thief = replace(bank, dpop=SigningKey.generate("ES256", secrets.token_bytes))
            assert thief.redeem(code).status_code == 400
            assert bank.redeem(code).status_code == 200

    def test_t6_a_proof_of_another_key_than_dpop_jkt_names(self, bank, not_taken):
        asked, proof = bank.request(dpop_jkt="x" * 43), bank.dpop_proof("/par")
        not_taken(bank, lambda: bank.post("/par", asked, DPoP=proof), "invalid_dpop_proof", proof)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [({"htm": "GET"}, "invalid_dpop_proof"), ({"nonce": "x"}, "use_dpop_nonce")],
    )
    def test_t6_a_proof_that_does_not_fit_keeps_nothing_and_brings_the_nonce(
        self, bank, not_taken, changes, error
    ):
        proof = bank.dpop_proof("/par", **changes)
        act = lambda: bank.post("/par", bank.request(), DPoP=proof)  # noqa: E731
        answer = not_taken(bank, act, error, proof).response
        assert answer.headers["DPoP-Nonce"] == bank.running.dpop_nonce()

    def test_t7_a_proof_is_good_once(self, bank, not_taken):
        proof = bank.dpop_proof("/par")
        assert bank.post("/par", bank.request(), DPoP=proof).status_code == 201
        act = lambda: bank.post("/par", bank.request(), DPoP=proof)  # noqa: E731
        not_taken(bank, act, "invalid_dpop_proof", proof)


class TestMalformed:
    """P9 and P10 at /par."""

    @pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "dpop_jkt", "unknown"])
    def test_p9_a_parameter_comes_once(self, client, refused, name):
        pairs = [*client.request(unknown="1", dpop_jkt="x" * 43).items(), (name, PLANTED)]
        refused(client.running, lambda: client.post("/par", pairs), 400, "invalid_request")

    @pytest.mark.parametrize("query", ["state=a-state", f"client_id={PLANTED}", "unknown=1"])
    def test_p9_nothing_comes_in_the_query(self, client, refused, query):
        act = lambda: client.post(f"/par?{query}", client.request())  # noqa: E731
        refused(client.running, act, 400, "invalid_request")

    def test_p9_at_authorize_a_request_uri_comes_once(self, client, unanswered):
        first, second = client.pushed(), client.pushed()
        address = client.running.url(f"/authorize?request_uri={second}")
        twice = [("client_id", client.client_id), ("request_uri", first)]
        for answer in (
            requests.get(address, params=twice, allow_redirects=False, timeout=10),
            requests.post(address, data=dict(twice), allow_redirects=False, timeout=10),
        ):
            assert answer.status_code == 400
        assert client.begin(first).status_code == 303

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"state=" + b"x" * 100_000, 413),
            (b"&".join(b"p%d=1" % number for number in range(10_000)), 413),
            (b"&".join(b"p%d" % number for number in range(2_000)), 400),
            (b"&" * 10_000, 400),
            (b"claims=" + b"[" * 100_000, 413),
            (b"claims=" + b"[" * 9_000, 400),
            (b"state=" + b"x" * 9_000, 400),
            (b"x" * 9_000 + b"=1", 400),
            (b"state=%00", 400),
            (b"st%00ate=1", 400),
            (b"state=%ED%A0%80", 400),
            (b"state=\xff\xfe", 400),
            (b"state=%FF", 400),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_p10_a_body_that_is_no_text_of_bounded_size(self, client, refused, body, status):
        form = urlencode([*client.request(state=None).items(), *client.proof()]).encode() + b"&" + body
        url, kind = client.running.url("/par"), {"Content-Type": "application/x-www-form-urlencoded"}
        auth = None if client.key else (client.client_id, client.secret)
        act = lambda: requests.post(url, data=form, headers=kind, auth=auth, timeout=10)  # noqa: E731
        refused(client.running, act, status, "invalid_request")


class TestWhatTheUriIsGoodFor:
    def test_a1_a_client_that_has_to_push_gets_a_page_for_anything_else(self, bank, refused):
        url = bank.running.url("/authorize")
        for changes in ({}, {"redirect_uri": ELSEWHERE}, {"prompt": "none"}, {"request_uri": ""}):
            for send in (
                lambda given: requests.get(url, params=given, allow_redirects=False, timeout=10),
                lambda given: requests.post(url, data=given, allow_redirects=False, timeout=10),
            ):
                given = bank.request(**changes)
                act = lambda send=send, given=given: send(given)  # noqa: E731
                answer = refused(bank.running, act, 400, None).response
                assert "Location" not in answer.headers
                assert "pushes its requests to /par" in answer.text

    def test_a2_another_client_cannot_use_it_and_its_owner_still_can(
        self, client, another_shop, visitor, unanswered
    ):
        request_uri = client.pushed()
        unanswered(another_shop, request_uri)
        unanswered(another_shop, request_uri, redirect_uri=CALLBACK, scope="openid", response_type="code")
        assert client.running.callback(pages(client, visitor, request_uri)).code

    def test_a3_it_can_be_loaded_again_until_the_sign_in_ends(self, client, visitor):
        request_uri = client.pushed(acr_values="urn:netid:acr:credential+passcode")
        assert [client.begin(request_uri, visitor.browser).status_code for _ in range(3)] == [303] * 3
        for step in ("sign-in", "passcode", "consent"):
            page = pages(client, visitor, request_uri, stop=step)
            assert step_of(page) == step
        assert client.running.callback(visitor.send(page, decision="agree")).code

    @pytest.mark.parametrize("end", ["agree", "refuse", "leave", "remembered"])
    def test_a3_and_never_again_after_that(self, client, visitor, unanswered, end):
        if end == "remembered":
            visitor.walk(client.authorize(visitor.browser))
        request_uri = client.pushed()
        if end == "leave":
            page = pages(client, visitor, request_uri, stop="consent")
            address = page.url.replace("/consent/", "/leave/")
            answer = visitor.post(address, form_token=re.findall(r'form_token" value="([^"]+)', page.text)[0])
        else:
            answer = pages(client, visitor, request_uri, decision="refuse" if end == "refuse" else "agree")
        ended = client.running.callback(answer)
        assert ended.error == {"refuse": "access_denied", "leave": "access_denied"}.get(end)
        unanswered(client, request_uri)
        unanswered(client, request_uri, redirect_uri=CALLBACK, scope="openid", response_type="code")
        assert client.begin(client.pushed()).status_code == 303

    def test_the_page_of_a_used_one_does_not_claim_that_nothing_was_shared(self, client, visitor):
        request_uri = client.pushed()
        assert client.running.callback(pages(client, visitor, request_uri)).code
        page = client.begin(request_uri, visitor.browser).text
        assert "This link has expired" in page
        assert "Nothing was shared" not in page

    def test_a3_it_expires_and_a_sign_in_begun_in_time_can_still_be_ended(self, provider, unanswered):
        client, visitor = provider.register(), Visitor(provider)
        request_uri = client.pushed()
        provider.clock.advance(seconds=299)
        page = pages(client, visitor, request_uri, stop="consent")
        provider.clock.advance(seconds=2)
        unanswered(client, request_uri)
        provider.clock.advance(minutes=10)
        assert provider.callback(visitor.send(page, decision="agree")).code

    def test_a3_f11_what_was_used_stays_used_when_the_clock_jumps(self, provider, unanswered):
        client = provider.register()
        request_uri = client.pushed(login_hint="an-adult")
        provider.approve(client_id=client.client_id)
        assert provider.callback(client.begin(request_uri)).code
        for hours in (1, -1, -24):
            provider.clock.advance(hours=hours)
            provider.provider.housekeeping.forget()
            unanswered(client, request_uri)

    @pytest.mark.parametrize(
        "request_uri",
        [
            "https://127.0.0.1:9/request",
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data",
            "gopher://127.0.0.1:9/",
            "data:,x",
            "urn:ietf:params:oauth:request_uri",
            REQUEST_URI_PREFIX,
            REQUEST_URI_PREFIX.upper() + "x" * 43,
            NEVER_PUSHED,
            REQUEST_URI_PREFIX + "x" * 8_000,
            REQUEST_URI_PREFIX + "你",
            REQUEST_URI_PREFIX + "' OR 1=1 --",
        ],
    )
    def test_a4_a_request_uri_of_elsewhere_or_that_never_was(self, client, unanswered, request_uri):
        unanswered(client, request_uri)

    def test_a4_nothing_is_fetched(self, client):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            place = f"http://127.0.0.1:{listener.getsockname()[1]}/request"
            client.begin(place)
            client.push(request_uri=place)
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()

    def test_a5_what_is_sent_beside_it_does_not_count(self, client, visitor):
        """RFC 9126, 4: the request is the pushed one, to the last parameter."""
        request_uri = client.pushed(state="pushed")
        beside = client.request(
            redirect_uri=ELSEWHERE,
            state=PLANTED,
            scope="x",
            prompt="none",
            response_type="token",
            request="x",
        )
        del beside["client_id"]
        answer = visitor.walk(client.begin(request_uri, visitor.browser, **beside))
        assert client.running.callback(answer).parameters["state"] == "pushed"

    def test_a_form_can_post_it(self, client, visitor):
        given = {"client_id": client.client_id, "request_uri": client.pushed()}
        url = client.running.url("/authorize")
        posted = visitor.browser.post(url, data=given, allow_redirects=False)
        assert posted.status_code == 303
        assert posted.headers["Location"] == f"{client.running.issuer}/authorize?{urlencode(given)}"
        assert client.running.callback(visitor.walk(visitor.open(posted))).code

    @pytest.mark.parametrize("changes", [{"redirect_uris": ["https://moved.example/cb"]}, None])
    def test_it_ends_with_what_was_registered(self, provider, unanswered, changes):
        client = provider.register("moved")
        request_uri = client.pushed()
        if changes is None:
            assert provider.provider.services.registration.remove("moved")
        else:
            provider.register("moved", **changes)
        unanswered(client, request_uri)

    def test_nothing_of_it_is_in_the_database_and_it_is_forgotten(self, provider):
        client = provider.register("a-bank", profile="fapi2")
        proof = dict(client.proof())
        form = [*client.request().items(), *proof.items()]
        answer = requests.post(provider.url("/par"), data=form, timeout=10)
        request_uri = answer.json()["request_uri"]
        kept = repr(rows(provider))
        assert request_uri.removeprefix(REQUEST_URI_PREFIX) not in kept
        assert proof["client_assertion"] not in kept
        provider.clock.advance(hours=3)
        provider.provider.housekeeping.forget()
        assert rows(provider)["single_use"] == []


class TestPromptAndAge:
    """A6 and A7, pushed."""

    def test_a6_prompt_none_says_what_is_missing_and_the_uri_is_used_up(self, client, visitor, unanswered):
        request_uri = client.pushed(prompt="none")
        nobody = client.running.callback(client.begin(request_uri, visitor.browser))
        assert (nobody.error, nobody.parameters["state"]) == ("login_required", "a-state")
        unanswered(client, request_uri)
        visitor.walk(client.authorize(visitor.browser), decision="refuse")
        request_uri = client.pushed(prompt="none")
        never_agreed = client.running.callback(client.begin(request_uri, visitor.browser))
        assert never_agreed.error == "consent_required"
        unanswered(client, request_uri)

    def test_a6_prompt_none_gives_a_code_where_nothing_is_missing(self, client, visitor, unanswered):
        visitor.walk(client.authorize(visitor.browser))
        request_uri = client.pushed(prompt="none")
        assert client.running.callback(client.begin(request_uri, visitor.browser)).code
        unanswered(client, request_uri)

    @pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
    def test_a7_leaving_instead_of_signing_in_again_gives_no_code(self, client, visitor, unanswered, changes):
        visitor.walk(client.authorize(visitor.browser))
        request_uri = client.pushed(**changes)
        page = pages(client, visitor, request_uri, stop="sign-in")
        assert step_of(page) == "sign-in"
        token = re.findall(r'form_token" value="([^"]+)', page.text)[0]
        left = visitor.post(page.url.replace("/sign-in/", "/leave/"), form_token=token)
        assert client.running.callback(left).error == "access_denied"
        unanswered(client, request_uri)

    def test_f8_a_busy_database_does_not_use_it_up(self, provider, monkeypatch):
        client = provider.register()
        request_uri = client.pushed()
        with held(provider, monkeypatch):
            assert provider.callback(client.begin(request_uri)).error == "temporarily_unavailable"
        assert client.begin(request_uri).headers["Location"].startswith(f"{provider.issuer}/sign-in/")


class TestTwoTabs:
    def test_of_two_tabs_the_first_to_end_decides(self, client, visitor, refused):
        request_uri = client.pushed(scope=PARCELS)
        first, second = (pages(client, visitor, request_uri, stop="consent") for _ in range(2))
        assert first.url != second.url
        assert client.running.callback(visitor.send(first, decision="agree")).code
        for decision in ("agree", "refuse"):
            act = lambda how=decision: visitor.send(second, decision=how)  # noqa: E731
            refused(client.running, act, 409, None, audited=ON_RECORD)

    def test_another_persons_browser_is_a_second_tab_too(self, client, refused):
        request_uri = client.pushed()
        one, other = Visitor(client.running), Visitor(client.running, who="persona:another-adult")
        first, second = (pages(client, who, request_uri, stop="consent") for who in (one, other))
        assert client.running.callback(one.send(first, decision="refuse")).error == "access_denied"
        act = lambda: other.send(second, decision="agree")  # noqa: E731
        refused(client.running, act, 409, None, audited=ON_RECORD)

    def test_of_four_at_once_one_gets_a_code(self, client):
        request_uri, together = client.pushed(), threading.Barrier(4)
        visitors = [Visitor(client.running) for _ in range(4)]
        shown = [pages(client, visitor, request_uri, stop="consent") for visitor in visitors]

        def agree(number: int) -> int:
            together.wait()
            return visitors[number].send(shown[number], decision="agree").status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(agree, range(4))) == [303, 409, 409, 409]


class TestOfAnotherKind:
    """T9: a request_uri is no code, and a code no request_uri."""

    def test_t9_a_request_uri_given_as_a_code(self, shop, refused):
        request_uri = shop.pushed()
        for code in (request_uri, request_uri.removeprefix(REQUEST_URI_PREFIX)):
            act = lambda code=code: shop.redeem(code)  # noqa: E731
            refused(shop.running, act, 400, "invalid_grant", audited=("token_refused",), secrets=(code,))
        assert shop.begin(request_uri).status_code == 303

    def test_t9_a_code_given_as_a_request_uri(self, shop, unanswered):
        code = shop.headless().code
        for request_uri in (code, REQUEST_URI_PREFIX + code):
            unanswered(shop, request_uri)
        assert shop.redeem(code).status_code == 200
