"""What is sent over the wire, and what is not waited for; the key file of a relying party."""

import gzip
import json
import os
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar

import pytest

from netid.ambient import Ambient
from netid.client import PrivateKeyJwt
from netid.client.errors import ConfigurationRefused, ProviderUnreachable
from netid.client.messages import MAX_ANSWER, HttpRequest
from netid.client.transport import Transport
from netid.credentials.jwk import SigningKey

PACKED = gzip.compress(gzip.compress(bytes(2**26)))
"""64 MiB in less than a kilobyte."""


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    over: ClassVar[Event] = Event()
    """Until when an answer drips."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        answers = {
            "/moved": (302, {"Location": "/elsewhere"}, b""),
            "/cookie": (200, {"Set-Cookie": "a=b"}, b"{}"),
            "/long": (200, {}, b"x" * (MAX_ANSWER + 1)),
            "/longest": (200, {}, b"x" * MAX_ANSWER),
            "/packed": (200, {"Content-Encoding": "gzip, gzip"}, PACKED),
            "/json": (200, {"Content-Type": "Application/JSON; charset=utf-8"}, b"{}"),
            "/echo": (200, {}, body),
            "/drip": (200, {}, b"{"),
        }
        status, headers, answer = answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        drips = self.path == "/drip"
        self.send_header("Content-Length", str(100 if drips else len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        if drips:
            self.over.wait(20)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Tests print what they assert."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server on loopback; it keeps what it has seen in Handler.seen."""
    Handler.seen.clear()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}"
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def send():
    transport = Transport(Ambient.real())
    yield transport.send
    transport.close()


def test_a_redirect_is_an_answer_and_not_followed(server, send):
    assert send(HttpRequest(f"{server}/moved")).status == 302
    assert [path for _, path, _, _ in Handler.seen] == ["/moved"]


def test_a_form_is_posted(server, send):
    answer = send(HttpRequest(f"{server}/echo", form={"code": "a b&c"}))

    assert answer.body == b"code=a+b%26c"
    assert Handler.seen[0][0] == "POST"


def test_the_media_type_comes_without_its_parameters(server, send):
    assert send(HttpRequest(f"{server}/json")).media_type == "application/json"


def test_the_provider_sets_no_cookie(server, send):
    for _ in range(2):
        send(HttpRequest(f"{server}/cookie"))
    assert "Cookie" not in Handler.seen[1][2]


def test_nothing_is_taken_from_the_environment(server, send, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    send(HttpRequest(f"{server}/json", {"Authorization": "Bearer ours"}))
    assert Handler.seen[0][2]["Authorization"] == "Bearer ours"
    assert Handler.seen[0][2]["Accept-Encoding"] == "identity"


def test_a_longer_answer_than_any_real_one_is_not_read(server, send):
    assert len(send(HttpRequest(f"{server}/longest")).body) == MAX_ANSWER
    with pytest.raises(ProviderUnreachable, match="longer"):
        send(HttpRequest(f"{server}/long"))


def test_an_answer_may_not_take_longer_than_ten_seconds_altogether(server):
    times = iter([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s) for s in (0, 11)])
    transport = Transport(Ambient(lambda: next(times), os.urandom))
    with pytest.raises(ProviderUnreachable, match="too long"):
        transport.send(HttpRequest(f"{server}/json"))
    transport.close()


def test_what_drips_is_not_waited_for_until_it_is_complete(server):
    times = iter([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s) for s in (0, 11)])
    transport = Transport(Ambient(lambda: next(times), os.urandom))
    with pytest.raises(ProviderUnreachable, match="too long"):
        transport.send(HttpRequest(f"{server}/drip"))
    Handler.over.set()
    transport.close()


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "*", ".a"])
def test_a_host_that_cannot_be_looked_up_is_nobody_there(send, host):
    with pytest.raises(ProviderUnreachable):
        send(HttpRequest(f"https://{host}/"))


def test_nobody_there_is_an_error_that_names_the_server_and_no_path(server, send):
    with pytest.raises(ProviderUnreachable, match=r"^http://127\.0\.0\.1:9: ConnectionError\.") as raised:
        send(HttpRequest("http://127.0.0.1:9/a-secret-path"))
    assert "secret" not in str(raised.value)


def key_file(path: Path, key: SigningKey, mode: int = 0o600) -> Path:
    path.write_text(json.dumps(key.private_jwk()))
    path.chmod(mode)
    return path


def test_the_key_is_read_from_its_file(tmp_path):
    key = SigningKey.generate("ES256", os.urandom)
    file = key_file(tmp_path / "key.json", key)
    assert PrivateKeyJwt.from_file(file).key.public == key.public
    assert PrivateKeyJwt.from_file(str(file)).key.public == key.public


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_file_that_others_may_read_is_refused(tmp_path, mode):
    path = key_file(tmp_path / "key.json", SigningKey.generate("ES256", os.urandom), mode)
    with pytest.raises(ConfigurationRefused, match="chmod 600"):
        PrivateKeyJwt.from_file(path)


def test_a_key_of_another_algorithm_is_refused(tmp_path):
    path = key_file(tmp_path / "key.json", SigningKey.generate("RS256", os.urandom))
    with pytest.raises(ConfigurationRefused, match="ES256"):
        PrivateKeyJwt.from_file(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kty":"EC"}', "x" * 20_000])
def test_a_file_that_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "key.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationRefused, match=r"key\.json"):
        PrivateKeyJwt.from_file(path)


def test_a_missing_key_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationRefused, match="No such file"):
        PrivateKeyJwt.from_file(tmp_path / "missing.json")


def test_what_was_packed_twice_is_not_unpacked_before_it_is_too_long(server: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProviderUnreachable, match="longer"):
            Transport(Ambient.real()).send(HttpRequest(f"{server}/packed"))
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
