"""The bench's own browser and table, so that a wrong number is not theirs."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.browser import Answer, Browser, forms
from tests.bench.load import Sample
from tests.bench.report import MEASURES, Results, advantage, table

_PAGE = """
<form action="/next?a=1&amp;b=2" method="post">
  <input type="hidden" name="token" value="x&quot;y"><input name='login'>
  <input type="checkbox" name="voluntary" value="1">
  <button name="decision" value="agree">Agree</button>
</form>
<form method="post"><button name="leave" value="yes">Leave</button></form>
"""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        cookies = self.headers.get("Cookie", "")
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Set-Cookie", "kept=1; Path=/; HttpOnly")
            self.send_header("Set-Cookie", "elsewhere=1; Path=/other")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
            return
        self.send_response(200)
        if self.path == "/forget":
            self.send_header("Set-Cookie", "kept=; Path=/; Max-Age=0")
        self.send_header("Content-Length", str(len(cookies)))
        self.end_headers()
        self.wfile.write(cookies.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_browser_reads_chunks_and_keeps_cookies_by_path(origin: str) -> None:
    with Browser(origin) as browser:
        assert browser.get("/chunked").text == "hello world"
        assert browser.get("/").text == "kept=1"
        assert browser.get("/other").text == "kept=1; elsewhere=1"
        browser.get("/forget")
        assert browser.get("/").text == ""


def test_a_new_browser_has_no_cookies(origin: str) -> None:
    with Browser(origin) as browser:
        browser.get("/chunked")
        browser.forget()
        assert browser.get("/").text == ""


def test_forms_are_read_as_a_browser_would() -> None:
    page = Answer("http://a.test/sign-in", 200, {}, _PAGE.encode())
    first, second = forms(page)
    assert first.action == "http://a.test/next?a=1&b=2"
    assert first.fields == {"token": 'x"y', "login": ""}
    assert first.buttons == (("decision", "agree"),)
    assert second.action == "http://a.test/sign-in"


def test_advantage_is_above_one_where_ours_is_better() -> None:
    ours = _results("netid", Sample(100, 1, 0.5), start=0.5)
    theirs = _results("peer", Sample(50, 1, 0.5), start=1.0)
    by_key = {measure.key: measure for measure in MEASURES}
    assert advantage(by_key["sign_ins_per_core"], ours, theirs) == 2
    assert advantage(by_key["start_seconds"], ours, theirs) == 2
    rows = table([ours, theirs], "netid").splitlines()
    assert "| netid | 200 |" in rows[2]
    assert "| peer | 100, ours x2.0 |" in rows[3]


def _results(name: str, sample: Sample, start: float) -> Results:
    return Results(name, [sample], [sample], [start], 2**20)
