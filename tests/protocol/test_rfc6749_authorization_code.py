"""RFC 6749: the authorization code grant, at /authorize and /token."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests
from werkzeug.test import create_environ, run_wsgi_app

from netid import responses
from netid.services.interaction import digest_of
from netid.storage.single_use import Kind
from tests.protocol.meddling import held, latest_receipt, set_status
from tests.protocol.refusals import PLANTED, audit_kinds, rows
from tests.protocol.visiting import Visitor
from tests.running import CALLBACK, Client, Running

ANOTHER_CALLBACK = "https://shop.example/back?kept=1"


def raw(running: Running, request: bytes) -> bytes:
    """What comes back to these very bytes: a client library would mend them first."""
    parts = urlsplit(running.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def post_token(client: Client, data: object, **more: object) -> requests.Response:
    """POST /token with exactly this body, authenticated."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **more.pop("headers", {})}
    auth = (client.client_id, client.secret)
    return requests.post(
        client.running.url("/token"), data=data, auth=auth, headers=headers, timeout=10, **more
    )


class TestAuthorizationRequest:
    def test_state_comes_back_as_it_was_given(self, shop):
        for state in ("a-state", "ä 你 &=?#%25+/", '<script>alert("1")</script>', "x" * 2048):
            assert shop.headless(state=state).parameters["state"] == state

    def test_without_state_none_comes_back(self, shop):
        assert shop.headless(state=None).parameters.keys() == {"code", "iss"}

    def test_parameters_without_value_count_as_left_out_and_unknown_ones_are_ignored(self, shop):
        answer = shop.headless(state="", display="", resource="", foo="bar")
        assert answer.parameters.keys() == {"code", "iss"}

    def test_a_redirect_uri_with_a_query_keeps_it(self, shared):
        client = shared.register("keeps-query", redirect_uris=[ANOTHER_CALLBACK])
        shared.approve(client_id=client.client_id)
        answer = client.authorize(redirect_uri=ANOTHER_CALLBACK, login_hint="an-adult")
        assert answer.headers["Location"].startswith(f"{ANOTHER_CALLBACK}&code=")

    def test_post_becomes_a_get_that_the_browsers_own_cookies_come_with(self, shop):
        given = shop.request(state="ä+b")
        answer = requests.post(shop.running.url("/authorize"), data=given, allow_redirects=False, timeout=10)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"{shop.running.issuer}/authorize?{urlencode(given)}"

    def test_a16_every_redirect_is_303_and_kept_by_nobody(self, shop):
        for answer in (shop.authorize(), shop.authorize(response_type="token")):
            assert answer.status_code == 303
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.content == b""

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code id_token"}, "unsupported_response_type"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"scope": None}, "invalid_scope"),
            ({"scope": "profile email"}, "invalid_scope"),
            ({"scope": "openid netid.purpose.somebody-elses"}, "invalid_scope"),
            ({"scope": "openid netid.purpose.minors-mode netid.purpose.real-name-parcel"}, "invalid_scope"),
            ({"state": "x" * 2049}, "invalid_request"),
            ({"login_hint": "x" * 2049}, "invalid_request"),
        ],
    )
    def test_what_is_wrong_goes_back_to_the_proven_redirect_or_to_who_pushed_it(
        self, shop, asked_wrongly, changes, error
    ):
        asked_wrongly(shop, error, **changes)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
            ({"registration": "{}"}, "registration_not_supported"),
            ({"request_uri": "https://127.0.0.1:9/request"}, "request_uri_not_supported"),
            ({"request_uri": "file:///etc/passwd"}, "request_uri_not_supported"),
            ({"request_uri": "http://169.254.169.254/latest"}, "request_uri_not_supported"),
        ],
    )
    def test_a4_p6_requests_by_reference_are_refused(self, shop, refused, changes, error):
        refused(shop.running, lambda: shop.authorize(**changes), 303, error)

    def test_a4_nothing_is_fetched(self, shop):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            shop.authorize(request_uri=f"http://127.0.0.1:{port}/request")
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()

    def test_an_error_names_the_field_the_rule_and_the_remedy(self, shop, refused):
        said = refused(
            shop.running, lambda: shop.authorize(code_challenge=None), 303, "invalid_request"
        ).description
        assert said == "code_challenge is missing; send one with code_challenge_method=S256 (RFC 7636)"

    def test_error_description_has_only_the_characters_that_may_be_there(self, shop, refused):
        claims = f'{{"userinfo": {{"{PLANTED}\\u0022\\n你": {{"essential": 1}}}}}}'
        said = refused(
            shop.running, lambda: shop.authorize(claims=claims), 303, "invalid_request"
        ).description
        assert said == "claims.userinfo.(a member).essential must be true or false"
        assert responses.printable('a"b\\c\nd\u4f60\x7f~ ') == "a'b'c'd''~ "


