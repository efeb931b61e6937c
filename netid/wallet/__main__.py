"""`python -m netid.wallet`: serves the phone on loopback, in one process with threads.

One process, because what waits for the person's decision is kept in its memory.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from netid.ambient import Ambient
from netid.errors import NetIDError
from netid.wallet.phone.app import PhoneSettings, create_app
from netid.wallet.safe import Safe

_THREADS = 4


def main() -> int:
    """Serves until it is ended; a mistake in what it is given is one line and status 2."""
    settings, port, certificate = _settings()
    try:
        Safe(settings.data, Ambient.real()).close()
    except NetIDError as error:
        sys.stderr.write(f"netid.wallet: {error}\n")
        return 2
    server = Granian(
        "netid.wallet",
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


def _load(settings: PhoneSettings) -> Flask:
    return create_app(settings, Ambient.real())


def _settings() -> tuple[PhoneSettings, int, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m netid.wallet", description=__doc__)
    parser.add_argument("--issuer", default="http://127.0.0.1:8000", help="the provider")
    parser.add_argument("--port", type=int, default=8200, help="the port to listen on (8200)")
    parser.add_argument("--data", type=Path, default=Path("var/wallet"), help="where its safe lies")
    parser.add_argument("--tls", type=Path, metavar="FILE", help="serve https with this certificate and key")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the certificate of the local authority")
    given = parser.parse_args()
    # Neither it nor anybody on this host name learns the provider's cookies, which is on 127.0.0.1.
    url = f"{'https' if given.tls else 'http'}://localhost:{given.port}"
    return PhoneSettings(given.issuer, url, given.data, given.trust), given.port, given.tls


if __name__ == "__main__":
    sys.exit(main())
