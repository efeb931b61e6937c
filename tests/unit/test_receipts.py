"""Receipts outside the provider: signature, type, decoded text and order; the first that does not fit."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from netid.cli import main
from netid.credentials.jose import sign
from netid.credentials.jwk import PublicKeySet, SigningKey
from netid.credentials.receipts import (
    RECEIPT_TYPE,
    IssuedReceipt,
    copy_of,
    record_hash,
    verify_file,
)
from netid.errors import InvalidField, ReceiptRefused
from netid.identity.consent import Action, NoticeReference, Receipt, StoredReceipt

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
KEY, OTHER_KEY = (SigningKey.generate("ES256", secrets.token_bytes) for _ in range(2))
KEYS = PublicKeySet((KEY.public,))
Entries = list[dict[str, Any]]


def issued(sequence: int, previous: str, **changes: Any) -> IssuedReceipt:
    values: dict[str, Any] = {
        "receipt_id": f"r{sequence}",
        "sequence": sequence,
        "previous": previous,
        "subject": "s",
        "client_id": "a-shop",
        "purpose": None,
        "legal_basis": None,
        "offered": (),
        "agreed": (),
        "notice": NoticeReference(version="v", sha256="0" * 64, language="zh"),
        "action": Action.AGREED,
        "decided_at": NOW + timedelta(minutes=sequence),
        "expires_at": None,
        "iss": "https://id.example",
        "mock": True,
    }
    return IssuedReceipt.model_validate(values | changes)


def entry(receipt: IssuedReceipt, key: SigningKey = KEY, typ: str | None = RECEIPT_TYPE) -> dict[str, Any]:
    record = sign(receipt.model_dump(mode="json"), key, typ)
    plain = Receipt.model_validate(receipt.model_dump(exclude={"iss", "mock"}))
    copy = copy_of(StoredReceipt(plain, "a person", record, None))
    assert copy.receipt == receipt
    return copy.model_dump(mode="json")


def chain(length: int = 3, first: int = 1) -> Entries:
    entries: Entries = []
    previous = "" if first == 1 else "f" * 64
    for sequence in range(first, first + length):
        entries.append(entry(issued(sequence, previous)))
        previous = record_hash(entries[-1]["record"])
    return entries


def file_of(entries: Entries, **beside: object) -> bytes:
    return json.dumps({"receipts": entries, **beside}).encode()


def test_a_chain_holds_and_says_whether_it_is_whole() -> None:
    whole, end = verify_file(file_of(chain()), KEYS), verify_file(file_of(chain(2, first=4)), KEYS)
    assert [receipt.sequence for receipt in whole.receipts] == [1, 2, 3]
    assert whole.is_from_the_first
    assert [receipt.sequence for receipt in end.receipts] == [4, 5]
    assert not end.is_from_the_first


def test_what_else_a_copy_holds_is_not_looked_at() -> None:
    assert verify_file(file_of(chain(), person={"net_number": "x"}), KEYS)


def forged(entries: Entries) -> None:
    entries[1] = entry(issued(2, record_hash(entries[0]["record"])), OTHER_KEY)


def of_another_type(entries: Entries) -> None:
    entries[1] = entry(issued(2, record_hash(entries[0]["record"])), typ="JWT")


def signed_with_anothers_bytes(entries: Entries) -> None:
    text, _dot, _signature = entries[1]["record"].rpartition(".")
    entries[1]["record"] = f"{text}.{entries[2]['record'].rpartition('.')[2]}"


def decoded_otherwise(entries: Entries) -> None:
    entries[1]["receipt"]["agreed"] = ["name"]


def removed(entries: Entries) -> None:
    del entries[1]


def swapped(entries: Entries) -> None:
    entries[1], entries[2] = entries[2], entries[1]


def repeated(entries: Entries) -> None:
    entries.insert(1, entries[0])


def of_another_chain(entries: Entries) -> None:
    entries[1] = entry(issued(2, record_hash("another first record")))


def of_another_provider(entries: Entries) -> None:
    entries[1] = entry(issued(2, record_hash(entries[0]["record"]), iss="https://other.example"))


WRONG: dict[Callable[[Entries], None], tuple[int, str]] = {
    forged: (2, "no key of the set fits"),
    of_another_type: (2, "typ is another one"),
    signed_with_anothers_bytes: (2, "the signature is not right"),
    decoded_otherwise: (2, "something else than what is signed"),
    removed: (3, "does not follow receipt 1"),
    swapped: (3, "does not follow receipt 1"),
    repeated: (1, "does not follow receipt 1"),
    of_another_chain: (2, "names another receipt as the one before it"),
    of_another_provider: (2, "another provider's"),
}


@pytest.mark.parametrize(
    ("change", "expected"), WRONG.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_the_first_receipt_that_does_not_fit_is_named(
    change: Callable[[Entries], None], expected: tuple[int, str]
) -> None:
    entries = chain(4)
    change(entries)
    sequence, why = expected
    with pytest.raises(ReceiptRefused) as refused:
        verify_file(file_of(entries), KEYS)
    assert refused.value.detail.startswith(f"receipt {sequence} (r{sequence}): ")
    assert why in refused.value.detail


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"receipts": []}', b'{"receipts": [1]}', b'{"receipts":1,"receipts":2}', b"\xff"],
)
def test_what_is_no_file_of_receipts_is_one_line(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidField):
        verify_file(data, KEYS)
    status, said = verified_by_command(tmp_path, data, capsys)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("netid receipt: file: must be JSON with `receipts`")


# netid receipt verify


def verified_by_command(
    directory: Path, data: bytes, capsys: pytest.CaptureFixture[str], keys: bytes | None = None
) -> tuple[int, str]:
    file, saved = directory / "receipts.json", directory / "jwks.json"
    file.write_bytes(data)
    saved.write_bytes(json.dumps({"keys": [KEY.public.jwk()]}).encode() if keys is None else keys)
    status = main(["receipt", "verify", str(file), "--keys", str(saved)])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def test_the_command_says_what_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified_by_command(tmp_path, file_of(chain()), capsys) == (
        0,
        "receipts 1 to 3 of https://id.example: as signed, and in their order\n",
    )
    assert verified_by_command(tmp_path, file_of(chain(1, first=7)), capsys) == (
        0,
        "receipt 7 of https://id.example: as signed, and in their order\n"
        "what came before receipt 7 is not in this file\n",
    )


def test_the_command_names_the_first_that_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = chain()
    decoded_otherwise(entries)
    assert verified_by_command(tmp_path, file_of(entries), capsys) == (
        1,
        "receipt 2 (r2): it says something else than what is signed\n",
    )


@pytest.mark.parametrize("keys", [b"", b"{}", b'{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
def test_keys_that_are_none_are_one_line(
    keys: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = verified_by_command(tmp_path, file_of(chain()), capsys, keys)
    assert (status, said) == (
        2,
        "netid receipt: keys: must be a JWK set; save the provider's /jwks and give that\n",
    )


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt", "verify", "nowhere.json", "--keys", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("netid receipt: keys: cannot be read;")
