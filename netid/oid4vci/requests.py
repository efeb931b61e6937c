"""What a wallet sends to /credential and /notification, parsed once (OpenID4VCI 1.0, 8.2, 11.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from netid.credentials import strict_json
from netid.errors import (
    InvalidCredentialRequest,
    InvalidEncryptionParameters,
    InvalidNotificationRequest,
    InvalidProof,
    OAuthError,
    RequestTooLarge,
    UnknownCredentialConfiguration,
)
from netid.identity.own_wallet import CONFIGURATIONS

MAX_BATCH = 100
"""How many copies one request can ask for."""
MAX_BYTES = 128 * 1024
"""Room for so many proofs."""
EVENTS = ("credential_accepted", "credential_failure", "credential_deleted")
_JSON = "application/json"


@dataclass(frozen=True)
class CredentialRequest:
    """Which credential, and the proofs of the keys that its copies are for."""

    configuration: str
    proofs: list[str]


@dataclass(frozen=True)
class Notification:
    """What became of what was issued."""

    notification_id: str
    event: str


def read_credential_request(incoming: Request) -> CredentialRequest:
    """Raises InvalidCredentialRequest, UnknownCredentialConfiguration, InvalidEncryptionParameters,
    InvalidProof or RequestTooLarge."""
    body = _body(incoming, InvalidCredentialRequest)
    if "credential_response_encryption" in body:
        raise InvalidEncryptionParameters
    if "credential_identifier" in body:
        raise InvalidCredentialRequest(
            "credential_identifier: none was handed out; send credential_configuration_id"
        )
    configuration = body.get("credential_configuration_id")
    if not isinstance(configuration, str):
        raise InvalidCredentialRequest("credential_configuration_id is missing; see the issuer's metadata")
    if configuration not in CONFIGURATIONS:
        raise UnknownCredentialConfiguration
    return CredentialRequest(configuration, _proofs(body.get("proofs")))


def _proofs(given: object) -> list[str]:
    """Exactly one kind of proof (8.2), and the one that the metadata names."""
    match given:
        case {"jwt": [*proofs], **others} if not others:
            texts = [proof for proof in proofs if isinstance(proof, str)]
            if len(texts) != len(proofs) or not 0 < len(texts) <= MAX_BATCH:
                raise InvalidProof(f"proofs.jwt must hold 1 to {MAX_BATCH} JWTs")
            return texts
    raise InvalidProof("proofs must hold jwt and nothing else")


def read_notification(incoming: Request) -> Notification:
    """Raises InvalidNotificationRequest."""
    body = _body(incoming, InvalidNotificationRequest)
    match body:
        case {"notification_id": str(notification_id), "event": str(event)} if event in EVENTS:
            return Notification(notification_id, event)
    raise InvalidNotificationRequest(f"notification_id and event are needed; event is {' or '.join(EVENTS)}")


def _body(incoming: Request, error: type[OAuthError]) -> Mapping[str, object]:
    if incoming.mimetype != _JSON:
        raise error(f"the body must be {_JSON}")
    try:
        return strict_json.parse_object(incoming.get_data())
    except RequestEntityTooLarge as too_large:
        raise RequestTooLarge(f"the body is longer than {MAX_BYTES} bytes; send less") from too_large
    except ValueError as malformed:
        raise error("the body is not one JSON object") from malformed
