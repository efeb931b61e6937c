"""Relying parties and their purposes: who asks, why, on what legal basis, for which claims."""

import re
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from netid.identity.claims import CATALOGUE, Claim, in_catalogue_order
from netid.identity.levels import AssuranceLevel
from netid.identity.shape import nearest
from netid.identity.text import Text, Words

_LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}
_AUTHORITY = re.compile(
    r"(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_SECTOR = r"^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$"

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
PurposeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]

_MOST_PURPOSES = 22_000
"""How many bytes all purposes may take: the provider's statement of them travels with each request to a
wallet, and has to stay below what wallets read."""

WALLET_CLIENT_ID = "netid-wallet"
"""The client that a person's own wallet is. Nobody can register it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _catalogued(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError(f"is not in the claim catalogue; {nearest(name, CATALOGUE)}")
    return name


def _redirect_uri(uri: str) -> str:
    parts = urlsplit(uri)
    if (
        re.search(r"[\s\\\x00-\x20\x7f-\U0010ffff]", uri)
        or parts.fragment
        or "#" in uri
        or not parts.hostname
    ):
        raise ValueError("must be an absolute ASCII URI without fragment, spaces or backslashes")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry user information")
    # The origin stands in a header of our pages (CSP form-action), where `*`, `;` and quotes have a meaning.
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None or int(authority["port"] or 0) > 65535:
        raise ValueError("must have a plain host name and, if any, a port up to 65535")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("uses http, which is for loopback addresses; use https")
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must use https, or http on a loopback address")
    return uri


RedirectUri = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_redirect_uri)]
"""An address at the relying party: https, or http on loopback."""
ClaimName = Annotated[str, AfterValidator(_catalogued)]


class Necessity(StrEnum):
    """Whether the purpose can be done without a claim."""

    ESSENTIAL = "essential"
    VOLUNTARY = "voluntary"


class PurposeClaim(_Frozen):
    """One claim of a purpose."""

    name: ClaimName
    necessity: Necessity
    because: Text
    """Why this purpose needs it; shown on the consent page."""


class LegalBasis(_Frozen):
    """The law or rule that lets a relying party keep document data (Measures, article 8)."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,39}$")]
    """A short code that receipts carry, e.g. `CN-POSTAL-REALNAME`."""
    text: Text


