"""`netid doctor`: a sound provider is found sound, and each thing that is broken is named."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import run_wsgi_app

from netid.cli import main
from netid.cli.examination import Examination, Report
from netid.cli.probes import PROBES
from netid.oauth.discovery import metadata
from tests.running import Running, Starter, listen, serve_in_thread
from tests.serving import Serving, free_port

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
ISSUER = "/.well-known/openid-credential-issuer"


@dataclass
class Answer:
    """What the provider answered, before it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes

    def change(self, **members: Any) -> None:
        """Other members of a JSON object; None takes one away."""
        document = json.loads(self.body) | members
        self.write(
            json.dumps({name: value for name, value in document.items() if value is not None}).encode()
        )

    def write(self, body: bytes) -> None:
        self.body = body
        self.headers["Content-Length"] = str(len(body))


@dataclass
class Meddler:
    """A proxy in front of a provider that spoils the answers of some addresses."""

    app: Any
    spoilt: dict[str, Callable[[Answer], object]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        answer = Answer(int(status.split()[0]), dict(headers), b"".join(body))
        if spoil := self.spoilt.get(environ["PATH_INFO"]):
            spoil(answer)
        start_response(f"{answer.status} Spoilt", list(answer.headers.items()))
        return [answer.body]


@dataclass
class Examined:
    """A provider behind a meddler."""

    issuer: str
    meddler: Meddler

    def report(self, *, later: timedelta = timedelta()) -> Report:
        return Examination(self.issuer, trust=None, now=lambda: datetime.now(UTC) + later).report()

    def findings(self, **named: Any) -> list[str]:
        return [finding.what for finding in self.report(**named).findings]


def examined(start: Starter, path: str) -> Iterator[Examined]:
    listener = listen()
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    meddler = Meddler(start(issuer=issuer).provider.wsgi)
    server = serve_in_thread(meddler, listener)
    yield Examined(issuer, meddler)
    server.shutdown()
    server.server_close()
    listener.close()


@pytest.fixture
def provider(start: Starter) -> Iterator[Examined]:
    yield from examined(start, "")


@pytest.fixture
def provider_with_a_path(start: Starter) -> Iterator[Examined]:
    yield from examined(start, "/netid")


# Sound


def test_a_sound_provider_is_found_sound(provider: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", provider.issuer]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].endswith("addresses asked, all as advertised")


def test_every_address_of_the_metadata_is_asked(provider: Examined) -> None:
    advertised = {
        url for name, url in metadata(provider.issuer).items() if name.endswith(("_endpoint", "_uri"))
    }
    assert advertised <= set(provider.report().looked_at)
    assert not provider.report().notes


def test_an_issuer_with_a_path_is_found_sound(provider_with_a_path: Examined) -> None:
    issuer = urlsplit(provider_with_a_path.issuer)
    assert not provider_with_a_path.findings()
    assert f"http://{issuer.netloc}{OAUTH}/netid" in provider_with_a_path.report().looked_at


# Broken, one thing at a time


def status(code: int) -> Callable[[Answer], object]:
    return lambda answer: setattr(answer, "status", code)


def header(name: str, value: str | None) -> Callable[[Answer], object]:
    def spoil(answer: Answer) -> None:
        answer.headers.pop(name, None)
        if value is not None:
            answer.headers[name] = value

    return spoil


def members(**changed: Any) -> Callable[[Answer], object]:
    return lambda answer: answer.change(**changed)


def text(body: bytes) -> Callable[[Answer], object]:
    return lambda answer: answer.write(body)


def keys(keep: Callable[[dict[str, str]], bool], **more: str) -> Callable[[Answer], object]:
    def spoil(answer: Answer) -> None:
        kept = [key | more for key in json.loads(answer.body)["keys"] if keep(key)]
        answer.write(json.dumps({"keys": kept}).encode())

    return spoil


@pytest.mark.parametrize(
    ("path", "spoil", "expected"),
    [
        (OPENID, status(404), "openid-configuration answers 404, and not with one JSON object"),
        (OPENID, text(b"<html>"), "openid-configuration answers 200, and not with one JSON object"),
        (OPENID, text(b'{"issuer":"a","issuer":"b"}'), "and not with one JSON object"),
        (OPENID, header("Access-Control-Allow-Origin", None), "openid-configuration is closed to scripts"),
        (OPENID, header("Cache-Control", "no-store"), "does not say how long it may be kept"),
        (OAUTH, status(404), "oauth-authorization-server answers 404"),
        (OAUTH, text(b"<html>"), "oauth-authorization-server answers 200, and not"),
        (OAUTH, members(token_endpoint="x"), "oauth-authorization-server says something else"),
        ("/jwks", text(b"<html>"), "/jwks answers 200, and not with one JSON object"),
        ("/jwks", text(b'{"keys":[]}'), "jwks_uri: jwks.keys has no ES256 or RS256 signing key"),
        ("/jwks", keys(lambda key: True, d="AQAB"), "gives away a private key"),
        ("/jwks", keys(lambda key: key["kty"] == "EC"), "jwks_uri has no key for RS256"),
        ("/jwks", keys(lambda key: key["kty"] == "RSA"), "jwks_uri has no key for ES256"),
        ("/jwks", header("Cache-Control", None), "/jwks does not say how long it may be kept"),
        ("/authorize", status(200), "authorization_endpoint"),
        ("/authorize", status(302), "authorization_endpoint"),
        ("/authorize", header("Cache-Control", "private"), "authorization_endpoint may be cached"),
        ("/token", status(404), "token_endpoint"),
        ("/token", status(500), "token_endpoint"),
        ("/token", text(b"<html>"), "token_endpoint refuses with the error None"),
        ("/token", members(error="server_error"), "token_endpoint refuses with the error server_error"),
        ("/token", header("Cache-Control", None), "token_endpoint may be cached"),
        ("/token", header("Access-Control-Allow-Origin", "*"), "token_endpoint is open to the scripts"),
        ("/par", status(405), "pushed_authorization_request_endpoint"),
        ("/revoke", text(b""), "revocation_endpoint refuses with the error None"),
        ("/userinfo", header("WWW-Authenticate", None), "userinfo_endpoint answers 401 without"),
        (
            "/userinfo",
            header("Access-Control-Allow-Origin", "https://stranger.invalid"),
            "userinfo_endpoint is open",
        ),
        ("/logout", status(404), "end_session_endpoint"),
        (ISSUER, status(404), "openid-credential-issuer answers 404, and not with one JSON object"),
        (ISSUER, members(credential_issuer="https://a.example"), "credential_issuer is https://a.example"),
        (
            ISSUER,
            header("Access-Control-Allow-Origin", None),
            "openid-credential-issuer is closed to scripts",
        ),
        ("/.well-known/jwt-vc-issuer", text(b"<html>"), "jwt-vc-issuer answers 200, and not with one JSON"),
        ("/.well-known/jwt-vc-issuer", members(issuer=None), "issuer is None"),
        ("/credential", status(404), "credential_endpoint"),
        ("/credential", header("Cache-Control", None), "credential_endpoint may be cached"),
        ("/nonce", status(500), "nonce_endpoint"),
        ("/notification", members(error="other"), "notification_endpoint refuses with the error other"),
        ("/status-lists", text(b"<html>"), "/status-lists answers 200, and not with one JSON object"),
    ],
)
def test_what_is_broken_is_named(
    provider: Examined, path: str, spoil: Callable[[Answer], object], expected: str
) -> None:
    provider.meddler.spoilt[path] = spoil
    [found] = provider.findings()
    assert expected in found


def broken_metadata(provider: Examined, **changed: Any) -> list[str]:
    for document in (OPENID, OAUTH):
        provider.meddler.spoilt[document] = members(**changed)
    return provider.findings()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"issuer": "https://other.example"}, "issuer is https://other.example"),
        ({"token_endpoint": None}, "relying parties refuse the metadata: token_endpoint"),
        (
            {"code_challenge_methods_supported": ["plain"]},
            "relying parties refuse the metadata: code_challenge",
        ),
        ({"token_endpoint_auth_signing_alg_values_supported": ["none", "ES256"]}, "supported has none"),
        ({"id_token_signing_alg_values_supported": ["ES256", "EdDSA"]}, "jwks_uri has no key for EdDSA"),
    ],
)
def test_metadata_that_does_not_hold_is_named(
    provider: Examined, changed: dict[str, Any], expected: str
) -> None:
    [found] = broken_metadata(provider, **changed)
    assert expected in found


