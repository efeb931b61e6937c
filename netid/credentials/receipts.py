"""Receipts outside the provider: what a file of them holds, and whether it is as it was signed.

Whoever has the file and the published keys can check it; the provider is not asked.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netid.credentials import jose, strict_json
from netid.credentials.jwk import PublicKeySet
from netid.errors import InvalidField, ReceiptRefused, TokenRefused
from netid.identity.consent import Receipt, StoredReceipt

RECEIPT_TYPE = "netid-receipt+jwt"
MAX_FILE_BYTES = 16_000_000


class IssuedReceipt(Receipt):
    """A receipt as it is signed: the payload of its record."""

    iss: str
    """The provider."""
    mock: Literal[True]
    """Everybody in it is made up."""


class ReceiptCopy(BaseModel):
    """One receipt in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    receipt: IssuedReceipt
    """What the record says, decoded."""
    record: str
    """The receipt as the provider signed it: a compact JWS (RFC 7515), of type `netid-receipt+jwt`."""
    withdrawn_at: datetime | None
    """When the consent was taken back; a later receipt in the chain records it."""


class ReceiptFile(BaseModel):
    """Receipts of one person, in the order of their chain."""

    # Beside receipts the copy of everything holds more, which is none of a verifier's business.
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    receipts: Annotated[tuple[ReceiptCopy, ...], Field(min_length=1)]


@dataclass(frozen=True)
class VerifiedReceipts:
    """Receipts that are as they were signed, each following the one before. Only `verify_file` makes one."""

    receipts: tuple[IssuedReceipt, ...]

    @property
    def is_from_the_first(self) -> bool:
        """Whether nothing came before them in the person's chain."""
        return self.receipts[0].sequence == 1


def record_hash(record: str) -> str:
    """SHA-256 of a signed receipt, in hex: what the next one names as `previous`."""
    return hashlib.sha256(record.encode()).hexdigest()


def copy_of(stored: StoredReceipt) -> ReceiptCopy:
    """A receipt as a file has it; what it decodes is the record itself."""
    receipt = IssuedReceipt.model_validate(jose.unverified_payload(stored.record))
    return ReceiptCopy(receipt=receipt, record=stored.record, withdrawn_at=stored.withdrawn_at)


def verify_file(data: bytes, keys: PublicKeySet) -> VerifiedReceipts:
    """Every receipt of the file, once each is proven.

    Raises InvalidField for what is no such file, ReceiptRefused naming the first receipt whose
    signature, type or decoded text is not right, or that does not follow the one before it.
    """
    verified: list[IssuedReceipt] = []
    for before, entry in _following(_read(data).receipts):
        named = f"receipt {entry.receipt.sequence} ({entry.receipt.receipt_id})"
        try:
            signed = jose.verify(
                entry.record, key_source=jose.Pinned(keys), algorithms=("ES256",), typ=RECEIPT_TYPE
            )
            receipt = IssuedReceipt.model_validate(signed.payload)
        except TokenRefused as refusal:
            raise ReceiptRefused(f"{named}: {refusal.detail}") from refusal
        except ValidationError as error:
            raise ReceiptRefused(f"{named}: what is signed is no receipt") from error
        if receipt != entry.receipt:
            raise ReceiptRefused(f"{named}: it says something else than what is signed")
        if before is not None:
            _check_order(named, before, receipt)
        verified.append(receipt)
    return VerifiedReceipts(tuple(verified))


def _read(data: bytes) -> ReceiptFile:
    if len(data) > MAX_FILE_BYTES:
        raise InvalidField("file", f"must have at most {MAX_FILE_BYTES} bytes", "give a file of receipts")
    try:
        return ReceiptFile.model_validate(strict_json.parse_object(data))
    except (ValueError, ValidationError) as error:
        raise InvalidField(
            "file", "must be JSON with `receipts`", "give a receipt or a copy as it was downloaded"
        ) from error


def _following(receipts: tuple[ReceiptCopy, ...]) -> list[tuple[ReceiptCopy | None, ReceiptCopy]]:
    return list(zip((None, *receipts), receipts, strict=False))


def _check_order(named: str, before: ReceiptCopy, receipt: IssuedReceipt) -> None:
    if receipt.iss != before.receipt.iss:
        raise ReceiptRefused(f"{named}: it is another provider's")
    if receipt.sequence != before.receipt.sequence + 1:
        raise ReceiptRefused(f"{named}: it does not follow receipt {before.receipt.sequence}")
    if receipt.previous != record_hash(before.record):
        raise ReceiptRefused(f"{named}: it names another receipt as the one before it")
