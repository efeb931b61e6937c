"""`--tls`: https by a local authority, from the files on the disk to a sign-in in a browser."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Playwright

from netid.client import Ask, NetIDClient, PrivateKeyJwt, Registration
from netid.client.errors import ProviderUnreachable
from netid.identity.persona_file import DEMO_PASSCODE
from tests.chromium import QUIET
from tests.cli.test_commands import one_line
from tests.protocol.visiting import Visitor
from tests.serving import Served, Serving, free_port

REDIRECT_URI = "http://127.0.0.1:9/callback"
REGISTRATION = f"""
relying_parties:
  - client_id: shop
    name: {{zh: 商店, en: A shop}}
    contact: privacy@shop.example
    legal_entity: {{name: {{zh: 公司, en: A company}}, sector: shop.example}}
    redirect_uris: ["{REDIRECT_URI}"]
    authentication: private_key_jwt
    jwks_file: shop.json
    id_token_signed_response_alg: ES256
"""


@pytest.fixture
def https(serve: Serving) -> Served:
    """A server that speaks https, with one relying party registered."""
    command = [sys.executable, "-m", "netid.cli", "keys", "init", "--client", "shop", "--directory"]
    subprocess.run([*command, str(serve.keys)], check=True, capture_output=True)
    registrations = serve.directory / "shops.yaml"
    registrations.write_text(REGISTRATION, encoding="utf-8")
    # http, as it is by default: --tls makes it https.
    served = serve("--tls", relying_parties=registrations)
    served.wait_until_it_answers()
    return served


def shop(served: Served, keys: Path, **options: object) -> NetIDClient:
    registration = Registration(
        issuer=served.address,
        client_id="shop",
        redirect_uri=REDIRECT_URI,
        profile="oidc",
        authentication=PrivateKeyJwt.from_file(keys / "shop.json"),
        id_token_alg="ES256",
    )
    return NetIDClient(registration, **options)  # type: ignore[arg-type]


class TlsVisitor(Visitor):
    """A person whose browser trusts the local authority."""

    def __init__(self, served: Served) -> None:
        def browser() -> requests.Session:
            session = requests.Session()
            session.verify, session.trust_env = served.verify, False
            session.headers["Accept-Language"] = "en"
            return session

        super().__init__(SimpleNamespace(issuer=served.address, browser=browser))  # type: ignore[arg-type]


def test_a_sign_in_over_https_with_the_sdk(https: Served, serve: Serving) -> None:
    client = shop(https, serve.keys, trust=serve.keys / "tls-authority.pem")
    visitor, browser = TlsVisitor(https), client.new_browser()

    began = visitor.browser.get(client.begin(browser, Ask()), allow_redirects=False)
    back = visitor.walk(began)

    signed_in = client.finish(browser, urlsplit(back.headers["Location"]).query)
    assert signed_in.check.level.value.endswith("credential+passcode")
    assert began.url.startswith("https://")
    assert {cookie.name for cookie in visitor.browser.cookies} >= {"netid_browser", "netid_session"}
    assert all(cookie.secure for cookie in visitor.browser.cookies)


def test_whoever_does_not_trust_the_authority_gets_nowhere(https: Served, serve: Serving) -> None:
    with pytest.raises(ProviderUnreachable):
        shop(https, serve.keys).begin("a browser", Ask())
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{https.address}/jwks", timeout=10)


def test_plain_http_gets_no_answer(https: Served) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(https.address.replace("https:", "http:"), timeout=10)


def test_it_is_said_what_to_trust_and_a_second_start_keeps_it(https: Served, serve: Serving) -> None:
    authority = serve.keys / "tls-authority.pem"
    before = authority.read_bytes()
    said = https.end()
    assert "A new local authority was made" in said
    assert str(authority) in said

    again = serve("--tls")
    again.wait_until_it_answers()
    assert authority.read_bytes() == before
    said = again.end()
    assert "A new local authority" not in said
    assert str(authority) in said


def test_the_files_are_their_owners_alone(https: Served, serve: Serving) -> None:
    names = {"tls-authority.pem", "tls-authority-key.pem", "tls-server.pem"}
    assert {path.name for path in serve.keys.glob("tls-*")} == names
    assert all(path.stat().st_mode & 0o177 == 0 for path in serve.keys.glob("tls-*"))
    assert b"PRIVATE" not in (serve.keys / "tls-authority.pem").read_bytes()


def test_given_files_are_served(https: Served, serve: Serving) -> None:
    given = serve.keys / "tls-server.pem"
    port = free_port()
    other = serve(tls_certificate=given, tls_key=given, issuer=f"https://localhost:{port}", port=port)
    other.address, other.verify = f"https://127.0.0.1:{port}", https.verify
    other.wait_until_it_answers()
    found = requests.get(
        f"{other.address}/.well-known/openid-configuration", verify=other.verify, timeout=10
    ).json()
    assert found["issuer"] == f"https://localhost:{port}"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"TLS_CERTIFICATE": "x.pem"},
            "NETID_PROVIDER_TLS_CERTIFICATE and NETID_PROVIDER_TLS_KEY: go together",
        ),
        ({"TLS_KEY": "x.pem"}, "NETID_PROVIDER_TLS_CERTIFICATE and NETID_PROVIDER_TLS_KEY: go together"),
        ({"TLS_CERTIFICATE": "x", "TLS_KEY": "x"}, "NETID_PROVIDER_ISSUER: is http where https is served"),
        ({"TLS_CERTIFICATE": "/nowhere", "TLS_KEY": "/nowhere", "ISSUER": "https://x"}, "No such file"),
        ({"TLS_CERTIFICATE": __file__, "TLS_KEY": __file__, "ISSUER": "https://x"}, "not a pair in PEM"),
    ],
)
def test_a_mistake_in_the_files_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    expected: str,
) -> None:
    from netid.cli import main

    for name, value in settings.items():
        monkeypatch.setenv(f"NETID_PROVIDER_{name}", value)
    assert main(["serve", "--check"]) == 2
    assert expected in one_line(capsys)


# The demo, in Chromium


def spki(certificate: Path) -> str:
    """What Chromium calls a key by: the SHA-256 of its SubjectPublicKeyInfo."""
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def test_the_demo_signs_in_over_https_in_a_browser(tmp_path: Path, playwright: Playwright) -> None:
    """Chromium takes authorities only from the NSS database of its user, so it is told this server's key.

    That it is one the authority vouches for is what the tests above show.
    """
    netid = [sys.executable, "-m", "netid.cli"]
    clients = [
        word for scene in ("forum", "game", "parcels") for word in ("--client", f"platform_demo-{scene}")
    ]
    subprocess.run([*netid, "keys", "init", *clients], cwd=tmp_path, check=True, capture_output=True)
    ports = ["--port", str(free_port()), "--platform-port", str(free_port())]
    ports += ["--wallet-port", str(free_port())]
    demo = subprocess.Popen(
        [*netid, "demo", "--tls", *ports], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert demo.stdout is not None
        greeting = "".join(iter(lambda: line if "Ctrl-C" not in (line := demo.stdout.readline()) else "", ""))
        address = re.search(r"https://localhost:\d+", greeting)
        assert address, greeting
        assert "tls-authority.pem" in greeting
        pinned = f"--ignore-certificate-errors-spki-list={spki(tmp_path / 'keys' / 'tls-server.pem')}"
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*QUIET, pinned], chromium_sandbox=False
        )
        page = browser.new_page(locale="en")
        page.goto(f"{address[0]}/forum/")
        page.get_by_test_id("sign-in-with-netid").click()
        page.get_by_test_id("persona-an-adult").check()
        page.get_by_test_id("next").first.click()
        page.get_by_test_id("passcode").fill(DEMO_PASSCODE)
        page.get_by_test_id("next").click()
        page.get_by_test_id("agree").click()
        page.get_by_test_id("page-received").wait_for()
        cookies = page.context.cookies()
        assert {cookie["secure"] for cookie in cookies} == {True}
        assert {cookie["domain"] for cookie in cookies} == {"127.0.0.1", "localhost"}
        browser.close()
    finally:
        demo.terminate()
        demo.communicate(timeout=60)
