"""What relying parties are told, what a session led to, and a new subject at one of them alone."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables; sessions begin anew, with names that outlast a second sign-in."""
    # Each sector counts its own subjects. SQLite and PostgreSQL both drop a plain column by themselves.
    op.execute("ALTER TABLE persons DROP COLUMN generation")
    op.add_column("pairwise_subjects", sa.Column("ended_at", sa.BigInteger))
    _sessions()
    _messages()


def _sessions() -> None:
    op.drop_table("sessions")
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True, nullable=False),
        sa.Column("browser_digest", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
        sa.Column("proved", sa.Text, nullable=False),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    for column in ("session_id", "person_id", "expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    op.create_table(
        "session_relying_parties",
        sa.Column("session_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("client_id", sa.Text, primary_key=True, nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, sa.ForeignKey("persons.person_id"), nullable=False),
        sa.Column("receipt_id", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_messages_person_id", "messages", ["person_id"])
    op.create_index("ix_messages_state_due", "messages", ["state", "due_at"])