class Purpose(_Frozen):
    """Why a relying party asks: registered beforehand, with its legal basis and its claims."""

    id: PurposeId
    text: Text
    legal_basis: LegalBasis | None = None
    retention_days: Annotated[int, Field(ge=0, le=36500)]
    """How long the relying party keeps what it gets, in days; 0 means it keeps nothing."""
    claims: Annotated[tuple[PurposeClaim, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fields_need_a_legal_basis(self) -> Self:
        names = [claim.name for claim in self.claims]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"claims: {', '.join(twice)} is named twice; name each once")
        fields = [name for name in names if CATALOGUE[name].is_field]
        if fields and self.legal_basis is None:
            raise ValueError(
                f"legal_basis: is needed for the fields {', '.join(fields)} (Measures, article 8); "
                "name it, or ask for predicates only"
            )
        return self

    @property
    def scope(self) -> str:
        """The scope value that asks for this purpose."""
        return f"netid.purpose.{self.id}"

    @property
    def names(self) -> frozenset[str]:
        """Every claim of this purpose."""
        return frozenset(claim.name for claim in self.claims)

    @property
    def essential(self) -> frozenset[str]:
        """The claims without which the purpose cannot be done."""
        return frozenset(c.name for c in self.claims if c.necessity is Necessity.ESSENTIAL)

    @property
    def digest(self) -> str:
        """A SHA-256 of everything it says, as hex: a purpose that changed in any way has another."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    def because(self, name: str) -> Text:
        """Why this purpose needs that claim."""
        return next(claim.because for claim in self.claims if claim.name == name)

    def ordered(self, names: frozenset[str]) -> list[Claim]:
        """Those of its claims, in the order a page lists them."""
        return in_catalogue_order(names & self.names)


class LegalEntity(_Frozen):
    """Who answers for a relying party. One entity has one sector, so one pairwise subject per person."""

    name: Text
    sector: Annotated[str, StringConstraints(pattern=_SECTOR)]
    """The entity's sector identifier, e.g. `parcels.example`; never the host of a redirect URI."""


class Authentication(StrEnum):
    """How a relying party proves itself at the token endpoint (OpenID Connect Core, 9)."""

    SECRET_BASIC = "client_secret_basic"
    SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"
    """For the wallet alone, which runs on people's devices and keeps no secret of the provider's."""


def _usual_algorithm(registered: dict[str, Any]) -> Literal["RS256", "ES256"]:
    """OpenID Connect's default is RS256 (Core, 2), which FAPI 2.0 does not allow (5.4.1)."""
    return "ES256" if registered.get("profile") == "fapi2" else "RS256"


class RelyingParty(_Frozen):
    """A site or app that must know its user is a real person, as it is registered."""

    client_id: ClientId
    name: Text
    contact: Words
    """Where a person can ask and complain: an address people can write to."""
    legal_entity: LegalEntity
    profile: Literal["oidc", "fapi2"] = "oidc"
    """`fapi2` is FAPI 2.0 Security Profile Final: pushed requests, sender-constrained tokens, ES256."""
    redirect_uris: Annotated[tuple[RedirectUri, ...], Field(min_length=1, max_length=50)]
    post_logout_redirect_uris: Annotated[tuple[RedirectUri, ...], Field(max_length=50)] = ()
    """Where a person may be led after signing out (OpenID Connect RP-Initiated Logout 1.0, 3.1)."""
    backchannel_logout_uri: RedirectUri | None = None
    """Where logout tokens go (OpenID Connect Back-Channel Logout 1.0, 2.2)."""
    backchannel_logout_session_required: bool = False
    """Whether they have to carry `sid`; here they always do."""
    events_uri: RedirectUri | None = None
    """Where security events are pushed (RFC 8935); without it, people are told to write to `contact`."""
    authentication: Authentication = Authentication.PRIVATE_KEY_JWT
    secret_digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the secret (at least 32 characters, so it cannot be tried out)."""
    jwks: dict[str, Any] | None = None
    """The relying party's public keys (RFC 7517)."""
    jwks_uri: RedirectUri | None = None
    """Where it publishes them instead (RFC 7591, 2)."""
    id_token_signed_response_alg: Literal["RS256", "ES256"] = Field(default_factory=_usual_algorithm)
    userinfo_signed_response_alg: Literal["RS256", "ES256"] | None = None
    require_pkce: bool = True
    """Only a confidential client's registration can waive it; RFC 9700, 2.1.1 asks it for a nonce then."""
    default_level: AssuranceLevel = AssuranceLevel.CREDENTIAL_PASSCODE
    """What is checked when a request names no `acr_values`."""
    purposes: tuple[Purpose, ...] = ()

    @model_validator(mode="after")
    def _proves_itself(self) -> Self:
        by_key = self.authentication is Authentication.PRIVATE_KEY_JWT
        if by_key and self.jwks is None and self.jwks_uri is None:
            raise ValueError("jwks: is needed for private_key_jwt; give the public keys, or jwks_uri")
        if self.jwks is not None and self.jwks_uri is not None:
            raise ValueError("jwks_uri: cannot stand beside jwks (RFC 7591, 2); give one of them")
        if self.is_own_wallet != (self.authentication is Authentication.NONE):
            raise ValueError("authentication: is none for the wallet alone; give private_key_jwt")
        if not by_key and not self.is_own_wallet and self.secret_digest is None:
            raise ValueError(f"secret: is needed for {self.authentication}; give at least 32 characters")
        ids = [purpose.id for purpose in self.purposes]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"purposes: {', '.join(twice)} is registered twice; give each its own id")
        taken = sum(len(purpose.model_dump_json().encode()) for purpose in self.purposes)
        if taken > _MOST_PURPOSES:
            raise ValueError(
                f"purposes: take {taken} bytes together, and a request to a wallet carries them all; "
                f"shorten them to {_MOST_PURPOSES}, or register a second relying party"
            )
        return self

    @model_validator(mode="after")
    def _keeps_its_profile(self) -> Self:
        """FAPI 2.0 Security Profile, 5.3.2.1 (authentication), 5.3.2.2 (PKCE) and 5.4.1 (algorithms)."""
        if self.profile != "fapi2":
            return self
        if self.authentication is not Authentication.PRIVATE_KEY_JWT:
            raise ValueError("authentication: is private_key_jwt in profile fapi2; give that, and the keys")
        if not self.require_pkce:
            raise ValueError("require_pkce: cannot be waived in profile fapi2; leave it out")
        if self.id_token_signed_response_alg != "ES256":
            raise ValueError("id_token_signed_response_alg: is ES256 in profile fapi2; leave it out")
        if self.userinfo_signed_response_alg not in (None, "ES256"):
            raise ValueError("userinfo_signed_response_alg: is ES256 in profile fapi2, or left out for JSON")
        return self

    @property
    def is_own_wallet(self) -> bool:
        """Whether it stands for the wallet of the person who decides."""
        return self.client_id == WALLET_CLIENT_ID

    @property
    def pushes_requests(self) -> bool:
        """Whether its requests are pushed, and its tokens bound to a key of its own."""
        return self.profile == "fapi2" or self.is_own_wallet

    def purpose(self, purpose_id: str) -> Purpose | None:
        """Its purpose of that id."""
        return next((purpose for purpose in self.purposes if purpose.id == purpose_id), None)
