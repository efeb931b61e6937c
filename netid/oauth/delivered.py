"""What was released, as a token or an answer of UserInfo says it."""

from collections.abc import Iterable

from netid.disclosure import Release
from netid.identity.verified_claims import VerifiedRequest, answer


def claims_in(
    release: Release, plain: Iterable[str], verified: Iterable[VerifiedRequest]
) -> dict[str, object]:
    """The claims by name, and those that were asked for as `verified_claims` in there."""
    claims: dict[str, object] = {name: release.claims[name] for name in plain if name in release.claims}
    if (verified_claims := answer(verified, release.claims)) is not None:
        claims["verified_claims"] = verified_claims
    return claims
