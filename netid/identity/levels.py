"""How surely a person was checked: the four modes of the public service."""

from enum import StrEnum


class Factor(StrEnum):
    """Something a person can be checked by; the value is the `amr` name (RFC 8176)."""

    CREDENTIAL = "pop"
    """The net credential's key, held by this browser or wallet (proof of possession)."""

    PASSCODE = "pin"
    FACE = "face"

    @property
    def page(self) -> str:
        """The page on which it is checked."""
        return self.name.lower()


class AssuranceLevel(StrEnum):
    """Which factors were checked, as an `acr` value."""

    CREDENTIAL = "urn:netid:acr:credential"
    CREDENTIAL_PASSCODE = "urn:netid:acr:credential+passcode"
    CREDENTIAL_FACE = "urn:netid:acr:credential+face"
    CREDENTIAL_PASSCODE_FACE = "urn:netid:acr:credential+passcode+face"

    @property
    def factors(self) -> frozenset[Factor]:
        """What has to be checked for it."""
        return _FACTORS[self]

    def satisfies(self, asked: "AssuranceLevel") -> bool:
        """Whether a person checked at this level meets a request for `asked`."""
        return asked.factors <= self.factors

    @classmethod
    def of(cls, factors: frozenset[Factor]) -> "AssuranceLevel":
        """The level that exactly these factors make; the credential is part of each."""
        return _LEVELS[factors | {Factor.CREDENTIAL}]


_FACTORS = {
    AssuranceLevel.CREDENTIAL: frozenset({Factor.CREDENTIAL}),
    AssuranceLevel.CREDENTIAL_PASSCODE: frozenset({Factor.CREDENTIAL, Factor.PASSCODE}),
    AssuranceLevel.CREDENTIAL_FACE: frozenset({Factor.CREDENTIAL, Factor.FACE}),
    AssuranceLevel.CREDENTIAL_PASSCODE_FACE: frozenset(Factor),
}
_LEVELS = {factors: level for level, factors in _FACTORS.items()}