class TestUnprovenRedirect:
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": None},
            {"client_id": PLANTED},
            {"client_id": "shop\u0430"},  # a Cyrillic letter
            {"redirect_uri": None},
            {"redirect_uri": f"https://{PLANTED}.example/"},
            {"redirect_uri": f"https://{PLANTED}.example/", "scope": "nonsense"},
            {"redirect_uri": f"https://{PLANTED}.example/", "prompt": "none"},
        ],
    )
    def test_a5_a_page_answers_and_nothing_redirects(self, shop, refused, changes):
        answer = refused(shop.running, lambda: shop.authorize(**changes), 400, None).response
        assert "Location" not in answer.headers
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"client_id": None}, "client_id is missing; send the one you registered"),
            ({"client_id": PLANTED}, "client_id is not registered here; register it first"),
            ({"redirect_uri": None}, "redirect_uri is missing; send one that is registered"),
            (
                {"redirect_uri": PLANTED},
                "redirect_uri is not registered for this client; it must match exactly",
            ),
            ({"scope": "\x00"}, "scope has characters that are not printable text; leave them out"),
        ],
    )
    def test_the_page_has_the_field_the_rule_and_the_remedy_for_who_sent_it(self, shop, changes, said):
        assert f'data-testid="for-developers">{said}</p>' in shop.authorize(**changes).text

    def test_another_clients_redirect_uri_is_nobody_elses(self, shop, another_shop, refused):
        other = shop.running.register("elsewhere", redirect_uris=["https://elsewhere.example/cb"])
        refused(
            shop.running,
            lambda: shop.authorize(redirect_uri=other.relying_party.redirect_uris[0]),
            400,
            None,
        )

    @pytest.mark.parametrize(
        "variant",
        [
            "http://127.0.0.1:9/callback/",
            "http://127.0.0.1:9/callback?",
            "http://127.0.0.1:9/callback?a=1",
            "http://127.0.0.1:9/callback#",
            "http://127.0.0.1:9/callback#f",
            "http://127.0.0.1:9/Callback",
            "http://127.0.0.1:9/callback/../callback",
            "http://127.0.0.1:9/callback/..;/x",
            "http://127.0.0.1:9//callback",
            "http://127.0.0.1:9/call%62ack",
            "http://127.0.0.1:9/callback%2f",
            "http://127.0.0.1:9/callback%252f",
            "http://127.0.0.1:9/callback%00",
            "http://127.0.0.1:9\\@evil.example/callback",
            "http://127.0.0.1:9@evil.example/callback",
            "http://evil.example@127.0.0.1:9/callback",
            "http://127.0.0.1:90/callback",
            "http://127.0.0.1/callback",
            "http://127x0.0.1:9/callback",
            "http://127.0.0.1.evil.example:9/callback",
            "http://localhost:9/callback",
            "HTTP://127.0.0.1:9/callback",
            "https://127.0.0.1:9/callback",
            "http://127.0.0.1:9/call\tback",
            "http://127.0.0.1:9/callback\r\nX-Evil: 1",
            " http://127.0.0.1:9/callback",
            "//127.0.0.1:9/callback",
            "javascript:alert(1)//127.0.0.1:9/callback",
        ],
    )
    def test_p8_a_redirect_uri_matches_to_the_letter(self, shop, variant, refused, not_taken):
        answer = refused(shop.running, lambda: shop.authorize(redirect_uri=variant), 400, None).response
        assert "Location" not in answer.headers
        answer = not_taken(shop, lambda: shop.push(redirect_uri=variant), "invalid_request").response
        assert "Location" not in answer.headers


