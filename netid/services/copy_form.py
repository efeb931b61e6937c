"""What a copy of everything kept about a person looks like (PIPL 45); its JSON Schema is made from this."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from netid.credentials.receipts import ReceiptCopy
from netid.identity.text import Text
from netid.storage.messages import MessageState


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, serialize_by_alias=True
    )


class SuspensionPart(_Part):
    """A suspension that holds."""

    reason: Text
    since: datetime
    until: datetime | None


class WordsPart(_Part):
    """Something the person wrote, and what was answered."""

    about: str
    """The receipt a complaint is about, or the time of the suspension that an appeal is against."""
    client_id: str | None
    """Whom a complaint is about."""
    made_at: datetime
    words: str
    answered_at: datetime | None
    answer: str | None


class PlatformPart(_Part):
    """A relying party in the records."""

    client_id: str
    name: Text | None
    """None once its registration was taken away."""
    operator: Text | None
    contact: str | None
    subject: str | None
    """What it knows the person by now; None where it knows nobody, or no longer."""


class SessionPart(_Part):
    """Where the person is signed in."""

    began_at: datetime
    ends_at: datetime
    checked_by: tuple[str, ...]
    """`pop` the net credential, `pin` the passcode, `face` the face."""
    platforms: tuple[str, ...]
    """Client ids that it led to."""


class WalletCopyPart(_Part):
    """A long-lived copy of the net credential in a wallet; of short-lived ones nothing is kept."""

    status_list: str
    index: int
    """Its place in that list."""
    status: Literal["valid", "suspended", "revoked"]
    ends_at: datetime


class MessagePart(_Part):
    """Something a relying party was told because the person asked for it."""

    client_id: str
    receipt_id: str | None
    told_at: datetime
    state: MessageState
    ended_at: datetime | None


class NoticePart(_Part):
    """Something the person was told."""

    happened_at: datetime
    told_at: datetime
    title: Text
    facts: tuple[tuple[Text, Text], ...]


class EventPart(_Part):
    """One event of the provider's log that concerns the person."""

    at: datetime
    what: str
    client_id: str | None
    receipt_id: str | None
    details: Mapping[str, str]


class Copy(_Part):
    """Everything kept about one person."""

    schema_: str = Field(alias="$schema")
    """Where this form is described."""
    mock: Literal[True]
    """Everybody in it is made up."""
    issuer: str
    made_at: datetime
    net_number: str
    status: str
    enrolled_at: datetime
    suspension: SuspensionPart | None
    has_guardian: bool
    """Whether a guardian is registered."""
    children: int
    """For how many people the person is the registered guardian."""
    document: Mapping[str, str]
    """What is kept of the identity document and with it, by claim."""
    platforms: tuple[PlatformPart, ...]
    receipts: tuple[ReceiptCopy, ...]
    """Every decision, in the order of the chain."""
    messages: tuple[MessagePart, ...]
    sessions: tuple[SessionPart, ...]
    wallet_copies: tuple[WalletCopyPart, ...]
    complaints: tuple[WordsPart, ...]
    appeals: tuple[WordsPart, ...]
    notices: tuple[NoticePart, ...]
    events: tuple[EventPart, ...]
    """The log, the earliest first."""


def schema_of(model: type[BaseModel], address: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what is written in that form, under the address it is published at."""
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": address, **schema}
