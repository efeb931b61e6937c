"""What the wallet's provider says of itself, read when copies are received and never while one is shown."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netid.credentials import strict_json
from netid.credentials.jwk import PublicKeySet
from netid.credentials.request_object import Anchors
from netid.credentials.sd_jwt_vc import TYPE
from netid.errors import InvalidField
from netid.identity.addresses import Endpoint, Issuer
from netid.sending import HttpAnswer, HttpRequest, Send
from netid.wallet.errors import IssuerRefused

MOST_COPIES = 100
"""How many copies are asked for at once, at most."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


_M = TypeVar("_M", bound=_Read)


class _Batch(_Read):
    batch_size: Annotated[int, Field(ge=2)]


class Configuration(_Read):
    """A kind of copy (OpenID4VCI 1.0, 12.2.4)."""

    format: str
    scope: str | None = None
    vct: str = ""


class IssuerMetadata(_Read):
    """The credential issuer's metadata (OpenID4VCI 1.0, 12.2.4), as far as the wallet uses it."""

    credential_issuer: Issuer
    credential_endpoint: Endpoint
    nonce_endpoint: Endpoint
    notification_endpoint: Endpoint | None = None
    batch_credential_issuance: _Batch | None = None
    credential_configurations_supported: dict[str, Configuration]
    trust_anchor: str
    """The certificate that access certificates of relying parties lead to: base64 of its DER form."""

    @property
    def batch_size(self) -> int:
        """How many copies one request may ask for."""
        batch = self.batch_credential_issuance
        return min(batch.batch_size, MOST_COPIES) if batch else 1


class ServerMetadata(_Read):
    """The authorization server's metadata (RFC 8414, 2), as far as the wallet uses it."""

    issuer: Issuer
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    pushed_authorization_request_endpoint: Endpoint


@dataclass(frozen=True)
class Provider:
    """The provider as the wallet knows it."""

    issuer: IssuerMetadata
    server: ServerMetadata
    anchors: Anchors

    def configuration(self, name: str) -> Configuration:
        """Its configuration of that id. Raises IssuerRefused for none, or one of another format."""
        found = self.issuer.credential_configurations_supported.get(name)
        if found is None or found.format != TYPE:
            raise IssuerRefused(f"the provider has no configuration {name} of format {TYPE}")
        return found


def ask(issuer: str, send: Send) -> Provider:
    """The provider as it describes itself now. Raises Unreachable, IssuerRefused."""
    described = _document(IssuerMetadata, well_known(issuer, "openid-credential-issuer"), send)
    server = _document(ServerMetadata, well_known(issuer, "oauth-authorization-server"), send)
    if not described.credential_issuer == server.issuer == issuer:
        raise IssuerRefused("the metadata is another provider's")
    keys = _keys(issuer, send)
    return Provider(described, server, Anchors(issuer, _certificate(described.trust_anchor), keys))


def write_anchors(anchors: Anchors) -> dict[str, object]:
    """The anchors as the safe keeps them."""
    root = b64encode(anchors.root.public_bytes(Encoding.DER)).decode()
    return {"issuer": anchors.issuer, "root": root, "jwks": anchors.keys.jwks()}


def read_anchors(kept: Mapping[str, object]) -> Anchors:
    """What `write_anchors` wrote."""
    root = x509.load_der_x509_certificate(b64decode(str(kept["root"])))
    return Anchors(str(kept["issuer"]), root, PublicKeySet.from_jwks(kept["jwks"]))


def well_known(issuer: str, name: str) -> str:
    """Where a document on this issuer lies: between its host and its path (RFC 8414, 3.1)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"


def json_object(answer: HttpAnswer, status: int = 200) -> dict[str, object]:
    """The one strict JSON object of an answer with that status. Raises IssuerRefused."""
    if answer.status != status or answer.media_type != "application/json":
        raise IssuerRefused(f"the answer is not JSON with status {status} but has status {answer.status}")
    try:
        return strict_json.parse_object(answer.body)
    except ValueError as error:
        raise IssuerRefused("the answer is not one strict JSON object") from error


def _keys(issuer: str, send: Send) -> PublicKeySet:
    """SD-JWT VC, draft 15, JWT VC Issuer Metadata: the keys in it, or where they lie."""
    described = json_object(send(HttpRequest(well_known(issuer, "jwt-vc-issuer"))))
    if described.get("issuer") != issuer:
        raise IssuerRefused("the keys are another provider's")
    jwks = described.get("jwks")
    address = described.get("jwks_uri")
    if jwks is None and isinstance(address, str) and address.startswith(f"{issuer}/"):
        answer = send(HttpRequest(address))
        try:
            jwks = strict_json.parse_object(answer.body) if answer.status == 200 else None
        except ValueError as error:
            raise IssuerRefused("the keys are not one strict JSON object") from error
    try:
        return PublicKeySet.from_jwks(jwks)
    except InvalidField as error:
        raise IssuerRefused("the provider publishes no keys for net credentials") from error


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(b64decode(text, validate=True))
    except ValueError as error:
        raise IssuerRefused("trust_anchor is not a certificate") from error


def _document(model: type[_M], url: str, send: Send) -> _M:
    try:
        return model.model_validate(json_object(send(HttpRequest(url))))
    except ValidationError as error:
        wrong = sorted({str(found["loc"][0]) for found in error.errors() if found["loc"]})
        raise IssuerRefused(f"the metadata is not right: {', '.join(wrong)}") from error