class TestMalformedRequests:
    """P9 and P10: a malformed request is refused with a page or OAuth JSON, and never with a 500."""

    @pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
    def test_p9_where_an_answer_would_go_is_said_once(self, shop, refused, name):
        pairs = [*shop.request().items(), (name, PLANTED)]
        url = f"{shop.running.url('/authorize')}?{urlencode(pairs)}"
        refused(shop.running, lambda: requests.get(url, allow_redirects=False, timeout=10), 400, None)

    @pytest.mark.parametrize("name", ["state", "scope", "unknown", "response_mode", "request_uri"])
    def test_p9_a_parameter_comes_once(self, shop, refused, name):
        """RFC 6749, 4.1.2.1: client and redirect URI are proven, so the relying party hears of it."""
        pairs = [*shop.request(unknown="1").items(), (name, PLANTED), (name, "")]
        url = f"{shop.running.url('/authorize')}?{urlencode(pairs)}"
        for method in ("GET", "POST"):
            act = lambda method=method: requests.request(method, url, allow_redirects=False, timeout=10)  # noqa: E731
            refusal = refused(shop.running, act, 303, "invalid_request")
            assert refusal.description == f"{name} is given more than once; send it once"
            assert refusal.response.headers["Location"].startswith(f"{CALLBACK}?")

    def test_p9_a_parameter_in_query_and_body_comes_twice(self, shop, refused):
        given = shop.request()
        state = given.pop("state")
        refused(
            shop.running,
            lambda: requests.post(
                shop.running.url("/authorize"),
                params={"state": state},
                data={**given, "state": state},
                allow_redirects=False,
                timeout=10,
            ),
            303,
            "invalid_request",
        )

    @pytest.mark.parametrize("name", ["code", "grant_type", "unknown"])
    def test_p9_a_token_parameter_comes_once(self, shop, refused, name):
        body = [("grant_type", "authorization_code"), ("code", PLANTED), ("unknown", "1"), (name, "2")]
        refused(shop.running, lambda: post_token(shop, body), 400, "invalid_request")

    @pytest.mark.parametrize(
        "query",
        [
            "state=%FF%FE",
            "state=%ED%A0%80",
            "state=%00",
            "state=%1b%5b31m",
            "st%00ate=1",
            "&".join(f"p{n}=1" for n in range(200)),
            "&" * 10_000,
            "state=" + "x" * 9000,
            "x" * 9000 + "=1",
        ],
    )
    def test_p10_a_query_that_is_no_text_of_bounded_size(self, shop, refused, query):
        url = f"{shop.running.url('/authorize')}?{urlencode(shop.request(state=None))}&{query}"
        refused(shop.running, lambda: requests.get(url, allow_redirects=False, timeout=10), 400, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"claims": "[" * 4000 + "]" * 4000},
            {"claims": '{"userinfo":' * 600 + "1" + "}" * 600},
            {"claims": '{"userinfo": {"name": 1' + "0" * 5000 + "}}"},
            {"claims": '{"userinfo": NaN}'},
            {"claims": '{"userinfo": {"name": null}, "userinfo": {}}'},
            {"claims": '{"userinfo": {"\\ud800": null}}'},
            {"claims": '{"userinfo": []}'},
            {"claims": '{"id_token": {"acr": {"values": "x"}}}'},
            {"claims": '{"id_token": {"acr": {"value": 1e999}}}'},
            {"claims": '{"id_token": {"sub": {"value": 7}}}'},
            {"claims": "null"},
            {"max_age": "1" * 5000},
            {"max_age": "-1"},
            {"max_age": "1e3"},
            {"max_age": "\u0661"},
            {"prompt": "login login2"},
            {"prompt": "none login"},
        ],
    )
    def test_p10_a_value_that_cannot_be_read(self, shop, asked_wrongly, changes):
        asked_wrongly(shop, "invalid_request", **changes)

    def test_p10_a_request_of_100_kilobytes(self, shop, refused):
        form = {**shop.request(), "state": "x" * 100_000}
        url = shop.running.url("/authorize")
        refused(shop.running, lambda: requests.post(url, data=form, timeout=10), 413, None)
        url = f"{url}?state={'x' * 40_000}"
        refused(shop.running, lambda: requests.get(url, timeout=10), 413, None)

    @pytest.mark.parametrize("address", ["/par", "/token", "/revoke", "/userinfo"])
    def test_p10_a_body_of_100_kilobytes(self, shop, refused, address):
        url, form = shop.running.url(address), {"code": "x" * 100_000}
        refused(shop.running, lambda: requests.post(url, data=form, timeout=10), 413, "invalid_request")

    def test_p10_bytes_that_are_not_utf_8(self, shop):
        for target in (b"/authorize?state=\xff\xfe", b"/\xff", b"/sign-in/\xff\xfe"):
            answer = raw(shop.running, b"GET " + target + b" HTTP/1.0\r\nHost: x\r\n\r\n")
            assert answer.split()[1] in (b"400", b"404"), answer
            assert b"Traceback" not in answer

    def test_p10_a_body_that_is_not_utf_8(self, shop, refused):
        refused(shop.running, lambda: post_token(shop, b"code=\xff&grant_type=x"), 400, "invalid_request")

    def test_p10_ten_thousand_parameters_at_the_token_endpoint(self, shop, refused):
        body = "&".join(f"p{n}" for n in range(5_000))
        refused(shop.running, lambda: post_token(shop, body), 400, "invalid_request")


