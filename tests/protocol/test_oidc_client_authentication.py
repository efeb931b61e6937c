"""OpenID Connect Core, 9 and RFC 6749, 2.3: secrets in the header or in the form, as it was registered."""

import base64
from urllib.parse import quote_plus

import pytest
import requests

from tests.protocol.refusals import PLANTED
from tests.running import CALLBACK, Client

AWKWARD = "a:b%c+d e&f=g/h?i#j\\k\"l'm~n.o-p_q*r"
"""Printable ASCII that a client has to encode before it goes into a header."""


def send(client: Client, code: str, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
    """POST /token with exactly these headers and these members beside the grant."""
    grant = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": client.verifier,
    }
    return requests.post(client.running.url("/token"), data=grant | form, headers=headers or {}, timeout=10)


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of RFC 7617, over exactly this text."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


@pytest.fixture
def by_post(shared):
    """A relying party that registered client_secret_post."""
    return shared.register("by-post", authentication="client_secret_post")


class TestTheRegisteredWay:
    def test_basic(self, shop):
        answer = send(shop, shop.headless().code, basic(shop.client_id, shop.secret))
        assert answer.status_code == 200

    @pytest.mark.parametrize("scheme", ["basic", "BASIC"])
    def test_basic_in_whatever_case(self, shop, scheme):
        header = basic(shop.client_id, shop.secret)["Authorization"].replace("Basic", scheme)
        assert send(shop, shop.headless().code, {"Authorization": header}).status_code == 200

    def test_basic_with_the_same_client_id_in_the_form(self, shop):
        header = basic(shop.client_id, shop.secret)
        assert send(shop, shop.headless().code, header, client_id=shop.client_id).status_code == 200

    def test_basic_is_form_encoded_first(self, shared):
        """RFC 6749, 2.3.1."""
        client = shared.register("awkward", secret=AWKWARD)
        header = basic(quote_plus("awkward"), quote_plus(AWKWARD))
        assert send(client, client.headless().code, header).status_code == 200
        assert send(client, client.headless().code, basic("awkward", AWKWARD)).status_code == 401

    def test_post(self, by_post):
        form = {"client_id": by_post.client_id, "client_secret": by_post.secret}
        assert send(by_post, by_post.headless().code, **form).status_code == 200

    def test_post_with_an_awkward_secret(self, shared):
        client = shared.register("awkward-post", authentication="client_secret_post", secret=AWKWARD)
        form = {"client_id": client.client_id, "client_secret": AWKWARD}
        assert send(client, client.headless().code, **form).status_code == 200


class TestAnyOtherWay:
    @pytest.fixture
    def refuse(self, shop, refused):
        """Asserts that a request proves nothing, and that the code lives on."""

        def refuse(status: int, error: str, headers: dict[str, str] | None = None, **form: str):
            code = shop.headless().code
            act = lambda: send(shop, code, headers, **form)  # noqa: E731
            refusal = refused(shop.running, act, status, error, secrets=(shop.secret, code))
            assert shop.redeem(code).status_code == 200
            return refusal.response

        return refuse

    def test_p1_nothing_at_all(self, refuse):
        answer = refuse(401, "invalid_client")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="netid", charset="UTF-8"'

    def test_p1_a_client_id_alone_is_no_proof(self, shop, refuse):
        """`none` is no method here."""
        refuse(401, "invalid_client", client_id=shop.client_id)
        refuse(401, "invalid_client", client_id=shop.client_id, client_secret="")

    def test_p1_another_clients_secret(self, shop, another_shop, refuse):
        refuse(401, "invalid_client", basic(shop.client_id, another_shop.secret))
        refuse(401, "invalid_client", basic(another_shop.client_id, shop.secret))

    def test_another_method_than_the_registered_one(self, shop, by_post, refuse, refused):
        refuse(401, "invalid_client", client_id=shop.client_id, client_secret=shop.secret)
        header = basic(by_post.client_id, by_post.secret)
        refused(shop.running, lambda: send(by_post, "x", header), 401, "invalid_client")

    def test_two_ways_at_once(self, shop, refuse):
        header = basic(shop.client_id, shop.secret)
        refuse(400, "invalid_request", header, client_secret=shop.secret)
        refuse(400, "invalid_request", header, client_assertion="x.y.z")

    def test_a_client_id_that_differs_from_the_headers(self, shop, another_shop, refuse):
        refuse(401, "invalid_client", basic(shop.client_id, shop.secret), client_id=another_shop.client_id)

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Basic " + base64.b64encode(b"no-colon").decode(),
            "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
            "Basic " + base64.b64encode(b"a\x00b:c").decode(),
            "Basic " + base64.b64encode(b":").decode(),
            "Basic " + base64.b64encode(f"{PLANTED}:{PLANTED}".encode()).decode(),
            "Basic " + base64.b64encode("ä:ö".encode()).decode(),
            "Basic " + base64.b64encode(b"%FF%00:%ED%A0%80").decode(),
            "Basic " + "A" * 7000,
            f"Bearer {PLANTED}",
            f"Digest username={PLANTED}",
            "\u00fc",
        ],
    )
    def test_a_header_that_says_nothing(self, refuse, header):
        refuse(401, "invalid_client", {"Authorization": header.encode("latin-1")})

    @pytest.mark.parametrize("secret", ["", "x" * 43, "\u00fc" * 43, "0" * 64])
    def test_a_wrong_secret(self, shop, refuse, secret):
        refuse(401, "invalid_client", basic(shop.client_id, secret))

    def test_the_digest_of_the_secret_is_not_the_secret(self, shop, refuse):
        digest = shop.relying_party.secret_digest
        assert digest is not None
        refuse(401, "invalid_client", basic(shop.client_id, digest))


def test_t12_unknown_and_wrong_are_told_with_the_same_bytes(shop):
    answers = []
    for client_id, secret in ((shop.client_id, "x" * 43), ("nobody", "x" * 43), ("", ""), ("\x00", "x")):
        answer = send(shop, "x", basic(client_id, secret))
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        answers.append((answer.status_code, headers, answer.content))
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_the_provider_s_own_pages_are_no_client(shared, refused, shop):
    for secret in ("0" * 64, "", "x" * 43):
        refused(
            shared, lambda text=secret: send(shop, "x", basic("netid-records", text)), 401, "invalid_client"
        )


def test_a_secret_is_nowhere_in_the_database(provider):
    client = provider.register()
    client.tokens()
    stored = (provider.directory / "netid.db").read_bytes() + (
        provider.directory / "netid.db-wal"
    ).read_bytes()
    assert client.client_id.encode() in stored
    assert client.secret.encode() not in stored
