"""Claims that were verified, and what they were verified by (OpenID Identity Assurance Schema 1.0)."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

TRUST_FRAMEWORK = "cn_netid_mock"

VERIFICATION: Mapping[str, str] = MappingProxyType({"trust_framework": TRUST_FRAMEWORK})
"""All that is said of a verification. It is the same for everybody: when somebody enrolled, or by which
document, would tell people apart."""

ClaimValue = str | bool


class WantedClaim(BaseModel):
    """One claim that a `verified_claims` request names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    one_of: tuple[ClaimValue, ...] | None = None
    """The values that do; None takes any."""

    def accepts(self, value: ClaimValue) -> bool:
        """Whether this value does (OpenID Connect for Identity Assurance 1.0: else it is left out)."""
        return self.one_of is None or any(value == one for one in self.one_of)


class VerifiedRequest(BaseModel):
    """One `verified_claims` that was asked for, and whose demands on the verification are met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claims: tuple[WantedClaim, ...]

    @property
    def names(self) -> frozenset[str]:
        """The claims it names."""
        return frozenset(claim.name for claim in self.claims)


def names_in(requests: Iterable[VerifiedRequest]) -> frozenset[str]:
    """Every claim that one of these requests names."""
    return frozenset().union(*(request.names for request in requests))


def narrowed(requests: Iterable[VerifiedRequest], names: frozenset[str]) -> tuple[VerifiedRequest, ...]:
    """The requests without the claims that are none of these names; what asks for nothing then is gone."""
    kept = (tuple(claim for claim in request.claims if claim.name in names) for request in requests)
    return tuple(VerifiedRequest(claims=claims) for claims in kept if claims)


def check_result() -> dict[str, object]:
    """The check result: verified under this framework, with no claim of any document.

    OpenID Identity Assurance Schema 1.0 allows empty `claims` for exactly this use.
    """
    return {"verification": dict(VERIFICATION), "claims": {}}


def answer(
    requests: Iterable[VerifiedRequest], released: Mapping[str, ClaimValue]
) -> dict[str, object] | list[dict[str, object]] | None:
    """What `verified_claims` says of what was released: one object, a list of several, or nothing."""
    fitting = [_fitting(request, released) for request in requests]
    answers = [{**check_result(), "claims": claims} for claims in fitting if claims]
    return answers[0] if len(answers) == 1 else answers or None


def _fitting(request: VerifiedRequest, released: Mapping[str, ClaimValue]) -> dict[str, ClaimValue]:
    return {
        claim.name: released[claim.name]
        for claim in request.claims
        if claim.name in released and claim.accepts(released[claim.name])
    }
