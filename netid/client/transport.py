"""Sends requests to the provider, within bounds of time and size, and follows nobody elsewhere."""

import ssl
from dataclasses import replace
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests

from netid.ambient import Ambient
from netid.client.errors import ConfigurationRefused, ProviderUnreachable
from netid.client.messages import MAX_ANSWER, HttpAnswer, HttpRequest, Send

CONNECT_TIMEOUT = 3.0
"""Seconds until a connection has to stand."""

READ_TIMEOUT = 5.0
"""Seconds that the provider may be silent."""

WHOLE_TIMEOUT = timedelta(seconds=10)
"""How long an answer may take altogether, so that a slow drip does not hold a thread."""


class Transport:
    """A sender over `requests`, for all threads of one process.

    It takes no proxy, certificate or password from the environment: a `.netrc` would silently
    replace the client's own authentication. Certificates are checked against certifi's roots or,
    where one is given, against an authority of one's own and no other.
    """

    def __init__(self, ambient: Ambient, *, trust: Path | None = None) -> None:
        """`trust` is a PEM file. Raises ConfigurationRefused for one that holds no certificate."""
        self._ambient = ambient
        self._session = requests.Session()
        self._session.trust_env = False
        if trust is not None:
            _check_authority(trust)
            self._session.verify = str(trust)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Gives the kept connections back."""
        self._session.close()

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises ProviderUnreachable."""
        # An unpacked body may be a thousand times as long as what was sent.
        headers = {"Accept-Encoding": "identity", **request.headers}
        deadline = self._ambient.now() + WHOLE_TIMEOUT
        try:
            with self._session.request(
                "GET" if request.form is None else "POST",
                request.url,
                headers=headers,
                data=request.form,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(8192):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise ProviderUnreachable(f"the answer is longer than {MAX_ANSWER} bytes")
                    if self._ambient.now() > deadline:
                        raise ProviderUnreachable("the answer takes too long")
                received = {name.lower(): value for name, value in response.headers.items()}
                media_type = received.get("content-type", "").split(";")[0].strip().lower()
                return HttpAnswer(response.status_code, media_type, bytes(body), received)
        except requests.RequestException as error:
            raise ProviderUnreachable(type(error).__name__) from error


def inside(send: Send, issuer: str, internal: str) -> Send:
    """A sender that reaches the provider at another address than browsers do, as in a container network.

    What is signed and compared keeps the public address (`iss`, `aud`, `htu`); only the connection goes
    elsewhere. `internal` is a URL without a slash at the end, and may be http: whoever gives it answers
    for the network in between. Raises ConfigurationRefused.
    """
    parts = urlsplit(internal)
    if parts.scheme not in {"http", "https"} or not parts.hostname or internal.endswith("/"):
        raise ConfigurationRefused("internal: must be an http or https URL without a slash at the end")
    if parts.query or parts.fragment or parts.username is not None:
        raise ConfigurationRefused("internal: must have no query, fragment or user information")

    def sent_inside(request: HttpRequest) -> HttpAnswer:
        if not request.url.startswith(f"{issuer}/"):
            return send(request)
        return send(replace(request, url=f"{internal}{request.url.removeprefix(issuer)}"))

    return sent_inside


def _check_authority(file: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ValueError) as error:
        raise ConfigurationRefused(f"trust: {file} is no readable PEM file with a certificate") from error
