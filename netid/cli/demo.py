"""`netid demo`: a provider, the demo internet platform and a wallet, side by side on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import requests

from netid.ambient import Ambient
from netid.cli.doctor import print_findings
from netid.cli.examination import Examination
from netid.errors import StartFailed
from netid.identity.persona_file import DEMO_PASSCODE
from netid.settings import PREFIX
from netid.storage.tls_files import LocalTls, local_tls

START_SECONDS = 30


def run(chosen: Namespace) -> None:
    """Starts the three, prints the addresses, and ends them when it is ended."""
    tls = local_tls(chosen.keys, "127.0.0.1", Ambient.real()) if chosen.tls else None
    scheme = "https" if tls else "http"
    issuer = f"{scheme}://127.0.0.1:{chosen.port}"
    platform = f"{scheme}://localhost:{chosen.platform_port}"
    wallet = f"{scheme}://localhost:{chosen.wallet_port}"
    for port in (chosen.port, chosen.platform_port, chosen.wallet_port):
        _check_free(port)
    data: Path = chosen.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    signal.signal(signal.SIGTERM, _end)
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_start_provider(chosen, issuer, platform, wallet, tls))
        _wait_for(f"{issuer}/.well-known/openid-configuration", running[-1], tls)
        print_findings(
            Examination(issuer, trust=tls.authority if tls else None, now=Ambient.real().now).report()
        )
        running.append(_start_platform(chosen, issuer, wallet, tls))
        _wait_for(platform, running[-1], tls)
        running.append(_start_wallet(chosen, issuer, tls))
        _wait_for(wallet, running[-1], tls)
        _greet(issuer, platform, wallet, tls)
        _wait_for_end(running)
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(START_SECONDS)


def _start_provider(
    chosen: Namespace, issuer: str, platform: str, wallet: str, tls: LocalTls | None
) -> "subprocess.Popen[bytes]":
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
    return _start(["-m", "netid.cli", "serve"], {f"{PREFIX}{k}": v for k, v in settings.items()})


def _start_platform(
    chosen: Namespace, issuer: str, wallet: str, tls: LocalTls | None
) -> "subprocess.Popen[bytes]":
    where = ["--issuer", issuer, "--keys", str(chosen.keys), "--port", str(chosen.platform_port)]
    where += ["--wallet", wallet, "--data", str(chosen.data)]
    return _start(["-m", "platform_demo", *where, *_trusting(tls)], {})


def _start_wallet(chosen: Namespace, issuer: str, tls: LocalTls | None) -> "subprocess.Popen[bytes]":
    where = ["--issuer", issuer, "--port", str(chosen.wallet_port), "--data", str(chosen.data / "wallet")]
    return _start(["-m", "netid.wallet", *where, *_trusting(tls)], {})


def _trusting(tls: LocalTls | None) -> list[str]:
    return ["--tls", str(tls.certificate), "--trust", str(tls.authority)] if tls else []


def _start(arguments: list[str], settings: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.Popen([sys.executable, *arguments], env={**inherited, **settings})  # noqa: S603


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartFailed(
                f"port {port} is taken; choose others with --port, --platform-port and --wallet-port"
            ) from error


def _wait_for(url: str, process: "subprocess.Popen[bytes]", tls: LocalTls | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailed("a part of the demo did not start; its line above says why")
        try:
            if requests.get(url, timeout=2, verify=str(tls.authority) if tls else True).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise StartFailed(f"{url} did not answer within {START_SECONDS} seconds")


def _greet(issuer: str, platform: str, wallet: str, tls: LocalTls | None) -> None:
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
  Ctrl-C ends all three.
""",
        flush=True,
    )


def _wait_for_end(running: list["subprocess.Popen[bytes]"]) -> None:
    while all(process.poll() is None for process in running):
        time.sleep(0.5)
    raise StartFailed("a part of the demo ended; its line above says why")


def _end(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
