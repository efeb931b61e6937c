"""What people complained about, and when it was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "complaints",
        sa.Column("complaint_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("receipt_id", sa.Text, nullable=False, unique=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
    )
    op.create_index("ix_complaints_person_id", "complaints", ["person_id"])