class TestTokenRequest:
    def test_the_answer_is_complete_and_kept_by_nobody(self, shop):
        answer = shop.redeem(shop.headless().code)
        assert answer.status_code == 200
        assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 300)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"

    def test_the_scope_is_what_was_understood(self, shop):
        tokens = shop.tokens(scope="openid netid.verify profile  offline_access openid")
        assert tokens["scope"] == "openid netid.verify"

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"grant_type": None}, "invalid_request"),
            ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
            ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
            ({"grant_type": "password", "username": "x", "password": PLANTED}, "unsupported_grant_type"),
            ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
            ({"code": None}, "invalid_request"),
            ({"code": "x" * 129}, "invalid_request"),
            ({"code": PLANTED}, "invalid_grant"),
            ({"redirect_uri": None}, "invalid_grant"),
            ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
        ],
    )
    def test_t4_t10_what_does_not_fit_the_code_is_refused_and_the_code_lives(
        self, shop, refused, changes, error
    ):
        code = shop.headless().code
        refused(
            shop.running,
            lambda: shop.redeem(**({"code": code} | changes)),
            400,
            error,
            audited=("token_refused",),
            secrets=(code, shop.secret),
        )
        assert shop.redeem(code).status_code == 200

    def test_t1_a_replayed_code_takes_its_tokens_with_it(self, shop, refused):
        code = shop.headless().code
        token = shop.redeem(code).json()["access_token"]
        assert shop.userinfo(token).status_code == 200
        refused(
            shop.running,
            lambda: shop.redeem(code),
            400,
            "invalid_grant",
            effects={"access_tokens"},
            audited=("code_replayed",),
            secrets=(code, token),
        )
        assert shop.userinfo(token).status_code == 401

    def test_t1_a_replay_with_a_wrong_verifier_ends_the_tokens_too(self, shop):
        code = shop.headless().code
        token = shop.redeem(code).json()["access_token"]
        assert shop.redeem(code, code_verifier="x" * 43).status_code == 400
        assert shop.userinfo(token).status_code == 401

    def test_t1_a_later_code_of_the_same_person_is_untouched_by_the_replay(self, shop):
        first, second = shop.headless().code, shop.headless().code
        shop.redeem(first)
        token = shop.redeem(second).json()["access_token"]
        assert shop.redeem(first).status_code == 400
        assert shop.userinfo(token).status_code == 200

    @pytest.mark.parametrize("database", ["sqlite", "sqlite again", "postgresql"])
    def test_t2_eight_at_once_over_two_workers_and_one_wins(self, start, request, tmp_path, database):
        changes = {}
        if database == "postgresql":
            changes["database_url"] = request.getfixturevalue("postgres_url")
            changes["key_database_url"] = f"sqlite:///{tmp_path / 'keys.db'}"
        first = start(**changes)
        second = start(beside=first, **changes)
        client = first.register()
        code, together = client.headless().code, threading.Barrier(8)

        def redeem(number: int) -> requests.Response:
            worker = replace(client, running=first if number % 2 else second)
            together.wait()
            return worker.redeem(code)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(redeem, range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        refusals = {answer.json()["error"] for answer in answers if answer.status_code == 400}
        assert refusals == {"invalid_grant"}

    def test_t3_another_clients_code_is_refused_and_the_owner_can_still_redeem(
        self, shop, another_shop, refused
    ):
        code = shop.headless().code
        another_shop.verifier = shop.verifier
        refused(
            shop.running,
            lambda: another_shop.redeem(code),
            400,
            "invalid_grant",
            audited=("token_refused",),
            secrets=(code,),
        )
        assert shop.redeem(code).status_code == 200

    def test_t3_a_code_of_the_same_entitys_other_client_is_refused_too(self, shared, refused):
        entity = {"name": {"zh": "两个客户端", "en": "Two clients"}, "sector": "two-clients.example"}
        owner = shared.register("its-site", legal_entity=entity)
        other = replace(shared.register("its-app", legal_entity=entity), verifier=owner.verifier)
        code = owner.headless().code
        refused(shared, lambda: other.redeem(code), 400, "invalid_grant", audited=("token_refused",))
        assert owner.redeem(code).status_code == 200

    def test_t3_another_client_cannot_end_tokens_by_replaying(self, shop, another_shop):
        code = shop.headless().code
        token = shop.redeem(code).json()["access_token"]
        assert another_shop.redeem(code).status_code == 400
        assert shop.userinfo(token).status_code == 200

    def test_t5_a_code_lives_for_60_seconds(self, provider, refused):
        client = provider.register()
        fresh, stale = client.headless().code, client.headless().code
        provider.clock.advance(seconds=55)
        assert client.redeem(fresh).status_code == 200
        provider.clock.advance(seconds=6)
        refused(provider, lambda: client.redeem(stale), 400, "invalid_grant", audited=("token_refused",))

    def test_t5_a_used_code_that_has_expired_still_ends_its_tokens(self, provider):
        client = provider.register()
        code = client.headless().code
        token = client.redeem(code).json()["access_token"]
        provider.clock.advance(seconds=120)
        assert client.redeem(code).status_code == 400
        assert client.userinfo(token).status_code == 401

    def test_t9_a_secret_of_another_kind_is_no_code_and_a_code_is_nothing_else(self, shop, refused):
        visitor = Visitor(shop.running)
        page = visitor.open(shop.authorize(visitor.browser))
        code = shop.headless().code
        token = shop.redeem(shop.headless().code).json()["access_token"]
        others = [page.url.rsplit("/", 1)[1], token, *visitor.browser.cookies.values()]
        for other in others:
            refused(
                shop.running,
                lambda value=other: shop.redeem(value),
                400,
                "invalid_grant",
                audited=("token_refused",),
                secrets=(other,),
            )
        refused(shop.running, lambda: shop.userinfo(code), 401, "invalid_token", secrets=(code,))
        assert visitor.browser.get(shop.running.url(f"/consent/{code}")).status_code == 400
        assert shop.redeem(code).status_code == 200

    def test_t9_a_value_stored_under_another_kind_is_no_code(self, shop, refused):
        """The same digest as a code's, kept as a nonce and the like, redeems nothing."""
        code = shop.headless().code
        stores, now = shop.running.provider.stores, shop.running.clock.now()
        with stores.db.write() as tx:
            payload = stores.single_use.consume(tx, Kind.CODE, digest_of(code), now)
            tx.rollback()
        assert payload is not None
        for number, kind in enumerate(kind for kind in Kind if kind is not Kind.CODE):
            with stores.db.write() as tx:
                until = now.replace(year=now.year + 1)
                stores.single_use.put(tx, kind, digest_of(f"value-{number}"), payload, until)
            refused(
                shop.running,
                lambda value=f"value-{number}": shop.redeem(value),
                400,
                "invalid_grant",
                audited=("token_refused",),
            )

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
    @pytest.mark.parametrize("address", ["/token", "/revoke"])
    def test_t10_only_post_is_answered(self, shop, method, address, refused):
        url, body = shop.running.url(address), {"code": PLANTED}
        error = None if method == "HEAD" else "invalid_request"
        if method == "HEAD":
            answer = requests.head(url, timeout=10)
            assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/json")
            return
        answer = refused(
            shop.running, lambda: requests.request(method, url, data=body, timeout=10), 405, error
        ).response
        assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}

    def test_t10_credentials_in_the_query_are_refused(self, shop, refused):
        code = shop.headless().code
        url = f"{shop.running.url('/token')}?client_id={shop.client_id}&client_secret={shop.secret}"
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        refused(
            shop.running,
            lambda: requests.post(url, data=form, timeout=10),
            400,
            "invalid_request",
            secrets=(shop.secret, code),
        )

    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
    def test_a_body_of_another_kind_is_refused(self, shop, kind, refused):
        act = lambda: post_token(shop, b'{"code": 1}', headers={"Content-Type": kind})  # noqa: E731
        assert (
            "application/x-www-form-urlencoded"
            in refused(shop.running, act, 400, "invalid_request").description
        )


