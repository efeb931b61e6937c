"""Status lists, and the entry that each long-lived copy of a net credential has in one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "status_lists",
        sa.Column("list_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("last_expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "copies",
        sa.Column(
            "list_id", sa.Text, sa.ForeignKey("status_lists.list_id"), primary_key=True, nullable=False
        ),
        sa.Column("idx", sa.Integer, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id")),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("previous", sa.Integer, nullable=False),
        sa.Column("shown_from", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_copies_person_id", "copies", ["person_id"])
