"""This relying party as it is registered at the provider, and what it asks a person for."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from netid.client.authentication import Authentication, PrivateKeyJwt
from netid.client.dpop import DPoPKey
from netid.client.errors import ConfigurationRefused
from netid.credentials.jwk import Algorithm
from netid.identity.addresses import Issuer
from netid.identity.levels import AssuranceLevel
from netid.identity.relying_party import ClaimName, ClientId, PurposeId, RedirectUri
from netid.identity.shape import misshapen
from netid.identity.text import Language

_ADDRESS: TypeAdapter[str] = TypeAdapter(Issuer)


class Configured(BaseModel):
    """What the relying party's own code says; a wrong value raises ConfigurationRefused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_line(cls, given: object, read: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return read(given)
        except ValidationError as error:
            raise ConfigurationRefused(f"{cls.__name__}.{misshapen(error, cls).detail}") from error


def checked_address(name: str, address: str) -> str:
    """An address that others are put behind, by the rule for an issuer. Raises ConfigurationRefused."""
    try:
        return _ADDRESS.validate_python(address)
    except ValidationError as error:
        fault = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationRefused(f"{name}: {fault}") from error


def _usual_algorithm(given: dict[str, Any]) -> Algorithm:
    """OpenID Connect's default is RS256; FAPI 2.0 does not allow it (5.4.1)."""
    return "RS256" if given.get("profile") == "oidc" else "ES256"


class Registration(Configured):
    """The same values as in the provider's registration; a wrong one raises ConfigurationRefused."""

    issuer: Issuer
    """The provider, to the letter as it names itself."""
    client_id: ClientId
    redirect_uri: RedirectUri
    profile: Literal["fapi2", "oidc"] = "fapi2"
    """`fapi2` pushes its requests and binds tokens to `dpop_key`; `oidc` is the ordinary code flow."""
    authentication: Authentication
    dpop_key: DPoPKey | None = None
    """The key that access tokens are bound to (RFC 9449): profile `fapi2` needs it, `oidc` has none."""
    events_uri: RedirectUri | None = None
    """Where the provider pushes security events."""
    backchannel_logout_uri: RedirectUri | None = None
    """Where the provider sends logout tokens."""
    post_logout_redirect_uri: RedirectUri | None = None
    """Where a person comes back to after signing out at the provider."""
    id_token_alg: Algorithm = Field(default_factory=_usual_algorithm)
    """`id_token_signed_response_alg`: no other algorithm is accepted."""
    userinfo_alg: Algorithm | None = None
    """`userinfo_signed_response_alg`; None expects plain JSON, and nothing else is accepted."""

    @model_validator(mode="after")
    def _keeps_its_profile(self) -> Self:
        """FAPI 2.0 Security Profile, 5.3.3.1 and 5.4.1."""
        if fault := self._fault_of_profile():
            raise ConfigurationRefused(f"Registration.{fault}")
        return self

    def _fault_of_profile(self) -> str | None:
        if self.profile == "oidc":
            belongs = 'dpop_key: belongs to profile fapi2; leave it out, or the profile "oidc"'
            return belongs if self.dpop_key is not None else None
        if not isinstance(self.authentication, PrivateKeyJwt):
            return 'authentication: is PrivateKeyJwt in profile fapi2; or give profile="oidc"'
        if self.dpop_key is None:
            return "dpop_key: is needed in profile fapi2; give DPoPKey.from_file(…)"
        if self.id_token_alg != "ES256" or self.userinfo_alg not in (None, "ES256"):
            return "id_token_alg, userinfo_alg: are ES256 in profile fapi2; leave them out"
        return None


class Ask(Configured):
    """What one sign-in asks for. The check result is always asked for. Raises ConfigurationRefused too."""

    purpose: PurposeId | None = None
    """The id of the registered purpose; None asks for the check result alone."""
    claims: frozenset[ClaimName] | None = None
    """Narrows the purpose to these claims; None asks for all of it. It can never be widened."""
    level: AssuranceLevel = AssuranceLevel.CREDENTIAL_PASSCODE
    """The level that has to be reached."""
    max_age: Annotated[timedelta, Field(ge=timedelta(0))] | None = None
    """How long ago the person was checked, at most, when you ask (whole seconds)."""
    language: Language | None = None
    """The language of the provider's pages; None leaves it to the browser."""
    prompt: Literal["none", "login", "consent"] | None = None
    """OpenID Connect Core, 3.1.2.1."""
    login_hint: str | None = None
    """Who is expected to sign in; in test mode the name of a persona."""

    @model_validator(mode="after")
    def _claims_are_of_a_purpose(self) -> Self:
        if self.claims and self.purpose is None:
            raise ConfigurationRefused("Ask.claims: belong to a purpose; name the purpose too")
        return self
