"""The first tables: people, relying parties, sign-ins, consents and the audit."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them all."""
    _people()
    _applications()
    _relying_parties()
    _sign_ins()
    _secrets()
    _receipts()
    _audit()


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null)


def _blob(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary, nullable=null)


def _instant(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _counter() -> sa.Column[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("sequence", kind, nullable=False, autoincrement=True)


def _key(*names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names)


def _refers(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target])


def _index(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column])


def _people() -> None:
    op.create_table(
        "persons",
        _text("person_id"),
        _text("status"),
        _blob("net_number_digest", null=True),
        _blob("document_digest", null=True),
        _text("passcode_hash", null=True),
        _number("generation"),
        _text("guardian_id", null=True),
        _text("suspension", null=True),
        _instant("created_at"),
        _instant("cancelled_at", null=True),
        _key("person_id"),
        sa.UniqueConstraint("net_number_digest"),
        sa.UniqueConstraint("document_digest"),
        _refers("guardian_id", "persons.person_id"),
    )
    op.create_table(
        "vault",
        _text("person_id"),
        _text("field"),
        _blob("sealed"),
        _key("person_id", "field"),
        _refers("person_id", "persons.person_id"),
    )
    op.create_table(
        "personas",
        _text("persona_id"),
        _text("person_id"),
        _key("persona_id"),
        sa.UniqueConstraint("person_id"),
        _refers("person_id", "persons.person_id"),
    )


def _applications() -> None:
    op.create_table(
        "applications",
        _blob("digest"),
        _blob("browser_digest"),
        _blob("sealed"),
        _instant("expires_at"),
        _key("digest"),
    )
    _index("applications", "expires_at")


def _relying_parties() -> None:
    op.create_table(
        "sectors", _text("sector"), _text("legal_entity"), _key("sector"), sa.UniqueConstraint("legal_entity")
    )
    op.create_table(
        "relying_parties",
        _text("client_id"),
        _text("registration"),
        _blob("version"),
        _text("sector"),
        _instant("registered_at"),
        _key("client_id"),
        _refers("sector", "sectors.sector"),
    )
    op.create_table(
        "pairwise_subjects",
        _text("person_id"),
        _text("sector"),
        _number("generation"),
        _text("subject"),
        _key("person_id", "sector", "generation"),
        sa.UniqueConstraint("subject"),
        _refers("person_id", "persons.person_id"),
    )


def _sign_ins() -> None:
    op.create_table(
        "interactions",
        _blob("digest"),
        _blob("browser_digest"),
        _text("request"),
        _text("state"),
        _instant("expires_at"),
        _instant("finished_at", null=True),
        _key("digest"),
    )
    _index("interactions", "expires_at")
    op.create_table(
        "sessions",
        _blob("digest"),
        _blob("browser_digest"),
        _text("person_id"),
        _text("proved"),
        _instant("auth_time"),
        _instant("expires_at"),
        _instant("ended_at", null=True),
        _key("digest"),
        _refers("person_id", "persons.person_id"),
    )
    _index("sessions", "person_id")
    _index("sessions", "expires_at")
    op.create_table(
        "browser_people",
        _blob("browser_digest"),
        _text("person_id"),
        _instant("added_at"),
        _key("browser_digest", "person_id"),
        _refers("person_id", "persons.person_id"),
    )
    _index("browser_people", "person_id")


def _secrets() -> None:
    op.create_table(
        "single_use",
        _text("kind"),
        _blob("digest"),
        _text("payload"),
        _instant("expires_at"),
        _instant("consumed_at", null=True),
        _key("kind", "digest"),
    )
    _index("single_use", "expires_at")
    op.create_table(
        "access_tokens",
        _blob("digest"),
        _blob("code_digest"),
        _text("client_id"),
        _text("person_id"),
        _text("receipt_id", null=True),
        _text("grant"),
        _instant("expires_at"),
        _instant("revoked_at", null=True),
        _key("digest"),
        _refers("person_id", "persons.person_id"),
    )
    _index("access_tokens", "code_digest")
    _index("access_tokens", "expires_at")
    op.create_index("ix_access_tokens_person_client", "access_tokens", ["person_id", "client_id"])
    op.create_table(
        "throttle",
        _blob("key_digest"),
        _number("failures"),
        _instant("next_attempt_at"),
        _key("key_digest"),
    )
    _index("throttle", "next_attempt_at")


def _receipts() -> None:
    op.create_table(
        "receipts",
        _text("receipt_id"),
        _text("person_id"),
        _text("client_id"),
        _text("purpose", null=True),
        _text("action"),
        _instant("decided_at"),
        _instant("expires_at", null=True),
        _instant("withdrawn_at", null=True),
        _number("sequence"),
        _text("content"),
        _text("record"),
        _text("previous_hash"),
        _text("record_hash"),
        _key("receipt_id"),
        sa.UniqueConstraint("person_id", "sequence"),
        _refers("person_id", "persons.person_id"),
    )
    op.create_index("ix_receipts_person_client", "receipts", ["person_id", "client_id"])


def _audit() -> None:
    op.create_table(
        "audit_events",
        _counter(),
        _instant("at"),
        _text("kind"),
        _text("person_id", null=True),
        _text("client_id", null=True),
        _text("receipt_id", null=True),
        _text("details"),
        _key("sequence"),
        sqlite_autoincrement=True,
    )
    _index("audit_events", "person_id")
    op.create_table(
        "audit_seals",
        _counter(),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        _blob("rows"),
        _blob("hash"),
        _instant("at"),
        _key("sequence"),
        sqlite_autoincrement=True,
    )
    op.create_table("instance", _text("name"), _text("value"), _key("name"))
