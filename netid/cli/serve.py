"""`netid serve`: a provider with the settings of the environment, served by granian."""

import gc
import logging
import os
import signal
import socket
from argparse import Namespace
from typing import Any
from urllib.parse import urlsplit

from netid.errors import StartFailed
from netid.settings import PREFIX, Settings, SettingsError, read_settings

THREADS = 16
"""Requests one worker handles at once. Two would keep a core busy, and a sign-in costs a sixteenth more with
all these, which take the interpreter's lock from each other; but a body that does not come holds one, and
fourteen clients may hang before anybody else waits. For more sign-ins add workers."""

GRACE_SECONDS = 20
"""How long a request in flight may take once the end was asked for."""


def run(chosen: Namespace) -> int:
    """Serves until it is ended; a mistake in settings, keys, personas or registrations stops the start."""
    if chosen.settings:
        list_settings()
        return 0
    settings = with_local_tls() if chosen.tls else read_settings(os.environ)
    check(settings)
    if chosen.check:
        print(f"{_described(settings)}: ready to start")
    else:
        serve(settings)
    return 0


def _described(settings: Settings) -> str:
    from netid.storage.database import without_password

    return f"{settings.issuer}, mode {settings.mode}, {without_password(settings.database_url)}"


def check(settings: Settings) -> None:
    """Builds the provider once: migrations, keys, personas and registrations. Raises what is wrong."""
    from netid.ambient import Ambient
    from netid.app import build
    from netid.storage.key_files import load_keys

    _check_certificate(settings)
    build(settings, load_keys(settings.keys), Ambient.real()).close()


def _check_certificate(settings: Settings) -> None:
    import ssl

    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        reason = "not a pair in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        files = f"{settings.tls_certificate} and {settings.tls_key}"
        raise SettingsError(f"{PREFIX}TLS_CERTIFICATE, {PREFIX}TLS_KEY: {files}: {reason}") from error


def _check_free(host: str, port: int, setting: str) -> None:
    """Granian shares its port with whoever else does, and two providers would answer by turns."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise StartFailed(
            f"{PREFIX}{setting}: {host} port {port} cannot be listened on; end what has it, or choose another"
        ) from error


def with_local_tls() -> Settings:
    """The settings for https with the local authority, made where there is none; the workers get them too.

    An issuer that is http becomes https; the rest stays as the environment has it.
    """
    from netid.ambient import Ambient
    from netid.storage.tls_files import local_tls

    settings = read_settings(os.environ)
    issuer = settings.issuer.replace("http:", "https:", 1)
    files = local_tls(settings.keys, urlsplit(issuer).hostname or "localhost", Ambient.real())
    chosen = {"issuer": issuer, "tls_certificate": files.certificate, "tls_key": files.certificate}
    os.environ.update({f"{PREFIX}{name.upper()}": str(value) for name, value in chosen.items()})
    if files.is_new:
        print(f"A new local authority was made, for this issuer alone: {files.authority}")
    print(f"To trust it: --cacert or REQUESTS_CA_BUNDLE, or trust= in the SDK, with {files.authority}")
    return read_settings(os.environ)


def serve(settings: Settings) -> None:
    """Serves with granian, which starts the workers and replaces one that dies. Raises StartFailed."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    _check_free(settings.host, settings.port, "PORT")
    _check_free("127.0.0.1", settings.management_port or 0, "MANAGEMENT_PORT")
    _check_free("127.0.0.1", settings.line_port or 0, "LINE_PORT")
    # The workers are forks of this process: what the check has loaded is theirs, and shared.
    gc.collect()
    gc.freeze()
    server = Granian(
        "netid.cli.serve:worker",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=THREADS,
        backpressure=256,
        log_access=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
    )

    @server.on_startup
    def started() -> None:
        # Granian takes a closed terminal for the wish to start its workers anew.
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
        print(f"{_described(settings)}: running", flush=True)

    server.serve()


def worker() -> Any:
    """The application of one worker process, which says on standard error what it refuses, and why."""
    from netid.app import from_environment

    # What is pressed at the terminal comes to the watching process alone, which ends its workers in order.
    os.setpgid(0, 0)
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("netid").setLevel(logging.INFO)
    return from_environment()


def list_settings() -> None:
    """Every setting with its default and what it means."""
    defaults = read_settings({})
    for name, field in Settings.model_fields.items():
        default = getattr(defaults, name)
        print(f"{PREFIX}{name.upper()}={'' if default is None else default}")
        print(f"    {field.description}")
