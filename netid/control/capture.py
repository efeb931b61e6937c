"""The requests a realm received, so that a test can wait for them, count them and look at them."""

import json
from base64 import b64decode
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from io import BytesIO
from threading import Condition
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from pydantic import AfterValidator, BaseModel, ConfigDict

from netid.control.masking import Mask
from netid.errors import NothingCaptured, RequestDiffers

MOST_KEPT = 1000
_MOST_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"


class Captured(BaseModel):
    """One request and what it was answered, values masked."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    number: int
    """Counts from 1 in each realm."""
    at: datetime
    """By the realm's clock."""
    method: str
    endpoint: str
    """The path below the issuer, e.g. `/token`."""
    client_id: str | None
    """From the parameters or HTTP Basic, as sent; nobody has checked it."""
    authorization: str | None
    """The scheme of the Authorization header."""
    parameters: dict[str, str]
    """Query and form; all but the public ones are masked."""
    status: int
    """The answer's HTTP status."""
    error: str | None
    """The answer's OAuth error code, or problem code."""


class Expectation(BaseModel):
    """Which request a test waits for, and what has to be in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    endpoint: Annotated[str, AfterValidator(lambda path: f"/{path.lstrip('/')}")] | None = None
    """The path below the issuer, with or without its slash; None takes the next request of any."""
    seconds: float = 5.0
    """How long to wait for it, at most 60."""
    parameters: dict[str, str | None] = {}
    """What these parameters must be; null stands for one that must not be sent."""
    status: int | None = None
    """What the answer's status must be."""


class Capture:
    """Keeps the last requests of one realm; safe to share between threads."""

    def __init__(self, now: Callable[[], datetime], mask: Mask) -> None:
        self._now = now
        self._mask = mask
        self._kept: deque[Captured] = deque(maxlen=MOST_KEPT)
        self._waiting: deque[Captured] = deque(maxlen=MOST_KEPT)
        self._counts: Counter[str] = Counter()
        self._changed = Condition()

    def all(self) -> list[Captured]:
        """The last `MOST_KEPT` requests, the oldest first."""
        with self._changed:
            return list(self._kept)

    def counts(self) -> dict[str, int]:
        """How many requests each endpoint got."""
        with self._changed:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Forgets them all."""
        with self._changed:
            self._kept.clear()
            self._waiting.clear()
            self._counts.clear()

    def take(self, expected: Expectation) -> Captured:
        """The next request that nobody has taken yet, waiting for it.

        Raises NothingCaptured when none comes in time, RequestDiffers when it is not what was expected.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._next(expected.endpoint), min(expected.seconds, 60))
            request = self._next(expected.endpoint)
            if request is None:
                raise NothingCaptured(expected.endpoint or "any endpoint", self._seen())
            self._waiting.remove(request)
        difference = self._difference(request, expected)
        if difference:
            raise RequestDiffers(f"{request.method} {request.endpoint}", difference)
        return request

    def _next(self, endpoint: str | None) -> Captured | None:
        return next((request for request in self._waiting if endpoint in (request.endpoint, None)), None)

    def _seen(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(self._counts.items())) or "none at all"

    def _difference(self, request: Captured, expected: Expectation) -> list[str]:
        """Lines as of a unified diff: - what was expected, + what came."""
        lines = []
        for name, wanted in expected.parameters.items():
            shown = None if wanted is None else self._mask.value(name, wanted)
            lines += _changed(name, shown, request.parameters.get(name))
        if expected.status is not None:
            lines += _changed("status", str(expected.status), str(request.status))
        return lines

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """The app, with every request to it kept."""

        def captured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            sent = _parameters(environ)
            answer = _Answer(start_response)
            body = app(environ, answer.start)
            if not environ.get("PATH_INFO", "").startswith("/static/"):
                body = answer.read_error(body)
                self._keep(environ, sent, answer)
            return body

        return captured

    def _keep(self, environ: WSGIEnvironment, sent: Mapping[str, str], answer: "_Answer") -> None:
        scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        endpoint = environ.get("PATH_INFO", "")
        with self._changed:
            number = self._counts.total() + 1
            request = Captured(
                number=number,
                at=self._now(),
                method=environ["REQUEST_METHOD"],
                endpoint=endpoint,
                client_id=sent.get("client_id") or _basic_user(scheme, credentials),
                authorization=scheme or None,
                parameters=self._mask.values(sent),
                status=answer.status,
                error=answer.error,
            )
            self._counts[endpoint] += 1
            self._kept.append(request)
            self._waiting.append(request)
            self._changed.notify_all()


class _Answer:
    """What the app answers, noted on its way out."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self.status = 0
        self.error: str | None = None
        self._is_json = False

    def start(self, status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
        """The `start_response` that the app is given."""
        self.status = int(status.split(" ", 1)[0])
        named = {name.lower(): value for name, value in headers}
        self._is_json = "json" in named.get("content-type", "")
        self.error = dict(parse_qsl(urlsplit(named.get("location", "")).query)).get("error")
        return self._start_response(status, headers, *rest)

    def read_error(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body; a refusal in JSON is read first."""
        if self.status < 400 or not self._is_json:
            return body
        whole = b"".join(body)
        if close := getattr(body, "close", None):
            close()
        try:
            answer = json.loads(whole)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            self.error = str(answer.get("error") or answer.get("code") or "") or None
        return [whole]


def _changed(name: str, wanted: str | None, came: str | None) -> list[str]:
    if wanted == came:
        return []
    return [
        f"- {name}: {'(not sent)' if wanted is None else wanted}",
        f"+ {name}: {'(not sent)' if came is None else came}",
    ]


def _parameters(environ: WSGIEnvironment) -> dict[str, str]:
    """Query and form, the first of each name; the app reads the same bytes again."""
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("CONTENT_TYPE", "").startswith(_FORM) and length.isdigit() and int(length) <= _MOST_BYTES:
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(reversed(pairs))


def _basic_user(scheme: str, credentials: str) -> str | None:
    if scheme.lower() != "basic":
        return None
    try:
        return unquote_plus(b64decode(credentials).decode().partition(":")[0])
    except ValueError:
        return None
