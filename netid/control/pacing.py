"""How long a person takes who decides without a page: at once, in steps, or as long as people do."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from threading import Lock
from typing import Literal
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Response

from netid.control.addressed import read_body, unverified_parameters
from netid.identity.text import Text

Pace = Literal["fast", "normal", "realistic"]
"""`fast`: one redirect. `normal`: every state has a redirect of its own. `realistic`: every state is a
page that the browser waits on."""

MOST_PUSHED = 1000
"""How many pushed requests are remembered; the oldest go first."""

Decides = Callable[[str | None, str], bool]
"""Whether a request with this `login_hint`, of this relying party, is decided without a page."""


@dataclass(frozen=True)
class _State:
    """What the person is doing."""

    path: str
    seconds: int
    """How long a person takes for it; the browser waits that long."""
    text: Text


_STATES = (
    _State("/pacing/open", 2, Text(zh="等待本人打开", en="Waiting for the person to open it")),
    _State("/pacing/sign-in", 3, Text(zh="本人正在登录", en="The person is signing in")),
    _State("/pacing/decide", 4, Text(zh="本人正在决定", en="The person is deciding")),
)
_DECIDED = "/pacing/decided"
_NEXT = {
    state.path: after
    for state, after in zip(_STATES, [*(state.path for state in _STATES[1:]), _DECIDED], strict=True)
}


class Pacing:
    """The pace of one realm."""

    def __init__(self) -> None:
        self.pace: Pace = "fast"


class Paced:
    """Answers as the provider does; who decides without a page takes their time.

    Until the last state nothing has happened at the provider: who closes the browser has decided nothing.
    """

    def __init__(self, app: WSGIApplication, issuer: str, pacing: Pacing, decides: Decides) -> None:
        self._app = app
        self._issuer = issuer
        self._pacing = pacing
        self._decides = decides
        self._pushed: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request; the provider sees it when the last state is over."""
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if path == _DECIDED:
            return self._app({**environ, "PATH_INFO": "/authorize"}, start_response)
        if path in _NEXT:
            return self._shown(path, query)(environ, start_response)
        if path == "/par":
            return self._push(environ)(environ, start_response)
        if path == "/authorize" and self._takes_time(environ["REQUEST_METHOD"], query):
            return self._to(_STATES[0].path, query)(environ, start_response)
        return self._app(environ, start_response)

    def _push(self, environ: WSGIEnvironment) -> Response:
        """Remembers what was pushed: at /authorize it is only named (RFC 9126, 4)."""
        given = unverified_parameters("", read_body(environ))
        response = Response.from_app(self._app, environ)
        if response.status_code == 201:
            with self._lock:
                self._pushed[str((response.get_json() or {}).get("request_uri"))] = given
                if len(self._pushed) > MOST_PUSHED:
                    self._pushed.popitem(last=False)
        return response

    def _takes_time(self, method: str, query: str) -> bool:
        sent = unverified_parameters(query, b"")
        given = self._pushed.get(sent.get("request_uri", ""), sent)
        if self._pacing.pace == "fast" or method != "GET" or given.get("prompt") == "none":
            return False
        return self._decides(given.get("login_hint"), sent.get("client_id", ""))

    def _to(self, path: str, query: str) -> Response:
        return Response(status=303, headers={"Location": f"{self._issuer}{path}?{query}"})

    def _shown(self, path: str, query: str) -> Response:
        """The page of this state, or at the normal pace the way past it."""
        if self._pacing.pace != "realistic":
            return self._to(_NEXT[path], query)
        state = next(state for state in _STATES if state.path == path)
        response = Response(self._page(state), mimetype="text/html")
        response.headers["Refresh"] = f"{state.seconds}; url={self._issuer}{_NEXT[path]}?{query}"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        return response

    def _page(self, state: _State) -> str:
        """Works without scripts; both languages at once, since it is for whoever watches a test."""
        name = state.path.rpartition("/")[2]
        return _PAGE.format(
            css=escape(f"{self._issuer}/static/netid.css"), name=name, zh=state.text.zh, en=state.text.en
        )


_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{zh} - NetID 模拟</title>
<link rel="stylesheet" href="{css}">
</head>
<body>
<aside class="mock">
<p>这是模拟服务，人物和证件都是虚构的。请勿输入真实信息。</p>
<p lang="en">This is a mock. Every person and document in it is made up. Do not enter real details.</p>
</aside>
<main id="main" data-testid="pacing-{name}">
<h1>{zh}</h1>
<p lang="en">{en}</p>
</main>
</body>
</html>
"""
