"""`netid receipt`: whether receipts are as they were signed, without asking the provider."""

from argparse import Namespace
from pathlib import Path

from netid.credentials import strict_json
from netid.credentials.jwk import PublicKeySet
from netid.credentials.receipts import MAX_FILE_BYTES, verify_file
from netid.errors import InvalidField, ReceiptRefused


def run(chosen: Namespace) -> int:
    """Prints what holds, with status 0, or names the first receipt that does not fit, with status 1."""
    keys = _keys(_bytes_of(chosen.keys, "keys"))
    try:
        verified = verify_file(_bytes_of(chosen.file, "file"), keys)
    except ReceiptRefused as refusal:
        print(refusal)
        return 1
    first, last = verified.receipts[0], verified.receipts[-1]
    which = f"receipt {first.sequence}" if first == last else f"receipts {first.sequence} to {last.sequence}"
    print(f"{which} of {first.iss}: as signed, and in their order")
    if not verified.is_from_the_first:
        print(f"what came before receipt {first.sequence} is not in this file")
    return 0


def _keys(data: bytes) -> PublicKeySet:
    try:
        return PublicKeySet.from_jwks(strict_json.parse_object(data))
    except (ValueError, InvalidField) as error:
        raise InvalidField("keys", "must be a JWK set", "save the provider's /jwks and give that") from error


def _bytes_of(path: Path, field: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidField(field, "cannot be read", "name a file that is there") from error
