"""`python -m platform_demo`: serves the demo platform on loopback, in one process with threads.

One process, because sign-ins under way and what is shown of them are kept in its memory.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from netid.client import Ambient
from netid.client.errors import ClientError
from platform_demo.app import PlatformSettings, create_app, wallet_clients

_THREADS = 8


def main() -> int:
    """Serves until it is ended; a mistake in what it is given is one line and status 2."""
    settings, port, certificate = _settings()
    try:
        create_app(settings, Ambient.real())
    except ClientError as error:
        sys.stderr.write(f"platform_demo: {error}\n")
        return 2
    server = Granian(
        "platform_demo",
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=port,
        workers=1,
        blocking_threads=_THREADS,
        log_access=False,
        log_level=LogLevels.error,
        ssl_cert=certificate,
        ssl_key=certificate,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)
    return 0


def _load(settings: PlatformSettings) -> Flask:
    app = create_app(settings, Ambient.real())
    for client in wallet_clients(app):
        client.keep_fresh()
    return app


def _settings() -> tuple[PlatformSettings, int, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m platform_demo", description=__doc__)
    parser.add_argument("--issuer", default="http://127.0.0.1:8000", help="the provider")
    parser.add_argument("--keys", type=Path, default=Path("keys"), help="the key directory (keys)")
    parser.add_argument("--port", type=int, default=8100, help="the port to listen on (8100)")
    parser.add_argument("--data", type=Path, default=Path("var/demo"), help="where its databases lie")
    parser.add_argument("--wallet", default="http://localhost:8200", help="the wallet's address")
    parser.add_argument("--tls", type=Path, metavar="FILE", help="serve https with this certificate and key")
    parser.add_argument(
        "--trust", type=Path, metavar="FILE", help="the certificate of the provider's authority"
    )
    given = parser.parse_args()
    # The provider is on 127.0.0.1: cookies ignore ports, so the platform needs another name.
    url = f"{'https' if given.tls else 'http'}://localhost:{given.port}"
    settings = PlatformSettings(given.issuer, given.keys, given.data, url, given.trust, given.wallet)
    return settings, given.port, given.tls


if __name__ == "__main__":
    sys.exit(main())
