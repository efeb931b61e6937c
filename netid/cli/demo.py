"""`netid demo`: a provider, the demo internet platform and a wallet, side by side on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Self

import requests

from netid.ambient import Ambient
from netid.cli.doctor import print_findings
from netid.cli.examination import Examination
from netid.errors import StartFailed
from netid.identity.persona_file import DEMO_PASSCODE
from netid.settings import PREFIX
from netid.storage.key_files import KEYRING_FILE
from netid.storage.tls_files import LocalTls, local_tls

START_SECONDS = 30
END_SECONDS = 25
"""A little longer than a provider gives what is in flight."""
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOG = "demo.log"


def run(chosen: Namespace) -> None:
    """Starts the three, prints the addresses, and ends them when it is ended."""
    tls = local_tls(chosen.keys, "127.0.0.1", Ambient.real()) if chosen.tls else None
    scheme = "https" if tls else "http"
    issuer = f"{scheme}://127.0.0.1:{chosen.port}"
    platform = f"{scheme}://localhost:{chosen.platform_port}"
    wallet = f"{scheme}://localhost:{chosen.wallet_port}"
    _check_ports(chosen)
    _check_keys(chosen.keys)
    for ending in _ENDINGS:
        signal.signal(ending, _end)
    with _alone_in(chosen.data) as log, _Parts(log, tls) as parts:
        parts.start(["-m", "netid.cli", "serve"], _settings(chosen, issuer, platform, wallet, tls))
        parts.wait_for(f"{issuer}/.well-known/openid-configuration")
        print_findings(
            Examination(issuer, trust=tls.authority if tls else None, now=Ambient.real().now).report()
        )
        parts.start(["-m", "platform_demo", *_of_platform(chosen, issuer, wallet), *_trusting(tls)])
        parts.wait_for(platform)
        parts.start(["-m", "netid.wallet", *_of_wallet(chosen, issuer), *_trusting(tls)])
        parts.wait_for(wallet)
        _greet(issuer, platform, wallet, log.name, tls)
        parts.wait_for_end()


class _Parts:
    """The three processes, which say what they have to say into one file."""

    def __init__(self, log: BinaryIO, tls: LocalTls | None) -> None:
        self._log = log
        self._tls = tls
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, arguments: list[str], settings: Mapping[str, str] = MappingProxyType({})) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        # A session of its own: what is pressed at the terminal comes to this process alone, which ends them.
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments],
            env={**inherited, **settings},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append(process)

    def wait_for(self, url: str) -> None:
        """Until the part that was started last answers there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._check_running()
            try:
                if requests.get(url, timeout=2, verify=str(self._tls.authority) if self._tls else True).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise StartFailed(f"{url} did not answer within {START_SECONDS} seconds")

    def wait_for_end(self) -> None:
        while True:
            self._check_running()
            time.sleep(0.5)

    def _check_running(self) -> None:
        if any(process.poll() is not None for process in self._running):
            said = Path(self._log.name).read_text("utf-8", "replace").splitlines()
            raise StartFailed("\n".join(("a part of the demo ended:", *said[-10:])))


def _settings(
    chosen: Namespace, issuer: str, platform: str, wallet: str, tls: LocalTls | None
) -> dict[str, str]:
    registrations = files("platform_demo") / "registration.yaml"
    settings = {
        "MODE": "demo",
        "ISSUER": issuer,
        "PORT": str(chosen.port),
        "DATABASE_URL": f"sqlite:///{chosen.data / 'netid.db'}",
        "KEY_DATABASE_URL": f"sqlite:///{chosen.data / 'netid-keys.db'}",
        "KEYS": str(chosen.keys),
        "RELYING_PARTIES": str(registrations),
        "PLATFORM_URL": platform,
        "WALLET_URL": wallet,
        **({"PERSONAS": str(chosen.personas)} if chosen.personas else {}),
        **({"TLS_CERTIFICATE": str(tls.certificate), "TLS_KEY": str(tls.certificate)} if tls else {}),
    }
    return {f"{PREFIX}{name}": value for name, value in settings.items()}


def _of_platform(chosen: Namespace, issuer: str, wallet: str) -> list[str]:
    where = ["--issuer", issuer, "--keys", str(chosen.keys), "--port", str(chosen.platform_port)]
    return [*where, "--wallet", wallet, "--data", str(chosen.data)]


def _of_wallet(chosen: Namespace, issuer: str) -> list[str]:
    return ["--issuer", issuer, "--port", str(chosen.wallet_port), "--data", str(chosen.data / "wallet")]


def _trusting(tls: LocalTls | None) -> list[str]:
    return ["--tls", str(tls.certificate), "--trust", str(tls.authority)] if tls else []


def _check_ports(chosen: Namespace) -> None:
    ports = (chosen.port, chosen.platform_port, chosen.wallet_port)
    if len(set(ports)) < len(ports):
        raise StartFailed("the three ports have to differ; change --port, --platform-port or --wallet-port")
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise StartFailed(
                    f"port {port} is taken, perhaps by another demo; end that, or choose others with --port, "
                    '--platform-port, --wallet-port and --data (with make: make demo ARGS="--port …")'
                ) from error


def _check_keys(keys: Path) -> None:
    """All at once: whoever has none needs one command, not one for each."""
    clients = [f"platform_demo-{scene}" for scene in ("forum", "game", "parcels")]
    needed = [KEYRING_FILE, *(f"{client}{end}.json" for client in clients for end in ("", "-dpop"))]
    missing = [name for name in needed if not (keys / name).exists()]
    if missing:
        options = " ".join(f"--client {client}" for client in clients)
        raise StartFailed(
            f"{keys}: lacks {', '.join(missing)}; make them with "
            f"`netid keys init --directory {keys} {options}`"
        )


@contextmanager
def _alone_in(data: Path) -> Iterator[BinaryIO]:
    """Holds the directory by its log: two demos there would register each other's addresses away."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = (data / _LOG).open("ab")
    except OSError as error:
        raise StartFailed(f"--data {data}: {error.strerror}; choose one that can be written") from error
    with log:
        try:
            flock(log, LOCK_EX | LOCK_NB)
        except OSError as error:
            raise StartFailed(f"--data {data}: another demo runs there; end it, or choose another") from error
        log.truncate(0)
        yield log


def _greet(issuer: str, platform: str, wallet: str, log: str, tls: LocalTls | None) -> None:
    trust = f"\n  Trust first / 先信任    {tls.authority}\n" if tls else ""
    print(
        f"""
NetID is running. Every person and document in it is made up.
NetID 正在运行。人物和证件都是虚构的。
{trust}
  Open first / 先打开    {platform}
      the demo internet platform: press “Sign in with NetID / 使用网号登录”
  The provider / 公共服务平台    {issuer}
      enrol a made-up person / 申领网号
  The wallet / 钱包    {wallet}
      holds net credentials, and shows them without the provider / 存放网证，自己出示

  Demo passcode of every persona / 演示口令    {DEMO_PASSCODE}
  What is refused, and why / 日志    {log}
  Ctrl-C ends all three.
""",
        flush=True,
    )


def _end(_signal: int, _frame: object) -> None:
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # once is enough; a second press would leave them running
    raise KeyboardInterrupt
