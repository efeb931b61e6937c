"""A relying party's server that receives what the provider sends, and answers as a test wants."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from werkzeug.wrappers import Request, Response

from tests.running import Running, listen, serve_in_thread

Answer = Callable[[], Response]


@dataclass(frozen=True)
class Received:
    """One request that came."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body).items()}


@dataclass
class Listener:
    """Keeps what came, and answers every address alike."""

    url: str
    answer: Answer = field(default=lambda: Response(status=202))
    received: list[Received] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    """Set once the first one came."""
    release: threading.Event = field(default_factory=threading.Event)
    """Ends every answer that hangs."""

    @Request.application
    def app(self, request: Request) -> Response:
        self.received.append(Received(request.path, dict(request.headers), request.get_data(as_text=True)))
        self.came.set()
        return self.answer()

    def answers(self, status: int, body: str = "", **headers: str) -> None:
        """From now on it answers this."""
        self.answer = lambda: Response(body, status, headers, mimetype="application/json")

    def hangs(self) -> None:
        """From now on it says nothing until the test is over."""

        def wait() -> Response:
            self.release.wait()
            return Response(status=500)

        self.answer = wait

    @property
    def tokens(self) -> list[str]:
        """The tokens that came, pushed or in a form."""
        return [one.form.get("logout_token", one.body) for one in self.received]


def _serve(app: Any) -> Iterator[str]:
    listener = listen()
    server = serve_in_thread(app, listener)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.shutdown()
    server.server_close()
    listener.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that takes everything and says that it is done."""
    made = Listener("")
    for url in _serve(lambda environ, start: made.app(environ, start)):
        made.url = url
        yield made
        made.release.set()


@pytest.fixture
def another_listener() -> Iterator[Listener]:
    """A second one."""
    made = Listener("")
    for url in _serve(lambda environ, start: made.app(environ, start)):
        made.url = url
        yield made
        made.release.set()


def by_hand(running: Running) -> Running:
    """The provider's own delivery ends; from here on a test takes each step, on a clock that stands."""
    running.provider.delivery.stop()
    running.clock.stop()
    return running
