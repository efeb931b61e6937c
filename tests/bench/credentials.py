"""What net credentials cost beside the raw cryptography in them, and beside PyPI sd-jwt, in one run.

python -m tests.bench.credentials
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from netid.ambient import Ambient
from netid.credentials import base64url, net_credential, sd_jwt_vc, status_list
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.key_binding import Challenge
from netid.credentials.sd_jwt_vc import Trusted
from netid.credentials.status_list import Status, StatusList
from netid.identity.net_number import NetNumber

REAL = Ambient.real()
ISSUER, HOLDER = (SigningKey.generate("ES256", REAL.random) for _ in range(2))
ADDRESS = "https://netid.example"
CHALLENGE = Challenge("https://shop.example", base64url.encode(REAL.random(32)))
NET_NUMBER = NetNumber.draw(REAL.random)
FIELDS: dict[str, str | bool] = {
    "name": "林示例",
    "document_kind": "resident-id",
    "document_number": "100101199001010018",
    "sex": "female",
    "birthdate": "1990-01-01",
    "nationality": "CHN",
    "document_expires_on": "2036-01-01",
    "phone_number": "11100000000",
    "age_over_14": True,
    "age_over_16": True,
    "age_over_18": True,
}
SHOWN = ("name", "age_over_18")
_ROUNDS, _TIMES = 150, 20
"""How often each step has its turn, and how often it runs in one."""

_ECDSA = ec.ECDSA(SHA256())
_MESSAGE = b"x" * 1500
"""About as long as the JWT of a net credential."""


Taken = Mapping[str, Sequence[float]]
"""Microseconds of processor time of each step, one mean per round."""


@dataclass(frozen=True)
class Goal:
    """What one step costs beside another, and what that has to be."""

    title: str
    step: str
    beside: str
    bound: float
    at_most: bool

    def ratio(self, taken: Taken) -> float:
        """How many times the one costs the other, or is faster: the median of the rounds' ratios."""
        pairs = zip(taken[self.step], taken[self.beside], strict=True)
        return median(step / beside if self.at_most else beside / step for step, beside in pairs)

    def met(self, taken: Taken) -> bool:
        """Whether it is what it has to be."""
        ratio = self.ratio(taken)
        return ratio <= self.bound if self.at_most else ratio >= self.bound


GOALS = (
    Goal("issuing 12 disclosures, in raw signatures", "issue", "raw signature", 4.5, at_most=True),
    Goal("verifying, in two raw checks and a key load", "verify", "raw checks", 1.9, at_most=True),
    Goal("issuing, times faster than PyPI sd-jwt", "issue", "PyPI issue", 2.5, at_most=False),
    Goal("verifying, times faster than PyPI sd-jwt", "verify", "PyPI verify", 2.5, at_most=False),
)


def steps() -> dict[str, Callable[[], object]]:
    """Everything that is timed, by name."""
    today = REAL.now().date()
    issuer = ISSUER.private
    assert isinstance(issuer, ec.EllipticCurvePrivateKey)
    signature, public = issuer.sign(_MESSAGE, _ECDSA), issuer.public_key()
    numbers = public.public_numbers()

    def raw_checks() -> None:
        public.verify(signature, _MESSAGE, _ECDSA)
        public.verify(signature, _MESSAGE, _ECDSA)
        ec.EllipticCurvePublicNumbers(numbers.x, numbers.y, numbers.curve).public_key()

    def issue() -> str:
        return net_credential.issue(
            issuer=ADDRESS,
            fields=FIELDS,
            net_number=NET_NUMBER,
            holder_key=HOLDER.public,
            issued_on=today,
            expires_on=today + timedelta(days=2),
            status=None,
            key=ISSUER,
            random=REAL.random,
        )

    trusted = Trusted(ADDRESS, net_credential.type_of(ADDRESS), PublicKeySet((ISSUER.public,)))
    now = REAL.now()
    ours = sd_jwt_vc.present(issue(), [(name,) for name in SHOWN], CHALLENGE, HOLDER, now)
    theirs = SDJWTHolder(_pypi_issue(today))
    theirs.create_presentation(dict.fromkeys(SHOWN, True), CHALLENGE.nonce, CHALLENGE.audience, _PYPI_HOLDER)

    def pypi_verify() -> object:
        verifier = SDJWTVerifier(
            theirs.sd_jwt_presentation, lambda *_: _PYPI_ISSUER, CHALLENGE.audience, CHALLENGE.nonce
        )
        return verifier.get_verified_payload()

    return {
        "raw signature": lambda: issuer.sign(_MESSAGE, _ECDSA),
        "issue": issue,
        "PyPI issue": lambda: _pypi_issue(today),
        "raw checks": raw_checks,
        "verify": lambda: sd_jwt_vc.verify_presentation(ours, trusted, CHALLENGE, now),
        "PyPI verify": pypi_verify,
    }


