"""Documents that somebody had before: they get no net number of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "former_documents",
        sa.Column("digest", sa.LargeBinary, primary_key=True, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
    )
    op.create_index("ix_former_documents_person_id", "former_documents", ["person_id"])
