"""How far a cancellation has come, appeals against suspensions, and the notices an operator owes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
        sa.Column("suspended_at", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.UniqueConstraint("person_id", "suspended_at"),
    )
    op.create_table(
        "duties",
        sa.Column("duty_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id")),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_index("ix_duties_person_id", "duties", ["person_id"])
    op.create_table(
        "erasures",
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), primary_key=True, nullable=False),
        sa.Column("reference_digest", sa.LargeBinary, unique=True),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("erased_at", sa.BigInteger),
    )
