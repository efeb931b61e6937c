"""SD-JWT: a signed payload with the disclosures its holder chose to show (RFC 9901).

What is here knows no application: which claims there have to be, and whom to trust, others say.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from netid.credentials import disclosures, jose
from netid.credentials.disclosures import Path, Revealed
from netid.credentials.jwk import SigningKey
from netid.errors import TokenRefused

MAX_BYTES = 32_768
"""The longest SD-JWT that is looked at, disclosures and key binding included."""

MAX_DISCLOSURES = 64

_SEPARATOR = "~"


@dataclass(frozen=True)
class SdJwt:
    """The compact form, taken apart and not yet believed (RFC 9901, 4)."""

    issued: str
    """The JWT that the issuer signed."""

    disclosures: tuple[str, ...]

    key_binding: str | None
    """The JWT that the holder signed, where there is one."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises TokenRefused for what has another form, or is too long or in too many parts."""
        if len(text) > MAX_BYTES or text.count(_SEPARATOR) > MAX_DISCLOSURES + 1:
            raise TokenRefused("it is too long")
        issued, *shown = text.split(_SEPARATOR)
        # Without a "~" at its end it is a JWT, or a disclosure or the key binding was cut.
        if not shown or not text.isascii() or "" in (issued, *shown[:-1]):
            raise TokenRefused("it is not a compact SD-JWT")
        return cls(issued, tuple(shown[:-1]), shown[-1] or None)

    @property
    def bound(self) -> str:
        """What `sd_hash` is made over: all of it up to the key binding (RFC 9901, 4.3.1)."""
        return _SEPARATOR.join((self.issued, *self.disclosures, ""))

    def __str__(self) -> str:
        return self.bound + (self.key_binding or "")


def issue(
    claims: Mapping[str, object],
    key: SigningKey,
    typ: str,
    random: Callable[[int], bytes],
    digests: int = 0,
) -> SdJwt:
    """These claims signed, with a disclosure for everything that is `Hidden` in them.

    Raises what `disclosures.conceal` and `jose.sign` raise.
    """
    payload, texts = disclosures.conceal(claims, random, digests)
    return SdJwt(jose.sign(payload, key, typ), tuple(texts), None)


def verify(sd_jwt: SdJwt, *, key_source: jose.KeySource, typ: str) -> Revealed:
    """What the issuer said, as far as the disclosures show it (RFC 9901, 7.1, steps 1 to 5).

    Times and every other claim are the caller's to check. Raises TokenRefused, DisclosureRefused.
    """
    verified = jose.verify(
        sd_jwt.issued, key_source=key_source, algorithms=("ES256",), typ=typ, max_bytes=MAX_BYTES
    )
    return disclosures.reveal(verified.payload, sd_jwt.disclosures)


def select(sd_jwt: SdJwt, paths: Collection[Path]) -> SdJwt:
    """The same with the disclosures for these paths, and for what they stand in, and no others.

    What hides inside a path's value has a path of its own. For a holder, who verified it when it
    came; raises KeyError for a path at which it says nothing.
    """
    revealed = disclosures.reveal(jose.unverified_payload(sd_jwt.issued, MAX_BYTES), sd_jwt.disclosures)
    wanted = {path[:length] for path in paths for length in range(1, len(path) + 1)}
    if missing := wanted - _all_paths(revealed.claims, ()):
        raise KeyError(f"the credential has no {min(missing, key=len)}")
    shown = (text for path, text in revealed.disclosed.items() if path in wanted)
    return replace(sd_jwt, disclosures=tuple(shown), key_binding=None)


def _all_paths(value: object, path: Path) -> set[Path]:
    paths = {path}
    if isinstance(value, Mapping):
        paths = paths.union(*(_all_paths(inner, (*path, name)) for name, inner in value.items()))
    elif isinstance(value, list):
        paths = paths.union(*(_all_paths(inner, (*path, at)) for at, inner in enumerate(value)))
    return paths
