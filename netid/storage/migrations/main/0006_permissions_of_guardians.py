"""Children's wallets, and what guardians permit them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "child_wallets",
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), primary_key=True, nullable=False),
        sa.Column("thumbprint", sa.Text, primary_key=True, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "permissions",
        sa.Column("permission_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_permissions_person_id", "permissions", ["person_id"])
    op.create_index("ix_permissions_expires_at", "permissions", ["expires_at"])
