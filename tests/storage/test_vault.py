"""The vault gives back what was sealed for that person and field, and nothing once the key is gone."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from netid.errors import KeyFileError, StorageBusy, VaultDamaged
from netid.storage.database import Database
from netid.storage.vault import Vault

WRAPPING = b"w" * 32


@pytest.fixture
def vault(keys_db: Database) -> Vault:
    return Vault(WRAPPING, keys_db, secrets.token_bytes)


def seal(db: Database, vault: Vault, person_id: str, **fields: str) -> None:
    with db.write() as tx:
        vault.seal(tx, person_id, fields)


def opened(db: Database, vault: Vault, person_id: str, *names: str) -> dict[str, str]:
    with db.read() as tx:
        return vault.open(tx, person_id, names)


def test_fields_come_back_as_they_were_sealed(db: Database, vault: Vault, person_id: str) -> None:
    seal(db, vault, person_id, name="欧阳示例", phone="19900000000")
    assert opened(db, vault, person_id, "name", "phone") == {"name": "欧阳示例", "phone": "19900000000"}
    assert opened(db, vault, person_id, "name") == {"name": "欧阳示例"}
    assert opened(db, vault, person_id, "name", "birthdate") == {"name": "欧阳示例"}
    assert opened(db, vault, person_id) == {}


def test_a_field_sealed_again_is_replaced(db: Database, vault: Vault, person_id: str) -> None:
    seal(db, vault, person_id, name="旧名", phone="19900000000")
    seal(db, vault, person_id, name="新名")
    assert opened(db, vault, person_id, "name", "phone") == {"name": "新名", "phone": "19900000000"}


def test_what_is_stored_is_aes_256_gcm_bound_to_person_and_field(
    db: Database, keys_db: Database, vault: Vault, person_id: str
) -> None:
    """The stored form, opened by hand: nonce (12 bytes), ciphertext, tag; SP 800-38D."""
    seal(db, vault, person_id, name="欧阳示例")
    with keys_db.read() as tx:
        wrapped = tx.execute(text("SELECT wrapped FROM data_keys")).scalar_one()
    with db.read() as tx:
        sealed = tx.execute(text("SELECT sealed FROM vault")).scalar_one()
    data_key = AESGCM(WRAPPING).decrypt(wrapped[:12], wrapped[12:], b"data_keys\0" + person_id.encode())
    assert len(data_key) == 32
    context = b"vault\0" + person_id.encode() + b"\0name"
    assert AESGCM(data_key).decrypt(sealed[:12], sealed[12:], context).decode() == "欧阳示例"


def test_no_value_stands_in_either_database(
    tmp_path: Path, db: Database, vault: Vault, person_id: str
) -> None:
    seal(db, vault, person_id, name="a planted name")
    with db.write() as tx:
        tx.execute(text("INSERT INTO instance (name, value) VALUES ('control', 'a planted control')"))
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a planted name" not in files
    if db.is_sqlite:
        assert b"a planted control" in files


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vault SET sealed = (SELECT sealed FROM vault other "
        "WHERE other.person_id = vault.person_id AND other.field <> vault.field)",
        "UPDATE vault SET sealed = (SELECT sealed FROM vault other "
        "WHERE other.person_id <> vault.person_id AND other.field = vault.field)",
        "UPDATE vault SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE vault SET sealed = substr(sealed, 1, 12)",
        "UPDATE vault SET sealed = substr(sealed, 1, 5)",
    ],
)
def test_f15_a_value_that_was_changed_or_moved_is_not_given_out(
    db: Database, vault: Vault, enrol: Callable[[], str], damage: str
) -> None:
    one, other = enrol(), enrol()
    for person_id in (one, other):
        seal(db, vault, person_id, name="欧阳示例", phone="19900000000")
    assert opened(db, vault, one, "name", "phone") == {"name": "欧阳示例", "phone": "19900000000"}
    with db.write() as tx:
        tx.execute(text(damage))
    with db.read() as tx, pytest.raises(VaultDamaged):
        vault.open(tx, one, ["name", "phone"])


def test_a_key_moved_to_another_person_opens_nothing(
    db: Database, keys_db: Database, vault: Vault, enrol: Callable[[], str]
) -> None:
    one, other = enrol(), enrol()
    seal(db, vault, one, name="欧阳示例")
    with keys_db.write() as tx:
        tx.execute(text("UPDATE data_keys SET person_id = :other"), {"other": other})
    with db.write() as tx:
        tx.execute(text("UPDATE vault SET person_id = :other"), {"other": other})
        with pytest.raises(VaultDamaged):
            vault.open(tx, other, ["name"])


def test_another_wrapping_key_opens_nothing(
    db: Database, keys_db: Database, vault: Vault, person_id: str
) -> None:
    seal(db, vault, person_id, name="欧阳示例")
    with db.read() as tx, pytest.raises(VaultDamaged):
        Vault(b"x" * 32, keys_db, secrets.token_bytes).open(tx, person_id, ["name"])


def test_destroying_deletes_key_and_rows_of_that_person_alone(
    db: Database, keys_db: Database, vault: Vault, enrol: Callable[[], str]
) -> None:
    one, other = enrol(), enrol()
    for person_id in (one, other):
        seal(db, vault, person_id, name="欧阳示例")
    with db.write() as tx:
        vault.destroy(tx, one)
    assert opened(db, vault, one, "name") == {}
    assert opened(db, vault, other, "name") == {"name": "欧阳示例"}
    with db.read() as main, keys_db.read() as keys:
        assert main.execute(text("SELECT person_id FROM vault")).scalars().all() == [other]
        assert keys.execute(text("SELECT person_id FROM data_keys")).scalars().all() == [other]


def test_a_cancellation_that_was_cut_short_reveals_nothing_and_is_finished(
    db: Database, vault: Vault, enrol: Callable[[], str]
) -> None:
    one, other = enrol(), enrol()
    for person_id in (one, other):
        seal(db, vault, person_id, name="欧阳示例")
    with db.write() as tx:
        vault.destroy(tx, one)
        tx.rollback()
    assert opened(db, vault, one, "name") == {}
    with db.write() as tx:
        assert vault.sweep(tx) == [one]
        assert tx.execute(text("SELECT person_id FROM vault")).scalars().all() == [other]
    with db.write() as tx:
        assert vault.sweep(tx) == []
    assert opened(db, vault, other, "name") == {"name": "欧阳示例"}


def test_an_enrolment_that_was_cut_short_leaves_no_key(
    db: Database, keys_db: Database, vault: Vault, person_id: str
) -> None:
    with db.write() as tx:
        vault.seal(tx, person_id, {"name": "欧阳示例"})
        tx.rollback()
    with db.write() as tx:
        assert vault.sweep(tx) == [person_id]
    with keys_db.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM data_keys")).scalar() == 0


def test_an_older_main_database_does_not_bring_a_cancelled_person_back(
    db: Database, keys_db: Database, vault: Vault, person_id: str
) -> None:
    """S11: the rows come back with the backup, the key does not."""
    seal(db, vault, person_id, name="欧阳示例")
    with db.read() as tx:
        backup = tx.execute(text("SELECT person_id, field, sealed FROM vault")).one()._mapping
    with db.write() as tx:
        vault.destroy(tx, person_id)
    with db.write() as tx:
        tx.execute(text("INSERT INTO vault VALUES (:person_id, :field, :sealed)"), dict(backup))
    assert opened(db, vault, person_id, "name") == {}
    with db.write() as tx:
        assert vault.sweep(tx) == [person_id]


def test_the_keys_of_another_installation_stop_the_sweep(
    tmp_path: Path, db: Database, vault: Vault, person_id: str
) -> None:
    seal(db, vault, person_id, name="欧阳示例")
    with db.write() as tx:
        vault.sweep(tx)
    foreign = Database(f"sqlite:///{tmp_path}/foreign.db", "keys")
    foreign.migrate()
    with db.write() as tx, pytest.raises(KeyFileError, match="another installation"):
        Vault(WRAPPING, foreign, secrets.token_bytes).sweep(tx)
    foreign.close()
    assert opened(db, vault, person_id, "name") == {"name": "欧阳示例"}


def test_a_sweep_does_not_come_between_an_enrolments_key_and_its_rows(
    url: str, db: Database, vault: Vault, person_id: str
) -> None:
    """A worker that starts must not take the key of somebody who is just enrolling at another."""
    starting = Database(url, "main", patience_seconds=1)

    def sweep() -> list[str]:
        with starting.write() as tx:
            return vault.sweep(tx)

    with db.write() as tx:
        vault.seal(tx, person_id, {})
        with pytest.raises(StorageBusy):
            sweep()
        vault.seal(tx, person_id, {"name": "欧阳示例"})
    assert sweep() == []
    assert opened(db, vault, person_id, "name") == {"name": "欧阳示例"}
    starting.close()
