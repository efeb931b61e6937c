"""What a provider says about itself (OpenID Connect Discovery 1.0, sections 3 and 4)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netid.client.errors import MetadataRefused
from netid.client.messages import HttpAnswer, HttpRequest, Send, json_object
from netid.client.registration import checked_address
from netid.credentials.jwk import PublicKeySet
from netid.errors import InvalidField
from netid.identity.addresses import Endpoint, Issuer
from netid.identity.shape import misshapen

_WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderMetadata(BaseModel):
    """The part of the metadata that the SDK leans on. Only `read_metadata` makes one worth having."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    issuer: Issuer
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    userinfo_endpoint: Endpoint
    revocation_endpoint: Endpoint
    jwks_uri: Endpoint
    pushed_authorization_request_endpoint: Endpoint | None = None
    """Where requests are pushed (RFC 9126)."""
    end_session_endpoint: Endpoint | None = None
    """Where a person signs out at the provider (OpenID Connect RP-Initiated Logout 1.0)."""
    authorization_response_iss_parameter_supported: Literal[True]
    """RFC 9207: without it, one provider's answer can be passed off as another's."""
    code_challenge_methods_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...] = Field(default=("client_secret_basic",))
    id_token_signing_alg_values_supported: tuple[str, ...]
    dpop_signing_alg_values_supported: tuple[str, ...] = ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every address that requests go to."""
        named = (
            self.authorization_endpoint,
            self.pushed_authorization_request_endpoint,
            self.token_endpoint,
            self.userinfo_endpoint,
            self.revocation_endpoint,
            self.jwks_uri,
            self.end_session_endpoint,
        )
        return tuple(url for url in named if url is not None)


def discover(issuer: str, send: Send) -> ProviderMetadata:
    """Fetches and checks a provider's metadata.

    Raises ConfigurationRefused for an issuer that cannot be one, ProviderUnreachable, or
    MetadataRefused.
    """
    return read_metadata(issuer, send(metadata_request(issuer)))


def metadata_request(issuer: str) -> HttpRequest:
    """The request for an issuer's metadata (section 4.1). Raises ConfigurationRefused."""
    return HttpRequest(f"{checked_address('issuer', issuer)}{_WELL_KNOWN}")


def read_metadata(issuer: str, answer: HttpAnswer) -> ProviderMetadata:
    """The checked metadata (section 4.3): `issuer` is exactly the configured one. Raises MetadataRefused."""
    members = json_object(answer, lambda said: MetadataRefused(f"{issuer}{_WELL_KNOWN}: {said}"))
    if members.get("issuer") != issuer:
        said = str(members.get("issuer"))[:200]
        raise MetadataRefused(f"issuer is {said!r}, not exactly the configured {issuer!r}")
    try:
        metadata = ProviderMetadata.model_validate(members)
    except ValidationError as error:
        raise MetadataRefused(misshapen(error, ProviderMetadata).detail) from error
    if issuer.startswith("https:") and any(not url.startswith("https:") for url in metadata.endpoints):
        raise MetadataRefused("an https issuer names an endpoint without https")
    if "S256" not in metadata.code_challenge_methods_supported:
        raise MetadataRefused("code_challenge_methods_supported has no S256 (RFC 7636)")
    return metadata


def read_keys(answer: HttpAnswer) -> PublicKeySet:
    """The provider's public keys (RFC 7517). Raises MetadataRefused."""
    # RFC 7517, 8.5 names a type of its own; most providers answer plain JSON.
    if answer.media_type == "application/jwk-set+json":
        answer = HttpAnswer(answer.status, "application/json", answer.body)
    try:
        return PublicKeySet.from_jwks(json_object(answer, lambda said: MetadataRefused(f"jwks_uri: {said}")))
    except InvalidField as error:
        raise MetadataRefused(error.detail) from error