def _pypi_key(key: SigningKey) -> JWK:
    jwk = key.private_jwk()
    return JWK(**{name: jwk[name] for name in ("kty", "crv", "x", "y", "d")})


_PYPI_ISSUER, _PYPI_HOLDER = _pypi_key(ISSUER), _pypi_key(HOLDER)


def _pypi_issue(today: date) -> str:
    """The same claims, with two to five decoys, as it draws them: ours has four."""
    midnight = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp())
    clear = {
        "iss": ADDRESS,
        "vct": net_credential.type_of(ADDRESS),
        "iat": midnight,
        "exp": midnight + 172_800,
        "mock": True,
    }
    hidden = {SDObj(name): value for name, value in {**FIELDS, "net_number": NET_NUMBER.reveal()}.items()}
    return str(SDJWTIssuer(clear | hidden, _PYPI_ISSUER, _PYPI_HOLDER, add_decoy_claims=True).sd_jwt_issuance)


def measure(rounds: int) -> Taken:
    """The steps take turns, so that a slow moment hits all of them."""
    timed = steps()
    taken: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, step in timed.items():
            taken[name].append(_microseconds(step))
    return taken


def _microseconds(step: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(_TIMES):
        step()
    return (time.process_time() - begun) / _TIMES * 1e6


def status_list_bytes(bits: status_list.Bits) -> int:
    """The packed size of a list of 2^20 entries, every hundredth of them revoked."""
    revoked = Random(1).sample(range(2**20), 2**20 // 100)
    packed = StatusList.of(2**20, bits, dict.fromkeys(revoked, Status.INVALID)).claim()["lst"]
    return len(base64url.decode(str(packed)))


def report(taken: Taken) -> str:
    """Two Markdown tables: what was measured, and the goals."""
    lines = ["| step | microseconds |", "| --- | --- |"]
    for name, values in taken.items():
        lines.append(f"| {name} | {median(values):.0f} ({min(values):.0f}-{max(values):.0f}) |")
    lines += ["", "| ratio | | goal |", "| --- | --- | --- |"]
    for goal in GOALS:
        sign = "at most" if goal.at_most else "at least"
        lines.append(f"| {goal.title} | {goal.ratio(taken):.2f} | {sign} {goal.bound} |")
    for bits in (1, 2):
        size = status_list_bytes(bits)
        lines.append(f"| status list of 2^20 entries of {bits} bit, in bytes | {size} | under 15000 |")
    return "\n".join(lines)


def main() -> int:
    """Measures and prints; status 1 where a goal of speed is missed."""
    parser = argparse.ArgumentParser(description="Measure what net credentials cost.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="turns each step has")
    parser.add_argument("--json", action="store_true", help="print every value instead")
    arguments = parser.parse_args()
    taken = measure(arguments.rounds)
    sys.stdout.write((json.dumps(taken) if arguments.json else report(taken)) + "\n")
    return int(not all(goal.met(taken) for goal in GOALS))


if __name__ == "__main__":
    sys.exit(main())
