"""A public address for browsers, another for servers: a proxy in front, a network of containers."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from netid.client import Ambient, Ask, ClientSecretBasic, DPoPKey, NetIDClient, PrivateKeyJwt, Registration
from netid.client.errors import ConfigurationRefused, MetadataRefused
from netid.client.messages import HttpAnswer, HttpRequest
from netid.client.transport import Transport
from netid.credentials.jwk import SigningKey
from tests.running import CALLBACK, Client, Running, Starter

PUBLIC = "https://id.example/netid"


@pytest.fixture
def behind(start: Starter) -> Running:
    """A provider that browsers know as https://id.example/netid, and that listens elsewhere."""
    return start(issuer=PUBLIC)


def inner(running: Running) -> str:
    """Where servers reach it: the same path at the address it really listens on."""
    return f"{running.address}/netid"


def shop_at(running: Running, party: Client, **options: object) -> NetIDClient:
    strict = party.relying_party.profile == "fapi2"
    registration = Registration(
        issuer=PUBLIC,
        client_id=party.client_id,
        redirect_uri=CALLBACK,
        profile=party.relying_party.profile,
        authentication=PrivateKeyJwt(party.key) if party.key else ClientSecretBasic(party.secret),
        dpop_key=DPoPKey(SigningKey.generate("ES256", secrets.token_bytes)) if strict else None,
        id_token_alg="ES256",
    )
    return NetIDClient(registration, ambient=Ambient(running.clock.now, secrets.token_bytes), **options)  # type: ignore[arg-type]


def through_the_proxy(running: Running, address: str) -> requests.Response:
    """What a browser gets at a public address: a proxy passes it on, with headers of its own."""
    assert address.startswith(f"{PUBLIC}/")
    headers = {
        "Host": "id.example",
        "X-Forwarded-Host": "id.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.1",
    }
    target = inner(running) + address.removeprefix(PUBLIC)
    return requests.get(target, headers=headers, allow_redirects=False, timeout=10)


@pytest.mark.parametrize(("profile", "begins"), [("oidc", set()), ("fapi2", {"/par"})])
def test_a_sign_in_where_browsers_and_servers_use_different_addresses(
    behind: Running, profile: str, begins: set[str]
) -> None:
    """In `fapi2` with assertions and proofs that name the public address."""
    seen: list[str] = []
    transport = Transport(Ambient.real())

    def send(request: HttpRequest) -> HttpAnswer:
        seen.append(request.url)
        return transport.send(request)

    client = shop_at(behind, behind.register(profile=profile), internal=inner(behind), send=send)
    browser, ask = client.new_browser(), Ask(purpose="real-name-parcel", login_hint="an-adult")
    behind.approve()

    back = behind.callback(through_the_proxy(behind, client.begin(browser, ask)))
    signed_in = client.finish(browser, urlsplit(_location(back.parameters)).query)

    assert back.parameters["iss"] == PUBLIC
    assert client.fields(signed_in).text("name")
    client.end(signed_in)
    paths = {urlsplit(url).path.removeprefix("/netid") for url in seen}
    asked = {"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo", "/revoke"}
    assert paths == asked | begins
    assert all(url.startswith(f"{inner(behind)}/") for url in seen)
    transport.close()


def _location(parameters: dict[str, str]) -> str:
    return requests.Request("GET", CALLBACK, params=parameters).prepare().url or ""


def test_what_the_provider_says_of_itself_is_public_wherever_it_is_asked(behind: Running) -> None:
    found = requests.get(f"{inner(behind)}/.well-known/openid-configuration", timeout=10).json()

    addresses = {
        name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri", "issuer"))
    }
    assert len(addresses) >= 6
    assert all(value == PUBLIC or value.startswith(f"{PUBLIC}/") for value in addresses.values())


@pytest.mark.parametrize(
    "path", ["/", "/authorize?client_id=x&state=%C3%A4%2F%3F", "/sign-in/x%C3%A4", "/enrol"]
)
def test_who_opens_another_name_of_this_machine_is_led_to_the_issuers(start: Starter, path: str) -> None:
    """Cookies and forms are that name's alone: a sign-in would fail at its first form."""
    provider = start()
    own = urlsplit(provider.issuer)
    assert own.hostname == "127.0.0.1"

    def get(path: str, host: str) -> tuple[int, str | None]:
        url = f"{provider.address}{path}"
        answer = requests.get(url, headers={"Host": host}, allow_redirects=False, timeout=10)
        return answer.status_code, answer.headers.get("Location")

    assert get(path, f"localhost:{own.port}") == (303, f"{provider.issuer}{path}")
    # Behind a proxy that would lead in a circle, and nobody else's name leads anywhere.
    for host in ("localhost:1", "localhost", "localhost:99999", f"evil.example:{own.port}", "x:"):
        assert get(path, host) == get(path, own.netloc)
    assert get("/.well-known/openid-configuration", f"localhost:{own.port}") == (200, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Forwarded-Port": "666", "X-Original-URL": "/evil", "X-Forwarded-Scheme": "http"},
    ],
)
@pytest.mark.parametrize("address", ["/.well-known/openid-configuration", "/authorize", "/", "/openapi.json"])
def test_a19_no_header_changes_issuer_links_or_cookies(
    behind: Running, headers: dict[str, str], address: str
) -> None:
    party = behind.register()
    params = party.request() if address == "/authorize" else None

    def get(given: dict[str, str]) -> requests.Response:
        url = f"{inner(behind)}{address}"
        return requests.get(url, params=params, headers=given, allow_redirects=False, timeout=10)

    plain, spoofed = get({"Host": "id.example"}), get(headers)
    assert "evil" not in spoofed.text + str(spoofed.headers)
    assert (spoofed.status_code, len(spoofed.text)) == (plain.status_code, len(plain.text))
    if cookie := spoofed.headers.get("Set-Cookie"):
        assert "Secure" in cookie
        assert "Path=/netid" in cookie
        assert "Domain" not in cookie
    if location := spoofed.headers.get("Location"):
        assert location.startswith(f"{PUBLIC}/sign-in/")


def test_an_internal_address_of_another_provider_is_noticed(behind: Running, start: Starter) -> None:
    other = start()
    client = shop_at(behind, behind.register(), internal=other.address)

    with pytest.raises(MetadataRefused):
        client.begin("a browser", Ask())


@pytest.mark.parametrize(
    "internal",
    [
        "netid:8000",
        "ftp://netid",
        "http://",
        "http://netid/",
        "http://netid?x",
        "http://netid#x",
        "http://a@netid",
    ],
)
def test_an_internal_address_that_is_none_is_refused(behind: Running, internal: str) -> None:
    with pytest.raises(ConfigurationRefused, match="internal: "):
        shop_at(behind, behind.register(), internal=internal)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authority_that_is_none_is_refused(behind: Running, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigurationRefused, match=r"trust: .*authority\.pem"):
        shop_at(behind, behind.register(), trust=file)
