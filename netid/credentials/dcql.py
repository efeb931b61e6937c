"""Which claims a verifier wants to see: the part of DCQL that net credentials need (OpenID4VP 1.0, 6).

One credential of one type; claims by name; alternatives as `claim_sets`, the fullest first. What else
DCQL knows (several credentials, values, other formats) is refused and not passed over: a wallet that
answered only what it understood would answer another question. Members that DCQL does not know are
ignored, as section 6 asks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from netid.credentials.sd_jwt_vc import TYPE
from netid.errors import TokenRefused

QUERY_ID = "net_credential"
"""The name under which our own queries ask for the net credential."""

MAX_VOLUNTARY = 4
"""How many claims a person may leave out one by one: there are 2 to that power sets."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Query:
    """What is asked for."""

    id: str
    vct: str
    claims: frozenset[str]
    """Every claim that may be shown; none asks for the check result alone."""

    sets: tuple[frozenset[str], ...]
    """The sets of claims that answer the query, by preference; one of them has to be shown exactly."""

    @classmethod
    def of(cls, vct: str, essential: frozenset[str], voluntary: frozenset[str]) -> "Query":
        """A query that leaves the voluntary claims to the person. Raises ValueError for too many.

        Where none is essential, one has to be shown at least: DCQL has no empty set (6.1).
        """
        if len(voluntary) > MAX_VOLUNTARY:
            raise ValueError(f"more than {MAX_VOLUNTARY} voluntary claims")
        sizes = range(len(voluntary), -1, -1)
        sets = [essential.union(some) for size in sizes for some in combinations(sorted(voluntary), size)]
        claims = essential | voluntary
        return cls(QUERY_ID, vct, claims, tuple(wanted for wanted in sets if wanted or not claims))

    @property
    def essential(self) -> frozenset[str]:
        """The claims in every set: without them nothing can be answered."""
        return frozenset.intersection(*self.sets)

    def dcql(self) -> dict[str, object]:
        """The `dcql_query` parameter."""
        credential: dict[str, object] = {"id": self.id, "format": TYPE, "meta": {"vct_values": [self.vct]}}
        if self.claims:
            credential["claims"] = [{"id": name, "path": [name]} for name in sorted(self.claims)]
        if len(self.sets) > 1:
            credential["claim_sets"] = [sorted(wanted) for wanted in self.sets]
        return {"credentials": [credential]}

    @classmethod
    def parse(cls, value: object) -> "Query":
        """Raises TokenRefused for a query that cannot be answered as it is meant."""
        match value:
            case {
                "credentials": [{"id": str(name), "format": "dc+sd-jwt", "meta": meta} as wanted],
                **others,
            }:
                if "credential_sets" in others or not _ID.fullmatch(name):
                    raise TokenRefused("dcql_query has sets of credentials, or an id of another form")
                _refuse_unanswerable(wanted)
                claims = _claims(wanted["claims"]) if "claims" in wanted else {}
                sets = _sets(wanted["claim_sets"], claims) if "claim_sets" in wanted else None
                every = frozenset(claims.values())
                return cls(name, _vct(meta), every, sets or (every,))
        raise TokenRefused("dcql_query does not ask for one dc+sd-jwt credential")

    def is_answered_by(self, shown: frozenset[str]) -> bool:
        """Whether these claims are one of the sets, no more and no less (6.4.1)."""
        return shown in self.sets


def _refuse_unanswerable(wanted: Mapping[str, object]) -> None:
    """6.1: what would change the answer, and is not understood here."""
    if wanted.get("multiple", False) is not False or "trusted_authorities" in wanted:
        raise TokenRefused("dcql_query asks for several copies, or for certain authorities")
    if wanted.get("require_cryptographic_holder_binding", True) is not True:
        raise TokenRefused("dcql_query does without key binding")


def _vct(meta: object) -> str:
    match meta:
        case {"vct_values": [str(vct)]}:
            return vct
    raise TokenRefused("dcql_query does not name one type")


def _claims(value: object) -> Mapping[str, str]:
    """Claim names by the id that sets refer to them with, or by themselves (6.3)."""
    if not isinstance(value, list) or not value:
        raise TokenRefused("claims is not a list, or empty")
    claims: dict[str, str] = {}
    for claim in value:
        match claim:
            # A wallet's log names what was asked for: it takes names, and no words of a stranger's.
            case {"path": [str(name)], **others} if "values" not in others and _ID.fullmatch(name):
                known = others.get("id", name)
                if not isinstance(known, str) or not _ID.fullmatch(known):
                    raise TokenRefused("the id of a claim has another form")
                if known in claims or name in claims.values():
                    raise TokenRefused("a claim or its id comes twice")
                claims[known] = name
            case _:
                raise TokenRefused("a claim is asked for in a way that is not understood here")
    return claims


def _sets(value: object, claims: Mapping[str, str]) -> tuple[frozenset[str], ...]:
    if not isinstance(value, list) or not value:
        raise TokenRefused("claim_sets is not a list of lists")
    return tuple(frozenset(_named(wanted, claims)) for wanted in value)


def _named(wanted: object, claims: Mapping[str, str]) -> Sequence[str]:
    # Ids are not looked up before they are known to be strings: others cannot be hashed.
    if not isinstance(wanted, list) or not wanted:
        raise TokenRefused("claim_sets is not a list of lists")
    if not all(isinstance(name, str) and name in claims for name in wanted):
        raise TokenRefused("claim_sets names a claim that is not there")
    return [claims[name] for name in wanted]
