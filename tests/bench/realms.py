"""What a realm costs: made, asked for its keys, dropped, in this process.

python -m tests.bench.realms
"""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from werkzeug.test import Client
from werkzeug.wrappers import Response

from netid.ambient import Ambient
from netid.app import build
from netid.control.realms import Realms
from netid.credentials.keyring import Keyring
from netid.settings import Settings

GOAL_MS = 60.0
_WARM_UP = 100
"""Realms until every cache is full."""


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each step, and what is left after all of them."""

    first: float
    """The first realm, which makes the template."""
    made: Sequence[float]
    first_answer: Sequence[float]
    dropped: Sequence[float]
    grown_bytes: int
    """Resident memory at the end above that after the warm-up."""


def measure(rounds: int) -> Measured:
    """Makes and drops that many realms, one after another."""
    ambient = Ambient.real()
    settings = Settings(mode="test", issuer="http://127.0.0.1", management_token=secrets.token_urlsafe(32))
    realms = Realms(settings, keyring=Keyring.generate(ambient), ambient=ambient, build=build)
    browser = Client(realms.over(Response(status=404)))
    steps: tuple[list[float], list[float], list[float]] = ([], [], [])
    process, resident = psutil.Process(), 0
    try:
        first = _milliseconds(realms.create)
        for number in range(rounds + _WARM_UP):
            if number == _WARM_UP:
                resident = process.memory_info().rss
                for step in steps:
                    step.clear()
            begun = time.perf_counter()
            realm = realms.create()
            steps[0].append((time.perf_counter() - begun) * 1000)
            path = f"/realms/{realm.id}"
            steps[1].append(_milliseconds(lambda path=path: browser.get(f"{path}/jwks")))
            steps[2].append(_milliseconds(lambda realm=realm: realms.drop(realm.id)))
        return Measured(first, *steps, process.memory_info().rss - resident)
    finally:
        realms.close()


def _milliseconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return (time.perf_counter() - begun) * 1000


def row(values: Sequence[float]) -> str:
    """Median, and the range without the slowest twentieth."""
    ordered = sorted(values)
    return f"{median(ordered):.1f} ({ordered[0]:.1f}-{ordered[int(len(ordered) * 0.95) - 1]:.1f})"


def main() -> int:
    """Measures and prints; status 1 above the goal."""
    parser = argparse.ArgumentParser(description="Measure what a realm costs.")
    parser.add_argument("--rounds", type=int, default=200, help="realms to make (default 200)")
    parser.add_argument("--json", action="store_true", help="print every value instead")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds)
    if arguments.json:
        sys.stdout.write(json.dumps(measured.__dict__) + "\n")
        return 0
    sys.stdout.write(
        "| a realm, ms | made | first answer | dropped | the very first | memory grown, KiB |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| {arguments.rounds} in turn | {row(measured.made)} | {row(measured.first_answer)} "
        f"| {row(measured.dropped)} | {measured.first:.0f} | {measured.grown_bytes // 1024} |\n"
    )
    return int(median(measured.made) > GOAL_MS)


if __name__ == "__main__":
    sys.exit(main())