def test_an_issuer_that_differs_by_a_letter_is_named(provider: Examined) -> None:
    [found] = broken_metadata(provider, issuer=provider.issuer.replace("127.0.0.1", "localhost"))
    assert "issuer is http://localhost" in found


def test_an_address_that_is_not_below_the_issuer_is_named(provider: Examined) -> None:
    elsewhere = f"{provider.issuer.replace('127.0.0.1', 'localhost')}/revoke"
    [found] = broken_metadata(provider, revocation_endpoint=elsewhere)
    assert found == f"revocation_endpoint is {elsewhere}"


def test_an_address_where_nobody_is_is_named(provider: Examined) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/revoke"
    found = broken_metadata(provider, revocation_endpoint=nobody)
    assert found == [f"revocation_endpoint is {nobody}", f"{nobody} cannot be reached (ConnectionError)"]


def test_an_endpoint_that_the_doctor_does_not_know_is_asked_all_the_same(provider: Examined) -> None:
    assert "shiny_endpoint" not in PROBES
    assert not broken_metadata(
        provider, shiny_endpoint=f"{provider.issuer}/", policy_uri=f"{provider.issuer}/"
    )
    assert provider.report().notes == (
        "policy_uri is not known here: it answers 200, more was not looked at",
        "shiny_endpoint is not known here: it answers 200, more was not looked at",
    )
    [found] = broken_metadata(provider, shiny_endpoint=f"{provider.issuer}/nowhere")
    assert "shiny_endpoint" in found
    assert "answers 404" in found


