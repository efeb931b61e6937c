"""A request to a server and its answer, as values, and what sends them: bounded in time and size.

What this side of the service asks of others goes through here: the SDK of relying parties, and the
wallet. (`services.outgoing` is the provider's own: it also has to mind where an address leads.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from netid.ambient import Ambient
from netid.errors import Unreachable

MAX_ANSWER = 64 * 1024
"""The longest answer that is read, in bytes, unless the sender was told otherwise."""

CONNECT_TIMEOUT = 3.0
"""Seconds until a connection has to stand."""

READ_TIMEOUT = 5.0
"""Seconds that the server may be silent."""

WHOLE_TIMEOUT = timedelta(seconds=10)
"""How long an answer may take altogether, so that a slow drip does not hold a thread."""


@dataclass(frozen=True)
class HttpRequest:
    """A request to one endpoint; a form or a JSON document makes it a POST."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: bytes | None = field(default=None, repr=False)
    """The document as it is sent, with `Content-Type: application/json`."""

    @property
    def method(self) -> str:
        """GET or POST."""
        return "GET" if self.form is None and self.json is None else "POST"


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. Nothing of it is proven yet."""

    status: int
    media_type: str
    """The content type in lower case, without parameters."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name in lower case."""


Send = Callable[[HttpRequest], HttpAnswer]
"""Sends a request; never follows a redirect. What it raises, who made it says."""


class Sender:
    """Sends over `requests`, for all threads of one process.

    It takes no proxy, certificate or password from the environment: a `.netrc` would silently
    replace the sender's own authentication. Certificates are checked against certifi's roots or,
    where one is given, against an authority of one's own and no other.
    """

    def __init__(self, ambient: Ambient, *, trust: Path | None = None, max_answer: int = MAX_ANSWER) -> None:
        """`trust` is a PEM file."""
        self._ambient = ambient
        self._max_answer = max_answer
        self._session = requests.Session()
        self._session.trust_env = False
        if trust is not None:
            self._session.verify = str(trust)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Gives the kept connections back."""
        self._session.close()

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises Unreachable."""
        # An unpacked body may be a thousand times as long as what was sent.
        headers = {"Accept-Encoding": "identity", **request.headers}
        if request.json is not None:
            headers["Content-Type"] = "application/json"
        deadline = self._ambient.now() + WHOLE_TIMEOUT
        try:
            with self._session.request(
                request.method,
                request.url,
                headers=headers,
                data=request.form if request.json is None else request.json,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(response, deadline)
                received = {name.lower(): value for name, value in response.headers.items()}
                media_type = received.get("content-type", "").split(";")[0].strip().lower()
                return HttpAnswer(response.status_code, media_type, body, received)
        # urllib3 refuses a host that cannot be looked up with a ValueError that requests lets through.
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise Unreachable(type(error).__name__) from error

    def _read(self, response: requests.Response, deadline: datetime) -> bytes:
        """The body. Raises Unreachable for one that is too long, or comes too slowly."""
        body = bytearray()
        # What has come is looked at as it comes: to wait for a full block is to wait for a drip.
        while chunk := response.raw.read1(8192, decode_content=True):
            body += chunk
            if len(body) > self._max_answer:
                raise Unreachable(f"the answer is longer than {self._max_answer} bytes")
            if self._ambient.now() > deadline:
                raise Unreachable("the answer takes too long")
        return bytes(body)
