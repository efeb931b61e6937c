"""Sends requests to the provider, within bounds of time and size, and follows nobody elsewhere."""

import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from netid.ambient import Ambient
from netid.client.errors import ConfigurationRefused, ProviderUnreachable
from netid.client.messages import HttpAnswer, HttpRequest, Send
from netid.errors import Unreachable
from netid.sending import Sender


class Transport:
    """A `Sender` to the provider, for all threads of one process."""

    def __init__(self, ambient: Ambient, *, trust: Path | None = None) -> None:
        """`trust` is a PEM file. Raises ConfigurationRefused for one that holds no certificate."""
        if trust is not None:
            _check_authority(trust)
        self._sender = Sender(ambient, trust=trust)

    def close(self) -> None:
        """Gives the kept connections back."""
        self._sender.close()

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises ProviderUnreachable."""
        try:
            return self._sender.send(request)
        except Unreachable as error:
            # The server alone: there are addresses that are secrets.
            server = urlsplit(request.url)
            raise ProviderUnreachable(f"{server.scheme}://{server.netloc}: {error.detail}") from error


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