class TestWhatHappensInBetween:
    """T11: a code gives nothing any more once what it rests on has ended."""

    def test_t11_a_consent_withdrawn_before_the_code_is_redeemed(self, provider, refused):
        client = provider.register()
        code = client.headless().code
        person_id, receipt_id = latest_receipt(provider)
        provider.provider.services.rights.withdraw(person_id, receipt_id)
        refused(provider, lambda: client.redeem(code), 400, "invalid_grant", audited=("token_refused",))

    def test_t11_a_person_suspended_before_the_code_is_redeemed(self, provider, refused):
        client = provider.register()
        code = client.headless().code
        set_status(provider, "suspended")
        refused(provider, lambda: client.redeem(code), 400, "invalid_grant", audited=("token_refused",))

    def test_t11_a_person_cancelled_before_the_code_is_redeemed(self, provider, refused):
        client = provider.register()
        code = client.headless().code
        set_status(provider, "cancelled")
        refused(provider, lambda: client.redeem(code), 400, "invalid_grant", audited=("token_refused",))

    def test_a_client_that_became_another_legal_entitys_gets_nothing_of_the_first_ones(
        self, provider, refused
    ):
        heir = {"name": {"zh": "接手公司", "en": "Heir Ltd"}, "sector": "heir.example"}
        provider.register("heirs-own", legal_entity=heir).headless()  # which knows the person already
        client = provider.register("moved")
        code, token = client.headless().code, client.tokens()["access_token"]
        moved = replace(provider.register("moved", legal_entity=heir), verifier=client.verifier)
        refused(provider, lambda: moved.redeem(code), 400, "invalid_grant", audited=("token_refused",))
        refused(provider, lambda: moved.userinfo(token), 401, "invalid_token")

    def test_a_client_that_was_taken_away_gets_nothing(self, provider, refused):
        client = provider.register()
        code, token = client.headless().code, client.tokens()["access_token"]
        assert provider.provider.services.registration.remove(client.client_id)
        refused(provider, lambda: client.redeem(code), 401, "invalid_client")
        refused(provider, lambda: client.userinfo(token), 401, "invalid_token")