@pytest.mark.parametrize(("seconds", "count"), [(-60, 1), (60, 1), (5, 0)])
def test_a_clock_that_is_wrong_is_named(provider: Examined, seconds: int, count: int) -> None:
    found = provider.findings(later=timedelta(seconds=seconds))
    assert len(found) == count
    assert all("its clock differs from the one here by" in what for what in found)


# The command


def test_findings_are_printed_with_what_to_do_and_status_1(
    provider: Examined, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.meddler.spoilt["/token"] = status(500)
    assert main(["doctor", provider.issuer]) == 1
    what, expected, remedy = capsys.readouterr().out.splitlines()
    assert what == f"token_endpoint ({provider.issuer}/token) answers 500"
    assert expected.strip() == "expected: 400 or 401 to a request without credentials"
    assert remedy.strip() == "to do:    see the provider's log"


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}"])
def test_whoever_is_not_there_is_a_finding(issuer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", issuer.format(port=free_port())]) == 1
    assert "cannot be reached" in capsys.readouterr().out


@pytest.mark.parametrize("issuer", ["nonsense", "127.0.0.1:8000", "http://"])
def test_what_is_no_address_is_one_line(issuer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", issuer]) == 2
    assert capsys.readouterr().err == (
        "netid doctor: issuer: must be an http or https URL; write one such as https://id.example\n"
    )


def test_one_who_is_asked_by_another_name_is_one_finding(provider: Examined) -> None:
    """All its addresses lie elsewhere then; fifteen findings would say the same."""
    asked = provider.issuer.replace("127.0.0.1", "localhost")
    [found] = Examination(asked, trust=None, now=lambda: datetime.now(UTC)).report().findings
    assert found.what == f"{asked} says that its issuer is {provider.issuer}"
    assert "ask for that" in found.remedy


def test_a_provider_that_says_nothing_in_http_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
        closing.close()
        assert main(["doctor", f"http://127.0.0.1:{port}"]) == 1
    assert "cannot be reached" in capsys.readouterr().out


def test_certificates_over_real_tls(serve: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    served = serve("--tls")
    served.wait_until_it_answers()
    authority = serve.keys / "tls-authority.pem"

    assert main(["doctor", served.address, "--trust", str(authority)]) == 0
    capsys.readouterr()
    assert main(["doctor", served.address]) == 1
    said = capsys.readouterr().out
    assert "its certificate is not accepted: " in said
    assert said.count("to do:") == 1
    late = datetime.now(UTC) + timedelta(days=390)
    whats = [f.what for f in Examination(served.address, trust=authority, now=lambda: late).report().findings]
    assert any(what.startswith("its certificate ends on ") for what in whats)


def test_a_realm_is_found_sound_too(start: Starter) -> None:
    running: Running = start()
    assert running.provider.realms is not None
    realm = running.provider.realms.create()
    report = Examination(realm.issuer, trust=None, now=lambda: datetime.now(UTC)).report()
    assert not report.findings
