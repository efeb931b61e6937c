"""`make bench`: our provider and three others, measured in turns in one run, on loopback only.

A core-second is one second of processor time of the server's process tree, so that the load generator
beside it does not count. Every sign-in is a new browser: authorization request with PKCE, the server's own
pages as a browser posts them, code exchange with client_secret_basic, ID token (RS256, 2048 bit), UserInfo.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import ours, peers
from tests.bench.browser import UnexpectedAnswer
from tests.bench.load import code_exchanges, sign_ins
from tests.bench.report import Results, as_json, table
from tests.bench.server import Server

_SERVERS: tuple[type[Server], ...] = (
    ours.NetID,
    ours.NetIDES256,
    ours.NetIDPasscode,
    peers.OidcProvider,
    peers.OAuth2MockServer,
    peers.OidcProviderMock,
)
_LIMIT_SECONDS = 150


def main() -> int:
    """Install the peers, measure, print the table."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server outlives this process
    try:
        peers.install()
        results = measure(arguments.only, arguments.rounds, arguments.seconds)
    except (peers.ToolMissing, UnexpectedAnswer) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.write(table(results, ours.NetID.name) + "\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(results), indent=2) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure our provider beside three others.")
    parser.add_argument("--rounds", type=int, default=5, help="most turns each server has (default 5)")
    parser.add_argument(
        "--seconds", type=float, default=2.5, help="seconds of sign-ins per turn (default 2.5)"
    )
    names = [server.name for server in _SERVERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="measure these servers only")
    parser.add_argument("--json", type=Path, help="also write every value to this file")
    return parser.parse_args()


def measure(names: list[str], rounds: int, seconds: float) -> list[Results]:
    """Start every server, warm it up, then give each its turn in every round; end them all.

    No round begins after the limit, so that a slow machine measures less often, not longer.
    """
    until = time.monotonic() + _LIMIT_SECONDS
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netid-bench-")))
        servers = [stack.enter_context(kind(directory)) for kind in _SERVERS if kind.name in names]
        results = [Results(server.name) for server in servers]
        _start(servers)
        for server in servers:
            sign_ins(server, seconds / 2)
        for number in range(rounds):
            if number > 0 and time.monotonic() > until:
                break
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            for server, result in zip(servers, results, strict=True):
                _take_turn(server, result, seconds)
        return results


def _start(servers: list[Server]) -> None:
    """Start all in turns, several times for the time it takes; the last start stays."""
    for number in range(max(server.starts for server in servers)):
        for server in servers:
            if number < server.starts:
                server.stop()
                server.start()


def _take_turn(server: Server, result: Results, seconds: float) -> None:
    result.sign_ins.append(sign_ins(server, seconds))
    result.code_exchanges.append(code_exchanges(server, seconds / 2))
    result.start_seconds = server.start_seconds
    result.resident_bytes = server.resident_bytes()


if __name__ == "__main__":
    sys.exit(main())