class TestBusyDatabase:
    """F8: a busy database is 503 with Retry-After, and never invalid_grant."""

    def test_f8_the_token_endpoint_says_so_and_the_code_lives(self, provider, monkeypatch, refused):
        client = provider.register()
        code, token = client.headless().code, client.tokens()["access_token"]
        with held(provider, monkeypatch):
            answer = refused(provider, lambda: client.redeem(code), 503, "temporarily_unavailable")
            assert answer.response.headers["Retry-After"] == "1"
            assert client.userinfo(token).status_code == 200
        assert client.redeem(code).status_code == 200

    def test_f8_userinfo_that_has_to_write_says_so(self, provider, monkeypatch, refused):
        client = provider.register()
        token = client.tokens(scope="openid netid.purpose.real-name-parcel")["access_token"]
        with held(provider, monkeypatch):
            answer = refused(provider, lambda: client.userinfo(token), 503, "temporarily_unavailable")
            assert answer.response.headers["Retry-After"] == "1"
        assert "document_number" in client.userinfo(token).json()

    def test_f8_authorize_says_so_by_redirect(self, provider, monkeypatch, refused):
        client = provider.register()
        with held(provider, monkeypatch):
            refused(provider, client.authorize, 303, "temporarily_unavailable")

    def test_f8_a_page_says_so(self, provider, monkeypatch, refused):
        visitor = Visitor(provider)
        page = visitor.open(provider.register().authorize(visitor.browser))
        with held(provider, monkeypatch):
            answer = refused(provider, lambda: visitor.send(page, who=visitor.who), 503, None)
            assert answer.response.headers["Retry-After"] == "1"


