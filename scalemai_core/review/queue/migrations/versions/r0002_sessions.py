"""Who is logged in, for all servers of one queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; nobody is logged in yet."""
    op.create_table(
        "review_sessions",
        sa.Column("session_hash", sa.String, primary_key=True),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("token_hash", sa.String),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("review_sessions_by_expiry", "review_sessions", ["expires"])