class TestFaultsOfOurs:
    """Whatever breaks inside, the caller learns that it was us, and nothing else."""

    @pytest.mark.parametrize(
        ("method", "address", "error"),
        [
            ("POST", "/par", "server_error"),
            ("POST", "/token", "server_error"),
            ("POST", "/revoke", "server_error"),
            ("GET", "/userinfo", "server_error"),
            ("GET", "/authorize", None),
            ("GET", "/sign-in/x", None),
        ],
    )
    def test_a_fault_shows_no_trace(self, shop, refused, monkeypatch, method, address, error):
        def broken(*_rest: object) -> object:
            raise RuntimeError(f"{PLANTED} {shop.secret}")

        services = shop.running.provider.services
        monkeypatch.setattr(services.registration, "get", broken)
        monkeypatch.setattr(services.grants, "answer", broken)
        monkeypatch.setattr(services.sign_in, "load", broken)
        act = lambda: requests.request(  # noqa: E731
            method,
            shop.running.url(address),
            params=shop.request() if address == "/authorize" else None,
            data={"token": "x"} if method == "POST" else None,
            headers={"Authorization": "Bearer x"} if method == "GET" else None,
            auth=(shop.client_id, shop.secret) if method == "POST" else None,
            timeout=10,
        )
        refused(shop.running, act, 500, error, secrets=(shop.secret,))


class TestHostAndMethods:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
            {"Forwarded": "host=evil.example;proto=https", "X-Original-URL": "/evil"},
            {"Host": "evil.example:80\\@x"},
        ],
    )
    def test_a19_a_spoofed_host_changes_no_issuer_link_or_cookie(self, shop, headers):
        browser = shop.running.browser()
        browser.headers.update(headers)
        began = shop.authorize(browser)
        assert began.headers["Location"].startswith(f"{shop.running.issuer}/sign-in/")
        assert "evil" not in str(began.headers)
        assert "Domain" not in began.headers["Set-Cookie"]
        for address in (
            "/.well-known/openid-configuration",
            "/openapi.json",
            "/par",
            "/token",
            "/none",
            "//token",
        ):
            answer = browser.get(shop.running.url(address), allow_redirects=False)
            assert answer.status_code < 500
            assert "evil" not in answer.text + str(answer.headers)
        page = browser.get(began.headers["Location"])
        assert "evil" not in page.text

    @pytest.mark.parametrize("path", ["//token", "/sign-in//x", "/.well-known//openid-configuration"])
    def test_a19_no_address_is_mended_with_a_host_from_outside(self, shared, path):
        """Werkzeug would send a doubled slash on to the host that the request named."""
        environ = create_environ("/", "http://evil.example") | {"PATH_INFO": path}
        _body, status, headers = run_wsgi_app(shared.provider.wsgi, environ)
        assert status.startswith("4")
        assert "evil" not in str(headers)

    def test_options_grant_no_other_origin_anything(self, shop):
        """U5."""
        origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        for address in ("/token", "/revoke", "/userinfo", "/authorize"):
            for method in ("OPTIONS", "POST", "GET"):
                answer = requests.request(
                    method, shop.running.url(address), headers=origin, allow_redirects=False, timeout=10
                )
                assert not [name for name in answer.headers if name.startswith("Access-Control")]

    def test_a_client_can_be_told_from_a_person_by_what_it_gets(self, shop):
        for address, kind in (("/token", "application/json"), ("/jwks", "application/problem+json")):
            answer = requests.delete(shop.running.url(address), timeout=10)
            assert (answer.status_code, answer.headers["Content-Type"]) == (405, kind)
        answer = requests.delete(shop.running.url("/authorize"), timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (405, "text/html; charset=utf-8")
        assert requests.get(shop.running.url("/none"), timeout=10).status_code == 404


def test_expired_sign_ins_codes_and_tokens_do_not_pile_up(provider):
    client = provider.register()
    client.authorize()
    client.tokens()
    provider.clock.advance(days=2)
    client.authorize()
    provider.provider.housekeeping.forget()
    left = rows(provider)
    assert [len(left[name]) for name in ("interactions", "single_use", "access_tokens", "sessions")] == [
        1,
        0,
        0,
        0,
    ]


def test_a_code_and_its_tokens_are_nowhere_in_the_database(provider):
    client = provider.register()
    code = client.headless().code
    token = client.redeem(code).json()["access_token"]
    stored = repr(rows(provider))
    assert code not in stored
    assert token not in stored
    assert quote(client.secret) not in stored
    assert "code_redeemed" in audit_kinds(provider)
